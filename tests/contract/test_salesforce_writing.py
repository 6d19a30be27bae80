"""Writing to an org: collections, composite and bulk, bad rows alone, locks, parents, and how many calls it takes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connections.connectors.base import Done
from connections.connectors.salesforce import writing
from connections.errors import (
    ConfigError,
    Conflict,
    ConnectorError,
    RateLimited,
    RecordError,
    StreamRefused,
    TransientError,
)
from tests.contract.salesforce_stage import Org, bare, org

__all__ = ["bare", "org"]
WAYS = [writing.COLLECTIONS, writing.COMPOSITE, writing.BULK]
Rows = list[tuple[str, dict[str, Any]]]


def rows(count: int, **values: Any) -> Rows:
    return [(str(300000000000000 + number), {"Number__c": f"N{number}", **values}) for number in range(count)]


def errors(outcome: dict[str, Done | ConnectorError]) -> dict[str, ConnectorError]:
    return {key: found for key, found in outcome.items() if isinstance(found, ConnectorError)}


def keys(given: Org, kind: str = "invoice") -> list[str]:
    return sorted(record["Fusion_Id__c"] for record in given.records(kind, "Fusion_Id__c"))


def reject(given: Org, text: str, code: str = "FIELD_CUSTOM_VALIDATION_EXCEPTION", **more: Any) -> None:
    rule = {"object": "Fusion_Invoice__c", "contains": text, "code": code, "message": "Fill in Region."}
    given.switch(refuse_rows=[rule], **more)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_writes_the_same_and_once(org: Org, way: str) -> None:
    org.people.create("Account", {"Name": "Brightwater", "Fusion_Id__c": "C-1"})
    values = {
        "Account__r": {"Fusion_Id__c": "C-1"},
        "Amount__c": Decimal("1234.567"),
        "Invoice_Date__c": date(2026, 1, 31),
        "Fusion_Updated__c": datetime(2026, 1, 31, 10, tzinfo=UTC),
        "Status__c": 'a "quoted", \nlong\r\none',
        "Type__c": "",
        "Completion__c": None,
    }
    first = org.client().upsert("invoice", rows(450, **values), parent="Account__r", way=way)
    again = org.client().upsert("invoice", rows(450, **values), parent="Account__r", way=way)
    assert errors(first) == errors(again) == {}
    assert {done.created for done in first.values() if isinstance(done, Done)} == {True}
    assert {done.created for done in again.values() if isinstance(done, Done)} == {False}
    assert {key: done.id for key, done in first.items()} == {key: done.id for key, done in again.items()}  # type: ignore[union-attr]
    assert keys(org) == [key for key, _ in rows(450)]
    record = org.records("invoice", *values.keys() - {"Account__r"}, "Account__r.Name")[0]
    assert record["Account__r"] == {"Name": "Brightwater"}
    assert record["Amount__c"] == Decimal("1234.567")
    assert record["Invoice_Date__c"] == "2026-01-31"
    assert record["Fusion_Updated__c"] == "2026-01-31T10:00:00.000+0000"
    assert record["Status__c"].replace("\r\n", "\n") == 'a "quoted", \nlong\none'
    assert not record["Type__c"]
    assert record["Completion__c"] is None


@pytest.mark.parametrize("way", WAYS)
def test_bad_rows_are_rejected_alone(org: Org, way: str) -> None:
    reject(org, "N77")
    outcome = org.client().upsert("invoice", rows(300), way=way)
    (error,) = errors(outcome).values()
    assert isinstance(error, RecordError)
    assert error.code == "salesforce_validation_rule"
    assert "Fill in Region." in error.text
    assert len(keys(org)) == 299


def test_a_trigger_that_takes_its_group_along_is_isolated(org: Org) -> None:
    reject(org, "N77", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", group_failure=True)
    assert len(errors(org.client().upsert("invoice", rows(200)))) == 1
    assert len(keys(org)) == 199


def test_one_value_of_the_wrong_kind_refuses_a_call_and_is_isolated(org: Org) -> None:
    given = rows(200)
    given[77][1]["Amount__c"] = "much"
    (error,) = errors(org.client().upsert("invoice", given)).values()
    assert isinstance(error, RecordError)
    assert len(keys(org)) == 199


def test_null_clears_and_absent_leaves(org: Org) -> None:
    client = org.client()
    (first, values), (second, _) = rows(2)
    for way in WAYS:
        client.upsert("invoice", rows(2, Status__c="Open", Type__c="INV"))
        client.upsert("invoice", [(first, {**values, "Status__c": None}), (second, {"Type__c": "CM"})], way=way)
        found = client.read("invoice", [first, second], fields=["Status__c", "Type__c"])
        assert (found[first]["Status__c"], found[first]["Type__c"]) == (None, "INV")
        assert (found[second]["Status__c"], found[second]["Type__c"]) == ("Open", "CM")


def test_a_parent_that_is_not_there_is_said(org: Org) -> None:
    for way in WAYS:
        outcome = org.client().upsert("invoice", rows(2, Account__r={"Fusion_Id__c": "nobody"}), way=way)
        assert [error.code for error in errors(outcome).values()] == ["salesforce_parent_absent"] * 2


def test_rows_of_one_parent_never_meet(org: Org) -> None:
    org.switch(write_seconds=0.02)
    accounts = [org.people.create("Account", {"Name": f"A{n}", "Fusion_Id__c": f"C-{n}"}) for n in range(4)]
    given = [(key, {**values, "Account__c": accounts[n % 4]}) for n, (key, values) in enumerate(rows(1000))]
    client = org.client()
    client.describe("Account")
    before = client.calls
    assert errors(client.upsert("invoice", given, parent="Account__c")) == {}
    assert client.calls - before == 8  # a lock error would have been sent again and cost a call


def test_lock_errors_pass(org: Org) -> None:
    org.switch(lock_failures=7)
    assert errors(org.client().upsert("invoice", rows(50))) == {}
    assert len(keys(org)) == 50


def test_a_lock_that_stays_leaves_the_row_for_later(org: Org) -> None:
    account = org.people.create("Account", {"Name": "Held"})
    org.switch(locked=[account])
    (error,) = errors(org.client().upsert("invoice", rows(1, Account__c=account))).values()
    assert isinstance(error, TransientError)
    assert error.code == "salesforce_locked"


def test_calls_for_a_thousand_invoices_with_three_lines(org: Org) -> None:
    for way, most in ((writing.COLLECTIONS, 22), (writing.COMPOSITE, 6)):
        client = org.client()
        invoices = rows(1000)
        lines = [
            (f"{key}-{number}", {"Invoice__r": {"Fusion_Id__c": key}, "Line_Number__c": number})
            for key, _ in invoices
            for number in range(3)
        ]
        assert errors(client.upsert("invoice", invoices, way=way)) == {}
        assert errors(client.upsert("invoice_line", lines, parent="Invoice__r", way=way)) == {}
        assert client.calls <= most


def test_many_rows_go_by_bulk_and_few_calls_left_by_composite(org: Org) -> None:
    org.configure(bulk_above="400")
    client = org.client()
    client.describe("Account")
    before = client.calls
    assert errors(client.upsert("invoice", rows(1000))) == {}
    assert client.calls - before <= 7
    assert len(org.org.jobs) == 1
    org.configure()
    org.switch(daily_limit=org.org.usage.used() + 400)
    client = org.client()
    client.describe("Account")
    before = client.calls
    assert errors(client.upsert("invoice", rows(1000))) == {}
    assert client.calls - before == 1


def test_what_bulk_cannot_say_or_leaves_out_goes_by_collections(org: Org) -> None:
    given = rows(5)
    given[2][1]["Status__c"] = "#N/A"
    org.switch(lock_failures=2)
    assert errors(org.client().upsert("invoice", given, way=writing.BULK)) == {}
    assert org.client().read("invoice", [given[2][0]], fields=["Status__c"])[given[2][0]]["Status__c"] == "#N/A"


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_bulk_job_survives_a_bad_line(org: Org, kind: str) -> None:
    for path in ("/jobs/ingest$", "/batches", "/jobs/ingest/\\w+$", "/successfulResults"):
        fault = org.fault(kind, path, times=1)
        assert errors(org.client().upsert("invoice", rows(20), way=writing.BULK)) == {}
        assert fault.fired == 1
    assert len(keys(org)) == 20


def test_a_field_that_is_hidden_stops_the_flow(org: Org) -> None:
    for way in WAYS:
        with pytest.raises(StreamRefused, match="Run Prepare"):
            org.client().upsert("invoice", rows(3, No_Such__c="x"), way=way)
    org.switch(storage_full=True)
    with pytest.raises(ConfigError, match="full"):
        org.client().upsert("invoice", rows(3))


@pytest.mark.parametrize("on_collections", [True, False])
def test_twins_by_a_duplicate_rule(org: Org, on_collections: bool) -> None:
    org.switch(duplicate_header_on_collections=on_collections)
    twin = {"Name": "Brightwater Ltd", "BillingCity": "Leeds"}
    there = org.people.create("Account", twin)
    error = org.client().upsert("account", [("C 9", twin)])["C 9"]
    assert isinstance(error, Conflict)
    assert error.code == "salesforce_duplicates"
    assert error.detail["candidate_ids"] == [there]
    org.configure(duplicates="allow")
    done = org.client().upsert("account", [("C 9", twin)])["C 9"]
    assert isinstance(done, Done)
    assert done.created
    assert org.client().read("account", ["C 9"])["C 9"]["Id"] == done.id
    org.switch(duplicate_rule="block")
    assert isinstance(org.client().upsert("account", [("C-10", twin)])["C-10"], Conflict)


def test_records_are_updated_by_id_and_put_into_the_bin(org: Org) -> None:
    client = org.client()
    account = org.people.create("Account", {"Name": "Adopted"})
    day = {"AccountId": account, "CloseDate": "2026-01-31", "StageName": "Prospecting", "Name": "Deal"}
    opportunity = org.people.create("Opportunity", day)
    assert client.update("account", [(account, {"Fusion_Id__c": "C-1"})]) == {account: Done(account, False)}
    found = client.update("opportunity", [(opportunity, {"Fusion_Order_Number__c": "4711"})], parent="AccountId")
    assert found == {opportunity: Done(opportunity, False)}
    assert client.read("account", ["C-1"])["C-1"]["Id"] == account
    client.upsert("invoice", rows(3))
    ids = [record["Id"] for record in org.records("invoice")]
    assert client.delete("invoice", ids) == {}
    assert client.delete("invoice", ids) == {}
    assert keys(org) == []


def test_another_record_with_our_key_is_named(org: Org) -> None:
    holder = org.people.create("Account", {"Name": "A", "Fusion_Id__c": "C-1"})
    other = org.people.create("Account", {"Name": "B"})
    error = org.client().update("account", [(other, {"Fusion_Id__c": "c-1"})])[other]
    assert isinstance(error, Conflict)
    assert error.detail["existing_ids"] == [holder]


def test_a_limit_in_mid_write_raises_and_the_rest_follows_later(org: Org) -> None:
    client = org.client()
    client.describe("Account")
    org.configure(reserve="0", parallel="1")
    client = org.client()
    org.switch(daily_limit=org.org.usage.used() + 2)
    with pytest.raises(RateLimited):
        client.upsert("invoice", rows(800), way=writing.COLLECTIONS)
    org.switch(daily_limit=100_000)
    assert errors(org.client().upsert("invoice", rows(800))) == {}
    assert len(keys(org)) == 800


def test_a_composite_call_survives_a_bad_line(org: Org) -> None:
    for kind in ("cut_before", "cut_after", "broken_json"):
        org.fault(kind, "/composite", times=1)
        assert errors(org.client().upsert("invoice", rows(250), way=writing.COMPOSITE)) == {}
    assert len(keys(org)) == 250
