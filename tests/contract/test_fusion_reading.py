"""Every row once: paging, ties, changes under way, refusals and children, against the imitated pod over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connections.connectors.oracle_fusion import dialect
from connections.errors import ConfigError, StreamRefused
from tests.contract.fusion_stage import Pod, pod

__all__ = ["pod"]


def test_a_thousand_invoices_cost_two_calls_and_an_unchanged_stream_one(pod: Pod) -> None:
    pod.event("fill", customers=1, invoices=1000, lines=3)
    client = pod.client()
    now = client.server_now()
    before = client.calls
    pages = list(client.walk("invoices", since=None, until=now, after=None))
    assert [len(page.rows) for page in pages] == [500, 500]
    assert client.calls - before == 2
    assert pages[0].total == 1000
    assert {row.key for page in pages for row in page.rows} == pod.ids()
    high = dialect.instant(pages[-1].rows[-1].version)
    before = client.calls
    assert len(list(client.walk("invoices", since=high, until=now, after=None))) == 1
    assert client.calls - before == 1


def test_seven_hundred_rows_of_one_stamp_arrive_once_each(pod: Pod) -> None:
    pod.event("invoices_arrive", count=700, lines=1, same_stamp=True)
    keys = [row.key for row in pod.rows()]
    assert len(keys) == 700
    assert set(keys) == pod.ids()


@pytest.mark.parametrize("refused", [{}, {"or_refused": True}, {"order_by_any": False}, {"timestamp_forms": ["date"]}])
@pytest.mark.parametrize("size", ["1", "7", "500"])
def test_ties_longer_than_a_page_in_every_dialect(pod: Pod, refused: dict[str, Any], size: str) -> None:
    pod.configure(page_size=size)
    pod.switch(**refused)
    pod.event("invoices_arrive", count=15, lines=1, same_stamp=True)
    pod.event("invoices_arrive", count=9, lines=1)
    keys = [row.key for row in pod.rows(since=datetime(2026, 1, 1, tzinfo=UTC))]
    assert sorted(keys) == sorted(pod.ids())


def test_rows_that_change_during_the_scan_shift_nothing(pod: Pod) -> None:
    """By offset the page edge moves under the reader's feet: the row behind it is never seen."""
    pod.configure(page_size="50")
    pod.event("fill", customers=1, invoices=300, lines=1)
    pod.fault("page_shift", path="receivablesInvoices", event="touch", arguments={"count": 1}, after=1, times=4)
    read = {row.key for row in pod.rows()}
    assert len(pod.ids() - read) <= 4  # those changed after the upper edge belong to the next run
    assert pod.ids() == read | {row.key for row in pod.rows(since=datetime.now(UTC) - timedelta(minutes=1))}


def test_the_same_scan_by_offset_loses_rows(pod: Pod) -> None:
    pod.event("fill", customers=1, invoices=300, lines=1)
    pod.fault("page_shift", path="receivablesInvoices", event="touch", arguments={"count": 1}, after=1, times=4)
    client, read = pod.client(), set()
    for offset in range(0, 300, 50):
        params = {"limit": 50, "offset": offset, "orderBy": "LastUpdateDate:asc,CustomerTransactionId:asc"}
        body = client.get(client.path(client.resource("invoices")), params, "invoices").body
        read |= {str(row["CustomerTransactionId"]) for row in body["items"]}
    assert len(pod.ids() - read) > 0


def test_a_row_committed_late_is_found_by_looking_back(pod: Pod) -> None:
    pod.event("invoices_arrive", count=20, lines=1)
    high = max(dialect.instant(row.version) for row in pod.rows())
    (late,) = pod.event("late_commit", age=300)["invoices"]
    assert str(late) not in {row.key for row in pod.rows(since=high)}
    assert str(late) in {row.key for row in pod.rows(since=high - timedelta(minutes=15))}


def test_a_scan_goes_on_from_any_position(pod: Pod) -> None:
    pod.configure(page_size="10")
    pod.event("invoices_arrive", count=25, lines=1, same_stamp=True)
    whole = list(pod.pages())
    keys = [row.key for page in whole for row in page.rows]
    places = [place for page in whole for place in page.positions]
    for index in (0, 9, 10, 23, 24):
        assert [row.key for row in pod.rows(after=places[index])] == keys[index + 1 :]


@pytest.mark.parametrize("most", [499, 100, 7])
def test_a_page_clamped_by_the_pod_loses_nothing(pod: Pod, most: int) -> None:
    pod.switch(max_limit=most)
    pod.event("fill", customers=1, invoices=600, lines=1)
    assert sorted(row.key for row in pod.rows()) == sorted(pod.ids())


def test_a_list_that_claims_more_and_gives_nothing_ends(pod: Pod) -> None:
    empty = {"items": [], "count": 0, "hasMore": True, "limit": 500, "offset": 0}
    pod.fault("status", path="receivablesInvoices", status=200, body=empty)
    assert pod.rows() == []
    pod.switch(empty_items=False)
    pod.sandbox.faults.clear()
    assert pod.rows(since=datetime.now(UTC)) == []


