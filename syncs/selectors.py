"""Reading syncs and runs for pages, each question a few indexed queries however many records there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, OuterRef, Prefetch, Subquery
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from connections.connectors import registry
from connections.models import Connection
from mlconnector.tenants.models import Tenant
from syncs import catalogue
from syncs.engine.flow import UNSETTLED, FlowDefinition
from syncs.models import Flow, FlowRun, Record, Run, Sync
from syncs.options import lacking
from syncs.pulse import Pulse, moved_since, pulses

COUNTED_AT_MOST = 10_000
SETTLED_COUNTS = ("created", "updated", "unchanged", "skipped", "waiting", "held", "rejected")
RUNS_PER_PAGE = 30


@dataclass(slots=True)
class SyncOverview:
    """A sync as the dashboard shows it. ``moved`` is what the last day's runs created and updated."""

    sync: Sync
    last_run: Run | None = None
    moved: dict[str, int] = field(default_factory=lambda: {"created": 0, "updated": 0})
    unsettled: dict[str, int] = field(default_factory=dict)
    pulse: Pulse | None = None

    @property
    def open_issues(self) -> int:
        return sum(self.unsettled.values())

    @property
    def stuck(self) -> dict[str, str]:
        """Flows that the last run could not read or write at all, by label, and why."""
        return stuck_flows(self.sync, self.last_run) if self.last_run else {}

    @property
    def state(self) -> str:
        """The one word for it: broken, paused, running, new, failing, stuck, issues or healthy."""
        if any(side.status == Connection.Status.BROKEN for side in (self.sync.source, self.sync.destination)):
            return "broken"
        if self.last_run and self.last_run.status in Run.ACTIVE:
            return "running"
        if self.sync.paused:
            return "paused"
        if self.last_run is None:
            return "new"
        if self.last_run.status == Run.Status.FAILED:
            return "failing"
        if self.stuck:
            return "stuck"
        return "issues" if self.open_issues else "healthy"


@dataclass(slots=True)
class FlowOverview:
    """A flow with its definition and what became of its records. ``more``: statuses with more than were counted."""

    flow: Flow
    definition: FlowDefinition
    counts: dict[str, int] = field(default_factory=dict)
    more: set[str] = field(default_factory=set)

    @property
    def sides(self) -> tuple[str, str]:
        return direction(catalogue.get(self.flow.sync.integration), self.definition)

    @property
    def lacking(self) -> list[str]:
        """Labels of the options it cannot run without."""
        return [option.label for option in lacking(self.definition, self.flow.options)]

    @property
    def settings(self) -> list[tuple[str, str]]:
        """Those of its options that are set, in plain words: label and what is chosen."""
        chosen = []
        for option in self.definition.options:
            value = self.flow.options.get(option.name, option.default)
            if option.kind == "boolean":
                value = "Yes" if value else "No"
            if value != "":
                chosen.append((option.label, str(dict(option.choices).get(value, value))))
        return chosen


@dataclass(slots=True)
class FlowProgress:
    """One flow of one run. ``done`` is how many rows have their verdict; ``share`` per cent, None if not known.

    ``state`` is waiting, running or done; ``took`` is how long it has been read so far.
    """

    flow_run: FlowRun
    label: str
    state: str
    refused: str = ""
    took: timedelta | None = None

    @property
    def done(self) -> int:
        return sum(getattr(self.flow_run, name) for name in SETTLED_COUNTS)

    @property
    def moved(self) -> int:
        return self.flow_run.created + self.flow_run.updated

    @property
    def calls(self) -> int:
        return self.flow_run.source_calls + self.flow_run.destination_calls

    @property
    def expected(self) -> int | None:
        return max(self.flow_run.expected, self.done) if self.flow_run.expected else None

    @property
    def per_second(self) -> float:
        seconds = self.took.total_seconds() if self.took else 0
        return self.done / seconds if seconds >= 1 else 0

    @property
    def time_left(self) -> timedelta | None:
        """While it is read, where it is known how much there is."""
        if self.state != "running" or self.expected is None or not self.per_second:
            return None
        return timedelta(seconds=(self.expected - self.done) / self.per_second)

    @property
    def open_issues(self) -> int:
        return sum(getattr(self.flow_run, name) for name in UNSETTLED)

    @property
    def share(self) -> int | None:
        if self.state == "done":
            return 100
        return self.done * 100 // self.expected if self.expected else None


