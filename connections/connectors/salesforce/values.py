"""Values as Salesforce takes them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

SHORT = 15
CHECK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def plain(value: Any) -> Any:
    """A value JSON has no form for. A Decimal stays exact: as a number where a number keeps it, else as text."""
    if isinstance(value, Decimal):
        number = float(value)
        return number if Decimal(repr(number)) == value else format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written to Salesforce")


def is_id(text: str) -> bool:
    """Whether it may be the Id of a record: anything else would be an error in a query."""
    return text.isascii() and text.isalnum() and len(text) in (15, 18)


def short(id_: str) -> str:
    """The Id without its check letters: the form both ways of writing one share."""
    return id_[:SHORT]


def long(id_: str) -> str:
    """The Id with its check letters: each tells which of five letters are capitals."""
    groups = (id_[start : start + 5] for start in range(0, SHORT, 5))
    marks = (sum(1 << place for place, letter in enumerate(group) if letter.isupper()) for group in groups)
    return id_[:SHORT] + "".join(CHECK_LETTERS[mark] for mark in marks)
