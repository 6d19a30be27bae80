"""Rehearsal clients: no write leaves the house, whatever a client does, and answers are those the vendor would give."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import requests

from connections.connectors import registry
from connections.connectors.hubspot.client import HubSpotClient
from connections.connectors.oracle_fusion.client import FusionClient
from connections.connectors.salesforce.client import SalesforceClient
from connections.errors import ConnectorError, UnexpectedError
from connections.exchange import Limits, Wire
from connections.rehearsal import Memory, key_of, made_up
from tests.stub import StubAccess, StubAdapter

SETTINGS = {
    "hubspot": ({"tier": "unlimited"}, {"access_token": "pat-na1-of-a-test"}),
    "salesforce": ({"my_domain_url": "https://acme.my.salesforce.com", "client_id": "c"}, {"client_secret": "s"}),
    "oracle_fusion": (
        {"pod_url": "https://abcd.fa.em2.oraclecloud.com", "auth": "basic", "username": "u"},
        {"password": "p"},
    ),
}
WRITES: dict[str, dict[str, Callable[[Any], Any]]] = {
    "hubspot": {
        "upsert": lambda client: HubSpotClient.upsert(client, "companies", [("1", {"name": "A"})]),
        "update": lambda client: HubSpotClient.update(client, "companies", [("1", {"name": "A"})]),
        "archive": lambda client: HubSpotClient.archive(client, "companies", ["1"]),
        "associate": lambda client: HubSpotClient.associate(client, "contacts", "companies", [("1", "2")], 279),
        "dissociate": lambda client: HubSpotClient.dissociate(client, "contacts", "companies", [("1", "2")]),
    },
    "salesforce": {
        "upsert": lambda client: SalesforceClient.upsert(client, "account", [("1", {"Name": "A"})]),
        "bulk": lambda client: SalesforceClient.upsert(client, "account", [("1", {"Name": "A"})], way="bulk"),
        "composite": lambda client: SalesforceClient.upsert(client, "account", [("1", {})], way="composite"),
        "update": lambda client: SalesforceClient.update(client, "account", [("001000000000001AAA", {"Name": "A"})]),
        "delete": lambda client: SalesforceClient.delete(client, "account", ["001000000000001AAA"]),
    },
    "oracle_fusion": {
        "orders": lambda client: FusionClient.create_orders(client, [("1", {"SourceTransactionId": "1"})]),
        "drafts": lambda client: FusionClient.create_purchase_orders(client, [("1", {})]),
    },
}


def nothing(ids: Sequence[str]) -> dict[str, str]:
    return {}


def rehearsal(system: str, *replies: Any, bound: Any = nothing) -> tuple[Any, StubAdapter]:
    config, secrets = SETTINGS[system]
    client = registry.get(system).rehearsal(StubAccess(config, secrets), bound)
    adapter = StubAdapter(*replies)
    client.door.wire = Wire(Limits((1, 1), 1 << 20, 5), 1, adapter)
    return client, adapter


@pytest.mark.parametrize(
    ("system", "write"), [(system, write) for system, writes in WRITES.items() for write in writes]
)
def test_a_client_that_forgot_itself_still_sends_nothing(system: str, write: str) -> None:
    """The verbs of the real client, called on the rehearsal."""
    client, adapter = rehearsal(system)
    with pytest.raises(UnexpectedError) as refused:
        WRITES[system][write](client)
    assert refused.value.code == "preview_would_write"
    assert adapter.requests == []


def test_a_create_of_hubspot_is_refused_too_and_told_by_record() -> None:
    client, adapter = rehearsal("hubspot")
    told = HubSpotClient.create(client, "invoices", [("1", {"fusion_id": "1"})])
    assert isinstance(told["1"], ConnectorError)
    assert told["1"].code == "preview_would_write"
    assert adapter.requests == []


def companies(*there: tuple[str, str]) -> Callable[[requests.PreparedRequest], tuple[int, Any]]:
    """HubSpot's answer to a batch that reads by our key, or by ID, where it has these (ID, key)."""

    def reply(request: requests.PreparedRequest) -> tuple[int, Any]:
        assert str(request.url).endswith("/batch/read")
        asked = {each["id"] for each in json.loads(request.body or b"{}")["inputs"]}
        found = [{"id": id_, "properties": {"fusion_id": key}} for id_, key in there if asked & {id_, key}]
        return 200, {"status": "COMPLETE", "results": found}

    return reply


