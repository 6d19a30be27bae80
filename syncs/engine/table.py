"""The mapping of a flow as people read it: which field of the destination is made of what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connections.connectors.base import Field


@dataclass(frozen=True, slots=True)
class Line:
    """``to`` is a field of the destination. ``source``: the attributes it is made of, as the source calls them, the
    first that says something where there are several; "" where none is. ``note``: what happens on the way."""

    to: str
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Records of one kind in the documents of a flow.

    ``place`` is its name there, or the path to it, ``kind`` the connector's name of such records, if it has one.
    ``own``: a tenant may add fields of its own; ``own_note`` is what to know of those. ``text``: the destination takes
    nothing but text. ``many``: the document holds several, by their keys. ``back``: it is written to the source.
    ``offered``: the fields a tenant may add, where the destination has no list of them that says what may be written.
    """

    place: str
    kind: str
    label: str
    lines: tuple[Line, ...]
    own: bool = False
    text: bool = False
    many: bool = False
    back: bool = False
    note: str = ""
    own_note: str = ""
    offered: tuple[Field, ...] = ()

    @property
    def fields(self) -> set[str]:
        return {line.to for line in self.lines}

    def shown(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a document holds of it; of several the first."""
        found: Any = document
        for name in self.place.split("."):
            found = (found or {}).get(name)
        if self.many:
            several = found.values() if isinstance(found, dict) else found or ()
            found = next(iter(several), None)
        return found or {}


def own_sections(table: tuple[Section, ...]) -> dict[str, Section]:
    """Where a tenant may add fields, by place; the first is meant where none is named."""
    return {section.place: section for section in table if section.own}
