"""One record as both systems have it at this moment, part by part, in the words of the flow's document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from typing import Any

from django.utils.dateparse import parse_datetime

from connections import services as connections
from connections.connectors import registry
from connections.connectors.base import Document, Row
from connections.errors import ConnectorError, RecordError, TransientError
from connections.models import Connection
from syncs import catalogue
from syncs.engine.flow import FlowDefinition, Skip
from syncs.engine.own_fields import OwnFields
from syncs.engine.standing import Part, Path, Standing
from syncs.engine.trial import mapped
from syncs.models import Record, Sync
from syncs.pulse import allowances

PATIENCE_SECONDS = 12.0
RETRIES = 1
AGREES, SOURCE_CHANGED, DESTINATION_CHANGED, FILLED = "agrees", "source", "destination", "filled"
Parts = dict[Path, Part]
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
"""Not 0044: what begins with a zero is a code."""


@dataclass(slots=True)
class Line:
    """One field. ``standing``: both sides agree; the source was changed since we delivered it; the destination was; or
    the destination holds something that we never delivered."""

    name: str
    ours: Any
    theirs: Any
    delivered: Any
    standing: str = AGREES


@dataclass(slots=True)
class Section:
    """``compared``: the destination showed it. ``gone``: what held it there is not there any more. ``link``: its page
    over there."""

    label: str
    lines: list[Line]
    gone: bool = False
    link: str = ""
    compared: bool = False

    @property
    def agrees(self) -> bool:
        return self.compared and not self.gone and all(line.standing == AGREES for line in self.lines)


@dataclass(slots=True)
class Side:
    """What one system said. ``text``: why it shows nothing, or why nothing would be delivered; ``failed``: it did not
    answer as it should."""

    label: str
    there: bool = False
    text: str = ""
    failed: bool = False
    link: str = ""


@dataclass(slots=True)
class BothSides:
    """``by_delivery``: the source could not be compared; what we delivered last stands in its place."""

    source: Side
    destination: Side
    sections: list[Section] = field(default_factory=list)
    by_delivery: bool = False

    @property
    def source_changed(self) -> int:
        return self._count(SOURCE_CHANGED)

    @property
    def destination_changed(self) -> int:
        return self._count(DESTINATION_CHANGED)

    @property
    def gone(self) -> int:
        return sum(section.gone for section in self.sections)

    @property
    def agree(self) -> bool:
        both = self.source.there and self.destination.there and not self.by_delivery
        return both and not (self.source_changed or self.destination_changed or self.gone)

    def _count(self, standing: str) -> int:
        return sum(line.standing == standing for section in self.sections for line in section.lines)


def look(record: Record, seconds: float = PATIENCE_SECONDS) -> BothSides:
    """Asks both systems, for as long as someone waits for it. Never raises for what they answer."""
    return _Looking(record, seconds).look()


def may_be_asked(sync: Sync) -> bool:
    """Whether both systems may be asked without anybody's word: they answer, and have calls to spare."""
    sides = (sync.source, sync.destination)
    broken = any(side.status == Connection.Status.BROKEN for side in sides)
    return not broken and not any(each.short for each in allowances(sync))


