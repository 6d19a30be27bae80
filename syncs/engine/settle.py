"""Step 5: one transaction in which a batch of verdicts, its trail, its counts and the checkpoint become true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from audit import services as audit
from syncs.engine import bulk
from syncs.engine.flow import SKIPPED, SYNCED, Item, Reference, State, encode
from syncs.models import FlowRun, Record

COLUMNS: tuple[tuple[str, str], ...] = (
    ("flow_id", "bigint"),
    ("source_key", "text"),
    ("source_version", "text"),
    ("source_hash", "text"),
    ("destination_id", "text"),
    ("payload_hash", "text"),
    ("mapping_version", "text"),
    ("status", "text"),
    ("error_code", "text"),
    ("error_text", "text"),
    ("attempts", "bigint"),
    ("next_attempt_at", "timestamptz"),
    ("waits_for", "text"),
    ("watch", "boolean"),
    ("unconfirmed", "boolean"),
    ("match_key", "text"),
    ("reference", "text"),
    ("candidates", "jsonb"),
    ("set_aside", "jsonb"),
    ("confirmed_by", "text"),
    ("title", "text"),
    ("amount", "numeric"),
    ("currency", "text"),
    ("payload", "text"),
    ("run_id", "bigint"),
    ("updated_at", "timestamptz"),
)
OWNED_BY_PEOPLE = {"flow_id", "source_key", "confirmed_by"}
SET_ASIDE = """CASE WHEN excluded.source_hash = syncs_record.source_hash
        AND excluded.status IN ('waiting', 'held', 'rejected') THEN syncs_record.set_aside END"""
"""What a person set aside comes back with the next change in the source."""
NOTHING = State("", "", "", "", "", "", "", 0, None, "", "", None, None, "", "", "")


def save_records(flow_id: int, run_id: int, mapping_version: str, items: Sequence[Item], loaded_at: datetime) -> None:
    """Writes the latest state of the items. A mark that a person set since ``loaded_at`` (replay, confirm) survives."""
    now = bulk.instant(timezone.now())
    since = bulk.instant(loaded_at)
    keep = f"""CASE WHEN excluded.next_attempt_at IS NULL AND syncs_record.next_attempt_at > '{since}'
        AND syncs_record.next_attempt_at <= '{now}' THEN syncs_record.next_attempt_at
        ELSE excluded.next_attempt_at END"""
    known = "CASE WHEN excluded.reference = '' THEN syncs_record.reference ELSE excluded.reference END"
    bulk.upsert(
        "syncs_record",
        COLUMNS,
        [_row(flow_id, run_id, mapping_version, item, now) for item in items],
        conflict="flow_id, source_key",
        update=[name for name, _ in COLUMNS if name not in OWNED_BY_PEOPLE],
        keep={"next_attempt_at": keep, "reference": known, "set_aside": SET_ASIDE},
    )
    unbound = [item.row.key for item in items if item.unbound]
    if unbound:
        gone = Record.objects.across_tenants().filter(flow_id=flow_id, source_key__in=unbound)
        gone.update(destination_id="", decision=None)


def _row(flow_id: int, run_id: int, mapping_version: str, item: Item, now: str | None) -> tuple[Any, ...]:
    state, summary, error = item.state or NOTHING, item.summary, item.error
    settled = item.status in (SYNCED, SKIPPED)
    return (
        flow_id,
        item.row.key,
        item.row.version,
        item.source_hash,
        item.destination_id or state.destination_id,
        # An attempt that failed may have written half: only a settled one may be compared with.
        item.payload_hash if settled else "",
        mapping_version,
        item.status,
        error.code if error else "",
        error.text if error else "",
        state.attempts + (not item.quiet),
        bulk.instant(item.retry_at),
        item.waits_for,
        item.mapped.watch,
        item.mapped.unconfirmed and item.status == SYNCED,
        summary.match_key[:255],
        (item.reference or summary.reference)[:80],
        _question(error),
        None,
        "",
        summary.title[:255],
        None if summary.amount is None else format(summary.amount, "f"),
        summary.currency[:3],
        _payload(item, state),
        run_id,
        now,
    )


def _question(error: Any) -> str | None:
    """What a person is asked to choose from, for as long as the record is held for it."""
    candidates = getattr(error, "candidates", None)
    return encode(candidates) if candidates else None


def _payload(item: Item, state: State) -> str:
    if item.ids is None:
        return state.payload
    return f'{{"document":{item.text},"ids":{encode(item.ids)}}}'


def trail(sync_id: int, run_id: int, flow_key: str, items: Iterable[Item], actor: str) -> list[audit.Entry]:
    return [
        audit.Entry(
            action="write" if item.sent is not None else "decide",
            outcome=outcome_of(item),
            actor=actor,
            sync_id=sync_id,
            run_id=run_id,
            flow=flow_key,
            source_ref=item.row.key,
            source_version=item.row.version,
            destination_ref=item.destination_id or (item.state.destination_id if item.state else ""),
            error_code=item.error.code if item.error else "",
            detail=detail_of(item),
        )
        for item in items
    ]


def outcome_of(item: Item) -> str:
    return ("created" if item.created else "updated") if item.status == SYNCED else item.status


def detail_of(item: Item) -> str:
    """sent, answer, before and after of what changed, and why it was skipped, held or refused."""
    parts: dict[str, Any] = {}
    if item.answer:
        parts["answer"] = item.answer
    if item.error:
        parts["text"] = item.error.text
        if item.error.detail:
            parts["detail"] = item.error.detail
    if item.rule:
        parts["rule"] = item.rule
    if item.sent is not None:
        if item.state and item.state.payload:
            before = item.state.delivered().get("document", {})
            parts["before"], parts["after"] = difference(before, item.document)
            parts["sent"] = item.sent
        else:
            # A first write sends the whole document, whose text exists already.
            head = encode(parts)
            return f'{head[:-1]}{"," if parts else ""}"sent":{item.text or "{}"}}}'
    return encode(parts)


def difference(before: Any, after: Any) -> tuple[Any, Any]:
    """The parts of two documents that are not equal, at the deepest level where both are objects."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return before, after
    old, new = {}, {}
    for key in before.keys() | after.keys():
        if before.get(key) == after.get(key):
            continue
        if key in before and key in after:
            old[key], new[key] = difference(before[key], after[key])
        elif key in before:
            old[key] = before[key]
        else:
            new[key] = after[key]
    return old, new


