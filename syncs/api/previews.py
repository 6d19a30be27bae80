"""Previews over HTTP: ask what a run would do, read it, approve it or not."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import exceptions, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from mlconnector.api import KeysetPagination
from mlconnector.api_filters import LARGEST_ID, IdFilter
from mlconnector.api_schema import StrictSerializer
from mlconnector.api_views import TenantViewSet, conflicts
from mlconnector.tenants.permissions import Action, require
from syncs import selectors
from syncs.api.answers import RUN_LOCATION, where
from syncs.api.mapping import OwnFieldSerializer
from syncs.api.serializers import OptionValue, RunSerializer
from syncs.models import Preview, PreviewEntry
from syncs.money import text, tidy
from syncs.previewing import previews
from syncs.previewing import selectors as preview_selectors
from syncs.previewing.proposals import KINDS, MOST_RECORDS
from syncs.previewing.selectors import WOULD

LOCATION = OpenApiParameter(
    "Location",
    OpenApiTypes.URI,
    OpenApiParameter.HEADER,
    description="The preview: read it again until it is `ready` or `failed`.",
    response=[202],
)


class PreviewSerializer(serializers.ModelSerializer[Preview]):
    """``totals``: by flow and outcome, `number` of records and `money` by currency (text).

    ``obstacle``: why it may not be approved any more, empty where it may.
    """

    obstacle = serializers.SerializerMethodField()
    totals = serializers.JSONField(read_only=True)
    proposal = serializers.JSONField(read_only=True)

    class Meta:
        model = Preview
        fields = (
            "id", "sync", "kind", "proposal", "status", "requested_by", "created_at", "finished_at", "error_text",
            "obstacle", "totals",
        )  # fmt: skip
        read_only_fields = fields

    def get_obstacle(self, preview: Preview) -> str:
        return previews.obstacle(preview)


class PreviewEntrySerializer(serializers.ModelSerializer[PreviewEntry]):
    """``detail`` is like that of the trail: `before` and `after` of what would change, `sent`, `text`."""

    amount = serializers.SerializerMethodField()
    detail = serializers.SerializerMethodField()

    class Meta:
        model = PreviewEntry
        fields = ("id", "flow", "source_key", "title", "outcome", "error_code", "amount", "currency", "detail")
        read_only_fields = fields

    def get_amount(self, entry: PreviewEntry) -> str | None:
        return None if entry.amount is None else text(tidy(entry.amount, entry.currency))

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_detail(self, entry: PreviewEntry) -> Any:
        return preview_selectors.detail_of(entry)


class NewPreviewSerializer(StrictSerializer):
    """``flow`` goes with `options` and `mapping`; of ``records``, ``error_code`` and ``run`` one with `replay`."""

    sync = serializers.IntegerField(min_value=1, max_value=LARGEST_ID, help_text="A sync's ID.")
    kind = serializers.ChoiceField(choices=Preview.Kind.choices, default=Preview.Kind.RUN)
    flow = serializers.CharField(required=False, max_length=40)
    options = serializers.DictField(
        child=OptionValue(), required=False, help_text="As in the flow itself; those left out stay."
    )
    mapping = OwnFieldSerializer(many=True, required=False, help_text="All fields of your own, as in the flow itself.")
    records = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID), required=False, max_length=MOST_RECORDS
    )
    error_code = serializers.CharField(required=False, max_length=60)
    run = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)

    def proposal(self) -> dict[str, Any]:
        given = {name: value for name, value in self.validated_data.items() if name not in ("sync", "kind")}
        if "error_code" in given:
            given["cause"] = given.pop("error_code")
        if "mapping" in given:
            given["overrides"] = {"fields": given.pop("mapping")}
        return given


class PreviewFilter(filters.FilterSet):
    sync = IdFilter(field_name="sync_id", label="Previews of this sync.")
    status = filters.ChoiceFilter(choices=Preview.Status.choices)

    class Meta:
        model = Preview
        fields: list[Any] = []


class PreviewEntryFilter(filters.FilterSet):
    flow = filters.CharFilter(label="Like `invoices`.")
    outcome = filters.ChoiceFilter(choices=[(outcome, words) for outcome, words in WOULD.items()])

    class Meta:
        model = PreviewEntry
        fields: list[Any] = []


class EntryPagination(KeysetPagination):
    ordering = "id"


class PreviewViewSet(TenantViewSet):
    noun = "preview"
    needs = {"create": Action.RUN, "approve": Action.RUN, "discard": Action.RUN}
    conflicts = ("create", "approve", "discard")
    queryset = Preview.objects.all()
    serializer_class = PreviewSerializer
    filterset_class = PreviewFilter

    def rows(self) -> QuerySet[Preview]:
        return preview_selectors.previews_of(self.tenant)

    @extend_schema(summary="Previews, newest first", tags=["previews"])
    def list(self, request: Request) -> Response:
        return self.page_of()

    @extend_schema(summary="One preview: poll it until it is `ready` or `failed`", tags=["previews"])
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(PreviewSerializer(self.get_object()).data)

    @extend_schema(
        summary="Find out what a run would do",
        description="Both systems are read and every record is worked out as in a run; nothing is written. `run` asks "
        "about the next run, `options` and `mapping` about it after a change, `replay` about sending records through "
        "again. 409 while another preview of the sync is being worked out. It takes the role that the change itself "
        "takes.",
        request=NewPreviewSerializer,
        responses={202: PreviewSerializer},
        parameters=[LOCATION],
        examples=[
            OpenApiExample("The next run", {"sync": 1}, request_only=True),
            OpenApiExample(
                "Changed options",
                {"sync": 1, "kind": "options", "flow": "invoices", "options": {"paid": "leave"}},
                request_only=True,
            ),
        ],
        tags=["previews"],
    )
    def create(self, request: Request) -> Response:
        given = NewPreviewSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        kind = given.validated_data["kind"]
        require(request.role, KINDS[kind].action)  # type: ignore[attr-defined]
        sync = selectors.syncs_of(self.tenant).filter(pk=given.validated_data["sync"]).first()
        if sync is None:
            raise exceptions.ValidationError({"sync": ["There is no such sync."]})
        with conflicts():
            preview = previews.start(sync, kind=kind, proposal=given.proposal(), actor=self.actor)
        address = reverse("api:preview-detail", [preview.pk], request=request)
        return Response(PreviewSerializer(preview).data, status.HTTP_202_ACCEPTED, headers={"Location": address})

    @extend_schema(
        summary="What would become of the records",
        description="Kept for the newest previews of a sync. Unchanged records are only counted.",
        responses=PreviewEntrySerializer(many=True),
        tags=["previews"],
    )
    @action(
        detail=True,
        methods=["get"],
        queryset=PreviewEntry.objects.all(),
        filterset_class=PreviewEntryFilter,
        pagination_class=EntryPagination,
        serializer_class=PreviewEntrySerializer,
    )
    def entries(self, request: Request, pk: str) -> Response:
        self.refuse_unknown_parameters()
        page = self.paginate_queryset(self.filter_queryset(self.get_object().entries.all()))
        return self.get_paginated_response(PreviewEntrySerializer(page, many=True).data)

    @extend_schema(
        summary="Approve a preview: apply what was proposed and start the run",
        description="409 if it is not ready, if it is more than a day old, or if the settings changed since.",
        request=None,
        responses={202: RunSerializer},
        parameters=[RUN_LOCATION],
        tags=["previews"],
    )
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        preview = self.get_object()
        require(request.role, KINDS[preview.kind].action)  # type: ignore[attr-defined]
        with conflicts():
            run = previews.approve(preview, actor=self.actor)
        return Response(RunSerializer(run).data, status.HTTP_202_ACCEPTED, headers=where(self, run))

    @extend_schema(
        summary="Discard a preview",
        description="Stops it if it is still being worked out. Nothing was changed by it. 409 if it was approved.",
        request=None,
        responses=PreviewSerializer,
        tags=["previews"],
    )
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, pk: str) -> Response:
        preview = self.get_object()
        if preview.status != Preview.Status.DISCARDED:
            with conflicts():
                previews.discard(preview, actor=self.actor)
        return Response(PreviewSerializer(preview).data)
