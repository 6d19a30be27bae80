"""Executes one flow of a run: read → recognise → map → write → settle.

Rows pass in scan order. Those to be written are collected over page borders until a full write unit stands, so that
the destination's batches are full; the checkpoint never passes a row that is not settled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from connections.connectors.base import Page, Position, Row, Source
from connections.errors import RecordError, StreamRefused, blame
from syncs.engine import settle
from syncs.engine.binding import settle_matches
from syncs.engine.checkpoint import Checkpoint, start_of
from syncs.engine.flow import (
    SKIPPED,
    SYNCED,
    UNSETTLED,
    FlowDefinition,
    Held,
    Item,
    MapContext,
    Reference,
    Skip,
    State,
    Summary,
    Watch,
    WriteContext,
    digest,
    encode,
)
from syncs.engine.lease import Lease
from syncs.engine.own_fields import OwnFields
from syncs.engine.recognise import is_confirmed, is_settled, load_states, load_targets, source_hash
from syncs.engine.store import FlowStore
from syncs.models import Flow, FlowRun, Record

DUE_PAGE = 500
Tell = Callable[[str, Sequence[Item], datetime], None]
"""Puts down what became of a flow's records, in the caller's transaction."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two systems of a run."""

    connection_id: int
    client: Any
    capabilities: dict[str, Any]

    @property
    def calls(self) -> int:
        return int(self.client.door.calls)


@dataclass(frozen=True, slots=True)
class Sides:
    """The two systems as a flow sees them."""

    source: Side
    destination: Side

    def of(self, definition: FlowDefinition) -> Sides:
        """A reverse flow reads where the others write."""
        return Sides(self.destination, self.source) if definition.reverse else self


class OutOfTime(Exception):
    """The slice is over; the run goes on from its checkpoint in the next one."""


