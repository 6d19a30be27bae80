"""The landing page for whoever is signed out, the dashboard for members."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from connections.models import Connection
from connections.selectors import connections_of
from mlconnector.pages import TenantRequest
from mlconnector.templatetags.shown import duration
from mlconnector.tenants.middleware import needs
from mlconnector.tenants.permissions import Action
from syncs import record_selectors, selectors, setting_up

REMINDED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that asks for a person."""

    tone: str
    text: str
    url: str
    verb: str


def home(request: TenantRequest) -> HttpResponseBase:
    if not request.user.is_authenticated:
        return render(request, "landing.html", {"offers": selectors.offers()})
    if request.tenant is None:
        return redirect("tenants:new")
    return dashboard(request)


@needs(Action.VIEW)
def dashboard(request: TenantRequest) -> HttpResponse:
    connections = list(connections_of(request.tenant))
    overviews = selectors.with_pulse(request.tenant)
    context = {
        "overviews": overviews,
        "connections": connections,
        "needs": _needs(request, connections, overviews),
        "way": setting_up.of_workspace(connections) if not overviews else None,
    }
    return render(request, "syncs/dashboard.html", context)


@needs(Action.VIEW)
def syncs(request: TenantRequest) -> HttpResponse:
    context = {"overviews": selectors.with_pulse(request.tenant)}
    return render(request, "syncs/list.html", context)


def _needs(
    request: TenantRequest, connections: list[Connection], overviews: list[selectors.SyncOverview]
) -> list[Need]:
    found = [
        Need("bad", f"{one.name}: {one.status_text}", reverse("connections:detail", args=[one.pk]), "Open connection")
        for one in connections
        if one.status == Connection.Status.BROKEN
    ]
    for overview in overviews:
        if overview.state == "failing" and overview.last_run:
            text = f"{overview.sync.name}: the last run stopped. {overview.last_run.error_text}"
            found.append(Need("bad", text, reverse("syncs:run", args=[overview.last_run.pk]), "Open run"))
        for label, reason in overview.stuck.items():
            text = f"{overview.sync.name}: nothing of {label.lower()} moves. {reason}"
            found.append(Need("bad", text, reverse("syncs:sync", args=[overview.sync.pk]), "Open sync"))
    return [*found, *_ending(connections), *_late(overviews), *_open_records(overviews), *_open_drafts(request)]


def _ending(connections: list[Connection]) -> Iterator[Need]:
    """Credentials whose last day is near."""
    today = timezone.now().date()
    for one in connections:
        last = one.credentials_expire_on
        if last and last <= today + REMINDED:
            when = f"ended on {last.day} {last:%B}" if last < today else f"end on {last.day} {last:%B}"
            url = reverse("connections:detail", args=[one.pk])
            yield Need("wait", f"{one.name}: its credentials {when}. Enter new ones in time.", url, "Open connection")


def _late(overviews: list[selectors.SyncOverview]) -> Iterator[Need]:
    for overview in overviews:
        pulse = overview.pulse
        if pulse and pulse.late and overview.state in ("healthy", "issues"):
            text = f"{overview.sync.name}: nothing was read for {duration(pulse.behind)}, though a run was due."
            url = reverse("syncs:sync", args=[overview.sync.pk])
            yield Need("wait", f"{text} If it stays so, tell your operator.", url, "Open sync")


def _open_records(overviews: list[selectors.SyncOverview]) -> list[Need]:
    totals: dict[str, int] = {}
    for overview in overviews:
        for status, count in overview.unsettled.items():
            totals[status] = totals.get(status, 0) + count
    said = (
        ("rejected", "bad", "could not be delivered", "See why"),
        ("held", "wait", "your decision", "Decide"),
    )
    url = reverse("syncs:attention")
    found = []
    for status, tone, words, verb in said:
        if number := totals.get(status):
            noun = "record" if number == 1 else "records"
            link = "needs " if status == "held" and number == 1 else "need " if status == "held" else ""
            found.append(Need(tone, f"{number:,} {noun} {link}{words}.", url, verb))
    return found


def _open_drafts(request: TenantRequest) -> list[Need]:
    flows = record_selectors.draft_flows(request.tenant)
    if not flows:
        return []
    number = len(record_selectors.drafts(request.tenant, flows=flows).values_list("pk")[:1000])
    if not number:
        return []
    many = "1,000 or more" if number == 1000 else f"{number:,}"
    noun = "invoice waits" if number == 1 else "invoices wait"
    return [Need("wait", f"{many} draft {noun} for confirmation.", reverse("syncs:drafts"), "Confirm")]
