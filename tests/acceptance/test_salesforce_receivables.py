"""Invoices, credit memos and payments from Oracle Fusion in Salesforce, over real HTTP, through the real engine."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connections.sandbox.oracle_fusion.attributes import ACTIVITIES, RECEIPTS
from syncs.models import Run
from syncs.reporting import reports
from syncs.reporting import selectors as report_selectors
from syncs.reporting.reconciliation import reconcile
from tests.acceptance.pairs.base import ACTOR
from tests.acceptance.receivables_scene import (
    Build,
    an_open_invoice,
    calls,
    consistent,
    detail,
    invoice,
    lines_of,
    only_receivables,
    pair,
    payments,
    salesforce,
    stage,
    written,
)
from tests.acceptance.stage import Stage

pytestmark = pytest.mark.either_database

__all__ = ["only_receivables", "pair", "stage"]


def test_both_sides_agree_after_the_first_sync(stage: Stage) -> None:
    result = reconcile(stage.sync)
    assert result.equal, result.comparisons
    assert {row.what for row in result.comparisons} == {"invoices", "lines", "open balance", "payments"}
    consistent(stage)


def test_every_oddity_of_a_company_is_mirrored_to_the_last_minor_unit(stage_of: Build) -> None:
    stage = stage_of("demo")
    run = stage.run()
    assert run.status == Run.Status.SUCCEEDED, stage.problems()
    consistent(stage)
    records = salesforce(stage, "Fusion_Invoice__c").values()
    assert {record["Currency_Code__c"] for record in records} == {"USD", "EUR", "GBP", "JPY", "KWD"}
    assert {record["Status__c"] for record in records} >= {"Open", "Paid", "Partly paid", "Credited", "Incomplete"}
    assert {record["Type__c"] for record in records} == {"Invoice", "Credit memo"}
    assert min(record["Amount__c"] for record in records if record["Type__c"] == "Invoice") == -120
    assert {record["Amount__c"] for record in records if record["Currency_Code__c"] == "KWD"} >= {14.46}
    statuses = {
        record["Status__c"] for record in salesforce(stage, "Fusion_Payment__c").values() if "Amount__c" in record
    }
    assert statuses == {"Applied", "Partly applied", "Unapplied", "Reversed"}
    in_parts = [key for key in salesforce(stage, "Fusion_Payment__c") if ":" in key]
    assert len(in_parts) > 10


def test_balances_of_an_account_add_up_to_what_fusion_says_of_the_customer(stage: Stage) -> None:
    stage.sandbox.world.credit_memo_for(an_open_invoice(stage), "5.00")
    stage.run()
    sums: dict[str, Decimal] = {}
    for record in salesforce(stage, "Fusion_Invoice__c").values():
        if record["Currency_Code__c"] == "USD":
            party = record["Account__c"].partition("=")[2]
            sums[party] = sums.get(party, Decimal(0)) + Decimal(str(record["Balance__c"]))
    accounts = stage.sandbox.world.ledger.records.find(ACTIVITIES)
    told = {str(row["CustomerId"]): row["TotalOpenReceivablesForAccount"] for row in accounts}
    assert len(sums) > 1
    assert sums == {party: told[party] for party in sums}


def test_a_difference_is_found_where_it_is(stage: Stage) -> None:
    key = an_open_invoice(stage)
    people = stage.sandbox.systems["salesforce"].people
    people.edit("Fusion_Invoice__c", f"Fusion_Id__c={key}", {"Balance__c": 1.0})
    people.delete("Fusion_Invoice_Line__c", f"Fusion_Id__c={min(lines_of(stage, key))}")
    report = reports.start(stage.sync, actor=ACTOR)
    reports.make(report.pk)
    report.refresh_from_db()
    found = report.lines.order_by("pk")
    record = stage.records("invoices").get(source_key=key)
    month = str(invoice(stage, key)["Invoice_Date__c"])[:7]
    assert [(line.what, line.month, line.record) for line in found] == [
        ("lines", month, record),
        ("open balance", month, record),
    ], report.error_text
    assert found[1].destination_amount == 1
    assert [row.what for row in report_selectors.overall(report) if not row.equal] == ["lines", "open balance"]


def test_a_second_run_and_a_nightly_touch_write_nothing(stage: Stage) -> None:
    stage.sandbox.world.touch(count=12)
    stage.sandbox.world.touch("standardReceipts", count=6)
    again = stage.run()
    assert again.status == Run.Status.SUCCEEDED
    assert (calls(stage), written(stage, again)) == (0, [])


def test_one_changed_line_moves_alone_with_its_invoice(stage: Stage) -> None:
    key = an_open_invoice(stage)
    line = stage.sandbox.world.invoice_changes(key, "reprice")["line"]
    run = stage.run()
    assert written(stage, run) == [str(key)]
    sent = detail(run, key)["sent"]
    assert sent["invoice"].keys() == {"Account__c", "Amount__c", "Balance__c"}
    assert list(sent["lines"]) == [str(line)]
    assert sent["lines"][str(line)].keys() == {"Invoice__c", "Unit_Price__c", "Line_Amount__c"}
    consistent(stage)


@pytest.mark.parametrize(("how", "difference"), [("add", 1), ("remove", -1)])
def test_lines_follow_and_none_is_left_behind(stage: Stage, how: str, difference: int) -> None:
    key = an_open_invoice(stage)
    if how == "remove":
        stage.sandbox.world.invoice_changes(key, "add")
        stage.run()
    before = lines_of(stage, key)
    stage.sandbox.world.invoice_changes(key, how)
    stage.run()
    assert len(lines_of(stage, key)) - len(before) == difference
    consistent(stage)


def test_a_payment_moves_the_balance_though_fusion_does_not_touch_the_invoice(stage: Stage) -> None:
    key = an_open_invoice(stage)
    total = Decimal(str(invoice(stage, key)["Amount__c"]))
    event = stage.sandbox.world.customer_pays(key, "10.00")
    run = stage.run()
    after = invoice(stage, key)
    assert (after["Status__c"], Decimal(str(after["Balance__c"]))) == ("Partly paid", total - 10)
    (payment,) = payments(stage, event["receipt"]).values()
    assert payment["Invoice__c"] == f"Fusion_Id__c={key}"
    assert payment["Account__c"] == after["Account__c"]
    assert (payment["Amount__c"], payment["Applied__c"], payment["Unapplied__c"]) == (10, 10, 0)
    assert payment["Invoices__c"] == f"{after['Number__c']}: 10.00"
    assert payment["Status__c"] == "Applied"
    party = after["Account__c"].partition("=")[2]
    assert stage.records("customers").get(run_id=run.pk).source_key == party, "its open balance moved"
    stage.sandbox.world.customer_pays(key)
    stage.run()
    assert (invoice(stage, key)["Status__c"], invoice(stage, key)["Balance__c"]) == ("Paid", 0)
    consistent(stage)


def test_a_bounced_payment_leaves_the_invoice_and_its_balance_is_back(stage: Stage) -> None:
    key = an_open_invoice(stage)
    total = invoice(stage, key)["Amount__c"]
    receipt = stage.sandbox.world.customer_pays(key)["receipt"]
    stage.run()
    stage.sandbox.world.receipt_reversed(receipt)
    assert stage.run().status == Run.Status.SUCCEEDED
    assert (invoice(stage, key)["Status__c"], invoice(stage, key)["Balance__c"]) == ("Open", total)
    (payment,) = payments(stage, receipt).values()
    assert (payment["Status__c"], payment["Applied__c"]) == ("Reversed", 0)
    assert payment["Reversed_On__c"]
    assert not {"Invoice__c", "Invoices__c"} & payment.keys()
    consistent(stage)


def test_what_one_receipt_gives_to_several_invoices_counts_once(stage: Stage) -> None:
    world, first = stage.sandbox.world, an_open_invoice(stage)
    party = world.ledger.invoice(first)["BillToPartyId"]
    (second,) = world.invoices_arrive(count=1, lines=1, customers=[party])["invoices"]
    receipt = world.customer_pays(first, "900000.00")["receipt"]
    stage.run()
    assert list(payments(stage, receipt)) == [""]
    world.receipt_reapplied(receipt, second)
    stage.run()
    parts = payments(stage, receipt)
    assert set(parts) == {"", str(first), str(second)}
    own = parts.pop("")
    assert own["Amount__c"] == 900000
    assert not {"Applied__c", "Invoice__c"} & own.keys()
    assert all("Amount__c" not in part for part in parts.values())
    assert [part["Invoice__c"] for part in parts.values()] == [f"Fusion_Id__c={key}" for key in parts]
    assert sum(part["Applied__c"] for part in parts.values()) == own["Amount__c"] - own["Unapplied__c"]
    assert own["Status__c"] == "Partly applied"
    consistent(stage)
    world.ledger.unapply(world.ledger.applied(receipt)[0]["ApplicationId"], world.now())
    stage.run()
    (own,) = payments(stage, receipt).values()
    assert own["Invoice__c"] == f"Fusion_Id__c={second}"
    assert own["Applied__c"] == invoice(stage, second)["Amount__c"]
    assert invoice(stage, first)["Status__c"] == "Open"
    consistent(stage)


def test_a_credit_memo_moves_the_balance_at_once_and_stands_beside_the_invoice(stage: Stage) -> None:
    key = an_open_invoice(stage)
    total = Decimal(str(invoice(stage, key)["Amount__c"]))
    memo = stage.sandbox.world.credit_memo_for(key, "5.00")["credit_memo"]
    run = stage.run()
    assert Decimal(str(invoice(stage, key)["Balance__c"])) == total - 5
    assert invoice(stage, key)["Credited__c"] == 5
    shown = invoice(stage, memo)
    assert (shown["Type__c"], shown["Amount__c"], shown["Balance__c"]) == ("Credit memo", -5, 0)
    assert (shown["Status__c"], shown["Account__c"]) == ("Applied", invoice(stage, key)["Account__c"])
    assert sorted(written(stage, run)) == sorted([str(key), str(memo)]), "nothing else of the customer was read again"
    stage.sandbox.world.credit_memo_for(key)
    stage.run()
    assert (invoice(stage, key)["Status__c"], invoice(stage, key)["Balance__c"]) == ("Credited", 0)
    consistent(stage)


def test_a_receipt_of_nobody_is_held_and_goes_when_it_has_a_customer(stage: Stage) -> None:
    receipt = stage.sandbox.world.unidentified_receipt()["receipt"]
    assert stage.run().status == Run.Status.PARTIAL
    assert stage.records("payments").get(source_key=receipt).error_code == "receipt_unidentified"
    assert payments(stage, receipt) == {}
    records = stage.sandbox.world.ledger.records
    account = records.find(ACTIVITIES, limit=1)[0]
    stamp = stage.sandbox.world.now()
    records.update(RECEIPTS, receipt, CustomerAccountNumber=account["AccountNumber"], LastUpdateDate=stamp)
    assert stage.run().status == Run.Status.SUCCEEDED, stage.problems()
    assert payments(stage, receipt)[""]["Account__c"] == f"Fusion_Id__c={account['CustomerId']}"
    consistent(stage)


def test_an_invoice_that_came_before_its_customer_goes_by_itself(stage: Stage) -> None:
    key = stage.sandbox.world.invoice_before_its_customer()["invoice"]
    assert stage.run().status == Run.Status.PARTIAL
    assert stage.records("invoices").get(source_key=key).error_code == "customer_missing"
    stage.sandbox.world.customer_for_waiting_invoice_arrives()
    assert stage.run().status == Run.Status.SUCCEEDED
    assert invoice(stage, key)["Account__c"]
    consistent(stage)
