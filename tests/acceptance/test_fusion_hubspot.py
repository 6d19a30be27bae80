"""Oracle Fusion → HubSpot: what happens in Fusion is seen in HubSpot, over real HTTP, through the real engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from audit.models import AuditEntry
from audit.services import verify
from syncs import services
from syncs.attention import decisions
from syncs.models import Record, Run
from syncs.reporting.reconciliation import reconcile
from tests.acceptance.pairs import FUSION_HUBSPOT
from tests.acceptance.pairs.base import ACTOR, Pair
from tests.acceptance.stage import Stage

pytestmark = pytest.mark.either_database

Build = Callable[..., Stage]


@pytest.fixture
def pair() -> Pair:
    return FUSION_HUBSPOT


@pytest.fixture
def stage(stage_of: Build) -> Stage:
    """After the first sync of a small company."""
    stage = stage_of("small")
    assert stage.run().status == Run.Status.SUCCEEDED
    stage.sandbox.reset_stats()
    return stage


def hubspot(stage: Stage, kind: str, key: object) -> dict[str, Any]:
    """A HubSpot record by its Fusion ID: its properties and associations."""
    record: dict[str, Any] = stage.sandbox.systems["hubspot"].dump()[kind][f"fusion_id={key}"]
    return record


def properties(stage: Stage, kind: str, key: object) -> dict[str, str]:
    found: dict[str, str] = hubspot(stage, kind, key)["properties"]
    return found


def lines_of(stage: Stage, invoice: object) -> list[str]:
    return sorted(hubspot(stage, "invoices", invoice)["associations"].get("line_items", {}))


def calls(stage: Stage, system: str) -> dict[str, int]:
    found: dict[str, int] = stage.sandbox.stats()["systems"].get(system, {}).get("calls", {})
    return found


def writes(stage: Stage) -> int:
    return int(stage.sandbox.stats()["systems"].get("hubspot", {}).get("writes", 0))


def consistent(stage: Stage) -> None:
    """What must hold after everything: nothing doubled, orphaned or mailed, an unbroken trail, equal sums."""
    system = stage.sandbox.systems["hubspot"]
    dump = system.dump()
    assert dump["violations"] == []
    assert dump["orphans"] == []
    assert dump["mails_sent"] == 0
    assert verify(stage.tenant.pk).ok
    assert reconcile(stage.sync).equal


def an_open_invoice(stage: Stage) -> int:
    """The largest open invoice without any payment, so that every amount below fits."""
    paid = {key for record in stage.records("payments") for key in str(record.payload).split('"') if key.isdigit()}
    open_ones = list(stage.records("invoices", status="synced", watch=True))
    chosen = [
        record
        for record in sorted(open_ones, key=lambda record: -(record.amount or 0))
        if record.source_key not in paid
        and properties(stage, "invoices", record.source_key)["hs_invoice_status"] == "open"
        and properties(stage, "invoices", record.source_key)["hs_currency"] == "USD"
    ]
    return int(chosen[0].source_key)


def a_day_passes(stage: Stage) -> None:
    """A credit need not move the invoice's own stamp: what is open is read again once a day."""
    flow = stage.sync.flows.get(key="invoices")
    flow.checkpoint["swept_at"] = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
    flow.save(update_fields=["checkpoint"])


def test_both_sides_agree_after_the_first_sync(stage: Stage) -> None:
    result = reconcile(stage.sync)
    assert result.equal, result.comparisons
    assert {row.what for row in result.comparisons} == {"invoices", "lines", "open balance", "payments"}
    consistent(stage)


def test_a_difference_is_found_with_its_record(stage: Stage) -> None:
    changed, (late,) = an_open_invoice(stage), stage.sandbox.world.invoices_arrive(count=1)["invoices"]
    people = stage.sandbox.systems["hubspot"].people
    people.edit("invoices", f"fusion_id={changed}", {"fusion_balance_due": "1.00"})
    gone = stage.records("payments", status="synced").first().source_key
    people.delete("commerce_payments", f"fusion_id={gone}")
    found = {(one.what, one.origin.key): one for one in reconcile(stage.sync).differences}
    assert found.keys() == {
        ("open balance", str(changed)),
        ("payments", gone),
        *((what, str(late)) for what in ("invoices", "lines", "open balance")),
    }
    assert all(one.month for one in found.values())
    assert found["invoices", str(late)].destination is None


