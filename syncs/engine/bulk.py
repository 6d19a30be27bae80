"""Many rows in one statement, on both databases.

PostgreSQL takes a page as one JSON text and unpacks it on its side, which costs the worker least; SQLite runs the
prepared statement once per row, in its own loop.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection


def upsert(
    table: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[Any]],
    *,
    conflict: str,
    update: Sequence[str],
    keep: dict[str, str] | None = None,
) -> None:
    """Inserts ``rows`` or, where ``conflict`` columns already exist, sets the ``update`` columns.

    ``columns`` are (name, PostgreSQL type); values are str, int, bool or None (instants as ISO text, jsonb as
    text). ``keep`` replaces the plain assignment of a column by an SQL expression.
    """
    if not rows:
        return
    names = ", ".join(name for name, _ in columns)
    keep = keep or {}
    changes = ", ".join(f"{name} = {keep.get(name, f'excluded.{name}')}" for name in update)
    tail = f"ON CONFLICT ({conflict}) DO UPDATE SET {changes}"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            record = ", ".join(f"{name} {'text' if kind == 'jsonb' else kind}" for name, kind in columns)
            values = ", ".join(f"{name}::jsonb" if kind == "jsonb" else name for name, kind in columns)
            page = json.dumps([dict(zip((name for name, _ in columns), row, strict=True)) for row in rows])
            source = f"SELECT {values} FROM json_to_recordset(%s::json) AS page({record})"  # noqa: S608 - our names
            cursor.execute(f"INSERT INTO {table} ({names}) {source} {tail}", [page])
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks}) {tail}", rows)  # noqa: S608 - our names


def instant(value: Any) -> str | None:
    """An aware instant in the form in which this database stores and compares it."""
    if value is None:
        return None
    if connection.vendor == "postgresql":
        return str(value.isoformat())
    return str(connection.ops.adapt_datetimefield_value(value))