@dataclass(slots=True)
class RunOverview:
    run: Run
    flows: list[FlowProgress]
    now: datetime

    @property
    def active(self) -> bool:
        return self.run.status in Run.ACTIVE

    @property
    def took(self) -> timedelta | None:
        return (self.run.finished_at or self.now) - self.run.started_at if self.run.started_at else None

    @property
    def per_second(self) -> float:
        seconds = self.took.total_seconds() if self.took else 0
        return sum(flow.done for flow in self.flows) / seconds if seconds >= 1 else 0

    @property
    def time_left(self) -> timedelta | None:
        """Only where every unfinished flow knows how much there is."""
        open_flows = [flow for flow in self.flows if flow.state != "done"]
        if not self.per_second or not open_flows or any(flow.expected is None for flow in open_flows):
            return None
        left = sum((flow.expected or 0) - flow.done for flow in open_flows)
        return timedelta(seconds=left / self.per_second)

    @property
    def stepwise(self) -> bool:
        """Some records were looked at again in the same run: more verdicts than rows."""
        return any(flow.flow_run.expected and flow.done > flow.flow_run.expected for flow in self.flows)

    def total(self, name: str) -> int:
        return sum(getattr(flow.flow_run, name) for flow in self.flows)

    @property
    def totals(self) -> dict[str, int]:
        counts = {name: self.total(name) for name in (*SETTLED_COUNTS, "read")}
        sums = {name: sum(getattr(flow, name) for flow in self.flows) for name in ("done", "moved", "calls")}
        return counts | sums

    @property
    def open_issues(self) -> int:
        return sum(self.total(name) for name in UNSETTLED)


def syncs_of(tenant: Tenant) -> Any:
    return (
        Sync.objects.for_tenant(tenant)
        .select_related("source", "destination")
        .defer("source__secrets", "source__token", "destination__secrets", "destination__token")
        .order_by("name", "pk")
    )


def direction(integration: catalogue.Integration, definition: FlowDefinition | None = None) -> tuple[str, str]:
    """What the two sides are called, from where to where; as a flow goes, where one is given."""
    sides = registry.get(integration.source).label, registry.get(integration.destination).label
    return (sides[1], sides[0]) if definition and definition.reverse else sides


def offers() -> list[tuple[catalogue.Integration, str, str]]:
    """Every integration with what its two sides are called."""
    return [(one, *direction(one)) for one in catalogue.all_integrations()]


def stuck_flows(sync: Sync, run: Run) -> dict[str, str]:
    """Flows that this run could not read or write at all, by label, and why."""
    refused: dict[str, Any] = run.progress.get("refused", {})
    integration = catalogue.get(sync.integration)
    return {integration.flow(key).label: reason["text"] for key, reason in refused.items()}


def overviews(tenant: Tenant) -> list[SyncOverview]:
    """All syncs of a tenant, in six queries for any number of them."""
    of_sync = Run.objects.across_tenants().filter(sync=OuterRef("pk")).order_by("-pk")
    syncs = list(syncs_of(tenant).annotate(last_run_id=Subquery(of_sync.values("pk")[:1])))
    found = {sync.pk: SyncOverview(sync) for sync in syncs}
    if not found:
        return []
    for run in Run.objects.for_tenant(tenant).filter(pk__in=[sync.last_run_id for sync in syncs if sync.last_run_id]):
        found[run.sync_id].last_run = run
    for pk, moved in moved_since(tenant, syncs, timezone.now() - timedelta(days=1)).items():
        found[pk].moved = moved
    unsettled = Record.objects.for_tenant(tenant).filter(
        flow__sync__in=list(found), status__in=UNSETTLED, set_aside__isnull=True
    )
    for row in unsettled.values("flow__sync_id", "status").annotate(number=Count("pk")).order_by():
        found[row["flow__sync_id"]].unsettled[row["status"]] = row["number"]
    return list(found.values())


