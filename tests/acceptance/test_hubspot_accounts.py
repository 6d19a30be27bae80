"""What HubSpot accounts alone can do to a sync from Oracle Fusion, and what of it shows in the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connections import services as connections
from syncs import services
from syncs.models import Run
from tests.acceptance.faults import FAULTS
from tests.acceptance.pairs import FUSION_HUBSPOT
from tests.acceptance.pairs.base import ACTOR, Pair, State
from tests.acceptance.stage import Stage
from tests.acceptance.undisturbed import assert_same, differences, story

pytestmark = pytest.mark.either_database

Build = Callable[..., Stage]
REFUSABLE = ("invoices", "line_items", "commerce_payments")


@pytest.fixture
def pair() -> Pair:
    return FUSION_HUBSPOT


@pytest.mark.parametrize(
    ("path", "contains"),
    [
        ("line_items/batch", "300000090000001"),
        ("invoices/line_items/batch/create", None),
        ("invoices/contacts/batch/create", None),
        ("commerce_payments/invoices/batch/create", None),
        ("contacts/companies/batch/create", None),
    ],
)
def test_what_was_refused_half_way_is_made_whole_by_a_replay(
    undisturbed: State, build: Build, path: str, contains: str | None
) -> None:
    """A refused line leaves no orphan, and a refused association is not taken for made."""
    stage = build()
    refusal = {"status": "error", "category": "VALIDATION_ERROR", "message": "Not today."}
    stage.sandbox.faults.add("status", system="hubspot", path=path, contains=contains, status=400, body=refusal)
    stage.run()
    refused = stage.records(status="rejected", error_code="hubspot_invalid")
    assert refused.exists()
    assert contains is None or refused.filter(flow__key="invoices").count() == 1
    if "line_items/batch/create" not in path:
        assert stage.sandbox.systems["hubspot"].orphans() == []
    stage.sandbox.faults.clear()
    _, run = services.replay(refused, sync=stage.sync, actor=ACTOR, cause="hubspot_invalid")
    assert run is not None
    stage.execute(run)
    assert_same(undisturbed, stage)


@pytest.mark.parametrize("category", ["INVALID_AUTHENTICATION", "EXPIRED_AUTHENTICATION"])
def test_a_key_that_is_revoked_in_mid_run(undisturbed: State, build: Build, category: str) -> None:
    stage = build({"hubspot": {"authentication_category": category}})
    stage.sandbox.faults.add("expire_token", system="hubspot", after=9, times=1)
    ended = stage.run()
    assert (ended.status, ended.error_code) == (Run.Status.FAILED, "hubspot_key_refused")
    connections.replace_secrets(stage.hubspot, FUSION_HUBSPOT.destination.let_in(stage.sandbox), ACTOR)
    assert connections.test_connection(stage.hubspot, ACTOR).ok
    assert_same(undisturbed, stage)


def test_a_fusion_user_whom_the_pod_does_not_know_stops_the_right_connection(undisturbed: State, build: Build) -> None:
    stage = build()
    stage.sandbox.set_switches("oracle_fusion", {"user_known": False})
    ended = stage.run()
    assert (ended.status, ended.error_code) == (Run.Status.FAILED, "fusion_sign_in")
    stage.fusion.refresh_from_db()
    stage.hubspot.refresh_from_db()
    assert (stage.fusion.status, stage.hubspot.status) == ("broken", "healthy")
    stage.sandbox.set_switches("oracle_fusion", {"user_known": True})
    assert connections.test_connection(stage.fusion, ACTOR).ok
    assert_same(undisturbed, stage)


def test_limits_harder_than_the_connection_says(undisturbed: State, build: Build) -> None:
    stage = build()
    stage.sandbox.set_switches("hubspot", {"tier": 12, "search_per_second": 1})
    assert_same(undisturbed, stage)


def test_new_mirrors_that_show_an_amount_of_zero(undisturbed: State, build: Build) -> None:
    """Opening an invoice writes it again. What stands as a draft shows zero until it opens or changes."""
    stage = build({"hubspot": {"amount_zero_after_create": True}})
    parted = differences(undisturbed, story(stage))
    zero = [line.split("/")[3] for line in parted if "hs_amount_billed" in line and line.endswith("became '0'")]
    assert len(zero) == len(parted)
    invoices = stage.sandbox.systems["hubspot"].dump()["invoices"]
    assert {invoices[key]["properties"]["hs_invoice_status"] for key in zero} == {"draft"}


def test_paid_is_taken_from_nobody(undisturbed: State, build: Build) -> None:
    """Then invoices stay open, with a balance of zero and their payments; nothing else differs."""
    stage = build({"hubspot": {"paid_by": "never"}})
    parted = differences(undisturbed, story(stage))
    assert parted
    assert [line for line in parted if not line.endswith("hs_invoice_status: 'paid' became 'open'")] == []


@pytest.mark.parametrize("mode", ["silent", "refuse", "upsert"])
@pytest.mark.parametrize("fault", ["", "cut_before", "cut_after", "broken_json", "error_after_applying"])
def test_without_unique_properties(undisturbed: State, build: Build, mode: str, fault: str) -> None:
    """Nothing is doubled although creates cannot be repeated, and though search sees them seconds late."""
    stage = build({"hubspot": {"unique_refused": dict.fromkeys(REFUSABLE, mode), "search_lag": 5.0}})
    assert not any(stage.hubspot.capabilities["unique"][kind] for kind in REFUSABLE)
    if fault:
        stage.sandbox.faults.add(system="hubspot", probability=0.33, seed=7, **FAULTS[fault])
    assert_same(undisturbed, stage)


@pytest.mark.parametrize("fault", ["", "cut_before", "cut_after"])
def test_without_any_unique_property(undisturbed: State, build: Build, fault: str) -> None:
    """Companies and contacts too. A contact then has no key of ours in the account's listing, only its e-mail."""
    stage = build({"hubspot": {"unique_refused": dict.fromkeys((*REFUSABLE, "companies", "contacts"), "silent")}})
    if fault:
        stage.sandbox.faults.add(system="hubspot", probability=0.33, seed=7, **FAULTS[fault])
    found = story(stage)
    assert [line for line in differences(undisturbed, found) if "/contacts/" not in line] == []
    assert len(found["hubspot"]["contacts"]) == len(undisturbed["hubspot"]["contacts"])


def test_customers_from_the_hub(undisturbed: State, build: Build) -> None:
    """The hub's organisations tell no industry; all else is the same."""
    parted = differences(undisturbed, story(build(source={"customers_resource": "hubOrganizations"})))
    assert [line for line in parted if "industry: missing" not in line] == []
