"""Drafts that wait for finance's word: looked through, summed up, and confirmed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from mlconnector.pages import TenantRequest, act, number
from mlconnector.tenants.middleware import needs
from mlconnector.tenants.permissions import Action
from syncs import record_selectors as selectors
from syncs import services
from syncs.attention import drafts as draft_selectors
from syncs.attention.drafts import Wanted
from syncs.models import Flow, Record
from syncs.views.found import sync_named


@needs(Action.VIEW)
def index(request: TenantRequest) -> HttpResponse:
    flows = selectors.draft_flows(request.tenant)
    wanted = _wanted(request.GET)
    page = draft_selectors.page_of(request.tenant, flows, wanted, after=number(request.GET.get("after")))
    return render(
        request, "syncs/drafts.html", {"page": page, "flows": flows, "wanted": wanted, "several_syncs": len(flows) > 1}
    )


@needs(Action.CONFIRM)
def review(request: TenantRequest) -> HttpResponse:
    """What would be confirmed, with its sums. Asked by htmx while boxes are ticked, it answers with the sums alone."""
    flows, found = _chosen(request, request.GET)
    context: dict[str, Any] = {"sums": draft_selectors.sums_of(found), "everything": request.GET.get("all") == "yes"}
    if request.htmx:
        return render(request, "syncs/parts/draft_sums.html", context)
    if not context["sums"].number:
        messages.error(request, "Tick the invoices to confirm first.")
        return redirect("syncs:drafts")
    page = draft_selectors.listed(found, flows)
    context |= {
        "page": page,
        "customers": draft_selectors.customers_of(request.tenant, page.records),
        "several_syncs": len(flows) > 1,
        "ticked": [] if context["everything"] else list(found.values_list("pk", flat=True)),
        "wanted": _wanted(request.GET),
    }
    return render(request, "syncs/drafts_review.html", context)


@needs(Action.CONFIRM)
def confirm(request: TenantRequest) -> HttpResponse:
    """Those that were reviewed; each sync's drafts through its own call, since each starts its own run."""
    return act(
        request,
        lambda: _confirm(request),
        back=reverse("syncs:drafts"),
        done=lambda count: f"{count:,} {'invoice is' if count == 1 else 'invoices are'} confirmed and will open now.",
    )


def _confirm(request: TenantRequest) -> int:
    flows, found = _chosen(request, request.POST)
    sums = draft_selectors.sums_of(found)
    if not sums.number:
        raise ValidationError("Tick the invoices to confirm first.")
    if sums.said != request.POST.get("sums"):
        raise ValidationError("The drafts have changed since you looked at them. Look again, then confirm.")
    confirmed = 0
    for flow in flows:
        records = found.filter(flow=flow)
        count, _ = services.confirm(records, sync=sync_named(request, flow.sync_id), actor=request.actor)
        confirmed += count
    return confirmed


def _chosen(request: TenantRequest, given: QueryDict) -> tuple[list[Flow], QuerySet[Record]]:
    flows = selectors.draft_flows(request.tenant)
    everything = given.get("all") == "yes"
    ticked = None if everything else [int(pk) for pk in given.getlist("record") if number(pk)]
    return flows, draft_selectors.chosen(request.tenant, flows, _wanted(given), ticked)


def _wanted(given: QueryDict) -> Wanted:
    return Wanted(customer=given.get("customer", "").strip()[:255], currency=given.get("currency", "")[:3])
