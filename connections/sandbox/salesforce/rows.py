"""The rows of all objects: one table of documents and one of the values that are looked up."""

from __future__ import annotations

import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connections.sandbox.store import Store

from .ids import make_id
from .schema import Field, SObject

TABLES = (
    "CREATE TABLE IF NOT EXISTS salesforce_rows (id TEXT PRIMARY KEY, object TEXT NOT NULL, doc TEXT NOT NULL, "
    "created TEXT NOT NULL, modified TEXT NOT NULL, stamp TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0)",
    "CREATE INDEX IF NOT EXISTS salesforce_rows_stamp ON salesforce_rows (object, stamp, id)",
    "CREATE TABLE IF NOT EXISTS salesforce_keys (object TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, "
    "id TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS salesforce_keys_value ON salesforce_keys (object, field, value)",
    "CREATE INDEX IF NOT EXISTS salesforce_keys_id ON salesforce_keys (id)",
    "CREATE TABLE IF NOT EXISTS salesforce_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
)


NAME_KEY = "~name"
_FORMS = frozenset({
    "inc", "incorporated", "llc", "ltd", "limited", "corp", "corporation", "co", "company", "gmbh", "plc", "sa",
    "ag", "llp", "the", "and",
})  # fmt: skip


def normal(name: str) -> str:
    """A company's name as the standard matching rule compares it: without case, accents, signs and legal form."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    words = re.findall(r"\w+", plain)
    return " ".join(word for word in words if word not in _FORMS) or plain


def stamp_of(seconds: float) -> str:
    """A dateTime as it is returned: whole seconds, and an offset without a colon."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


@dataclass(slots=True)
class Row:
    """One row; ``doc`` holds the values of its fields by name."""

    id: str
    object: str
    doc: dict[str, Any] = field(default_factory=dict)
    created: str = ""
    modified: str = ""
    stamp: str = ""
    deleted: bool = False

    def value(self, name: str) -> Any:
        """A field's value, the system fields included."""
        system = {
            "Id": self.id,
            "IsDeleted": self.deleted,
            "CreatedDate": self.created,
            "LastModifiedDate": self.modified,
            "SystemModstamp": self.stamp,
        }
        return system[name] if name in system else self.doc.get(name)


def folded(each: Field, value: Any) -> str:
    """How a value is kept for look-up: without case, but for references and case-sensitive keys."""
    text = str(value)
    return text if each.case_sensitive or each.type == "reference" else text.upper()


class Rows:
    """Reading and writing rows. Every writing method wants the cursor of an open transaction."""

    def __init__(self, store: Store) -> None:
        self.store = store
        store.script(TABLES)

    # -- small things to remember ------------------------------------------------------------------------------------

    def meta(self, name: str, default: Any = None) -> Any:
        found = self.store.one("SELECT value FROM salesforce_meta WHERE name = ?", (name,))
        return json.loads(found[0]) if found else default

    def remember(self, name: str, value: Any) -> None:
        self.store.execute(
            "INSERT INTO salesforce_meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, json.dumps(value)),
        )

    def next_id(self, prefix: str) -> str:
        """The next id of an object. Gone again when its transaction is."""
        name = f"sequence:{prefix}"
        number = int(self.meta(name, 0)) + 1
        self.remember(name, number)
        return make_id(prefix, number)

    # -- rows ----------------------------------------------------------------------------------------------------------

    def get(self, key: str, *, deleted: bool = False) -> Row | None:
        """One row by its full id."""
        found = self.store.one("SELECT * FROM salesforce_rows WHERE id = ?", (key,))
        if found is None or (found["deleted"] and not deleted):
            return None
        return _row(found)

    def many(self, object_name: str, *, deleted: bool = False) -> list[Row]:
        """All live rows of an object, or all deleted ones, by id."""
        sql = "SELECT * FROM salesforce_rows WHERE object = ? AND deleted = ? ORDER BY id"
        return [_row(found) for found in self.store.query(sql, (object_name, int(deleted)))]

    def find(self, sobject: SObject, each: Field, value: Any) -> list[str]:
        """Ids of live rows whose indexed field has this value."""
        sql = "SELECT id FROM salesforce_keys WHERE object = ? AND field = ? AND value = ? ORDER BY id"
        return [found[0] for found in self.store.query(sql, (sobject.name, each.name, folded(each, value)))]

    def pointing_at(self, key: str) -> list[tuple[str, str, str]]:
        """Object, field and id of every live row that refers to this one."""
        sql = "SELECT object, field, id FROM salesforce_keys WHERE value = ? ORDER BY object, id"
        return [(found[0], found[1], found[2]) for found in self.store.query(sql, (key,))]

    def insert(self, cursor: sqlite3.Cursor, sobject: SObject, row: Row) -> None:
        cursor.execute(
            "INSERT INTO salesforce_rows VALUES (?, ?, ?, ?, ?, ?, 0)",
            (row.id, row.object, _json(row.doc), row.created, row.modified, row.stamp),
        )
        self._index(cursor, sobject, row)

    def update(self, cursor: sqlite3.Cursor, sobject: SObject, row: Row) -> None:
        cursor.execute(
            "UPDATE salesforce_rows SET doc = ?, modified = ?, stamp = ?, deleted = ? WHERE id = ?",
            (_json(row.doc), row.modified, row.stamp, int(row.deleted), row.id),
        )
        cursor.execute("DELETE FROM salesforce_keys WHERE id = ?", (row.id,))
        if not row.deleted:
            self._index(cursor, sobject, row)

    def _index(self, cursor: sqlite3.Cursor, sobject: SObject, row: Row) -> None:
        keys = [
            (sobject.name, each.name, folded(each, row.doc[each.name]), row.id)
            for each in sobject.fields.values()
            if each.indexed and row.doc.get(each.name) is not None
        ]
        if row.object == "Account":
            keys.append((row.object, NAME_KEY, normal(str(row.doc.get("Name"))), row.id))
        cursor.executemany("INSERT INTO salesforce_keys VALUES (?, ?, ?, ?)", keys)

    def reindex(self, cursor: sqlite3.Cursor, sobjects: Iterable[SObject]) -> None:
        """Index anew after fields changed."""
        for sobject in sobjects:
            for row in self.many(sobject.name):
                self.update(cursor, sobject, row)


def _json(doc: dict[str, Any]) -> str:
    return json.dumps(doc, ensure_ascii=False, separators=(",", ":"))


def _row(found: sqlite3.Row) -> Row:
    return Row(
        found["id"],
        found["object"],
        json.loads(found["doc"]),
        found["created"],
        found["modified"],
        found["stamp"],
        bool(found["deleted"]),
    )
