"""Do both sides agree? Counts and sums per month and currency, read from both systems now, and what differs by record.

Either side is read whole, then what differs is read a second time by key: what moved while the first look took place
is no difference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from django.db.models import Count, Sum

from connections import services as connections
from connections.connectors import registry
from syncs import catalogue
from syncs.engine.flow import UNSETTLED
from syncs.models import Record, Sync

OPEN_BALANCE = "open balance"
LINES = "lines"
LOOKED_AT_TWICE = 5_000
_MONTH = re.compile(r"\d{4}-\d\d")

Keys = Mapping[str, Collection[str]]
"""Flow key → source keys."""


class Origin(NamedTuple):
    """The record a figure comes from. ``flow`` is empty where it belongs to none, ``month`` where it has no date."""

    flow: str
    key: str
    month: str = ""
    title: str = ""
    id: str = ""


@dataclass(slots=True)
class Share:
    """What one record adds to a figure."""

    origin: Origin
    currency: str
    count: int = 0
    total: Decimal = Decimal(0)


@dataclass(slots=True)
class Totals:
    """One side: what → key → share, and what was left out on purpose: (what, rule) → key → month."""

    shares: dict[str, dict[str, Share]] = field(default_factory=dict)
    left_out: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def add(self, what: str, currency: str, amount: Decimal | None, origin: Origin, count: int = 1) -> None:
        """Adds up what several rows say of one record."""
        shares = self.shares.setdefault(what, {})
        share = shares.get(origin.key)
        if share is None:
            share = shares[origin.key] = Share(origin, currency)
        share.count += count
        share.total += amount or 0

    def leave_out(self, what: str, rule: str, origin: Origin) -> None:
        self.left_out.setdefault((what, rule), {})[origin.key] = origin.month

    def of(self, what: str, key: str) -> Share | None:
        return self.shares.get(what, {}).get(key)

    def replace(self, keys: Keys, again: Totals) -> None:
        """What ``again`` says of these records instead of what was known."""
        for shares in self.shares.values():
            for flow, known in keys.items():
                for key in known:
                    if key in shares and shares[key].origin.flow == flow:
                        del shares[key]
        for what, shares in again.shares.items():
            self.shares.setdefault(what, {}).update(shares)
        for rule, months in again.left_out.items():
            self.left_out.setdefault(rule, {}).update(months)


@dataclass(slots=True)
class Comparison:
    """``month`` is empty where the records have no date, and where it is about all months."""

    what: str
    month: str
    currency: str
    source_count: int = 0
    source_total: Decimal = Decimal(0)
    destination_count: int = 0
    destination_total: Decimal = Decimal(0)

    @property
    def equal(self) -> bool:
        return (self.source_count, self.source_total) == (self.destination_count, self.destination_total)

    @property
    def count_difference(self) -> int:
        """Below zero: the destination has less."""
        return self.destination_count - self.source_count

    @property
    def fewer(self) -> int:
        return -self.count_difference

    @property
    def total_difference(self) -> Decimal:
        return self.destination_total - self.source_total

    def add_source(self, count: int, total: Decimal) -> None:
        self.source_count += count
        self.source_total += total

    def add_destination(self, count: int, total: Decimal) -> None:
        self.destination_count += count
        self.destination_total += total


@dataclass(frozen=True, slots=True)
class Difference:
    """One record that the sides do not show alike, in one month and currency. A side is None where it lacks it there.

    ``elsewhere``: the other side has it under another month or currency.
    """

    what: str
    month: str
    currency: str
    origin: Origin
    source: Share | None = None
    destination: Share | None = None
    elsewhere: Share | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What is not mirrored on purpose."""

    what: str
    rule: str
    month: str
    count: int


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
    """``months`` per month and currency, ``comparisons`` over all months."""

    months: list[Comparison]
    differences: list[Difference]
    left_out: list[LeftOut]

    @property
    def comparisons(self) -> list[Comparison]:
        return summed(self.months)

    @property
    def equal(self) -> bool:
        return not self.differences