def with_pulse(tenant: Tenant) -> list[SyncOverview]:
    """All syncs of a tenant with how they have been doing."""
    found = overviews(tenant)
    for pk, pulse in pulses(tenant, [one.sync for one in found]).items():
        next(one for one in found if one.sync.pk == pk).pulse = pulse
    return found


def flow_overviews(sync: Sync) -> list[FlowOverview]:
    """The flows of a sync in the order in which they run, with how many records stand where."""
    integration = catalogue.get(sync.integration)
    flows = {flow.key: flow for flow in sync.flows.all()}
    found = [
        FlowOverview(flows[definition.key], definition) for definition in integration.flows if definition.key in flows
    ]
    _count(found)
    return found


def _count(overviews: Sequence[FlowOverview]) -> None:
    """Open issues exactly, what is done up to a bound, so that the page stays quick; all from one index."""
    asked = [(one, status) for one in overviews for status in Record.Status.values]
    if not asked:
        return
    counted = "SELECT {}, COUNT(*) FROM (SELECT 1 FROM syncs_record WHERE flow_id = %s AND status = %s{}) AS counted"
    bound = f" LIMIT {COUNTED_AT_MOST + 1}"
    parts = [counted.format(place, "" if of in UNSETTLED else bound) for place, (_, of) in enumerate(asked)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), [value for one, of in asked for value in (one.flow.pk, of)])
        numbers = cursor.fetchall()
    for place, number in numbers:
        overview, status = asked[place]
        overview.counts[status] = number
        if number > COUNTED_AT_MOST and status not in UNSETTLED:
            overview.counts[status] = COUNTED_AT_MOST
            overview.more.add(status)


def recent_runs(
    sync: Sync, *, before: int | None = None, size: int = RUNS_PER_PAGE
) -> tuple[list[RunOverview], int | None]:
    """Newest first, and where the next page starts; None at the end."""
    runs = sync.runs.order_by("-pk").prefetch_related(_flow_runs())
    if before is not None:
        runs = runs.filter(pk__lt=before)
    page = list(runs[: size + 1])
    more = page[size - 1].pk if len(page) > size else None
    return [overview_of(run, sync) for run in page[:size]], more


def _flow_runs() -> Prefetch[Any]:
    return Prefetch("flow_runs", FlowRun.objects.across_tenants().select_related("flow").order_by("pk"))


def run_of(tenant: Tenant, pk: int) -> Run:
    """With its sync and flow runs. Raises ``Run.DoesNotExist`` for another tenant's."""
    runs = Run.objects.for_tenant(tenant).select_related("sync__source", "sync__destination")
    hidden = [f"sync__{side}__{name}" for side in ("source", "destination") for name in ("secrets", "token")]
    return runs.defer(*hidden).prefetch_related(_flow_runs()).get(pk=pk)


def overview_of(run: Run, sync: Sync) -> RunOverview:
    integration = catalogue.get(sync.integration)
    by_key = {flow_run.flow.key: flow_run for flow_run in run.flow_runs.all()}
    refused, now = run.progress.get("refused", {}), timezone.now()
    flows = [
        FlowProgress(
            by_key[definition.key],
            definition.label,
            _flow_state(run, definition.key),
            refused.get(definition.key, {}).get("text", ""),
            _flow_took(run, definition.key, now),
        )
        for definition in integration.flows
        if definition.key in by_key
    ]
    return RunOverview(run, flows, now)


def _flow_state(run: Run, key: str) -> str:
    if run.status not in Run.ACTIVE or key in run.progress.get("scanned", []):
        return "done"
    return "running" if key in run.progress.get("began", {}) else "waiting"


def _flow_took(run: Run, key: str, now: datetime) -> timedelta | None:
    began, ended = (parse_datetime(run.progress.get(name, {}).get(key) or "") for name in ("began", "ended"))
    return (ended or run.finished_at or now) - began if began else None


def run_before(run: Run) -> RunOverview | None:
    """The last run of the same sync that came to its end before this one, to compare it with."""
    ended = run.sync.runs.filter(pk__lt=run.pk).exclude(status__in=Run.ACTIVE).order_by("-pk")
    before = ended.prefetch_related(_flow_runs()).first()
    return overview_of(before, run.sync) if before else None
