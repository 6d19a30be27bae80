"""Records over HTTP."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mlconnector.api_views import conflicts
from mlconnector.tenants.permissions import Action
from syncs import both_sides, services
from syncs.api.answers import RUN_LOCATION, replayed
from syncs.api.both_sides_serializers import BothSidesSerializer
from syncs.api.care import NEEDS, CareActions
from syncs.api.filters import RecordFilter
from syncs.api.serializers import DecisionSerializer, RecordDetailSerializer, RecordSerializer, ReplayedSerializer
from syncs.models import Record


@extend_schema_view(
    list=extend_schema(summary="Records, newest first", tags=["records"]),
    retrieve=extend_schema(
        summary="One record",
        description="Its story is in `/audit/` with its sync, flow and source key.",
        responses=RecordDetailSerializer,
        tags=["records"],
    ),
)
class RecordViewSet(CareActions):
    noun = "record"
    needs = {"replay": Action.REPLAY, "confirm": Action.CONFIRM, "decide": Action.DECIDE, **NEEDS}
    conflicts = ("replay", "confirm", "decide", "set_aside", "take_back", "withdraw")
    heavy = ("now", "withdraw")
    queryset = Record.objects.all()
    serializer_class = RecordSerializer
    filterset_class = RecordFilter

    def rows(self) -> QuerySet[Record]:
        return Record.objects.for_tenant(self.tenant).select_related("flow__sync")

    def list(self, request: Request) -> Response:
        return self.page_of()

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(RecordDetailSerializer(self.get_object()).data)

    @extend_schema(
        summary="One record as both systems have it now",
        description="Asks both systems and compares them field by field. What they refuse, or that they do not answer, "
        "is said in `text`. Nothing is written.",
        responses=BothSidesSerializer,
        tags=["records"],
    )
    @action(detail=True)
    def now(self, request: Request, pk: str) -> Response:
        return Response(BothSidesSerializer(both_sides.look(self.get_object())).data)

    @extend_schema(
        summary="Replay one record",
        request=None,
        responses={202: ReplayedSerializer, 200: ReplayedSerializer},
        parameters=[RUN_LOCATION],
        tags=["records"],
    )
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        record, one = self._one()
        with conflicts():
            number, run = services.replay(one, sync=record.flow.sync, actor=self.actor, ask_again=True)
        return replayed(self, number, run)

    @extend_schema(
        summary="Confirm one invoice",
        description="200 and no run if it is confirmed already.",
        request=None,
        responses={202: ReplayedSerializer, 200: ReplayedSerializer},
        parameters=[RUN_LOCATION],
        tags=["records"],
    )
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        record, one = self._one()
        with conflicts():
            number, run = services.confirm(one, sync=record.flow.sync, actor=self.actor)
        return replayed(self, number, run)

    @extend_schema(
        summary="Decide a held match",
        description="Which of the candidates this record is, that it is none of them, or that it is to be left out.",
        request=DecisionSerializer,
        responses={202: ReplayedSerializer, 200: ReplayedSerializer},
        parameters=[RUN_LOCATION],
        examples=[
            OpenApiExample("It is this one", {"adopt": "18001"}, request_only=True),
            OpenApiExample("It is none of them", {"create": True}, request_only=True),
            OpenApiExample("It is to be left out", {"reject": True}, request_only=True),
        ],
        tags=["records"],
    )
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str) -> Response:
        record, _ = self._one()
        given = DecisionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = given.validated_data
        if [bool(values.get(name)) for name in ("adopt", "create", "reject")].count(True) != 1:
            raise serializers.ValidationError({"adopt": ["Give one of the candidates, create: true or reject: true."]})
        with conflicts():
            run = services.decide(record, actor=self.actor, **values)
        return replayed(self, 1, run)

    def _one(self) -> tuple[Record, QuerySet[Record]]:
        record: Record = self.get_object()
        return record, Record.objects.for_tenant(self.tenant).filter(pk=record.pk)
