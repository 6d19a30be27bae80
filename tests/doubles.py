"""A source, a destination and an integration between them that live in this process, for tests of the engine alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connections.connectors import registry
from connections.connectors.base import CheckReport, Document, Field, Page, Position, Row, Setting, Stream
from connections.errors import ConnectorError, MappingError, RecordError
from connections.rehearsal import Bound
from connections.services import create_connection
from mlconnector.tenants.models import Tenant
from syncs import catalogue, services
from syncs.engine.flow import FlowDefinition, Item, MapContext, Mapped, Reference, Skip, Summary, WriteContext
from syncs.models import Run, Sync
from syncs.reporting.reconciliation import Totals

WHO = "member:ann@meridian.example"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def stamp(minutes: float) -> str:
    return (EPOCH + timedelta(minutes=minutes)).isoformat()


@dataclass
class Counter:
    calls: int = 0
    allowance: Document | None = None

    def close(self) -> None:
        """Nothing is held open."""


@dataclass
class MemorySource:
    """Rows by stream and key, read by keyset. ``before_page`` runs before each page: the world moves on."""

    rows: dict[str, dict[str, Document]] = field(default_factory=dict)
    page_size: int = 3
    now: datetime = EPOCH + timedelta(days=300)
    by_offset: bool = False
    filters: bool = True
    before_page: Callable[[int], None] | None = None
    door: Counter = field(default_factory=Counter)
    fail_at_call: dict[int, ConnectorError] = field(default_factory=dict)
    included: set[str] = field(default_factory=set)
    fields: list[Field] = field(default_factory=list)

    def include(self, stream: str, names: Iterable[str]) -> None:
        self.included |= set(names)

    def put(self, stream: str, key: str, minutes: float, **data: Any) -> None:
        self.rows.setdefault(stream, {})[key] = {"stamp": stamp(minutes), **data}

    def server_now(self) -> datetime:
        return self.now

    def can_filter_on_cursor(self, stream: str) -> bool:
        return self.filters

    def _call(self) -> None:
        self.door.calls += 1
        if error := self.fail_at_call.pop(self.door.calls, None):
            raise error

    def _sorted(self, stream: str, since: datetime | None, until: datetime) -> list[tuple[str, str, Document]]:
        low = since.isoformat() if since else ""
        if since and not self.filters:
            low = (until - timedelta(days=180)).isoformat()
        found = [
            (row["stamp"], key, row)
            for key, row in self.rows.get(stream, {}).items()
            if low <= row["stamp"] <= until.isoformat()
        ]
        return sorted(found, key=lambda entry: entry[:2])

    def walk(self, stream: str, *, since: datetime | None, until: datetime, after: Position | None) -> Iterator[Page]:
        number = 0
        while True:
            if self.before_page:
                self.before_page(number)
            self._call()
            rows = self._sorted(stream, since, until)
            if self.by_offset:
                page = rows[number * self.page_size : (number + 1) * self.page_size]
            else:
                page = [row for row in rows if after is None or [row[0], row[1]] > after][: self.page_size]
            if page:
                after = [page[-1][0], page[-1][1]]
                yield Page([Row(key, at, dict(row)) for at, key, row in page], [[at, key] for at, key, _ in page])
            if len(page) < self.page_size:
                return
            number += 1

    def fetch(self, stream: str, keys: Sequence[str]) -> list[Row]:
        self._call()
        rows = self.rows.get(stream, {})
        return [Row(key, rows[key]["stamp"], dict(rows[key])) for key in keys if key in rows]


@dataclass
class MemoryDestination:
    """Documents by key. ``written`` is every write in order; ``refuse`` names keys that it will not take."""

    documents: dict[str, Document] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)
    door: Counter = field(default_factory=Counter)
    before_write: Callable[[int], None] | None = None
    batches: list[int] = field(default_factory=list)

    def deliver(self, rows: dict[str, Document]) -> dict[str, bool | RecordError]:
        self.door.calls += 1
        self.batches.append(len(rows))
        if self.before_write:
            self.before_write(self.door.calls)
        results: dict[str, bool | RecordError] = {}
        for key, document in rows.items():
            if key in self.refuse:
                results[key] = RecordError("The destination refuses this one.", code="refused")
                continue
            results[key] = key not in self.documents
            self.documents[key] = document
            self.written.append(key)
        return results


class MemoryRehearsal:
    """Answers as the destination would, and leaves it as it is."""

    def __init__(self, real: MemoryDestination, bound: Bound) -> None:
        self.real, self.bound, self.door = real, bound, real.door

    def holding(self, kind: str, ids: Iterable[str], fields: Iterable[str]) -> dict[str, Document]:
        self.door.calls += 1
        held = {id_: self.real.documents.get(f"{kind}:{id_.removeprefix('id-')}") for id_ in ids}
        return {id_: {name: document.get(name) for name in fields} for id_, document in held.items() if document}

    def deliver(self, rows: dict[str, Document]) -> dict[str, bool | RecordError]:
        refused = RecordError("The destination refuses this one.", code="refused")
        known = self.bound([f"id-{key.partition(':')[2]}" for key in rows])
        return {
            key: refused
            if key in self.real.refuse
            else key not in self.real.documents and f"id-{key.partition(':')[2]}" not in known
            for key in rows
        }


class Things(FlowDefinition):
    key = "things"
    label = "Things"
    stream = "things"
    version = "1"

    def summary(self, row: Row) -> Summary:
        return Summary(str(row.data.get("name", "")))

    def map(self, row: Row, context: MapContext) -> Mapped:
        if row.data.get("name") == "skip":
            raise Skip("unwanted", "This is not mirrored.")
        if row.data.get("name") == "bad":
            raise MappingError("The name is bad. Change it.", code="bad_name")
        return Mapped({"name": str(row.data.get("name", ""))})

    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        results = context.destination.deliver({f"{self.key}:{item.row.key}": item.document for item in items})
        for item in items:
            result = results[f"{self.key}:{item.row.key}"]
            if isinstance(result, RecordError):
                item.failed(result)
                continue
            item.sent = item.document
            item.synced(f"id-{item.row.key}", {"thing": f"id-{item.row.key}"}, created=result)


class Parts(Things):
    """Each belongs to a thing, and touches it."""

    key = "parts"
    label = "Parts"
    stream = "parts"

    def references(self, row: Row) -> list[Reference]:
        return [("things", row.data["of"])]

    def map(self, row: Row, context: MapContext) -> Mapped:
        from connections.errors import DependencyMissing

        target = context.targets.get(("things", row.data["of"]))
        if target is None or not target.id:
            raise DependencyMissing("Its thing is not there yet.", waits_for=("things", row.data["of"]))
        return Mapped({"name": row.data["name"], "of": target.id})


@dataclass
class World:
    source: MemorySource = field(default_factory=MemorySource)
    destination: MemoryDestination = field(default_factory=MemoryDestination)


def connector_class(key_: str, client_: Any) -> type:
    class Dummy:
        key = key_
        label = key_.title()
        settings = (Setting("secret", "Secret", "Any text.", secret=True),)
        streams = {"things": Stream("things", "Things", "key", "stamp")}

        def hosts(self, config: Any) -> list[str]:
            return []

        def clean(self, config: Any) -> dict[str, str]:
            return {}

        def client(self, access: Any) -> Any:
            return client_

        def rehearsal(self, access: Any, bound: Bound) -> Any:
            return MemoryRehearsal(client_, bound) if isinstance(client_, MemoryDestination) else client_

        def check(self, access: Any, report: CheckReport) -> None:
            pass

        def fields(self, access: Any, kind: str) -> list[Field]:
            return list(getattr(client_, "fields", ()))

        def missing(self, access: Any) -> list[Any]:
            return []

        def prepare(self, access: Any, keys: Any) -> list[Any]:
            return []

        def link(self, config: Any, capabilities: Any, kind: str, id_: str) -> str:
            return f"https://{key_}.example/{kind}/{id_}"

        def spellings(self, id_: str) -> list[str]:
            return []

    return Dummy


def install(monkeypatch: Any, world: World) -> None:
    """Registers both connectors and the integration between them for one test."""
    offer(
        monkeypatch,
        "memory",
        {"memory_source": world.source, "memory_destination": world.destination},
        (Things(), Parts()),
    )


def offer(monkeypatch: Any, key: str, sides: dict[str, Any], flows: tuple[FlowDefinition, ...]) -> None:
    """An integration of these flows between two connectors for one test. ``sides``: key → client, the source first."""
    registry.all()
    monkeypatch.setattr(registry, "_found", dict(registry._found))
    for connector, client in sides.items():
        registry.register(connector_class(connector, client))
    source, destination = sides
    integration = catalogue.Integration(
        key=key,
        label=key.capitalize(),
        summary="",
        source=source,
        destination=destination,
        flows=flows,
        every_minutes=10,
        totals=lambda *_: (Totals(), Totals()),
    )
    known = dict(catalogue._integrations()) | {key: integration}
    monkeypatch.setattr(catalogue, "_integrations", lambda: known)


def sync_between(tenant: Tenant, integration: str = "memory") -> Sync:
    """A sync of an integration that a test has offered."""
    source = create_connection(tenant, "memory_source", "From", {}, {"secret": "x" * 8}, WHO)
    destination = create_connection(tenant, "memory_destination", "To", {}, {"secret": "x" * 8}, WHO)
    return services.create_sync(tenant, integration=integration, source=source, destination=destination, actor=WHO)


def run(sync: Sync, **how: Any) -> Run:
    """A whole run in this process."""
    started = services.run_now(sync, actor=WHO, enqueue=False, **how)
    while services.execute(started.pk):
        pass
    started.refresh_from_db()
    return started
