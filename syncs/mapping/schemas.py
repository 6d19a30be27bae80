"""What both systems of a flow say about its fields, and a real record to show them by. For pages, never for a run.

Answers are kept for a few minutes. Whoever may not wait asks for what is known (``ask=False``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.core.cache import cache

from connections import services as connections
from connections.connectors import registry
from connections.connectors.base import Document, Field, Row
from connections.errors import ConnectorError, RecordError
from connections.models import Connection
from syncs import catalogue
from syncs.engine import trial
from syncs.engine.execution import mapping_version
from syncs.engine.flow import SYNCED, FlowDefinition, Skip
from syncs.engine.table import Section
from syncs.models import Flow

PATIENCE_SECONDS = 15.0
KEPT_SECONDS = 600
FAILURE_KEPT_SECONDS = 30
NOTHING_THERE = "There is no record to show as an example yet."
_Known = TypeVar("_Known", "Schema", "Sample")


@dataclass(frozen=True, slots=True)
class Schema:
    """The fields of a kind of record. ``text``: why they are not known; ``asked``: whether the system was asked."""

    fields: tuple[Field, ...] = ()
    text: str = ""
    asked: bool = True

    def named(self, name: str) -> Field | None:
        return next((each for each in self.fields if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Sample:
    """A real record: its row as the mapping sees it, and what the mapping makes of it. ``text``: why there is none, or
    why this one would not be delivered."""

    title: str = ""
    row: Mapping[str, Any] = field(default_factory=dict)
    document: Document = field(default_factory=dict)
    text: str = ""
    asked: bool = True


def ends(flow: Flow) -> tuple[Connection, Connection]:
    """The connections a flow reads from and writes to."""
    sides = flow.sync.source, flow.sync.destination
    return sides[::-1] if _definition(flow).reverse else sides


def fields_of(flow: Flow, section: Section, *, ask: bool = True) -> Schema:
    """The destination's fields for a part of the flow's documents."""
    if section.offered:
        return Schema(section.offered)
    if not section.kind:
        return Schema()
    source, destination = ends(flow)
    return _schema(source if section.back else destination, section.kind, ask=ask)


def source_fields(flow: Flow, *, ask: bool = True) -> Schema:
    return _schema(ends(flow)[0], _definition(flow).stream, ask=ask)


def sample_of(flow: Flow, *, ask: bool = True) -> Sample:
    """The newest delivered record of the flow, else the first that its source shows."""
    source, destination = ends(flow)
    key = f"sample:{flow.pk}:{source.pk}:{destination.pk}:{mapping_version(_definition(flow), flow)}"
    return _kept(key, lambda: _sample(flow, source, destination), Sample(asked=False), ask=ask)


def _definition(flow: Flow) -> FlowDefinition:
    return catalogue.get(flow.sync.integration).flow(flow.key)


def _kept(key: str, find: Callable[[], _Known], unknown: _Known, *, ask: bool) -> _Known:
    found: _Known | None = cache.get(key)
    if found is None and ask:
        found = find()
        cache.set(key, found, FAILURE_KEPT_SECONDS if found.text else KEPT_SECONDS)
    return unknown if found is None else found


def _schema(connection: Connection, kind: str, *, ask: bool) -> Schema:
    def find() -> Schema:
        if connection.status == Connection.Status.BROKEN:
            return Schema(text=f"“{connection.name}” needs attention first: {connection.status_text}")
        try:
            access = connections.access_for(connection, connections.patience(PATIENCE_SECONDS))
            found = registry.get(connection.connector).fields(access, kind)
        except ConnectorError as error:
            return Schema(text=error.text)
        return Schema(tuple(sorted(found, key=lambda each: each.label.casefold())))

    return _kept(f"fields:{connection.pk}:{kind}", find, Schema(asked=False), ask=ask)


def _sample(flow: Flow, source: Connection, destination: Connection) -> Sample:
    if Connection.Status.BROKEN in (source.status, destination.status):
        return Sample(text="An example is shown once both connections work.")
    tick = connections.patience(PATIENCE_SECONDS)
    definition = _definition(flow)
    reading, writing = (
        registry.get(each.connector).client(connections.access_for(each, tick)) for each in (source, destination)
    )
    try:
        reading.include(definition.stream, _heads(source_fields(flow)))
        row = _row(flow, definition, reading)
        if row is None:
            return Sample(text=NOTHING_THERE)
        definition.enrich([row], source=reading, destination=writing)
        return _mapped(flow, definition, row, destination)
    except ConnectorError as error:
        return Sample(text=error.text)
    finally:
        reading.door.close()
        writing.door.close()


def _heads(known: Schema) -> set[str]:
    """The row's own names in ``child[0].Attribute``."""
    return {each.name.partition("[")[0].partition(".")[0] for each in known.fields}


def _row(flow: Flow, definition: FlowDefinition, source: Any) -> Row | None:
    delivered = flow.records.filter(status=SYNCED).order_by("-pk").values_list("source_key", flat=True).first()
    if delivered is not None and (rows := source.fetch(definition.stream, [delivered])):
        found: Row = rows[0]
        return found
    page = next(source.walk(definition.stream, since=None, until=source.server_now(), after=None), None)
    return page.rows[0] if page else None


def _mapped(flow: Flow, definition: FlowDefinition, row: Row, destination: Connection) -> Sample:
    title = definition.summary(row).title or row.key
    try:
        document = trial.mapped(flow, definition, row, capabilities=destination.capabilities).document
    except Skip as skip:
        return Sample(title, row.data, text=skip.text)
    except RecordError as error:
        return Sample(title, row.data, text=error.text)
    return Sample(title, row.data, document)
