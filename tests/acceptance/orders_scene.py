"""Salesforce and Oracle Fusion with nothing between them but orders, and who works in both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections.connectors.base import Row
from connections.errors import ConnectorError
from connections.sandbox.oracle_fusion import attributes
from syncs import catalogue, services
from syncs.engine.flow import FlowDefinition, Item, MapContext, Mapped, Summary, WriteContext
from syncs.integrations.fusion_salesforce import INTEGRATION, orders
from syncs.integrations.fusion_salesforce.opportunities import Opportunities
from syncs.integrations.fusion_salesforce.purchase_orders import PurchaseOrders
from syncs.models import Record
from tests.acceptance.pairs.base import ACTOR, Pair
from tests.acceptance.pairs.oracle_fusion import OracleFusion
from tests.acceptance.pairs.salesforce import Salesforce
from tests.acceptance.stage import Stage

Build = Callable[..., Stage]
Fields = dict[str, Any]
ORDERS = "salesOrdersForOrderHub$"
DRAFTS = "draftPurchaseOrders$"


class Matched(FlowDefinition):
    """Gives an Account of the same name the key of its party. No more is needed of the flows these orders wait for."""

    version = "1"
    name: str
    party: str

    def summary(self, row: Row) -> Summary:
        return Summary(str(row.data[self.name]))

    def map(self, row: Row, context: MapContext) -> Mapped:
        return Mapped({"Name": row.data[self.name], "party": str(row.data[self.party])})

    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        accounts = context.destination.find("account", "Name", [item.document["Name"] for item in items])
        for item in items:
            found = accounts[item.document["Name"]]
            if not found:
                item.status, item.rule = "skipped", "nobody_asked"
                continue
            account_id = found[0]["Id"]
            result = context.destination.update("account", [(account_id, {"Fusion_Id__c": item.document["party"]})])
            assert not isinstance(result[account_id], ConnectorError)
            item.synced(account_id, {}, created=False)


class Customers(Matched):
    key, label, stream, name, party = "customers", "Customers", "customers", "OrganizationName", "PartyId"


class Suppliers(Matched):
    key, label, stream, name, party = "suppliers", "Suppliers", "suppliers", "Supplier", "SupplierPartyId"


class OrdersOnly(Pair):
    integration = "fusion_salesforce"
    source = OracleFusion()
    destination = Salesforce()
    options = {
        "opportunities": {"business_unit": "US Operations", "order_type": "STD", "default_currency": "USD"},
        "purchase_orders": {
            "procurement_bu": "US Operations",
            "buyer_email": "ellen.marsh@pod.example",
            "ship_to_location": "Headquarters",
            "deliver_to_location": "Headquarters",
        },
    }


@pytest.fixture(autouse=True)
def _orders_only(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = replace(INTEGRATION, flows=(Customers(), Suppliers(), Opportunities(), PurchaseOrders()))
    monkeypatch.setattr(catalogue, "_integrations", lambda: {mine.key: mine})
    monkeypatch.setattr("connections.http.pause", lambda seconds: None)


@pytest.fixture
def pair() -> Pair:
    return OrdersOnly()


@pytest.fixture
def stage(stage_of: Build) -> Stage:
    stage = stage_of("small")
    for flow in ("opportunities", "purchase_orders"):
        services.set_flow(stage.sync.flows.get(key=flow), actor=ACTOR, enabled=True)
    return stage


def people(stage: Stage) -> Any:
    """Who works in Salesforce, a moment after what was before: its stamps are whole seconds."""
    stage.sandbox.clock.advance(2)
    return salesforce(stage)


def salesforce(stage: Stage) -> Any:
    return stage.sandbox.systems["salesforce"].people


def account(stage: Stage, *, known: bool = True, supplier: bool = False) -> str:
    """An Account called like a party of Fusion; ``known``: it carries the party's key."""
    ledger = stage.sandbox.systems["oracle_fusion"].dump()
    if supplier:
        row = next(each for each in ledger["suppliers"].values() if each["PreferredFunctionalCurrencyCode"] == "USD")
        name, party = row["Supplier"], row["SupplierPartyId"]
    else:
        row = next(each for each in ledger["organizations"].values() if each["Status"] == "A")
        name, party = row["OrganizationName"], row["PartyId"]
    fields = {"Name": name, **({"Fusion_Id__c": str(party)} if known else {})}
    return str(people(stage).create("Account", fields))


