"""Integrations, syncs and flows over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import exceptions, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from connections.models import Connection
from mlconnector.api_views import TenantViewSet, conflicts, nested
from mlconnector.tenants.permissions import Action
from syncs import catalogue, record_selectors, selectors, services
from syncs.api.answers import RUN_LOCATION, new_or_active, replayed
from syncs.api.filters import SyncFilter
from syncs.api.serializers import (
    ConfirmSerializer,
    FlowChangeSerializer,
    FlowSerializer,
    IntegrationSerializer,
    NewRunSerializer,
    NewSyncSerializer,
    ReplayedSerializer,
    ReplaySerializer,
    RunSerializer,
    SyncChangeSerializer,
    SyncSerializer,
    TwinsSerializer,
)
from syncs.models import Flow, Record, Run, Sync

LOCATION = OpenApiParameter(
    "Location", OpenApiTypes.URI, OpenApiParameter.HEADER, description="Where it is.", response=[201]
)


@extend_schema_view(
    list=extend_schema(summary="What can be synced, with flows and their options", tags=["syncs"]),
    retrieve=extend_schema(summary="One integration", tags=["syncs"]),
)
class IntegrationViewSet(TenantViewSet):
    needs = Action.VIEW
    serializer_class = IntegrationSerializer
    pagination_class = None
    filter_backends = ()
    lookup_field = "key"
    lookup_value_regex = "[a-z_]{1,40}"

    def list(self, request: Request) -> Response:
        return Response(IntegrationSerializer(catalogue.all_integrations(), many=True).data)

    def retrieve(self, request: Request, key: str) -> Response:
        try:
            return Response(IntegrationSerializer(catalogue.get(key)).data)
        except KeyError:
            raise exceptions.NotFound(f"There is no integration '{key}'. /integrations/ lists them.") from None


@extend_schema_view(
    list=extend_schema(summary="Syncs", tags=["syncs"]), retrieve=extend_schema(summary="One sync", tags=["syncs"])
)
class SyncViewSet(TenantViewSet):
    noun = "sync"
    needs = {
        "pause": Action.RUN,
        "resume": Action.RUN,
        "run": Action.RUN,
        "replay": Action.REPLAY,
        "confirm": Action.CONFIRM,
    }
    conflicts = ("run", "replay", "confirm")
    queryset = Sync.objects.all()
    serializer_class = SyncSerializer
    filterset_class = SyncFilter

    def rows(self) -> QuerySet[Sync]:
        found: QuerySet[Sync] = selectors.syncs_of(self.tenant)
        return found

    def list(self, request: Request) -> Response:
        return self.page_of()

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(SyncSerializer(self.get_object()).data)

    @extend_schema(
        summary="Create a sync",
        description="All flows enabled, paused: set the flows' options, then `resume` or `run`.",
        request=NewSyncSerializer,
        responses={201: SyncSerializer},
        parameters=[LOCATION],
        examples=[
            OpenApiExample(
                integration.label, {"integration": integration.key, "source": 3, "destination": 4}, request_only=True
            )
            for integration in catalogue.all_integrations()
        ],
        tags=["syncs"],
    )
    def create(self, request: Request) -> Response:
        given = NewSyncSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        for side in ("source", "destination"):
            values[side] = self._connection(side, values[side])
        sync = services.create_sync(self.tenant, actor=self.actor, **values)
        location = reverse("api:sync-detail", [sync.pk], request=request)
        return Response(SyncSerializer(sync).data, status.HTTP_201_CREATED, headers={"Location": location})

    def _connection(self, field: str, pk: int) -> Connection:
        connection = Connection.objects.for_tenant(self.tenant).filter(pk=pk).first()
        if connection is None:
            raise exceptions.ValidationError({field: ["There is no such connection."]})
        return connection

    @extend_schema(
        summary="Change name, cadence or start date",
        request=SyncChangeSerializer,
        responses=SyncSerializer,
        tags=["syncs"],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        sync = self.get_object()
        given = SyncChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        if given.validated_data:
            services.update_sync(sync, actor=self.actor, **given.validated_data)
        return Response(SyncSerializer(sync).data)

    @extend_schema(summary="Take a sync off its schedule", request=None, responses=SyncSerializer, tags=["syncs"])
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        sync = self.get_object()
        if not sync.paused:
            services.pause(sync, actor=self.actor)
        return Response(SyncSerializer(sync).data)

    @extend_schema(
        summary="Put a sync on its schedule",
        description="The first run is due at once. Repeating changes nothing.",
        request=None,
        responses=SyncSerializer,
        tags=["syncs"],
    )
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        sync = self.get_object()
        if sync.paused:
            services.resume(sync, actor=self.actor)
        return Response(SyncSerializer(sync).data)

    @extend_schema(
        summary="Run now",
        description="202 with the new run, or 200 with the one that is active already: a retried request starts no "
        "second run. Watch it at its `Location`. 409 while a connection needs attention, and for a backfill while a "
        "run is active.",
        request=NewRunSerializer,
        responses={202: RunSerializer, 200: RunSerializer},
        parameters=[RUN_LOCATION],
        tags=["runs"],
    )
    @action(detail=True, methods=["post"])
    def run(self, request: Request, pk: str) -> Response:
        sync = self.get_object()
        given = NewRunSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        program = self.actor.startswith("program:")
        backfill = given.validated_data.get("backfill_from")
        trigger = Run.Trigger.PROGRAM if program else Run.Trigger.PERSON
        latest = sync.runs.order_by("-pk").values_list("pk", flat=True).first() or 0
        with conflicts():
            run = services.run_now(
                sync,
                actor=self.actor,
                trigger=Run.Trigger.BACKFILL if backfill else trigger,
                backfill_from=backfill,
            )
        return new_or_active(self, run, new=run.pk > latest)

    @extend_schema(
        summary="Replay records, or all of one cause",
        description="Reads them again at the source and sends them the same way as any run. Repeating is harmless: "
        "what is delivered as it stands ends as unchanged. 200 and no run if there are none.",
        request=ReplaySerializer,
        responses={202: ReplayedSerializer, 200: ReplayedSerializer},
        parameters=[RUN_LOCATION],
        examples=[OpenApiExample("A cause", {"error_code": "customer_missing", "flow": "invoices"}, request_only=True)],
        tags=["records"],
    )
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        sync = self.get_object()
        given = ReplaySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        code, flow = given.validated_data.get("error_code", ""), given.validated_data.get("flow", "")
        records = services.by_cause(sync, code, flow) if code else self._named(sync, given.validated_data["records"])
        with conflicts():
            number, run = services.replay(records, sync=sync, actor=self.actor, cause=code)
        return replayed(self, number, run)

    @extend_schema(
        summary="Names that the destination has more than once",
        description="Among its own records, as far as they have been listed. Merge those that are one company there.",
        responses=TwinsSerializer(many=True),
        tags=["syncs"],
    )
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=())
    def twins(self, request: Request, pk: str) -> Response:
        return Response(TwinsSerializer(record_selectors.twins(self.get_object()), many=True).data)

    @extend_schema(
        summary="Confirm invoices",
        description="Finance's word that these invoices may leave draft: the named records, or all drafts of the sync. "
        "They open in the run that starts now. What is confirmed already is not counted again.",
        request=ConfirmSerializer,
        responses={202: ReplayedSerializer, 200: ReplayedSerializer},
        parameters=[RUN_LOCATION],
        examples=[OpenApiExample("All drafts", {"all": True}, request_only=True)],
        tags=["records"],
    )
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        sync = self.get_object()
        given = ConfirmSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        ids = given.validated_data.get("records")
        records = self._named(sync, ids) if ids else record_selectors.drafts(self.tenant, sync)
        with conflicts():
            number, run = services.confirm(records, sync=sync, actor=self.actor)
        return replayed(self, number, run)

    def _named(self, sync: Sync, ids: Sequence[int]) -> QuerySet[Record]:
        records = Record.objects.for_tenant(self.tenant).filter(flow__sync=sync, pk__in=ids)
        found: set[int] = set(records.values_list("pk", flat=True))
        absent = sorted(set(ids) - found)
        if absent:
            text = f"This sync has no such records: {', '.join(map(str, absent[:20]))}."
            raise exceptions.ValidationError({"records": [text]})
        return records


@extend_schema_view(
    list=extend_schema(summary="The flows of a sync, in the order in which they run", tags=["syncs"]),
    retrieve=extend_schema(summary="One flow", tags=["syncs"]),
)
class FlowViewSet(TenantViewSet):
    noun = "flow"
    queryset = Flow.objects.all()
    serializer_class = FlowSerializer
    pagination_class = None
    filter_backends = ()
    lookup_field = "key"

    def rows(self) -> QuerySet[Flow]:
        sync_id = self.kwargs["sync_id"]
        if not Sync.objects.for_tenant(self.tenant).filter(pk=sync_id).exists():
            raise exceptions.NotFound(f"There is no sync {sync_id} in this workspace.")
        return Flow.objects.for_tenant(self.tenant).filter(sync_id=sync_id).select_related("sync").order_by("pk")

    def list(self, request: Request, sync_id: int) -> Response:
        return Response(FlowSerializer(self.get_queryset(), many=True).data)

    def retrieve(self, request: Request, sync_id: int, key: str) -> Response:
        return Response(FlowSerializer(self.get_object()).data)

    @extend_schema(
        summary="Switch a flow on or off, set its options",
        description="`/integrations/` lists the options. Changed options apply to what is there already, too.",
        request=FlowChangeSerializer,
        responses=FlowSerializer,
        examples=[
            OpenApiExample("Finance confirms here", {"options": {"confirmation": "here"}}, request_only=True),
            OpenApiExample("Switch it off", {"enabled": False}, request_only=True),
        ],
        tags=["syncs"],
    )
    def partial_update(self, request: Request, sync_id: int, key: str) -> Response:
        flow = self.get_object()
        given = FlowChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        options: Mapping[str, Any] = given.validated_data.get("options") or {}
        if given.validated_data:
            with nested(options=set(options)):
                services.set_flow(flow, actor=self.actor, **given.validated_data)
        return Response(FlowSerializer(flow).data)