@pytest.mark.parametrize("form", ["zulu", "offset"])
def test_the_form_of_timestamps_is_found_and_kept(pod: Pod, form: str) -> None:
    pod.switch(timestamp_forms=[form])
    pod.event("invoices_arrive", count=5, lines=1)
    assert len(pod.rows(since=datetime(2026, 1, 1, tzinfo=UTC))) == 5
    pod.check()
    client = pod.client()
    assert client.dialect(client.resource("invoices")).form == form
    before = client.calls
    list(client.walk("invoices", since=datetime(2026, 1, 1, tzinfo=UTC), until=datetime.now(UTC), after=None))
    assert client.calls - before == 1  # nothing is tried again


@pytest.mark.parametrize("version", range(1, 10))
def test_every_framework_version_gives_the_same_rows(pod: Pod, version: int) -> None:
    pod.configure(framework_version=str(version))
    pod.event("invoices_arrive", count=3, lines=60)
    pod.event("customer_pays")
    for row in pod.rows():
        assert row.key.isdecimal()
        lines = row.data["receivablesInvoiceLines"]
        assert len({line["CustomerTransactionLineId"] for line in lines}) == 60
        assert all(isinstance(line["receivablesInvoiceLineTaxLines"], list) for line in lines)
        assert "links" not in str(row.data)
    (receipt,) = pod.rows("receipts")
    assert not [name for name in receipt.data if "Bank" in name or "Card" in name]


def test_a_framework_version_the_pod_does_not_take_is_replaced(pod: Pod) -> None:
    pod.switch(allowed_versions=[1, 2, 3], default_version=3)
    assert pod.check()["framework"] == "warning"
    pod.event("invoices_arrive", count=1, lines=1)
    assert len(pod.rows()) == 1


def test_children_cut_off_are_completed_at_any_depth(pod: Pod) -> None:
    """A short child page cuts lines, and within each line its taxes."""
    pod.switch(child_limit=2)
    pod.event("invoices_arrive", count=2, lines=5)
    client = pod.client()
    (page,) = pod.pages(client=client)
    for row in page.rows:
        lines = row.data["receivablesInvoiceLines"]
        assert len(lines) == 5
        assert len(row.data["receivablesInvoiceInstallments"]) >= 1
        assert sum(Decimal(line["LineAmount"]) for line in lines) > 0
    assert page.calls == 3  # the page, and the lines of both


def test_receipts_fall_back_to_a_window_and_are_found_by_key(pod: Pod) -> None:
    pod.configure(page_size="3")
    pod.event("fill", customers=1, invoices=10, lines=1, payments=10)
    client = pod.client()
    assert not client.can_filter_on_cursor("receipts")
    recent = datetime.now(UTC) - timedelta(hours=1)
    assert {row.key for row in pod.rows("receipts", since=recent)} == pod.ids("receipts")
    (reversed_one,) = {pod.event("receipt_reversed")["receipt"]}
    (row,) = [row for row in pod.rows("receipts", since=recent) if row.key == str(reversed_one)]
    assert row.data["ReversalDate"]


def test_a_filter_counts_only_if_it_filters(pod: Pod) -> None:
    pod.event("fill", customers=1, invoices=4, lines=1, payments=4)
    pod.switch(filter_ignored=["standardReceipts"])
    pod.check()
    assert not pod.client().can_filter_on_cursor("receipts")
    pod.switch(filter_ignored=[], receipts_filterable=True)
    pod.check()
    assert pod.client().can_filter_on_cursor("receipts")
    assert len(pod.rows("receipts")) == 4


def test_a_filter_refused_later_lowers_the_rung(pod: Pod) -> None:
    pod.event("fill", customers=1, invoices=4, lines=1, payments=4)
    pod.switch(receipts_filterable=True)
    pod.check()
    pod.switch(receipts_filterable=False)
    client = pod.client()
    assert client.can_filter_on_cursor("receipts")
    assert len(pod.rows("receipts", client=client, since=datetime(2026, 1, 1, tzinfo=UTC))) == 4
    assert not client.can_filter_on_cursor("receipts")
    assert not pod.client().can_filter_on_cursor("receipts")  # kept for the next run


@pytest.mark.parametrize("refused", [{}, {"or_refused": True}])
def test_related_rows_are_read_in_bulk(pod: Pod, refused: dict[str, Any]) -> None:
    pod.switch(**refused)
    pod.event("fill", customers=1, invoices=300, lines=1)
    keys = sorted(pod.ids())
    client = pod.client()
    found = client.fetch("invoices", [*keys[:250], "999"])
    assert sorted(row.key for row in found) == keys[:250]
    if not refused:
        assert client.calls <= 5
    parties = {row.data["BillToPartyId"] for row in found}
    pod.configure(page_size="40")
    assert len(pod.client().related("invoices", "BillToPartyId", sorted(parties))) == 300