def deal(stage: Stage, account_id: str, *products: Fields, **fields: Any) -> str:
    """An opportunity, won unless ``fields`` say otherwise; without ``products`` it has two pumps."""
    org = salesforce(stage)
    values = {"Name": "Line extension", "StageName": "Closed Won", "CloseDate": "2026-11-20", **fields}
    key = str(org.create("Opportunity", {"AccountId": account_id, **values}))
    entries = [row.id for row in org._org.rows.many("PricebookEntry")]
    for place, product in enumerate(products or ({},)):
        line = {
            "PricebookEntryId": entries[place],
            "Quantity": 2.0,
            "UnitPrice": 49.5,
            "SortOrder": place + 1,
            **product,
        }
        org.create("OpportunityLineItem", {"OpportunityId": key, **line})
    return key


def purchase(stage: Stage, supplier: str, **fields: Any) -> str:
    """A purchase order of ten pumps, ready to be sent."""
    org = people(stage)
    values = {
        "Supplier__c": supplier,
        "Currency_Code__c": "USD",
        "Needed_By__c": "2036-12-15",
        "Ready_For_Fusion__c": True,
    }
    key = str(org.create("Purchase_Order__c", {**values, **fields}))
    line = {"Item__c": "AS100", "Quantity__c": 10.0, "Unit_Price__c": 12.5, "UOM__c": "Ea"}
    org.create("Purchase_Order_Line__c", {"Purchase_Order__c": key, **line})
    return key


def shown(stage: Stage, kind: str, key: str) -> Fields:
    """What Salesforce shows of the order."""
    document: Fields = salesforce(stage).find(kind, key).doc
    return {name: value for name, value in document.items() if name.startswith("Fusion_")}


def ordered(stage: Stage) -> dict[str, list[Fields]]:
    """Sales orders in Fusion by opportunity; two of one are a double."""
    found = stage.sandbox.systems["oracle_fusion"].dump()["orders_by_key"]
    return {key.partition(":")[2]: documents for key, documents in found.items()}


def drafted(stage: Stage) -> dict[str, list[Fields]]:
    found: dict[str, list[Fields]] = stage.sandbox.systems["oracle_fusion"].dump()["purchase_orders_by_reference"]
    return found


def writes(stage: Stage) -> list[str]:
    """Calls since the last reset that could have changed something in either system."""
    return [
        f"{call.method} {call.route}"
        for call in stage.sandbox.recorder.calls
        if call.method != "GET" and "oauth2" not in call.route
    ]


def record(stage: Stage, key: str) -> Record:
    found: Record = stage.records().get(source_key=key)
    return found


def product(stage: Stage, key: str, place: int = 0) -> str:
    """The Id of a line of an opportunity."""
    found = [row for row in salesforce(stage)._org.rows.many("OpportunityLineItem") if row.doc["OpportunityId"] == key]
    return str(sorted(found, key=lambda row: row.doc["SortOrder"])[place].id)


def counts(stage: Stage, flow: str = "opportunities") -> Fields:
    return stage.counts(stage.run())[flow]


def problem(stage: Stage, key: str) -> tuple[str, str]:
    found = record(stage, key)
    return found.status, found.error_code


def replay(stage: Stage) -> None:
    _, run = services.replay(stage.records(), sync=stage.sync, actor=ACTOR)
    assert run is not None
    stage.execute(run)


@contextmanager
def killed(where: Any, name: str) -> Iterator[None]:
    """The worker dies when it gets there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, name, _die)
        yield


def _die(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("killed")


def change(stage: Stage, table: str, row_id: int, **values: Any) -> None:
    """Somebody changes a row in Fusion."""
    tables = {"order_lines": attributes.ORDER_LINES, "po_lines": attributes.PO_LINES}
    stage.sandbox.systems["oracle_fusion"].records.update(tables[table], row_id, **values)


def later(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes pass: no call of before can still be running."""
    monkeypatch.setattr(orders, "MAY_STILL_RUN", timedelta(0))
    stage.records().exclude(next_attempt_at=None).update(next_attempt_at=timezone.now())