def test_one_changed_invoice_moves_alone(stage: Stage) -> None:
    invoice = an_open_invoice(stage)
    stage.sandbox.world.invoice_changes(invoice, "reprice")
    run = stage.run()
    moved = AuditEntry.objects.filter(run_id=run.pk, action="write").values_list("source_ref", flat=True)
    assert list(moved) == [str(invoice)]
    assert writes(stage) == 2, "the invoice and its one changed line"
    consistent(stage)


@pytest.mark.parametrize(("how", "difference"), [("add", 1), ("remove", -1)])
def test_lines_follow_and_leave_no_orphan(stage: Stage, how: str, difference: int) -> None:
    invoice = an_open_invoice(stage)
    if how == "remove":
        stage.sandbox.world.invoice_changes(invoice, "add")
        stage.run()
    before = lines_of(stage, invoice)
    stage.sandbox.world.invoice_changes(invoice, how)
    stage.run()
    assert len(lines_of(stage, invoice)) - len(before) == difference
    consistent(stage)


def test_a_payment_in_full_pays_the_invoice(stage: Stage) -> None:
    invoice = an_open_invoice(stage)
    event = stage.sandbox.world.customer_pays(invoice)
    stage.run()
    assert properties(stage, "invoices", invoice)["hs_invoice_status"] == "paid"
    assert Decimal(properties(stage, "invoices", invoice)["fusion_balance_due"]) == 0
    payment = hubspot(stage, "commerce_payments", event["receipt"])
    assert Decimal(payment["properties"]["hs_initial_amount"]) == Decimal(event["amount"])
    assert payment["properties"]["hs_latest_status"] == "succeeded"
    assert set(payment["associations"]["invoices"]) == {f"fusion_id={invoice}"}
    assert payment["associations"]["contacts"]
    consistent(stage)


def test_a_partial_payment_moves_the_balance_even_if_fusion_does_not_touch_the_invoice(stage: Stage) -> None:
    invoice = an_open_invoice(stage)
    total = Decimal(properties(stage, "invoices", invoice)["fusion_amount"])
    stage.sandbox.world.customer_pays(invoice, "10.00")
    stage.run()
    values = properties(stage, "invoices", invoice)
    assert values["hs_invoice_status"] == "open"
    assert Decimal(values["fusion_balance_due"]) == total - 10
    consistent(stage)


def test_a_reversed_receipt_shows_and_the_balance_is_back(stage: Stage) -> None:
    invoice = an_open_invoice(stage)
    total = Decimal(properties(stage, "invoices", invoice)["fusion_amount"])
    event = stage.sandbox.world.customer_pays(invoice, "10.00")
    stage.run()
    stage.sandbox.world.receipt_reversed(event["receipt"])
    stage.run()
    assert properties(stage, "commerce_payments", event["receipt"])["hs_latest_status"] == "failed"
    assert Decimal(properties(stage, "invoices", invoice)["fusion_balance_due"]) == total
    consistent(stage)


def test_a_bounced_payment_leaves_the_paid_invoice_with_its_balance_and_says_so(stage: Stage) -> None:
    invoice = an_open_invoice(stage)
    total = Decimal(properties(stage, "invoices", invoice)["fusion_amount"])
    event = stage.sandbox.world.customer_pays(invoice)
    stage.run()
    assert properties(stage, "invoices", invoice)["hs_invoice_status"] == "paid"
    stage.sandbox.world.receipt_reversed(event["receipt"])
    assert stage.run().status == Run.Status.SUCCEEDED
    assert Decimal(properties(stage, "invoices", invoice)["fusion_balance_due"]) == total
    assert "HubSpot keeps it paid" in AuditEntry.objects.filter(source_ref=str(invoice)).latest("sequence").detail
    consistent(stage)


def test_a_receipt_taken_off_one_invoice_leaves_it(stage: Stage) -> None:
    invoice = an_open_invoice(stage)
    event = stage.sandbox.world.customer_pays(invoice, "10.00")
    stage.run()
    stage.sandbox.world.receipt_unapplied(event["receipt"])
    stage.run()
    assert "invoices" not in hubspot(stage, "commerce_payments", event["receipt"])["associations"]
    consistent(stage)
    stage.sandbox.world.receipt_reapplied(event["receipt"], invoice)
    stage.run()
    assert set(hubspot(stage, "commerce_payments", event["receipt"])["associations"]["invoices"]) == {
        f"fusion_id={invoice}"
    }
    consistent(stage)


