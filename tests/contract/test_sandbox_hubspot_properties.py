"""The imitated HubSpot: property definitions, groups and the room left."""

from __future__ import annotations

from typing import Any

import pytest

from connections.sandbox.hubspot import catalog
from tests.contract.sandbox_hubspot import Account, account, upsert

__all__ = ["account"]

PROPERTIES = {"v3": "/crm/v3/properties", "2026-09": "/crm/properties/2026-09"}
PATH = PROPERTIES["2026-09"]


def definition(name: str, **more: Any) -> dict[str, Any]:
    body = {"groupName": "oracle_fusion", "name": name, "label": "Probe", "type": "string", "fieldType": "text"}
    return body | more


def names(account: Account, kind: str, query: str = "") -> set[str]:
    return {each["name"] for each in account.ok("GET", f"{PATH}/{kind}{query}")["results"]}


@pytest.mark.parametrize("kind", ["companies", "contacts", "invoices", "line_items", "commerce_payments"])
def test_every_type_has_its_own_properties(account: Account, kind: str) -> None:
    built_in = {line.split()[0] for line in catalog.TABLES[kind].splitlines() if line}
    assert built_in <= names(account, kind)
    assert {"hs_object_id", "fusion_id"} <= names(account, kind)


@pytest.mark.parametrize(
    ("kind", "name", "type_name", "read_only", "calculated"),
    [
        ("companies", "industry", "enumeration", False, False),
        ("companies", "hs_lastmodifieddate", "datetime", True, False),
        ("contacts", "lastmodifieddate", "datetime", True, False),
        ("invoices", "hs_invoice_billable", "bool", False, False),
        ("invoices", "hs_invoice_date", "datetime", False, False),
        ("invoices", "hs_balance_due", "number", True, True),
        ("line_items", "amount", "number", True, True),
        ("commerce_payments", "hs_net_amount", "number", True, True),
        ("commerce_payments", "hs_payment_id", "string", True, False),
    ],
)
def test_types_and_what_is_read_only(
    account: Account, kind: str, name: str, type_name: str, read_only: bool, calculated: bool
) -> None:
    found = account.ok("GET", f"{PATH}/{kind}/{name}")
    assert (found["type"], found["calculated"]) == (type_name, calculated)
    assert found["modificationMetadata"]["readOnlyValue"] is read_only
    assert found["hubspotDefined"] is True


def test_options_of_enumerations(account: Account) -> None:
    industry = account.ok("GET", f"{PATH}/companies/industry")["options"]
    assert {"BANKING", "COMPUTER_SOFTWARE", "OIL_ENERGY"} <= {each["value"] for each in industry}
    assert set(industry[0]) == {"label", "value", "displayOrder", "hidden"}
    account.switch(additional_currencies=["CHF"])
    currency = account.ok("GET", f"{PATH}/invoices/hs_currency")["options"]
    assert [each["value"] for each in currency] == ["USD", "CHF"]


def test_a_property_is_created_read_changed_and_archived(account: Account) -> None:
    created = account.ok("POST", f"{PATH}/companies", definition("probe", hasUniqueValue=True), 201)
    assert (created["hasUniqueValue"], created["hubspotDefined"], created["archived"]) == (True, False, False)
    key = account.create("companies", name="A", probe="1")
    path = f"{PATH}/companies/probe"
    assert account.ok("PATCH", path, {"label": "New", "description": "d"})["label"] == "New"
    account.refused("PATCH", path, {"hasUniqueValue": False})
    account.refused("PATCH", path, {"name": "other"})
    assert account.ok("GET", path)["hasUniqueValue"] is True
    account.ok("DELETE", path, status=204)
    account.refused("GET", path, status=404)
    assert names(account, "companies", "?archived=true") == {"probe"}
    account.ok("POST", f"{PATH}/companies", definition("probe"), 201)
    assert account.get("companies", key, "probe")["probe"] is None, "the old values are gone"
    account.create("companies", name="B", probe="1")
    account.create("companies", name="C", probe="1")


def test_an_existing_name_is_409(account: Account) -> None:
    account.refused("POST", f"{PATH}/companies", definition("fusion_id"), 409)
    account.refused("POST", f"{PATH}/companies", definition("industry"), 409)
    account.refused("POST", f"{PATH}/companies/groups", {"name": "oracle_fusion", "label": "x"}, 409)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Probe"},
        {"name": "1probe"},
        {"name": "pro-be"},
        {"name": "p" * 101},
        {"name": ""},
        {"groupName": "nowhere"},
        {"type": "text"},
        {"type": "number"},
        {"type": "datetime", "fieldType": "datetime"},
        {"type": "enumeration", "fieldType": "select"},
        {"type": "enumeration", "fieldType": "select", "options": [{"label": "A", "value": "a"}]},
        {"label": ""},
    ],
)
def test_wrong_definitions_are_refused(account: Account, change: dict[str, Any]) -> None:
    account.refused("POST", f"{PATH}/companies", definition("probe") | change)


