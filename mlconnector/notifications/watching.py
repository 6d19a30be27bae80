"""How a tenant's things stand now, as far as anybody wants to be told of it. Asked every minute, so few queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from connections.models import Connection
from mlconnector.tenants.models import Tenant
from syncs.models import Record, Report, Run, Sync
from syncs.selectors import stuck_flows

YOUNG = timedelta(minutes=15)
REMIND_BEFORE = timedelta(days=30)
COUNTED = 1000
OPEN = (Record.Status.REJECTED, Record.Status.HELD)
Subject = tuple[str, str]
"""(topic, ID of what it is about)."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What one can be told of. ``bad`` and ``good`` are titles with the thing's name to be put in."""

    key: str
    label: str
    bad: str
    good: str


TOPICS = {
    topic.key: topic
    for topic in (
        Topic("sync", "A sync fails, and works again", "{name} does not run", "{name} runs again"),
        Topic("connection", "A connection stops working, and works again", "{name} needs attention", "{name} works"),
        Topic("records", "Records need a person, and no more", "{name}: records need you", "{name}: nothing open"),
        Topic(
            "expiry", "Credentials are about to expire", "Credentials of {name} expire", "{name}: credentials renewed"
        ),
        Topic("report", "A reconciliation finds a difference", "{name}: the two systems differ", "{name}: both agree"),
    )
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is not as it should be. ``young``: it may pass by itself."""

    topic: str
    subject: str
    name: str
    text: str
    path: str
    young: bool = False

    @property
    def title(self) -> str:
        return TOPICS[self.topic].bad.format(name=self.name)


@dataclass(slots=True)
class Standing:
    """``troubles`` by subject, and the subjects that are well. Of any other nothing can be said now: a paused sync, or
    one that stands still because of a connection, is neither."""

    troubles: dict[Subject, Trouble] = field(default_factory=dict)
    well: set[Subject] = field(default_factory=set)


def standing(tenant: Tenant) -> Standing:
    found = Standing()
    connections = list(Connection.objects.for_tenant(tenant).defer("secrets", "token"))
    syncs = list(Sync.objects.for_tenant(tenant))
    broken = {one.pk for one in connections if one.status == Connection.Status.BROKEN}
    running = [sync for sync in syncs if not (sync.paused or {sync.source_id, sync.destination_id} & broken)]
    for subject, trouble in (*_connections(connections), *_syncs(running), *_records(syncs), *_reports(syncs)):
        if trouble is None:
            found.well.add(subject)
        else:
            found.troubles[subject] = trouble
    return found


Seen = Iterator[tuple[Subject, Trouble | None]]


def _connections(connections: Iterable[Connection]) -> Seen:
    today = timezone.now().date()
    for one in connections:
        pk, path = str(one.pk), reverse("connections:detail", args=[one.pk])
        if one.status == Connection.Status.BROKEN:
            yield ("connection", pk), Trouble("connection", pk, one.name, one.status_text, path)
        elif one.status == Connection.Status.HEALTHY:
            yield ("connection", pk), None
        expires = one.credentials_expire_on
        if expires is None or expires > today + REMIND_BEFORE:
            yield ("expiry", pk), None
        else:
            text = f"They expire on {expires:%d %B %Y}. Enter new ones before, and nothing stops."
            yield ("expiry", pk), Trouble("expiry", pk, one.name, text, path)


def _syncs(syncs: Iterable[Sync]) -> Seen:
    for sync in syncs:
        pk = str(sync.pk)
        if not sync.failures:
            yield ("sync", pk), _stuck(sync)
            continue
        last = sync.runs.filter(status=Run.Status.FAILED).order_by("-pk").first()
        began = last.finished_at if last else None
        young = sync.failures == 1 and (began is None or began > timezone.now() - YOUNG)
        path = reverse("syncs:run", args=[last.pk]) if last else reverse("syncs:sync", args=[sync.pk])
        yield ("sync", pk), Trouble("sync", pk, sync.name, last.error_text if last else "", path, young)


def _stuck(sync: Sync) -> Trouble | None:
    """The run ended, but of some flows nothing could be read or written."""
    last = sync.runs.exclude(status__in=Run.ACTIVE).filter(only_due=False).order_by("-pk").first()
    flows = stuck_flows(sync, last) if last else {}
    if last is None or not flows:
        return None
    text = " ".join(f"Nothing of {label.lower()} moves. {reason}" for label, reason in flows.items())
    name = f"Part of {sync.name}"
    return Trouble("sync", str(sync.pk), name, text, reverse("syncs:run", args=[last.pk]))


def _records(syncs: Iterable[Sync]) -> Seen:
    for sync in syncs:
        pk = str(sync.pk)
        flows = list(sync.flows.values_list("pk", flat=True))
        rows = Record.objects.across_tenants().filter(flow__in=flows, status__in=OPEN, set_aside__isnull=True)
        number = len(rows.values_list("pk", flat=True)[:COUNTED])
        if not number:
            yield ("records", pk), None
            continue
        many = f"{COUNTED:,} or more records wait" if number == COUNTED else f"{number:,} records wait"
        text = f"{'1 record waits' if number == 1 else many} for a person. The page says why, and what to do."
        yield ("records", pk), Trouble("records", pk, sync.name, text, reverse("syncs:attention"))


def _reports(syncs: Iterable[Sync]) -> Seen:
    for sync in syncs:
        pk = str(sync.pk)
        newest = sync.reports.filter(status=Report.Status.READY).order_by("-pk").first()
        if newest is None:
            continue
        if not newest.figures["differences"]:
            yield ("report", pk), None
            continue
        text = "The page shows month by month what differs, and the records behind it."
        yield ("report", pk), Trouble("report", pk, sync.name, text, reverse("syncs:reconciliation"))
