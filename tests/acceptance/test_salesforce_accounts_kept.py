"""Accounts that people merge, delete, restore and change in Salesforce, and those that it refuses."""

from __future__ import annotations

import pytest

from syncs.integrations.fusion_salesforce.accounts import ACCOUNT_CAUSES
from tests.acceptance.accounts_scene import KEY, Scene, build, scene

pytestmark = pytest.mark.either_database

__all__ = ["build", "scene"]

# What people do in Salesforce meanwhile -------------------------------------------------------------------------------


def test_an_account_merged_into_another_of_nobodys_goes_on_there(scene: Scene) -> None:
    party = scene.customer("Alder Ltd", city="Leeds")
    scene.run()
    lost = scene.of(party)["Id"]
    winner = scene.account("Alder (Leeds)", Phone="+44 1")
    scene.people.merge(winner, lost)
    assert scene.run()["customers"]["updated"] == 1
    account = scene.of(party)
    assert account["Id"] == winner
    assert (account["Name"], account["BillingCity"], account["Phone"]) == ("Alder Ltd", "Leeds", "+44 1")
    assert scene.record("customers", party).destination_id == winner
    scene.settled()


def test_an_account_whose_key_went_to_another_is_found_there(scene: Scene) -> None:
    """Whoever merges may choose the loser's value of every field."""
    party = scene.customer("Alder Ltd")
    scene.run()
    lost = scene.of(party)["Id"]
    winner = scene.account("Alder (Leeds)")
    scene.people.merge(winner, lost)
    scene.people.edit("Account", winner, {KEY: party})
    scene.customer_changes(party, city="Hull")
    scene.run()
    assert scene.of(party)["Id"] == winner
    assert scene.record("customers", party).destination_id == winner
    scene.settled()


def test_an_account_merged_into_another_customers_is_a_question(scene: Scene) -> None:
    party, other = scene.customer("Alder Ltd", city="Leeds"), scene.customer("Birch Ltd", city="York")
    scene.run()
    lost, winner = scene.of(party)["Id"], scene.of(other)["Id"]
    scene.people.merge(winner, lost)
    scene.customer_changes(party, city="Hull")
    assert scene.run()["customers"] == {"held": 1}
    record = scene.record("customers", party)
    assert (record.error_code, record.destination_id) == ("match_merged", "")
    assert "Alder Ltd" in record.error_text
    assert f"“Birch Ltd” ({winner})" in record.error_text
    assert other in record.error_text
    assert scene.of(other)["BillingCity"] == "York"
    scene.customer_changes(party, city="Bath")
    assert scene.run()["customers"] == {"held": 1}, "a change in Fusion is no answer"
    scene.decide("customers", party, create=True)
    assert scene.of(party)["BillingCity"] == "Bath"
    assert scene.of(other)["Id"] == winner
    scene.settled()


def test_a_deleted_account_is_a_question_and_may_be_made_anew(scene: Scene) -> None:
    party = scene.customer("Alder Ltd")
    scene.run()
    lost = scene.of(party)["Id"]
    scene.people.delete("Account", lost)
    assert scene.run()["customers"]["held"] == 1
    assert scene.record("customers", party).error_code == "match_deleted"
    scene.customer_changes(party, city="Bath")
    scene.run()
    assert scene.accounts() == [], "nothing is created without a person's word"
    scene.decide("customers", party, create=True)
    assert scene.of(party)["Id"] != lost
    assert scene.of(party)["BillingCity"] == "Bath"
    scene.settled()
    scene.people.delete("Account", scene.of(party)["Id"])
    scene.run()
    assert scene.record("customers", party).error_code == "match_deleted", "the answer was for that time"
    assert scene.accounts() == []


def test_a_deleted_account_that_is_restored_goes_on(scene: Scene) -> None:
    party = scene.customer("Alder Ltd")
    scene.run()
    id_ = scene.of(party)["Id"]
    scene.people.delete("Account", id_)
    scene.customer_changes(party, city="Bath")
    scene.run()
    assert scene.record("customers", party).status == "held"
    scene.restore(id_)
    scene.replay(scene.record("customers", party))
    assert scene.of(party)["Id"] == id_
    assert scene.of(party)["BillingCity"] == "Bath"
    scene.settled()


def test_a_key_that_was_wiped_out_is_put_back(scene: Scene) -> None:
    party = scene.customer("Alder Ltd")
    scene.run()
    id_ = scene.of(party)["Id"]
    scene.people.edit("Account", id_, {KEY: None})
    scene.due("customers", party)
    scene.run()
    assert scene.of(party)["Id"] == id_
    scene.settled()


def test_a_key_that_was_changed_by_hand_is_not_written_over(scene: Scene) -> None:
    party = scene.customer("Alder Ltd")
    scene.run()
    id_ = scene.of(party)["Id"]
    scene.people.edit("Account", id_, {KEY: "999"})
    scene.customer_changes(party, city="Bath")
    assert scene.run()["customers"] == {"rejected": 1}
    record = scene.record("customers", party)
    assert record.error_code == "account_taken"
    assert "999" in record.error_text
    scene.people.edit("Account", id_, {KEY: None})
    scene.replay(record)
    assert scene.of(party)["BillingCity"] == "Bath"
    scene.settled()


