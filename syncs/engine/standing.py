"""What the destination holds of a record now, in the words of the flow's document: for people, never for a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from connections.connectors.base import Document

Path = tuple[str, ...]
Standing = dict[Path, Document | None]
"""Path of a part in the document → what stands there of it; None: the record that held it is not there any more. The
record itself comes first."""


@dataclass(frozen=True, slots=True)
class Part:
    """Fields of a document that belong together, under the name people know them by."""

    path: Path
    label: str
    values: Document


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part of a document stands: in one record of the destination. ``id`` is empty before it is there.

    ``fields``: the names in the document → those of the destination. ``lengths``: where the destination cuts texts.
    """

    part: Part
    kind: str
    id: str
    fields: Mapping[str, str]
    lengths: Mapping[str, int] = field(default_factory=dict)


class Holder(Protocol):
    """A destination whose records can be looked at."""

    def holding(self, kind: str, ids: Iterable[str], fields: Iterable[str]) -> dict[str, Document]:
        """The fields of the records with these IDs; those that are gone, or hidden from us, are left out."""


def place(path: Path, label: str, kind: str, id_: Any, values: Mapping[str, Any], **more: Any) -> Place:
    """A part whose fields are called the same on both sides."""
    part = Part(path, label, dict(values))
    return Place(part, kind, str(id_ or ""), {name: name for name in part.values}, **more)


def stands(places: Iterable[Place], destination: Holder) -> Standing:
    """A call or so for each kind of record."""
    known = [one for one in places if one.id and one.fields]
    found: dict[str, dict[str, Document]] = {}
    for kind in dict.fromkeys(one.kind for one in known):
        here = [one for one in known if one.kind == kind]
        fields = dict.fromkeys(name for one in here for name in one.fields.values())
        found[kind] = destination.holding(kind, list(dict.fromkeys(one.id for one in here)), list(fields))
    return {one.part.path: _in_our_words(one, found[one.kind].get(one.id)) for one in known}


def _in_our_words(one: Place, record: Document | None) -> Document | None:
    if record is None:
        return None
    return {name: _whole(one, name, record.get(theirs)) for name, theirs in one.fields.items()}


def _whole(one: Place, name: str, value: Any) -> Any:
    """A text that the destination could only hold the beginning of stands there as it was delivered."""
    longest, ours = one.lengths.get(name), one.part.values.get(name)
    if longest and isinstance(ours, str) and isinstance(value, str) and len(ours) > longest and value == ours[:longest]:
        return ours
    return value