def test_hubspot_is_asked_what_is_there_and_the_rest_would_be_created() -> None:
    client, _ = rehearsal("hubspot", companies(("501", "a")), companies(("501", "a")))
    told = client.upsert("companies", [("a", {"name": "A"}), ("b", {"name": "B"})])
    assert [(done.id, done.created) for done in told.values()] == [("501", False), ("new:companies:b", True)]
    again = client.upsert("companies", [("b", {"name": "B"})])
    assert (again["b"].id, again["b"].created) == ("new:companies:b", False)


def test_a_worker_that_takes_over_knows_what_would_be_there() -> None:
    client, _ = rehearsal("hubspot", companies(), bound=lambda ids: {"new:companies:b": "b"})
    told = client.upsert("companies", [("b", {"name": "B"}), ("c", {"name": "C"})])
    assert [done.created for done in told.values()] == [False, True]


def test_an_adopted_company_is_found_by_the_key_it_would_bear() -> None:
    client, _ = rehearsal("hubspot", companies(("501", "")), companies())
    assert client.update("companies", [("501", {"fusion_id": "a"})])["501"].id == "501"
    assert client.upsert("companies", [("a", {"name": "A"})])["a"].id == "501"


def test_what_is_gone_in_hubspot_is_said_to_be_gone() -> None:
    client, _ = rehearsal("hubspot", companies(("501", "a")))
    told = client.update("companies", [("501", {}), ("502", {}), ("new:companies:x", {})])
    assert told["501"].id == "501"
    assert told["502"].code == "hubspot_gone"
    assert told["new:companies:x"].id == "new:companies:x"


def test_a_contact_keeps_its_address_to_itself() -> None:
    client, _ = rehearsal("hubspot", companies(), companies())
    assert client.upsert("contacts", [("a", {"email": "a@b.example"})])["a"].created
    held = client.read("contacts", ["a@b.example"], key_property="email", properties=["email", "fusion_id"])
    assert held["a@b.example"]["properties"]["fusion_id"] == "a"


def test_hubspot_would_refuse_what_is_no_address() -> None:
    client, _ = rehearsal("hubspot", companies())
    assert client.upsert("contacts", [("a", {"email": "nobody at nowhere"})])["a"].code == "hubspot_invalid"


def test_made_up_ids_tell_what_they_stand_for() -> None:
    assert key_of(made_up("invoice_line", "300:1")) == "300:1"


def test_a_memory_asks_only_about_what_it_does_not_know() -> None:
    asked: list[list[str]] = []

    def bound(ids: Sequence[str]) -> dict[str, str]:
        asked.append(list(ids))
        return {}

    memory = Memory(bound)
    memory.create("invoices", "1")
    assert memory.there("invoices", ["1", "2"]) == {"1": "new:invoices:1"}
    assert memory.there("companies", ["1"]) == {}
    assert asked == [["new:invoices:2"], ["new:companies:1"]]


def test_an_order_is_answered_as_a_draft_and_found_again_without_asking_fusion_for_it() -> None:
    client, adapter = rehearsal("oracle_fusion")
    made = client.create_orders([("006", {"SourceTransactionId": "006", "SubmittedFlag": False})])
    assert made["006"]["HeaderId"] == "new:sales_orders:006"
    assert client.related("sales_orders", "HeaderId", ["new:sales_orders:006"]) == []
    assert adapter.requests == []
