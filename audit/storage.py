"""Entries into the table with as little work per row as each database allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

StoredRow = tuple[Any, ...]  # the values of COLUMNS
COLUMNS = (
    "tenant_id", "sequence", "at", "actor", "action", "outcome", "sync_id", "run_id", "flow",
    "source_ref", "source_version", "destination_ref", "error_code", "detail", "previous_hash", "hash",
)  # fmt: skip
_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
_COPY = f"COPY audit_auditentry ({_NAMES}) FROM STDIN"
_INSERT = f"INSERT INTO audit_auditentry ({_NAMES}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"  # noqa: S608
_COPY_BLOCK = 500


def insert(connection: BaseDatabaseWrapper, rows: Sequence[StoredRow]) -> None:
    """All rows of one ``append``; they share one instant."""
    if connection.vendor == "postgresql":
        _copy(connection, rows)
    else:
        at = str(rows[0][2].replace(tzinfo=None))  # as Django writes instants there
        with connection.cursor() as cursor:
            cursor.executemany(_INSERT, [(*row[:2], at, *row[3:]) for row in rows])


def _copy(connection: BaseDatabaseWrapper, rows: Sequence[StoredRow]) -> None:
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for start in range(0, len(rows), _COPY_BLOCK):
            copy.write("".join([_line(row) for row in rows[start : start + _COPY_BLOCK]]))


def _line(row: StoredRow) -> str:
    """COPY's text format: fields between tabs, ``\\N`` for null, backslashes before what would be read otherwise."""
    tenant, number, at, actor, action, outcome, sync, run, flow, source, version, goal, code, detail, before, own = row
    texts = f"{actor}\t{action}\t{outcome}"
    refs = f"{flow}\t{source}\t{version}\t{goal}\t{code}\t{detail}"
    if "\\" in texts or "\n" in texts or "\r" in texts or texts.count("\t") != 2:
        texts = "\t".join(map(_escaped, (actor, action, outcome)))
    if "\\" in refs or "\n" in refs or "\r" in refs or refs.count("\t") != 5:
        refs = "\t".join(map(_escaped, (flow, source, version, goal, code, detail)))
    sync_text, run_text = "\\N" if sync is None else sync, "\\N" if run is None else run
    return f"{tenant}\t{number}\t{at}\t{texts}\t{sync_text}\t{run_text}\t{refs}\t{before}\t{own}\n"


def _escaped(value: Any) -> str:
    text = str(value)
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
