"""Do both sides agree? Counts and sums per currency, read from both systems now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, Sum

from connections import services as connections
from connections.connectors import registry
from syncs import catalogue
from syncs.engine.flow import UNSETTLED
from syncs.models import Record, Sync


@dataclass(slots=True)
class Figure:
    count: int = 0
    total: Decimal = Decimal(0)

    def add(self, amount: Decimal | None) -> None:
        self.count += 1
        self.total += amount or 0


@dataclass(slots=True)
class Totals:
    """One side: (what, currency) → figure, and what was left out on purpose with its rule."""

    figures: dict[tuple[str, str], Figure] = field(default_factory=dict)
    left_out: dict[tuple[str, str], Figure] = field(default_factory=dict)

    def add(self, what: str, currency: str, amount: Decimal | None) -> None:
        self.figures.setdefault((what, currency), Figure()).add(amount)

    def leave_out(self, what: str, rule: str) -> None:
        self.left_out.setdefault((what, rule), Figure()).add(None)


@dataclass(frozen=True, slots=True)
class Comparison:
    what: str
    currency: str
    source_count: int
    source_total: Decimal
    destination_count: int
    destination_total: Decimal

    @property
    def equal(self) -> bool:
        return (self.source_count, self.source_total) == (self.destination_count, self.destination_total)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Records that are not delivered, by cause: what a difference is made of."""

    flow: str
    status: str
    cause: str
    currency: str
    count: int
    total: Decimal | None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """``left_out`` is (what, rule, number) of what is not mirrored on purpose."""

    comparisons: list[Comparison]
    left_out: list[tuple[str, str, int]]
    unsettled: list[Unsettled]

    @property
    def equal(self) -> bool:
        return all(comparison.equal for comparison in self.comparisons)


def reconcile(sync: Sync) -> Reconciliation:
    """Reads both systems from end to end. Raises the connectors' errors."""
    integration = catalogue.get(sync.integration)
    source_access = connections.access_for(sync.source)
    destination_access = connections.access_for(sync.destination)
    source = registry.get(sync.source.connector).client(source_access)
    destination = registry.get(sync.destination.connector).client(destination_access)
    ours, theirs = integration.totals(source, destination, sync)
    return Reconciliation(
        list(_compare(ours, theirs)),
        [(what, rule, figure.count) for (what, rule), figure in sorted(ours.left_out.items())],
        list(unsettled(sync)),
    )


def unsettled(sync: Sync) -> Iterable[Unsettled]:
    records = Record.objects.for_tenant(sync.tenant_id).filter(flow__sync=sync, status__in=UNSETTLED)
    groups = records.values_list("flow__key", "status", "error_code", "currency")
    for group in groups.annotate(Count("pk"), Sum("amount")).order_by("flow__key", "status", "error_code", "currency"):
        yield Unsettled(*group)


def _compare(ours: Totals, theirs: Totals) -> Iterable[Comparison]:
    nothing = Figure()
    for what, currency in sorted(ours.figures.keys() | theirs.figures.keys()):
        one, other = ours.figures.get((what, currency), nothing), theirs.figures.get((what, currency), nothing)
        yield Comparison(what, currency, one.count, one.total, other.count, other.total)
