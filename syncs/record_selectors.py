"""Reading records for pages: search, causes, drafts, one record's surroundings. By keyset, never counting all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Sum

from mlconnector.tenants.models import Tenant
from syncs import catalogue
from syncs.attention.causes import Cause, cause_of
from syncs.engine.flow import HELD, UNSETTLED
from syncs.finding import ways
from syncs.models import Candidate, Flow, Record, Run, Sync

OPEN = Q(status__in=UNSETTLED, set_aside__isnull=True)
"""What needs attention."""
PER_PAGE = 50
MOST_LISTED = 50
IDS_SHOWN = 10
Money = dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of records is asked for; empty means any."""

    text: str = ""
    sync_id: int | None = None
    flow: str = ""
    status: str = ""
    cause: str | None = None
    run_id: int | None = None


@dataclass(slots=True)
class RecordPage:
    """``after`` goes into the next call; None at the end. ``exact``: these are the records that bear the very text."""

    records: list[Record]
    after: int | None
    exact: bool = False


@dataclass(slots=True)
class CauseGroup:
    """Records of one flow that did not arrive for one reason."""

    flow: Flow
    code: str
    cause: Cause
    status: str
    number: int = 0
    money: Money = field(default_factory=dict)
    example_id: int = 0
    example: str = ""

    @property
    def flow_label(self) -> str:
        return flow_label(self.flow)

    @property
    def question(self) -> bool:
        """Sending these through again would ask the same question again: a person has to answer it."""
        return self.status == HELD and self.code.startswith("match_")


def flow_label(flow: Flow) -> str:
    return catalogue.get(flow.sync.integration).flow(flow.key).label


def flows_of(tenant: Tenant) -> list[Flow]:
    return list(Flow.objects.for_tenant(tenant).select_related("sync").order_by("sync__name", "pk"))


def records_of(tenant: Tenant, flows: Iterable[Flow]) -> QuerySet[Record]:
    """Named by their flows rather than through a join, since every index of records starts with the flow."""
    ids = [flow.pk for flow in flows if flow.sync.tenant_id == tenant.pk]
    return Record.objects.across_tenants().filter(flow_id__in=ids).defer("payload")


def search(tenant: Tenant, wanted: Wanted, *, after: int | None = None, size: int = PER_PAGE) -> RecordPage:
    """Newest first. A text is looked for as it stands first; only then as the beginning or a part of something."""
    flows = [
        flow
        for flow in flows_of(tenant)
        if (wanted.sync_id is None or flow.sync_id == wanted.sync_id) and wanted.flow in ("", flow.key)
    ]
    by_id = {flow.pk: flow for flow in flows}
    found = _narrowed(records_of(tenant, flows), wanted)
    if not wanted.text:
        return keyset_page(found, by_id, after, size)
    if after is not None:
        found = found.filter(pk__lt=after)
    for closeness, meaning in enumerate(ways(wanted.text)):
        # The numbers first: an index tells them, and only what is shown is read.
        numbers = found.filter(meaning).order_by("-pk").values("pk")[: size + 1]
        page = keyset_page(records_of(tenant, flows).filter(pk__in=numbers), by_id, None, size)
        if page.records:
            page.exact = closeness == 0
            return page
    return RecordPage([], None)


def _narrowed(records: QuerySet[Record], wanted: Wanted) -> QuerySet[Record]:
    if wanted.status == "unsettled":
        records = records.filter(OPEN)
    elif wanted.status:
        records = records.filter(status=wanted.status)
    if wanted.cause is not None:
        records = records.filter(OPEN, error_code=wanted.cause)
    return records if wanted.run_id is None else records.filter(run_id=wanted.run_id)


def keyset_page(records: QuerySet[Record], flows: dict[int, Flow], after: int | None, size: int) -> RecordPage:
    if after is not None:
        records = records.filter(pk__lt=after)
    rows = list(records.order_by("-pk")[: size + 1])
    for record in rows:
        record.flow = flows[record.flow_id]
    return RecordPage(rows[:size], rows[size - 1].pk if len(rows) > size else None)


def still(page: Sequence[Record], *which: Q) -> list[Record]:
    """Those of the page of which that is so even now, locked until the transaction ends: two people may press one
    button at once, and the trail names the one who was heard."""
    rows = Record.objects.across_tenants().filter(*which, pk__in=[record.pk for record in page]).order_by("pk")
    found = set(rows.select_for_update().values_list("pk", flat=True))
    return [record for record in page if record.pk in found]


def record_of(tenant: Tenant, pk: int) -> Record:
    """Raises ``Record.DoesNotExist`` for another tenant's."""
    return Record.objects.for_tenant(tenant).select_related("flow__sync").get(pk=pk)