def test_name_rules_can_be_laxer(account: Account) -> None:
    account.switch(name_rules=False)
    account.ok("POST", f"{PATH}/companies", definition("Probe-1"), 201)


@pytest.mark.parametrize(("type_name", "field_types"), catalog.FIELD_TYPES.items())
def test_every_documented_pair_of_types_is_taken(account: Account, type_name: str, field_types: tuple[str]) -> None:
    options = [{"label": "A", "value": "a", "displayOrder": 0, "hidden": False}]
    for number, field_type in enumerate(field_types):
        body = definition(f"probe_{number}", type=type_name, fieldType=field_type)
        account.ok(
            "POST", f"{PATH}/companies", body | ({"options": options} if type_name == "enumeration" else {}), 201
        )


def test_at_most_ten_unique_properties(account: Account) -> None:
    for number in range(9):
        account.ok("POST", f"{PATH}/companies", definition(f"probe_{number}", hasUniqueValue=True), 201)
    account.refused("POST", f"{PATH}/companies", definition("probe_10", hasUniqueValue=True))
    account.ok("POST", f"{PATH}/contacts", definition("probe_10", hasUniqueValue=True), 201)


@pytest.mark.parametrize(("version", "good", "mixed"), [("v3", 201, 207), ("2026-09", 200, 200)])
def test_several_at_once(account: Account, version: str, good: int, mixed: int) -> None:
    path = f"{PROPERTIES[version]}/companies/batch"
    account.ok("POST", f"{path}/create", {"inputs": [definition("a"), definition("b")]}, good)
    answer = account.ok("POST", f"{path}/create", {"inputs": [definition("b"), definition("c")]}, mixed)
    assert [each["name"] for each in answer["results"]] == ["c"]
    assert "already exists" in answer["errors"][0]["message"]
    read = account.ok(
        "POST", f"{path}/read", {"inputs": [{"name": "a"}, {"name": "zz"}]}, 207 if version == "v3" else 200
    )
    assert [each["name"] for each in read["results"]] == ["a"]
    account.refused("POST", f"{path}/create", {"inputs": [definition("d"), definition("d")]})
    account.refused("POST", f"{path}/update", {"inputs": [definition("a")]}, 404)


def test_built_in_properties_cannot_be_changed(account: Account) -> None:
    account.refused("PATCH", f"{PATH}/companies/industry", {"label": "x"})
    account.refused("DELETE", f"{PATH}/companies/industry")
    account.refused("GET", f"{PATH}/companies/nope", status=404)


def test_groups(account: Account) -> None:
    account.ok("POST", f"{PATH}/companies/groups", {"name": "mine", "label": "Mine"}, 201)
    assert account.ok("GET", f"{PATH}/companies/groups/mine")["label"] == "Mine"
    found = {each["name"] for each in account.ok("GET", f"{PATH}/companies/groups")["results"]}
    assert {"mine", "oracle_fusion", "companyinformation"} <= found
    account.refused("GET", f"{PATH}/companies/groups/nope", status=404)
    account.refused("POST", f"{PATH}/companies/groups", {"name": "x"})
    assert account.ok("GET", f"{PATH}/invoices/groups")["results"][0]["name"] == "invoiceinformation"


@pytest.mark.parametrize(
    ("how", "created", "unique", "upserted"), [("silent", 201, False, 400), ("upsert", 201, True, 400)]
)
def test_unique_properties_may_fail_late(account: Account, how: str, created: int, unique: bool, upserted: int) -> None:
    account.switch(unique_refused={"invoices": how})
    account.ok("POST", f"{PATH}/invoices", definition("my_key", hasUniqueValue=True), created)
    assert account.ok("GET", f"{PATH}/invoices/my_key")["hasUniqueValue"] is unique
    item = upsert("1", hs_currency="EUR") | {"idProperty": "my_key"}
    error = account.refused("POST", "/crm/objects/2026-09/invoices/batch/upsert", {"inputs": [item]}, upserted)
    assert "Unable to perform update/upsert by non-unique 0-53 property" in error["message"]


def test_unique_properties_may_be_refused_at_creation(account: Account) -> None:
    account.switch(unique_refused={"invoices": "refuse"})
    account.refused("POST", f"{PATH}/invoices", definition("my_key", hasUniqueValue=True))
    account.ok("POST", f"{PATH}/companies", definition("my_key", hasUniqueValue=True), 201)


def test_the_room_left(account: Account) -> None:
    limits = account.ok("GET", "/crm/limits/2026-09/custom-properties")
    companies = next(each for each in limits["byObjectType"] if each["objectTypeId"] == "0-2")
    assert (companies["usage"], companies["limit"]) == (4, 1000)
    assert limits["overallUsage"] == sum(each["usage"] for each in limits["byObjectType"])
