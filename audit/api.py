"""The trail over HTTP: read it, and have it proved."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import exceptions, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit import proofs, selectors, services
from audit.filters import AuditFilter
from audit.models import AuditEntry, TrailCheck
from mlconnector.api import ConflictingState, KeysetPagination
from mlconnector.api_filters import LARGEST_ID
from mlconnector.api_views import TenantViewSet
from mlconnector.tenants.permissions import Action

HASH_LENGTH = 64
LONGEST_WAITED_FOR = 200_000


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """``detail`` holds any of: sent, answer, before, after, text, rule. The hashes chain the entries."""

    sync = serializers.IntegerField(source="sync_id", allow_null=True)
    run = serializers.IntegerField(source="run_id", allow_null=True)
    detail = serializers.SerializerMethodField()

    class Meta:
        model = AuditEntry
        fields = (
            "sequence",
            "at",
            "actor",
            "action",
            "outcome",
            "sync",
            "run",
            "flow",
            "source_ref",
            "source_version",
            "destination_ref",
            "error_code",
            "detail",
            "previous_hash",
            "hash",
        )
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_detail(self, entry: AuditEntry) -> Any:
        return json.loads(entry.detail)


class VerificationSerializer(serializers.Serializer[Any]):
    """``head`` is the hash of the last entry: note it with ``checked``, and later hand both in as an anchor."""

    ok = serializers.BooleanField()
    checked = serializers.IntegerField()
    first_bad_sequence = serializers.IntegerField(allow_null=True)
    text = serializers.CharField()
    head = serializers.CharField(allow_blank=True)


class TrailCheckSerializer(serializers.ModelSerializer[TrailCheck]):
    """``ok`` is null until it ends. ``state``: waiting, running, stopped (start it again) or done."""

    state = serializers.CharField()

    class Meta:
        model = TrailCheck
        fields = (
            "state", "requested_by", "created_at", "finished_at", "total", "checked", "ok", "first_bad_sequence",
            "text", "head",
        )  # fmt: skip
        read_only_fields = fields


class NewestCheckSerializer(serializers.Serializer[Any]):
    newest = TrailCheckSerializer(allow_null=True, help_text="Null as long as none was started.")


class AnchorSerializer(serializers.Serializer[Any]):
    sequence = serializers.IntegerField(min_value=1, max_value=LARGEST_ID, required=False)
    hash = serializers.RegexField(f"^[0-9a-f]{{{HASH_LENGTH}}}$", required=False)


_PROVED = OpenApiExample(
    "Unbroken",
    {
        "ok": True,
        "checked": 4711,
        "first_bad_sequence": None,
        "text": "4711 entries, unbroken.",
        "head": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    },
    response_only=True,
)


class TrailPagination(KeysetPagination):
    ordering = "-sequence"


class AuditViewSet(TenantViewSet):
    """Nothing here changes the trail; nothing anywhere does."""

    noun = "audit entry"
    needs = Action.VIEW
    heavy = ("verify", "start_check")
    conflicts = ("verify",)
    query_checked = ("verify",)
    queryset = AuditEntry.objects.all()
    serializer_class = AuditEntrySerializer
    filterset_class = AuditFilter
    pagination_class = TrailPagination
    lookup_field = "sequence"

    def rows(self) -> QuerySet[AuditEntry]:
        return selectors.entries(self.tenant.pk)

    @extend_schema(summary="The audit trail, newest first", tags=["audit"])
    def list(self, request: Request) -> Response:
        return self.page_of()

    @extend_schema(summary="One entry", tags=["audit"])
    def retrieve(self, request: Request, sequence: str) -> Response:
        return Response(AuditEntrySerializer(self.get_object()).data)

    @extend_schema(
        summary="The newest check of the trail",
        responses=NewestCheckSerializer,
        filters=False,
        tags=["audit"],
    )
    @action(detail=False, methods=["get"], pagination_class=None)
    def check(self, request: Request) -> Response:
        return Response(NewestCheckSerializer({"newest": proofs.newest(self.tenant.pk)}).data)

    @extend_schema(
        operation_id="audit_check_start",
        summary="Have the trail checked in the background",
        description="For trails of any length. The one that is on its way, if there is one.",
        request=None,
        responses={202: TrailCheckSerializer},
        tags=["audit"],
    )
    @check.mapping.post
    def start_check(self, request: Request) -> Response:
        return Response(TrailCheckSerializer(proofs.start(self.tenant.pk, actor=self.actor)).data, 202)

    @extend_schema(
        summary="Prove that nobody rewrote the trail",
        description="Walks the whole chain while you wait: up to 200,000 entries, 409 beyond; `/audit/check/` takes "
        "longer ones. With an anchor noted earlier, a rewriting of the whole chain is found too.",
        parameters=[AnchorSerializer],
        responses=VerificationSerializer,
        filters=False,
        examples=[_PROVED],
        tags=["audit"],
    )
    @action(detail=False, methods=["get"], pagination_class=None)
    def verify(self, request: Request) -> Response:
        given = AnchorSerializer(data=request.query_params)
        given.is_valid(raise_exception=True)
        anchor = given.validated_data
        if len(anchor) == 1:
            missing = "hash" if "sequence" in anchor else "sequence"
            raise exceptions.ValidationError(
                {missing: ["An anchor is a sequence and its hash: give both, or neither."]}
            )
        if (length := selectors.end(self.tenant.pk)) > LONGEST_WAITED_FOR:
            raise ConflictingState(
                f"The trail has {length:,} entries: too many to wait for. POST to /audit/check/ checks them in the "
                "background."
            )
        pair = (anchor["sequence"], anchor["hash"]) if anchor else None
        return Response(VerificationSerializer(services.verify(self.tenant.pk, anchor=pair)).data)
