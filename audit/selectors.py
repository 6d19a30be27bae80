"""Reading the trail: a page at a time by keyset, and whole as a stream.

However long it is, nobody waits: a text is looked for by index first, dates become numbers of entries, and a search for
something rare ends after a while with the place where it may go on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Max, Q, QuerySet

from audit.models import AuditEntry
from audit.storage import COLUMNS
from mlconnector.spreadsheet import csv_lines

PAGE = 100
PATIENCE_SECONDS = 1.0
_FIRST_LOOK, _LONGEST_LOOK = 5_000, 100_000
_EXPORT_PAGE = 2000
_PLACES = 100
_CLOCKS_APART = timedelta(hours=1)
_NAMED = ("source_ref", "destination_ref", "actor", "error_code")


_EXACT = (
    "sync_id", "run_id", "flow", "source_ref", "destination_ref", "action", "outcome", "actor", "error_code"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """What to look for; empty means any. ``text`` is looked for in references, actor and error code."""

    sync_id: int | None = None
    run_id: int | None = None
    flow: str = ""
    source_ref: str = ""
    destination_ref: str = ""
    action: str = ""
    outcome: str = ""
    actor: str = ""
    error_code: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> Q:
        given = {name: getattr(self, name) for name in _EXACT}
        found = Q(**{name: value for name, value in given.items() if value not in ("", None)})
        if self.since:
            found &= Q(at__gte=self.since)
        if self.until:
            found &= Q(at__lt=self.until)
        if self.text:
            found &= _parts(self.text)
        return found


def _parts(text: str) -> Q:
    found = Q()
    for name in _NAMED:
        found |= Q(**{f"{name}__icontains": text})
    return found


def _wholes(text: str) -> list[Q]:
    """One condition per index. A member may be called by the address alone."""
    named = [Q(**{name: text}) for name in _NAMED if name != "actor"]
    return [*named, Q(actor__in=(text, f"member:{text}"))]


@dataclass(frozen=True, slots=True)
class TrailPage:
    """Newest first. ``next_before`` goes into ``before`` of the next call; None at the end. ``unfinished``: the search
    took long and stopped there, so that more of this page may lie further back."""

    entries: list[AuditEntry]
    next_before: int | None
    unfinished: bool = False


def entries(tenant_id: int, filters: Filters | None = None) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.filter(tenant_id=tenant_id).order_by("-sequence")
    return narrowed(rows, tenant_id, filters or Filters())


def narrowed(rows: QuerySet[AuditEntry], tenant_id: int, filters: Filters) -> QuerySet[AuditEntry]:
    first, behind = _range(tenant_id, filters)
    if first is not None:
        rows = rows.filter(sequence__gte=first)
    if behind is not None:
        rows = rows.filter(sequence__lt=behind)
    return rows.filter(_meant(tenant_id, filters))


def _meant(tenant_id: int, filters: Filters) -> Q:
    """A text that is the whole of a reference, an actor or a code finds those alone, else what contains it."""
    conditions = filters.conditions()
    if filters.text:
        wholes = _wholes(filters.text)
        of_tenant = AuditEntry.objects.filter(tenant_id=tenant_id)
        if any(of_tenant.filter(whole).exists() for whole in wholes):
            conditions = replace(filters, text="").conditions() & reduce(or_, wholes)
    return conditions


def _range(tenant_id: int, filters: Filters) -> tuple[int | None, int | None]:
    """The numbers of the entries between two instants: entries are numbered as they come, so no index on the time is
    needed. Workers' clocks may be a little apart."""
    since, until = filters.since, filters.until
    return (
        _first_since(tenant_id, _moved(since, -_CLOCKS_APART)) if since else None,
        _first_since(tenant_id, _moved(until, _CLOCKS_APART)) if until else None,
    )


def _moved(at: datetime, by: timedelta) -> datetime:
    try:
        return at + by
    except OverflowError:
        return at


def _first_since(tenant_id: int, at: datetime) -> int:
    """By a hundred places at once, which narrows a million entries down in three short questions."""
    rows = AuditEntry.objects.filter(tenant_id=tenant_id)
    low, high = 1, end(tenant_id) + 1
    while low < high:
        places = range(low, high, max((high - low) // _PLACES, 1))
        known = list(rows.filter(sequence__in=places).order_by("sequence").values_list("sequence", "at"))
        if not known:
            break
        high = next((sequence for sequence, found in known if found >= at), high)
        low = max((sequence + 1 for sequence, _ in known if sequence < high), default=low)
    return low


def end(tenant_id: int) -> int:
    """The number of the last entry; 0 where there is none."""
    return AuditEntry.objects.filter(tenant_id=tenant_id).aggregate(end=Max("sequence"))["end"] or 0


def page(tenant_id: int, filters: Filters | None = None, *, before: int | None = None, size: int = PAGE) -> TrailPage:
    """Goes back in ever longer steps until the page is full, the trail ends, or patience does."""
    given = filters or Filters()
    found = AuditEntry.objects.filter(_meant(tenant_id, given), tenant_id=tenant_id).order_by("-sequence")
    rows: list[AuditEntry] = []
    first, behind = _range(tenant_id, given)
    upper = min(one for one in (before, behind, end(tenant_id) + 1) if one is not None)
    first = first or 1
    step, give_up = _FIRST_LOOK, time.monotonic() + PATIENCE_SECONDS
    while upper > first and len(rows) <= size:
        if time.monotonic() > give_up:
            return TrailPage(rows, upper, unfinished=True)
        lower = max(upper - step, first)
        rows += found.filter(sequence__gte=lower, sequence__lt=upper)[: size + 1 - len(rows)]
        upper, step = lower, min(step * 2, _LONGEST_LOOK)
    return TrailPage(rows[:size], rows[size - 1].sequence if len(rows) > size else None)


def story(tenant_id: int, sync_id: int, flow: str, source_ref: str, limit: int = 200) -> list[AuditEntry]:
    """Everything that happened to one record, newest first; one index range."""
    return list(entries(tenant_id, Filters(sync_id=sync_id, flow=flow, source_ref=source_ref))[:limit])


def export(tenant_id: int, filters: Filters | None = None, *, form: str = "ndjson") -> Iterator[str]:
    """Lines of text, oldest first, in little memory: ``ndjson`` or ``csv``. Ends with what stood at its start, so
    that it ends at all. Both carry the hashes: whoever holds an export can check the chain without us."""
    if form not in ("ndjson", "csv"):
        raise ValueError(f"Unknown form {form!r}: ndjson or csv.")
    fields = [name for name in COLUMNS if name != "tenant_id"]
    rows = _oldest_first(tenant_id, filters or Filters(), fields)
    if form == "csv":
        yield from csv_lines([fields])
        yield from csv_lines(rows)
    else:
        yield from (_json_line(fields, row) for row in rows)


def _oldest_first(tenant_id: int, filters: Filters, fields: list[str]) -> Iterator[tuple[Any, ...]]:
    found = entries(tenant_id, filters).order_by("sequence")
    last, until = 0, end(tenant_id)
    while True:
        rows = list(found.filter(sequence__gt=last, sequence__lte=until).values_list(*fields)[:_EXPORT_PAGE])
        yield from rows
        if len(rows) < _EXPORT_PAGE:
            return
        last = rows[-1][0]


def _json_line(fields: list[str], row: tuple[Any, ...]) -> str:
    line = dict(zip(fields, row, strict=True))
    line["at"] = line["at"].isoformat(timespec="microseconds")
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
