"""What pages show: empty, full, long and wrong; and with how few questions to the database."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEntry
from audit.reading import changes, read, tables
from mlconnector.templatetags import shown
from syncs import record_selectors, selectors
from syncs.models import Record, Run, Sync
from tests import factories

SignIn = Callable[[Any], Client]
LONG = "Gesellschaft für außerordentlich lange Firmennamen mbH & Co. KG " * 3


@pytest.fixture
def page(signed_in: SignIn, owner: Any) -> Client:
    return signed_in(owner)


@pytest.fixture
def sync(tenant: Any) -> Sync:
    return factories.busy_month(tenant)


def text_of(client: Client, name: str, *args: Any, query: str = "") -> str:
    answer = client.get(reverse(name, args=args) + query)
    assert answer.status_code == 200
    return answer.content.decode()


# Nothing yet ----------------------------------------------------------------------------------------------------------


def test_signed_out_sees_what_it_does(client: Client, db: None) -> None:
    text = client.get("/").content.decode()
    for words in ("Oracle Fusion", "HubSpot", "Customers", "Invoices", "Payments", "/accounts/login/"):
        assert words in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("home", "Connect the first system"),
        ("syncs:list", "No syncs yet"),
        ("syncs:records", "No records yet"),
        ("syncs:attention", "All is well"),
        ("syncs:drafts", "No confirmation here"),
        ("connections:list", "No connections yet"),
        ("audit:trail", "Nothing here yet"),
        ("tenants:keys", "No keys yet"),
    ],
)
def test_an_empty_workspace_says_what_comes_next(page: Client, name: str, words: str) -> None:
    assert words in text_of(page, name)


def test_the_dashboard_leads_from_step_to_step(page: Client, tenant: Any) -> None:
    factories.connection(tenant, "hubspot", "HubSpot")
    assert "Connect the other system" in text_of(page, "home")
    factories.connection(tenant, "oracle_fusion", "Fusion")
    assert "/syncs/new/" in text_of(page, "home")


# In use ---------------------------------------------------------------------------------------------------------------


def test_the_dashboard_says_what_needs_whom(page: Client, sync: Sync) -> None:
    text = text_of(page, "home")
    for words in ("3 records could not be delivered", "1 record needs your decision", "3 draft invoices wait"):
        assert words in text


def test_a_flow_that_is_refused_is_said_where_it_is_seen(page: Client, tenant: Any, sync: Sync) -> None:
    why = "The Fusion user may not read receipts."
    factories.run(sync, Run.Status.PARTIAL, progress={"refused": {"payments": {"code": "x", "text": why}}})
    assert f"nothing of payments moves. {why}" in text_of(page, "home")
    assert why in text_of(page, "syncs:sync", sync.pk)
    assert selectors.overviews(tenant)[0].state == "stuck"


def test_what_is_done_is_counted_up_to_a_bound_and_open_issues_all(
    page: Client, tenant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = factories.sync(tenant)
    invoices = factories.flow(sync)
    monkeypatch.setattr(selectors, "COUNTED_AT_MOST", 2)
    for status, number in (("synced", 3), ("skipped", 2), ("held", 4)):
        for key in range(number):
            factories.record(invoices, f"{status}{key}", status=status, error_code="total_differs")
    (counted,) = [one for one in selectors.flow_overviews(sync) if one.flow == invoices]
    assert counted.counts == {"synced": 2, "skipped": 2, "waiting": 0, "held": 4, "rejected": 0}
    assert counted.more == {"synced"}
    assert "2+<span" in text_of(page, "syncs:sync", sync.pk)


def test_a_record_left_out_by_a_rule_says_why(page: Client, sync: Sync) -> None:
    left = factories.record(factories.flow(sync), "77001", status="skipped", title="CM-77001")
    why = "A credit is not mirrored as an invoice."
    factories.attempt(left, "skipped", {"rule": "credit", "answer": {"text": why}})
    assert f"<strong>Left out by a rule.</strong> {why}" in text_of(page, "syncs:record", left.pk)


def test_numbers_and_states_of_the_dashboard(tenant: Any, sync: Sync) -> None:
    (overview,) = selectors.overviews(tenant)
    assert overview.moved == {"created": 273, "updated": 19}
    assert overview.unsettled == {"held": 1, "rejected": 3, "waiting": 1}
    assert overview.state == "issues"
    factories.active_run(sync)
    assert selectors.overviews(tenant)[0].state == "running"


def test_causes_are_grouped_with_their_money(tenant: Any, sync: Sync) -> None:
    groups = record_selectors.causes(tenant)
    assert [(group.flow.key, group.code, group.number) for group in groups] == [
        ("invoices", "total_differs", 2),
        ("invoices", "currency_missing", 1),
        ("customers", "match_ambiguous", 1),
        ("payments", "invoice_missing", 1),
    ]
    assert groups[0].money == {"EUR": Decimal(4410), "USD": Decimal(910)}


def test_a_live_run_shows_progress_and_is_asked_again(page: Client, sync: Sync) -> None:
    run = factories.active_run(sync)
    text = text_of(page, "syncs:run", run.pk)
    assert 'hx-trigger="every 2s"' in text
    assert '<noscript><meta http-equiv="refresh"' in text
    assert "3,214 of 9,400" in text
    assert 'value="34"' in text
    for words in ("80 per second", "about 1 min 17 s left", "All read"):
        assert words in text
    part = page.get(reverse("syncs:run", args=[run.pk]), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert 'id="live"' in part


def test_an_ended_run_shows_what_moved_and_what_did_not(page: Client, sync: Sync) -> None:
    run = sync.runs.get(status=Run.Status.PARTIAL)
    drafted = factories.record(sync.flows.get(key="invoices"), "30090", title="INV-30090")
    factories.attempt(drafted, "held", {"text": "No contact.", "sent": {"invoice": {}}}, run_id=run.pk)
    text = text_of(page, "syncs:run", run.pk)
    for words in ("Lines and total disagree", "INV-300001", "Updated</span>", "Compared with the run"):
        assert words in text
    assert "INV-30090" not in text, "what was written and still held did not move"
    assert "hx-trigger" not in text


def test_a_record_tells_its_story_in_order(page: Client, tenant: Any, sync: Sync) -> None:
    told = Record.objects.for_tenant(tenant).get(source_key="300001")
    text = text_of(page, "syncs:record", told.pk)
    order = [text.index(words) for words in ("Waits for something else", "Created in the", "Updated in the")]
    assert order == sorted(order)
    for words in ("1,190.00 EUR", "Amount billed", "Consulting, October", "Fusion balance due", "Confirmed"):
        assert words in text


def test_a_waiting_record_names_the_one_it_waits_for(page: Client, tenant: Any, sync: Sync) -> None:
    waiting = Record.objects.for_tenant(tenant).get(source_key="70001")
    other = Record.objects.for_tenant(tenant).get(source_key="30020")
    assert reverse("syncs:record", args=[other.pk]) in text_of(page, "syncs:record", waiting.pk)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=INV-300001", ["300001"]),
        ("?q=9300001", ["300001"]),
        ("?q=30022", ["30022"]),
        ("?q=acme%20corp", ["100099"]),
        ("?q=inv-3001", ["30012", "30011", "30010"]),
        ("?q=%20inv%20-%20300001%20", ["300001"]),
        ("?q=harbour%20foods", ["100002"]),
        ("?q=nothing-like-it", []),
        ("?status=waiting", ["70001"]),
        ("?flow=invoices&status=skipped", ["30030"]),
        ("?cause=currency_missing", ["30022"]),
        ("?status=unsettled&flow=invoices", ["30022", "30021", "30020"]),
    ],
)
def test_records_are_found(page: Client, sync: Sync, query: str, found: list[str]) -> None:
    answer = page.get(reverse("syncs:records") + query, follow=True)
    if answer.redirect_chain:
        assert [answer.context["record"].source_key] == found
    else:
        assert [record.source_key for record in answer.context["page"].records] == found


def test_records_are_walked_by_keyset(page: Client, tenant: Any) -> None:
    flow = factories.flow(factories.sync(tenant))
    for number in range(record_selectors.PER_PAGE + 3):
        factories.record(flow, f"{number:05}")
    first = page.get(reverse("syncs:records")).context["page"]
    second = page.get(reverse("syncs:records") + f"?after={first.after}").context["page"]
    assert (len(first.records), len(second.records), second.after) == (record_selectors.PER_PAGE, 3, None)
    assert {one.pk for one in first.records}.isdisjoint({one.pk for one in second.records})


@pytest.mark.parametrize("query", ["?after=x", "?after=99999999999999999999", "?sync=abc", "?status=odd", "?run=-1"])
def test_nonsense_in_the_address_is_no_error(page: Client, sync: Sync, query: str) -> None:
    assert page.get(reverse("syncs:records") + query).status_code == 200
    assert page.get(reverse("audit:trail") + query.replace("after", "before")).status_code == 200


def test_long_texts_and_markup_stay_texts(page: Client, tenant: Any, sync: Sync) -> None:
    odd = factories.record(
        factories.flow(sync), "<b>odd</b>", title=f"<script>alert(1)</script>{LONG}"[:255], status="rejected",
        error_code="record", error_text=LONG * 20,
    )  # fmt: skip
    factories.attempt(odd, "rejected", {"text": LONG * 20, "sent": {"<i>x</i>": "<script>alert(2)</script>"}})
    for name, args in (("syncs:record", [odd.pk]), ("syncs:records", []), ("syncs:attention", []), ("audit:trail", [])):
        text = text_of(page, name, *args)
        assert "<script>alert" not in text
        assert "<b>odd</b>" not in text


# The trail ------------------------------------------------------------------------------------------------------------


def test_the_trail_is_filtered_verified_and_exported(page: Client, tenant: Any, sync: Sync) -> None:
    trail = reverse("audit:trail")
    assert len(page.get(trail + "?flow=invoices&outcome=rejected").context["readings"]) == 3
    assert len(page.get(trail + "?record=300001").context["readings"]) == 3
    assert len(page.get(trail + "?actor=member:owner@meridian.example&action=sync.create").context["readings"]) == 1
    assert "Unbroken." in page.post(reverse("audit:verify"), follow=True).content.decode()
    exported = b"".join(page.get(reverse("audit:export") + "?form=ndjson&record=300001").streaming_content).decode()
    assert [json.loads(line)["outcome"] for line in exported.splitlines()] == ["waiting", "created", "updated"]
    sheet = page.get(reverse("audit:export") + "?form=csv")
    assert sheet["Content-Disposition"].startswith("attachment")


def test_a_line_of_the_trail_leads_to_its_record(page: Client, tenant: Any, sync: Sync) -> None:
    told = Record.objects.for_tenant(tenant).get(source_key="300001")
    answer = page.get(reverse("syncs:find") + f"?sync={sync.pk}&flow=invoices&key=300001")
    assert answer["Location"] == reverse("syncs:record", args=[told.pk])


def test_documents_become_tables() -> None:
    found = list(tables({"status": "draft", "lines": {"1": {"name": "A"}}, "parts": [{"n": 1}], "tags": ["x", "y"]}))
    assert [(table.path, table.rows) for table in found] == [
        ((), [("status", "draft"), ("tags", "x, y")]),
        (("lines", "1"), [("name", "A")]),
        (("parts", "1"), [("n", 1)]),
    ]


def test_changes_are_told_field_by_field() -> None:
    found = list(changes({"a": {"b": 1, "c": 2}, "gone": {"d": 3}}, {"a": {"b": 1, "c": 5}, "new": {"e": 4}}))
    assert [(change.path, change.before, change.after) for change in found] == [
        (("a", "c"), 2, 5),
        (("gone", "d"), 3, None),
        (("new", "e"), None, 4),
    ]


def test_an_entry_that_is_no_json_is_shown_as_it_is() -> None:
    assert read(AuditEntry(action="odd", outcome="done", detail="not json")).text == "not json"


# How values look ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("1234.5", "EUR", "1,234.50 EUR"),
        ("120000.000000", "JPY", "120,000 JPY"),
        ("77.125000", "KWD", "77.125 KWD"),
        ("-12", "USD", "−12.00 USD"),
        ("0.005", "EUR", "0.005 EUR"),
        ("1E+3", "EUR", "1,000.00 EUR"),
        ("5", "???", "5.00 ???"),
    ],
)
def test_money_has_its_currencys_minor_units(amount: str, currency: str, said: str) -> None:
    assert shown.money(Decimal(amount), currency) == said


def test_times_are_in_the_tenants_zone_with_the_exact_instant_on_hover(tenant: Any) -> None:
    tenant.time_zone = "Asia/Tokyo"
    said = shown.when({"tenant": tenant}, datetime(2024, 3, 1, 20, 30, 5, tzinfo=UTC))
    assert "2 Mar 2024, 05:30" in said
    assert "Saturday 02 March 2024, 05:30:05 JST (2024-03-01T20:30:05Z)" in said


def test_today_and_yesterday_are_called_so(tenant: Any) -> None:
    now = timezone.now()
    assert "Today" in shown.when({"tenant": tenant}, now)
    assert "yesterday" in shown.when({"tenant": tenant}, now - timedelta(days=1), inline=True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hs_invoice_date", "Invoice date"),
        ("fusion_id", "Fusion ID"),
        ("firstname", "First name"),
        ("PartyId", "Party ID"),
    ],
)
def test_field_names_in_plain_words(name: str, said: str) -> None:
    assert shown.words(name) == said


# Few questions --------------------------------------------------------------------------------------------------------


def test_no_page_asks_more_of_the_database_for_more_rows(
    page: Client, tenant: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(3):
        sync = factories.sync(tenant, name=f"Sync {number}")
        invoices = factories.flow(sync)
        for key in range(30):
            factories.record(
                invoices, f"{key}", status="rejected", error_code=f"code_{key % 7}", amount=1, currency="EUR"
            )
        for _ in range(5):
            factories.flow_run(factories.run(sync), "invoices", created=3)
    run = sync.runs.first()
    most = {
        reverse("home"): 15,
        reverse("syncs:list"): 12,
        reverse("syncs:records"): 6,
        reverse("syncs:attention"): 7,
        reverse("syncs:drafts"): 6,
        reverse("syncs:sync", args=[sync.pk]): 16,
        reverse("syncs:runs", args=[sync.pk]): 8,
        reverse("syncs:run", args=[run.pk]): 13,
        reverse("syncs:record", args=[invoices.records.first().pk]): 9,
        reverse("audit:trail"): 11,
        reverse("connections:list"): 5,
        reverse("tenants:members"): 7,
    }
    for address, number in most.items():
        with django_assert_max_num_queries(number):
            assert page.get(address).status_code == 200
