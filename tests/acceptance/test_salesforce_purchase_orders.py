"""Purchase orders of Salesforce as drafts in Oracle Fusion, over real HTTP, through the real engine."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from connections.sandbox.oracle_fusion import attributes
from syncs.integrations.fusion_salesforce.orders import OrderFlow
from syncs.integrations.fusion_salesforce.purchase_orders import PurchaseOrders
from tests.acceptance.orders_scene import (
    DRAFTS,
    _orders_only,
    account,
    change,
    counts,
    drafted,
    killed,
    later,
    pair,
    people,
    problem,
    purchase,
    record,
    replay,
    salesforce,
    shown,
    stage,
    writes,
)
from tests.acceptance.stage import Stage

pytestmark = pytest.mark.either_database

__all__ = ["_orders_only", "pair", "stage"]


def test_a_purchase_order_becomes_a_draft_and_shows_it(stage: Stage) -> None:
    key = purchase(stage, account(stage, supplier=True))
    assert counts(stage, "purchase_orders") == {"read": 1, "created": 1}
    (draft,) = drafted(stage)[key]
    assert (draft["Supplier"], draft["SupplierSite"], draft["StatusCode"]) == (
        "Pacific Rim Components Inc.",
        "MAIN",
        "INCOMPLETE",
    )
    assert draft["Description"] == f"Salesforce {record(stage, key).title} [{key}]"
    (line,) = draft["lines"]
    assert (line["Item"], float(line["Amount"])) == ("AS100", 125.0)
    assert line["schedules"][0]["RequestedDeliveryDate"] == "2036-12-15"
    found = record(stage, key)
    header = next(iter(stage.sandbox.systems["oracle_fusion"].dump()["draft_purchase_orders"].values()))
    assert (found.destination_id, found.amount) == (str(header["POHeaderId"]), 125)
    assert shown(stage, "Purchase_Order__c", key) == {
        "Fusion_PO_Id__c": found.destination_id,
        "Fusion_PO_Number__c": header["OrderNumber"],
        "Fusion_PO_Status__c": "Incomplete",
    }
    stage.sandbox.reset_stats()
    assert counts(stage, "purchase_orders") == {"read": 1, "unchanged": 1}
    assert counts(stage, "purchase_orders") == {"read": 1, "unchanged": 1}
    assert writes(stage) == []


@pytest.mark.parametrize("searchable", [True, False])
def test_purchase_orders_over_a_line_that_is_cut_are_drafted_once(
    stage: Stage, searchable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.sandbox.set_switches("oracle_fusion", {"like_refused": not searchable})
    supplier = account(stage, supplier=True)
    keys = {purchase(stage, supplier) for _ in range(20)}
    line = {"system": "oracle_fusion", "method": "POST", "path": DRAFTS, "every": 3}
    stage.sandbox.faults.add("cut_after", **line)
    stage.sandbox.faults.add("cut_before", after=1, **line)
    assert counts(stage, "purchase_orders")["waiting"] == 6
    stage.sandbox.faults.clear()
    later(stage, monkeypatch)
    assert counts(stage, "purchase_orders")["created"] == 6
    found = drafted(stage)
    assert found.keys() == keys
    assert {len(documents) for documents in found.values()} == {1}
    more = {purchase(stage, supplier) for _ in range(3)}
    with killed(OrderFlow, "_show"):
        stage.run()
    stage.run()
    assert drafted(stage).keys() == keys | more
    assert {len(documents) for documents in drafted(stage).values()} == {1}
    assert stage.problems() == []


def test_a_purchase_order_is_submitted_once_and_followed(stage: Stage) -> None:
    stage.set_options("purchase_orders", submit="submit")
    stage.sandbox.set_switches("oracle_fusion", {"po_approval": "pending"})
    key = purchase(stage, account(stage, supplier=True))
    stage.run()
    assert shown(stage, "Purchase_Order__c", key)["Fusion_PO_Status__c"] == "Pending Approval"
    stage.sandbox.reset_stats()
    assert counts(stage, "purchase_orders") == {"read": 1, "unchanged": 1}
    assert writes(stage) == []
    for event, status in (("purchase_order_approved", "Open"), ("purchase_order_closed", "Closed")):
        stage.sandbox.world.run(event)
        assert counts(stage, "purchase_orders")["updated"] == 1
        assert shown(stage, "Purchase_Order__c", key)["Fusion_PO_Status__c"] == status
    assert len(drafted(stage)[key]) == 1


def test_a_draft_whose_worker_was_killed_is_submitted_by_the_next(stage: Stage) -> None:
    stage.set_options("purchase_orders", submit="submit")
    key = purchase(stage, account(stage, supplier=True))
    with killed(PurchaseOrders, "advance"):
        stage.run()
    assert [draft["StatusCode"] for draft in drafted(stage)[key]] == ["INCOMPLETE"]
    assert counts(stage, "purchase_orders")["created"] == 1
    assert [order["StatusCode"] for order in drafted(stage)[key]] == ["OPEN"]


def test_a_refused_submission_keeps_the_draft_and_is_repeated_by_a_replay(stage: Stage) -> None:
    stage.set_options("purchase_orders", submit="submit")
    refusal = {"title": "Bad Request", "detail": "The buyer is on leave."}
    stage.sandbox.faults.add("status", system="oracle_fusion", path="action/submit", status=400, body=refusal)
    key = purchase(stage, account(stage, supplier=True))
    stage.run()
    found = record(stage, key)
    assert (found.status, found.error_code) == ("rejected", "fusion_refused")
    assert "The buyer is on leave" in found.error_text
    assert shown(stage, "Purchase_Order__c", key)["Fusion_PO_Id__c"] == found.destination_id
    stage.sandbox.faults.clear()
    replay(stage)
    assert problem(stage, key) == ("synced", "")
    assert shown(stage, "Purchase_Order__c", key)["Fusion_PO_Status__c"] == "Open"
    assert len(drafted(stage)[key]) == 1


def test_a_submission_that_is_forbidden_leaves_drafts_that_are_shown(stage: Stage) -> None:
    stage.set_options("purchase_orders", submit="submit")
    stage.sandbox.faults.add("status", system="oracle_fusion", path="action/submit", status=403, body={"detail": "No."})
    key = purchase(stage, account(stage, supplier=True))
    stage.run()
    assert record(stage, key).status == "rejected"
    assert shown(stage, "Purchase_Order__c", key)["Fusion_PO_Status__c"] == "Incomplete"


def test_drafts_left_to_people_are_not_submitted_later(stage: Stage) -> None:
    key = purchase(stage, account(stage, supplier=True))
    stage.run()
    stage.set_options("purchase_orders", submit="submit")
    stage.run()
    assert problem(stage, key) == ("synced", "")
    assert shown(stage, "Purchase_Order__c", key)["Fusion_PO_Status__c"] == "Incomplete"


def test_a_purchase_order_changed_or_taken_back_is_for_a_person(stage: Stage) -> None:
    key = purchase(stage, account(stage, supplier=True))
    stage.run()
    (line,) = [row.id for row in salesforce(stage)._org.rows.many("Purchase_Order_Line__c")]
    people(stage).edit("Purchase_Order_Line__c", line, {"Unit_Price__c": 15.0})
    people(stage).edit("Purchase_Order__c", key, {"Needed_By__c": "2036-12-31"})
    stage.run()
    found = record(stage, key)
    assert (found.status, found.error_code) == ("held", "purchase_order_changed")
    assert "AS100: price 12.5 → 15; AS100: needed by 2036-12-15 → 2036-12-31" in found.error_text
    ledger = stage.sandbox.systems["oracle_fusion"].dump()
    change(stage, "po_lines", next(iter(ledger["po_lines"].values()))["POLineId"], Price=Decimal(15))
    people(stage).edit("Purchase_Order__c", key, {"Needed_By__c": "2036-12-15"})
    stage.run()
    assert problem(stage, key) == ("synced", ""), record(stage, key).error_text
    people(stage).edit("Purchase_Order__c", key, {"Ready_For_Fusion__c": False})
    stage.run()
    assert problem(stage, key) == ("held", "purchase_order_withdrawn")
    assert "Delete the draft" in record(stage, key).error_text
    stage.sandbox.systems["oracle_fusion"].records.delete(attributes.DRAFT_PURCHASE_ORDERS, "1", ())
    stage.sync.flows.update(checkpoint={"swept_at": (timezone.now() - timedelta(days=2)).isoformat()})
    assert counts(stage, "purchase_orders")["skipped"] == 1


def test_a_purchase_order_waits_for_its_supplier_and_goes_only_if_it_is_still_wanted(stage: Stage) -> None:
    supplier = account(stage, known=False, supplier=True)
    name = people(stage).find("Account", supplier).doc["Name"]
    people(stage).edit("Account", supplier, {"Name": "Nobody knows"})
    wanted, taken_back = purchase(stage, supplier), purchase(stage, supplier)
    stage.run()
    assert problem(stage, wanted) == problem(stage, taken_back) == ("waiting", "account_unmatched")
    people(stage).edit("Purchase_Order__c", taken_back, {"Ready_For_Fusion__c": False})
    people(stage).edit("Account", supplier, {"Name": name})
    for row in stage.sandbox.systems["oracle_fusion"].dump()["suppliers"].values():
        stage.sandbox.world.run("supplier_changes", {"supplier": row["SupplierId"]})
    stage.run()
    assert (problem(stage, wanted), problem(stage, taken_back)) == (("synced", ""), ("skipped", ""))
    assert drafted(stage).keys() == {wanted}
