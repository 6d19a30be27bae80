"""One rate budget per connection over all workers: an exact rolling window, kept as rows of the database.

A slot is one call the vendor allows per window. It is taken before a call and becomes free one window after that call
was answered: the vendor counted the call somewhere in between, so no window anywhere holds more calls than slots.
Time is the database's, so workers on several machines agree.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from django.db import connections, router, transaction

from connections.models import RateSlot

GRACE = 15.0
"""A slot whose worker died is free one window and this many seconds later: by then its call has long arrived."""
MARGIN = 0.025
"""Clocks have steps, of a millisecond on SQLite; the vendor may count both ends of its window."""
SHORTEST_WAIT = 0.01

_TABLE = "connections_rateslot"
_NOW = {
    "postgresql": "extract(epoch from clock_timestamp())::float8",
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
}
_TAKE = """UPDATE {table} SET free_at = {now} + %s WHERE id = (
    SELECT id FROM {table} WHERE connection_id = %s AND number < %s AND free_at <= {now}
    ORDER BY free_at LIMIT 1 {skip}) RETURNING id"""
_WAIT = "SELECT MIN(free_at) - {now} FROM {table} WHERE connection_id = %s AND number < %s"
_FREE = "UPDATE {table} SET free_at = {now} + %s WHERE id IN ({ids})"


class Budget:
    """``calls`` per ``window`` seconds for a connection; None is no limit and costs no statement."""

    def __init__(self, connection_id: int, calls: int | None, window: float = 10.0) -> None:
        self.connection_id = connection_id
        self.calls = calls
        self.window = window
        self._ready_for = (0, 0)

    def lower(self, calls: int) -> None:
        """The vendor allows fewer calls than configured."""
        if self.calls is not None and 0 < calls < self.calls:
            self.calls = calls

    def take(self) -> tuple[int | None, float]:
        """(slot, 0) when a call may go now; (None, seconds) when one may after that wait; (None, 0) without limit."""
        if self.calls is None:
            return None, 0.0
        self._prepare(self.calls)
        with connections[self._alias].cursor() as cursor:
            cursor.execute(self._sql(_TAKE), [self.window + GRACE, self.connection_id, self.calls])
            row = cursor.fetchone()
            if row is not None:
                return int(row[0]), 0.0
            cursor.execute(self._sql(_WAIT), [self.connection_id, self.calls])
            (wait,) = cursor.fetchone()
        return None, max(SHORTEST_WAIT, float(wait or 0.0))

    def give(self, slot: int) -> None:
        """The call of this slot was answered just now."""
        self._free([slot], self.window + MARGIN)

    def hold(self, slots: Sequence[int]) -> None:
        """These calls are still under way."""
        if slots:
            self._free(slots, self.window + GRACE)

    def _free(self, slots: Sequence[int], seconds: float) -> None:
        ids = ",".join(["%s"] * len(slots))
        with connections[self._alias].cursor() as cursor:
            cursor.execute(self._sql(_FREE, ids=ids), [seconds, *slots])

    @property
    def _alias(self) -> str:
        return router.db_for_write(RateSlot)

    def _sql(self, text: str, ids: str = "") -> str:
        vendor = connections[self._alias].vendor
        skip = "FOR UPDATE SKIP LOCKED" if vendor == "postgresql" else ""
        return text.format(table=_TABLE, now=_NOW[vendor], skip=skip, ids=ids)

    def _prepare(self, calls: int) -> None:
        """Rows are made once and never deleted; a lower limit leaves the upper ones unused."""
        if self._ready_for == (calls, os.getpid()):
            return
        manager = RateSlot.objects.using(self._alias)
        have = set(manager.filter(connection_id=self.connection_id).values_list("number", flat=True))
        new = [
            RateSlot(connection_id=self.connection_id, number=number) for number in range(calls) if number not in have
        ]
        if new:
            with transaction.atomic(using=self._alias):
                manager.bulk_create(new, ignore_conflicts=True)
        self._ready_for = (calls, os.getpid())
