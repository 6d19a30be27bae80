"""Values as Fusion writes them: one JSON fragment an attribute, joined so that they can be told apart again cheaply.

A stored document is ``"A":1,\\n"B":null``: JSON without its braces, the fragments in the order of the attribute
table. A JSON string never holds a raw line break, so splitting at ``,\\n`` gives the fragments back, and a page is
made by joining text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from .attributes import Table

SEPARATOR = ",\n"
SAFE_INTEGER = 2**53
_BIG = re.compile(r'":(-?\d{16,})(?=,\n|$)')
_encode_string = json.encoder.encode_basestring
_seconds: dict[int, str] = {}


def stamp_text(milliseconds: int) -> str:
    """``2026-08-07T07:39:10.027+00:00``: milliseconds and a numeric offset, as published."""
    seconds, rest = divmod(milliseconds, 1000)
    text = _seconds.get(seconds)
    if text is None:
        if len(_seconds) > 100_000:
            _seconds.clear()
        text = _seconds[seconds] = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:03d}+00:00"


def stamp_milliseconds(text: str) -> int:
    """The inverse of :func:`stamp_text`; takes every ISO-8601 form with an offset."""
    moment = datetime.fromisoformat(text)
    return round(moment.timestamp() * 1000)


def number_text(value: Decimal | int) -> str:
    """A JSON number without exponent and without trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _string(value: Any) -> str:
    return _encode_string(str(value))


def _stamp(value: int) -> str:
    return f'"{stamp_text(value)}"'


def _day(value: date | str) -> str:
    return f'"{value}"'


def _flag(value: bool) -> str:
    return "true" if value else "false"


ENCODERS: dict[str, Callable[[Any], str]] = {
    "s": _string,
    "i": str,
    "n": number_text,
    "d": _day,
    "t": _stamp,
    "b": _flag,
}


def document(table: Table, values: dict[str, Any]) -> str:
    """The stored text of one row. Attributes left out are null, as on a pod."""
    pieces = []
    for attribute in table.attributes:
        value = values.get(attribute.name)
        if value is None:
            pieces.append(f'"{attribute.name}":null')
        else:
            pieces.append(f'"{attribute.name}":{ENCODERS[attribute.type](value)}')
    return SEPARATOR.join(pieces)


def values(table: Table, text: str) -> dict[str, Any]:
    """The attributes of a stored row: decimals as Decimal, timestamps as milliseconds."""
    parsed: dict[str, Any] = json.loads("{" + text + "}", parse_float=Decimal)
    for attribute in table.attributes:
        value = parsed[attribute.name]
        if value is None:
            continue
        if attribute.type == "t":
            parsed[attribute.name] = stamp_milliseconds(value)
        elif attribute.type == "n":
            parsed[attribute.name] = Decimal(value)
    return parsed


def column_value(kind: str, value: Any) -> Any:
    """A value as its SQLite column holds it."""
    if value is None:
        return None
    if kind == "n":
        return float(value)
    if kind == "b":
        return int(value)
    return value if kind in ("i", "t") else str(value)


def big_integers_as_strings(text: str) -> str:
    """Framework version 9: integers beyond 53 bits are JSON strings (reported by integrators)."""
    return _BIG.sub(_quoted_if_big, text)


def _quoted_if_big(match: re.Match[str]) -> str:
    number = match[1]
    return f'":"{number}"' if abs(int(number)) >= SAFE_INTEGER else match[0]
