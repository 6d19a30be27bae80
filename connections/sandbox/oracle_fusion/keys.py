"""Opaque keys of resources that are not addressed by an attribute ("...UniqID" in Oracle's descriptions)."""

from __future__ import annotations

import re

_PREFIX = "00020000000EACED00057708000"
_SUFFIX = "0000000EACED00057371007E0002"
_MASK = 0x5A5A1234ABCD
_KEY = re.compile(f"{_PREFIX}([0-9A-F]{{16}}){_SUFFIX}")


def opaque_key(row_id: int) -> str:
    """A long hexadecimal key. Callers are to take it from the ``self`` link, never to build it."""
    return f"{_PREFIX}{row_id ^ _MASK:016X}{_SUFFIX}"


def row_of(key: str) -> int | None:
    """The row an opaque key stands for, None for anything else."""
    match = _KEY.fullmatch(key)
    return int(match[1], 16) ^ _MASK if match else None
