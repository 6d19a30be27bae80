"""Runs: the list, and one of them while it goes and afterwards."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from audit.reading import read
from audit.selectors import Filters, entries
from mlconnector.pages import TenantRequest, act, number
from mlconnector.tenants.middleware import needs
from mlconnector.tenants.permissions import Action
from syncs import record_selectors, selectors, services
from syncs.views.found import run_named, sync_named

CHANGES_SHOWN = 20
WRITTEN = ("created", "updated")


@needs(Action.VIEW)
def index(request: TenantRequest, sync_id: int) -> HttpResponse:
    sync = sync_named(request, sync_id)
    runs, more = selectors.recent_runs(sync, before=number(request.GET.get("before")))
    return render(request, "syncs/runs.html", {"sync": sync, "runs": runs, "next_before": more})


@needs(Action.VIEW)
def detail(request: TenantRequest, run_id: int) -> HttpResponse:
    """Asked by htmx every two seconds while the run is active, it answers with the live part alone."""
    run = run_named(request, run_id)
    overview = selectors.overview_of(run, run.sync)
    context: dict[str, object] = {"run": run, "sync": run.sync, "overview": overview}
    if not overview.active:
        before = selectors.run_before(run)
        context["compared"] = [overview, before] if before else []
        context["groups"] = record_selectors.causes(request.tenant, sync=run.sync, run=run)
        context["changes"] = _changes(request, run.pk)
    return render(request, "syncs/run_live.html" if request.htmx else "syncs/run.html", context)


def _changes(request: TenantRequest, run_id: int) -> list[tuple[object, object]]:
    """The last things the run created or updated, with the record where it is known."""
    written = entries(request.tenant.pk, Filters(run_id=run_id, action="write")).filter(outcome__in=WRITTEN)
    readings = [read(entry) for entry in written[:CHANGES_SHOWN]]
    titles = record_selectors.titles(
        request.tenant, [(one.entry.sync_id, one.entry.flow, one.entry.source_ref) for one in readings]
    )
    return [
        (reading, titles.get((reading.entry.sync_id, reading.entry.flow, reading.entry.source_ref)))
        for reading in readings
    ]


@needs(Action.RUN)
def cancel(request: TenantRequest, run_id: int) -> HttpResponse:
    run = run_named(request, run_id)
    return act(
        request,
        lambda: services.cancel(run, actor=request.actor),
        back=reverse("syncs:run", args=[run.pk]),
        done=lambda _: "The run stops at its next safe point. What has arrived stays.",
    )


@needs(Action.REPLAY)
def replay(request: TenantRequest, run_id: int) -> HttpResponse:
    run = run_named(request, run_id)
    back = reverse("syncs:run", args=[run.pk])
    return act(
        request,
        lambda: services.replay(services.of_run(run), sync=run.sync, actor=request.actor, cause=f"run {run.pk}"),
        back=back,
        done=lambda result: replayed(result, back),
    )


def replayed(result: tuple[int, object], back: str) -> tuple[str, str]:
    """What to say after a replay, and where to go: the run it started."""
    count, run = result
    if run is None:
        return "There is nothing left to send through again.", back
    noun = "record goes" if count == 1 else "records go"
    return f"{count:,} {noun} through again.", reverse("syncs:run", args=[run.pk])  # type: ignore[attr-defined]
