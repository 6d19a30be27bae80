"""Orders are created once, whatever the line does, and found again by our own references."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connections.connectors.oracle_fusion.writing import encode
from connections.errors import ConnectorError, OutcomeUnknown, RecordError, StreamRefused, TransientError
from tests.contract.fusion_stage import FUSION, Pod, pod
from tests.stub import checked

__all__ = ["pod"]

HUB, DRAFTS = "salesOrdersForOrderHub", "draftPurchaseOrders"
REFUSED = RecordError, "fusion_refused"

LOST: dict[str, tuple[bool, dict[str, Any]]] = {
    "cut_before": (False, {"kind": "cut_before"}),
    "cut_after": (True, {"kind": "cut_after"}),
    "cut_body": (True, {"kind": "cut_body"}),
    "broken_json": (True, {"kind": "broken_json"}),
    "internal": (False, {"kind": "status", "status": 500}),
    "error_after_applying": (True, {"kind": "status", "status": 503, "apply": True}),
    "page_after_applying": (True, {"kind": "html", "status": 200, "apply": True}),
    "nothing_said": (True, {"kind": "status", "status": 201, "body": {}, "apply": True}),
}
"""A fault, and whether the order stands afterwards."""


def kind(outcome: object) -> tuple[type, str]:
    assert isinstance(outcome, ConnectorError)
    return next(
        each for each in (OutcomeUnknown, RecordError, TransientError) if isinstance(outcome, each)
    ), outcome.code


@pytest.mark.parametrize(
    ("name", "path"), [*((name, HUB) for name in LOST), ("cut_before", DRAFTS), ("cut_after", DRAFTS)]
)
def test_a_lost_answer_is_unknown_until_it_is_asked_for(pod: Pod, name: str, path: str) -> None:
    stands, fault = LOST[name]
    identity = "HeaderId" if path == HUB else "POHeaderId"
    pod.event("new_supplier")
    client = pod.client()
    rule = pod.fault(**fault, method="POST", path=path, contains="006B", times=1)
    if path == HUB:
        outcome = client.create_orders([pod.order(key) for key in ("006A", "006B", "006C")])
        found = client.orders("SFDC", list(outcome))
    else:
        outcome = client.create_purchase_orders([pod.purchase(key) for key in ("006A", "006B", "006C")])
        found = client.purchase_orders(list(outcome))
    assert kind(outcome["006B"]) == (OutcomeUnknown, "outcome_unknown")
    assert rule.matched == 1  # never a second POST
    assert set(found) == ({"006A", "006B", "006C"} if stands else {"006A", "006C"})
    for key in ("006A", "006C"):
        told = outcome[key]
        assert isinstance(told, dict)
        assert told[identity] == found[key][identity]
        assert "links" not in str(told)


def test_a_time_out_is_unknown(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    client = pod.client()
    client.server_now()
    pod.fault("slow", method="POST", delay=0.6, times=1)
    monkeypatch.setattr(client.door.wire, "_limits", type(client.door.wire._limits)((1, 0.3), 10**6, 10))
    assert kind(client.create_orders([pod.order("006A")])["006A"])[0] is OutcomeUnknown


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 429}, {"kind": "expire_token"}])
def test_what_was_surely_not_applied_is_sent_again(pod: Pod, fault: dict[str, Any]) -> None:
    pod.configure(parallel="1")
    pod.fault(**fault, method="POST", path=HUB, times=1)
    outcome = pod.client().create_orders([pod.order("006A"), pod.order("006B")])
    assert {str(told["HeaderId"]) for told in outcome.values() if isinstance(told, dict)} == pod.ids("sales_orders")
    assert len(pod.ids("sales_orders")) == 2
    assert pod.access.refreshes == (2 if fault["kind"] == "expire_token" else 1)


def test_a_refusal_carries_every_text_and_stops_nothing(pod: Pod) -> None:
    bad = pod.order("006B", TransactionalCurrencyCode="XXX", BuyingPartyNumber="0")
    outcome = pod.client().create_orders([pod.order("006A"), bad, pod.order("006C")])
    refused = outcome["006B"]
    assert kind(refused) == REFUSED
    assert isinstance(refused, ConnectorError)
    for part in (
        "refused to create this sales order",
        "TransactionalCurrencyCode XXX",
        "BuyingPartyNumber 0",
        "replay",
    ):
        assert part in refused.text
    assert refused.text.count("TransactionalCurrencyCode XXX") == 1  # the general text repeats the single ones
    assert isinstance(outcome["006A"], dict)
    assert isinstance(outcome["006C"], dict)


def test_an_order_refused_because_it_exists_is_taken_for_created(pod: Pod) -> None:
    client = pod.client()
    first = client.create_orders([pod.order("006A")])["006A"]
    outcome = client.create_orders([pod.order("006A"), pod.order("006B"), pod.order("006C", BuyingPartyNumber="0")])
    again = outcome["006A"]
    assert isinstance(first, dict)
    assert isinstance(again, dict)
    assert again["HeaderId"] == first["HeaderId"]
    assert kind(outcome["006C"]) == REFUSED
    assert len(pod.ids("sales_orders")) == 2


def test_the_newest_version_of_an_order_is_found(pod: Pod) -> None:
    pod.switch(duplicate_orders="revise")
    client = pod.client()
    versions = [client.create_orders([pod.order("123456789")])["123456789"] for _ in range(3)]
    client.create_orders([pod.order("123456789", SourceTransactionSystem="LEG")])
    (found,) = client.orders("SFDC", ["123456789", "no such"]).values()
    assert isinstance(versions[-1], dict)
    assert found["HeaderId"] == versions[-1]["HeaderId"]
    assert found["SourceTransactionRevisionNumber"] == 3


def test_a_lost_privilege_names_itself(pod: Pod) -> None:
    pod.switch(write_forbidden=[HUB])
    with pytest.raises(StreamRefused) as caught:
        pod.client().create_orders([pod.order("006A")])
    assert "privilege to create sales orders" in caught.value.text


def test_what_was_created_before_the_end_is_told(pod: Pod) -> None:
    pod.configure(parallel="1")
    pod.fault("status", status=403, method="POST", path=HUB, after=2)
    outcome = pod.client().create_orders([pod.order(f"006{letter}") for letter in "ABCD"])
    assert [isinstance(outcome[f"006{letter}"], dict) for letter in "ABCD"] == [True, True, False, False]
    assert kind(outcome["006D"]) == (TransientError, "fusion_no_privilege")


@pytest.mark.parametrize(
    ("refused", "most"), [({}, 15), ({"or_refused": True}, 20), ({"or_refused": True, "in_refused": True}, 250)]
)
def test_many_orders_are_asked_for_in_few_calls(pod: Pod, refused: dict[str, bool], most: int) -> None:
    client = pod.client()
    keys = [f"006xx00000{number:05d}AAA" for number in range(1000 if most < 100 else 200)]
    client.create_orders([pod.order(key) for key in keys[::100]])
    pod.switch(**refused)
    before = client.calls
    assert set(client.orders("SFDC", keys)) == set(keys[::100])
    assert client.calls - before < most


@pytest.mark.parametrize("refused", [{}, {"or_refused": True}])
def test_many_purchase_orders_are_asked_for_in_few_calls(pod: Pod, refused: dict[str, bool]) -> None:
    pod.event("new_supplier")
    client = pod.client()
    keys = [f"a0Bxx00000{number:05d}AAA" for number in range(1000)]
    client.create_purchase_orders([pod.purchase(key) for key in keys[::250]])
    pod.switch(**refused)
    before = client.calls
    assert set(client.purchase_orders(keys, since=datetime.now(UTC))) == set(keys[::250])
    assert client.calls - before < 40


@pytest.mark.parametrize(
    ("form", "since"),
    [("zulu", None), *((form, timedelta(minutes=5)) for form in ("zulu", "offset", "date"))],
)
def test_without_like_what_was_created_lately_is_compared(pod: Pod, form: str, since: timedelta | None) -> None:
    pod.configure(page_size="3")
    pod.event("new_supplier")
    pod.client().create_purchase_orders([pod.purchase(f"a0B{number}") for number in range(8)])
    pod.switch(like_refused=True, timestamp_forms=[form])
    began = datetime.now(UTC) - since if since else None
    assert set(pod.client().purchase_orders(["a0B0", "a0B7", "a0B"], since=began)) == {"a0B0", "a0B7"}
    pod.configure(page_size="500")
    client = pod.client()
    assert set(client.purchase_orders(["a0B3"], since=began)) == {"a0B3"}
    assert client.calls == 2  # what the pod does not take is remembered


def test_a_check_finds_out_whether_like_is_refused_or_ignored(pod: Pod) -> None:
    pod.switch(like_refused=True)
    pod.check()
    client = pod.client()
    assert not client.dialect(client.resource("purchase_orders")).like
    assert not client.dialect(client.resource("draft_purchase_orders")).like
    pod.switch(like_refused=False)
    pod.fault("status", path="purchaseOrders.*like", status=200, body={"items": [{"POHeaderId": 1}]})
    pod.check()
    client = pod.client()
    assert not client.dialect(client.resource("purchase_orders")).like
    assert client.dialect(client.resource("draft_purchase_orders")).like


def test_a_reference_is_a_whole_word_and_the_original_counts(pod: Pod) -> None:
    pod.event("new_supplier")
    client = pod.client()
    made = client.create_purchase_orders([pod.purchase("a0B1"), pod.purchase("a0B12")])
    client.create_purchase_orders([pod.purchase("copy", ReferenceNumber="a0B1", Description="Copy of a0B1.")])
    found = client.purchase_orders(["a0B1", "a0B12", "B1"])
    assert {key: row["POHeaderId"] for key, row in found.items()} == {
        key: told["POHeaderId"] for key, told in made.items() if isinstance(told, dict)
    }


def test_a_draft_is_submitted_and_becomes_an_order(pod: Pod) -> None:
    pod.event("new_supplier")
    client = pod.client()
    made = client.create_purchase_orders([pod.purchase("a0B1"), pod.purchase("a0B2")])
    ids = {key: str(told["POHeaderId"]) for key, told in made.items() if isinstance(told, dict)}
    assert all(told["_draft"] for told in made.values() if isinstance(told, dict))
    assert client.submit_purchase_orders({"a0B1": ids["a0B1"]}) == {"a0B1": None}
    found = client.purchase_orders(["a0B1", "a0B2"])
    assert {key: row["_draft"] for key, row in found.items()} == {"a0B1": False, "a0B2": True}
    assert {key: str(row["POHeaderId"]) for key, row in found.items()} == ids
    outcome = client.submit_purchase_orders({**ids, "gone": "999"})
    assert outcome["a0B1"] is outcome["a0B2"] is None
    assert kind(outcome["gone"]) == (RecordError, "fusion_not_visible")


def test_a_submission_that_is_lost_or_misdirected_or_refused(pod: Pod) -> None:
    pod.switch(href_origin="443")
    pod.event("new_supplier")
    client = pod.client()
    made = client.create_purchase_orders([pod.purchase(f"a0B{number}") for number in range(3)])
    lost, stale, late = (str(told["POHeaderId"]) for told in made.values() if isinstance(told, dict))
    pod.fault("cut_after", method="POST", path="action/submit", times=1)
    assert kind(client.submit_purchase_orders({"a0B0": lost})["a0B0"])[0] is OutcomeUnknown
    assert client.submit_purchase_orders({"a0B0": lost}) == {"a0B0": None}
    pod.fault("status", status=404, method="POST", path="action/submit", times=1)
    assert client.submit_purchase_orders({"a0B1": stale}) == {"a0B1": None}
    pod.switch(po_approval="pending")
    assert client.submit_purchase_orders({"a0B2": late}) == {"a0B2": None}
    refused = client.submit_purchase_orders({"a0B2": late})["a0B2"]
    assert kind(refused) == REFUSED
    assert "refused to submit this purchase order" in str(refused)


def test_a_lookup_that_is_cut_short_does_not_say_that_nothing_is_there(pod: Pod) -> None:
    empty = {"items": [], "count": 0, "hasMore": True, "limit": 500, "offset": 0}
    pod.fault("status", path=HUB, status=200, body=empty)
    with pytest.raises(TransientError):
        pod.client().orders("SFDC", ["006A"])
    pod.sandbox.faults.clear()
    pod.fault("status", path=HUB, status=404)
    with pytest.raises(StreamRefused):
        pod.client().orders("SFDC", ["006A"])


def test_numbers_are_exact_and_dates_are_in_utc() -> None:
    sent = {"a": Decimal("0.1"), "b": Decimal("12345678901234567.89"), "c": datetime(2026, 12, 1, 9, tzinfo=UTC)}
    assert json.loads(encode({**sent, "d": sent["c"].date()})) == {
        "a": 0.1,
        "b": "12345678901234567.89",
        "c": "2026-12-01T09:00:00+00:00",
        "d": "2026-12-01",
    }


# Reading for the other direction


def test_orders_are_read_as_streams(pod: Pod) -> None:
    pod.event("new_supplier")
    client = pod.client()
    client.create_orders([pod.order("006A", SubmittedFlag=True)])
    made = client.create_purchase_orders([pod.purchase("a0B1"), pod.purchase("a0B2")])
    first = made["a0B1"]
    assert isinstance(first, dict)
    client.submit_purchase_orders({"a0B1": str(first["POHeaderId"])})
    since = datetime.now(UTC) - timedelta(minutes=5)
    assert {row.key for row in pod.rows("sales_orders", since=since)} == pod.ids("sales_orders")
    assert [row.key for row in pod.rows("purchase_orders", since=since)] == [str(first["POHeaderId"])]
    assert len(pod.rows("draft_purchase_orders", since=since)) == 1
    assert not client.can_filter_on_cursor("draft_purchase_orders")


def test_sites_of_an_account(pod: Pod) -> None:
    pod.switch(account_keys="hash")
    client = pod.client()
    rows = pod.rows("site_activities")
    accounts = [row.data["AccountId"] for row in rows[:3]]
    found = client.related("site_activities", "AccountId", accounts)
    assert {row["AccountId"] for row in found} == set(accounts)
    assert len(rows) == 10


def test_suppliers_are_read_whole_or_by_change_and_with_their_sites(pod: Pod) -> None:
    made = [pod.event("new_supplier")["supplier"] for _ in range(5)]
    since = datetime.now(UTC) + timedelta(days=1)
    pod.configure(page_size="2")
    assert not pod.client().can_filter_on_cursor("suppliers")
    assert [int(row.key) for row in pod.rows("suppliers", since=since)] == made
    pod.switch(more_filterable=["suppliers"])
    pod.check()
    assert pod.client().can_filter_on_cursor("suppliers")
    assert [int(row.key) for row in pod.rows("suppliers")] == made
    assert pod.rows("suppliers", since=since) == []
    parties = [row["SupplierPartyId"] for row in pod.table("suppliers").values()]
    for supplier in pod.client().related("suppliers", "SupplierPartyId", parties, expand="sites,addresses"):
        assert [site["SupplierSite"] for site in supplier["sites"]] == ["MAIN"]
        assert [address["AddressName"] for address in supplier["addresses"]] == ["HEAD OFFICE"]


def test_a_check_warns_of_what_only_some_integrations_need(pod: Pod) -> None:
    objects = ["suppliers", HUB, DRAFTS, "purchaseOrders"]
    streams = ["suppliers", "sales_orders", "draft_purchase_orders", "purchase_orders"]
    pod.switch(forbidden=objects)
    steps = {step.key: step for step in checked(FUSION, pod.access).steps}
    assert {steps[stream].outcome for stream in streams} == {"warning"}
    assert "failed" not in {step.outcome for step in steps.values()}
    assert "needed only to send orders to Fusion" in steps["sales_orders"].advice.lower().replace("fusion", "Fusion")
    assert "privilege to view and create sales orders" in steps["sales_orders"].advice
    pod.switch(forbidden=[])
    steps = {step.key: step for step in checked(FUSION, pod.access).steps}
    assert {steps[stream].outcome for stream in streams} == {"ok"}
    assert "cannot be tested without creating one" in steps["sales_orders"].text


@pytest.mark.parametrize(("describes", "outcome"), [(True, "warning"), (False, "ok")])
def test_a_check_believes_a_pod_that_offers_no_creating(pod: Pod, describes: bool, outcome: str) -> None:
    pod.switch(write_forbidden=[HUB, DRAFTS], describe=describes)
    steps = pod.check()
    assert steps["sales_orders"] == steps["draft_purchase_orders"] == outcome
    assert steps["purchase_orders"] == "ok"
