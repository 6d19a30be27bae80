"""The imitated HubSpot: single records, value forms, lists and the bin."""

from __future__ import annotations

import json

import pytest

from tests.contract.sandbox_hubspot import NOON, Account, account, codes

__all__ = ["account"]

OBJECTS = "/crm/objects/2026-09"


def field(account: Account, kind: str, name: str, type_name: str, field_type: str, **more: object) -> None:
    body = {"groupName": "oracle_fusion", "name": name, "label": name, "type": type_name, "fieldType": field_type}
    account.ok("POST", f"/crm/properties/2026-09/{kind}", body | more, 201)


def test_a_record_is_created_read_changed_and_archived(account: Account) -> None:
    created = account.ok("POST", f"{OBJECTS}/companies", {"properties": {"name": "Acme", "city": "Ulm"}}, 201)
    assert created["archived"] is False
    assert created["properties"]["city"] == "Ulm"
    assert created["properties"]["hs_object_id"] == created["id"]
    assert created["createdAt"] == created["updatedAt"] == created["properties"]["createdate"]
    path = f"{OBJECTS}/companies/{created['id']}"
    account.clock.advance(60)
    changed = account.ok("PATCH", path, {"properties": {"city": "Bonn"}})
    assert changed["updatedAt"] > changed["createdAt"]
    account.ok("DELETE", path, status=204)
    assert account.refused("GET", path, status=404)["category"] == "OBJECT_NOT_FOUND"
    assert account.ok("GET", f"{path}?archived=true")["archivedAt"]
    account.refused("PATCH", path, {"properties": {"city": "x"}}, 404)


def test_only_default_and_requested_properties_come_back(account: Account) -> None:
    key = account.create("companies", name="Acme", city="Ulm", fusion_id="7")
    plain = account.ok("GET", f"{OBJECTS}/companies/{key}")["properties"]
    assert set(plain) == {"name", "domain", "createdate", "hs_lastmodifieddate", "hs_object_id"}
    assert account.get("companies", key, "fusion_id", "city", "phone") == plain | {
        "fusion_id": "7",
        "city": "Ulm",
        "phone": None,
    }


def test_a_record_is_found_by_a_unique_property(account: Account) -> None:
    key = account.create("contacts", email="Ann@Example.COM", fusion_id="9")
    for name, value in (("fusion_id", "9"), ("email", "ANN@example.com"), ("hs_object_id", key)):
        found = account.ok("GET", f"{OBJECTS}/contacts/{value}?idProperty={name}")
        assert (found["id"], found["properties"]["email"]) == (key, "ann@example.com")
    account.ok("PATCH", f"{OBJECTS}/contacts/9?idProperty=fusion_id", {"properties": {"firstname": "Ann"}})
    error = account.refused("GET", f"{OBJECTS}/contacts/Ann?idProperty=firstname")
    assert "non-unique 0-1 property" in error["message"]


def test_ids_are_unique_within_one_type_only(account: Account) -> None:
    assert account.create("companies", name="A") == account.create("contacts", lastname="B")


def test_deleting_what_is_gone(account: Account) -> None:
    account.refused("DELETE", f"{OBJECTS}/companies/1", status=404)
    account.switch(delete_missing_is_404=False)
    account.ok("DELETE", f"{OBJECTS}/companies/1", status=204)


def test_a_company_needs_a_name_or_a_domain(account: Account) -> None:
    error = account.refused("POST", f"{OBJECTS}/companies", {"properties": {"city": "Ulm"}})
    assert error["context"]["properties"] == ["name", "domain"]
    account.create("companies", domain="acme.example")
    account.create("companies", domain="acme.example")


def test_a_contact_needs_nothing(account: Account) -> None:
    account.create("contacts")


def test_associations_cannot_be_changed_by_a_patch(account: Account) -> None:
    key = account.create("companies", name="Acme")
    body = {"properties": {}, "associations": [{"to": {"id": "1"}, "types": []}]}
    account.refused("PATCH", f"{OBJECTS}/companies/{key}", body)


# -- lists ---------------------------------------------------------------------------------------------------------


