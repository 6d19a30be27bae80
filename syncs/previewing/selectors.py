"""Reading previews for pages and downloads. Lists by keyset; totals were counted when the preview ended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from audit.reading import Change, Table, changes, tables
from mlconnector.tenants.models import Tenant
from syncs import catalogue
from syncs.engine.flow import UNSETTLED
from syncs.models import Flow, Preview, PreviewEntry, Record, Run, Sync

PER_PAGE = 50
EXPORTED_AT_ONCE = 1000
MONEY_SHOWN = 4
OUTCOMES: Mapping[str, str] = {
    "created": "Created",
    "updated": "Updated",
    "unchanged": "Unchanged",
    "skipped": "Skipped",
    "waiting": "Waiting",
    "held": "Held",
    "rejected": "Rejected",
}
WOULD: Mapping[str, str] = {
    "created": "would be created",
    "updated": "would be updated",
    "skipped": "would be skipped",
    "waiting": "would wait",
    "held": "would be held for a decision",
    "rejected": "would be rejected",
}
"""Outcomes whose records are listed."""


@dataclass(slots=True)
class Cell:
    """Records of one flow with one outcome. ``more``: currencies that are not among ``money``."""

    outcome: str
    number: int = 0
    money: dict[str, Decimal] = field(default_factory=dict)
    more: int = 0

    @property
    def label(self) -> str:
        return OUTCOMES[self.outcome]

    @property
    def listed(self) -> bool:
        return self.outcome in WOULD and self.number > 0


@dataclass(slots=True)
class FlowTotals:
    key: str
    label: str
    cells: list[Cell]


@dataclass(slots=True)
class Line:
    """What would become of one record. ``record`` is the one there is already, if there is."""

    entry: PreviewEntry
    text: str
    changes: list[Change]
    sent: list[Table]
    record: Record | None = None


@dataclass(slots=True)
class LinePage:
    """``after`` goes into the next call, as text; empty at the end."""

    lines: list[Line]
    after: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """An option as it is and as it is proposed."""

    label: str
    before: str
    after: str


def previews_of(tenant: Tenant) -> QuerySet[Preview]:
    hidden = [f"sync__{side}__{name}" for side in ("source", "destination") for name in ("secrets", "token")]
    return Preview.objects.for_tenant(tenant).select_related("sync__source", "sync__destination").defer(*hidden)


def preview_of(tenant: Tenant, pk: int) -> Preview:
    """Raises ``Preview.DoesNotExist`` for another tenant's."""
    return previews_of(tenant).get(pk=pk)


def latest(sync: Sync) -> Preview | None:
    """The newest that nobody has done with."""
    return sync.previews.exclude(status__in=(Preview.Status.APPROVED, Preview.Status.DISCARDED)).order_by("-pk").first()


def run_of(preview: Preview) -> Run | None:
    """The run by which it is being worked out."""
    if preview.rehearsal_id is None:
        return None
    runs = Run.objects.across_tenants().filter(sync_id=preview.rehearsal_id)
    return runs.prefetch_related("flow_runs__flow").first()


def totals(preview: Preview) -> list[FlowTotals]:
    """The flows that took part, in the order in which they run."""
    return [
        FlowTotals(definition.key, definition.label, [_cell(counted, outcome) for outcome in OUTCOMES])
        for definition in catalogue.get(preview.sync.integration).flows
        if (counted := preview.totals.get(definition.key)) is not None
    ]


def _cell(counted: Mapping[str, Any], outcome: str) -> Cell:
    found = counted.get(outcome, {})
    money = {currency: Decimal(text) for currency, text in sorted(found.get("money", {}).items())}
    shown = dict(list(money.items())[:MONEY_SHOWN])
    return Cell(outcome, found.get("number", 0), shown, len(money) - len(shown))


def numbers(flows: Sequence[FlowTotals]) -> dict[str, int]:
    """Over all flows, by outcome, with ``unsettled`` for those that would need attention."""
    summed = {
        outcome: sum(cell.number for flow in flows for cell in flow.cells if cell.outcome == outcome)
        for outcome in OUTCOMES
    }
    return summed | {"unsettled": sum(summed[outcome] for outcome in UNSETTLED)}


def has_lists(preview: Preview) -> bool:
    """Older previews keep their numbers only."""
    return preview.entries.exists()


