"""Single records and collections of the imitated Salesforce: what is written and what is refused."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.contract.sandbox_salesforce import Organization, org

__all__ = ["org"]


def code(result: dict[str, Any]) -> str:
    return str(result["errors"][0]["statusCode"])


def test_one_record(org: Organization) -> None:
    made = org.send("POST", "/sobjects/Account/", {"Name": "Acme", "fax": "1"})
    assert (made.status_code, set(made.json())) == (201, {"id", "success", "errors"})
    key = made.json()["id"]
    assert key.startswith("001")
    org.ok("PATCH", f"/sobjects/Account/{key}", {"Fax": None, "Phone": "2"}, 204)
    read = org.ok("GET", f"/sobjects/Account/{key[:15]}")
    assert (read["Name"], read["Fax"], read["Phone"], read["IsDeleted"]) == ("Acme", None, "2", False)
    org.switch(null_clears=False)
    org.ok("PATCH", f"/sobjects/Account/{key}", {"Phone": None}, 204)
    assert org.ok("GET", f"/sobjects/Account/{key}?fields=Phone")["Phone"] == "2"
    assert org.refused("POST", "/sobjects/Account", {"Name": "A", "Id": key})["errorCode"] == "INVALID_FIELD"
    org.ok("DELETE", f"/sobjects/Account/{key}", status=204)
    org.refused("GET", f"/sobjects/Account/{key}", status=404)
    assert org.refused("PATCH", f"/sobjects/Account/{key}", {}, 404)["errorCode"] == "ENTITY_IS_DELETED"
    org.switch(not_found_object=True)
    assert org.send("GET", "/sobjects/Nope").json()["errorCode"] == "NOT_FOUND"


def test_an_account_row_is_guarded_by_its_etag(org: Organization) -> None:
    key = org.create("Account", Name="Acme")
    tag = org.send("GET", f"/sobjects/Account/{key}").headers["ETag"]
    org.clock.advance(5)
    org.ok("PATCH", f"/sobjects/Account/{key}", {"Fax": "1"}, 204, headers={"If-Match": tag})
    org.refused("PATCH", f"/sobjects/Account/{key}", {"Fax": "2"}, 412, headers={"If-Match": tag})


def test_upsert_by_external_id(org: Organization) -> None:
    path = "/sobjects/Account/Fusion_Id__c/C%201"
    made = org.ok("PATCH", path, {"Name": "Acme"}, 201)
    assert made == {"id": made["id"], "success": True, "errors": [], "created": True}
    assert org.ok("PATCH", path, {"Fax": "1"}) == made | {"created": False}
    assert org.ok("GET", path)["Id"] == made["id"]
    assert org.send("PATCH", f"/services/data/v45.0{path}", {"Fax": "2"}).status_code == 204
    assert org.refused("PATCH", path, {"Fusion_Id__c": "C 1"})["errorCode"] == "INVALID_FIELD"
    org.refused("PATCH", "/sobjects/Account/Nope__c/1", {"Name": "A"}, 404)
    org.refused("PATCH", "/sobjects/Account/Fusion_Id__c/a@b.inc", {"Name": "A"}, 404)
    org.refused("PATCH", "/sobjects/Account/Fusion_Id__c/new?updateOnly=true", {"Name": "A"}, 404)
    assert org.ok("PATCH", "/sobjects/Account/Fusion_Id__c/c%201", {"Fax": "3"})["created"] is False
    org.ok("DELETE", path, status=204)
    org.refused("GET", path, status=404)


@pytest.mark.parametrize(
    ("fields", "expected", "text"),
    [
        ({}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]"),
        ({"Name": None}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]"),
        ({"Name": "A", "Nope__c": 1}, "INVALID_FIELD", "No such column 'Nope__c' on sobject of type Account"),
        ({"Name": "A", "AccountNumber": "x" * 41}, "STRING_TOO_LONG", "(max length=40)"),
        ({"Name": "A", "ParentId": "xyz"}, "MALFORMED_ID", "id value of incorrect type: xyz"),
        ({"Name": "A", "ParentId": "0035g0000000001AAA"}, "MALFORMED_ID", "Parent ID"),
        ({"Name": "A", "ParentId": "0015g0000000zzz"}, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
        ({"Name": "A", "IsDeleted": True}, "INVALID_FIELD_FOR_INSERT_UPDATE", "IsDeleted"),
        ({"Name": "A", "SystemModstamp": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "SystemMod"),
        ({"Name": "A", "Parent": {"Fusion_Id__c": "no"}}, "INVALID_FIELD", "Foreign key external ID: no not found"),
        ({"Name": "A", "AnnualRevenue": 1e17}, "NUMBER_OUTSIDE_VALID_RANGE", "valid range"),
        ({"Name": "A", "AnnualRevenue": "much"}, "JSON_PARSER_ERROR", "double"),
        ({"Name": 5}, "JSON_PARSER_ERROR", "string"),
        ({"Name": "A", "Fusion_Last_Sync__c": "2026-01-01"}, "JSON_PARSER_ERROR", "datetime"),
    ],
)
def test_refused_rows(org: Organization, fields: dict[str, Any], expected: str, text: str) -> None:
    error = org.refused("POST", "/sobjects/Account", fields)
    assert error["errorCode"] == expected
    assert text in error["message"]


def test_values_and_their_rules(org: Organization) -> None:
    bad = org.refused("POST", "/sobjects/Opportunity", {"Name": "O", "StageName": "No", "CloseDate": "2026-01-01"})
    assert bad["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    mail = org.refused("POST", "/sobjects/Contact", {"LastName": "A", "Email": "no"})
    assert mail["errorCode"] == "INVALID_EMAIL_ADDRESS"
    key = org.create("Account", Name="A", Fusion_Id__c="C-1", Fusion_Last_Sync__c="2026-01-31T10:00:00.000+01:00")
    assert org.ok("GET", f"/sobjects/Account/{key}")["Fusion_Last_Sync__c"] == "2026-01-31T09:00:00.000+0000"
    twice = org.refused("POST", "/sobjects/Account", {"Name": "B", "Fusion_Id__c": "c-1"})
    assert twice["message"] == f"duplicate value found: Fusion_Id__c duplicates value on record with id: {key}"
    rule = {"object": "Account", "when": {"Type": "Prospect"}, "require": ["Phone"], "message": "Phone, please"}
    org.switch(validation_rules=[rule])
    refused = org.refused("POST", "/sobjects/Account", {"Name": "B", "Type": "Prospect"})
    assert (refused["errorCode"], refused["message"]) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Phone, please")
    org.switch(storage_full=True)
    assert org.refused("POST", "/sobjects/Account", {"Name": "C"})["errorCode"] == "STORAGE_LIMIT_EXCEEDED"
    org.switch(storage_full=False, refuse_rows=[{"contains": "C", "code": "ENTITY_IS_LOCKED"}])
    assert org.refused("POST", "/sobjects/Account", {"Name": "C"})["errorCode"] == "ENTITY_IS_LOCKED"
    org.switch(object_access={"Account": "read"})
    assert org.refused("POST", "/sobjects/Account", {"Name": "D"})["errorCode"] == "INSUFFICIENT_ACCESS_OR_READONLY"


@pytest.mark.parametrize(
    ("kind", "field", "given", "kept"),
    [
        ("Fusion_Invoice__c", "Amount__c", 1.0005, 1.001),
        ("Fusion_Invoice__c", "Amount__c", -2.0125, -2.013),
        ("Fusion_Invoice__c", "Amount__c", "987654321012.3455", 987654321012.346),
        ("Fusion_Invoice_Line__c", "Quantity__c", 0.0000005, 0.000001),
        ("Account", "AnnualRevenue", 0.125, 0.13),
    ],
)
def test_numbers_are_rounded_half_up_to_their_field(
    org: Organization, kind: str, field: str, given: float | str, kept: float
) -> None:
    key = org.create(kind, **({"Name": "A"} if kind == "Account" else {"Fusion_Id__c": "1"}), **{field: given})
    assert org.ok("GET", f"/sobjects/{kind}/{key}?fields={field}")[field] == kept


def test_a_reference_to_a_deleted_row(org: Organization) -> None:
    gone = org.create("Account", Name="Gone")
    org.ok("DELETE", f"/sobjects/Account/{gone}", status=204)
    error = org.refused("POST", "/sobjects/Account", {"Name": "A", "ParentId": gone})
    assert error["errorCode"] == "ENTITY_IS_DELETED"


def test_the_duplicate_rule(org: Organization) -> None:
    first = org.create("Account", Name="Acme, Inc.", BillingCity="Ulm")
    row, header = {"Name": "ACME", "BillingCity": "Ulm"}, {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    error = org.refused("POST", "/sobjects/Account", row)
    assert (error["errorCode"], error["message"]) == ("DUPLICATES_DETECTED", "Use one of these records?")
    match = error["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]
    assert match["Id"] == first
    org.create("Account", Name="ACME", BillingCity="Bonn")
    org.ok("POST", "/sobjects/Account", row, 201, headers=header)
    results = org.upsert([row | {"Fusion_Id__c": "1"}], headers=header)
    assert results[0]["success"] is True
    org.switch(duplicate_header_on_collections=False, duplicate_result_body=False)
    assert code(org.upsert([row | {"Fusion_Id__c": "2"}], headers=header)[0]) == "DUPLICATES_DETECTED"
    org.switch(duplicate_rule="block")
    assert "duplicateResult" not in org.refused("POST", "/sobjects/Account", row, headers=header)
    org.switch(duplicate_rule="off")
    org.create("Account", **row)


def test_a_collection_answers_in_order(org: Organization) -> None:
    rows = [{"Name": "A", "Fusion_Id__c": "1"}, {"Fusion_Id__c": "2"}, {"Name": "C", "Fusion_Id__c": "3"}]
    first, bad, last = org.upsert(rows)
    assert (first["created"], last["created"]) == (True, True)
    assert bad == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [Name]",
                "fields": ["Name"],
            }
        ],
    }
    whole = org.upsert([{"Name": "D", "Fusion_Id__c": "4"}, {"Fusion_Id__c": "5"}], allOrNone=True)
    assert [code(each) for each in whole] == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert org.names("Name != null") == ["A", "C"]
    doubled = org.upsert([{"Name": "E", "Fusion_Id__c": "6"}, {"Name": "F", "Fusion_Id__c": "6"}])
    assert doubled[0]["errors"][0]["message"] == "Duplicate external id specified: 6"
    assert {code(each) for each in doubled} == {"DUPLICATE_VALUE"}
    rule = {"contains": "bad", "code": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "message": "trigger"}
    org.switch(refuse_rows=[rule], group_failure=True)
    group = org.upsert([{"Name": "G", "Fusion_Id__c": "7"}, {"Name": "bad", "Fusion_Id__c": "8"}])
    assert [code(each) for each in group] == ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"] * 2


def test_the_size_and_shape_of_collections(org: Organization) -> None:
    rows = [{"attributes": {"type": "Account"}, "Name": str(n), "Fusion_Id__c": str(n)} for n in range(201)]
    path = "/composite/sobjects/Account/Fusion_Id__c"
    assert org.refused("PATCH", path, {"records": rows})["errorCode"] == "EXCEEDED_MAX_SIZE_REQUEST"
    org.refused("PATCH", path, {"records": [{"Name": "no type"}]})
    org.refused("PATCH", path, {"records": [{"attributes": {"type": "Contact"}, "LastName": "A"}]})
    org.refused("PATCH", "/composite/sobjects/Account/Name", {"records": rows[:1]}, 404)
    mixed = [
        {"attributes": {"type": kind}, name: str(n)}
        for n in range(6)
        for kind, name in (("Account", "Name"), ("Contact", "LastName"))
    ]
    error = org.refused("POST", "/composite/sobjects", {"records": mixed})
    assert error["message"].startswith("Cannot have more than 10 chunks in a single operation.")
    made = org.ok("POST", "/composite/sobjects", {"records": mixed[:10]})
    assert all(each["success"] and "created" not in each for each in made)
    accounts = [each["id"] for each in made[::2]]
    change = [{"attributes": {"type": "Account"}, "id": key, "Fax": "9"} for key in accounts]
    assert all(each["success"] for each in org.ok("PATCH", "/composite/sobjects", {"records": change}))
    asked = {"ids": [accounts[1], "0015g0000000zzzAAA", accounts[0]], "fields": ["Name", "Fax"]}
    found = org.ok("POST", "/composite/sobjects/Account", asked)
    assert [each and each["Name"] for each in found] == ["1", None, "0"]
    assert found[0]["Fax"] == "9"
    org.refused("POST", "/composite/sobjects/Account", asked | {"fields": ["Nope"]})
    gone = org.ok("DELETE", f"/composite/sobjects?ids={accounts[0]},{accounts[0]}&allOrNone=false")
    assert [each["success"] for each in gone] == [True, False]


def test_parents_by_external_id(org: Organization) -> None:
    org.upsert([{"Name": "A", "Fusion_Id__c": "C-1"}])
    good, bad = org.upsert(
        [
            {"Fusion_Id__c": "I-1", "Account__r": {"Fusion_Id__c": "C-1"}, "Amount__c": 10.5},
            {"Fusion_Id__c": "I-2", "Account__r": {"Fusion_Id__c": "C-9"}},
        ],
        "Fusion_Invoice__c",
    )
    assert good["created"] is True
    message = "Foreign key external ID: C-9 not found for field Fusion_Id__c in entity Account"
    assert bad["errors"][0]["message"] == message
    read = org.query("SELECT Name, Amount__c, Account__r.Name FROM Fusion_Invoice__c")["records"][0]
    assert (read["Name"], read["Amount__c"], read["Account__r"]["Name"]) == ("Fusion Invoice-00001", 10.5, "A")
    org.switch(reparent_by_external_id=False)
    again = {"Fusion_Id__c": "I-1", "Account__r": {"Fusion_Id__c": "C-1"}}
    assert code(org.upsert([again], "Fusion_Invoice__c")[0]) == "INVALID_FIELD"


def test_locks_by_switch(org: Organization) -> None:
    parent = org.create("Account", Name="A", Fusion_Id__c="C-1")
    org.switch(lock_failures=1)
    child = {"Fusion_Id__c": "I-1", "Account__c": parent}
    rows = org.upsert([child, child | {"Fusion_Id__c": "I-2"}], "Fusion_Invoice__c")
    assert [each["success"] for each in rows] == [False, True]
    org.switch(locked=[parent])
    error = org.upsert([child], "Fusion_Invoice__c")[0]["errors"][0]
    assert error["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert error["message"] == f"unable to obtain exclusive access to this record or 1 records: {parent}"


def test_two_calls_with_children_of_one_parent(org: Organization) -> None:
    parents = [org.create("Account", Name=name) for name in "AB"]
    org.switch(write_seconds=0.3)

    def together(first: str, second: str) -> list[bool]:
        done: list[bool] = []

        def send(number: int, parent: str) -> None:
            row = {"Fusion_Id__c": f"{parent}-{number}", "Account__c": parent}
            done.append(org.upsert([row], "Fusion_Invoice__c")[0]["success"])

        threads = [threading.Thread(target=send, args=(n, key)) for n, key in enumerate((first, second))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(done)

    assert together(parents[0], parents[0]) == [False, True]
    assert together(*parents) == [True, True]
    org.switch(parallel_lock=False)
    assert together(parents[0], parents[0]) == [True, True]


def test_one_key_sent_by_many_at_once_is_one_row(org: Organization) -> None:
    statuses: list[int] = []

    def send() -> None:
        statuses.append(org.send("PATCH", "/sobjects/Account/Fusion_Id__c/C-1", {"Name": "A"}).status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(201) == 1
    assert set(statuses) <= {200, 201, 400}
    assert org.names("Name = 'A'") == ["A"]