def test_a_list_is_walked_by_an_opaque_cursor(account: Account) -> None:
    keys = [account.create("companies", name=f"Company {number}") for number in range(13)]
    first = account.ok("GET", f"{OBJECTS}/companies")
    assert len(first["results"]) == 10, "ten is the default"
    after = first["paging"]["next"]["after"]
    assert not after.isdigit()
    assert f"after={after}" in first["paging"]["next"]["link"]
    second = account.ok("GET", f"{OBJECTS}/companies?limit=10&after={after}&properties=city&properties=zip,phone")
    assert "paging" not in second
    assert [each["id"] for each in first["results"] + second["results"]] == keys
    assert {"city", "zip", "phone"} <= set(second["results"][0]["properties"])
    account.refused("GET", f"{OBJECTS}/companies?after=%20nonsense")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many"])
def test_a_list_takes_at_most_100(account: Account, limit: str) -> None:
    account.refused("GET", f"{OBJECTS}/companies?limit={limit}")
    account.ok("GET", f"{OBJECTS}/companies?limit=100")


def test_archived_records_are_listed_apart_for_90_days(account: Account) -> None:
    kept, gone = account.create("companies", name="Kept"), account.create("companies", name="Gone")
    account.ok("DELETE", f"{OBJECTS}/companies/{gone}", status=204)
    assert [each["id"] for each in account.ok("GET", f"{OBJECTS}/companies")["results"]] == [kept]
    archived = account.ok("GET", f"{OBJECTS}/companies?archived=true")["results"]
    assert [(each["id"], each["archived"]) for each in archived] == [(gone, True)]
    account.clock.advance(91 * 86_400)
    assert account.ok("GET", f"{OBJECTS}/companies?archived=true")["results"] == []


def test_a_list_shows_associations_where_asked_for(account: Account) -> None:
    contact, company = account.create("contacts", lastname="Ann"), account.create("companies", name="Acme")
    account.associate("contacts", contact, "companies", company)
    record = account.ok("GET", f"{OBJECTS}/contacts?associations=companies,0-53")["results"][0]
    assert record["associations"] == {"companies": {"results": [{"id": company, "type": "contact_to_company"}]}}
    assert "associations" not in account.ok("GET", f"{OBJECTS}/contacts/{contact}")


# -- values --------------------------------------------------------------------------------------------------------


def test_an_unknown_property_is_refused_in_the_published_form(account: Account) -> None:
    error = account.refused("POST", f"{OBJECTS}/companies", {"properties": {"name": "A", "nope": "x", "hm": "y"}})
    assert error["category"] == "VALIDATION_ERROR"
    start = "Property values were not valid: "
    assert error["message"].startswith(f"{start}[")
    inner = json.loads(error["message"].removeprefix(start))
    assert [(each["isValid"], each["error"], each["name"]) for each in inner] == [
        (False, "PROPERTY_DOESNT_EXIST", "nope"),
        (False, "PROPERTY_DOESNT_EXIST", "hm"),
    ]
    assert codes(error) == ["PROPERTY_DOESNT_EXIST"] * 2
    assert error["errors"][0]["context"]["propertyName"] == ["nope"]
    assert account.ok("GET", f"{OBJECTS}/companies")["results"] == []


VALUES = [
    ("number", "number", " 12.50 ", "12.50"),
    ("number", "number", "-3", "-3"),
    ("number", "number", 7, "7"),
    ("number", "number", 0.1, "0.1"),
    ("number", "number", "1,000", "INVALID_NUMBER"),
    ("number", "number", "1e3", "INVALID_NUMBER"),
    ("number", "number", "NaN", "INVALID_NUMBER"),
    ("bool", "booleancheckbox", "true", "true"),
    ("bool", "booleancheckbox", "True", "INVALID_BOOLEAN"),
    ("bool", "booleancheckbox", True, "INVALID_TYPE"),
    ("date", "date", "2026-11-22", "2026-11-22"),
    ("date", "date", "1795046400000", "2026-11-19"),
    ("date", "date", "1795046400001", "INVALID_DATE"),
    ("date", "date", "2026-11-31", "INVALID_DATE"),
    ("date", "date", "2026-11-22T00:00:00Z", "INVALID_DATE"),
    ("datetime", "date", "2026-11-22T10:11:12Z", "2026-11-22T10:11:12Z"),
    ("datetime", "date", "2026-11-22T10:11:12.345Z", "2026-11-22T10:11:12.345Z"),
    ("datetime", "date", "1795046400500", "2026-11-19T00:00:00.500Z"),
    ("datetime", "date", "2026-11-22T10:11:12+02:00", "INVALID_DATE"),
    ("datetime", "date", "2026-11-22", "INVALID_DATE"),
    ("datetime", "date", "2026-13-22T10:11:12Z", "INVALID_DATE"),
    ("string", "text", "  kept  ", "  kept  "),
    ("string", "text", "x" * 65_536, "x" * 65_536),
    ("string", "text", "x" * 65_537, "VALUE_TOO_LONG"),
    ("string", "text", None, "INVALID_TYPE"),
    ("string", "text", ["x"], "INVALID_TYPE"),
    ("string", "text", "", None),
]