def test_a_full_credit_voids_and_a_partial_one_lowers_the_balance(stage: Stage) -> None:
    invoice = an_open_invoice(stage)
    total = Decimal(properties(stage, "invoices", invoice)["fusion_amount"])
    stage.sandbox.world.credit_memo_for(invoice, "5.00")
    a_day_passes(stage)
    stage.run()
    assert Decimal(properties(stage, "invoices", invoice)["fusion_balance_due"]) == total - 5
    stage.sandbox.world.credit_memo_for(invoice)
    a_day_passes(stage)
    stage.run()
    assert properties(stage, "invoices", invoice)["hs_invoice_status"] == "voided"
    consistent(stage)


def test_a_draft_opens_when_fusion_completes_the_invoice(stage_of: Build) -> None:
    stage = stage_of("demo", switches={"hubspot": {"tier": None}}, destination={"tier": "unlimited"})
    stage.run()
    mirrored = [record["properties"] for record in stage.sandbox.systems["hubspot"].dump()["invoices"].values()]
    drafts = [invoice for invoice in mirrored if invoice["fusion_status"] == "Incomplete"]
    assert {invoice["hs_invoice_status"] for invoice in drafts} == {"draft"}
    synced = set(stage.records("invoices", status="synced").values_list("source_key", flat=True))
    invoice = next(int(each["fusion_id"]) for each in drafts if each["fusion_id"] in synced)
    stage.sandbox.world.finance_completes_invoice(invoice)
    stage.run()
    assert properties(stage, "invoices", invoice)["hs_invoice_status"] in ("open", "paid")


def test_confirmed_here_keeps_drafts_until_finance_says_so(stage_of: Build) -> None:
    stage = stage_of("small")
    stage.set_options("invoices", confirmation="here")
    assert stage.run().status == Run.Status.SUCCEEDED
    invoices = stage.sandbox.systems["hubspot"].dump()["invoices"]
    assert {record["properties"]["hs_invoice_status"] for record in invoices.values()} == {"draft"}
    chosen = stage.records("invoices", status="synced").order_by("pk")
    first = chosen.first()
    confirmed, run = services.confirm(chosen.filter(pk=first.pk), sync=stage.sync, actor="member:finance")
    assert (confirmed, run is not None) == (1, True)
    stage.execute(run)
    statuses = {
        key: record["properties"]["hs_invoice_status"]
        for key, record in stage.sandbox.systems["hubspot"].dump()["invoices"].items()
    }
    assert [key for key, status in statuses.items() if status != "draft"] == [f"fusion_id={first.source_key}"]
    assert AuditEntry.objects.filter(action="confirm", actor="member:finance").count() == 1
    confirmed, run = services.confirm(chosen, sync=stage.sync, actor="member:finance")
    stage.execute(run)
    statuses_now = {
        record["properties"]["hs_invoice_status"]
        for record in stage.sandbox.systems["hubspot"].dump()["invoices"].values()
    }
    assert "draft" not in statuses_now
    consistent(stage)


def test_what_is_open_already_asks_for_no_confirmation(stage_of: Build) -> None:
    """Where finance is to confirm from now on, only what still is a draft waits; the rest goes on being paid."""
    stage = stage_of("small")
    stage.run()
    opened = stage.records("invoices", status="synced")
    stage.set_options("invoices", confirmation="here")
    stage.run()
    drafts = {key for key in opened.values_list("source_key", flat=True) if status_of(stage, key) == "draft"}
    assert len(drafts) < opened.count()
    assert set(opened.filter(unconfirmed=True).values_list("source_key", flat=True)) == drafts
    paid = stage.sandbox.world.customer_pays()["invoice"]
    stage.run()
    assert status_of(stage, paid) == "paid"


def status_of(stage: Stage, key: object) -> str:
    return str(properties(stage, "invoices", key)["hs_invoice_status"])


def test_changing_the_policy_opens_the_drafts(stage_of: Build) -> None:
    stage = stage_of("small")
    stage.set_options("invoices", confirmation="here")
    stage.run()
    stage.set_options("invoices", confirmation="fusion")
    stage.run()
    drafts = [
        record
        for record in stage.sandbox.systems["hubspot"].dump()["invoices"].values()
        if record["properties"]["hs_invoice_status"] == "draft"
    ]
    assert all(record["properties"]["fusion_status"] != "Complete" for record in drafts)


def test_a_customer_and_its_contact(stage: Stage) -> None:
    event = stage.sandbox.world.new_customer("Sable Ridge Tools LLC", email="Anna@Sable.example")
    stage.run()
    company = hubspot(stage, "companies", event["customer"])
    assert company["properties"]["name"] == "Sable Ridge Tools LLC"
    assert company["properties"]["city"] == "Portsmouth"
    assert company["properties"]["address"]
    assert company["properties"]["fusion_account_number"]
    contact = hubspot(stage, "contacts", event["customer"])
    assert contact["properties"]["email"] == "anna@sable.example"
    assert f"fusion_id={event['customer']}" in contact["associations"]["companies"]