def test_a_candidate_deleted_before_the_answer_is_asked_about_again(scene: Scene) -> None:
    first = scene.account("Alder Ltd", BillingCity="Leeds")
    scene.account("Alder Ltd", BillingCity="York")
    party = scene.customer("Alder Ltd")
    scene.run()
    scene.people.delete("Account", first)
    scene.decide("customers", party, adopt=first)
    record = scene.record("customers", party)
    assert (record.status, record.error_code) == ("held", "match_ambiguous")
    assert "not in Salesforce any more" in record.error_text
    scene.decide("customers", party, create=True)
    assert scene.of(party)["Id"] != first


def test_a_candidate_given_to_another_company_before_the_answer_is_not_taken_from_it(scene: Scene) -> None:
    first = scene.account("Alder Ltd", BillingCity="Leeds")
    scene.account("Alder Ltd", BillingCity="York")
    party = scene.customer("Alder Ltd")
    scene.run()
    scene.people.edit("Account", first, {KEY: "999"})
    scene.decide("customers", party, adopt=first)
    record = scene.record("customers", party)
    assert (record.status, record.error_code) == ("held", "match_ambiguous")
    assert "another company of Fusion (999)" in record.error_text
    assert scene.of("999")["Id"] == first


# Refusals -------------------------------------------------------------------------------------------------------------


def test_what_a_duplicate_rule_finds_is_a_question_with_its_finds(scene: Scene) -> None:
    """It sees what came into the org since we looked."""
    scene.customer("Birch Ltd")
    scene.run()
    there = scene.account("ALDER LTD", BillingCity="Leeds")
    party = scene.customer("Alder Ltd", city="Leeds")
    assert scene.run()["customers"] == {"held": 1}
    record = scene.record("customers", party)
    assert record.error_code == "match_ambiguous"
    assert "duplicate rule" in record.error_text
    (candidate,) = record.candidates
    assert (candidate["id"], candidate["title"]) == (there, "ALDER LTD")
    assert len(candidate["reasons"]) > 1
    scene.decide("customers", party, adopt=there)
    assert scene.of(party)["Id"] == there
    scene.settled()


def test_a_duplicate_rule_that_still_objects_is_said_in_its_words(scene: Scene) -> None:
    scene.customer("Birch Ltd")
    scene.run()
    there = scene.account("ALDER LTD", BillingCity="Leeds")
    party = scene.customer("Alder Ltd", city="Leeds")
    scene.run()
    scene.decide("customers", party, create=True)
    record = scene.record("customers", party)
    assert (record.status, record.error_code) == ("rejected", "salesforce_duplicates")
    scene.people.edit("Account", there, {"BillingCity": "York"})
    scene.replay(record)
    assert scene.of(party)["Id"] != there
    scene.settled()


def test_one_refused_account_stops_no_other_and_goes_later(scene: Scene) -> None:
    refusal = {"object": "Account", "contains": "Birch", "code": "STRING_TOO_LONG", "message": "too long"}
    scene.sandbox.set_switches("salesforce", {"refuse_rows": [refusal]})
    first, second = scene.customer("Alder Ltd"), scene.customer("Birch Ltd")
    assert scene.run()["customers"] == {"created": 1, "rejected": 1}
    assert scene.of(first)["Name"] == "Alder Ltd"
    scene.sandbox.set_switches("salesforce", {"refuse_rows": []})
    scene.replay(scene.record("customers", second))
    assert scene.of(second)["Name"] == "Birch Ltd"
    scene.settled()


def test_an_account_taken_over_but_refused_keeps_its_place(scene: Scene) -> None:
    """Neither our key nor half of the data is there; the next attempt sends all, and clears nothing of theirs."""
    id_ = scene.account("Birch Ltd", Phone="+44 1")
    refusal = {
        "object": "Account",
        "contains": "Hull",
        "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "message": "no Hull",
    }
    scene.sandbox.set_switches("salesforce", {"refuse_rows": [refusal]})
    party = scene.customer("Birch Ltd", city="Hull")
    scene.run()
    assert scene.record("customers", party).status == "rejected"
    scene.sandbox.set_switches("salesforce", {"refuse_rows": []})
    scene.replay(scene.record("customers", party))
    account = scene.of(party)
    assert (account["Id"], account["BillingCity"], account["Phone"]) == (id_, "Hull", "+44 1")
    assert len(scene.accounts()) == 1
    scene.settled()


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_lost_answer_leaves_one_account(scene: Scene, kind: str) -> None:
    party = scene.customer("Alder Ltd")
    scene.sandbox.faults.add(kind, system="salesforce", method="PATCH", path="Account", times=9)
    scene.stage.run()
    assert len(scene.accounts()) == (kind == "cut_after")
    scene.sandbox.faults.clear()
    scene.stage.finish()
    assert scene.record("customers", party).destination_id == scene.of(party)["Id"]
    assert len(scene.accounts()) == 1
    scene.settled()


def test_every_code_has_its_advice() -> None:
    """Those that the tests above have seen."""
    codes = {"match_deleted", "match_merged", "account_taken", "tax_field_absent", "customer_first"}
    assert codes < set(ACCOUNT_CAUSES)
