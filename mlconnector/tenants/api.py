"""Who am I: the first call of any program."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from mlconnector.api_views import TenantView
from mlconnector.tenants.models import Role, Tenant
from mlconnector.tenants.permissions import GRANTS, Action


class TenantSerializer(serializers.ModelSerializer[Tenant]):
    class Meta:
        model = Tenant
        fields = ("id", "name", "time_zone", "created_at")


class MeSerializer(serializers.Serializer[Any]):
    tenant = TenantSerializer()
    actor = serializers.CharField(help_text="The name under which the audit trail knows the caller.")
    role = serializers.ChoiceField(choices=Role.choices)
    may = serializers.ListField(child=serializers.ChoiceField(choices=[action.value for action in Action]))


_EXAMPLE = OpenApiExample(
    "A finance key",
    {
        "tenant": {"id": 7, "name": "Meridian Trading", "time_zone": "UTC", "created_at": "2026-03-01T09:00:00Z"},
        "actor": "program:Zx81kQ2p",
        "role": "finance",
        "may": ["confirm", "decide", "replay", "run", "view"],
    },
    response_only=True,
)


class MeView(TenantView):
    needs = Action.VIEW

    @extend_schema(
        operation_id="me",
        summary="Who am I, and what may I do",
        responses=MeSerializer,
        examples=[_EXAMPLE],
        tags=["me"],
    )
    def get(self, request: Request) -> Response:
        role = request.role  # type: ignore[attr-defined]
        me = {"tenant": self.tenant, "actor": self.actor, "role": role, "may": sorted(GRANTS[role])}
        return Response(MeSerializer(me).data)