class _Looking:
    def __init__(self, record: Record, seconds: float) -> None:
        self.record, self.flow, self.sync = record, record.flow, record.flow.sync
        self.definition: FlowDefinition = catalogue.get(self.sync.integration).flow(self.flow.key)
        sides = self.sync.source, self.sync.destination
        self.source, self.destination = sides[::-1] if self.definition.reverse else sides
        self.capabilities: Document = self.destination.capabilities
        self.tick = connections.patience(seconds)
        self._clients: dict[int, Any] = {}
        self.delivered: Document = json.loads(record.payload) if record.payload else {}

    def look(self) -> BothSides:
        source, destination = Side(_label(self.source)), Side(_label(self.destination))
        source.link = _link(self.source, self.definition.stream, self.record.source_key)
        was = _by_path(self._delivered_parts())
        ours = self._ours(source)
        theirs = self._theirs(destination)
        now = was if ours is None else ours
        found = BothSides(source, destination, by_delivery=ours is None)
        found.sections = list(self._sections(now, was, theirs))
        destination.link = next((section.link for section in found.sections if section.link), "")
        return found

    # what each side says ----------------------------------------------------------------------------------------------

    def _ours(self, side: Side) -> Parts | None:
        """The record as it would be delivered now; None where there is nothing to compare."""
        try:
            row = self._row()
            if row is None:
                side.text = "It is not there any more, or hidden from our user."
                return None
            side.there = True
            return _by_path(self.definition.parts(self._mapped(row), self.capabilities))
        except Skip as skip:
            side.text = skip.text
        except ConnectorError as error:
            self._refused(side, error)
        return None

    def _row(self) -> Row | None:
        client = self._client(self.source)
        if own := OwnFields(self.definition.table, self.flow.mapping_overrides).sources:
            client.include(self.definition.stream, own)
        return next(iter(client.fetch(self.definition.stream, [self.record.source_key])), None)

    def _mapped(self, row: Row) -> Document:
        """As the run maps it."""
        self.definition.enrich([row], source=self._client(self.source), destination=self._client(self.destination))
        confirmed = self.record.confirmed_at is not None or self.definition.went_further(self.delivered)
        found = mapped(self.flow, self.definition, row, capabilities=self.capabilities, confirmed=confirmed)
        return found.document

    def _theirs(self, side: Side) -> Standing:
        if not self.record.destination_id or not self.delivered.get("document"):
            side.text = "It is not there yet."
            return {}
        try:
            client = self._client(self.destination)
            found = self.definition.standing(self.record.source_key, self.delivered, client, self.capabilities)
        except ConnectorError as error:
            self._refused(side, error)
            return {}
        side.there = next(iter(found.values()), None) is not None
        if not side.there:
            side.text = "It is not there any more: it was deleted or merged there, or our user no longer sees it."
        return found

    @staticmethod
    def _refused(side: Side, error: ConnectorError) -> None:
        passing = isinstance(error, TransientError)
        side.text = f"{side.label} does not answer just now. Look again in a moment." if passing else error.text
        side.failed = not isinstance(error, RecordError)

    def _client(self, connection: Connection) -> Any:
        """One that cannot write, the same for all that is asked of a system."""
        if connection.pk not in self._clients:
            self._clients[connection.pk] = self._made(connection)
        return self._clients[connection.pk]

    def _made(self, connection: Connection) -> Any:
        access = connections.access_for(connection, tick=self.tick)
        client = registry.get(connection.connector).rehearsal(access, lambda _: {})
        client.door.max_retries = RETRIES
        return client

    # side by side -----------------------------------------------------------------------------------------------------

    def _sections(self, now: Parts, was: Parts, theirs: Standing) -> Iterator[Section]:
        links = self._links()
        for path in dict.fromkeys([*was, *now, *theirs]):
            named = now.get(path) or was.get(path)
            held = theirs.get(path)
            lines = list(_lines(now.get(path), was.get(path), held, asked=bool(theirs)))
            gone = path in theirs and held is None
            label = named.label if named else " ".join(path).capitalize()
            if lines:
                yield Section(label, lines, gone, "" if gone else links.get(path, ""), compared=held is not None)

    def _delivered_parts(self) -> list[Part]:
        document = self.delivered.get("document")
        return self.definition.parts(document, self.capabilities) if document else []

    def _links(self) -> dict[Path, str]:
        document, ids = self.delivered.get("document") or {}, self.delivered.get("ids") or {}
        places = self.definition.places(document, ids, self.capabilities) if document else ()
        return {one.part.path: _link(self.destination, one.kind, one.id) for one in places if one.id}


def _lines(now: Part | None, was: Part | None, held: Document | None, *, asked: bool) -> Iterator[Line]:
    """What the destination was not asked for is not ours to show: another flow, or nobody, delivers it. What the
    mapping does not speak of stays as it was delivered."""
    delivered = was.values if was else {}
    ours = {**delivered, **now.values} if now else {}
    for name in dict.fromkeys([*ours, *delivered, *(held or ())]):
        if held is not None and name not in held:
            continue
        line = Line(name, ours.get(name), (held or {}).get(name), delivered.get(name))
        if held is not None:
            line.standing = _standing(line)
        elif asked and was is None:
            line.standing = SOURCE_CHANGED
        if not all(same(value, None) for value in (line.ours, line.theirs, line.delivered)):
            yield line


def _standing(line: Line) -> str:
    if same(line.ours, line.theirs):
        line.theirs = line.ours
        return AGREES
    if same(line.delivered, line.theirs):
        return SOURCE_CHANGED
    return FILLED if same(line.delivered, None) else DESTINATION_CHANGED


def same(one: Any, other: Any) -> bool:
    """Whether two values mean the same: systems answer in forms of their own, 5.00 for 5, nothing for an empty text."""
    return bool(_meaning(one) == _meaning(other))


def _meaning(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = " ".join(str(value).split())
    return Decimal(text) if _NUMBER.fullmatch(text) else _instant(text) or text


def _instant(text: str) -> str | None:
    """Instants in one form; a day is its midnight, and stays in its own zone."""
    if len(text) < 10 or text[4:5] != "-":
        return None
    try:
        stamp = parse_datetime(text if len(text) > 10 else f"{text}T00:00:00Z")
    except ValueError:
        return None
    if stamp is None:
        return None
    return (stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)).isoformat(timespec="seconds")


def _by_path(parts: Iterable[Part]) -> Parts:
    return {part.path: part for part in parts}


def _label(connection: Connection) -> str:
    return registry.get(connection.connector).label


def _link(connection: Connection, kind: str, id_: str) -> str:
    return registry.get(connection.connector).link(connection.config, connection.capabilities, kind, id_) if id_ else ""
