"""What needs a person: records that did not arrive, by cause, and what can be done about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from mlconnector.pages import TenantRequest, act, number
from mlconnector.tenants.middleware import needs
from mlconnector.tenants.permissions import Action
from syncs import record_selectors as selectors
from syncs import services
from syncs.attention import care
from syncs.attention import selectors as attention_selectors
from syncs.attention.causes import cause_of
from syncs.models import Flow, Preview, Record, Sync
from syncs.previewing import previews
from syncs.views.fixes import link_to_fix
from syncs.views.found import sync_named
from syncs.views.runs import replayed

NOTHING_TICKED = "Tick the records first, or choose all of them."


@needs(Action.VIEW)
def causes(request: TenantRequest) -> HttpResponse:
    mine = request.GET.get("mine") == "yes"
    groups = selectors.causes(request.tenant, member=request.user if mine else None)
    shown = [(group, link_to_fix(request, group)) for group in groups]
    context = {
        "groups": [one for one in shown if one[0].status != "waiting"],
        "waiting": [one for one in shown if one[0].status == "waiting"],
        "several_syncs": len({group.flow.sync_id for group in groups}) > 1,
        "mine": mine,
        "aside": attention_selectors.number_aside(request.tenant),
    }
    return render(request, "syncs/attention.html", context)


@needs(Action.REPLAY)
def replay(request: TenantRequest, flow_id: int) -> HttpResponse:
    """All of one cause, straight from the list of causes."""
    flow = _flow(request, flow_id)
    sync, code, back = sync_named(request, flow.sync_id), request.POST.get("code", ""), reverse("syncs:attention")
    return act(
        request,
        lambda: services.replay(
            services.by_cause(sync, code, flow.key), sync=sync, actor=request.actor, cause=cause_of(code).title
        ),
        back=back,
        done=lambda result: replayed(result, back),
    )


# One cause ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a button on the page of a cause is pressed for: those ticked, or all that the page lists."""

    sync: Sync
    flow: Flow
    code: str
    mine: bool
    everything: bool
    records: QuerySet[Record]

    @property
    def back(self) -> str:
        address = reverse("syncs:group", args=[self.flow.pk, self.code])
        return f"{address}?mine=yes" if self.mine else address

    def refuse_none(self) -> None:
        if not self.everything and not self.records.exists():
            raise ValidationError(NOTHING_TICKED)


@needs(Action.VIEW)
def group(request: TenantRequest, flow_id: int, code: str) -> HttpResponse:
    flow = _flow(request, flow_id)
    mine = request.GET.get("mine") == "yes"
    member = request.user if mine else None
    found = selectors.cause_group(request.tenant, flow, code, member=member)
    after = number(request.GET.get("after"))
    page = attention_selectors.cause_page(request.tenant, flow, code, member=member, after=after)
    reasons = {record.error_text for record in page.records}
    context = {
        "flow": flow,
        "flow_label": selectors.flow_label(flow),
        "cause": cause_of(code),
        "code": code,
        "group": found,
        "fix": link_to_fix(request, found) if found else None,
        "page": page,
        "reason": reasons.pop() if len(reasons) == 1 else "",
        "members": attention_selectors.members(request.tenant),
        "mine": mine,
        "hows": care.HOW.items(),
        "longest": care.LONGEST_REASON,
    }
    return render(request, "syncs/group.html", context)


@needs(Action.REPLAY)
def replay_group(request: TenantRequest, flow_id: int, code: str) -> HttpResponse:
    chosen = _chosen(request, flow_id, code)

    def do() -> tuple[int, object]:
        chosen.refuse_none()
        title = cause_of(code).title
        return services.replay(chosen.records, sync=chosen.sync, actor=request.actor, cause=title)

    return act(request, do, back=chosen.back, done=lambda result: replayed(result, chosen.back))


