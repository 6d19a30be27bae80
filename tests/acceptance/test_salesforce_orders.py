"""Won opportunities of Salesforce as sales orders in Oracle Fusion, over real HTTP, through the real engine."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from audit.models import AuditEntry
from connections.sandbox.oracle_fusion import attributes
from syncs.integrations.fusion_salesforce.opportunities import Opportunities
from syncs.integrations.fusion_salesforce.orders import OrderFlow
from syncs.models import Run
from tests.acceptance.orders_scene import (
    ORDERS,
    _orders_only,
    account,
    change,
    counts,
    deal,
    killed,
    later,
    ordered,
    pair,
    people,
    problem,
    product,
    record,
    replay,
    salesforce,
    shown,
    stage,
    writes,
)
from tests.acceptance.stage import Stage

__all__ = ["_orders_only", "pair", "stage"]

pytestmark = pytest.mark.either_database


def test_a_thousand_deals_over_a_line_that_is_cut_are_a_thousand_orders(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every seventh create is cut off when it was applied, every seventh before."""
    buyer = account(stage)
    keys = {deal(stage, buyer, Name=f"Deal {number}") for number in range(1000)}
    stage.sandbox.set_switches("oracle_fusion", {"duplicate_orders": "double"})
    line = {"system": "oracle_fusion", "method": "POST", "path": ORDERS, "every": 7}
    stage.sandbox.faults.add("cut_after", **line)
    stage.sandbox.faults.add("cut_before", after=3, **line)
    first = stage.counts(stage.run())["opportunities"]
    assert first == {"read": 1000, "created": 858, "waiting": 142}
    later(stage, monkeypatch)
    stage.run(only_due=True)
    assert stage.records("opportunities", status="waiting").exists()
    stage.sandbox.faults.clear()
    later(stage, monkeypatch)
    stage.run(only_due=True)
    found = ordered(stage)
    assert found.keys() == keys
    assert {len(documents) for documents in found.values()} == {1}
    told = {row.doc["Fusion_Order_Key__c"] for row in salesforce(stage)._org.rows.many("Opportunity")}
    assert told == {f"SFDC:{key}" for key in keys}
    stage.sandbox.reset_stats()
    again = stage.counts(stage.run())["opportunities"]
    assert (writes(stage), again.keys() - {"read", "unchanged"}) == ([], set())


def test_a_won_opportunity_becomes_an_order_and_shows_it(stage: Stage) -> None:
    key = deal(stage, account(stage), {"Discount": 10.0}, {"Quantity": 1.5, "ServiceDate": "2036-01-31"})
    assert counts(stage) == {"read": 1, "created": 1}
    (order,) = ordered(stage)[key]
    assert (order["StatusCode"], order["BuyingPartyName"]) == ("DOO_DRAFT", "Harborlight Manufacturing Inc.")
    assert [(line["ProductNumber"], float(line["OrderedQuantity"])) for line in order["lines"]] == [
        ("AS100", 2.0),
        ("AS205", 1.5),
    ]
    assert [float(line["ExtendedAmount"]) for line in order["lines"]] == [89.1, 74.25]
    assert order["billToCustomer"][0]["CustomerAccountId"]
    assert shown(stage, "Opportunity", key) == {
        "Fusion_Order_Key__c": f"SFDC:{key}",
        "Fusion_Order_Status__c": "DOO_DRAFT",
    }
    found = record(stage, key)
    header = next(iter(stage.sandbox.systems["oracle_fusion"].dump()["sales_orders"].values()))
    assert (found.title, found.destination_id) == ("Line extension", str(header["HeaderId"]))
    entry = AuditEntry.objects.get(source_ref=key, outcome="created")
    assert json.loads(entry.detail)["answer"]["id"] == str(header["HeaderId"])
    stage.sandbox.reset_stats()
    assert counts(stage) == {"read": 1, "unchanged": 1}
    assert counts(stage) == {"read": 1, "unchanged": 1}
    assert writes(stage) == []


def test_bill_to_sites_that_may_not_be_seen_stop_no_order(stage: Stage) -> None:
    sites = {"system": "oracle_fusion", "path": "SiteActivities"}
    stage.sandbox.faults.add("status", status=403, body={"detail": "No."}, **sites)
    key = deal(stage, account(stage))
    assert counts(stage) == {"read": 1, "created": 1}
    assert "billToCustomer" not in json.loads(record(stage, key).payload)["document"]["order"]


def test_a_worker_killed_after_the_create_makes_no_second_order(stage: Stage) -> None:
    buyer = account(stage)
    keys = {deal(stage, buyer) for _ in range(3)}
    stage.sandbox.set_switches("oracle_fusion", {"duplicate_orders": "double"})
    with killed(OrderFlow, "_show"):
        assert stage.run().status == Run.Status.FAILED
    assert {record.error_code for record in stage.records("opportunities")} == {"writing"}
    assert counts(stage) == {"read": 3, "created": 3}
    assert ordered(stage).keys() == keys
    assert counts(stage) == {"read": 3, "unchanged": 3}