def test_a_changed_contact_reaches_hubspot_though_the_customer_did_not_change(stage: Stage) -> None:
    person = stage.sandbox.world.contact_changes(EmailAddress="new.address@example.com")["contact"]
    stage.run()
    contacts = stage.sandbox.systems["hubspot"].dump()["contacts"].values()
    mine = [record["properties"] for record in contacts if record["properties"].get("fusion_person_id") == str(person)]
    assert [values["email"] for values in mine] == ["new.address@example.com"]


def test_an_invoice_waits_for_its_contact_as_a_draft_and_opens_by_itself(stage: Stage) -> None:
    event = stage.sandbox.world.new_customer("No Contact Yet Ltd", contact=False)
    invoice = stage.sandbox.world.invoices_arrive(count=1, customers=[event["customer"]])["invoices"][0]
    run = stage.run()
    assert run.status == Run.Status.PARTIAL
    record = stage.records("invoices").get(source_key=str(invoice))
    assert (record.status, record.error_code) == ("held", "contact_missing")
    assert properties(stage, "invoices", invoice)["hs_invoice_status"] == "draft"
    stage.set_options("customers", contact_name="Accounts payable")
    assert stage.run().status == Run.Status.SUCCEEDED
    assert properties(stage, "invoices", invoice)["hs_invoice_status"] == "open"
    consistent(stage)


def test_a_currency_that_hubspot_lacks_is_named_and_goes_after_it_was_added(stage_of: Build) -> None:
    from connections.services import test_connection as check

    stage = stage_of("small", switches={"hubspot": {"additional_currencies": []}})
    stage.sandbox.world.invoices_arrive(count=1, currency="JPY")
    stage.run()
    refused = services.by_cause(stage.sync, "currency_missing")
    assert refused.filter(flow__key="invoices").exists()
    assert refused.filter(flow__key="payments").exists()
    assert "JPY" in " ".join(refused.values_list("error_text", flat=True))
    stage.sandbox.set_switches("hubspot", {"additional_currencies": ["EUR", "GBP", "JPY", "KWD"]})
    check(stage.hubspot, ACTOR)
    _, run = services.replay(refused, sync=stage.sync, actor=ACTOR)
    assert run is not None
    stage.execute(run)
    assert stage.settle().status == Run.Status.SUCCEEDED, stage.problems()
    consistent(stage)


def test_companies_that_were_there_before_are_adopted_held_or_left_alone(stage_of: Build) -> None:
    stage = stage_of("small")
    people = stage.sandbox.systems["hubspot"].people
    world = stage.sandbox.world
    one = people.create("companies", {"name": "QUARRY LANE STONE, INC."})
    for city in ("York", "Leeds"):
        people.create("companies", {"name": "Twin Falls Timber", "city": city})
    people.create("contacts", {"email": "ap@quarrylane.example", "lastname": "Before"})
    adopted = world.new_customer("Quarry Lane Stone Inc", email="AP@quarrylane.example")["customer"]
    doubtful = world.new_customer("Twin Falls Timber Ltd.")["customer"]
    same_name = [world.new_customer("Same Name Ltd")["customer"] for _ in range(2)]
    people.create("companies", {"name": "Same Name"})
    stage.run()
    assert stage.records("customers").get(source_key=adopted).destination_id == one
    companies = stage.sandbox.systems["hubspot"].dump()["companies"]
    assert sum("quarry lane" in record["properties"]["name"].lower() for record in companies.values()) == 1
    contact = hubspot(stage, "contacts", adopted)
    assert contact["properties"]["email"] == "ap@quarrylane.example"
    held = stage.records("customers", status="held")
    assert {int(record.source_key) for record in held} == {doubtful, *same_name}
    assert {record.error_code for record in held} == {"match_ambiguous"}

    record = held.get(source_key=doubtful)
    chosen = record.flow.candidates.filter(match_key=record.match_key).order_by("pk")[0]
    run = services.decide(record, actor="member:finance", adopt=chosen.destination_id)
    assert run is not None
    stage.execute(run)
    taken = stage.records("customers").get(source_key=doubtful)
    assert taken.destination_id == chosen.destination_id
    decisions.withdraw(taken, actor="member:finance")
    assert f"fusion_id={doubtful}" not in stage.sandbox.systems["hubspot"].dump()["companies"]
    other = record.flow.candidates.filter(match_key=record.match_key).exclude(pk=chosen.pk).order_by("pk")[0]
    run = services.decide(
        stage.records("customers").get(pk=taken.pk), actor="member:finance", adopt=other.destination_id
    )
    assert run is not None
    stage.execute(run)
    assert stage.records("customers").get(pk=taken.pk).destination_id == other.destination_id
    assert properties(stage, "companies", doubtful)["name"] == "Twin Falls Timber Ltd."
    for key in same_name:
        run = services.decide(held.get(source_key=key), actor="member:finance", create=True)
        assert run is not None
        stage.execute(run)
    assert not stage.records("customers", status="held").exists()
    names = [record["properties"]["name"] for record in stage.sandbox.systems["hubspot"].dump()["companies"].values()]
    assert names.count("Same Name Ltd") == 2
    consistent(stage)


