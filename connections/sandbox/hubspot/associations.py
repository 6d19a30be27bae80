"""Associations in SQLite, both directions as rows of their own."""

from __future__ import annotations

# Statements are put together from constants and question marks only.
# ruff: noqa: S608
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from connections.sandbox.store import Store

from .association_types import ASSOCIATION_TYPES, PRIMARY, AssociationType, plain_type
from .kinds import INVOICE, LINE_ITEM, Kind

TABLES = """
CREATE TABLE IF NOT EXISTS hubspot_associations (
    from_kind INTEGER, from_id INTEGER, to_kind INTEGER, to_id INTEGER, type INTEGER,
    PRIMARY KEY (from_kind, from_id, to_kind, to_id, type)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hubspot_violations (
    rule TEXT, kind INTEGER, id INTEGER, detail TEXT, at REAL, PRIMARY KEY (rule, kind, id, detail)
) WITHOUT ROWID;
"""


class Link(NamedTuple):
    """One association to make: record to record, by a type."""

    source: int
    target: int
    type: AssociationType


def _marks(values: list[int]) -> str:
    return ",".join("?" * len(values))


class Associations:
    """All associations of the account."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def targets(self, source: Kind, ids: Iterable[int], target: Kind) -> dict[int, list[int]]:
        """Associated ids, ascending, per record that has any."""
        wanted = list(dict.fromkeys(ids))
        rows = self._store.query(
            f"SELECT DISTINCT from_id, to_id FROM hubspot_associations"
            f" WHERE from_kind = ? AND from_id IN ({_marks(wanted)}) AND to_kind = ? ORDER BY from_id, to_id",
            (source.code, *wanted, target.code),
        )
        found: dict[int, list[int]] = {}
        for from_id, to_id in rows:
            found.setdefault(from_id, []).append(to_id)
        return found

    def typed(self, source: Kind, record_id: int, target: Kind, after: int, limit: int) -> dict[int, list[int]]:
        """Association types by associated id behind ``after``, at most ``limit`` ids."""
        rows = self._store.query(
            "SELECT to_id, type FROM hubspot_associations WHERE from_kind = ? AND from_id = ? AND to_kind = ?"
            " AND to_id > ? ORDER BY to_id, type",
            (source.code, record_id, target.code, after),
        )
        found: dict[int, list[int]] = {}
        for to_id, type_id in rows:
            if to_id not in found and len(found) == limit:
                break
            found.setdefault(to_id, []).append(type_id)
        return found

    def create(self, cursor: sqlite3.Cursor, links: list[Link], now: float) -> None:
        """Make associations; those that exist stay. A line item's second parent is flagged, not refused."""
        self._flag_second_parents(cursor, links, now)
        links = self._move_primary(cursor, links)
        rows: list[tuple[int, int, int, int, int]] = []
        for link in links:
            a, b = link.type.source.code, link.type.target.code
            rows.append((a, link.source, b, link.target, link.type.id))
            rows.append((b, link.target, a, link.source, link.type.inverse))
            base = None if link.type.plain else plain_type(link.type.source, link.type.target)
            if base:
                rows.append((a, link.source, b, link.target, base.id))
                rows.append((b, link.target, a, link.source, base.inverse))
        rows.sort()
        cursor.executemany("INSERT OR IGNORE INTO hubspot_associations VALUES (?, ?, ?, ?, ?)", rows)

    def _move_primary(self, cursor: sqlite3.Cursor, links: list[Link]) -> list[Link]:
        """One primary company per record: a new one takes the label away from the old one; the last of a call wins."""
        primary = ASSOCIATION_TYPES[PRIMARY]
        chosen: dict[int, Link] = {}
        for link in links:
            if link.type.id in (PRIMARY, primary.inverse):
                chosen[link.source if link.type.id == PRIMARY else link.target] = link
        if not chosen:
            return links
        for contact in chosen:
            source, target = primary.source.code, primary.target.code
            held = cursor.execute(
                "SELECT to_id FROM hubspot_associations"
                " WHERE from_kind = ? AND from_id = ? AND to_kind = ? AND type = ?",
                (source, contact, target, PRIMARY),
            ).fetchall()
            self.remove_links(cursor, [Link(contact, company, primary) for (company,) in held])
        return [link for link in links if link.type.id not in (PRIMARY, primary.inverse)] + list(chosen.values())

    def _flag_second_parents(self, cursor: sqlite3.Cursor, links: list[Link], now: float) -> None:
        pairs = {
            (link.target, link.source) if link.type.source is INVOICE else (link.source, link.target)
            for link in links
            if link.type.joins(INVOICE, LINE_ITEM)
        }
        if not pairs:
            return
        parents: dict[int, set[int]] = {
            line: set(found) for line, found in self.targets(LINE_ITEM, (line for line, _ in pairs), INVOICE).items()
        }
        for line, invoice in pairs:
            parents.setdefault(line, set()).add(invoice)
        cursor.executemany(
            "INSERT OR IGNORE INTO hubspot_violations VALUES ('line_item_second_parent', ?, ?, ?, ?)",
            [
                (LINE_ITEM.code, line, ",".join(map(str, sorted(invoices))), now)
                for line, invoices in parents.items()
                if len(invoices) > 1
            ],
        )

    def remove(self, cursor: sqlite3.Cursor, source: Kind, target: Kind, pairs: Iterable[tuple[int, int]]) -> None:
        """Take every association between pairs of records away."""
        rows = list(pairs)
        sql = "DELETE FROM hubspot_associations WHERE from_kind = ? AND from_id = ? AND to_kind = ? AND to_id = ?"
        cursor.executemany(sql, [(source.code, a, target.code, b) for a, b in rows])
        cursor.executemany(sql, [(target.code, b, source.code, a) for a, b in rows])

    def remove_links(self, cursor: sqlite3.Cursor, links: Iterable[Link]) -> None:
        """Take single types (labels) away."""
        sql = (
            "DELETE FROM hubspot_associations"
            " WHERE from_kind = ? AND from_id = ? AND to_kind = ? AND to_id = ? AND type = ?"
        )
        for link in links:
            a, b = link.type.source.code, link.type.target.code
            cursor.execute(sql, (a, link.source, b, link.target, link.type.id))
            cursor.execute(sql, (b, link.target, a, link.source, link.type.inverse))

    def drop_record(self, cursor: sqlite3.Cursor, kind: Kind, record_id: int) -> None:
        """Take all associations of a record away, as archiving it does."""
        rows = cursor.execute(
            "SELECT to_kind, to_id FROM hubspot_associations WHERE from_kind = ? AND from_id = ?",
            (kind.code, record_id),
        ).fetchall()
        cursor.executemany(
            "DELETE FROM hubspot_associations WHERE from_kind = ? AND from_id = ? AND to_kind = ? AND to_id = ?",
            [(to_kind, to_id, kind.code, record_id) for to_kind, to_id in rows],
        )
        cursor.execute("DELETE FROM hubspot_associations WHERE from_kind = ? AND from_id = ?", (kind.code, record_id))

    def move(self, cursor: sqlite3.Cursor, kind: Kind, old: int, new: int) -> None:
        """Give the associations of one record to another, as a merge does."""
        for a, b in (("from", "to"), ("to", "from")):
            cursor.execute(
                f"UPDATE OR IGNORE hubspot_associations SET {a}_id = ? WHERE {a}_kind = ? AND {a}_id = ?"
                f" AND NOT ({b}_kind = ? AND {b}_id = ?)",
                (new, kind.code, old, kind.code, new),
            )
        self.drop_record(cursor, kind, old)