def test_a_worker_killed_around_the_create_leaves_time_for_it_to_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows whether the call is still running over there: what is not found is sent again later only."""
    key = deal(stage, account(stage))
    with killed(Opportunities, "create"):
        stage.run()
    assert counts(stage) == {"read": 1, "waiting": 1}
    people(stage).edit("Opportunity", key, {"Name": "Renamed"})
    assert counts(stage) == {"read": 1, "waiting": 1}
    assert ordered(stage) == {}
    later(stage, monkeypatch)
    assert counts(stage) == {"read": 1, "created": 1}
    assert len(ordered(stage)[key]) == 1


def test_an_order_that_appears_after_its_line_was_cut_is_taken_for_ours(stage: Stage) -> None:
    key = deal(stage, account(stage))
    stage.sandbox.faults.add("cut_before", system="oracle_fusion", method="POST", path=ORDERS, times=1)
    assert counts(stage) == {"read": 1, "waiting": 1}
    sent = json.loads(record(stage, key).payload, parse_float=Decimal)["document"]["order"]
    stage.sandbox.systems["oracle_fusion"].writing.sales_orders.create(sent)
    assert counts(stage) == {"read": 1, "created": 1}
    assert len(ordered(stage)[key]) == 1


def test_a_changed_deal_is_noticed_although_the_worker_was_killed(stage: Stage) -> None:
    """The order was made of what the opportunity was, which nobody has written down."""
    key = deal(stage, account(stage))
    with killed(OrderFlow, "_show"):
        stage.run()
    people(stage).edit("OpportunityLineItem", product(stage, key), {"Quantity": 3.0})
    stage.run()
    assert problem(stage, key) == ("held", "opportunity_changed")
    assert "AS100: quantity 2 → 3" in record(stage, key).error_text


def test_the_status_of_an_order_follows(stage: Stage) -> None:
    key = deal(stage, account(stage))
    stage.run()
    for event, status in (("order_submitted", "OPEN"), ("order_ships", "CLOSED")):
        number = stage.sandbox.world.run(event, {"order": key})["number"]
        assert counts(stage)["updated"] == 1
        expected = {
            "Fusion_Order_Key__c": f"SFDC:{key}",
            "Fusion_Order_Status__c": status,
            "Fusion_Order_Number__c": number,
        }
        assert shown(stage, "Opportunity", key) == expected
    assert counts(stage) == {"read": 1, "unchanged": 1}


def test_a_reopened_opportunity_is_for_a_person_until_its_order_is_cancelled(stage: Stage) -> None:
    stage.set_options("opportunities", submit="submit")
    key = deal(stage, account(stage))
    stage.run()
    people(stage).edit("Opportunity", key, {"StageName": "Negotiation/Review"})
    stage.run()
    assert problem(stage, key) == ("held", "opportunity_reopened")
    number = shown(stage, "Opportunity", key)["Fusion_Order_Number__c"]
    assert f"sales order {number}" in record(stage, key).error_text
    people(stage).win(key)
    stage.run()
    assert problem(stage, key) == ("synced", "")
    people(stage).edit("Opportunity", key, {"StageName": "Negotiation/Review"})
    stage.run()
    stage.sandbox.world.run("order_canceled", {"order": key})
    stage.run()
    assert problem(stage, key) == ("synced", "")
    assert shown(stage, "Opportunity", key)["Fusion_Order_Status__c"] == "CANCELED"
    people(stage).win(key)
    stage.run()
    assert problem(stage, key) == ("synced", "")
    assert len(ordered(stage)[key]) == 1


def test_an_opportunity_changed_after_its_order_is_for_a_person(stage: Stage) -> None:
    key = deal(stage, account(stage), {}, {})
    stage.run()
    line = product(stage, key)
    people(stage).edit("OpportunityLineItem", line, {"Quantity": 3.0})
    people(stage).delete("OpportunityLineItem", product(stage, key, 1))
    stage.run()
    found = record(stage, key)
    assert (found.status, found.error_code) == ("held", "opportunity_changed")
    for words in (
        "amount 198 → 148.5",
        "AS100: quantity 2 → 3",
        "AS205 × 2 removed",
        f"(draft, ID {found.destination_id})",
    ):
        assert words in found.error_text
    fusion = stage.sandbox.systems["oracle_fusion"]
    stage.sandbox.world.run("order_submitted", {"order": key})
    stage.run()
    assert problem(stage, key) == ("held", "opportunity_changed")
    assert shown(stage, "Opportunity", key)["Fusion_Order_Status__c"] == "OPEN"
    first, second = (line["LineId"] for line in fusion.dump()["order_lines"].values())
    change(stage, "order_lines", first, OrderedQuantity=3, ExtendedAmount=Decimal("148.50"))
    change(stage, "order_lines", second, CanceledFlag=True)
    stage.sandbox.world.run("order_ships", {"order": key})
    stage.run()
    assert problem(stage, key) == ("synced", ""), record(stage, key).error_text
    people(stage).edit("OpportunityLineItem", line, {"UnitPrice": 50.0})
    stage.run()
    assert problem(stage, key) == ("held", "opportunity_changed")
    people(stage).edit("OpportunityLineItem", line, {"UnitPrice": 49.5})
    stage.run()
    assert problem(stage, key) == ("synced", "")
    assert len(ordered(stage)[key]) == 1


def test_changed_options_are_for_new_orders(stage: Stage) -> None:
    key = deal(stage, account(stage))
    stage.run()
    stage.set_options("opportunities", ship_days="7", submit="submit", unit="Hr", source_system="OPS", prices="fusion")
    stage.sandbox.reset_stats()
    assert counts(stage) == {"read": 1, "unchanged": 1}
    assert writes(stage) == []
    assert ordered(stage)[key][0]["StatusCode"] == "DOO_DRAFT"


def test_a_deal_waits_for_its_customer(stage: Stage) -> None:
    buyer = account(stage, known=False)
    name = people(stage).find("Account", buyer).doc["Name"]
    people(stage).edit("Account", buyer, {"Name": "Nobody knows"})
    key = deal(stage, buyer)
    stage.run()
    found = record(stage, key)
    assert (found.status, found.error_code, found.waits_for) == ("waiting", "account_unmatched", f"customers:@{buyer}")
    people(stage).edit("Account", buyer, {"Name": name})
    customer = stage.sandbox.systems["oracle_fusion"].dump()["accounts"]
    stage.sandbox.world.run("customer_changes", {"customer": next(iter(customer.values()))["PartyId"]})
    stage.run()
    assert problem(stage, key) == ("synced", "")
    assert len(ordered(stage)[key]) == 1


def test_what_fusion_refuses_is_told_in_its_words(stage: Stage) -> None:
    buyer = account(stage)
    good, bad = deal(stage, buyer), deal(stage, buyer)
    line = people(stage).find("OpportunityLineItem", product(stage, bad)).doc
    other = people(stage).create("Product2", {"Name": "Anchor", "ProductCode": "ZZ999", "IsActive": True})
    people(stage).edit("OpportunityLineItem", product(stage, bad), {"Product2Id": other, "ProductCode": "ZZ999"})
    stage.run()
    assert problem(stage, good) == ("synced", "")
    assert problem(stage, bad) == ("rejected", "fusion_refused")
    assert "ZZ999" in record(stage, bad).error_text
    assert counts(stage)["rejected"] == 1
    people(stage).edit("OpportunityLineItem", product(stage, bad), {"ProductCode": line["ProductCode"]})
    stage.run()
    assert problem(stage, bad) == ("synced", "")


def test_an_order_that_could_not_be_shown_is_not_made_again(stage: Stage) -> None:
    key = deal(stage, account(stage))
    refusal = [{"message": "Not in this quarter.", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}]
    stage.sandbox.faults.add(
        "status", system="salesforce", method="PATCH", contains="Fusion_Order", status=400, body=refusal
    )
    stage.run()
    assert problem(stage, key) == ("rejected", "order_not_shown")
    found = record(stage, key)
    assert "stands in Oracle Fusion" in found.error_text
    assert "Not in this quarter." in found.error_text
    assert found.destination_id
    stage.sandbox.faults.clear()
    replay(stage)
    assert problem(stage, key) == ("synced", "")
    assert shown(stage, "Opportunity", key)["Fusion_Order_Key__c"] == f"SFDC:{key}"
    assert len(ordered(stage)[key]) == 1


def test_an_order_that_vanished_is_made_again_only_if_somebody_says_so(stage: Stage) -> None:
    key = deal(stage, account(stage))
    stage.run()
    ledger = stage.sandbox.systems["oracle_fusion"].records
    ledger.delete(attributes.SALES_ORDERS, "1", ())
    replay(stage)
    assert problem(stage, key) == ("held", "order_gone")
    people(stage).edit("Opportunity", key, {"Fusion_Order_Key__c": None})
    stage.run()
    assert problem(stage, key) == ("synced", "")
    assert len(ordered(stage)[key]) == 1


def test_deals_won_before_the_sync_are_left_alone_unless_all_are_wanted(stage: Stage) -> None:
    key = deal(stage, account(stage))
    stage.sync.created_at = timezone.now() + timedelta(hours=1)
    stage.sync.save()
    assert counts(stage) == {"read": 1, "skipped": 1}
    stage.set_options("opportunities", history="all")
    assert counts(stage)["created"] == 1
    assert len(ordered(stage)[key]) == 1