def test_two_customers_may_share_an_email(stage: Stage) -> None:
    world = stage.sandbox.world
    both = [world.new_customer(f"Shared Mail {number}", email="one@shared.example")["customer"] for number in (1, 2)]
    assert stage.run().status == Run.Status.SUCCEEDED
    emails = sorted(properties(stage, "contacts", key).get("email", "") for key in both)
    assert emails == ["", "one@shared.example"]


def test_an_invoice_deleted_in_hubspot_comes_back_whole_when_it_changes(stage: Stage) -> None:
    invoice = an_open_invoice(stage)
    lines = lines_of(stage, invoice)
    stage.sandbox.set_switches("hubspot", {"delete_open_allowed": True})
    stage.sandbox.systems["hubspot"].people.delete("invoices", f"fusion_id={invoice}")
    stage.sandbox.world.invoice_changes(invoice, "reprice")
    stage.run()
    assert lines_of(stage, invoice) == lines
    assert properties(stage, "invoices", invoice)["hs_invoice_status"] == "open"
    consistent(stage)


def test_an_amount_changed_in_hubspot_is_found_and_can_be_written_anew(stage: Stage) -> None:
    one = stage.records("invoices").filter(source_key=str(an_open_invoice(stage)))
    record = one.get()
    people = stage.sandbox.systems["hubspot"].people
    people.edit("invoices", record.destination_id, {"hs_amount_billed": "1.00"})
    (found,) = reconcile(stage.sync).differences
    assert (found.what, found.origin.key) == ("invoices", record.source_key)
    for anew, amount in ((False, Decimal(1)), (True, record.amount)):
        _, run = services.replay(one, sync=stage.sync, actor=ACTOR, anew=anew)
        stage.execute(run)
        assert Decimal(properties(stage, "invoices", record.source_key)["hs_amount_billed"]) == amount
    consistent(stage)


def test_a_replay_of_what_was_delivered_doubles_nothing(stage: Stage) -> None:
    before = stage.sandbox.systems["hubspot"].dump()
    everything = Record.objects.for_tenant(stage.tenant)
    _, run = services.replay(everything, sync=stage.sync, actor=ACTOR)
    assert run is not None
    stage.execute(run)
    counted = stage.counts(run)
    assert all(set(counts) <= {"read", "unchanged", "skipped"} for counts in counted.values()), counted
    assert stage.sandbox.systems["hubspot"].dump() == before


def test_calls_per_thousand_new_invoices(stage_of: Build) -> None:
    stage = stage_of("empty", switches={"hubspot": {"tier": None}}, destination={"tier": "unlimited"})
    stage.set_options("invoices", confirmation="here")
    stage.sandbox.world.fill(customers=20, invoices=0)
    stage.run()
    stage.sandbox.reset_stats()
    stage.sandbox.world.invoices_arrive(count=1000, lines=3)
    stage.run()
    invoice_calls = sum(
        number for path, number in calls(stage, "hubspot").items() if "invoices" in path or "line_items" in path
    )
    assert invoice_calls == sum(calls(stage, "hubspot").values())
    assert invoice_calls <= 45
    assert sum(number for path, number in calls(stage, "oracle_fusion").items() if "Invoices" in path) <= 4


def test_calls_when_they_are_opened_in_the_same_run(stage_of: Build) -> None:
    stage = stage_of("empty", switches={"hubspot": {"tier": None}}, destination={"tier": "unlimited"})
    stage.sandbox.world.fill(customers=20, invoices=0)
    stage.run()
    stage.sandbox.reset_stats()
    stage.sandbox.world.invoices_arrive(count=1000, lines=3)
    stage.run()
    assert sum(calls(stage, "hubspot").values()) <= 55
    statuses = {
        record["properties"]["hs_invoice_status"]
        for record in stage.sandbox.systems["hubspot"].dump()["invoices"].values()
    }
    assert statuses == {"open"}
