"""When a record is looked at next, and on what that depends: for the page that tells its story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from syncs.models import Record

WAITING = Record.Status.WAITING


@dataclass(frozen=True, slots=True)
class Touch:
    """``text`` says what has to happen; ``at``: not before then, as far as is known."""

    text: str
    at: datetime | None = None


def next_touch(record: Record, *, asked: bool, source: str) -> Touch:
    """``asked``: a person has to decide about it first. ``source`` is what the system it is read from is called."""
    sync = record.flow.sync
    if asked:
        return Touch("After your decision")
    if record.set_aside:
        return Touch(f"When it changes in {source}, or somebody takes it back")
    if not record.flow.enabled:
        return Touch("When its flow is switched on again")
    if sync.paused:
        return Touch("When the sync is resumed, or run by hand")
    run = sync.next_run_at
    if record.next_attempt_at:
        return Touch("With the next run", max(filter(None, (record.next_attempt_at, run, timezone.now()))))
    if record.status == WAITING and record.waits_for:
        return Touch("When what it waits for arrives; looked for with the next run", run)
    often = ", and every night" if record.watch else ""
    return Touch(f"When it changes in {source}; looked for with the next run{often}", run)
