"""Reading an org: won opportunities with their lines, purchase orders, accounts, what was deleted."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connections.connectors.salesforce.client import SalesforceClient
from connections.errors import StreamRefused
from tests.contract.salesforce_stage import Org, bare, grow, org

__all__ = ["bare", "org"]


@pytest.fixture
def sold(org: Org) -> dict[str, str]:
    """An account of ours with two won opportunities, one of them with lines out of order, and an open one."""
    create = org.people.create
    account = create("Account", {"Name": "Brightwater", "Fusion_Id__c": "C-1"})
    product = create("Product2", {"Name": "Pump", "ProductCode": "P-1", "IsActive": True})
    book = create("Pricebook2", {"Name": "Book", "IsActive": True, "IsStandard": True})
    entry = {"Pricebook2Id": book, "Product2Id": product, "UnitPrice": 10, "IsActive": True}
    price = create("PricebookEntry", entry)
    day = {"AccountId": account, "CloseDate": "2026-01-31", "StageName": "Prospecting"}
    lines = create("Opportunity", {"Name": "With lines", **day, "Pricebook2Id": book})
    for number in (2, 1, 3):
        values = {"OpportunityId": lines, "PricebookEntryId": price, "Product2Id": product, "SortOrder": number}
        create("OpportunityLineItem", {**values, "Quantity": number, "UnitPrice": 10.25})
    plain = create("Opportunity", {"Name": "Without", **day, "Amount": 5})
    still = create("Opportunity", {"Name": "Open", **day})
    for key in (lines, plain):
        org.people.win(key)
    return {"account": account, "lines": lines, "plain": plain, "open": still}


def by_key(org: Org, stream: str) -> dict[str, dict[str, Any]]:
    return {row.key: row.data for row in org.rows(stream)}


def test_won_opportunities_come_with_account_key_and_sorted_lines(org: Org, sold: dict[str, str]) -> None:
    found = by_key(org, "opportunities")
    assert set(found) == {sold["lines"], sold["plain"]}
    row = found[sold["lines"]]
    assert row["Account"]["Fusion_Id__c"] == "C-1"
    assert [line["SortOrder"] for line in row["lines"]] == [1, 2, 3]
    assert row["lines"][0]["UnitPrice"] == Decimal("10.25")
    assert row["lines"][0]["Product2"]["Name"] == "Pump"
    assert found[sold["plain"]]["lines"] == []
    assert "attributes" not in row
    assert "Fusion_Order_Number__c" in row
    assert "CurrencyIsoCode" not in row


def test_a_child_list_that_goes_on_is_completed(org: Org, sold: dict[str, str]) -> None:
    org.switch(child_page_size=1)
    assert len(by_key(org, "opportunities")[sold["lines"]]["lines"]) == 3


def test_currencies_are_read_where_the_org_has_several(org: Org, sold: dict[str, str]) -> None:
    org.switch(multi_currency=True)
    assert org.check().capabilities["multi_currency"]
    assert "CurrencyIsoCode" in by_key(org, "opportunities")[sold["plain"]]


def test_a_reopened_opportunity_is_still_fetched(org: Org, sold: dict[str, str]) -> None:
    org.people.edit("Opportunity", sold["plain"], {"StageName": "Prospecting"})
    assert sold["plain"] not in by_key(org, "opportunities")
    (row,) = org.client().fetch("opportunities", [sold["plain"], "006000000000000AAA", "no id'"])
    assert row.data["IsWon"] is False


def test_changes_are_seen_whatever_the_condition(org: Org, sold: dict[str, str]) -> None:
    now = org.client().server_now()
    org.sandbox.clock.advance(3600)
    order = org.people.create("Purchase_Order__c", {"Ready_For_Fusion__c": True})
    org.people.edit("Purchase_Order__c", order, {"Ready_For_Fusion__c": False})
    org.people.edit("Opportunity", sold["plain"], {"StageName": "Negotiation/Review"})
    later = now + timedelta(minutes=1)
    assert [row.key for row in org.rows("opportunity_changes", since=later)] == [sold["plain"]]
    assert [row.key for row in org.rows("purchase_order_changes", since=later)] == [order]
    assert org.rows("opportunities", since=later) == []
    assert org.rows("purchase_orders", since=later) == []
    (row,) = org.client().fetch("opportunity_changes", [sold["open"]])
    assert set(row.data) == {"Id", "SystemModstamp"}


def test_an_edited_line_is_seen_by_the_stream_of_lines(org: Org, sold: dict[str, str]) -> None:
    now = org.client().server_now()
    org.sandbox.clock.advance(3600)
    (line, *_) = by_key(org, "opportunities")[sold["lines"]]["lines"]
    org.people.edit("OpportunityLineItem", line["Id"], {"Description": "Blue"})
    changed = org.rows("opportunity_lines", since=now + timedelta(minutes=1))
    assert [row.data["OpportunityId"] for row in changed] == [sold["lines"]]


def test_purchase_orders_that_meet_the_condition(org: Org) -> None:
    create = org.people.create
    supplier = create("Account", {"Name": "Supplier", "Fusion_Id__c": "S-1"})
    ready = create("Purchase_Order__c", {"Supplier__c": supplier, "Ready_For_Fusion__c": True, "Status__c": "Draft"})
    create("Purchase_Order_Line__c", {"Purchase_Order__c": ready, "Item__c": "P-1", "Quantity__c": 2})
    other = create("Purchase_Order__c", {"Status__c": "Approved"})
    (row,) = org.rows("purchase_orders")
    assert row.key == ready
    assert row.data["Supplier__r"]["Fusion_Id__c"] == "S-1"
    assert [line["Item__c"] for line in row.data["lines"]] == ["P-1"]
    org.configure(purchase_order_condition="Status__c = 'Approved'")
    assert [row.key for row in org.rows("purchase_orders")] == [other]


def test_the_total_is_counted_for_a_whole_reading_only(org: Org) -> None:
    grow(org, 12)
    org.configure(page_size="5")
    client = org.client()
    pages = list(client.walk("accounts", since=None, until=client.server_now(), after=None))
    assert [len(page.rows) for page in pages] == [5, 5, 2]
    assert [page.total for page in pages] == [12, None, None]
    again = list(client.walk("accounts", since=None, until=client.server_now(), after=pages[0].positions[4]))
    assert [page.total for page in again] == [None, None]
    assert sum(page.calls for page in pages) == 3


def test_a_row_that_changes_during_the_scan_is_not_lost(org: Org) -> None:
    grow(org, 12)
    org.configure(page_size="5")
    client = org.client()
    walk = client.walk("accounts", since=None, until=client.server_now() + timedelta(hours=1), after=None)
    seen = [row.key for row in next(walk).rows]
    org.sandbox.clock.advance(60)
    org.people.edit("Account", seen[0], {"Phone": "1"})
    rest = [row.key for page in walk for row in page.rows]
    assert len(set(seen + rest)) == 12
    assert rest[-1] == seen[0]


def test_since_and_until_bound_a_walk(org: Org) -> None:
    grow(org, 3)
    org.sandbox.clock.advance(3600)
    client = org.client()
    client.describe("Account")
    now = client.server_now()
    grow(org, 2)
    assert len(org.rows("accounts", since=now - timedelta(minutes=15))) == 2
    early = client.walk("accounts", since=None, until=now - timedelta(minutes=15), after=None)
    assert sum(len(page.rows) for page in early) == 3


def test_deleted_and_merged_accounts(org: Org) -> None:
    create = org.people.create
    keep, lose, gone = (create("Account", {"Name": name, "Fusion_Id__c": name}) for name in ("K", "L", "G"))
    client = org.client()
    start = client.server_now() - timedelta(hours=1)
    org.people.merge(keep, lose)
    org.people.delete("Account", gone)
    pages = client.deleted("account", since=start, until=client.server_now() + timedelta(minutes=1))
    found = {row["Fusion_Id__c"]: row["MasterRecordId"] for page in pages for row in page}
    assert found == {"L": keep, "G": None}


def test_deleted_and_merged_accounts_are_a_stream_too(org: Org) -> None:
    create = org.people.create
    keep, lose, gone = (create("Account", {"Name": name, "Fusion_Id__c": name}) for name in ("K", "L", "G"))
    now = org.client().server_now()
    org.sandbox.clock.advance(3600)
    org.people.merge(keep, lose)
    org.people.delete("Account", gone)
    found = by_key(org, "deleted_accounts")
    assert {row["Fusion_Id__c"]: row["MasterRecordId"] for row in found.values()} == {"L": keep, "G": None}
    assert org.rows("deleted_accounts", since=now + timedelta(hours=2)) == []
    client = org.client()
    (page,) = client.walk("deleted_accounts", since=None, until=client.server_now(), after=None)
    assert page.total == 2
    assert [row.key for row in client.fetch("deleted_accounts", [lose])] == [lose]


def test_masters_name_the_account_that_is_left(org: Org) -> None:
    first, second, last, gone, dead, alive = (org.people.create("Account", {"Name": name}) for name in "ABCDEF")
    org.people.merge(second, first)
    org.people.merge(last, second)
    org.people.merge(gone, dead)
    org.people.delete("Account", gone)
    client = org.client()
    asked = [first[:15], second, last, gone, dead, alive, "001000000000000AAA", "no id'"]
    assert client.masters(asked) == {first[:15]: last, second: last, gone: "", dead: ""}


def test_masters_of_many_accounts_fit_into_addresses(org: Org) -> None:
    keep = org.people.create("Account", {"Name": "K"})
    grow(org, 450)
    losers = [row["Id"] for row in org.records("account", "Name") if row["Name"] != "K"]
    for key in losers:
        org.people.merge(keep, key)
    client = org.client()
    client.describe("Account")
    before = client.calls
    assert client.masters(losers) == dict.fromkeys(losers, keep)
    assert client.calls - before == 4  # three portions, and one look at the master


def test_values_of_any_kind_are_found_whatever_their_case(org: Org) -> None:
    names = ["O'Brien \\ Söhne", "50% _off", "Zeile", "tab\tname", "Ünïcode 株式会社"]
    for name in names:
        org.people.create("Account", {"Name": name})
    client = org.client()
    found = client.find("account", "Name", [*names, "nobody", "ZEILE"], ["Phone"])
    assert {name: len(records) for name, records in found.items()} == {
        **dict.fromkeys(names, 1),
        "nobody": 0,
        "ZEILE": 1,
    }


def test_500_keys_are_read_in_a_few_calls(org: Org) -> None:
    client: SalesforceClient = org.client()
    keys = [str(300000000000000 + number) for number in range(500)]
    client.upsert("invoice", [(key, {"Number__c": key}) for key in keys])
    before = client.calls
    found = client.read("invoice", [*keys, "nothing"], fields=["Number__c"])
    assert set(found) == set(keys)
    assert found[keys[7]]["Number__c"] == keys[7]
    assert client.calls - before == 3


def test_records_and_changes(org: Org) -> None:
    client = org.client()
    client.upsert("invoice", [("1", {}), ("2", {})])
    now = client.server_now()
    assert sorted(row["Fusion_Id__c"] for row in org.records("invoice", "Fusion_Id__c")) == ["1", "2"]
    assert list(client.changed_since("invoice", now + timedelta(hours=1), ["Fusion_Id__c"])) == []


def test_a_hidden_field_stops_the_flow_with_the_next_step(org: Org) -> None:
    org.switch(hidden_fields=["Account.Phone"])
    with pytest.raises(StreamRefused, match="permission set"):
        org.rows("accounts")


def test_the_clock_is_the_servers(org: Org) -> None:
    org.sandbox.clock.advance(7200)
    client = org.client()
    ahead = client.server_now().timestamp() - org.sandbox.clock()
    assert -1 < ahead < 3
