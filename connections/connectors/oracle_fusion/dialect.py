"""How a question is put to a pod: literals, filters and orders, in the forms this pod was found to take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from .streams import STAMP, Resource

FORMS = ("zulu", "offset", "date")
URL_SPACE = 4500
"""Characters of a filter before it is cut in two: whole addresses stay below 6,000 once encoded."""
TEXT_IDS = frozenset({"SourceTransactionId"})
"""Attributes that are called Id and hold text."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one resource takes. Begins hopeful; each refusal lowers it, only a new check raises it.

    ``filters``: LastUpdateDate in ``q``. ``form``: of a timestamp's literal. ``either``: ``or``. ``ordered``: orderBy
    on LastUpdateDate. ``listed``: ``IN``, which matters only without ``or``. ``like``: ``like`` on the searched text.
    """

    filters: bool = True
    form: str = "zulu"
    either: bool = True
    ordered: bool = True
    listed: bool = True
    like: bool = True

    @property
    def by_cursor(self) -> bool:
        """Rows can be walked in the order they changed."""
        return self.filters and self.ordered and self.form != "date"

    def stored(self) -> dict[str, Any]:
        return asdict(self)


def dialect_of(resource: Resource, capabilities: Mapping[str, Any]) -> Dialect:
    """The probed dialect, or what the published list promises. An unpublished filter is not tried without a probe: it
    may be ignored instead of refused."""
    known = (capabilities.get("dialects") or {}).get(resource.name)
    base = Dialect(filters=resource.filters)
    return replace(base, **known) if isinstance(known, Mapping) else base


def instant(text: str) -> datetime:
    """A timestamp of the wire as aware UTC."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def stamp_literal(at: datetime, form: str) -> str:
    at = at.astimezone(UTC)
    if form == "date":
        return f"'{at:%Y-%m-%d}'"
    precision = "microseconds" if at.microsecond % 1000 else "milliseconds"
    text = at.replace(tzinfo=None).isoformat(timespec=precision)
    return f"'{text}Z'" if form == "zulu" else f"'{text}+00:00'"


def literal(attribute: str, value: str | int) -> str:
    """IDs are integers and stand bare; everything else is quoted, a quote doubled."""
    text = str(value)
    if isinstance(value, int) or (attribute.endswith("Id") and attribute not in TEXT_IDS and text.isdecimal()):
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def since_filter(at: datetime, dialect: Dialect) -> str:
    return f"{STAMP} >= {stamp_literal(at, dialect.form)}"


def behind_filter(resource: Resource, dialect: Dialect, stamp: str, key: str) -> str:
    """Everything after (stamp, key) in scan order."""
    at = stamp_literal(instant(stamp), dialect.form)
    return f"{STAMP} > {at} or ({STAMP} = {at} and {resource.key} > {literal(resource.key, key)})"


def same_stamp_filter(resource: Resource, dialect: Dialect, stamp: str, key: str) -> str:
    at = stamp_literal(instant(stamp), dialect.form)
    return f"{STAMP} = {at} and {resource.key} > {literal(resource.key, key)}"


def beyond_filter(dialect: Dialect, stamp: str) -> str:
    return f"{STAMP} > {stamp_literal(instant(stamp), dialect.form)}"


def any_of(attribute: str, values: Sequence[str | int]) -> str:
    return " or ".join(f"{attribute} = {literal(attribute, value)}" for value in values)


def listed(attribute: str, values: Sequence[str | int]) -> str:
    return f"{attribute} IN ({', '.join(literal(attribute, value) for value in values)})"


def holding(attribute: str, texts: Sequence[str | int]) -> str:
    """Rows whose ``attribute`` has one of these texts somewhere inside."""
    return " or ".join(f"{attribute} like {_quoted(f'*{text}*')}" for text in texts)


def equals(attribute: str, values: Sequence[str | int], dialect: Dialect) -> Iterator[str]:
    """Conditions short enough for an address; single ones where neither ``or`` nor ``IN`` is taken."""
    if dialect.either or not dialect.listed:
        return chunked(any_of, attribute, values, joins=dialect.either)
    return chunked(listed, attribute, values)


def chunked(
    write: Callable[[str, Sequence[str | int]], str],
    attribute: str,
    values: Sequence[str | int],
    *,
    joins: bool = True,
) -> Iterator[str]:
    part: list[str | int] = []
    size = 0
    for value in values:
        alone = _length(write(attribute, [value]))
        more = _length(write(attribute, [value, value])) - alone
        if part and (not joins or size + more > URL_SPACE):
            yield write(attribute, part)
            part, size = [], 0
        size += more if part else alone
        part.append(value)
    if part:
        yield write(attribute, part)


def _length(text: str) -> int:
    return len(quote(text, safe=""))


def scan_order(resource: Resource) -> str:
    return f"{STAMP}:asc,{resource.key}:asc"


def key_order(key: str) -> str:
    return f"{key}:asc"
