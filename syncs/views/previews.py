"""Previews: starting one, following it, looking at what it found, and saying yes or no."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from mlconnector.pages import TenantRequest, act, number
from mlconnector.spreadsheet import csv_download
from mlconnector.tenants.middleware import needs
from mlconnector.tenants.permissions import Action, allowed, require
from syncs import catalogue, selectors
from syncs.models import Preview, Run
from syncs.previewing import previews
from syncs.previewing import selectors as preview_selectors
from syncs.previewing.proposals import KINDS
from syncs.views.found import flow_named, sync_named

BEGUN = "The preview is being worked out. Nothing is written meanwhile."


def preview_named(request: TenantRequest, pk: int) -> Preview:
    try:
        return preview_selectors.preview_of(request.tenant, pk)
    except Preview.DoesNotExist:
        raise Http404 from None


@needs(Action.RUN)
def start(request: TenantRequest, sync_id: int) -> HttpResponse:
    sync = sync_named(request, sync_id)
    return act(
        request,
        lambda: previews.start(sync, kind=Preview.Kind.RUN, proposal={}, actor=request.actor),
        back=reverse("syncs:sync", args=[sync.pk]),
        done=lambda preview: (BEGUN, address(preview)),
    )


def address(preview: Preview) -> str:
    return reverse("syncs:preview", args=[preview.pk])


@needs(Action.VIEW)
def detail(request: TenantRequest, preview_id: int) -> HttpResponse:
    """Asked by htmx every two seconds while it is being worked out, it answers with the live part alone."""
    preview = preview_named(request, preview_id)
    running = preview.status == Preview.Status.RUNNING
    run = preview_selectors.run_of(preview) if running else None
    flows = preview_selectors.totals(preview)
    context = {
        "preview": preview,
        "sync": preview.sync,
        "running": running,
        "overview": selectors.overview_of(run, preview.sync) if run else None,
        "flows": flows,
        "numbers": preview_selectors.numbers(flows),
        "labels": preview_selectors.OUTCOMES.values(),
        "proposed": preview_selectors.proposed(preview),
        "has_lists": preview_selectors.has_lists(preview),
        "obstacle": previews.obstacle(preview),
        "first": not Run.objects.for_tenant(request.tenant).filter(sync=preview.sync).exists(),
        "may_carry_out": allowed(request.role, KINDS[preview.kind].action),
    }
    return render(request, "syncs/preview_live.html" if request.htmx else "syncs/preview.html", context)


@needs(Action.VIEW)
def entries(request: TenantRequest, preview_id: int, key: str, outcome: str) -> HttpResponse:
    preview = preview_named(request, preview_id)
    if outcome not in preview_selectors.WOULD:
        raise Http404
    flow = flow_named(preview.sync, key)
    context = {
        "preview": preview,
        "sync": preview.sync,
        "definition": catalogue.get(preview.sync.integration).flow(flow.key),
        "would": preview_selectors.WOULD[outcome],
        "unsettled": outcome not in ("created", "updated"),
        "page": preview_selectors.lines(preview, key, outcome, after=number(request.GET.get("after"))),
    }
    return render(request, "syncs/preview_entries.html", context)


@needs(Action.VIEW)
def export(request: TenantRequest, preview_id: int) -> HttpResponseBase:
    preview = preview_named(request, preview_id)
    return csv_download(preview_selectors.exported(preview), f"preview-{preview.pk}")


@needs(Action.RUN)
def approve(request: TenantRequest, preview_id: int) -> HttpResponse:
    preview = preview_named(request, preview_id)

    def carry_out() -> Run:
        require(request.role, KINDS[preview.kind].action)
        return previews.approve(preview, actor=request.actor)

    return act(
        request,
        carry_out,
        back=address(preview),
        done=lambda run: ("The run is on its way. This page follows it.", reverse("syncs:run", args=[run.pk])),
    )


@needs(Action.RUN)
def discard(request: TenantRequest, preview_id: int) -> HttpResponse:
    preview = preview_named(request, preview_id)
    return act(
        request,
        lambda: previews.discard(preview, actor=request.actor),
        back=address(preview),
        done=lambda _: (
            "The preview is discarded. Nothing was changed.",
            reverse("syncs:sync", args=[preview.sync_id]),
        ),
    )


@needs(Action.RUN)
def repeat(request: TenantRequest, preview_id: int) -> HttpResponse:
    """The same question again, about how things are now."""
    old = preview_named(request, preview_id)

    def again() -> Preview:
        require(request.role, KINDS[old.kind].action)
        return previews.start(old.sync, kind=old.kind, proposal=old.proposal, actor=request.actor)

    return act(request, again, back=address(old), done=lambda preview: (BEGUN, address(preview)))