def lines(preview: Preview, flow: str, outcome: str, *, after: int | None = None, size: int = PER_PAGE) -> LinePage:
    found = preview.entries.filter(flow=flow, outcome=outcome).order_by("pk")
    if after is not None:
        found = found.filter(pk__gt=after)
    page = list(found[: size + 1])
    shown = [_line(entry) for entry in page[:size]]
    keys = [line.entry.source_key for line in shown]
    there = Record.objects.across_tenants().filter(flow__sync=preview.sync, flow__key=flow, source_key__in=keys)
    records = {record.source_key: record for record in there.defer("payload")}
    for line in shown:
        line.record = records.get(line.entry.source_key)
    return LinePage(shown, str(page[size - 1].pk) if len(page) > size else "")


def _line(entry: PreviewEntry) -> Line:
    detail = detail_of(entry)
    text = str(detail.get("text") or (detail.get("answer") or {}).get("text") or "")
    return Line(entry, text, list(changes(detail.get("before"), detail.get("after"))), list(tables(detail.get("sent"))))


def detail_of(entry: PreviewEntry) -> dict[str, Any]:
    detail = json.loads(entry.detail or "{}")
    return detail if isinstance(detail, dict) else {}


def proposed(preview: Preview) -> list[Setting]:
    """What a preview would change in the settings of a flow: as it is now, and as it would be."""
    if "flow" not in preview.proposal or preview.kind == Preview.Kind.REPLAY:
        return []
    flow = Flow.objects.across_tenants().get(sync=preview.sync_id, key=preview.proposal["flow"])
    if preview.kind == Preview.Kind.OPTIONS:
        return list(_changed_options(flow, preview.proposal["options"]))
    return list(_changed_fields(flow.mapping_overrides, preview.proposal["overrides"]))


def _changed_options(flow: Flow, wanted: Mapping[str, Any]) -> Iterator[Setting]:
    for option in catalogue.get(flow.sync.integration).flow(flow.key).options:
        before = flow.options.get(option.name, option.default)
        after = wanted.get(option.name, before)
        if before != after:
            words = dict(option.choices)
            yield Setting(option.label, str(words.get(before, before)), str(words.get(after, after)))


def _changed_fields(now: Mapping[str, Any], then: Mapping[str, Any]) -> Iterator[Setting]:
    before, after = _own_fields(now), _own_fields(then)
    for place in {**before, **after}:
        if before.get(place) != after.get(place):
            yield Setting(" › ".join(filter(None, place)), before.get(place, ""), after.get(place, ""))


def _own_fields(overrides: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """(section, field) -> where its value comes from, or the value."""
    return {
        (str(row.get("in") or ""), str(row.get("label") or row["to"])): str(row.get("from") or row.get("value") or "")
        for row in overrides.get("fields", ())
    }


def exported(preview: Preview) -> Iterator[list[Any]]:
    """Rows of a spreadsheet, its head first: one for each field that would change, one for a record without any."""
    yield ["Flow", "Record", "Key", "Outcome", "Amount", "Currency", "Reason", "Field", "Before", "After"]
    for definition in catalogue.get(preview.sync.integration).flows:
        for outcome in WOULD:
            for line in _every(preview, definition.key, outcome):
                entry = line.entry
                head = [definition.label, entry.title, entry.source_key, OUTCOMES[outcome]]
                amounts = [entry.amount, entry.currency, line.text]
                yield from ([*head, *amounts, *cells] for cells in _fields(line))


def _every(preview: Preview, flow: str, outcome: str) -> Iterator[Line]:
    """In the order of the index, so that each page is one range of it."""
    found = preview.entries.filter(flow=flow, outcome=outcome).order_by("pk")
    last = 0
    while page := list(found.filter(pk__gt=last)[:EXPORTED_AT_ONCE]):
        last = page[-1].pk
        yield from map(_line, page)


def _fields(line: Line) -> Iterator[list[Any]]:
    told = False
    for change in line.changes:
        told = True
        yield [" › ".join(change.path), change.before, change.after]
    for table in line.sent if not told else ():
        for name, value in table.rows:
            told = True
            yield [" › ".join((*table.path, name)), None, value]
    if not told:
        yield [None, None, None]
