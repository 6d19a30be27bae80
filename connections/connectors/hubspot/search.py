"""HubSpot's search: seconds late, five calls a second, at most 10,000 results a query.

For finding and reconciling only; never to decide whether something must be created.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from connections import http
from connections.connectors.base import Document
from connections.errors import UnexpectedError

Search = Callable[[str, Document], Document]

ROWS_PER_PAGE = 200
ROWS_PER_QUERY = 10_000
VALUES_PER_QUERY = 100
BODY_LIMIT = 3_000
SECONDS_APART = 0.21


class Pace:
    """Keeps searches of this client under five a second; they have their own limit and no headers."""

    def __init__(self) -> None:
        self._next = 0.0

    def wait(self) -> None:
        left = self._next - time.monotonic()
        if left > 0:
            http.pause(left)
        self._next = time.monotonic() + SECONDS_APART


def after_of(body: Document) -> str:
    """The opaque mark of the next page, or ''."""
    return str(((body.get("paging") or {}).get("next") or {}).get("after") or "")


def advance(seen: set[tuple[str, str]], name: str, after: str) -> None:
    """A mark that comes back would never end."""
    if (name, after) in seen:
        raise UnexpectedError("HubSpot's pages go round in a circle.", detail={"of": name, "after": after})
    seen.add((name, after))


def modified_property(kind: str) -> str:
    return "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"


def changed_since(search: Search, kind: str, instant: datetime, properties: Sequence[str]) -> Iterator[list[Document]]:
    """Windows below the result limit: each starts at the stamp the one before ended with.

    More rows on one stamp than a query returns are walked by id, for search sorts by one property only.
    """
    stamp = modified_property(kind)
    asked = [*properties, *({stamp, "hs_object_id"} - set(properties))]
    edge, known = _milliseconds(instant.isoformat()), frozenset[str]()
    while True:
        start, last, at_last, cut = edge, edge, set(known), False
        for page, full in _query(search, kind, [_condition(stamp, "GTE", edge)], stamp, asked):
            cut = full
            for record in page:
                changed = _milliseconds(record["properties"][stamp])
                if changed != last:
                    last, at_last = changed, set()
                at_last.add(record["id"])
            yield [record for record in page if record["id"] not in known]
        if not cut:
            return
        if last == start:
            yield from _one_stamp(search, kind, stamp, last, asked, at_last)
            last, at_last = str(int(last) + 1), set()
        edge, known = last, frozenset(at_last)


def _one_stamp(
    search: Search, kind: str, stamp: str, value: str, properties: list[str], known: set[str]
) -> Iterator[list[Document]]:
    after_id, cut = "0", True
    while cut:
        filters = [_condition(stamp, "EQ", value), _condition("hs_object_id", "GT", after_id)]
        cut = False
        for page, full in _query(search, kind, filters, "hs_object_id", properties):
            cut = full
            after_id = page[-1]["id"] if page else after_id
            yield [record for record in page if record["id"] not in known]


def _query(
    search: Search, kind: str, filters: list[Document], sort: str, properties: list[str]
) -> Iterator[tuple[list[Document], bool]]:
    """Pages of one query; the second value says that the query's result limit was reached."""
    body: Document = {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
        "properties": properties,
        "limit": ROWS_PER_PAGE,
    }
    read, seen = 0, set[tuple[str, str]]()
    while True:
        answer = search(kind, body)
        page, after = answer.get("results") or [], after_of(answer)
        read += len(page)
        full = bool(after) and read + ROWS_PER_PAGE > ROWS_PER_QUERY
        yield page, full
        if not after or full:
            return
        advance(seen, kind, after)
        body = {**body, "after": after}


def find(
    search: Search, kind: str, property_name: str, values: Sequence[str], properties: Sequence[str]
) -> dict[str, list[Document]]:
    """Records per value. IN wants lower-case text, and answers in any case."""
    found: dict[str, list[Document]] = {value: [] for value in values}
    wanted: dict[str, list[str]] = {}
    for value in found:
        wanted.setdefault(value.lower(), []).append(value)
    asked = [*properties, *({property_name} - set(properties))]
    for part in _fitting(list(wanted), len(json.dumps(asked))):
        filters = [{"propertyName": property_name, "operator": "IN", "values": part}]
        for page, full in _query(search, kind, filters, "hs_object_id", asked):
            if full:
                raise UnexpectedError("HubSpot holds more than 10,000 records for these values.", detail={"of": kind})
            for record in page:
                for value in wanted.get(str(record["properties"].get(property_name) or "").lower(), ()):
                    found[value].append(record)
    return found


def _fitting(values: list[str], taken: int) -> Iterator[list[str]]:
    """Values in portions that keep a query's body below its limit."""
    room = BODY_LIMIT - 400 - taken
    part: list[str] = []
    used = 0
    for value in values:
        size = len(json.dumps(value)) + 2
        if part and (used + size > room or len(part) == VALUES_PER_QUERY):
            yield part
            part, used = [], 0
        part.append(value)
        used += size
    if part:
        yield part


def _condition(name: str, operator: str, value: str) -> Document:
    return {"propertyName": name, "operator": operator, "value": value}


def _milliseconds(stamp: str) -> str:
    """A stamp as search filters want it: epoch milliseconds."""
    return str(round(datetime.fromisoformat(stamp).timestamp() * 1000))
