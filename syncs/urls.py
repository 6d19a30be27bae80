from __future__ import annotations

from django.urls import path

from syncs.views import attention, home, records, runs
from syncs.views import syncs as views

app_name = "syncs"
urlpatterns = [
    path("syncs/", home.syncs, name="list"),
    path("syncs/new/", views.choose, name="choose"),
    path("syncs/new/<slug:integration>/", views.create, name="create"),
    path("syncs/<int:sync_id>/", views.detail, name="sync"),
    path("syncs/<int:sync_id>/settings/", views.settings, name="settings"),
    path("syncs/<int:sync_id>/pause/", views.pause, name="pause"),
    path("syncs/<int:sync_id>/resume/", views.resume, name="resume"),
    path("syncs/<int:sync_id>/run/", views.run, name="run-now"),
    path("syncs/<int:sync_id>/backfill/", views.backfill, name="backfill"),
    path("syncs/<int:sync_id>/flows/<slug:key>/", views.flow, name="flow"),
    path("syncs/<int:sync_id>/flows/<slug:key>/switch/", views.switch, name="switch"),
    path("syncs/<int:sync_id>/runs/", runs.index, name="runs"),
    path("runs/<int:run_id>/", runs.detail, name="run"),
    path("runs/<int:run_id>/cancel/", runs.cancel, name="cancel"),
    path("runs/<int:run_id>/replay/", runs.replay, name="replay-run"),
    path("records/", records.index, name="records"),
    path("records/find/", records.find, name="find"),
    path("records/<int:record_id>/", records.story, name="record"),
    path("records/<int:record_id>/replay/", records.replay, name="replay"),
    path("records/<int:record_id>/decide/", records.decide, name="decide"),
    path("records/<int:record_id>/confirm/", records.confirm, name="confirm"),
    path("attention/", attention.causes, name="attention"),
    path("attention/<int:flow_id>/replay/", attention.replay, name="replay-cause"),
    path("drafts/", attention.drafts, name="drafts"),
    path("drafts/confirm/", attention.confirm, name="confirm-drafts"),
]
