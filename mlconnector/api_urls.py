"""Every address of the API, version 1."""

from __future__ import annotations

from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from audit.api import AuditViewSet
from connections.api import ConnectionViewSet, ConnectorViewSet
from mlconnector.api_views import NowhereView
from mlconnector.tenants.api import MeView
from syncs.api.mapping import MappingViewSet
from syncs.api.previews import PreviewViewSet
from syncs.api.records import RecordViewSet
from syncs.api.reports import ReportViewSet
from syncs.api.runs import RunViewSet
from syncs.api.syncs import FlowViewSet, IntegrationViewSet, SyncViewSet

app_name = "api"

router = SimpleRouter()
router.register("connectors", ConnectorViewSet, "connector")
router.register("connections", ConnectionViewSet, "connection")
router.register("integrations", IntegrationViewSet, "integration")
router.register("syncs", SyncViewSet, "sync")
router.register("runs", RunViewSet, "run")
router.register("records", RecordViewSet, "record")
router.register("previews", PreviewViewSet, "preview")
router.register("reconciliations", ReportViewSet, "reconciliation")
router.register("audit", AuditViewSet, "audit")

urlpatterns = [
    path("me/", MeView.as_view(), name="me"),
    path("syncs/<int:sync_id>/flows/", FlowViewSet.as_view({"get": "list"}), name="flow-list"),
    path(
        "syncs/<int:sync_id>/flows/<slug:key>/",
        FlowViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="flow-detail",
    ),
    path(
        "syncs/<int:sync_id>/flows/<slug:key>/mapping/",
        MappingViewSet.as_view({"get": "retrieve", "put": "update"}),
        name="flow-mapping",
    ),
    *router.urls,
    re_path(r"", NowhereView.as_view(), name="nowhere"),
]
