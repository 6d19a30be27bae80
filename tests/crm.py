"""A destination with records of its own, and flows that recognise theirs among them, for tests of who is who."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connections.connectors.base import Document, Row
from connections.errors import ConnectorError, RecordError
from syncs.engine.binding import bind
from syncs.engine.flow import FlowDefinition, Item, MapContext, Mapped, Summary, WriteContext
from syncs.names.matching import Identity, normalise
from tests.doubles import World, offer


@dataclass
class Crm:
    """The destination's records by ID: ``key`` is ours, the rest is an identity. ``refuse``: IDs it does not adopt."""

    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    refuse: set[str] = field(default_factory=set)
    listings: list[datetime | None] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    calls: int = 0

    def add(self, name: str, key: str = "", **known: str) -> str:
        id_ = f"A{len(self.rows) + 1}"
        self.rows[id_] = {"name": name, "key": key, **known}
        return id_

    def known(self, keys: Sequence[str]) -> dict[str, str]:
        wanted = set(keys)
        return {row["key"]: id_ for id_, row in self.rows.items() if row["key"] in wanted}

    def listed(self, since: datetime | None) -> Iterator[list[tuple[str, str, Identity]]]:
        self.listings.append(since)
        ids = [id_ for id_ in self.rows if since is None or id_ in self.changed]
        for start in range(0, len(ids), 500):
            yield [self._listed(id_) for id_ in ids[start : start + 500]]

    def _listed(self, id_: str) -> tuple[str, str, Identity]:
        row = dict(self.rows[id_])
        return id_, row.pop("key"), Identity(**row)

    def adopt(self, pairs: Mapping[str, str]) -> dict[str, ConnectorError]:
        failed: dict[str, ConnectorError] = {id_: RecordError("It is locked.") for id_ in pairs if id_ in self.refuse}
        for id_, key in pairs.items():
            if id_ not in failed:
                self.rows[id_]["key"] = key
        return failed


class Customers(FlowDefinition):
    key, label, stream, version = "customers", "Customers", "things", "1"
    matches = True
    kin = ("suppliers",)

    def summary(self, row: Row) -> Summary:
        return Summary(row.data["name"], match_key=normalise(row.data["name"]))

    def map(self, row: Row, context: MapContext) -> Mapped:
        return Mapped({name: value for name, value in row.data.items() if name != "stamp"})

    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        crm: Crm = context.destination.crm
        for item in bind(items, context, crm, identity_of, self.key_of):
            found = (item.state.destination_id if item.state else "") or item.destination_id
            id_ = found or crm.add(item.document["name"], self.key_of(item))
            item.sent = item.document
            item.synced(id_, {"account": id_}, created=not found)

    def key_of(self, item: Item) -> str:
        return f"{self.key}:{item.row.key}"

    def release(self, id_: str, source_key: str, delivered: Document, context: WriteContext) -> Identity | None:
        crm: Crm = context.destination.crm
        if id_ not in crm.rows:
            return None
        if id_ in crm.refuse:
            raise RecordError("It is locked.")
        crm.rows[id_]["key"] = ""
        return crm._listed(id_)[2]


class Suppliers(Customers):
    key, label, stream = "suppliers", "Suppliers", "suppliers"
    kin = ("customers",)


def identity_of(item: Item) -> Identity:
    return Identity(**item.document)


def world_with(monkeypatch: Any) -> World:
    """``world.destination.crm`` is the destination."""
    world = World()
    world.destination.crm = Crm()  # type: ignore[attr-defined]
    sides = {"memory_source": world.source, "memory_destination": world.destination}
    offer(monkeypatch, "who", sides, (Customers(), Suppliers()))
    return world
