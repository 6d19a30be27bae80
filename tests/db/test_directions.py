"""Flows in both directions of one sync, what they write back, and streams watched on the other side. No vendor here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
from django.core.exceptions import ValidationError

from connections.connectors.base import Row
from connections.errors import DependencyMissing, StreamRefused, TransientError
from connections.models import Connection
from connections.services import create_connection
from mlconnector.tenants.models import Tenant
from syncs import catalogue, services
from syncs.engine.flow import Item, MapContext, Mapped, Option, Watch, WriteContext
from syncs.models import Record, Run, Sync
from tests.db.test_engine import counts, run
from tests.doubles import MemoryDestination, MemorySource, Things, offer

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class MemorySystem(MemorySource, MemoryDestination):
    """Both is read and written."""


class Orders(Things):
    """Sales' orders become finance's; finance's state of each is written back onto it."""

    key = "orders"
    label = "Orders"
    stream = "orders"
    reverse = True
    watches = (Watch("states", lambda row: [row.key], side="destination"),)

    def enrich(self, rows: Sequence[Row], *, source: Any, destination: Any) -> None:
        for row in rows:
            found = destination.rows.get("states", {}).get(row.key)
            row.data["_state"] = found and found["state"]

    def map(self, row: Row, context: MapContext) -> Mapped:
        customer = row.data.get("customer")
        if customer == "unbound":
            raise DependencyMissing("Its customer is not there yet.", waits_for=("things", "@id-c1"))
        return Mapped({"name": row.data["name"], "state": row.data["_state"]})

    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        super().write(items, context)
        for item in items:
            context.source.rows["orders"][item.row.key]["state"] = item.document["state"]


@dataclass
class Pair:
    finance: MemorySystem
    sales: MemorySystem
    sync: Sync


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> Pair:
    finance, sales = MemorySystem(), MemorySystem()
    offer(monkeypatch, "both_ways", {"finance": finance, "sales": sales}, (Things(), Orders()))
    sides = [create_connection(tenant, key, key, {}, {"secret": "x" * 8}, "member:t") for key in ("finance", "sales")]
    sync = services.create_sync(
        tenant, integration="both_ways", source=sides[0], destination=sides[1], actor="member:t"
    )
    return Pair(finance, sales, sync)


def test_each_flow_goes_its_own_way(pair: Pair) -> None:
    pair.finance.put("things", "c1", 1, name="customer")
    pair.sales.put("orders", "o1", 1, name="order")
    assert run(pair.sync).status == Run.Status.SUCCEEDED
    assert (pair.sales.written, pair.finance.written) == (["things:c1"], ["orders:o1"])


def test_what_was_written_back_is_no_change(pair: Pair) -> None:
    pair.sales.put("orders", "o1", 1, name="order")
    run(pair.sync)
    pair.sales.put("orders", "o1", 5, name="order", state=None)  # the stamp moved with what was written back
    assert counts(run(pair.sync), "orders") == {"read": 1, "unchanged": 1}
    assert pair.finance.written == ["orders:o1"]


def test_a_change_on_the_other_side_is_followed(pair: Pair) -> None:
    pair.finance.put("states", "old", 1, state="closed long ago")
    pair.sales.put("orders", "o1", 1, name="order")
    run(pair.sync)
    pair.finance.put("states", "o1", 60 * 24 * 301, state="shipped")
    pair.finance.now = pair.sales.now = pair.finance.now.replace(year=2027)
    assert counts(run(pair.sync), "orders")["updated"] == 1
    assert pair.sales.rows["orders"]["o1"]["state"] == "shipped"
    assert "updated" not in counts(run(pair.sync), "orders")


def test_a_record_waits_for_one_that_is_bound_to_the_same(pair: Pair) -> None:
    pair.sales.put("orders", "o1", 1, name="order", customer="unbound")
    run(pair.sync)
    record = Record.objects.for_tenant(pair.sync.tenant_id).get(source_key="o1")
    assert (record.status, record.waits_for) == ("waiting", "things:@id-c1")
    pair.finance.put("things", "c1", 2, name="customer")
    pair.sales.rows["orders"]["o1"]["customer"] = "bound"
    run(pair.sync)
    record.refresh_from_db()
    assert record.status == "synced"


@pytest.mark.parametrize("broken", ["finance", "sales"])
def test_the_side_that_failed_is_named(pair: Pair, broken: str) -> None:
    """A transient error that asks for a long pause puts only its own connection on hold."""
    pair.sales.put("orders", "o1", 1, name="order")
    system: MemorySystem = getattr(pair, broken)
    system.fail_at_call[{"finance": 2, "sales": 1}[broken]] = TransientError("Later.", retry_after=600)
    assert run(pair.sync).status == Run.Status.FAILED
    held = Connection.objects.for_tenant(pair.sync.tenant_id).exclude(held_until=None)
    assert [connection.name for connection in held] == [broken]


def test_a_watched_stream_that_is_refused_does_not_stop_the_flow(pair: Pair) -> None:
    pair.sales.put("orders", "o1", 1, name="order")
    pair.finance.fail_at_call[2] = StreamRefused("This user may not read states.", code="no_privilege")
    ended = run(pair.sync)
    assert (ended.status, ended.error_code) == (Run.Status.PARTIAL, "no_privilege")
    assert "may not read states" in ended.error_text
    assert pair.finance.written == ["orders:o1"]


class Followed(Things):
    watches = (Watch("deleted", lambda row: [f"@{row.key}"], side="destination"),)
    looked_at: ClassVar[list[str]] = []

    def map(self, row: Row, context: MapContext) -> Mapped:
        self.looked_at.append(row.key)
        return super().map(row, context)


def test_a_change_of_what_a_record_is_bound_to_makes_it_due(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    integration = replace(catalogue.get("both_ways"), flows=(Followed(),))
    monkeypatch.setattr(catalogue, "_integrations", lambda: {"both_ways": integration})
    pair.finance.put("things", "c1", 1, name="customer")
    pair.finance.put("things", "c2", 1, name="another")
    run(pair.sync)
    pair.sales.put("deleted", "id-c1", 60 * 24 * 301)
    pair.finance.now = pair.sales.now = pair.finance.now.replace(year=2027)
    Followed.looked_at.clear()
    run(pair.sync)
    run(pair.sync)
    assert Followed.looked_at == ["c1"]


class Careful(Things):
    key = "careful"
    options = (Option("unit", "Business unit", "Where orders go.", "", required=True),)


def test_a_flow_that_needs_an_option_is_off_until_it_has_it(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    integration = catalogue.get("both_ways")
    known = {"both_ways": replace(integration, flows=(Things(), Careful()))}
    monkeypatch.setattr(catalogue, "_integrations", lambda: known)
    sync = services.create_sync(
        pair.sync.tenant,
        integration="both_ways",
        source=pair.sync.source,
        destination=pair.sync.destination,
        actor="member:t",
        name="second",
    )
    flow = sync.flows.get(key="careful")
    assert (flow.enabled, sync.flows.get(key="things").enabled) == (False, True)
    with pytest.raises(ValidationError, match="Business unit: fill this in first"):
        services.set_flow(flow, actor="member:t", enabled=True)
    flow.refresh_from_db()
    assert services.set_flow(flow, actor="member:t", enabled=True, options={"unit": "US1"}).enabled
    with pytest.raises(ValidationError, match="Business unit: fill this in first"):
        services.set_flow(flow, actor="member:t", options={"unit": ""})
