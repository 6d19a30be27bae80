"""Fields that a tenant adds to a mapping, over real HTTP: offered as the systems have them, read, and delivered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests
from django.core.cache import cache

from connections.sandbox.hubspot import DEMO_CREDENTIALS as DEMO
from syncs import services
from syncs.integrations.fusion_salesforce import INTEGRATION
from syncs.integrations.fusion_salesforce.customers import Customers
from syncs.integrations.fusion_salesforce.opportunities import Opportunities
from syncs.mapping import mappings
from syncs.mapping import pages as mapping_pages
from syncs.models import Flow
from tests.acceptance import accounts_scene
from tests.acceptance.accounts_scene import ACTOR, Scene, build
from tests.acceptance.orders_scene import deal
from tests.acceptance.pairs import FUSION_HUBSPOT
from tests.acceptance.pairs.base import Pair
from tests.acceptance.stage import Stage

__all__ = ["build"]


@pytest.fixture(autouse=True)
def _unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    flows = (Customers(), Opportunities())
    monkeypatch.setattr(accounts_scene, "ALONE", replace(INTEGRATION, flows=flows))


@pytest.fixture
def pair() -> Pair:
    return FUSION_HUBSPOT


def map_fields(stage: Stage, key: str, *rows: dict[str, Any]) -> Flow:
    flow: Flow = stage.sync.flows.select_related("sync__source", "sync__destination").get(key=key)
    mappings.save(flow, mappings.clean(flow, {"fields": list(rows)}), actor=ACTOR)
    return flow


def new_property(stage: Stage, **definition: Any) -> None:
    answer = requests.post(
        f"{stage.sandbox.url('hubspot')}/crm/properties/2026-09/companies",
        json={"groupName": "companyinformation", **definition},
        headers={"Authorization": f"Bearer {DEMO['access_token']}"},
        timeout=10,
    )
    assert answer.status_code == 201, answer.text


def test_properties_that_were_made_in_hubspot_after_the_test_are_filled_from_fusion(
    stage_of: Callable[..., Stage],
) -> None:
    stage = stage_of("small")
    for key in ("invoices", "payments"):
        services.set_flow(stage.sync.flows.get(key=key), actor=ACTOR, enabled=False)
    new_property(stage, name="organisation_type", label="Organisation type", type="string", fieldType="text")
    new_property(stage, name="heads", label="Heads", type="number", fieldType="number")
    flow = map_fields(
        stage,
        "customers",
        {"to": "organisation_type", "from": "join(', ', [PartyNumber, OrganizationName])"},
        {"to": "heads", "from": "length(_persons)"},
        {"to": "city", "in": "contact", "from": "City"},
    )
    with pytest.raises(mappings.RowErrors, match="The product fills this field itself"):
        mappings.clean(flow, {"fields": [{"to": "jobtitle", "in": "contact", "value": "x"}]})
    page = mapping_pages.page_of(flow, ask=True)
    stage.run()
    dump = stage.sandbox.systems["hubspot"].dump()
    companies, contacts = dump["companies"], dump["contacts"]
    for record in stage.records("customers", status="synced"):
        properties = companies[f"fusion_id={record.source_key}"]["properties"]
        assert properties["organisation_type"].endswith(f", {record.title}")
        assert properties["heads"] == "1"
        assert contacts[f"fusion_id={record.source_key}"]["properties"]["city"] == properties["city"]
    assert page.problems == []
    assert page.sample.title
    assert {"Heads", "Organisation type"} <= {field.label for field in page.own[0].choices}


def test_fields_of_salesforce_that_no_flow_reads_or_writes_by_itself_are_read_and_written(
    build: Callable[..., Scene],
) -> None:
    scene = build("small")
    stage = scene.stage
    options = {"business_unit": "US Operations", "order_type": "STD", "default_currency": "USD"}
    services.set_flow(stage.sync.flows.get(key="opportunities"), actor=ACTOR, enabled=True, options=options)
    map_fields(stage, "opportunities", {"to": "CustomerPONumber", "from": "Description"})
    map_fields(
        stage,
        "customers",
        {"to": "Description", "from": "join(' ', ['Party', PartyNumber])"},
        {"to": "NumberOfEmployees", "from": "to_number('12')"},
    )
    party = scene.customer("Kestrel Logistics")
    scene.run()
    account = scene.of(party)
    assert account["Description"].startswith("Party ")
    assert account["NumberOfEmployees"] == 12
    scene.settled()
    key = deal(stage, account["Id"], Description="PO-4711")
    assert scene.run()["opportunities"] == {"created": 1}
    orders = stage.sandbox.systems["oracle_fusion"].dump()["orders_by_key"]
    assert [order["CustomerPONumber"] for order in orders[f"SFDC:{key}"]] == ["PO-4711"]
    map_fields(stage, "customers")
    scene.customer_changes(party, name="Kestrel Freight")
    scene.run()
    renamed = scene.of(party)
    assert (renamed["Name"], renamed["Description"]) == ("Kestrel Freight", account["Description"])
