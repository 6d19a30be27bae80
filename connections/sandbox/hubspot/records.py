"""Records in SQLite: one JSON document each, an index of unique values, and what search has not seen yet."""

from __future__ import annotations

# Statements are put together from constants and question marks only.
# ruff: noqa: S608
import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connections.sandbox.store import Store

from .kinds import Kind
from .values import iso

FIRST_ID = 40_000_001
BIN_SECONDS = 90 * 86_400

TABLES = """
CREATE TABLE IF NOT EXISTS hubspot_records (
    kind INTEGER, id INTEGER, doc TEXT, created REAL, updated REAL, archived_at REAL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS hubspot_records_updated ON hubspot_records (kind, updated);
CREATE INDEX IF NOT EXISTS hubspot_records_archived ON hubspot_records (kind, id) WHERE archived_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS hubspot_unique (
    kind INTEGER, property TEXT, folded TEXT, id INTEGER, value TEXT, archived INTEGER DEFAULT 0,
    PRIMARY KEY (kind, property, folded, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS hubspot_unique_record ON hubspot_unique (kind, id);
CREATE TABLE IF NOT EXISTS hubspot_unseen (
    kind INTEGER, id INTEGER, written_at REAL, doc TEXT, updated REAL, PRIMARY KEY (kind, id, written_at)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS hubspot_unseen_written ON hubspot_unseen (written_at);
"""

COLUMNS = "kind, id, doc, created, updated, archived_at"


@dataclass(slots=True)
class Record:
    """One record. Times are seconds since 1970."""

    id: int
    properties: dict[str, str]
    created: float
    updated: float
    archived_at: float | None = None

    def value(self, kind: Kind, name: str) -> str | None:
        """A property, the computed ones included."""
        if name == "hs_object_id":
            return str(self.id)
        if name == kind.created:
            return iso(self.created)
        if name == kind.modified:
            return iso(self.updated)
        return self.properties.get(name)

    def view(self, kind: Kind, names: Iterable[str]) -> dict[str, Any]:
        """The record as answered, with the default properties and the named ones."""
        wanted = dict.fromkeys((*kind.shown, *names))
        body: dict[str, Any] = {
            "id": str(self.id),
            "properties": {name: self.value(kind, name) for name in wanted},
            "createdAt": iso(self.created),
            "updatedAt": iso(self.updated),
            "archived": self.archived_at is not None,
        }
        if self.archived_at is not None:
            body["archivedAt"] = iso(self.archived_at)
        return body


def dumps(properties: Mapping[str, str]) -> str:
    """The document kept for a record."""
    return json.dumps(properties, ensure_ascii=False, separators=(",", ":"))


def _marks(count: int) -> str:
    return ",".join("?" * count)


