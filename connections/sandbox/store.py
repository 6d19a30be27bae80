"""One SQLite file (or memory) behind a lock: where an imitated system keeps its rows."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

MEMORY = ":memory:"


class Store:
    """A SQLite database shared by the threads of one system.

    The write-ahead log with ``synchronous=NORMAL`` keeps every committed write when the process is killed: only a
    crash of the machine could lose one.
    """

    def __init__(self, path: str = MEMORY) -> None:
        self.path = str(path)
        self.lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=30)
        self._connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "temp_store=MEMORY", "cache_size=-65536"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.create_function("UPPER", 1, _upper, deterministic=True)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Cursor]:
        """Yield a cursor inside one transaction; an inner block joins the outer one."""
        with self.lock:
            cursor = self._connection.cursor()
            outermost = self._depth == 0
            if outermost:
                cursor.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield cursor
            except BaseException:
                self._depth -= 1
                if outermost:
                    self._connection.rollback()
                raise
            self._depth -= 1
            if outermost:
                self._connection.commit()

    def query(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[sqlite3.Row]:
        """All rows of a SELECT."""
        with self.lock:
            return self._connection.execute(sql, params).fetchall()

    def one(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> sqlite3.Row | None:
        """The first row of a SELECT, or None."""
        with self.lock:
            row: sqlite3.Row | None = self._connection.execute(sql, params).fetchone()
            return row

    def execute(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> int:
        """Run one statement in its own transaction; the number of rows it touched."""
        with self.transaction() as cursor:
            return cursor.execute(sql, params).rowcount

    def script(self, statements: Iterable[str]) -> None:
        """Run several statements, such as CREATE TABLE IF NOT EXISTS, in one transaction."""
        with self.transaction() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def close(self) -> None:
        with self.lock:
            self._connection.close()


def _upper(value: Any) -> Any:
    """SQLite's own UPPER knows ASCII only; a remote system's does not stop there."""
    return value.upper() if isinstance(value, str) else value
