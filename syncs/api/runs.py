"""Runs over HTTP."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mlconnector.api_views import TenantViewSet, conflicts
from mlconnector.tenants.permissions import Action
from syncs import services
from syncs.api.answers import RUN_LOCATION, replayed
from syncs.api.filters import RunFilter
from syncs.api.serializers import ReplayedSerializer, RunSerializer
from syncs.models import Run


@extend_schema_view(
    list=extend_schema(summary="Runs, newest first", tags=["runs"]),
    retrieve=extend_schema(summary="One run: poll it until `ended`", tags=["runs"]),
)
class RunViewSet(TenantViewSet):
    noun = "run"
    needs = {"cancel": Action.RUN, "replay": Action.REPLAY}
    conflicts = ("cancel", "replay")
    queryset = Run.objects.all()
    serializer_class = RunSerializer
    filterset_class = RunFilter

    def rows(self) -> QuerySet[Run]:
        return Run.objects.for_tenant(self.tenant).select_related("sync").prefetch_related("flow_runs__flow")

    def list(self, request: Request) -> Response:
        return self.page_of()

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(RunSerializer(self.get_object()).data)

    @extend_schema(
        summary="Cancel a run",
        description="A queued run ends at once, a running one at its next safe point. What is delivered stays. 409 if "
        "it has ended already, except by an earlier cancel.",
        request=None,
        responses=RunSerializer,
        tags=["runs"],
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        run = self.get_object()
        if run.status != Run.Status.CANCELLED and not run.cancel_requested:
            with conflicts():
                services.cancel(run, actor=self.actor)
        return Response(RunSerializer(self.get_object()).data)

    @extend_schema(
        summary="Replay a whole run",
        description="All records whose latest attempt was in this run. 200 and no run if there are none.",
        request=None,
        responses={202: ReplayedSerializer, 200: ReplayedSerializer},
        parameters=[RUN_LOCATION],
        tags=["runs"],
    )
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        run = self.get_object()
        with conflicts():
            number, started = services.replay(
                services.of_run(run), sync=run.sync, actor=self.actor, cause=f"run:{run.pk}"
            )
        return replayed(self, number, started)