@needs(Action.REPLAY)
def preview_group(request: TenantRequest, flow_id: int, code: str) -> HttpResponse:
    chosen = _chosen(request, flow_id, code)

    def do() -> Preview:
        chosen.refuse_none()
        whole = {"cause": code, "flow": chosen.flow.key}
        some = {"records": list(chosen.records.values_list("pk", flat=True))}
        proposal = whole if chosen.everything and not chosen.mine else some
        return previews.start(chosen.sync, kind=Preview.Kind.REPLAY, proposal=proposal, actor=request.actor)

    return act(
        request,
        do,
        back=chosen.back,
        done=lambda preview: (
            "The preview is being worked out. Nothing is written.",
            reverse("syncs:preview", args=[preview.pk]),
        ),
    )


@needs(Action.REPLAY)
def set_aside(request: TenantRequest, flow_id: int, code: str) -> HttpResponse:
    how, reason = request.POST.get("how", ""), request.POST.get("reason", "")
    return _care(
        request,
        _chosen(request, flow_id, code),
        lambda chosen: care.set_aside(chosen.records, sync=chosen.sync, how=how, reason=reason, actor=request.actor),
        "{} off the list until changed in the source.",
    )


@needs(Action.REPLAY)
def assign(request: TenantRequest, flow_id: int, code: str) -> HttpResponse:
    member = number(request.POST.get("member"))
    found = attention_selectors.members(request.tenant).filter(pk=member).first() if member else None
    user = found.user if found else None

    def do(chosen: Chosen) -> int:
        if user is None and request.POST.get("member") != "nobody":
            raise ValidationError("Choose a member of this workspace.")
        return care.assign(chosen.records, user, sync=chosen.sync, actor=request.actor)

    whose = f"given to {user.email}" if user else "given to nobody"
    return _care(request, _chosen(request, flow_id, code), do, f"{{}} {whose}.")


def _care(request: TenantRequest, chosen: Chosen, do: Callable[[Chosen], int], said: str) -> HttpResponse:
    def checked() -> int:
        chosen.refuse_none()
        return do(chosen)

    return act(request, checked, back=chosen.back, done=lambda count: said.format(_are(count)))


def _are(count: int) -> str:
    return "1 record is" if count == 1 else f"{count:,} records are"


def _chosen(request: TenantRequest, flow_id: int, code: str) -> Chosen:
    flow = _flow(request, flow_id)
    mine, everything = request.POST.get("mine") == "yes", request.POST.get("scope") == "all"
    records = attention_selectors.of_cause(request.tenant, flow, code, member=request.user if mine else None)
    if not everything:
        records = records.filter(pk__in=[int(pk) for pk in request.POST.getlist("record") if number(pk)])
    return Chosen(sync_named(request, flow.sync_id), flow, code, mine, everything, records)


def _flow(request: TenantRequest, flow_id: int) -> Flow:
    flow = Flow.objects.for_tenant(request.tenant).select_related("sync").filter(pk=flow_id).first()
    if flow is None:
        raise Http404
    return flow


# Set aside ------------------------------------------------------------------------------------------------------------


@needs(Action.VIEW)
def aside(request: TenantRequest) -> HttpResponse:
    page = attention_selectors.aside_page(request.tenant, after=number(request.GET.get("after")))
    return render(request, "syncs/aside.html", {"page": page, "hows": care.HOW})


@needs(Action.REPLAY)
def take_back(request: TenantRequest) -> HttpResponse:
    back = reverse("syncs:aside")
    ticked = [int(pk) for pk in request.POST.getlist("record") if number(pk)]
    if request.method == "POST" and not ticked:
        messages.error(request, NOTHING_TICKED)
        return redirect(back)
    records = attention_selectors.set_aside(request.tenant).filter(pk__in=ticked)
    return act(
        request,
        lambda: care.each_sync(records, lambda some, sync: care.take_back(some, sync=sync, actor=request.actor)),
        back=back,
        done=lambda count: f"{_are(count)} back on the list of what needs attention.",
    )
