"""Where each stream of a flow stands: its high-water mark, and the scan under way.

JSON by stream name: ``high`` (the largest version settled), ``scan`` (``since``, ``until`` and ``after``, the position
behind the last settled row), ``seen`` (stamps and fingerprints of watched rows that the lookback will show again),
``whole_at``, ``current`` (up to when all of it was read).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from connections.connectors.base import Position, Row
from syncs.engine.recognise import source_hash
from syncs.models import Flow, Sync

WHOLE_EVERY = timedelta(days=7)
Span = tuple[datetime | None, datetime, Position | None]


class Checkpoint:
    """``backfill_from``: this run reads again from then on."""

    def __init__(self, flow: Flow, run_id: int, backfill_from: datetime | None) -> None:
        self.flow, self.run_id, self.backfill_from = flow, run_id, backfill_from

    def begin(self, stream: str, until: datetime, *, by_cursor: bool) -> Span:
        """(since, until, after) of the scan under way, or of a new one from the high-water mark less the lookback."""
        state = self._state(stream)
        scan: dict[str, Any] | None = state.get("scan")
        if scan is None:
            whole = not by_cursor and self._must_be_read_whole(state)
            scan = _new_scan(None if whole else self._since(state), until)
            scan |= {"whole": whole, "high": state.get("high")}
        if self.backfill_from and scan.get("backfill") != self.run_id:
            # Never later than what was still to be read: the high-water mark would move past it.
            since = instant(scan["since"])
            again = _new_scan(since and min(since, self.backfill_from), until)
            scan = scan | again | {"after": None, "backfill": self.run_id}
        state["scan"] = scan
        return instant(scan["since"]), _required(scan["until"]), scan.get("after")

    def start_watching(self, stream: str, now: datetime) -> None:
        """What a watched stream held before its flow's first run is of no interest: the flow reads all of its own."""
        state = self._state(stream)
        if not state:
            state["high"] = now.isoformat()

    def note_read(self, stream: str, rows: Sequence[Row], positions: Sequence[Position]) -> None:
        """The high-water mark is the largest version seen in the data, never a clock."""
        scan = self._state(stream)["scan"]
        for row in rows:
            stamp = instant(row.version)
            if stamp is not None and (not scan["high"] or stamp > _required(scan["high"])):
                scan["high"] = stamp.isoformat()
        if positions:
            scan["read_to"] = positions[-1]

    def settled(self, stream: str, position: Position | None, *, everything: bool) -> None:
        """Moves the scan behind ``position``, or behind all that was read. All rows before it must be settled."""
        scan = self._state(stream).get("scan")
        if scan is None:
            return
        if everything and "read_to" in scan:
            scan["after"] = scan["read_to"]
        elif position is not None:
            scan["after"] = position

    def finish(self, stream: str) -> None:
        state = self._state(stream)
        scan = state.pop("scan")
        state["high"], state["current"] = scan["high"], scan["until"]
        if scan.get("whole"):
            state["whole_at"] = timezone.now().isoformat()

    def news(self, stream: str, rows: Sequence[Row]) -> list[Row]:
        """The rows of a watched stream that were not seen before: what the lookback shows again is no change."""
        state = self._state(stream)
        seen: dict[str, list[str]] = state.get("seen", {})
        # Stamps may be in whole seconds, so that two changes share one: what the row says is remembered as well.
        marks = {row.key: [row.version, source_hash(row)] for row in rows}
        found = [row for row in rows if seen.get(row.key) != marks[row.key]]
        seen |= marks
        self.note_read(stream, rows, ())
        horizon = self._since(state["scan"])
        state["seen"] = {
            key: mark for key, mark in seen.items() if horizon is None or not mark[0] or _required(mark[0]) >= horizon
        }
        return found

    def save(self) -> None:
        Flow.objects.across_tenants().filter(pk=self.flow.pk).update(checkpoint=self.flow.checkpoint)

    def _state(self, stream: str) -> dict[str, Any]:
        state: dict[str, Any] = self.flow.checkpoint.setdefault(stream, {})
        return state

    def _since(self, state: dict[str, Any]) -> datetime | None:
        high = instant(state.get("high"))
        if high is not None:
            return high - timedelta(seconds=settings.LOOKBACK_SECONDS)
        return start_of(self.flow.sync) if self.flow.sync.start_date else None

    @staticmethod
    def _must_be_read_whole(state: dict[str, Any]) -> bool:
        """Where changes can only be looked for in a window, what changed outside it is found by reading all, weekly."""
        before = instant(state.get("whole_at"))
        return before is None or timezone.now() - before > WHOLE_EVERY


def _new_scan(since: datetime | None, until: datetime) -> dict[str, Any]:
    return {"since": since and since.isoformat(), "until": until.isoformat()}


def start_of(sync: Sync) -> datetime:
    """When a sync begins to count: its start date, or else its creation."""
    start = sync.start_date
    return datetime(start.year, start.month, start.day, tzinfo=UTC) if start else sync.created_at


def instant(text: str | None) -> datetime | None:
    """An instant from the wire or a checkpoint; without an offset it is UTC."""
    if not text:
        return None
    stamp = parse_datetime(text)
    if stamp is not None and stamp.tzinfo is None:
        stamp = stamp.replace(tzinfo=UTC)
    return stamp


def _required(text: str) -> datetime:
    stamp = instant(text)
    if stamp is None:
        raise ValueError(f"not an instant: {text}")
    return stamp