def count(flow_run_id: int, counts: Counter[str], **values: Any) -> None:
    """Adds to a flow run's counters, in the same transaction as what they count."""
    changes: dict[str, Any] = {name: F(name) + number for name, number in counts.items() if number}
    changes.update(values)
    if changes:
        FlowRun.objects.across_tenants().filter(pk=flow_run_id).update(**changes)


def wake(flow_ids: dict[str, int], flow_key: str, items: Iterable[Item], now: datetime) -> None:
    """Makes due the records that waited for those just delivered, by their source key or by what they are bound to."""
    waiting = Record.objects.across_tenants().filter(flow_id__in=flow_ids.values(), waits_for__gt="")
    if not waiting.exists():
        return
    delivered = [item for item in items if item.status == SYNCED]
    arrived = [f"{flow_key}:{key}" for item in delivered for key in (item.row.key, f"@{item.destination_id}")]
    for start in range(0, len(arrived), 500):
        waiting.filter(waits_for__in=arrived[start : start + 500]).update(next_attempt_at=now)


def make_due(flow_ids: dict[str, int], references: Iterable[Reference], now: datetime) -> None:
    """Asks for these records to be read again; a key ``@id`` means the one bound to that destination record."""
    wanted: dict[tuple[str, str], list[str]] = {}
    for flow_key, key in set(references):
        column, value = ("destination_id", key[1:]) if key.startswith("@") else ("source_key", key)
        wanted.setdefault((flow_key, column), []).append(value)
    for (flow_key, column), values in wanted.items():
        for start in range(0, len(values), 500):
            Record.objects.across_tenants().filter(
                **{"flow_id": flow_ids[flow_key], f"{column}__in": values[start : start + 500]}
            ).update(next_attempt_at=now)


def verdicts(items: Iterable[Item]) -> Counter[str]:
    """Counts by the columns of ``FlowRun``."""
    counts: Counter[str] = Counter()
    for item in items:
        counts[outcome_of(item)] += 1
    return counts
