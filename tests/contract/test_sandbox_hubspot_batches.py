"""The imitated HubSpot: batches, and which part of one succeeds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.sandbox_hubspot import Account, account, codes, upsert

__all__ = ["account"]

PATHS = {"v3": "/crm/v3/objects", "2026-03": "/crm/objects/2026-03", "2026-09": "/crm/objects/2026-09"}
OBJECTS = PATHS["2026-09"]


def new(trace: str | None = None, **properties: str) -> dict[str, Any]:
    """One input of a create."""
    item: dict[str, Any] = {"properties": properties, "associations": []}
    return item | ({"objectWriteTraceId": trace} if trace else {})


def companies(account: Account) -> list[str]:
    results = account.ok("GET", f"{OBJECTS}/companies?limit=100")["results"]
    return sorted(each["properties"]["name"] for each in results)


@pytest.mark.parametrize(
    ("call", "inputs"),
    [
        ("create", [new(name=f"n{n}") for n in range(101)]),
        ("upsert", [upsert(str(n), name="n") for n in range(101)]),
        ("update", [{"id": str(n), "properties": {}} for n in range(101)]),
        ("read", [{"id": str(n)} for n in range(101)]),
        ("archive", [{"id": str(n)} for n in range(101)]),
    ],
)
def test_a_batch_takes_at_most_100(account: Account, call: str, inputs: list[dict[str, Any]]) -> None:
    account.refused("POST", f"{OBJECTS}/companies/batch/{call}", {"inputs": inputs})
    account.refused("POST", f"{OBJECTS}/companies/batch/{call}", {"inputs": []})
    assert companies(account) == []


@pytest.mark.parametrize(("version", "status"), [("v3", 207), ("2026-03", 201), ("2026-09", 201)])
def test_partial_create_with_trace_ids(account: Account, version: str, status: int) -> None:
    inputs = [new("t-1", name="Good"), new("t-2", name="Bad", nope="x"), new("t-3", city="no name")]
    answer = account.ok("POST", f"{PATHS[version]}/companies/batch/create", {"inputs": inputs}, status)
    assert answer["status"] == "COMPLETE"
    assert answer["numErrors"] == 2
    assert [error["context"]["objectWriteTraceId"] for error in answer["errors"]] == [["t-2"], ["t-3"]]
    assert codes(answer["errors"][0]) == ["PROPERTY_DOESNT_EXIST"]
    assert [each["properties"]["name"] for each in answer["results"]] == ["Good"]
    assert companies(account) == ["Good"]


def test_a_dated_version_may_answer_207_after_all(account: Account) -> None:
    account.switch(dated_multi_status=True)
    inputs = [new("t-1", name="Good"), new("t-2", nope="x")]
    account.ok("POST", f"{OBJECTS}/companies/batch/create", {"inputs": inputs}, 207)


@pytest.mark.parametrize("traces", [(None, None), ("t-1", None), ("same", "same")])
def test_without_a_trace_id_each_one_bad_input_refuses_all(account: Account, traces: tuple[str | None, ...]) -> None:
    inputs = [new(traces[0], name="Good"), new(traces[1], name="Bad", nope="x")]
    error = account.refused("POST", f"{OBJECTS}/companies/batch/create", {"inputs": inputs})
    assert codes(error) == ["PROPERTY_DOESNT_EXIST"]
    inputs = [upsert("1", traces[0], name="Good"), upsert("2", traces[1], nope="x")]
    account.refused("POST", f"{PATHS['v3']}/companies/batch/upsert", {"inputs": inputs})
    assert companies(account) == []


def test_a_batch_that_is_all_good_is_no_207(account: Account) -> None:
    answer = account.ok("POST", f"{PATHS['v3']}/companies/batch/create", {"inputs": [new("t", name="A")]}, 201)
    assert "errors" not in answer
    assert "numErrors" not in answer
    assert {"startedAt", "completedAt"} <= set(answer)


def test_an_upsert_creates_once_and_updates_then(account: Account) -> None:
    inputs = [upsert(str(number), f"t{number}", name=f"Name {number}") for number in range(20)]
    first = account.ok("POST", f"{OBJECTS}/companies/batch/upsert", {"inputs": inputs})
    assert all(each["new"] is True for each in first["results"])
    order = [each["properties"]["fusion_id"] for each in first["results"]]
    assert sorted(order, key=int) == [str(number) for number in range(20)]
    assert order != [str(number) for number in range(20)], "results come in any order"
    again = account.ok("POST", f"{PATHS['v3']}/companies/batch/upsert", {"inputs": inputs})
    assert all(each["new"] is False for each in again["results"])
    assert {each["id"] for each in again["results"]} == {each["id"] for each in first["results"]}
    assert len(companies(account)) == 20


def test_results_keep_the_order_where_switched_so(account: Account) -> None:
    account.switch(shuffle=False, echo_trace_id=True)
    inputs = [upsert(str(number), f"t{number}", name="A") for number in range(20)]
    results = account.ok("POST", f"{OBJECTS}/companies/batch/upsert", {"inputs": inputs})["results"]
    assert [each["objectWriteTraceId"] for each in results] == [f"t{number}" for number in range(20)]


def test_partial_upsert(account: Account) -> None:
    inputs = [upsert("1", "a", name="Good"), upsert("2", "b", name="Bad", industry="Nonsense")]
    answer = account.ok("POST", f"{PATHS['v3']}/companies/batch/upsert", {"inputs": inputs}, 207)
    assert [each["properties"]["fusion_id"] for each in answer["results"]] == ["1"]
    assert "objectWriteTraceId" not in answer["results"][0]
    assert answer["errors"][0]["context"]["objectWriteTraceId"] == ["b"]
    folded = account.ok("POST", f"{OBJECTS}/companies/batch/upsert", {"inputs": inputs}, 200)
    assert folded["numErrors"] == 1


def test_an_upsert_needs_a_unique_key_and_takes_no_associations(account: Account) -> None:
    path = f"{OBJECTS}/invoices/batch/upsert"
    item = {"idProperty": "fusion_number", "id": "1", "properties": {}}
    message = account.refused("POST", path, {"inputs": [item]})["message"]
    assert message == 'Unable to perform update/upsert by non-unique 0-53 property "fusion_number"'
    account.refused("POST", path, {"inputs": [{"id": "1", "properties": {}}]})
    account.refused("POST", path, {"inputs": [{"idProperty": "fusion_id", "properties": {}}]})
    assert codes(account.refused("POST", path, {"inputs": [item | {"idProperty": "nope"}]})) == [
        "PROPERTY_DOESNT_EXIST"
    ]
    linked = upsert("1") | {"associations": [{"to": {"id": "1"}, "types": []}]}
    account.refused("POST", path, {"inputs": [linked]})


def test_an_account_may_refuse_upserts_by_a_unique_property(account: Account) -> None:
    account.switch(unique_refused={"invoices": "upsert"})
    error = account.refused("POST", f"{OBJECTS}/invoices/batch/upsert", {"inputs": [upsert("1", hs_currency="EUR")]})
    assert "Unable to perform update/upsert by non-unique 0-53 property" in error["message"]
    account.ok("POST", f"{OBJECTS}/companies/batch/upsert", {"inputs": [upsert("1", name="A")]})


def test_a_key_that_contradicts_its_property_is_refused(account: Account) -> None:
    account.refused("POST", f"{OBJECTS}/companies/batch/upsert", {"inputs": [upsert("1", name="A", fusion_id="2")]})


@pytest.mark.parametrize("call", ["upsert", "update", "read", "archive"])
def test_doubled_ids_refuse_all_of_it(account: Account, call: str) -> None:
    inputs: list[dict[str, Any]] = [{"id": "5"}, {"id": "6"}, {"id": "5"}]
    if call in ("upsert", "update"):
        inputs = [upsert(item["id"], f"t{number}", name="A") for number, item in enumerate(inputs)]
    error = account.refused("POST", f"{OBJECTS}/companies/batch/{call}", {"inputs": inputs})
    assert error["message"] == "Duplicate IDs found in batch input: [5]. IDs must be unique"
    assert error["context"]["ids"] == ["5"]
    assert companies(account) == []


def test_one_record_under_two_keys_is_doubled_too(account: Account) -> None:
    key = account.create("companies", name="A", fusion_id="1")
    inputs = [upsert("1", "a", name="B"), {"id": key, "objectWriteTraceId": "b", "properties": {"name": "C"}}]
    account.refused("POST", f"{OBJECTS}/companies/batch/update", {"inputs": inputs})


def test_emails_come_back_in_lower_case(account: Account) -> None:
    item = {"idProperty": "email", "id": "Ann@Example.com", "properties": {"lastname": "Ann"}}
    answer = account.ok("POST", f"{OBJECTS}/contacts/batch/upsert", {"inputs": [item]})
    assert answer["results"][0]["properties"]["email"] == "ann@example.com"
    body = {"idProperty": "email", "inputs": [{"id": "ANN@example.com"}]}
    assert len(account.ok("POST", f"{OBJECTS}/contacts/batch/read", body)["results"]) == 1


def test_an_upsert_by_email_is_never_partial(account: Account) -> None:
    good = {"idProperty": "email", "id": "a@example.com", "objectWriteTraceId": "a", "properties": {}}
    bad = {"idProperty": "email", "id": "b@example.com", "objectWriteTraceId": "b", "properties": {"nope": "x"}}
    account.refused("POST", f"{OBJECTS}/contacts/batch/upsert", {"inputs": [good, bad]})
    assert account.ok("GET", f"{OBJECTS}/contacts")["results"] == []


def test_an_email_in_use_refuses_the_whole_create(account: Account) -> None:
    key = account.create("contacts", email="ann@example.com")
    inputs = [new("a", email="bob@example.com"), new("b", email="ann@example.com")]
    error = account.refused("POST", f"{OBJECTS}/contacts/batch/create", {"inputs": inputs}, 409)
    assert error["message"] == f"Contact already exists. Existing ID: {key}"
    assert len(account.ok("GET", f"{OBJECTS}/contacts")["results"]) == 1
    twice = [new("a", email="eve@example.com"), new("b", email="EVE@example.com")]
    account.refused("POST", f"{OBJECTS}/contacts/batch/create", {"inputs": twice}, 409)


def test_an_email_in_use_refuses_one_input_of_an_upsert(account: Account) -> None:
    account.create("contacts", email="ann@example.com")
    inputs = [upsert("1", "a", email="bob@example.com"), upsert("2", "b", email="ann@example.com")]
    answer = account.ok("POST", f"{OBJECTS}/contacts/batch/upsert", {"inputs": inputs})
    assert codes(answer["errors"][0]) == ["CONFLICTING_UNIQUE_VALUE"]
    account.switch(email_conflict_on_update=409)
    account.refused("POST", f"{OBJECTS}/contacts/batch/upsert", {"inputs": inputs}, 409)


def test_a_unique_value_given_twice_in_one_create(account: Account) -> None:
    inputs = [new("a", name="A", fusion_id="1"), new("b", name="B", fusion_id="1")]
    answer = account.ok("POST", f"{OBJECTS}/companies/batch/create", {"inputs": inputs}, 201)
    assert codes(answer["errors"][0]) == ["CONFLICTING_UNIQUE_VALUE"]
    assert companies(account) == ["A"]


def test_a_unique_value_held_by_another_record(account: Account) -> None:
    account.create("companies", name="A", fusion_id="1")
    key = account.create("companies", name="B")
    inputs = [{"id": key, "objectWriteTraceId": "a", "properties": {"fusion_id": "1"}}]
    answer = account.ok("POST", f"{OBJECTS}/companies/batch/update", {"inputs": inputs})
    assert codes(answer["errors"][0]) == ["CONFLICTING_UNIQUE_VALUE"]


@pytest.mark.parametrize(("version", "status"), [("v3", 207), ("2026-09", 200)])
def test_missing_records_in_a_read(account: Account, version: str, status: int) -> None:
    account.create("contacts", fusion_id="1", lastname="Ann")
    body = {"idProperty": "fusion_id", "inputs": [{"id": "8"}, {"id": "1"}, {"id": "9"}], "properties": ["fusion_id"]}
    answer = account.ok("POST", f"{PATHS[version]}/contacts/batch/read", body, status)
    assert [each["properties"]["fusion_id"] for each in answer["results"]] == ["1"]
    error = answer["errors"][0]
    assert (error["category"], error["context"]["ids"]) == ("OBJECT_NOT_FOUND", ["8", "9"])
    assert error["message"].startswith("Could not get some CONTACT objects, they may be deleted or not exist.")
    everything = account.ok("POST", f"{PATHS[version]}/contacts/batch/read", body | {"inputs": [{"id": "9"}]}, status)
    assert everything["results"] == []


def test_a_read_by_id_shows_default_and_requested_properties(account: Account) -> None:
    key = account.create("contacts", fusion_id="1", lastname="Ann", city="Ulm")
    body = {"inputs": [{"id": key}], "properties": ["city"], "propertiesWithHistory": []}
    properties = account.ok("POST", f"{OBJECTS}/contacts/batch/read", body)["results"][0]["properties"]
    assert properties["city"] == "Ulm"
    assert "fusion_id" not in properties


def test_missing_records_in_an_update_echo_the_trace_id(account: Account) -> None:
    key = account.create("companies", name="A")
    inputs = [
        {"id": key, "objectWriteTraceId": "a", "properties": {"city": "Ulm"}},
        {"id": "1", "objectWriteTraceId": "b", "properties": {"city": "Ulm"}},
    ]
    answer = account.ok("POST", f"{PATHS['v3']}/companies/batch/update", {"inputs": inputs}, 207)
    error = answer["errors"][0]
    assert (error["category"], error["context"]["objectWriteTraceId"]) == ("OBJECT_NOT_FOUND", ["b"])
    for item in inputs:
        del item["objectWriteTraceId"]
    account.refused("POST", f"{OBJECTS}/companies/batch/update", {"inputs": inputs})


def test_inline_associations_on_create(account: Account) -> None:
    company = account.create("companies", name="A")
    link = {"to": {"id": company}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 179}]}
    lost = {"to": {"id": "1"}, "types": link["types"]}
    wrong = {"to": {"id": company}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 180}]}
    inputs = [
        new(trace, hs_currency="EUR", fusion_id=trace) | {"associations": [each]}
        for trace, each in (("good", link), ("lost", lost), ("wrong", wrong))
    ]
    answer = account.ok("POST", f"{OBJECTS}/invoices/batch/create", {"inputs": inputs}, 201)
    assert [each["context"]["objectWriteTraceId"] for each in answer["errors"]] == [["lost"], ["wrong"]] or [
        each["context"]["objectWriteTraceId"] for each in answer["errors"]
    ] == [["wrong"], ["lost"]]
    dump = account.hubspot.dump()
    assert list(dump["invoices"]) == ["fusion_id=good"]
    assert list(dump["invoices"]["fusion_id=good"]["associations"]["companies"].values()) == [[179]]


def test_a_batch_archive_is_204_also_for_what_is_gone(account: Account) -> None:
    key = account.create("companies", name="A")
    body = {"inputs": [{"id": key}, {"id": "1"}]}
    account.ok("POST", f"{OBJECTS}/companies/batch/archive", body, 204)
    account.ok("POST", f"{OBJECTS}/companies/batch/archive", body, 204)
    assert companies(account) == []
