"""SOQL as text: literals, conditions, the keyset. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from urllib.parse import quote as percent

from connections.connectors.base import Position

STAMP = "SystemModstamp"
MOST_VALUES = 200
URL_SPACE = 6000
"""Encoded characters of a list of values; address and headers together may have 16,384 bytes."""

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"})


def quoted(value: str) -> str:
    """A string literal. Other control characters cannot stand in one and are sent as their code."""
    text = value.translate(_ESCAPES)
    return "'" + "".join(letter if letter >= " " else f"\\u{ord(letter):04x}" for letter in text) + "'"


def instant(moment: datetime) -> str:
    """A dateTime literal, in milliseconds of UTC."""
    at = moment.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def parse(stamp: str) -> datetime:
    """A dateTime as Salesforce returns it: its offset has no colon."""
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)


def window(since: datetime | None, until: datetime) -> list[str]:
    bounds = [f"{STAMP} <= {instant(until)}"]
    return [f"{STAMP} >= {instant(since)}", *bounds] if since is not None else bounds


def behind(after: Position) -> str:
    """Rows after this place in the order of (stamp, Id)."""
    stamp = instant(parse(str(after[0])))
    return f"({STAMP} > {stamp} OR ({STAMP} = {stamp} AND Id > {quoted(str(after[1]))}))"


def any_of(field: str, values: Sequence[str]) -> str:
    return f"{field} IN ({','.join(map(quoted, values))})"


def select(fields: Iterable[str], source: str, conditions: Iterable[str] = (), tail: str = "") -> str:
    where = " AND ".join(condition for condition in conditions if condition)
    text = f"SELECT {', '.join(fields)} FROM {source}"  # noqa: S608 (values come in through ``quoted``)
    return f"{text}{' WHERE ' + where if where else ''}{' ' + tail if tail else ''}"


def portions(values: Sequence[str]) -> Iterator[list[str]]:
    """Lists of values short enough for one address."""
    part: list[str] = []
    size = 0
    for value in values:
        length = len(percent(quoted(value), safe="")) + len("%2C")
        if part and (len(part) >= MOST_VALUES or size + length > URL_SPACE):
            yield part
            part, size = [], 0
        part.append(value)
        size += length
    if part:
        yield part