class Records:
    """All records of the account."""

    def __init__(self, store: Store, clock: Callable[[], float], switches: Mapping[str, Any]) -> None:
        self._store, self._clock, self._switches = store, clock, switches

    # -- reading ---------------------------------------------------------------------------------------------------

    def get(self, kind: Kind, ids: Iterable[int], archived: bool = False, condition: str = "") -> dict[int, Record]:
        """Records by id, those that meet a condition in SQL; those not there are left out."""
        wanted = list(dict.fromkeys(ids))
        state = "IS NOT NULL" if archived else "IS NULL"
        rows = self._store.query(
            f"SELECT id, doc, created, updated, archived_at FROM hubspot_records"
            f" WHERE kind = ? AND id IN ({_marks(len(wanted))}) AND archived_at {state} {condition}",
            (kind.code, *wanted),
        )
        return {row[0]: Record(row[0], json.loads(row[1]), row[2], row[3], row[4]) for row in rows}

    def present(self, kind: Kind, ids: Iterable[int]) -> set[int]:
        """Which ids are live records."""
        wanted = list(dict.fromkeys(ids))
        rows = self._store.query(
            f"SELECT id FROM hubspot_records WHERE kind = ? AND id IN ({_marks(len(wanted))}) AND archived_at IS NULL",
            (kind.code, *wanted),
        )
        return {row[0] for row in rows}

    def fold(self, name: str, value: str) -> str:
        """The form in which two unique values are compared. E-mails never differ by case."""
        exact = self._switches["unique_case_sensitive"] and name != "email"
        return value if exact else value.casefold()

    def holders(self, kind: Kind, name: str, values: Iterable[str], archived: bool = False) -> dict[str, int]:
        """Record id by folded unique value."""
        by_fold = {value.casefold() for value in values}
        rows = self._store.query(
            f"SELECT value, id FROM hubspot_unique WHERE kind = ? AND property = ?"
            f" AND folded IN ({_marks(len(by_fold))}) AND archived = ?",
            (kind.code, name, *by_fold, int(archived)),
        )
        return {self.fold(name, value): record_id for value, record_id in rows}

    def page(self, kind: Kind, after: int, limit: int, archived: bool) -> list[Record]:
        """Up to ``limit`` records behind an id. Archived ones stay in the bin for 90 days."""
        state = "archived_at IS NULL"
        params: list[Any] = [kind.code, after]
        if archived:
            state = "archived_at IS NOT NULL AND archived_at > ?"
            params.append(self._clock() - BIN_SECONDS)
        rows = self._store.query(
            f"SELECT id, doc, created, updated, archived_at FROM hubspot_records"
            f" WHERE kind = ? AND id > ? AND {state} ORDER BY id LIMIT ?",
            (*params, limit),
        )
        return [Record(row[0], json.loads(row[1]), row[2], row[3], row[4]) for row in rows]

    def everything(self, kind: Kind, condition: str = "", params: Iterable[Any] = ()) -> list[Record]:
        """All live records that meet a condition in SQL."""
        rows = self._store.query(
            f"SELECT id, doc, created, updated FROM hubspot_records"
            f" WHERE kind = ? AND archived_at IS NULL {condition} ORDER BY id",
            (kind.code, *params),
        )
        return [Record(row[0], json.loads(row[1]), row[2], row[3]) for row in rows]

    def unseen(self, kind: Kind) -> dict[int, Record | None]:
        """What search still believes of records written within the lag: their old form, or None for new ones."""
        horizon = self._clock() - self._switches["search_lag"]
        rows = self._store.query(
            "SELECT u.id, u.doc, r.created, u.updated, min(u.written_at) FROM hubspot_unseen u"
            " JOIN hubspot_records r ON r.kind = u.kind AND r.id = u.id"
            " WHERE u.kind = ? AND u.written_at > ? GROUP BY u.id",
            (kind.code, horizon),
        )
        return {row[0]: Record(row[0], json.loads(row[1]), row[2], row[3]) if row[1] else None for row in rows}

    # -- writing ---------------------------------------------------------------------------------------------------

    def next_id(self, kind: Kind) -> int:
        """The id a next record would get. Ids are unique within one type only."""
        row = self._store.one("SELECT max(id) FROM hubspot_records WHERE kind = ?", (kind.code,))
        return max(FIRST_ID, (row[0] or 0) + 1) if row else FIRST_ID

    def insert(self, cursor: sqlite3.Cursor, kind: Kind, records: list[Record], unique: Iterable[str]) -> None:
        """Add new records."""
        cursor.executemany(
            f"INSERT INTO hubspot_records ({COLUMNS}) VALUES (?, ?, ?, ?, ?, NULL)",
            [(kind.code, r.id, dumps(r.properties), r.created, r.updated) for r in records],
        )
        self._index(cursor, kind, records, unique)
        self._hide(cursor, kind, [(r.id, None, r.updated) for r in records])

    def update(
        self, cursor: sqlite3.Cursor, kind: Kind, pairs: list[tuple[Record, Record]], unique: Iterable[str]
    ) -> None:
        """Replace records: pairs of before and after."""
        self._hide(cursor, kind, [(old.id, dumps(old.properties), old.updated) for old, _ in pairs])
        cursor.executemany(
            "UPDATE hubspot_records SET doc = ?, updated = ? WHERE kind = ? AND id = ?",
            [(dumps(new.properties), new.updated, kind.code, new.id) for _, new in pairs],
        )
        names = list(unique)
        moved = [
            (old, new)
            for old, new in pairs
            if any(old.properties.get(name) != new.properties.get(name) for name in names)
        ]
        if moved:
            cursor.executemany(
                "DELETE FROM hubspot_unique WHERE kind = ? AND id = ?", [(kind.code, new.id) for _, new in moved]
            )
            self._index(cursor, kind, [new for _, new in moved], names)

    def _index(self, cursor: sqlite3.Cursor, kind: Kind, records: list[Record], unique: Iterable[str]) -> None:
        rows = [
            (kind.code, name, value.casefold(), record.id, value)
            for name in unique
            for record in records
            if (value := record.properties.get(name))
        ]
        cursor.executemany(
            "INSERT INTO hubspot_unique (kind, property, folded, id, value) VALUES (?, ?, ?, ?, ?)", rows
        )

    def _hide(self, cursor: sqlite3.Cursor, kind: Kind, rows: list[tuple[int, str | None, float]]) -> None:
        """Remember for the length of the search lag what search believed before a write."""
        lag = self._switches["search_lag"]
        if not lag:
            return
        now = self._clock()
        cursor.execute("DELETE FROM hubspot_unseen WHERE written_at <= ?", (now - lag,))
        cursor.executemany(
            "INSERT OR IGNORE INTO hubspot_unseen VALUES (?, ?, ?, ?, ?)",
            [(kind.code, record_id, now, doc, updated) for record_id, doc, updated in rows],
        )

    def archive(self, cursor: sqlite3.Cursor, kind: Kind, ids: Iterable[int]) -> None:
        """Put records into the bin."""
        now = self._clock()
        keys = [(kind.code, record_id) for record_id in ids]
        cursor.executemany(
            "UPDATE hubspot_records SET archived_at = ?, updated = ? WHERE kind = ? AND id = ?",
            [(now, now, *key) for key in keys],
        )
        cursor.executemany("UPDATE hubspot_unique SET archived = 1 WHERE kind = ? AND id = ?", keys)

    def forget_property(self, cursor: sqlite3.Cursor, kind: Kind, name: str) -> None:
        """Drop the values of a property whose definition was archived."""
        cursor.execute(
            "UPDATE hubspot_records SET doc = json_remove(doc, ?) WHERE kind = ? AND json_type(doc, ?) IS NOT NULL",
            (f'$."{name}"', kind.code, f'$."{name}"'),
        )
        cursor.execute("DELETE FROM hubspot_unique WHERE kind = ? AND property = ?", (kind.code, name))
