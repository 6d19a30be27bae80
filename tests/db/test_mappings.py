"""A tenant's own fields: checked when they are saved, delivered by the next run, kept version by version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError

from audit.models import AuditEntry
from connections.connectors.base import Document, Field, Row
from connections.errors import RecordError
from mlconnector.tenants.models import Tenant
from syncs.engine.flow import Item, MapContext, Mapped, WriteContext
from syncs.engine.table import Line, Section
from syncs.mapping import mappings
from syncs.models import Flow, Preview, Record, Run, Sync
from syncs.previewing import previews
from tests.doubles import MemoryDestination, Things, World, offer, run, sync_between

pytestmark = pytest.mark.django_db(transaction=True)

FIELDS = [
    Field("name", "Name", "text"),
    Field("tier", "Tier", "choice", options=(("GOLD", "Gold"), ("TIN", "Tin"))),
    Field("revenue", "Annual revenue", "number"),
    Field("nick", "Nickname", "text", length=8),
    Field("size", "Size"),
    Field("created", "Created", "datetime", writable=False),
]


class Companies(Things):
    """Things to which a tenant may add fields."""

    table = (Section("company", "companies", "Company", (Line("name", "name"),), own=True),)

    def map(self, row: Row, context: MapContext) -> Mapped:
        return Mapped({"company": {"name": row.data["name"]}})

    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        created = context.destination.deliver({item.row.key: item.document["company"] for item in items})
        for item in items:
            item.sent = item.document
            item.synced(f"id-{item.row.key}", {}, created=created[item.row.key])


class Keeping(MemoryDestination):
    """What a write does not name stays as it stands."""

    def deliver(self, rows: dict[str, Document]) -> dict[str, bool | RecordError]:
        return super().deliver({key: {**self.documents.get(key, {}), **row} for key, row in rows.items()})


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(destination=Keeping())
    world.destination.fields = FIELDS  # type: ignore[attr-defined]
    offer(
        monkeypatch, "memory", {"memory_source": world.source, "memory_destination": world.destination}, (Companies(),)
    )
    cache.clear()
    for number in range(3):
        world.source.put("things", f"t{number}", number, name=f"thing {number}", Tier="gold", Revenue=number * 10)
    return world


@pytest.fixture
def sync(world: World, tenant: Tenant) -> Sync:
    return sync_between(tenant)


def set_fields(sync: Sync, *rows: dict[str, Any]) -> Any:
    flow: Flow = sync.flows.select_related("sync__source", "sync__destination").get()
    return mappings.save(flow, mappings.clean(flow, {"fields": list(rows)}), actor="member:ann@example.com")


def test_a_field_set_by_the_tenant_arrives_also_where_records_are_in_place_already(world: World, sync: Sync) -> None:
    run(sync)
    set_fields(
        sync, {"to": "tier", "from": "Tier"}, {"to": "revenue", "from": "Revenue"}, {"to": "nick", "value": "us"}
    )
    assert run(sync).flow_runs.get().updated == 3
    assert world.destination.documents["t2"] == {"name": "thing 2", "tier": "GOLD", "revenue": 20, "nick": "us"}
    assert {"Tier", "Revenue"} <= world.source.included


def test_applied_again_it_changes_nothing(world: World, sync: Sync) -> None:
    set_fields(sync, {"to": "tier", "from": "Tier"})
    run(sync)
    world.destination.written.clear()
    assert set_fields(sync, {"to": "tier", "from": "Tier"}).number == 1
    assert run(sync).flow_runs.get().updated == 0
    assert world.destination.written == []


def test_a_preview_shows_what_would_change_and_what_is_approved_is_what_runs(world: World, sync: Sync) -> None:
    run(sync)
    flow: Flow = sync.flows.get()
    proposal = {"flow": "things", "overrides": {"fields": [{"to": "tier", "from": "Tier"}]}}
    preview = previews.start(sync, kind=Preview.Kind.MAPPING, proposal=proposal, actor="member:t")
    assert preview.rehearsal is not None
    while previews.rehearse(preview.rehearsal.runs.get().pk):
        pass
    assert "tier" not in world.destination.documents["t0"]
    assert '"after":{"company":{"tier":"GOLD"}}' in preview.entries.first().detail  # type: ignore[union-attr]
    previews.approve(Preview.objects.for_tenant(sync.tenant_id).get(), actor="member:t")
    assert run(sync).flow_runs.get().updated == 3
    assert world.destination.documents["t0"] == {"name": "thing 0", "tier": "GOLD"}
    assert mappings.versions(flow).get().changed_by == "member:t"


def test_taken_out_again_the_old_value_stays_where_it_is(world: World, sync: Sync) -> None:
    set_fields(sync, {"to": "tier", "from": "Tier"})
    run(sync)
    assert set_fields(sync).number == 2
    world.source.put("things", "t0", 60, name="new name", Tier="tin")
    assert run(sync).status == Run.Status.SUCCEEDED
    assert world.destination.documents["t0"] == {"name": "new name", "tier": "GOLD"}


def test_a_value_that_does_not_fit_rejects_its_record_alone_and_names_the_field(world: World, sync: Sync) -> None:
    world.source.put("things", "t1", 60, name="thing 1", Tier="platinum")
    set_fields(sync, {"to": "tier", "from": "Tier"})
    assert run(sync).status == Run.Status.PARTIAL
    rejected = Record.objects.for_tenant(sync.tenant_id).get(status=Record.Status.REJECTED)
    assert (rejected.source_key, rejected.error_code) == ("t1", "own_field")
    assert "“Tier”" in rejected.error_text
    assert "Gold, Tin" in rejected.error_text
    assert sorted(world.destination.documents) == ["t0", "t2"]


def test_every_change_is_a_version_and_an_entry_of_the_trail(world: World, sync: Sync) -> None:
    set_fields(sync, {"to": "tier", "from": "Tier"})
    set_fields(sync, {"to": "tier", "value": "GOLD"}, {"to": "nick", "from": "name"})
    newest, first = mappings.versions(sync.flows.get())
    assert (newest.number, newest.changed_by, first.number) == (2, "member:ann@example.com", 1)
    assert mappings.difference(first.overrides, newest.overrides) == [
        ("tier", "Tier", "always “GOLD”"),
        ("nick", "", "name"),
    ]
    entry = AuditEntry.objects.filter(action="mapping.change").last()
    assert entry is not None
    assert (entry.actor, entry.flow) == ("member:ann@example.com", "things")
    assert '"nick":"name"' in entry.detail


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"to": "", "from": "Tier"}, "to", "Choose the field"),
    ({"to": "name", "from": "Tier"}, "to", "The product fills this field itself"),
    ({"to": "NAME", "from": "Tier"}, "to", "The product fills this field itself"),
    ({"to": "Tier", "from": "Tier"}, "to", "Did you mean tier"),
    ({"to": "nowhere", "from": "Tier"}, "to", "no such field"),
    ({"to": "created", "value": "2026-01-01"}, "to", "cannot be written"),
    ({"to": "tier"}, "from", "Give either"),
    ({"to": "tier", "from": "Tier", "value": "GOLD"}, "value", "Give either"),
    ({"to": "tier", "from": "Tier["}, "from", "not understood"),
    ({"to": "tier", "value": "Platinum"}, "value", "none of the field's choices"),
    ({"to": "revenue", "value": "much"}, "value", "not a number"),
    ({"to": "nick", "value": "too long for it"}, "value", "takes 8"),
    ({"to": "nick", "in": "elsewhere", "value": "x"}, "to", "no such part"),
]


def test_a_row_that_cannot_work_is_refused_at_its_place(sync: Sync) -> None:
    flow = sync.flows.select_related("sync__destination").get()
    for row, name, text in REFUSED:
        with pytest.raises(mappings.RowErrors) as raised:
            mappings.clean(flow, {"fields": [{"to": "size", "from": "Size"}, row]})
        assert raised.value.rows.keys() == {1}, row
        assert text in raised.value.rows[1][name]
        assert text in str(raised.value)


def test_what_is_no_list_of_fields_is_refused(sync: Sync) -> None:
    for given in ({"fields": "tier"}, {"fields": ["tier"]}, [], {"fields": [{"to": "a"}] * 51}):
        with pytest.raises(ValidationError):
            mappings.clean(sync.flows.get(), given)  # type: ignore[arg-type]


def test_one_field_is_filled_once(sync: Sync) -> None:
    rows = [{"to": "nick", "from": "name"}, {"to": "nick", "value": "x"}]
    with pytest.raises(mappings.RowErrors, match="filled by another row"):
        mappings.clean(sync.flows.get(), {"fields": rows})


def test_a_destination_that_does_not_name_its_fields_stops_nobody(world: World, sync: Sync) -> None:
    world.destination.fields = []  # type: ignore[attr-defined]
    set_fields(sync, {"to": "nowhere", "from": "Tier"})
    run(sync)
    assert world.destination.documents["t0"] == {"name": "thing 0", "nowhere": "gold"}


def test_cleaned_overrides_may_be_cleaned_again(sync: Sync) -> None:
    flow = sync.flows.get()
    once = mappings.clean(flow, {"fields": [{"to": "tier", "value": " GOLD "}, {"to": "nick", "from": " name "}]})
    assert mappings.clean(flow, once) == once
