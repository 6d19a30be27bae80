"""The rows of the pod in SQLite: one table a resource, filterable attributes as columns, the document as text."""

# Names in SQL come from the attribute tables, values are always parameters.
# ruff: noqa: S608

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ..store import Store
from .attributes import TABLES, Attribute, Table
from .encoding import column_value, document, values

COLUMN_TYPES = {"s": "TEXT", "d": "TEXT", "i": "INTEGER", "t": "INTEGER", "b": "INTEGER", "n": "REAL"}
META = "oracle_fusion_meta"
TOKENS = "oracle_fusion_tokens"
Row = dict[str, Any]


def quoted(name: str) -> str:
    return f'"{name}"'


def shuffled(row_id: int) -> int:
    """A place in the order a pod answers in when nobody asked for one: fixed, and unlike any useful order."""
    return (row_id * 2654435761) & 0xFFFFFFFF


def schema(table: Table) -> Iterator[str]:
    columns = [f"{quoted(column.name)} {COLUMN_TYPES[column.type]}" for column in table.columns]
    columns += [f"{quoted(parent)} INTEGER" for parent in table.parents]
    listed = ", ".join(["_id INTEGER PRIMARY KEY", "_shuffle INTEGER", *columns, "doc TEXT NOT NULL"])
    yield f"CREATE TABLE IF NOT EXISTS {table.sql} ({listed})"
    for parent in table.parents:
        yield _index(table, parent, f"{parent}, _id")
    for name in table.indexed:
        yield _index(table, name, quoted(name))
    if table.parents:
        return
    yield _index(table, "shuffle", "_shuffle")
    if "LastUpdateDate" in table.column_names:
        yield _index(table, "changed", '"LastUpdateDate", _id')


def _index(table: Table, suffix: str, columns: str) -> str:
    return f"CREATE INDEX IF NOT EXISTS {table.sql}_{suffix} ON {table.sql} ({columns})"


class Records:
    """Reads and writes rows as dicts of attributes.

    Hidden columns start with an underscore: ``_id`` (needed where no published attribute holds the row id) and parents
    such as ``_invoice``.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._columns: dict[str, list[Attribute]] = {name: list(table.columns) for name, table in TABLES.items()}
        self._insert = {name: _insert_sql(table) for name, table in TABLES.items()}
        statements = [statement for table in TABLES.values() for statement in schema(table)]
        statements.append(f"CREATE TABLE IF NOT EXISTS {META} (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        statements.append(f"CREATE TABLE IF NOT EXISTS {TOKENS} (token TEXT PRIMARY KEY, expires REAL NOT NULL)")
        store.script(statements)

    def put(self, table: Table, row: Row) -> int:
        """Insert or replace one row; its id."""
        self.put_many(table, [row])
        return row_id(table, row)

    def put_many(self, table: Table, rows: Iterable[Row]) -> None:
        with self.store.transaction() as cursor:
            cursor.executemany(self._insert[table.name], map(self._encoder(table), rows))

    def _encoder(self, table: Table) -> Any:
        columns = [(column.name, column.type) for column in self._columns[table.name]]
        known = frozenset(table.by_name) | frozenset(table.parents) | {"_id"}

        def encode(row: Row) -> tuple[Any, ...]:
            if not known.issuperset(row):
                raise KeyError(f"{table.name} has no {sorted(set(row) - known)}")
            identity = row_id(table, row)
            cells = [column_value(kind, row.get(name)) for name, kind in columns]
            parents = [row.get(parent) for parent in table.parents]
            return (identity, shuffled(identity), *cells, *parents, document(table, row))

        return encode

    def get(self, table: Table, identity: int) -> Row:
        """One row with its hidden columns. Raises ``KeyError``."""
        found = self.find(table, "_id = ?", (identity,))
        if not found:
            raise KeyError(f"{table.name} has no row {identity}")
        return found[0]

    def find(self, table: Table, where: str = "1", params: tuple[Any, ...] = (), limit: int = -1) -> list[Row]:
        """Rows by an SQL condition, ordered by id."""
        hidden = "".join(f", {parent}" for parent in table.parents)
        sql = f"SELECT _id, doc{hidden} FROM {table.sql} WHERE {where} ORDER BY _id LIMIT {limit}"
        return [_row(table, found) for found in self.store.query(sql, params)]

    def update(self, table: Table, identity: int, **changes: Any) -> Row:
        """Change attributes of one row; the row as it is then."""
        with self.store.lock:
            row = {**self.get(table, identity), **changes}
            self.put(table, row)
        return row

    def delete(self, table: Table, where: str, params: tuple[Any, ...]) -> int:
        return self.store.execute(f"DELETE FROM {table.sql} WHERE {where}", params)

    def count(self, table: Table, where: str = "1", params: tuple[Any, ...] = ()) -> int:
        row = self.store.one(f"SELECT COUNT(*) FROM {table.sql} WHERE {where}", params)
        return int(row[0]) if row else 0

    def meta(self, name: str, default: Any = None) -> Any:
        """A remembered value that is no resource: sequences, waiting customers, whether the file was seeded."""
        row = self.store.one(f"SELECT value FROM {META} WHERE name = ?", (name,))
        return default if row is None else json.loads(row[0])

    def remember(self, name: str, value: Any) -> None:
        self.store.execute(f"INSERT OR REPLACE INTO {META} VALUES (?, ?)", (name, json.dumps(value)))

    def sequence(self, name: str, start: int, count: int = 1, step: int = 1) -> int:
        """Reserve ``count`` numbers; the first of them."""
        with self.store.transaction():
            first = int(self.meta(f"sequence.{name}", start))
            self.remember(f"sequence.{name}", first + count * step)
        return first

    def dump(self) -> dict[str, Any]:
        """Every row of every table as plain JSON, keyed by id."""
        state = {}
        for name, table in TABLES.items():
            rows = self.store.query(f"SELECT _id, doc FROM {table.sql} ORDER BY _id")
            state[name] = {str(row["_id"]): json.loads("{" + row["doc"] + "}") for row in rows}
        return state


def row_id(table: Table, row: Row) -> int:
    return int(row[table.identity] if table.identity else row["_id"])


def _row(table: Table, found: Any) -> Row:
    row = values(table, found["doc"])
    for parent in table.parents:
        row[parent] = found[parent]
    if table.identity is None:
        row["_id"] = found["_id"]
    return row


def _insert_sql(table: Table) -> str:
    names = ["_id", "_shuffle", *(column.name for column in table.columns), *table.parents, "doc"]
    return (
        f"INSERT OR REPLACE INTO {table.sql} ({', '.join(map(quoted, names))}) VALUES ({', '.join('?' for _ in names)})"
    )
