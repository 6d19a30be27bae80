"""Reconciliations over HTTP: ask for one, read its figures, walk what differs."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import exceptions, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from mlconnector.api import KeysetPagination
from mlconnector.api_filters import LARGEST_ID, IdFilter
from mlconnector.api_schema import StrictSerializer
from mlconnector.api_views import TenantViewSet, conflicts
from mlconnector.tenants.permissions import Action
from syncs import selectors
from syncs.models import Report, ReportLine
from syncs.money import text, tidy
from syncs.reporting import reports, words
from syncs.reporting import selectors as report_selectors

LOCATION = OpenApiParameter(
    "Location",
    OpenApiTypes.URI,
    OpenApiParameter.HEADER,
    description="The reconciliation: read it again until it is `ready` or `failed`.",
    response=[202],
)


class FigureSerializer(serializers.Serializer[Any]):
    """``month`` is like `2026-11`, empty where the records have no date. Totals are text."""

    what = serializers.CharField(help_text="Like `invoices`, `payments`, `open balance`.")
    month = serializers.CharField(allow_blank=True)
    currency = serializers.CharField(allow_blank=True)
    source_count = serializers.IntegerField()
    source_total = serializers.CharField()
    destination_count = serializers.IntegerField()
    destination_total = serializers.CharField()


class LeftOutSerializer(serializers.Serializer[Any]):
    what = serializers.CharField()
    rule = serializers.CharField()
    count = serializers.IntegerField()


class ReportSerializer(serializers.ModelSerializer[Report]):
    class Meta:
        model = Report
        fields: tuple[str, ...] = (
            "id", "sync", "status", "requested_by", "created_at", "started_at", "finished_at", "error_text"
        )  # fmt: skip
        read_only_fields = fields


class WholeReportSerializer(ReportSerializer):
    """``differences`` is how many records differ; /lines/ lists them."""

    differences = serializers.SerializerMethodField()
    figures = serializers.SerializerMethodField()
    left_out = serializers.SerializerMethodField()

    class Meta(ReportSerializer.Meta):
        fields = (*ReportSerializer.Meta.fields, "differences", "figures", "left_out")
        read_only_fields = fields

    def get_differences(self, report: Report) -> int:
        return int(report.figures.get("differences", 0))

    @extend_schema_field(FigureSerializer(many=True))
    def get_figures(self, report: Report) -> Any:
        return FigureSerializer(report.figures.get("rows", []), many=True).data

    @extend_schema_field(LeftOutSerializer(many=True))
    def get_left_out(self, report: Report) -> Any:
        return LeftOutSerializer(report_selectors.left_out(report), many=True).data


class ReportLineSerializer(serializers.ModelSerializer[ReportLine]):
    """An amount is null on the side that does not have the record in this month and currency."""

    source_amount = serializers.SerializerMethodField()
    destination_amount = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()

    class Meta:
        model = ReportLine
        fields = (
            "id", "what", "month", "currency", "title", "source_key", "destination_id", "source_amount",
            "destination_amount", "state", "reason", "record",
        )  # fmt: skip
        read_only_fields = fields

    def get_source_amount(self, line: ReportLine) -> str | None:
        return None if line.source_amount is None else text(tidy(line.source_amount, line.currency))

    def get_destination_amount(self, line: ReportLine) -> str | None:
        return None if line.destination_amount is None else text(tidy(line.destination_amount, line.currency))

    def get_state(self, line: ReportLine) -> str:
        return words.state(line, *self.context["sides"])

    def get_reason(self, line: ReportLine) -> str:
        return words.reason(line, self.context["report"])


class NewReportSerializer(StrictSerializer):
    sync = serializers.IntegerField(min_value=1, max_value=LARGEST_ID, help_text="A sync's ID.")


class ReportFilter(filters.FilterSet):
    sync = IdFilter(field_name="sync_id", label="Reconciliations of this sync.")
    status = filters.ChoiceFilter(choices=Report.Status.choices)

    class Meta:
        model = Report
        fields: list[Any] = []


class ReportLineFilter(filters.FilterSet):
    what = filters.CharFilter(label="Like `invoices`.")
    month = filters.CharFilter(label="Like `2026-11`.")

    class Meta:
        model = ReportLine
        fields: list[Any] = []


class LinePagination(KeysetPagination):
    ordering = "id"


class ReportViewSet(TenantViewSet):
    noun = "reconciliation"
    needs = {"create": Action.RUN}
    conflicts = ("create",)
    queryset = Report.objects.all()
    serializer_class = ReportSerializer
    filterset_class = ReportFilter

    def rows(self) -> QuerySet[Report]:
        return report_selectors.reports_of(self.tenant)

    @extend_schema(summary="Reconciliations, newest first", tags=["reconciliations"])
    def list(self, request: Request) -> Response:
        return self.page_of()

    @extend_schema(
        summary="One reconciliation with its figures: poll it until it is `ready` or `failed`",
        responses=WholeReportSerializer,
        tags=["reconciliations"],
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(WholeReportSerializer(self.get_object()).data)

    @extend_schema(
        summary="Compare both systems of a sync",
        description="Reads both from end to end in the background. 200 if one is on its way already.",
        request=NewReportSerializer,
        responses={202: WholeReportSerializer, 200: WholeReportSerializer},
        parameters=[LOCATION],
        tags=["reconciliations"],
    )
    def create(self, request: Request) -> Response:
        given = NewReportSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        sync = selectors.syncs_of(self.tenant).filter(pk=given.validated_data["sync"]).first()
        if sync is None:
            raise exceptions.ValidationError({"sync": ["There is no such sync."]})
        before = sync.reports.filter(status=Report.Status.RUNNING).values_list("pk", flat=True).first()
        with conflicts():
            report = reports.start(sync, actor=self.actor)
        code = status.HTTP_200_OK if report.pk == before else status.HTTP_202_ACCEPTED
        where = reverse("api:reconciliation-detail", [report.pk], request=request)
        return Response(WholeReportSerializer(report).data, code, headers={"Location": where})

    @extend_schema(
        summary="The records on which both sides differ",
        responses=ReportLineSerializer(many=True),
        tags=["reconciliations"],
    )
    @action(
        detail=True,
        methods=["get"],
        queryset=ReportLine.objects.all(),
        filterset_class=ReportLineFilter,
        pagination_class=LinePagination,
        serializer_class=ReportLineSerializer,
    )
    def lines(self, request: Request, pk: str) -> Response:
        self.refuse_unknown_parameters()
        report = report_selectors.report_of(self.tenant, self.get_object().pk)
        found = report_selectors.lines(report).select_related("record").defer("record__payload")
        page = self.paginate_queryset(self.filter_queryset(found))
        context = {"report": report, "sides": report_selectors.sides(report)}
        return self.get_paginated_response(ReportLineSerializer(page, many=True, context=context).data)
