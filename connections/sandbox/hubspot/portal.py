"""The account: everything the calls work on, put together once."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from connections.sandbox.store import Store

from . import associations, definitions, records
from .associations import Associations
from .definitions import Definitions
from .errors import locked
from .kinds import Kind
from .limits import Limits
from .records import Records
from .switches import defaults

TABLES = """
CREATE TABLE IF NOT EXISTS hubspot_counters (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
"""
_ALL_TABLES = TABLES + definitions.TABLES + records.TABLES + associations.TABLES


class Portal:
    """State of one account. Calls from many threads; SQLite's transaction is the lock of every write."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        store.script(statement for statement in _ALL_TABLES.split(";") if statement.strip())
        self.store, self.clock = store, clock
        self.switches: dict[str, Any] = defaults()
        self.definitions = Definitions(store, self.switches)
        self.records = Records(store, clock, self.switches)
        self.associations = Associations(store)
        self.limits = Limits(store, clock, self.switches)
        self._random = random.Random(24680135)
        self._busy: set[tuple[Any, ...]] = set()
        self._busy_lock = threading.Lock()

    def shuffled(self, items: Iterable[Any]) -> list[Any]:
        """Results of a batch come in any order."""
        listed = list(items)
        if self.switches["shuffle"] and len(listed) > 1:
            before = list(listed)
            self._random.shuffle(listed)
            if listed == before:
                listed.reverse()
        return listed

    def count(self, cursor: sqlite3.Cursor, name: str, by: int = 1) -> None:
        """Add to a counter that outlives the process."""
        cursor.execute(
            "INSERT INTO hubspot_counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + ?",
            (name, by, by),
        )

    def counter(self, name: str) -> int:
        """A counter, zero at first."""
        row = self.store.one("SELECT value FROM hubspot_counters WHERE name = ?", (name,))
        return int(row[0]) if row else 0

    def check_locked(self, kind: Kind, ids: Iterable[object]) -> None:
        """423 for records the switch locks."""
        held = self.switches["locked"].get(kind.name, ())
        for record_id in ids if held else ():
            if "*" in held or str(record_id) in held:
                raise locked(f"{kind.label} {record_id}")

    @contextmanager
    def writing(self, kind: Kind, keys: Iterable[tuple[str, str]]) -> Iterator[None]:
        """Hold the named records; a second request that names one of them meanwhile is refused with 423."""
        mine = {(kind.code, name, value.casefold()) for name, value in keys}
        with self._busy_lock:
            taken = self._busy & mine if self.switches["parallel_lock"] else set()
            if taken:
                raise locked(f"{kind.label} {next(iter(taken))[2]}")
            self._busy |= mine
        try:
            if self.switches["write_seconds"]:
                threading.Event().wait(self.switches["write_seconds"])
            yield
        finally:
            with self._busy_lock:
                self._busy -= mine