def record_by_source(tenant: Tenant, sync_id: int, flow: str, source_key: str) -> Record:
    return Record.objects.for_tenant(tenant).get(flow__sync_id=sync_id, flow__key=flow, source_key=source_key)


def waited_for(record: Record) -> Record | None:
    """The record that this one waits for, if it is known here."""
    flow, _, source_key = record.waits_for.partition(":")
    if not source_key:
        return None
    sync = record.flow.sync
    return Record.objects.for_tenant(sync.tenant_id).filter(
        flow__sync=sync, flow__key=flow, source_key=source_key
    ).first()  # fmt: skip


def open_question(record: Record) -> bool:
    """Whether a person is asked which record of the destination this one is, and no answer is on its way."""
    asked = record.status == HELD and record.error_code.startswith("match_")
    decision = record.decision or {}
    answered = bool(decision) and not decision.get("ask")
    return asked and (not answered or record.next_attempt_at is None)


def left_out(record: Record) -> bool:
    """Whether a person decided that this record does not go to the destination."""
    return record.status == Record.Status.SKIPPED and bool(record.decision and record.decision.get("reject"))


@dataclass(slots=True)
class Choice:
    """A record of the destination that may be this one. ``taken``: another record of ours is bound to it already.

    ``score`` is 0 to 1 and None where they were not compared; ``compared`` holds field, ours and theirs.
    """

    destination_id: str
    title: str
    taken: bool = False
    score: float | None = None
    reasons: list[str] = field(default_factory=list)
    compared: list[dict[str, str]] = field(default_factory=list)

    @property
    def percent(self) -> int | None:
        return None if self.score is None else round(self.score * 100)


def candidates_for(record: Record) -> list[Choice]:
    """The question as it was asked, best first, and what has been listed under this name since."""
    return choices_for([record])[record.pk]


def choices_for(records: Sequence[Record]) -> dict[int, list[Choice]]:
    """Record ID → its candidates, for open questions. Two queries for any number."""
    found = {record.pk: {str(one["id"]): _choice(one) for one in record.candidates or ()} for record in records}
    flow_ids = {record.flow_id for record in records}
    listed: dict[tuple[int, str], list[Candidate]] = {}
    names = {record.match_key for record in records} - {""}
    named = Candidate.objects.across_tenants().filter(flow_id__in=flow_ids, match_key__in=names).order_by("pk")
    for candidate in named[: MOST_LISTED * len(records)]:
        listed.setdefault((candidate.flow_id, candidate.match_key), []).append(candidate)
    for record in records:
        for candidate in listed.get((record.flow_id, record.match_key), ())[:MOST_LISTED]:
            found[record.pk].setdefault(candidate.destination_id, _listed(candidate))
    ids = {id_ for choices in found.values() for id_ in choices}
    bound = Record.objects.across_tenants().filter(flow_id__in=flow_ids, destination_id__in=ids)
    taken = set(bound.values_list("flow_id", "destination_id"))
    for record in records:
        for id_, choice in found[record.pk].items():
            choice.taken = (record.flow_id, id_) in taken
    return {pk: list(choices.values()) for pk, choices in found.items()}


def _choice(asked: Mapping[str, Any]) -> Choice:
    kept = {name: asked[name] for name in ("score", "reasons", "compared")}
    return Choice(str(asked["id"]), asked["title"], **kept)


def _listed(candidate: Candidate) -> Choice:
    compared = [{"field": name, "ours": "", "theirs": value} for name, value in candidate.evidence.items()]
    return Choice(candidate.destination_id, candidate.title, compared=compared)


@dataclass(slots=True)
class Twins:
    """Records of the destination's own that bear one name; ``ids`` are the first of them."""

    flow: Flow
    title: str
    number: int
    ids: list[str]

    @property
    def flow_label(self) -> str:
        return flow_label(self.flow)


def twins(sync: Sync) -> list[Twins]:
    """Names that stand more than once among the destination's own records, to be merged before they are asked about.

    Only where records are recognised by name, and once they have been listed. The most frequent first.
    """
    definitions = catalogue.get(sync.integration)
    found: list[Twins] = []
    for flow in sync.flows.select_related("sync").order_by("pk"):
        if definitions.flow(flow.key).matches:
            found += _twins_of(flow)
    return found


def _twins_of(flow: Flow) -> list[Twins]:
    bound = flow.records.filter(destination_id=OuterRef("destination_id"))
    free = flow.candidates.exclude(match_key="").exclude(Exists(bound))
    names = free.values("match_key").annotate(number=Count("pk")).filter(number__gt=1).order_by("-number", "match_key")
    numbers: dict[str, int] = dict(names.values_list("match_key", "number")[:MOST_LISTED])
    rows = free.filter(match_key__in=list(numbers)).order_by("pk")
    groups: dict[str, Twins] = {}
    for key, title, id_ in rows.values_list("match_key", "title", "destination_id"):
        group = groups.setdefault(key, Twins(flow, title, numbers[key], []))
        if len(group.ids) < IDS_SHOWN:
            group.ids.append(id_)
    return [groups[key] for key in numbers if key in groups]


