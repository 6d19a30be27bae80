"""Records: search, and the story of one."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from audit import selectors as trail
from audit.reading import read
from mlconnector.pages import TenantRequest, act, number
from mlconnector.tenants.middleware import needs
from mlconnector.tenants.permissions import Action
from syncs import both_sides, catalogue, services
from syncs import record_selectors as selectors
from syncs.attention.causes import cause_of
from syncs.models import Record
from syncs.page_forms import RecordsForm
from syncs.selectors import direction
from syncs.touching import next_touch
from syncs.views.found import record_named
from syncs.views.runs import replayed

ATTEMPTS_SHOWN = 200


@needs(Action.VIEW)
def index(request: TenantRequest) -> HttpResponse:
    flows = selectors.flows_of(request.tenant)
    form = RecordsForm(request.GET, flows=flows, labels={flow.key: selectors.flow_label(flow) for flow in flows})
    form.is_valid()
    given = form.cleaned_data
    cause = request.GET.get("cause")
    wanted = selectors.Wanted(
        text=given.get("q") or "",
        sync_id=given.get("sync"),
        flow=given.get("flow") or "",
        status=given.get("status") or "",
        cause=cause,
        run_id=number(request.GET.get("run")),
    )
    after = number(request.GET.get("after"))
    page = selectors.search(request.tenant, wanted, after=after)
    if wanted.text and after is None and len(page.records) == 1:
        return redirect("syncs:record", page.records[0].pk)
    context = {
        "form": form,
        "wanted": wanted,
        "page": page,
        "cause": cause_of(cause) if cause is not None else None,
        "filtered": any(given.values()) or cause is not None or wanted.run_id is not None,
        "several_syncs": len({flow.sync_id for flow in flows}) > 1,
    }
    return render(request, "syncs/records.html", context)


@needs(Action.VIEW)
def find(request: TenantRequest) -> HttpResponse:
    """From a line of the trail, which knows a record by its source, to the record."""
    try:
        record = selectors.record_by_source(
            request.tenant,
            number(request.GET.get("sync")) or 0,
            request.GET.get("flow", ""),
            request.GET.get("key", ""),
        )
    except Record.DoesNotExist:
        raise Http404 from None
    return redirect("syncs:record", record.pk)


@needs(Action.VIEW)
def story(request: TenantRequest, record_id: int) -> HttpResponse:
    """``?now=1`` asks both systems, too; for htmx, which loads that after the page, it answers with that part alone."""
    record = record_named(request, record_id)
    both = both_sides.look(record) if request.GET.get("now") else None
    if both and request.htmx:
        return render(request, "syncs/parts/both_sides.html", {"both": both, "record": record})
    return render(request, "syncs/record.html", {"both": both, **_story(request, record)})


def _story(request: TenantRequest, record: Record) -> dict[str, Any]:
    sync = record.flow.sync
    newest_first = trail.story(request.tenant.pk, sync.pk, record.flow.key, record.source_key, limit=ATTEMPTS_SHOWN + 1)
    question = selectors.open_question(record)
    integration = catalogue.get(sync.integration)
    source_label, destination_label = direction(integration, integration.flow(record.flow.key))
    return {
        "record": record,
        "sync": sync,
        "flow_label": selectors.flow_label(record.flow),
        "source_label": source_label,
        "destination_label": destination_label,
        "cause": cause_of(record.error_code) if record.error_code else None,
        "waited_for": selectors.waited_for(record),
        "attempts": [read(entry) for entry in reversed(newest_first[:ATTEMPTS_SHOWN])],
        "earlier": len(newest_first) > ATTEMPTS_SHOWN,
        "question": question,
        "candidates": selectors.candidates_for(record) if question else [],
        "left_out": selectors.left_out(record),
        "draft": selectors.is_draft(record),
        "confirmable": selectors.confirmable(record),
        "asked_at_once": both_sides.may_be_asked(sync),
        "touch": next_touch(record, asked=question, source=source_label),
    }


@needs(Action.REPLAY)
def replay(request: TenantRequest, record_id: int) -> HttpResponse:
    record = record_named(request, record_id)
    sync, back = record.flow.sync, reverse("syncs:record", args=[record.pk])
    return act(
        request,
        lambda: services.replay(
            record.flow.records.filter(pk=record.pk),
            sync=sync,
            actor=request.actor,
            cause=f"record {record.source_key}",
            ask_again=True,
            anew="anew" in request.POST,
        ),
        back=back,
        done=lambda result: (replayed(result, back)[0], back),
    )


@needs(Action.DECIDE)
def decide(request: TenantRequest, record_id: int) -> HttpResponse:
    record = record_named(request, record_id)
    choice, _, named = request.POST.get("choice", "").partition(":")
    adopt = (named or request.POST.get("candidate", "")) if choice == "adopt" else ""
    reject = choice == "reject"
    said = "It is left out." if reject else "Your decision is noted. The record is on its way."
    return act(
        request,
        lambda: services.decide(record, actor=request.actor, adopt=adopt, create=choice == "create", reject=reject),
        back=reverse("syncs:record", args=[record.pk]),
        done=lambda _: said,
    )


@needs(Action.CONFIRM)
def confirm(request: TenantRequest, record_id: int) -> HttpResponse:
    record = record_named(request, record_id)
    sync = record.flow.sync
    return act(
        request,
        lambda: services.confirm(record.flow.records.filter(pk=record.pk), sync=sync, actor=request.actor),
        back=reverse("syncs:record", args=[record.pk]),
        done=lambda result: "Confirmed. The invoice opens in a moment." if result[0] else "It was confirmed already.",
    )