@pytest.mark.parametrize("keys", ["plain", "hash"])
@pytest.mark.parametrize("version", ["1", "4", "9"])
def test_applications_by_account_are_complete(pod: Pod, keys: str, version: str) -> None:
    pod.switch(account_keys=keys, href_origin="443")
    pod.configure(framework_version=version)
    pod.event("fill", customers=2, invoices=80, lines=1, payments=80)
    client = pod.client()
    numbers = [row.data["AccountNumber"] for page in pod.pages("activities") for row in page.rows]
    found = client.related("activities", "AccountNumber", [*numbers, "no such"], expand="standardReceiptApplications")
    applications = [row for account in found for row in account["standardReceiptApplications"]]
    assert len(applications) == len(pod.ids("applications")) == 80


def test_an_unreadable_object_names_itself(pod: Pod) -> None:
    pod.switch(forbidden=["standardReceipts"])
    with pytest.raises(StreamRefused) as caught:
        pod.rows("receipts")
    assert "standardReceipts" in caught.value.text
    outcomes = pod.check()
    assert (outcomes["receipts"], outcomes["invoices"]) == ("failed", "warning")


def test_the_server_clock_costs_one_call_at_most(pod: Pod) -> None:
    client = pod.client()
    now = client.server_now()
    assert now.microsecond == 0
    assert abs((now - datetime.now(UTC)).total_seconds()) < 3
    before = client.calls
    client.server_now()
    assert client.calls == before


@pytest.mark.parametrize("auth_failure", ["json", "html", "empty", "redirect"])
def test_a_token_that_ends_in_mid_run_is_replaced_once(pod: Pod, auth_failure: str) -> None:
    pod.switch(auth_failure=auth_failure)
    pod.configure(page_size="10")
    pod.event("invoices_arrive", count=50, lines=1)
    pod.fault("expire_token", path="receivablesInvoices", after=2, times=1)
    assert len(pod.rows()) == 50
    assert pod.access.refreshes == 2


def test_basic_sign_in_where_a_pod_needs_it(pod: Pod) -> None:
    from connections.sandbox.oracle_fusion import DEMO_CREDENTIALS

    pod.configure(auth="basic", username=DEMO_CREDENTIALS["username"], token_url="", scope="", client_id="")
    pod.access.secrets = {"password": DEMO_CREDENTIALS["password"]}
    assert pod.check()["sign_in"] == "ok"
    assert pod.access.refreshes == 0


@pytest.mark.parametrize(
    ("config", "secrets", "code"),
    [
        ({}, {"client_secret": "wrong-secret"}, "fusion_client"),
        ({"client_id": "somebody.else"}, {}, "fusion_client"),
        ({"scope": "urn:opc:other"}, {}, "fusion_scope"),
    ],
)
def test_the_identity_domain_names_the_setting(
    pod: Pod, config: dict[str, str], secrets: dict[str, str], code: str
) -> None:
    pod.configure(**config)
    pod.access.secrets |= secrets
    with pytest.raises(ConfigError) as caught:
        pod.rows()
    assert caught.value.code == code


def test_a_user_missing_in_fusion_is_told_apart(pod: Pod) -> None:
    pod.switch(user_known=False)
    assert pod.check() == {"sign_in": "failed"}


# Whatever happens meanwhile: a row that was there all the time and did not change is read.

changes = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 59)), max_size=6)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    groups=st.lists(st.integers(1, 15), min_size=1, max_size=5),
    size=st.integers(1, 17),
    most=st.sampled_from([500, 5]),
    touched=changes,
    dialect_=st.sampled_from([{}, {"or_refused": True}, {"order_by_any": False}, {"timestamp_forms": ["date"]}]),
)
def test_no_row_is_lost(
    pod: Pod, groups: list[int], size: int, most: int, touched: list[tuple[int, int]], dialect_: dict[str, Any]
) -> None:
    system = pod.sandbox.systems["oracle_fusion"]
    _reset(pod, max_limit=most, **dialect_)
    pod.configure(page_size=str(size))
    for group in groups:
        pod.event("invoices_arrive", count=group, lines=1, same_stamp=True)
    present = sorted(pod.ids())
    before = system.dump()["invoices"]
    for page, index in touched:
        ids = [present[index % len(present)]]
        pod.fault("page_shift", path="orderBy", event="touch", arguments={"ids": ids}, after=page, times=1)
    read = {row.key for row in pod.rows(since=datetime(2026, 1, 1, tzinfo=UTC))}
    after = system.dump()["invoices"]
    quiet = {key for key in present if before[key]["LastUpdateDate"] == after[key]["LastUpdateDate"]}
    assert quiet <= read


def _reset(pod: Pod, **switches: Any) -> None:
    pod.sandbox.faults.clear()
    forms = ["zulu", "offset", "date"]
    defaults = {"or_refused": False, "order_by_any": True, "timestamp_forms": forms, "max_limit": 500}
    pod.switch(**{**defaults, **switches})
    store = pod.sandbox.systems["oracle_fusion"].records
    from connections.sandbox.oracle_fusion.attributes import INVOICES

    store.delete(INVOICES, "1", ())