def reconcile(sync: Sync, tick: Callable[[], None] | None = None) -> Reconciliation:
    """Reads both systems from end to end; ``tick`` is called before each call. Raises the connectors' errors."""
    integration = catalogue.get(sync.integration)
    source, destination = (
        registry.get(side.connector).client(connections.access_for(side, tick))
        for side in (sync.source, sync.destination)
    )
    ours, theirs = integration.totals(source, destination, sync)
    suspects = _suspects(compare(ours, theirs)[1])
    if 0 < sum(map(len, suspects.values())) <= LOOKED_AT_TWICE:
        ours_again, theirs_again = integration.totals(source, destination, sync, suspects)
        ours.replace(suspects, ours_again)
        theirs.replace(suspects, theirs_again)
    months, differences = compare(ours, theirs)
    return Reconciliation(months, differences, list(_left_out(ours)))


def compare(ours: Totals, theirs: Totals) -> tuple[list[Comparison], list[Difference]]:
    rows: dict[tuple[str, str, str], Comparison] = {}
    differences: list[Difference] = []

    def row(what: str, month: str, share: Share) -> Comparison:
        place = what, month, share.currency
        return rows.get(place) or rows.setdefault(place, Comparison(*place))

    for what in sorted(ours.shares.keys() | theirs.shares.keys()):
        one, other = ours.shares.get(what, {}), theirs.shares.get(what, {})
        for key in one.keys() | other.keys():
            mine, its = one.get(key), other.get(key)
            if mine:
                row(what, mine.origin.month, mine).add_source(mine.count, mine.total)
            if its:
                row(what, _month(its, mine), its).add_destination(its.count, its.total)
            differences.extend(_differences(what, mine, its))
    differences.sort(key=lambda one: (one.what, one.month, one.currency, one.origin.title, one.origin.key))
    return [rows[place] for place in sorted(rows)], differences


def _month(its: Share, mine: Share | None) -> str:
    """What has no date there counts in the month it has here."""
    return its.origin.month or (mine.origin.month if mine else "")


def _differences(what: str, mine: Share | None, its: Share | None) -> Iterator[Difference]:
    if mine and its and (mine.origin.month, mine.currency) == (_month(its, mine), its.currency):
        if (mine.count, mine.total) != (its.count, its.total):
            yield Difference(what, mine.origin.month, mine.currency, mine.origin, mine, its)
        return
    if mine:
        yield Difference(what, mine.origin.month, mine.currency, mine.origin, source=mine, elsewhere=its)
    if its:
        yield Difference(what, _month(its, mine), its.currency, its.origin, destination=its, elsewhere=mine)


def _suspects(differences: Iterable[Difference]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for difference in differences:
        if difference.origin.flow:
            found.setdefault(difference.origin.flow, set()).add(difference.origin.key)
    return found


def _left_out(ours: Totals) -> Iterator[LeftOut]:
    for (what, rule), months in sorted(ours.left_out.items()):
        for month, keys in groupby(sorted(months.items(), key=lambda one: one[1]), key=lambda one: one[1]):
            yield LeftOut(what, rule, month, len(list(keys)))


def summed(months: Iterable[Comparison]) -> list[Comparison]:
    """Over all months, by what and currency."""
    rows: dict[tuple[str, str], Comparison] = {}
    for one in months:
        row = rows.setdefault((one.what, one.currency), Comparison(one.what, "", one.currency))
        row.add_source(one.source_count, one.source_total)
        row.add_destination(one.destination_count, one.destination_total)
    return [rows[place] for place in sorted(rows)]


def unsettled(sync: Sync) -> Iterable[Unsettled]:
    records = Record.objects.for_tenant(sync.tenant_id).filter(flow__sync=sync, status__in=UNSETTLED)
    groups = records.values_list("flow__key", "status", "error_code", "currency")
    for group in groups.annotate(Count("pk"), Sum("amount")).order_by("flow__key", "status", "error_code", "currency"):
        yield Unsettled(*group)


# For integrations -----------------------------------------------------------------------------------------------------


def month_of(value: Any) -> str:
    """'2026-11' of a date or an instant as systems write them, empty for anything else."""
    found = _MONTH.match(str(value or ""))
    return found.group() if found else ""


def keys_of(only: Keys | None, flow: str) -> Collection[str] | None:
    """Which records of a flow to read: None for all of them."""
    return None if only is None else only.get(flow, ())


def moving(sync: Sync) -> set[str]:
    """Flows that are on; of what nobody wants moved, no difference is of interest."""
    return set(sync.flows.filter(enabled=True).values_list("key", flat=True))
