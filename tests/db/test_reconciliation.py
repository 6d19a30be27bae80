"""Reports: what differs is found by record, said in words, kept in the background, and downloaded."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from audit.models import AuditEntry
from connections.errors import TransientError
from connections.models import Connection
from mlconnector.tenants.models import Tenant
from syncs import catalogue, tasks
from syncs.models import Record, Report, Sync
from syncs.reporting import reports
from syncs.reporting.reconciliation import OPEN_BALANCE, Keys, Origin, Totals, reconcile
from tests import factories

ACTOR = "member:finance@meridian.example"
SignIn = Callable[[Any], Client]
Reader = Callable[..., tuple[Totals, Totals]]


def side(*rows: tuple[str, str, str, str, str], prefix: str = "") -> Totals:
    """Rows are what, key, month, currency and amount."""
    found = Totals()
    for what, key, month, currency, amount in rows:
        flow = "payments" if what == "payments" else "invoices"
        found.add(what, currency, Decimal(amount), Origin(flow, key, month, f"No {key}", prefix and f"{prefix}{key}"))
    return found


@pytest.fixture
def sync(tenant: Tenant) -> Sync:
    return factories.sync(tenant)


@pytest.fixture
def read_as(monkeypatch: pytest.MonkeyPatch) -> Callable[[Reader], None]:
    """What both systems show, instead of asking them."""

    def install(reader: Reader) -> None:
        known = catalogue._integrations()
        monkeypatch.setattr(catalogue, "get", lambda key: SimpleNamespace(**_fields(known[key], totals=reader)))

    return install


def _fields(integration: Any, **changes: Any) -> dict[str, Any]:
    return {name: getattr(integration, name) for name in integration.__dataclass_fields__} | changes


def october(*changed: tuple[str, str, str, str, str], without: str = "") -> Totals:
    rows = [
        ("invoices", "1", "2026-10", "USD", "100.00"),
        ("invoices", "2", "2026-10", "USD", "50.00"),
        ("payments", "9", "2026-10", "USD", "30.00"),
    ]
    return side(*(row for row in rows if row[1] != without), *changed, prefix="h")


def test_equal_sides_agree_by_month_and_currency(sync: Sync, read_as: Callable[[Reader], None]) -> None:
    read_as(lambda *_: (october(), october()))
    found = reconcile(sync)
    assert found.equal
    assert [(row.what, row.month, row.source_count) for row in found.months] == [
        ("invoices", "2026-10", 2),
        ("payments", "2026-10", 1),
    ]


def test_what_moved_while_it_was_read_is_no_difference(sync: Sync, read_as: Callable[[Reader], None]) -> None:
    asked: list[Keys] = []
    new = "invoices", "3", "2026-10", "USD", "7.00"

    def reader(source: Any, destination: Any, of: Sync, only: Keys | None = None) -> tuple[Totals, Totals]:
        if only is None:
            return october(), october(new)
        asked.append(only)
        return side(new), side(new)

    read_as(reader)
    found = reconcile(sync)
    assert asked == [{"invoices": {"3"}}]
    assert found.equal
    assert found.comparisons[0].source_total == found.comparisons[0].destination_total == Decimal("157.00")


def test_a_record_in_another_month_differs_in_both(sync: Sync, read_as: Callable[[Reader], None]) -> None:
    moved = "invoices", "2", "2026-09", "USD", "50.00"
    read_as(lambda *_: (october(), october(moved, without="2")))
    assert [(one.month, one.source is None, one.elsewhere is None) for one in reconcile(sync).differences] == [
        ("2026-09", True, False),
        ("2026-10", False, False),
    ]


def test_an_undated_one_counts_in_the_month_of_the_other_side(sync: Sync, read_as: Callable[[Reader], None]) -> None:
    read_as(lambda *_: (october(), october(("invoices", "2", "", "USD", "50.00"), without="2")))
    assert reconcile(sync).equal


def fusion() -> Totals:
    found = october(("invoices", "1000", "2026-09", "JPY", "5000"), (OPEN_BALANCE, "1", "2026-10", "USD", "100.00"))
    found.leave_out("invoices", "credit", Origin("invoices", "77", "2026-10"))
    return found


def hubspot() -> Totals:
    return side(
        ("invoices", "1", "2026-10", "USD", "100.00"),
        ("invoices", "4", "2026-10", "USD", "8.00"),
        ("invoices", "1000", "2026-09", "JPY", "5000"),
        ("payments", "9", "2026-10", "USD", "20.00"),
        (OPEN_BALANCE, "1", "2026-10", "USD", "100.00"),
        prefix="h",
    )


@pytest.fixture
def differing(sync: Sync, read_as: Callable[[Reader], None]) -> Report:
    """Invoice 2 waits, invoice 4 stands in HubSpot only, payment 9 has another amount, one credit is left out."""
    waiting = factories.record(
        factories.flow(sync), "2", status=Record.Status.WAITING, error_code="customer_missing", amount=Decimal("50.00")
    )
    Record.objects.for_tenant(sync.tenant).filter(pk=waiting.pk).update(updated_at=timezone.now() - timedelta(days=1))
    read_as(lambda *_: (fusion(), hubspot()))
    report = reports.start(sync, actor=ACTOR)
    tasks.make_report(report.pk)
    report.refresh_from_db()
    return report


def test_a_report_keeps_every_record_behind_a_difference(differing: Report) -> None:
    assert differing.status == Report.Status.READY
    lines = {(line.what, line.source_key, line.destination_id): line for line in differing.lines.all()}
    assert lines.keys() == {("invoices", "2", ""), ("invoices", "", "h4"), ("payments", "9", "h9")}
    assert lines["invoices", "2", ""].record is not None
    assert lines["payments", "9", "h9"].difference == Decimal("-10.00")
    trail = AuditEntry.objects.filter(action__startswith="reconciliation").order_by("sequence")
    assert [(entry.action, entry.outcome, entry.actor) for entry in trail] == [
        ("reconciliation.request", "done", ACTOR),
        ("reconciliation", "differs", "worker"),
    ]


def test_a_month_says_in_one_sentence_what_agrees_and_what_not(
    differing: Report, signed_in: SignIn, viewer: Any
) -> None:
    address = reverse("syncs:report-month", args=[differing.pk, "2026-10"])
    text = signed_in(viewer).get(address).content.decode()
    assert (
        "October 2026: 1 of 2 invoices and 0 of 1 payment agree; 1 invoice over 50.00 USD is missing in HubSpot: "
        "it waits (the customer is not there yet); 1 invoice over 8.00 USD stands in HubSpot only; "
        "1 payment differs in its amount, by −10.00 USD in all; the open balance agrees." in text
    )
    assert "1 invoice: credits, which reduce" in text
    assert reverse("syncs:record", args=[differing.lines.get(source_key="2").record_id]) in text
    only = signed_in(viewer).get(f"{address}?what=payments").content.decode()
    assert "No 9" in only
    assert "No 2" not in only


def test_the_report_shows_months_newest_first(differing: Report, signed_in: SignIn, viewer: Any) -> None:
    for address in (reverse("syncs:report", args=[differing.pk]), reverse("syncs:reconciliation")):
        text = signed_in(viewer).get(address).content.decode()
        assert text.index("October 2026") < text.index("September 2026")
        assert "5,000 JPY" in text
    assert signed_in(viewer).get(reverse("syncs:report-month", args=[differing.pk, "2020-01"])).status_code == 404


def test_downloads_hold_figures_and_differences(differing: Report, signed_in: SignIn, viewer: Any) -> None:
    def rows(query: str) -> list[dict[str, str]]:
        answer = signed_in(viewer).get(f"{reverse('syncs:report-export', args=[differing.pk])}{query}")
        return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]

    assert [row["difference in total"] for row in rows("?month=2026-10")] == ["-42.00", "-10.00", "0.00"]
    assert len(rows("")) == 4
    lines = rows("?rows=lines")
    assert [(row["record"], row["difference"], row["state"]) for row in lines] == [
        ("No 2", "-50.00", "Missing in HubSpot"),
        ("No 4", "8.00", "Only in HubSpot"),
        ("No 9", "-10.00", "Amounts differ"),
    ]
    assert rows("?rows=lines&month=2026-09") == []
    odd = reverse("syncs:report-export", args=[differing.pk]) + '?month="x'
    assert signed_in(viewer).get(odd).status_code == 404


def test_a_report_is_asked_for_once_at_a_time_and_queued_once(
    sync: Sync, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        first = reports.start(sync, actor=ACTOR)
        assert reports.start(sync, actor=ACTOR) == first
    assert OrmQ.objects.count() == 1


def test_a_task_handed_out_twice_is_done_once(differing: Report) -> None:
    before = differing.lines.count()
    reports.make(differing.pk)
    assert differing.lines.count() == before


def test_an_outage_fails_the_report_in_words(sync: Sync, read_as: Callable[[Reader], None]) -> None:
    def refuse(*_: Any) -> tuple[Totals, Totals]:
        raise TransientError("Oracle Fusion did not answer. It is tried again by itself.", code="down")

    read_as(refuse)
    report = reports.start(sync, actor=ACTOR)
    reports.make(report.pk)
    report.refresh_from_db()
    assert (report.status, report.error_text) == (
        Report.Status.FAILED,
        "Oracle Fusion did not answer. It is tried again by itself.",
    )


def test_a_dead_workers_report_is_given_up_and_a_lost_one_queued_again(
    sync: Sync, django_capture_on_commit_callbacks: Any
) -> None:
    report = reports.start(sync, actor=ACTOR)
    later = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS * 5 + 1)
    with django_capture_on_commit_callbacks(execute=True):
        assert reports.recover(later) == 1
    assert OrmQ.objects.count() == 1
    Report.objects.for_tenant(sync.tenant).filter(pk=report.pk).update(started_at=timezone.now())
    assert reports.recover(later + timedelta(seconds=settings.LEASE_SECONDS + 1)) == 1
    report.refresh_from_db()
    assert report.status == Report.Status.FAILED
    assert "Start it again" in report.error_text
    assert reports.start(sync, actor=ACTOR) != report


def test_a_worker_whose_report_was_given_up_keeps_nothing(sync: Sync, read_as: Callable[[Reader], None]) -> None:
    report = reports.start(sync, actor=ACTOR)

    def reader(*_: Any) -> tuple[Totals, Totals]:
        reports.recover(timezone.now() + timedelta(hours=1))
        return october(), october(without="2")

    read_as(reader)
    reports.make(report.pk)
    report.refresh_from_db()
    assert (report.status, report.lines.count()) == (Report.Status.FAILED, 0)


AT_NIGHT = datetime(2026, 12, 1, 4, tzinfo=UTC)


def test_each_month_one_report_is_made_by_itself(sync: Sync) -> None:
    assert reports.start_monthly(datetime(2026, 12, 9, 4, tzinfo=UTC)) == 0
    assert reports.start_monthly(AT_NIGHT) == 1
    report = sync.reports.get()
    assert report.requested_by == "schedule"
    Report.objects.for_tenant(sync.tenant).update(status=Report.Status.FAILED, created_at=AT_NIGHT)
    assert reports.start_monthly(AT_NIGHT + timedelta(hours=2)) == 0
    assert reports.start_monthly(AT_NIGHT + timedelta(hours=13)) == 1, "the next day it is tried again"
    Report.objects.for_tenant(sync.tenant).filter(status=Report.Status.RUNNING).update(
        status=Report.Status.READY, created_at=AT_NIGHT + timedelta(hours=13)
    )
    assert reports.start_monthly(AT_NIGHT + timedelta(days=3)) == 0


def test_the_month_begins_where_the_workspace_is(sync: Sync) -> None:
    Tenant.objects.update(time_zone="America/Los_Angeles")
    assert reports.start_monthly(AT_NIGHT) == 0, "there it is still November"
    assert reports.start_monthly(AT_NIGHT + timedelta(hours=9)) == 1


@pytest.mark.parametrize("what", ["paused", "broken"])
def test_what_does_not_run_is_not_compared_by_itself(sync: Sync, what: str) -> None:
    if what == "paused":
        Sync.objects.for_tenant(sync.tenant).update(paused=True)
    else:
        Connection.objects.for_tenant(sync.tenant).update(status=Connection.Status.BROKEN)
    assert reports.start_monthly(AT_NIGHT) == 0


def test_the_button_starts_one_and_leads_to_it(sync: Sync, signed_in: SignIn, finance: Any, viewer: Any) -> None:
    answer = signed_in(finance).post(reverse("syncs:reconcile", args=[sync.pk]))
    report = sync.reports.get()
    assert answer["Location"] == reverse("syncs:report", args=[report.pk])
    page = signed_in(viewer).get(answer["Location"]).content.decode()
    assert "Being worked out" in page
    assert 'hx-get="' in page
    Connection.objects.for_tenant(sync.tenant).update(status=Connection.Status.BROKEN, status_text="Sign-in refused.")
    Report.objects.for_tenant(sync.tenant).delete()
    signed_in(finance).post(reverse("syncs:reconcile", args=[sync.pk]))
    assert not sync.reports.exists()


def test_programs_ask_for_one_and_read_it(differing: Report, finance: Any, signed_in: SignIn) -> None:
    client = signed_in(finance)
    whole = client.get(f"/api/v1/reconciliations/{differing.pk}/").json()
    assert (whole["status"], whole["differences"], len(whole["figures"])) == ("ready", 3, 4)
    assert whole["left_out"] == [{"what": "invoices", "rule": "credit", "count": 1}]
    lines = client.get(f"/api/v1/reconciliations/{differing.pk}/lines/?what=payments").json()["results"]
    assert [(line["source_amount"], line["destination_amount"], line["state"]) for line in lines] == [
        ("30.00", "20.00", "Amounts differ")
    ]
    asked = {"sync": differing.sync_id}
    started = client.post("/api/v1/reconciliations/", asked, content_type="application/json")
    again = client.post("/api/v1/reconciliations/", asked, content_type="application/json")
    assert (started.status_code, again.status_code) == (202, 200)
    assert started["Location"].endswith(f"/api/v1/reconciliations/{started.json()['id']}/")