@pytest.mark.parametrize(("type_name", "field_type", "given", "expected"), VALUES)
def test_values_are_checked_by_type(
    account: Account, type_name: str, field_type: str, given: object, expected: str | None
) -> None:
    field(account, "companies", "probe", type_name, field_type)
    answer = account.send("POST", f"{OBJECTS}/companies", {"properties": {"name": "A", "probe": given}})
    if answer.status_code == 201:
        assert account.get("companies", answer.json()["id"], "probe")["probe"] == expected
    else:
        assert codes(answer.json()) == [expected]


def test_lenient_values_take_bare_booleans_and_null(account: Account) -> None:
    field(account, "companies", "probe", "bool", "booleancheckbox")
    account.switch(lenient_values=True)
    created = account.ok("POST", f"{OBJECTS}/companies", {"properties": {"name": "A", "probe": True}}, 201)
    assert created["properties"]["probe"] == "true"
    account.ok("PATCH", f"{OBJECTS}/companies/{created['id']}", {"properties": {"probe": None}})


def test_a_date_off_midnight_is_cut_where_the_account_does_so(account: Account) -> None:
    field(account, "companies", "probe", "date", "date")
    account.switch(midnight_strict=False)
    key = account.create("companies", name="A", probe="1795046400001")
    assert account.get("companies", key, "probe")["probe"] == "2026-11-19"


def test_enumerations_take_their_options_only(account: Account) -> None:
    account.create("companies", name="A", industry="BANKING")
    for wrong in ("Banking", "banking", "BANKING;RETAIL"):
        error = account.refused("POST", f"{OBJECTS}/companies", {"properties": {"name": "A", "industry": wrong}})
        assert codes(error) == ["INVALID_OPTION"]


def test_several_values_are_replaced_or_appended(account: Account) -> None:
    options = [{"label": v, "value": v, "displayOrder": n, "hidden": False} for n, v in enumerate("abc")]
    field(account, "companies", "tags", "enumeration", "checkbox", options=options)
    key = account.create("companies", name="A", tags="a;b")
    account.patch("companies", key, tags=";c")
    assert account.get("companies", key, "tags")["tags"] == "a;b;c"
    account.patch("companies", key, tags="b")
    assert account.get("companies", key, "tags")["tags"] == "b"
    assert codes(account.refuse_patch("companies", key, tags="a;x")) == ["INVALID_OPTION"]


def test_empty_text_clears(account: Account) -> None:
    key = account.create("companies", name="A", city="Ulm")
    account.patch("companies", key, city="")
    assert account.get("companies", key, "city")["city"] is None


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("companies", "hs_object_id"),
        ("companies", "createdate"),
        ("contacts", "lastmodifieddate"),
        ("commerce_payments", "hs_payment_id"),
        ("commerce_payments", "hs_net_amount"),
        ("invoices", "hs_balance_due"),
        ("line_items", "amount"),
    ],
)
def test_read_only_properties_are_refused(account: Account, kind: str, name: str) -> None:
    error = account.refused("POST", f"{OBJECTS}/{kind}", {"properties": {name: "1"}})
    assert codes(error) == ["READ_ONLY_VALUE"]


def test_an_email_is_checked_and_unique(account: Account) -> None:
    error = account.refused("POST", f"{OBJECTS}/contacts", {"properties": {"email": "nonsense"}})
    assert codes(error) == ["INVALID_EMAIL"]
    key = account.create("contacts", email="ann@example.com")
    error = account.refused("POST", f"{OBJECTS}/contacts", {"properties": {"email": "ANN@example.com"}}, 409)
    assert error["category"] == "CONFLICT"
    assert error["message"] == f"Contact already exists. Existing ID: {key}"


