"""How syncs have been doing: what they moved day by day, how current they are, and what calls are left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from connections.models import Connection
from mlconnector.tenants.models import Tenant
from mlconnector.times import zone_called
from syncs import catalogue
from syncs.models import Flow, FlowRun, Run, Sync

_SUMS = (Sum("created"), Sum("updated"))
DAYS = 14
BAR, GAP, HEIGHT = 12, 4, 44
LATE = 3
"""So many cadences behind, a sync is late."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the chart, in the units of its picture."""

    day: date
    moved: int
    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Records moved per day, the last one today. ``said`` is the same in a sentence."""

    bars: list[Bar]
    said: str
    width: int = DAYS * (BAR + GAP) - GAP
    height: int = HEIGHT
    bar: int = BAR

    @property
    def total(self) -> int:
        return sum(bar.moved for bar in self.bars)


@dataclass(frozen=True, slots=True)
class Allowance:
    """Calls that a system still takes, as it last said."""

    name: str
    left: int
    limit: int
    at: datetime | None

    @property
    def short(self) -> bool:
        return self.left * 10 < self.limit


@dataclass(slots=True)
class Pulse:
    """``current_to``: all that had changed in the source by then was read; None before the first whole reading.
    ``late``: that is longer ago than the schedule lets expect."""

    chart: Chart
    current_to: datetime | None = None
    behind: timedelta | None = None
    late: bool = False
    allowances: list[Allowance] = field(default_factory=list)


def pulses(tenant: Tenant, syncs: Sequence[Sync]) -> dict[int, Pulse]:
    """By sync, in three queries for any number of them."""
    zone = zone_called(tenant.time_zone)
    today = timezone.now().astimezone(zone).date()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    flows = _flows(tenant, syncs)
    moved = _moved(flows, datetime(days[0].year, days[0].month, days[0].day, tzinfo=zone), zone)
    return {sync.pk: _pulse(sync, flows.get(sync.pk, []), chart(days, moved.get(sync.pk, {}))) for sync in syncs}


def moved_since(tenant: Tenant, syncs: Sequence[Sync], begin: datetime) -> dict[int, dict[str, int]]:
    """What runs since then created and updated, by sync; in three queries."""
    flows = _flows(tenant, syncs)
    found = {pk: {"created": 0, "updated": 0} for pk in flows}
    for row in _flow_runs(flows, begin).values("flow__sync_id").annotate(*_SUMS).order_by():
        found[row["flow__sync_id"]] = {"created": row["created__sum"], "updated": row["updated__sum"]}
    return found


def _flows(tenant: Tenant, syncs: Sequence[Sync]) -> dict[int, list[Flow]]:
    found: dict[int, list[Flow]] = {}
    flows = Flow.objects.for_tenant(tenant).filter(sync__in=[sync.pk for sync in syncs])
    for flow in flows.only("key", "enabled", "checkpoint", "sync_id"):
        found.setdefault(flow.sync_id, []).append(flow)
    return found


def _flow_runs(flows: Mapping[int, Iterable[Flow]], begin: datetime) -> QuerySet[FlowRun]:
    """Of runs that were made since then: by flow and number of the run, as their index has them."""
    before = Run.objects.across_tenants().filter(sync=OuterRef("pk"), created_at__lt=begin).order_by("-pk")
    syncs = Sync.objects.across_tenants().filter(pk__in=list(flows))
    recent = Q(pk__in=[])
    for pk, last in syncs.values_list("pk", Subquery(before.values("pk")[:1])):
        recent |= Q(flow__in=[flow.pk for flow in flows[pk]], run_id__gt=last or 0)
    return FlowRun.objects.across_tenants().filter(recent)


def _pulse(sync: Sync, flows: Iterable[Flow], drawn: Chart) -> Pulse:
    found = Pulse(drawn, current_to(sync, flows), allowances=allowances(sync))
    if found.current_to:
        found.behind = max(timezone.now() - found.current_to, timedelta(0))
        found.late = not sync.paused and found.behind > LATE * timedelta(minutes=sync.every_minutes)
    return found


def current_to(sync: Sync, flows: Iterable[Flow]) -> datetime | None:
    """Up to when its flows that are on have read their source: the one that lags most counts."""
    integration = catalogue.get(sync.integration)
    marks = [_mark(flow, integration.flow(flow.key).stream) for flow in flows if flow.enabled]
    known = [mark for mark in marks if mark is not None]
    return min(known) if known and len(known) == len(marks) else None


def _mark(flow: Flow, stream: str) -> datetime | None:
    text = flow.checkpoint.get(stream, {}).get("current")
    return parse_datetime(text) if text else None


def allowances(sync: Sync) -> list[Allowance]:
    sides = dict.fromkeys((sync.source, sync.destination))
    return [found for side in sides if (found := allowance(side))]


def allowance(connection: Connection) -> Allowance | None:
    """None where the system does not tell."""
    said: dict[str, Any] | None = connection.capabilities.get("allowance")
    if not said or not said.get("limit"):
        return None
    at = parse_datetime(str(said.get("at") or "")) if said.get("at") else None
    return Allowance(connection.name, int(said["left"]), int(said["limit"]), at)


def _moved(flows: Mapping[int, Iterable[Flow]], begin: datetime, zone: ZoneInfo) -> dict[int, dict[date, int]]:
    rows = _flow_runs(flows, begin).annotate(day=TruncDate("run__created_at", tzinfo=zone))
    found: dict[int, dict[date, int]] = {}
    for row in rows.values("flow__sync_id", "day").annotate(moved=Sum(F("created") + F("updated"))).order_by():
        found.setdefault(row["flow__sync_id"], {})[row["day"]] = row["moved"]
    return found


def chart(days: Sequence[date], moved: dict[date, int]) -> Chart:
    most = max((moved.get(day, 0) for day in days), default=0)
    bars = []
    for place, day in enumerate(days):
        number = moved.get(day, 0)
        height = max(2, round(number * HEIGHT / most)) if number else 0
        bars.append(Bar(day, number, place * (BAR + GAP), HEIGHT - height, height))
    return Chart(bars, _said(bars, sum(moved.get(day, 0) for day in days), most))


def _said(bars: Sequence[Bar], total: int, most: int) -> str:
    if not most:
        return f"Nothing moved in the last {len(bars)} days."
    top = next(bar for bar in bars if bar.moved == most)
    return (
        f"Records moved per day in the last {len(bars)} days: {total:,} in all, most on {top.day.day} {top.day:%B} "
        f"({most:,}), today {bars[-1].moved:,}."
    )
