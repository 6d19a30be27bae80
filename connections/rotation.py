"""Moving stored credentials to the current key. Works on ciphertext: nothing is taken apart on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db import connections, router

from connections.fields import EncryptedJSONField, box, on_current_key


@dataclass(slots=True)
class Survey:
    current: int = 0
    older: int = 0
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class _Column:
    alias: str
    table: str
    key: str
    name: str


def survey() -> Survey:
    """How many stored values open with the first key, only with an older one, or with none."""
    counts = Survey()
    for column in _columns():
        for _, sealed in _values(column):
            if on_current_key(sealed):
                counts.current += 1
            elif _readable(sealed):
                counts.older += 1
            else:
                counts.unreadable += 1
    return counts


def rotate() -> int:
    """Seals anew what an older key holds; a value changed meanwhile is left to the next time. Returns how many."""
    moved = 0
    for column in _columns():
        quote = connections[column.alias].ops.quote_name
        table, name, key = quote(column.table), quote(column.name), quote(column.key)
        for pk, sealed in _values(column):
            if on_current_key(sealed) or not _readable(sealed):
                continue
            fresh = box().rotate(sealed.encode("ascii")).decode("ascii")
            with connections[column.alias].cursor() as cursor:
                change = f"UPDATE {table} SET {name} = %s WHERE {key} = %s AND {name} = %s"  # noqa: S608
                cursor.execute(change, [fresh, pk, sealed])
                moved += cursor.rowcount
    return moved


def _columns() -> Iterator[_Column]:
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedJSONField):
                meta = model._meta
                yield _Column(router.db_for_write(model), meta.db_table, str(meta.pk.column), field.column)


def _values(column: _Column) -> list[tuple[int, str]]:
    quote = connections[column.alias].ops.quote_name
    table, name, key = quote(column.table), quote(column.name), quote(column.key)
    with connections[column.alias].cursor() as cursor:
        cursor.execute(f"SELECT {key}, {name} FROM {table} WHERE {name} IS NOT NULL")  # noqa: S608
        return [(int(pk), str(sealed)) for pk, sealed in cursor.fetchall()]


def _readable(sealed: str) -> bool:
    try:
        box().decrypt(sealed.encode("ascii"))
    except InvalidToken:
        return False
    return True
