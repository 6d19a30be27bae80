"""What is done about a record that did not arrive, over HTTP."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mlconnector.api import ConflictingState
from mlconnector.api_schema import StrictSerializer
from mlconnector.api_views import TenantViewSet, conflicts
from mlconnector.tenants.permissions import Action
from mlconnector.tenants.selectors import members_of
from syncs.api.serializers import RecordDetailSerializer
from syncs.attention import care, decisions
from syncs.models import Record

NEEDS = {
    "set_aside": Action.REPLAY,
    "take_back": Action.REPLAY,
    "assign": Action.REPLAY,
    "withdraw": Action.DECIDE,
}


class SetAsideSerializer(StrictSerializer):
    how = serializers.ChoiceField(choices=list(care.HOW.items()), help_text="`done`: it was done by hand over there.")
    reason = serializers.CharField(max_length=care.LONGEST_REASON, help_text="For whoever asks later.")


class AssignSerializer(StrictSerializer):
    member = serializers.EmailField(allow_null=True, help_text="A member's address; null: nobody any more.")


class CareActions(TenantViewSet):
    """Each answers with the record as it stands then."""

    @extend_schema(
        summary="Set a record aside",
        description="It does not need attention any more and is not tried until it changes in the source.",
        request=SetAsideSerializer,
        responses=RecordDetailSerializer,
        tags=["records"],
    )
    @action(detail=True, methods=["post"], url_path="set-aside")
    def set_aside(self, request: Request, pk: str) -> Response:
        record: Record = self.get_object()
        given = SetAsideSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return self._changed(
            record,
            care.set_aside(_alone(record), sync=record.flow.sync, actor=self.actor, **given.validated_data),
            "This record does not need attention.",
        )

    @extend_schema(
        summary="Take back that a record was set aside",
        request=None,
        responses=RecordDetailSerializer,
        tags=["records"],
    )
    @action(detail=True, methods=["post"], url_path="take-back")
    def take_back(self, request: Request, pk: str) -> Response:
        record: Record = self.get_object()
        number = care.take_back(_alone(record), sync=record.flow.sync, actor=self.actor)
        return self._changed(record, number, "This record is not set aside.")

    @extend_schema(
        summary="Give a record that needs attention to a member",
        request=AssignSerializer,
        responses=RecordDetailSerializer,
        tags=["records"],
    )
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        record: Record = self.get_object()
        given = AssignSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        email = given.validated_data["member"]
        membership = members_of(self.tenant).filter(user__email__iexact=email).first() if email else None
        if email and membership is None:
            raise serializers.ValidationError({"member": ["There is no such member in this workspace."]})
        user = membership.user if membership else None
        care.assign(_alone(record), user, sync=record.flow.sync, actor=self.actor)
        return self._answer(record)

    @extend_schema(
        summary="Take back the answer about a match",
        description="One that was carried out is undone: our key is taken off the record over there, and the question "
        "is open again. What was created anew is not undone.",
        request=None,
        responses=RecordDetailSerializer,
        tags=["records"],
    )
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        record: Record = self.get_object()
        with conflicts():
            decisions.withdraw(record, actor=self.actor)
        return self._answer(record)

    def _changed(self, record: Record, number: int, otherwise: str) -> Response:
        if not number:
            raise ConflictingState(otherwise)
        return self._answer(record)

    def _answer(self, record: Record) -> Response:
        return Response(RecordDetailSerializer(self.get_queryset().get(pk=record.pk)).data)


def _alone(record: Record) -> Any:
    return record.flow.records.filter(pk=record.pk)
