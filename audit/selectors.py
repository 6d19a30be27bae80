"""Reading the trail: a page at a time by keyset, and whole as a stream."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Q, QuerySet

from audit.models import AuditEntry
from audit.storage import COLUMNS

PAGE = 100
_EXPORT_PAGE = 2000


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
            found &= (
                Q(source_ref__icontains=self.text)
                | Q(destination_ref__icontains=self.text)
                | Q(actor__icontains=self.text)
                | Q(error_code__icontains=self.text)
            )
        return found


@dataclass(frozen=True, slots=True)
class TrailPage:
    """Newest first. ``next_before`` goes into ``before`` of the next call; None at the end."""

    entries: list[AuditEntry]
    next_before: int | None


def entries(tenant_id: int, filters: Filters | None = None) -> QuerySet[AuditEntry]:
    found = AuditEntry.objects.filter((filters or Filters()).conditions(), tenant_id=tenant_id)
    return found.order_by("-sequence")


def page(tenant_id: int, filters: Filters | None = None, *, before: int | None = None, size: int = PAGE) -> TrailPage:
    found = entries(tenant_id, filters)
    if before is not None:
        found = found.filter(sequence__lt=before)
    rows = list(found[: size + 1])
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
    write = _Echo()
    writer = csv.writer(write, lineterminator="\r\n")
    if form == "csv":
        yield writer.writerow(fields)
    for row in _oldest_first(tenant_id, filters or Filters(), fields):
        yield writer.writerow([_harmless(value) for value in row]) if form == "csv" else _json_line(fields, row)


class _Echo:
    """A file that hands back what was written to it."""

    def write(self, value: str) -> str:
        return value


def _oldest_first(tenant_id: int, filters: Filters, fields: list[str]) -> Iterator[tuple[Any, ...]]:
    found = AuditEntry.objects.filter(filters.conditions(), tenant_id=tenant_id).order_by("sequence")
    last, end = 0, AuditEntry.objects.filter(tenant_id=tenant_id).aggregate(end=Max("sequence"))["end"] or 0
    while True:
        rows = list(found.filter(sequence__gt=last, sequence__lte=end).values_list(*fields)[:_EXPORT_PAGE])
        yield from rows
        if len(rows) < _EXPORT_PAGE:
            return
        last = rows[-1][0]


def _json_line(fields: list[str], row: tuple[Any, ...]) -> str:
    line = dict(zip(fields, row, strict=True))
    line["at"] = line["at"].isoformat(timespec="microseconds")
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"


def _harmless(value: Any) -> Any:
    """Spreadsheets run what begins like a formula; a leading apostrophe makes it text."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
