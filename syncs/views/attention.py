"""What needs a person: records that did not arrive, by cause, and drafts that wait for finance."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from mlconnector.pages import TenantRequest, act, number
from mlconnector.tenants.middleware import needs
from mlconnector.tenants.permissions import Action
from syncs import record_selectors as selectors
from syncs import services
from syncs.causes import cause_of
from syncs.models import Flow
from syncs.views.found import sync_named
from syncs.views.runs import replayed


@needs(Action.VIEW)
def causes(request: TenantRequest) -> HttpResponse:
    groups = selectors.causes(request.tenant)
    context = {
        "groups": [group for group in groups if group.status != "waiting"],
        "waiting": [group for group in groups if group.status == "waiting"],
        "several_syncs": len({group.flow.sync_id for group in groups}) > 1,
    }
    return render(request, "syncs/attention.html", context)


@needs(Action.REPLAY)
def replay(request: TenantRequest, flow_id: int) -> HttpResponse:
    flow = Flow.objects.for_tenant(request.tenant).filter(pk=flow_id).first()
    if flow is None:
        raise Http404
    sync, code, back = sync_named(request, flow.sync_id), request.POST.get("code", ""), reverse("syncs:attention")
    return act(
        request,
        lambda: services.replay(
            services.by_cause(sync, code, flow.key), sync=sync, actor=request.actor, cause=cause_of(code).title
        ),
        back=back,
        done=lambda result: replayed(result, back),
    )


@needs(Action.VIEW)
def drafts(request: TenantRequest) -> HttpResponse:
    flows = selectors.draft_flows(request.tenant)
    page = selectors.draft_page(request.tenant, flows, after=number(request.GET.get("after")))
    return render(request, "syncs/drafts.html", {"page": page, "flows": flows})


@needs(Action.CONFIRM)
def confirm(request: TenantRequest) -> HttpResponse:
    """One, those ticked, or all; each sync's drafts through its own call, since each starts its own run."""
    back = reverse("syncs:drafts")
    everything = request.POST.get("all") == "yes"
    chosen = [int(pk) for pk in request.POST.getlist("record") if number(pk)]
    if request.method == "POST" and not (everything or chosen):
        messages.error(request, "Tick the invoices to confirm first.")
        return redirect(back)
    return act(
        request,
        lambda: _confirm(request, None if everything else chosen),
        back=back,
        done=lambda count: f"{count:,} {'invoice is' if count == 1 else 'invoices are'} confirmed and will open now.",
    )


def _confirm(request: TenantRequest, chosen: list[int] | None) -> int:
    confirmed = 0
    for flow in selectors.draft_flows(request.tenant):
        records = selectors.drafts(request.tenant, flows=[flow])
        if chosen is not None:
            records = records.filter(pk__in=chosen)
        count, _ = services.confirm(records, sync=sync_named(request, flow.sync_id), actor=request.actor)
        confirmed += count
    return confirmed
