"""The imitated HubSpot: search, its operators, its limits and its delay."""

from __future__ import annotations

from typing import Any

import pytest

from connections.sandbox.hubspot.values import iso
from tests.contract.sandbox_hubspot import NOON, Account, account, codes, upsert

__all__ = ["account"]

SEARCH = "/crm/objects/2026-09/companies/search"


def where(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    """A search with one filter."""
    item: dict[str, Any] = {"propertyName": name, "operator": operator} | more
    if value is not None:
        item["value"] = value
    return {"filterGroups": [{"filters": [item]}]}


@pytest.fixture
def stocked(account: Account) -> Account:
    rows = [
        {"name": "Acme GmbH", "city": "Ulm", "numberofemployees": "5", "industry": "BANKING"},
        {"name": "Acme Corporation", "city": "Bonn", "numberofemployees": "50", "industry": "RETAIL"},
        {"name": "Zeta Ltd", "numberofemployees": "500"},
    ]
    inputs = [upsert(str(number), f"t{number}", **row) for number, row in enumerate(rows, 1)]
    account.switch(shuffle=False)
    account.ok("POST", "/crm/objects/2026-09/companies/batch/upsert", {"inputs": inputs})
    return account


def keys(account: Account, body: dict[str, Any]) -> str:
    found = account.ok("POST", SEARCH, body | {"properties": ["fusion_id"]})
    return "".join(each["properties"]["fusion_id"] for each in found["results"])


FILTERS = [
    (where("name", "EQ", "acme gmbh"), "1"),
    (where("name", "EQ", "Acme"), ""),
    (where("name", "NEQ", "Acme GmbH"), "23"),
    (where("industry", "EQ", "BANKING"), "1"),
    (where("industry", "EQ", "banking"), ""),
    (where("industry", "IN", values=["BANKING", "RETAIL"]), "12"),
    (where("industry", "IN", values=["banking"]), ""),
    (where("name", "IN", values=["acme gmbh", "zeta ltd"]), "13"),
    (where("name", "IN", values=["Acme GmbH"]), ""),
    (where("name", "NOT_IN", values=["acme gmbh"]), "23"),
    (where("fusion_id", "IN", values=["1", "3"]), "13"),
    (where("fusion_id", "EQ", "2"), "2"),
    (where("numberofemployees", "GT", "5"), "23"),
    (where("numberofemployees", "GTE", 5), "123"),
    (where("numberofemployees", "LT", "50"), "1"),
    (where("numberofemployees", "LTE", "50"), "12"),
    (where("numberofemployees", "BETWEEN", "6", highValue="500"), "23"),
    (where("city", "HAS_PROPERTY"), "12"),
    (where("city", "NOT_HAS_PROPERTY"), "3"),
    (where("name", "CONTAINS_TOKEN", "acme"), "12"),
    (where("name", "CONTAINS_TOKEN", "corp*"), "2"),
    (where("name", "CONTAINS_TOKEN", "corp"), ""),
    (where("name", "NOT_CONTAINS_TOKEN", "acme"), "3"),
    (where("hs_lastmodifieddate", "GTE", iso(NOON)), "123"),
    (where("hs_lastmodifieddate", "GT", str(int(NOON * 1000))), ""),
    ({}, "123"),
]


@pytest.mark.parametrize(("body", "expected"), FILTERS)
def test_operators(stocked: Account, body: dict[str, Any], expected: str) -> None:
    assert keys(stocked, body) == expected


def test_groups_are_alternatives_and_filters_go_together(stocked: Account) -> None:
    body = {
        "filterGroups": [
            {
                "filters": [
                    {"propertyName": "name", "operator": "CONTAINS_TOKEN", "value": "acme"},
                    {"propertyName": "city", "operator": "EQ", "value": "Bonn"},
                ]
            },
            {"filters": [{"propertyName": "name", "operator": "EQ", "value": "Zeta Ltd"}]},
        ]
    }
    assert keys(stocked, body) == "23"


def test_a_sort_and_pages(stocked: Account) -> None:
    body = {"sorts": [{"propertyName": "numberofemployees", "direction": "DESCENDING"}], "limit": 2}
    first = stocked.ok("POST", SEARCH, body)
    assert first["total"] == 3
    assert first["paging"]["next"]["after"] == "2"
    second = stocked.ok("POST", SEARCH, body | {"after": "2"})
    assert [each["properties"]["name"] for each in first["results"] + second["results"]] == [
        "Zeta Ltd",
        "Acme Corporation",
        "Acme GmbH",
    ]
    assert "paging" not in second
    stocked.refused("POST", SEARCH, {"sorts": ["name", "city"]})
    stocked.refused("POST", SEARCH, {"sorts": [{"propertyName": "name", "direction": "UP"}]})


def test_associations_as_a_filter(stocked: Account) -> None:
    contact = stocked.create("contacts", lastname="Ann")
    company = stocked.ok("GET", "/crm/objects/2026-09/companies/2?idProperty=fusion_id")["id"]
    stocked.associate("contacts", contact, "companies", company)
    assert keys(stocked, where("associations.contacts", "EQ", contact)) == "2"
    assert keys(stocked, where("associations.contacts", "NOT_HAS_PROPERTY")) == "13"
    stocked.refused("POST", SEARCH, where("associations.contacts", "GT", contact))


def filters(*sizes: int) -> dict[str, Any]:
    each = {"propertyName": "city", "operator": "HAS_PROPERTY"}
    return {"filterGroups": [{"filters": [each] * size} for size in sizes]}


@pytest.mark.parametrize(
    "body",
    [
        filters(1, 1, 1, 1, 1, 1),
        filters(7),
        filters(5, 5, 5, 4),
        {"limit": 201},
        {"limit": 200, "after": "9801"},
        {"after": "x"},
        {"properties": ["x" * 3_000]},
        where("city", "LIKE", "x"),
        where("city", "EQ"),
        where("city", "IN", "x"),
        where("numberofemployees", "GT", "many"),
        where("createdate", "GT", "soon"),
        where("associations.widgets", "EQ", "1"),
    ],
)
def test_limits_and_mistakes_are_400(account: Account, body: dict[str, Any]) -> None:
    account.refused("POST", SEARCH, body)


def test_the_largest_searches_allowed(account: Account) -> None:
    for body in (filters(6, 6, 6), filters(1, 1, 1, 1, 1), {"limit": 200, "after": "9800"}):
        account.ok("POST", SEARCH, body)
    account.switch(search_max_groups=6)
    account.ok("POST", SEARCH, filters(1, 1, 1, 1, 1, 1))


def test_an_unknown_property_is_named(account: Account) -> None:
    assert codes(account.refused("POST", SEARCH, where("nope", "EQ", "1"))) == ["PROPERTY_DOESNT_EXIST"]
    assert codes(account.refused("POST", SEARCH, {"sorts": ["nope"]})) == ["PROPERTY_DOESNT_EXIST"]


def test_archived_records_never_appear(stocked: Account) -> None:
    stocked.hubspot.people.delete("companies", "fusion_id=1")
    assert keys(stocked, {}) == "23"


def test_new_and_changed_records_appear_late(stocked: Account) -> None:
    stocked.clock.advance(60)
    stocked.switch(search_lag=10.0)
    new = stocked.create("companies", name="Newcomer", fusion_id="4")
    old = stocked.ok("GET", "/crm/objects/2026-09/companies/1?idProperty=fusion_id")["id"]
    stocked.patch("companies", old, name="Renamed")
    assert stocked.get("companies", old, "name")["name"] == "Renamed", "reading shows it at once"
    assert keys(stocked, {}) == "123"
    assert keys(stocked, where("name", "EQ", "Acme GmbH")) == "1"
    assert keys(stocked, where("name", "EQ", "Renamed")) == ""
    assert keys(stocked, where("fusion_id", "EQ", "4")) == ""
    assert keys(stocked, where("hs_lastmodifieddate", "GT", iso(NOON))) == ""
    stocked.clock.advance(9)
    stocked.patch("companies", new, city="Ulm")
    assert keys(stocked, {}) == "123"
    stocked.clock.advance(1)
    assert keys(stocked, where("name", "EQ", "Renamed")) == "1"
    found = stocked.ok("POST", SEARCH, where("fusion_id", "EQ", "4") | {"properties": ["city"]})["results"]
    assert [each["properties"]["city"] for each in found] == [None], "its first form, the change comes later"
    stocked.clock.advance(9)
    assert keys(stocked, where("city", "EQ", "Ulm")) == "14"