class FlowExecution:
    def __init__(
        self,
        *,
        flow: Flow,
        definition: FlowDefinition,
        flow_run: FlowRun,
        flow_ids: dict[str, int],
        tell: Tell,
        sides: Sides,
        lease: Lease,
        backfill_from: datetime | None,
        deadline: Callable[[], bool],
        progress: Callable[[FlowExecution], None],
    ) -> None:
        self.flow, self.definition, self.flow_run = flow, definition, flow_run
        self.flow_ids, self.tell, self.lease = flow_ids, tell, lease
        self.sides = sides.of(definition)
        self.deadline, self.progress = deadline, progress
        self.checkpoint = Checkpoint(flow, flow_run.run_id, backfill_from)
        self.options = {option.name: option.default for option in definition.options} | flow.options
        self.mapping_version = mapping_version(definition, flow)
        self.own = OwnFields(definition.table, flow.mapping_overrides)
        if self.own.sources:
            self.sides.source.client.include(definition.stream, self.own.sources)
        self.store = FlowStore(flow, flow_run.run_id, self.mapping_version)
        self.buffer: dict[str, Item] = {}
        self.to_write = 0
        self.counts: Counter[str] = Counter()
        self.still_unsettled: list[str] = []
        self.loaded_at = timezone.now()
        self.all_read = False
        self.unwatched: StreamRefused | None = None
        self.write_unit = definition.write_unit(flow_run.expected or 0, settings.WRITE_UNIT)
        self.since = start_of(flow.sync)
        self._calls = (0, 0)

    # reading ----------------------------------------------------------------------------------------------------

    def scan(self) -> None:
        """Reads every stream of the flow from its checkpoint to the source's present, and settles what it reads.

        A watched stream that is refused does not stop the flow: it only learns later of some changes.
        """
        self._begin_counting()
        now = self.sides.source.client.server_now()
        for watch in self.definition.watches:
            try:
                self._scan_watch(watch, now)
            except StreamRefused as refused:
                self.unwatched = refused
        self._scan_stream(self.sides.source.client, self.definition.stream, now, self._absorb_page)
        if self.definition.matches:
            settle_matches(self.flow)

    def _begin_counting(self) -> None:
        """Calls made before belong to another flow."""
        self._calls = (self.sides.source.calls, self.sides.destination.calls)

    def _scan_watch(self, watch: Watch, now: datetime) -> None:
        """A stream of the other system is kept apart in the checkpoint, and read up to that system's own present."""
        there = watch.side == "destination"
        side = self.sides.destination if there else self.sides.source
        mark = f"destination.{watch.stream}" if there else watch.stream
        with blame(side.connection_id):
            until = side.client.server_now() if there else now
            self.checkpoint.start_watching(mark, until)
            self._scan_stream(side.client, watch.stream, until, partial(self._note_watched, watch, mark), mark=mark)

    def _scan_stream(
        self, source: Source, stream: str, until: datetime, absorb: Callable[[Page], None], *, mark: str = ""
    ) -> None:
        """``mark``: the stream's name in the checkpoint, where it is another."""
        mark = mark or stream
        by_cursor = source.can_filter_on_cursor(stream)
        since, until, after = self.checkpoint.begin(mark, until, by_cursor=by_cursor)
        for page in source.walk(stream, since=since, until=until, after=after):
            self._note_expected(mark, page)
            absorb(page)
            self.checkpoint.note_read(mark, page.rows, page.positions)
            while self.to_write >= self.write_unit:
                self._flush(mark, self.write_unit)
            self._save_progress(mark)
            self.lease.stop_if_cancelled()
            if self.deadline():
                self._flush(mark, None)
                raise OutOfTime
        self._flush(mark, None)
        self._finish(mark)

    def _note_expected(self, stream: str, page: Page) -> None:
        if page.total is not None and stream == self.definition.stream:
            expected = self.flow_run.read + self.counts["read"] + page.total
            FlowRun.objects.across_tenants().filter(pk=self.flow_run.pk).update(expected=expected)
            self.write_unit = self.definition.write_unit(expected, settings.WRITE_UNIT)

    def _finish(self, stream: str) -> None:
        self.checkpoint.finish(stream)
        with transaction.atomic():
            self.lease.confirm()
            self.checkpoint.save()

    def _note_watched(self, watch: Watch, mark: str, page: Page) -> None:
        """A change of a watched stream makes its records due."""
        news = self.checkpoint.news(mark, page.rows)
        wanted = {(self.flow.key, key) for row in news for key in watch.keys(row)}
        with transaction.atomic():
            self.lease.confirm()
            settle.make_due({self.flow.key: self.flow.pk}, wanted, timezone.now())

    # due records ------------------------------------------------------------------------------------------------

    def process_due(self) -> int:
        """Reads again, by key, the records that are due by now; returns how many there were."""
        self._begin_counting()
        before, total, last_id = timezone.now(), 0, 0
        while True:
            due = Record.objects.across_tenants().filter(
                flow=self.flow, next_attempt_at__lte=before, pk__gt=last_id, set_aside__isnull=True
            )
            page = list(due.order_by("pk").values_list("pk", "source_key")[:DUE_PAGE])
            if not page:
                break
            last_id = page[-1][0]
            keys = [key for _, key in page]
            rows = self.sides.source.client.fetch(self.definition.stream, keys)
            if not rows and len(keys) >= SUSPICIOUS:
                raise StreamRefused(SOURCE_HIDES_ALL.format(number=len(keys)), code="source_hides_all")
            self._absorb(rows, None, due=True)
            self._absorb_missing(set(keys) - {row.key for row in rows})
            total += len(keys)
            if self.to_write >= self.write_unit:
                self._flush(None, None)
            self.lease.stop_if_cancelled()
            if self.deadline():
                self._flush(None, None)
                raise OutOfTime
        self._flush(None, None)
        if total and self.definition.matches:
            settle_matches(self.flow)
        return total

    def _absorb_missing(self, keys: set[str]) -> None:
        states = load_states(self.flow.pk, keys) if keys else {}
        for key, state in states.items():
            item = Item(Row(key, state.source_version, {}), state)
            item.failed(Held(SOURCE_MISSING, code="source_missing"))
            self._collect(item)

    # recognising and mapping ------------------------------------------------------------------------------------

    def _absorb_page(self, page: Page) -> None:
        if any(row.key in self.buffer for row in page.rows):
            self._flush(self.definition.stream, None)
        self._absorb(page.rows, page.positions, due=False)

    def _absorb(self, rows: Sequence[Row], positions: Sequence[Position] | None, *, due: bool) -> None:
        self.loaded_at = timezone.now() if not self.buffer else self.loaded_at
        states = load_states(self.flow.pk, (row.key for row in rows))
        changed: list[Item] = []
        for index, row in enumerate(rows):
            item = Item(row, states.get(row.key), positions[index] if positions else None, source_hash(row))
            state = item.state
            if not due and state and is_settled(state, item.source_hash, self.mapping_version):
                self._recognised(state)
                continue
            changed.append(item)
        if changed:
            self.definition.enrich(
                [item.row for item in changed],
                source=self.sides.source.client,
                destination=self.sides.destination.client,
            )
            self._map(changed)

    def _recognised(self, state: State) -> None:
        self.counts["read"] += 1
        if state.set_aside:
            self.counts["skipped"] += 1
        elif state.status in UNSETTLED:
            self.counts[state.status] += 1
            self.still_unsettled.append(state.source_key)
        else:
            self.counts["unchanged"] += 1

    def _map(self, items: Sequence[Item]) -> None:
        references: list[Reference] = []
        for item in items:
            references.extend(self.definition.references(item.row))
        context = MapContext(
            options=self.options,
            capabilities=self.sides.destination.capabilities,
            targets=load_targets(self.flow_ids, references),
            since=self.since,
        )
        for item in items:
            context.confirmed = is_confirmed(item.state, self.definition, self.options)
            item.summary = self._summary(item.row)
            try:
                mapped = self.definition.map(item.row, context)
                self.own.put(mapped.document, item.row.data)
                item.describe(mapped)
            except Skip as skip:
                item.status, item.rule = SKIPPED, skip.rule
                item.answer = {"text": skip.text}
            except RecordError as error:
                item.failed(error)
            item.row.data = {}
            self._collect(item)

    def _summary(self, row: Row) -> Summary:
        summary = self.definition.summary(row)
        return summary if summary.currency else summary._replace(currency=self.definition.usual_currency(self.options))

    def _collect(self, item: Item) -> None:
        state = item.state
        if (item.status == SKIPPED and state and state.status == SKIPPED) or self._delivered_already(item):
            item.quiet, item.status = True, item.status or SYNCED
        self.buffer[item.row.key] = item
        self.to_write += not item.status

    def _delivered_already(self, item: Item) -> bool:
        state = item.state
        return bool(state and not item.status and state.destination_id and state.payload_hash == item.payload_hash)

    # writing and settling ---------------------------------------------------------------------------------------

    def _flush(self, stream: str | None, unit: int | None) -> None:
        """Writes and settles the first ``unit`` records to be written, with all others in between; None: everything."""
        items = self._take(unit)
        writing = [item for item in items if not item.status]
        if writing:
            context = WriteContext(
                source=self.sides.source.client,
                destination=self.sides.destination.client,
                options=self.options,
                capabilities=self.sides.destination.capabilities,
                store=self.store,
                now=timezone.now(),
                all_read=self.all_read,
                own=self.own.names,
            )
            with blame(self.sides.destination.connection_id):
                self.definition.write(writing, context)
        self._settle(stream, items)
        self.progress(self)

    def _take(self, unit: int | None) -> list[Item]:
        if unit is None:
            items = list(self.buffer.values())
            self.buffer, self.to_write = {}, 0
            return items
        items, left = [], unit
        for item in self.buffer.values():
            left -= not item.status
            items.append(item)
            if left == 0:
                break
        for item in items:
            del self.buffer[item.row.key]
        self.to_write -= unit
        return items

    def _settle(self, stream: str | None, items: Sequence[Item]) -> None:
        now = timezone.now()
        loud = [item for item in items if not item.quiet]
        # Counted with their verdict: a row that a dying worker has only buffered is read again by the next.
        self.counts["read"] += len(items)
        self.counts += settle.verdicts(loud)
        self.counts["unchanged"] += len(items) - len(loud)
        with transaction.atomic():
            self.lease.confirm()
            if items:
                run_id = self.flow_run.run_id
                settle.save_records(self.flow.pk, run_id, self.mapping_version, items, self.loaded_at)
                self.tell(self.flow.key, items, now)
                settle.wake(self.flow_ids, self.flow.key, loud, now)
                touched = [reference for item in loud for reference in self.definition.touched(item)]
                settle.make_due(self.flow_ids, touched, now)
            if self.still_unsettled:
                seen = Record.objects.across_tenants().filter(flow=self.flow, source_key__in=self.still_unsettled)
                seen.update(run_id=self.flow_run.run_id)
                self.still_unsettled = []
            if stream is not None:
                last = items[-1].position if items else None
                self.checkpoint.settled(stream, last, everything=not self.buffer)
                self.checkpoint.save()
            self._save_counts()

    def _save_progress(self, stream: str) -> None:
        """Pages on which nothing was to be written move the checkpoint too."""
        if not self.buffer:
            self._settle(stream, [])
            self.progress(self)

    def _save_counts(self) -> None:
        calls = (self.sides.source.calls, self.sides.destination.calls)
        self.counts["source_calls"] += calls[0] - self._calls[0]
        self.counts["destination_calls"] += calls[1] - self._calls[1]
        self._calls = calls
        settle.count(self.flow_run.pk, self.counts, checkpoint_to=self.flow.checkpoint)
        self.counts = Counter()


SOURCE_MISSING = (
    "The source no longer shows this record: it was deleted there, or hidden from our user. "
    "Check in the source; if it is gone for good, remove it in the destination too."
)
SOURCE_HIDES_ALL = (
    "The source shows none of {number} records that it showed before. Nothing was changed. Check that our user may "
    "still see them (its data access), then run again."
)
SUSPICIOUS = 10


def mapping_version(definition: FlowDefinition, flow: Flow) -> str:
    """Changes with the code of a mapping, a tenant's options and a tenant's overrides."""
    return digest(encode([definition.version, flow.options, flow.mapping_overrides]))
