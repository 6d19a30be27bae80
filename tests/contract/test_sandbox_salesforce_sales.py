"""Opportunities, lines, stamps, merges, change lists, seeds and events of the imitated Salesforce."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from connections.sandbox import Sandbox
from connections.sandbox.oracle_fusion.seed_names import CUSTOMERS, ITEMS
from connections.sandbox.salesforce import Salesforce
from connections.sandbox.salesforce.rows import stamp_of
from connections.sandbox.store import Store
from tests.contract.sandbox_salesforce import NOON, Organization, org

__all__ = ["org"]


def test_the_stage_says_whether_it_is_won(org: Organization) -> None:
    key = org.opportunity(Amount=100)
    read = org.ok("GET", f"/sobjects/Opportunity/{key}")
    assert (read["IsWon"], read["IsClosed"], read["Amount"]) == (False, False, 100.0)
    org.clock.advance(60)
    org.ok("PATCH", f"/sobjects/Opportunity/{key}", {"StageName": "Closed Won"}, 204)
    won = org.query("SELECT Id, LastStageChangeDate FROM Opportunity WHERE IsWon = true")["records"]
    assert won[0]["LastStageChangeDate"] == stamp_of(NOON + 60)
    assert org.refused("PATCH", f"/sobjects/Opportunity/{key}", {"IsWon": False})["errorCode"] == (
        "INVALID_FIELD_FOR_INSERT_UPDATE"
    )


def test_lines_make_the_amount_and_move_the_stamp(org: Organization) -> None:
    key = org.opportunity(Amount=1)
    org.clock.advance(10)
    line = {"OpportunityId": key, "PricebookEntryId": org.entry(), "Quantity": 2}
    assert org.refused("POST", "/sobjects/OpportunityLineItem", line)["errorCode"] == "REQUIRED_FIELD_MISSING"
    made = org.create("OpportunityLineItem", **line, UnitPrice=10, Discount=10)
    read = org.ok("GET", f"/sobjects/OpportunityLineItem/{made}")
    assert (read["TotalPrice"], read["ProductCode"], read["ListPrice"]) == (18.0, "AS100", 49.5)
    parent = org.ok("GET", f"/sobjects/Opportunity/{key}")
    assert (parent["Amount"], parent["HasOpportunityLineItem"]) == (18.0, True)
    assert parent["SystemModstamp"] == stamp_of(NOON + 10)
    org.ok("PATCH", f"/sobjects/Opportunity/{key}", {"Amount": 999}, 204)
    assert org.ok("GET", f"/sobjects/Opportunity/{key}")["Amount"] == 18.0
    org.clock.advance(10)
    org.ok("PATCH", f"/sobjects/OpportunityLineItem/{made}", {"Description": "x"}, 204)
    assert org.stamp("OpportunityLineItem", made) == stamp_of(NOON + 20)
    assert org.stamp("Opportunity", key) == stamp_of(NOON + 10)
    org.switch(line_edit_touches_parent=True)
    org.ok("PATCH", f"/sobjects/OpportunityLineItem/{made}", {"Description": "y"}, 204)
    assert org.stamp("Opportunity", key) == stamp_of(NOON + 20)
    org.ok("DELETE", f"/sobjects/Opportunity/{key}", status=204)
    assert org.query("SELECT COUNT() FROM OpportunityLineItem")["totalSize"] == 0


def test_a_merge_deletes_the_loser_and_names_the_winner(org: Organization) -> None:
    keep, lose = org.create("Account", Name="Keep"), org.create("Account", Name="Lose", Fusion_Id__c="C-1")
    child = org.opportunity(AccountId=lose)
    org.salesforce.people.merge("Name=Keep", lose)
    found = org.query(f"SELECT MasterRecordId, Fusion_Id__c FROM Account WHERE Id = '{lose}'", "queryAll")["records"][0]
    assert (found["MasterRecordId"], found["Fusion_Id__c"]) == (keep, "C-1")
    assert org.ok("GET", f"/sobjects/Opportunity/{child}")["AccountId"] == keep
    assert org.upsert([{"Name": "New", "Fusion_Id__c": "C-1"}])[0]["created"] is True
    with pytest.raises(ValueError, match="merged with itself"):
        org.salesforce.people.merge(keep, keep)


def test_change_lists(org: Organization) -> None:
    key, gone = org.create("Account", Name="A"), org.create("Account", Name="B")
    org.clock.advance(30)
    org.ok("DELETE", f"/sobjects/Account/{gone}", status=204)
    window = {"start": "2026-11-18T11:00:00Z", "end": "2026-11-18T12:00:00+00:00"}
    changed = org.ok("GET", "/sobjects/Account/updated/", params=window)
    assert changed == {"ids": [key], "latestDateCovered": "2026-11-18T12:00:00.000+0000"}
    deleted = org.ok("GET", "/sobjects/Account/deleted/", params=window)
    assert deleted["deletedRecords"] == [{"id": gone, "deletedDate": stamp_of(NOON + 30)}]
    for wrong in ({"end": window["start"]}, {"start": "2026-01-01T00:00:00Z"}, {"start": "soon"}):
        error = org.refused("GET", "/sobjects/Account/deleted", params=window | wrong)
        assert error["errorCode"] == "INVALID_REPLICATION_DATE"


def test_deleting_empties_lookups(org: Organization) -> None:
    parent = org.create("Account", Name="A")
    org.upsert([{"Fusion_Id__c": "I-1", "Account__c": parent}], "Fusion_Invoice__c")
    org.ok("DELETE", f"/sobjects/Account/{parent}", status=204)
    assert org.query("SELECT Account__c FROM Fusion_Invoice__c")["records"][0]["Account__c"] is None


def test_seeds(org: Organization) -> None:
    demo = Salesforce(Store(), lambda: NOON)
    demo.seed("demo")
    demo.seed("demo")
    state = demo.dump()
    assert len(state["Account"]) == 60
    assert {"~Oak & Ivy Interiors", "~Oak & Ivy Interiors#2", "~Harborlight Manufacturing Inc."} <= set(
        state["Account"]
    )
    deals = state["Opportunity"].values()
    assert (len(deals), sum(deal["IsWon"] for deal in deals)) == (18, 6)
    assert all(deal["HasOpportunityLineItem"] and deal["Amount"] > 0 for deal in deals)
    assert not any(state["custom"].values())
    small = org.salesforce.dump()
    assert (small["Account"], len(small["Product2"])) == ({}, 12)
    assert "Fusion_Id__c" in small["custom"]["Account"]
    with pytest.raises(ValueError, match="unknown seed"):
        demo.seed("nope")


def test_the_rows_outlive_the_process(tmp_path: Path) -> None:
    first = Organization(str(tmp_path / "org.sqlite"))
    first.upsert([{"Name": "A", "Fusion_Id__c": "C-1"}])
    before = first.salesforce.dump()
    first.stop()
    second = Organization(str(tmp_path / "org.sqlite"))
    try:
        assert second.salesforce.dump() == before
        assert second.upsert([{"Fusion_Id__c": "C-1", "Fax": "1"}])[0]["created"] is False
    finally:
        second.stop()


def test_people_and_events(org: Organization) -> None:
    events = org.salesforce.events
    key = events["salesforce_record_created"]("Account", {"Name": "A", "Fusion_Id__c": "C-1"})["id"]
    assert events["salesforce_record_edited"]("Account", "Fusion_Id__c=C-1", {"Fax": "1"}) == {"id": key}
    deal = org.opportunity(AccountId=key)
    assert events["salesforce_opportunity_won"]() == {"id": deal}
    assert org.ok("GET", f"/sobjects/Opportunity/{deal}")["IsWon"] is True
    events["salesforce_record_deleted"]("Account", key)
    with pytest.raises(ValueError, match="there is no Account"):
        events["salesforce_record_deleted"]("Account", key)
    with pytest.raises(ValueError, match="no opportunity is open"):
        events["salesforce_opportunity_won"]()


def test_a_won_deal_changes_and_is_reopened(org: Organization) -> None:
    events = org.salesforce.events
    with pytest.raises(ValueError, match="no opportunity is won"):
        events["salesforce_opportunity_reopened"]()
    account = org.create("Account", Name="A", Fusion_Id__c="C-1")
    org.opportunity(Name="Of a stranger")
    deal = org.opportunity(AccountId=account)
    line = {"OpportunityId": deal, "PricebookEntryId": org.entry(), "Quantity": 2, "UnitPrice": 10}
    other = org.opportunity(AccountId=org.create("Account", Name="B"))
    org.create("OpportunityLineItem", **line)
    org.create("OpportunityLineItem", **(line | {"OpportunityId": other}))
    assert events["salesforce_opportunity_won"]() == {"id": deal}
    org.clock.advance(60)
    assert events["salesforce_opportunity_won"]() == {"id": other}
    org.ok("PATCH", f"/sobjects/Opportunity/{deal}", {"Fusion_Order_Number__c": "71"}, 204)
    assert events["salesforce_opportunity_edited"]()["id"] == deal
    assert org.ok("GET", f"/sobjects/Opportunity/{deal}")["Amount"] == 30.0
    assert events["salesforce_opportunity_reopened"]() == {"id": deal}
    assert org.ok("GET", f"/sobjects/Opportunity/{deal}")["IsWon"] is False
    assert events["salesforce_opportunity_lost"](key=other) == {"id": other}
    read = org.ok("GET", f"/sobjects/Opportunity/{other}")
    assert (read["IsClosed"], read["IsWon"]) == (True, False)


def test_a_deal_without_lines_becomes_dearer(org: Organization) -> None:
    deal = org.opportunity(Amount=100, StageName="Closed Won")
    org.salesforce.events["salesforce_opportunity_edited"]()
    assert org.ok("GET", f"/sobjects/Opportunity/{deal}")["Amount"] == 110.0


def test_accounts_are_renamed_and_merged(org: Organization) -> None:
    events = org.salesforce.events
    for name, words in (("renamed", "let the sync run"), ("merged", "say keep and lose")):
        event = events[f"salesforce_account{'' if name == 'renamed' else 's'}_{name}"]
        with pytest.raises(ValueError, match=words):
            event()
    org.create("Account", Name="Stranger")
    twin = org.create("Account", Name="Brightwater Ltd")
    known = org.create("Account", Name="BRIGHTWATER", Fusion_Id__c="C-1")
    assert events["salesforce_account_renamed"](name="Brightwater Limited") == {"id": known}
    assert events["salesforce_accounts_merged"]() == {"id": twin, "lost": known}
    assert org.names("Name != null") == ["Brightwater Ltd", "Stranger"]


def test_a_buyer_raises_a_purchase_order(org: Organization) -> None:
    event = org.salesforce.events["salesforce_purchase_order_raised"]
    with pytest.raises(ValueError, match="no account is a supplier"):
        event()
    supplier = {"Fusion_Role__c": "Supplier"}
    org.create("Account", Name="Abroad", BillingCountry="AT", Fusion_Id__c="S-1", **supplier)
    home = org.create("Account", Name="At home", BillingCountry="US", Fusion_Id__c="S-2", **supplier)
    made = event()
    read = org.ok("GET", f"/sobjects/Purchase_Order__c/{made['id']}")
    assert (made["supplier"], read["Supplier__c"], read["Ready_For_Fusion__c"]) == (home, home, True)
    assert read["Name"] == "Purchase Order-00001"
    lines = org.query("SELECT Item__c, Quantity__c FROM Purchase_Order_Line__c ORDER BY Item__c")["records"]
    assert [(line["Item__c"], line["Quantity__c"]) for line in lines] == [("AS100", 10.0), ("AS205", 20.0)]
    draft = event(supplier="Name=Abroad", currency="EUR", lines="1", ready="false")
    read = org.ok("GET", f"/sobjects/Purchase_Order__c/{draft['id']}")
    assert (read["Currency_Code__c"], read["Ready_For_Fusion__c"], len(draft["lines"])) == ("EUR", False, 1)


def test_an_org_without_purchase_orders_says_so() -> None:
    bare = Salesforce(Store(), lambda: NOON)
    with pytest.raises(ValueError, match="prepare the connection"):
        bare.events["salesforce_purchase_order_raised"]()


def test_the_demo_sells_what_finance_has_to_customers_of_its_names() -> None:
    demo = Salesforce(Store(), lambda: NOON)
    demo.seed("demo")
    rows = demo.org.rows
    deals = [row for row in rows.many("Opportunity") if not row.doc["IsClosed"]]
    names = {customer.name for customer in CUSTOMERS}
    named = [deal for deal in deals if rows.get(deal.doc["AccountId"]).doc["Name"] in names]  # type: ignore[union-attr]
    assert len(named) >= len(deals) * 2 // 3
    assert named[0] == deals[0]
    items = {code for code, _ in ITEMS}
    assert {line.doc["ProductCode"] for line in rows.many("OpportunityLineItem")} <= items


def test_it_stands_in_the_sandbox_with_the_others() -> None:
    with Sandbox(seed="small", systems=("salesforce",)) as sandbox:
        assert sandbox.url("salesforce").startswith("http://127.0.0.1:")
        made = {"type": "Account", "fields": {"Name": "A"}}
        assert sandbox.world.run("salesforce_record_created", made)["id"].startswith("001")
        page = requests.get(sandbox.url("control"), timeout=10).text
        assert "In Salesforce" in page
        assert "A buyer raises a purchase order" in page
        assert "A customer pays" not in page
        assert "A record is deleted" not in page
        address = f"{sandbox.url('control')}/events/salesforce_opportunity_won"
        assert "no opportunity is open" in requests.post(address, data={"key": ""}, timeout=10).text
