"""Setting up a sync, its flows, and what can be done with it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from connections.selectors import connections_of
from mlconnector.pages import TenantRequest, act, attach
from mlconnector.tenants.middleware import needs
from mlconnector.tenants.permissions import Action
from syncs import catalogue, record_selectors, selectors, services, setting_up
from syncs.models import Preview, Record, Run
from syncs.page_forms import BackfillForm, FlowForm, SettingsForm, SyncForm
from syncs.previewing import previews
from syncs.previewing import selectors as preview_selectors
from syncs.views.found import flow_named, sync_named

RUNS_SHOWN = 10


@needs(Action.CONFIGURE)
def choose(request: TenantRequest) -> HttpResponse:
    kinds = {connection.connector for connection in connections_of(request.tenant)}
    offers = [
        (one, *selectors.direction(one), one.source in kinds, one.destination in kinds)
        for one in catalogue.all_integrations()
    ]
    return render(request, "syncs/choose.html", {"offers": offers})


@needs(Action.CONFIGURE)
def create(request: TenantRequest, integration: str) -> HttpResponse:
    try:
        definition = catalogue.get(integration)
    except KeyError:
        raise Http404 from None
    form = SyncForm(
        request.POST or None,
        tenant=request.tenant,
        integration=definition,
        sides=selectors.direction(definition),
        initial={"name": definition.label, "every_minutes": definition.every_minutes},
    )
    if request.method == "POST" and form.is_valid():
        try:
            sync = services.create_sync(
                request.tenant, integration=definition.key, actor=request.actor, **form.cleaned_data
            )
        except ValidationError as error:
            attach(form, error)
        else:
            messages.success(request, f"{sync.name} is set up. Look at its flows, then start it.")
            return redirect("syncs:sync", sync.pk)
    context = {"form": form, "integration": definition}
    return render(request, "syncs/create.html", context, status=422 if form.errors else 200)


@needs(Action.VIEW)
def detail(request: TenantRequest, sync_id: int) -> HttpResponse:
    return _detail(request, sync_id)


def _detail(request: TenantRequest, sync_id: int, backfill: BackfillForm | None = None) -> HttpResponse:
    sync = sync_named(request, sync_id)
    runs, more = selectors.recent_runs(sync, size=RUNS_SHOWN)
    groups = record_selectors.causes(request.tenant, sync=sync)
    overview = selectors.SyncOverview(sync, runs[0].run if runs else None)
    for group in groups:
        overview.unsettled[group.status] = overview.unsettled.get(group.status, 0) + group.number
    never_started = sync.paused and not runs
    context = {
        "sync": sync,
        "overview": overview,
        "integration": catalogue.get(sync.integration),
        "flows": selectors.flow_overviews(sync),
        "runs": runs,
        "more_runs": more,
        "groups": groups,
        "twins": record_selectors.twins(sync),
        "backfill": backfill or BackfillForm(),
        "statuses": [(status.value, status.value.capitalize()) for status in Record.Status],
        "never_started": never_started,
        "preview": preview_selectors.latest(sync),
        "way": setting_up.of_sync(sync) if never_started else None,
        "active": next((run for run in runs if run.active), None),
    }
    return render(request, "syncs/sync.html", context, status=422 if backfill else 200)


@needs(Action.CONFIGURE)
def settings(request: TenantRequest, sync_id: int) -> HttpResponse:
    sync = sync_named(request, sync_id)
    initial = {"name": sync.name, "every_minutes": sync.every_minutes, "start_date": sync.start_date}
    form = SettingsForm(request.POST or None, current=sync.every_minutes, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_sync(sync, actor=request.actor, **form.cleaned_data)
        except ValidationError as error:
            attach(form, error)
        else:
            messages.success(request, "The settings are saved.")
            return redirect("syncs:sync", sync.pk)
    return render(request, "syncs/settings.html", {"form": form, "sync": sync}, status=422 if form.errors else 200)


@needs(Action.CONFIGURE)
def flow(request: TenantRequest, sync_id: int, key: str) -> HttpResponse:
    sync = sync_named(request, sync_id)
    chosen = flow_named(sync, key)
    definition = catalogue.get(sync.integration).flow(chosen.key)
    form = FlowForm(request.POST if request.method == "POST" else None, flow=chosen, definition=definition)
    if request.method == "POST" and form.is_valid():
        try:
            if "preview" in request.POST:
                proposal = {"flow": chosen.key, "options": form.cleaned_data}
                preview = previews.start(sync, kind=Preview.Kind.OPTIONS, proposal=proposal, actor=request.actor)
                return redirect("syncs:preview", preview.pk)
            services.set_flow(chosen, actor=request.actor, options=form.cleaned_data)
        except ValidationError as error:
            attach(form, error)
        else:
            messages.success(
                request, f"{definition.label}: the options are saved. The next run applies them to what is there, too."
            )
            return redirect("syncs:sync", sync.pk)
    context = {"form": form, "sync": sync, "flow": chosen, "definition": definition}
    return render(request, "syncs/flow.html", context, status=422 if form.errors else 200)


@needs(Action.CONFIGURE)
def switch(request: TenantRequest, sync_id: int, key: str) -> HttpResponse:
    sync = sync_named(request, sync_id)
    chosen = flow_named(sync, key)
    enabled = request.POST.get("enabled") == "yes"
    label = catalogue.get(sync.integration).flow(chosen.key).label
    return act(
        request,
        lambda: services.set_flow(chosen, actor=request.actor, enabled=enabled),
        back=reverse("syncs:sync", args=[sync.pk]),
        done=lambda _: f"{label} {'is on. It moves with the next run.' if enabled else 'is off. Nothing of it moves.'}",
    )


@needs(Action.RUN)
def pause(request: TenantRequest, sync_id: int) -> HttpResponse:
    sync = sync_named(request, sync_id)
    return act(
        request,
        lambda: services.pause(sync, actor=request.actor),
        back=reverse("syncs:sync", args=[sync.pk]),
        done=lambda _: f"{sync.name} is paused. No run starts by itself.",
    )


@needs(Action.RUN)
def resume(request: TenantRequest, sync_id: int) -> HttpResponse:
    sync = sync_named(request, sync_id)
    return act(
        request,
        lambda: services.resume(sync, actor=request.actor),
        back=reverse("syncs:sync", args=[sync.pk]),
        done=lambda _: f"{sync.name} is on its schedule. A run starts within a minute.",
    )


@needs(Action.RUN)
def run(request: TenantRequest, sync_id: int) -> HttpResponse:
    sync = sync_named(request, sync_id)
    return _run(request, sync, "The run is on its way. This page follows it.")


@needs(Action.RUN)
def backfill(request: TenantRequest, sync_id: int) -> HttpResponse:
    sync = sync_named(request, sync_id)
    form = BackfillForm(request.POST or None)
    if request.method == "POST" and not form.is_valid():
        return _detail(request, sync.pk, form)
    start = form.cleaned_data["start"] if form.is_bound else None
    said = f"Everything changed since {start:%d %B %Y} is being read again." if start else ""
    return _run(request, sync, said, trigger=Run.Trigger.BACKFILL, backfill_from=start)


def _run(request: TenantRequest, sync: Any, said: str, **how: Any) -> HttpResponse:
    return act(
        request,
        lambda: services.run_now(sync, actor=request.actor, **how),
        back=reverse("syncs:sync", args=[sync.pk]),
        done=lambda started: (said, reverse("syncs:run", args=[started.pk])),
    )