def test_an_email_in_use_on_update_has_two_known_answers(account: Account) -> None:
    account.create("contacts", email="ann@example.com")
    other = account.create("contacts", email="bob@example.com")
    assert codes(account.refuse_patch("contacts", other, email="ann@example.com")) == ["CONFLICTING_UNIQUE_VALUE"]
    account.switch(email_conflict_on_update=409)
    account.refused("PATCH", f"{OBJECTS}/contacts/{other}", {"properties": {"email": "ann@example.com"}}, 409)


def test_a_unique_value_is_held_by_one_record(account: Account) -> None:
    account.create("companies", name="A", fusion_id="x1")
    other = account.create("companies", name="B", fusion_id="X1")
    error = account.refused("POST", f"{OBJECTS}/companies", {"properties": {"name": "C", "fusion_id": "x1"}})
    assert codes(error) == ["CONFLICTING_UNIQUE_VALUE"]
    account.switch(unique_case_sensitive=False)
    error = account.refused("POST", f"{OBJECTS}/companies", {"properties": {"name": "C", "fusion_id": "x1"}})
    assert codes(error) == ["CONFLICTING_UNIQUE_VALUE"]
    account.patch("companies", other, fusion_id="free")
    account.patch("companies", other, fusion_id="free")


@pytest.mark.parametrize(("holds", "status"), [(False, 201), (True, 400)])
def test_an_archived_record_may_hold_its_unique_value(account: Account, holds: bool, status: int) -> None:
    account.switch(archived_holds_unique=holds)
    key = account.create("companies", name="A", fusion_id="1")
    account.ok("DELETE", f"{OBJECTS}/companies/{key}", status=204)
    account.refused("GET", f"{OBJECTS}/companies/1?idProperty=fusion_id", status=404)
    answer = account.send("POST", f"{OBJECTS}/companies", {"properties": {"name": "B", "fusion_id": "1"}})
    assert answer.status_code == status


# -- rules of the account ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "enforced"), [("objects/2026-09", True), ("objects/2026-03", False), ("v3/objects", False)]
)
def test_required_properties_bite_from_2026_09(account: Account, prefix: str, enforced: bool) -> None:
    account.switch(required_properties={"companies": ["phone"]})
    answer = account.send("POST", f"/crm/{prefix}/companies", {"properties": {"name": "A"}})
    assert answer.status_code == (400 if enforced else 201)
    if enforced:
        assert answer.json()["errors"][0]["context"]["propertyName"] == ["phone"]


def test_conditionally_required_properties_bite_on_updates_too(account: Account) -> None:
    rule = {"when": {"industry": "BANKING"}, "require": ["phone"]}
    account.switch(conditional_required={"companies": [rule]})
    key = account.create("companies", name="A")
    assert account.refuse_patch("companies", key, industry="BANKING")["context"]["properties"] == ["phone"]
    account.patch("companies", key, industry="BANKING", phone="1")


# -- merges --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("new_id", [True, False])
def test_a_merge_may_give_a_new_id(account: Account, new_id: bool) -> None:
    account.switch(merge_gives_new_id=new_id)
    keep = account.create("companies", name="Keep", fusion_id="1")
    lose = account.create("companies", name="Lose", city="Ulm", fusion_id="2")
    contact = account.create("contacts", lastname="Ann")
    account.associate("contacts", contact, "companies", lose)
    body = {"primaryObjectId": keep, "objectIdToMerge": lose}
    merged = account.ok("POST", f"{OBJECTS}/companies/merge", body)
    assert (merged["id"] != keep) is new_id
    assert (merged["properties"]["name"], merged["properties"]["city"]) == ("Keep", "Ulm")
    account.refused("GET", f"{OBJECTS}/companies/{lose}", status=404)
    assert account.ok("GET", f"{OBJECTS}/companies/1?idProperty=fusion_id")["id"] == merged["id"]
    account.refused("GET", f"{OBJECTS}/companies/2?idProperty=fusion_id", status=404)
    dump = account.hubspot.dump()
    assert list(dump["companies"]["fusion_id=1"]["associations"]["contacts"]) == [next(iter(dump["contacts"]))]
    account.refused("POST", f"{OBJECTS}/invoices/merge", body, 404)


def test_times_are_iso_in_utc(account: Account) -> None:
    account.clock.advance(0.25)
    created = account.ok("POST", f"{OBJECTS}/contacts", {"properties": {}}, 201)
    assert created["createdAt"].endswith(".250Z")
    assert account.hubspot.portal.clock() > NOON
