"""Receivables that Salesforce refuses or loses, orgs that differ, and what a sync costs of an org's calls."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from syncs import services
from syncs.models import Run
from tests.acceptance.pairs.base import ACTOR
from tests.acceptance.receivables_scene import (
    Build,
    an_open_invoice,
    consistent,
    invoice,
    lines_of,
    only_receivables,
    pair,
    payments,
    salesforce,
    stage,
)
from tests.acceptance.stage import Stage

pytestmark = pytest.mark.either_database

__all__ = ["only_receivables", "pair", "stage"]


def refuse(stage: Stage, object_name: str, contains: str) -> None:
    rule = {
        "object": object_name,
        "contains": contains,
        "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "message": "Not in this org.",
    }
    stage.sandbox.set_switches("salesforce", {"refuse_rows": [rule] if contains else []})


def test_of_a_refused_invoice_no_line_is_sent(stage: Stage) -> None:
    (key,) = stage.sandbox.world.invoices_arrive(count=1)["invoices"]
    refuse(stage, "Fusion_Invoice__c", str(key))
    assert stage.run().status == Run.Status.PARTIAL
    record = stage.records("invoices").get(source_key=key)
    assert (record.status, record.error_code) == ("rejected", "salesforce_validation_rule")
    assert str(key) not in salesforce(stage, "Fusion_Invoice__c")
    assert all(line.get("Invoice__c") for line in salesforce(stage, "Fusion_Invoice_Line__c").values())


def test_a_refused_line_rejects_the_invoice_by_its_number_and_the_next_attempt_repairs_it(stage: Stage) -> None:
    (key,) = stage.sandbox.world.invoices_arrive(count=1, lines=3)["invoices"]
    second = stage.sandbox.world.ledger.lines(key)[1]["CustomerTransactionLineId"]
    refuse(stage, "Fusion_Invoice_Line__c", str(second))
    assert stage.run().status == Run.Status.PARTIAL
    record = stage.records("invoices").get(source_key=key)
    assert record.status == "rejected"
    assert record.error_text.startswith("Line 2: A validation rule")
    assert len(lines_of(stage, key)) == 2
    refuse(stage, "Fusion_Invoice_Line__c", "")
    _, run = services.replay(stage.records("invoices", source_key=str(key)), sync=stage.sync, actor=ACTOR)
    assert run is not None
    assert stage.execute(run).status == Run.Status.SUCCEEDED
    assert len(lines_of(stage, key)) == 3
    consistent(stage)


def test_a_line_that_vanished_after_a_refusal_is_deleted_all_the_same(stage: Stage) -> None:
    key = an_open_invoice(stage)
    stage.sandbox.world.invoice_changes(key, "add")
    stage.run()
    last = str(stage.sandbox.world.ledger.lines(key)[-1]["CustomerTransactionLineId"])
    stage.sandbox.world.invoice_changes(key, "reprice")
    refuse(stage, "Fusion_Invoice_Line__c", "Unit_Price__c")
    assert stage.run().status == Run.Status.PARTIAL
    refuse(stage, "Fusion_Invoice_Line__c", "")
    stage.sandbox.world.invoice_changes(key, "remove")
    assert stage.run().status == Run.Status.SUCCEEDED
    assert last not in salesforce(stage, "Fusion_Invoice_Line__c")
    consistent(stage)


def test_an_invoice_deleted_in_salesforce_is_made_whole_again_by_its_next_change(stage: Stage) -> None:
    key = an_open_invoice(stage)
    first = stage.sandbox.world.customer_pays(key, "20.00")["receipt"]
    stage.run()
    before, lines = invoice(stage, key), lines_of(stage, key)
    people = stage.sandbox.systems["salesforce"].people
    people.delete("Fusion_Invoice__c", f"Fusion_Id__c={key}")
    assert "Invoice__c" not in payments(stage, first)[""]
    receipt = stage.sandbox.world.customer_pays(key, "10.00")["receipt"]
    assert stage.run().status == Run.Status.SUCCEEDED, stage.problems()
    assert invoice(stage, key) | {name: before[name] for name in ("Balance__c", "Status__c", "Name")} == before
    assert lines_of(stage, key).keys() == lines.keys()
    assert {payments(stage, each)[""].get("Invoice__c") for each in (first, receipt)} == {f"Fusion_Id__c={key}"}
    consistent(stage)


def test_invoices_of_a_deleted_account_wait_for_the_customer_and_go_by_themselves(stage: Stage) -> None:
    key = an_open_invoice(stage)
    owner = invoice(stage, key)["Account__c"]
    people = stage.sandbox.systems["salesforce"].people
    people.delete("Account", owner)
    stage.sandbox.world.invoice_changes(key, "reprice")
    stage.sandbox.world.customer_pays(key, "10.00")
    assert stage.run().status == Run.Status.PARTIAL
    waiting = stage.records(status="waiting")
    assert {(record.flow.key, record.error_code) for record in waiting} == {
        ("invoices", "account_gone"),
        ("payments", "account_gone"),
    }
    party = owner.partition("=")[2]
    assert {record.waits_for for record in waiting} == {f"customers:{party}"}
    stage.sandbox.world.customer_changes(int(party), name="Another Name Ltd")
    assert stage.run().status == Run.Status.SUCCEEDED, stage.problems()
    assert invoice(stage, key)["Account__c"] == owner
    consistent(stage)


def test_parts_of_an_earlier_installation_are_found_and_put_right(stage: Stage) -> None:
    """As after a crash between writing and settling: Salesforce has them, and nothing here says so."""
    world, key = stage.sandbox.world, an_open_invoice(stage)
    party = world.ledger.invoice(key)["BillToPartyId"]
    (second,) = world.invoices_arrive(count=1, lines=1, customers=[party])["invoices"]
    receipt = world.customer_pays(second, "900000.00")["receipt"]
    world.receipt_reapplied(receipt, key)
    world.invoice_changes(key, "add")
    stage.run()
    assert len(payments(stage, receipt)) == 3
    before, lines = stage.sandbox.systems["salesforce"].dump(), lines_of(stage, key)
    stage.records("invoices").delete()
    stage.records("payments").delete()
    world.receipt_unapplied(receipt)
    world.invoice_changes(key, "remove")
    assert stage.run(backfill_from=date(2020, 1, 1)).status == Run.Status.SUCCEEDED, stage.problems()
    assert list(payments(stage, receipt)) == [""]
    assert len(lines_of(stage, key)) == len(lines) - 1
    assert salesforce(stage, "Fusion_Invoice__c").keys() == {
        name.removeprefix("Fusion_Id__c=") for name in before["Fusion_Invoice__c"]
    }
    consistent(stage)


def test_a_payment_of_an_invoice_deleted_in_salesforce_waits_for_it(stage: Stage) -> None:
    """Another receipt takes the place of the first: nothing about the invoice changes, so it is not made again."""
    world, key = stage.sandbox.world, an_open_invoice(stage)
    first = world.customer_pays(key, "10.00")["receipt"]
    stage.run()
    stage.sandbox.systems["salesforce"].people.delete("Fusion_Invoice__c", f"Fusion_Id__c={key}")
    world.receipt_unapplied(first)
    receipt = world.customer_pays(key, "10.00")["receipt"]
    assert stage.run().status == Run.Status.PARTIAL
    record = stage.records("payments").get(source_key=receipt)
    assert (record.status, record.error_code, record.waits_for) == ("waiting", "invoice_gone", f"invoices:{key}")
    world.invoice_changes(key, "reprice")
    assert stage.run().status == Run.Status.SUCCEEDED, stage.problems()
    assert payments(stage, receipt)[""]["Invoice__c"] == f"Fusion_Id__c={key}"
    consistent(stage)


def test_a_refused_part_of_a_payment_rejects_it_and_says_which(stage: Stage) -> None:
    world, key = stage.sandbox.world, an_open_invoice(stage)
    party = world.ledger.invoice(key)["BillToPartyId"]
    (second,) = world.invoices_arrive(count=1, lines=1, customers=[party])["invoices"]
    receipt = world.customer_pays(second, "900000.00")["receipt"]
    world.receipt_reapplied(receipt, key)
    refuse(stage, "Fusion_Payment__c", f":{key}")
    assert stage.run().status == Run.Status.PARTIAL
    record = stage.records("payments").get(source_key=receipt)
    assert record.status == "rejected"
    assert record.error_text.startswith("What goes to one invoice (")
    assert set(payments(stage, receipt)) == {"", str(second)}
    refuse(stage, "Fusion_Payment__c", "")
    _, run = services.replay(stage.records("payments", source_key=str(receipt)), sync=stage.sync, actor=ACTOR)
    assert run is not None
    assert stage.execute(run).status == Run.Status.SUCCEEDED
    consistent(stage)


# Orgs -----------------------------------------------------------------------------------------------------------------


def test_an_org_of_many_currencies_is_told_which(stage_of: Build) -> None:
    stage = stage_of("small", switches={"salesforce": {"multi_currency": True}})
    stage.sandbox.world.invoices_arrive(count=1, currency="KWD")
    assert stage.run().status == Run.Status.SUCCEEDED, stage.problems()
    for name in ("Fusion_Invoice__c", "Fusion_Payment__c"):
        records = salesforce(stage, name).values()
        assert all(record["CurrencyIsoCode"] == record["Currency_Code__c"] for record in records)
    assert {line["CurrencyIsoCode"] for line in salesforce(stage, "Fusion_Invoice_Line__c").values()} >= {"USD", "KWD"}
    consistent(stage)


@pytest.mark.parametrize(
    ("bulk_above", "daily_limit", "most"),
    [("100000", 100_000, 22), ("100000", 1_000, 6)],
    ids=["collections", "composite"],
)
def test_a_thousand_invoices_cost_few_calls(stage_of: Build, bulk_above: str, daily_limit: int, most: int) -> None:
    switches = {"salesforce": {"daily_limit": daily_limit}}
    stage = stage_of("empty", switches=switches, destination={"bulk_above": bulk_above})
    stage.sandbox.world.fill(customers=20, invoices=1000, lines=3)
    run = stage.run()
    assert run.status == Run.Status.SUCCEEDED, (run.error_text, stage.problems())
    flow_run = run.flow_runs.get(flow__key="invoices")
    assert flow_run.created == 1000
    assert flow_run.destination_calls <= most
    assert len(salesforce(stage, "Fusion_Invoice_Line__c")) == 3000


def test_calls_at_the_same_time_never_hold_the_same_account(stage_of: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row another call holds is refused, and would be sent again after a pause."""
    pauses: list[float] = []
    monkeypatch.setattr("connections.http.pause", pauses.append)
    stage = stage_of("empty", switches={"salesforce": {"write_seconds": 0.05}}, destination={"bulk_above": "100000"})
    stage.sandbox.world.fill(customers=9, invoices=450, lines=3, payments=450)
    pauses.clear()
    assert stage.run().status == Run.Status.SUCCEEDED, stage.problems()
    assert pauses == []


def test_a_backfill_goes_by_bulk_in_units_of_many(stage_of: Build, settings: Any) -> None:
    """The calls of a job are the same for 10,000 invoices."""
    settings.WRITE_UNIT = 100
    stage = stage_of("empty", destination={"bulk_above": "500"})
    stage.sandbox.world.fill(customers=20, invoices=1000, lines=2, payments=500)
    run = stage.run()
    assert run.status == Run.Status.SUCCEEDED, (run.error_text, stage.problems())
    flow_run = run.flow_runs.get(flow__key="invoices")
    assert flow_run.created == flow_run.read == 1000, "none is read again for an old payment"
    assert flow_run.destination_calls <= 16