def titles(
    tenant: Tenant, references: Iterable[tuple[int | None, str, str]]
) -> dict[tuple[int | None, str, str], Record]:
    """(sync ID, flow key, source key) → the record, for those that are still there. Two queries for any number."""
    wanted = set(references)
    asked_of = {reference[:2] for reference in wanted}
    flows = {flow.pk: flow for flow in flows_of(tenant) if (flow.sync_id, flow.key) in asked_of}
    found = records_of(tenant, flows.values()).filter(source_key__in=[source_key for _, _, source_key in wanted])
    known: dict[tuple[int | None, str, str], Record] = {}
    for record in found:
        record.flow = flows[record.flow_id]
        known[record.flow.sync_id, record.flow.key, record.source_key] = record
    return known


def confirmable(record: Record) -> bool:
    """A draft that waits for finance's word here, rather than for the source's."""
    return is_draft(record) and record.flow.key == "invoices" and record.flow.options.get("confirmation") == "here"


def is_draft(record: Record) -> bool:
    return record.unconfirmed and record.confirmed_at is None


# Needs attention ------------------------------------------------------------------------------------------------------


def causes(tenant: Tenant, *, sync: Sync | None = None, run: Run | None = None, member: Any = None) -> list[CauseGroup]:
    """Records that did not arrive, grouped by flow and cause; the largest group first. Three queries.

    ``member``: a user; only what was given to them.
    """
    flows = {flow.pk: flow for flow in flows_of(tenant) if sync is None or flow.sync_id == sync.pk}
    unsettled = records_of(tenant, flows.values()).filter(OPEN)
    if run is not None:
        unsettled = unsettled.filter(run_id=run.pk)
    if member is not None:
        unsettled = unsettled.filter(assigned_to=member)
    return _grouped(tenant, flows, unsettled)


def cause_group(tenant: Tenant, flow: Flow, code: str, *, member: Any = None) -> CauseGroup | None:
    """One cause of one flow, whatever the statuses; None where nothing is open for it."""
    unsettled = records_of(tenant, [flow]).filter(OPEN, error_code=code)
    if member is not None:
        unsettled = unsettled.filter(assigned_to=member)
    groups = _grouped(tenant, {flow.pk: flow}, unsettled)
    if not groups:
        return None
    whole = groups[0]
    for group in groups[1:]:
        whole.number += group.number
        for currency, amount in group.money.items():
            whole.money[currency] = whole.money.get(currency, Decimal(0)) + amount
    return whole


def _grouped(tenant: Tenant, flows: dict[int, Flow], unsettled: QuerySet[Record]) -> list[CauseGroup]:
    rows = unsettled.values("flow_id", "error_code", "status", "currency").annotate(
        number=Count("pk"), total=Sum("amount"), example=Min("pk")
    )
    groups: dict[tuple[Any, ...], CauseGroup] = {}
    for row in rows.order_by():
        key = row["flow_id"], row["error_code"], row["status"]
        group = groups.setdefault(
            key, CauseGroup(flows[row["flow_id"]], row["error_code"], cause_of(row["error_code"]), row["status"])
        )
        group.number += row["number"]
        group.example_id = max(group.example_id, row["example"])
        if row["total"] is not None and row["currency"]:
            group.money[row["currency"]] = group.money.get(row["currency"], Decimal(0)) + row["total"]
    _add_examples(tenant, flows.values(), groups.values())
    return sorted(groups.values(), key=lambda group: (group.status == "waiting", -group.number, group.code))


def _add_examples(tenant: Tenant, flows: Iterable[Flow], groups: Iterable[CauseGroup]) -> None:
    ids = [group.example_id for group in groups]
    texts = dict(records_of(tenant, flows).filter(pk__in=ids).values_list("pk", "error_text"))
    for group in groups:
        group.example = texts.get(group.example_id, "")


# Drafts ---------------------------------------------------------------------------------------------------------------


def draft_flows(tenant: Tenant) -> list[Flow]:
    """Flows in which finance gives the word here."""
    return [
        flow
        for flow in flows_of(tenant)
        if catalogue.get(flow.sync.integration).flow(flow.key).confirmed_here(flow.options)
    ]


def drafts(tenant: Tenant, sync: Sync | None = None, flows: Sequence[Flow] | None = None) -> QuerySet[Record]:
    chosen = [flow for flow in flows or draft_flows(tenant) if sync is None or flow.sync_id == sync.pk]
    return records_of(tenant, chosen).filter(unconfirmed=True, confirmed_at=None)
