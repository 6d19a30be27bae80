"""What arrives, as the rest of the product wants it: children as plain lists, no links, no card or bank numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connections.connectors.base import Document, Row

from .streams import STAMP, Child, Resource

DEFAULT_CHILD_PAGE = 25
"""Rows of an expanded child collection, as far as is known; a bare list of just this length may be cut off."""
_PRIVATE = re.compile(r"Card|Bank|IBAN|CVV")


@dataclass(frozen=True, slots=True)
class Cut:
    """A child list that did not come whole. ``owner[child.name]`` is to be replaced; ``path`` leads to the child."""

    owner: Document
    child: Child
    path: str


Address = Callable[[Document], str]


class Tidy:
    """Arranges the rows of one answer in place, and notes the child lists that stopped early.

    One pass, since this runs for every line of every invoice: which attributes go is decided once for rows of a kind,
    and an address is made only where a list was cut.
    """

    def __init__(self) -> None:
        self.cuts: list[Cut] = []
        self._unwanted: dict[tuple[str, int], list[str]] = {}

    def rows(self, kind: str, rows: Sequence[Document], children: tuple[Child, ...], address: Address) -> None:
        for row in rows:
            for child in children:
                self._child(row, child, address)
            unwanted = self._unwanted.get((kind, len(row)))
            if unwanted is None:
                # Unset attributes are sent as null, so rows of a kind differ in nothing but their length.
                unwanted = [name for name in row if name == "links" or _PRIVATE.search(name)]
                self._unwanted[kind, len(row)] = unwanted
            for name in unwanted:
                row.pop(name, None)

    def _child(self, row: Document, child: Child, address: Address) -> None:
        name = child.name
        value = row.get(name)
        if not value:
            row[name] = []
            return
        if isinstance(value, dict):
            listed = row[name] = value.get("items") or []
            more = value.get("hasMore")
            cut = len(listed) == DEFAULT_CHILD_PAGE if more is None else more
        else:
            listed, cut = value, len(value) == DEFAULT_CHILD_PAGE
        if cut:
            self.cuts.append(Cut(row, child, f"{address(row)}/child/{name}"))
        elif listed:
            self.rows(name, listed, child.children, lambda line: f"{address(row)}/child/{name}/{line[child.key]}")


def bare(value: Any) -> Any:
    """A single document without its links, child collections as plain lists in every framework version."""
    if isinstance(value, list):
        return [bare(part) for part in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("items"), list) and "count" in value:
        return bare(value["items"])
    return {name: bare(part) for name, part in value.items() if name != "links"}


def unpack(body: Any, asked: int) -> tuple[list[Document], bool]:
    """Rows of a collection answer and whether there are more."""
    if isinstance(body, list):
        return body, len(body) >= asked
    if not isinstance(body, dict):
        return [], False
    items = body.get("items") or []
    more = body.get("hasMore")
    return items, (len(items) >= asked if more is None else bool(more))


def keep(resource: Resource, rows: Sequence[Document]) -> list[Row]:
    key = resource.key
    return [Row(str(row[key]), row.get(STAMP) or "", row) for row in rows]
