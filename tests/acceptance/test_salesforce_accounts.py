"""Customers and suppliers of Oracle Fusion as Accounts in Salesforce, over real HTTP, through the real engine."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from connections import services as connections
from syncs.attention import decisions
from syncs.models import Run
from tests.acceptance.accounts_scene import ACTOR, KEY, Build, Scene, build, scene

pytestmark = pytest.mark.either_database

__all__ = ["build", "scene"]

# The first sync -------------------------------------------------------------------------------------------------------


def test_a_small_company_arrives_whole_and_a_second_run_writes_nothing(build: Build) -> None:
    scene = build("small")
    counts = scene.run()
    rows = scene.accounts()
    assert set(counts["customers"]) | set(counts["suppliers"]) <= {"created", "held"}
    roles = [row.get("Fusion_Role__c") for row in rows]
    assert set(roles) == {"Customer", "Supplier"}
    keys = [row[KEY] for row in rows]
    assert len(keys) == len(set(keys))
    first = scene.of(str(scene.ledger.parties.customers()[0].party_id))
    assert first["Name"] == "Harborlight Manufacturing Inc."
    assert first["BillingStreet"] == "200 Pier Road"
    assert (first["BillingCity"], first["BillingState"], first["BillingPostalCode"]) == ("Baltimore", "MD", "21230")
    assert first["Industry"] == "Manufacturing"
    assert first["Fusion_Status__c"] == "Active"
    assert first["AccountNumber"] == first["Fusion_Account_Number__c"]
    scene.settled()


def test_a_company_that_is_both_has_one_account_and_the_customers_data(scene: Scene) -> None:
    party = scene.customer("Alder Ltd", city="Leeds", country="GB")
    supplier = scene.supplier("ALDER LIMITED", party=party)
    assert scene.run()["suppliers"] == {"updated": 1}
    account = scene.of(party)
    assert (account["Name"], account["BillingCity"], account["Fusion_Role__c"]) == ("Alder Ltd", "Leeds", "Both")
    assert len(scene.accounts()) == 1
    scene.settled()
    scene.supplier_changes(supplier, name="Alder Purchasing", city="Hull")
    scene.run()
    assert scene.writes() == 0
    scene.customer_changes(party, name="Alder & Finch Ltd")
    scene.run()
    account = scene.of(party)
    assert (account["Name"], account["BillingCity"], account["Fusion_Role__c"]) == (
        "Alder & Finch Ltd",
        "Leeds",
        "Both",
    )
    scene.settled()


def test_a_supplier_that_becomes_a_customer_keeps_its_account(scene: Scene) -> None:
    supplier = scene.supplier("Volta Components B.V.", country="NL")
    scene.run()
    party = scene.accounts()[0][KEY]
    assert scene.of(party)["Fusion_Role__c"] == "Supplier"
    assert scene.becomes_customer(supplier, "Volta Components", city="Eindhoven") == party
    scene.run()
    account = scene.of(party)
    assert (account["Name"], account["Fusion_Role__c"]) == ("Volta Components", "Both")
    assert scene.record("customers", party).destination_id == scene.record("suppliers", supplier).destination_id
    scene.settled()
    scene.supplier_changes(supplier, name="Volta Purchasing")
    scene.run()
    assert scene.of(party)["Name"] == "Volta Components"
    scene.settled()


def test_an_account_of_the_same_name_is_taken_over_and_keeps_what_people_entered(scene: Scene) -> None:
    id_ = scene.account("ALDER LTD.", Phone="+44 1", Website="alder.example", Type="Prospect", AccountNumber="old")
    party = scene.customer("Alder Ltd", url="https://alder.example")
    scene.run()
    account = scene.of(party)
    assert account["Id"] == id_
    assert account["Phone"] == "+44 1", "Fusion says nothing about it"
    assert account["Type"] == "Prospect", "the org has no type 'Customer'"
    assert account["Website"] == "https://alder.example"
    assert account["AccountNumber"] != "old"
    scene.settled()


def test_only_what_we_filled_is_cleared(scene: Scene) -> None:
    id_ = scene.account("Alder Ltd", Phone="+44 1")
    party = scene.customer("Alder Ltd", city="Leeds", postal_code="LS1")
    scene.run()
    scene.people.edit("Account", id_, {"BillingCity": "Leeds, typed by sales"})
    scene.customer_changes(party, postal_code=None)
    scene.run()
    account = scene.of(party)
    assert account.get("BillingPostalCode") is None
    assert account["Phone"] == "+44 1"
    assert account["BillingCity"] == "Leeds, typed by sales", "only what changed in Fusion is written"


def test_a_tax_number_recognises_a_company_under_another_name_only_with_a_person(scene: Scene) -> None:
    scene.stage.set_options("customers", tax_field="Site")
    id_ = scene.account("Alder Holdings", Site="GB 123 4567 89")
    party = scene.customer("Finch Retail", tax_id="GB123456789", country="GB")
    assert scene.run()["customers"] == {"held": 1}
    record = scene.record("customers", party)
    assert record.error_code == "match_ambiguous"
    assert [candidate["id"] for candidate in record.candidates] == [id_]
    scene.decide("customers", party, adopt=id_)
    assert scene.of(party)["Id"] == id_
    scene.customer_changes(party, tax_id="GB987654321")
    scene.run()
    assert scene.writes() == 0, "a tax number alone is nothing the Account shows"


def test_a_field_for_tax_numbers_that_is_not_there_stops_the_flow_with_advice(scene: Scene) -> None:
    scene.stage.set_options("customers", tax_field="Vat__c")
    scene.customer("Alder Ltd")
    run = scene.stage.run()
    assert run.status == Run.Status.PARTIAL
    assert run.error_code == "tax_field_absent"
    assert "Vat__c" in run.error_text
    assert scene.accounts() == []


def test_person_accounts_are_no_candidates(scene: Scene) -> None:
    scene.sandbox.set_switches("salesforce", {"person_accounts": True})
    connections.test_connection(scene.stage.salesforce, ACTOR)
    person = scene.account("Jordan Lee", IsPersonAccount=True)
    party = scene.customer("Jordan Lee")
    assert scene.run()["customers"] == {"created": 1}
    assert scene.of(party)["Id"] != person


def test_two_of_one_name_are_a_question_and_the_answer_holds(scene: Scene) -> None:
    first, second = scene.account("Alder Ltd", BillingCity="Leeds"), scene.account("Alder Ltd.", BillingCity="York")
    party = scene.customer("Alder Ltd", city="Bath")
    assert scene.run()["customers"] == {"held": 1}
    assert {candidate["id"] for candidate in scene.record("customers", party).candidates} == {first, second}
    scene.decide("customers", party, adopt=second)
    assert scene.of(party)["Id"] == second
    scene.settled()
    decisions.withdraw(scene.record("customers", party), actor=ACTOR)
    assert not [row for row in scene.accounts() if row.get(KEY) == party]
    assert scene.run()["customers"] == {"held": 1}, "the question stays open"
    scene.decide("customers", party, adopt=second)
    assert scene.of(party)["Id"] == second
    scene.settled()


def test_companies_inactive_in_fusion_may_be_left_out_but_never_left_active(scene: Scene) -> None:
    active, inactive = scene.customer("Alder Ltd"), scene.customer("Birch Ltd", status="I")
    scene.supplier("Volta B.V.", inactive=True)
    for flow in ("customers", "suppliers"):
        scene.stage.set_options(flow, inactive="skip")
    assert scene.run() == {"customers": {"created": 1, "skipped": 1}, "suppliers": {"skipped": 1}}
    scene.customer_changes(active, status="I")
    scene.run()
    assert scene.of(active)["Fusion_Status__c"] == "Inactive"
    assert [row[KEY] for row in scene.accounts()] == [active]
    for flow in ("customers", "suppliers"):
        scene.stage.set_options(flow, inactive="mirror")
    scene.stage.run(backfill_from=timezone.now().date().replace(year=2020))
    assert scene.of(inactive)["Fusion_Status__c"] == "Inactive"


def test_a_balance_that_moves_is_followed_through_the_customer_accounts(build: Build) -> None:
    scene = build("small")
    scene.sandbox.set_switches("oracle_fusion", {"receipt_moves_account_date": True})
    scene.run()
    invoice = scene.ledger.invoice(scene.sandbox.world.open_invoice(currency="USD"))
    party = str(invoice["BillToPartyId"])
    before = Decimal(str(scene.of(party)["Fusion_Open_Balance__c"]))
    scene.sandbox.clock.advance(1)
    paid = Decimal(scene.sandbox.world.customer_pays(invoice["CustomerTransactionId"])["amount"])
    counts = scene.run()["customers"]
    after = Decimal(str(scene.of(party)["Fusion_Open_Balance__c"]))
    assert paid > 0
    assert after == before - paid
    assert counts["updated"] == 1
    assert scene.writes() == 1
    scene.settled()


# Suppliers and customers beside each other ----------------------------------------------------------------------------


def test_a_supplier_waits_for_the_customer_it_is_and_follows_by_itself(scene: Scene) -> None:
    first = scene.account("Alder Ltd", BillingCity="Leeds")
    scene.account("Alder Ltd", BillingCity="York")
    party = scene.customer("Alder Ltd")
    supplier = scene.supplier("Alder Ltd", party=party)
    assert scene.run()["suppliers"] == {"waiting": 1}
    assert scene.record("suppliers", supplier).error_code == "customer_first"
    scene.decide("customers", party, adopt=first)
    assert scene.record("suppliers", supplier).destination_id == first
    assert scene.of(party)["Fusion_Role__c"] == "Both"
    scene.settled()


def test_an_answer_about_the_supplier_answers_for_the_customer(scene: Scene) -> None:
    first = scene.account("Alder Ltd", BillingCity="Leeds")
    scene.account("Alder Ltd", BillingCity="York")
    supplier = scene.supplier("Alder Ltd")
    scene.run()
    party = scene.becomes_customer(supplier, "Alder Ltd")
    assert scene.run()["customers"] == {"held": 1}
    scene.decide("suppliers", supplier, adopt=first)
    assert scene.record("customers", party).destination_id == first
    assert scene.of(party)["Fusion_Role__c"] == "Both"
    scene.settled()


def test_an_answer_about_the_customer_answers_for_the_supplier_that_was_first(scene: Scene) -> None:
    first = scene.account("Alder Ltd", BillingCity="Leeds")
    scene.account("Alder Ltd", BillingCity="York")
    supplier = scene.supplier("Alder Ltd")
    scene.run()
    party = scene.becomes_customer(supplier, "Alder Ltd")
    scene.run()
    scene.decide("customers", party, adopt=first)
    assert scene.record("suppliers", supplier).destination_id == first
    scene.settled()


def test_a_supplier_of_another_party_is_bound_to_a_customers_account_by_a_person_alone(scene: Scene) -> None:
    party = scene.customer("Alder Ltd", city="Leeds")
    scene.run()
    supplier = scene.supplier("Alder Ltd", city="York")
    assert scene.run()["suppliers"] == {"held": 1}
    scene.decide("suppliers", supplier, adopt=scene.of(party)["Id"])
    account = scene.of(party)
    assert (account["Fusion_Role__c"], account["BillingCity"]) == ("Both", "Leeds")
    assert account[KEY] == party, "the key stays the customer's"
    assert scene.record("suppliers", supplier).destination_id == account["Id"]
    scene.settled()
    scene.supplier_changes(supplier, name="Alder Purchasing")
    scene.run()
    assert scene.writes() == 0
    scene.customer_changes(party, city="Hull")
    scene.run()
    account = scene.of(party)
    assert (account["BillingCity"], account["Fusion_Role__c"]) == ("Hull", "Both")
    scene.settled()


def test_two_suppliers_of_one_party_never_write_to_one_account(scene: Scene) -> None:
    first = scene.supplier("Volta B.V.")
    party = scene.party_of(first)
    scene.supplier("Volta Two B.V.", party=party)
    assert scene.run()["suppliers"] == {"created": 1, "rejected": 1}
    third = scene.supplier("Volta Three B.V.", party=party)
    scene.run()
    assert scene.record("suppliers", third).error_code == "account_taken"
    assert scene.of(party)["Name"] == "Volta B.V."
