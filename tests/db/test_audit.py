"""The trail: appended without gaps, never changed, and any change found."""

from __future__ import annotations

import csv
import io
import itertools
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django_q.models import OrmQ

from audit import proofs, selectors, services, tasks, triggers
from audit.models import AuditEntry, AuditHead, TrailCheck
from audit.page_forms import TrailForm
from audit.services import Entry, append, encode, verify
from mlconnector.tenants.models import Tenant

AT = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)


def write(tenant: Tenant, *entries: Entry, at: datetime = AT) -> int:
    with transaction.atomic():
        return append(tenant.pk, entries, at)


def some(count: int, **changes: object) -> list[Entry]:
    return [Entry("write", "synced", sync_id=1, flow="invoices", source_ref=str(n), **changes) for n in range(count)]


def test_entries_are_numbered_and_chained(tenant: Tenant) -> None:
    assert write(tenant, *some(3)) == 3
    assert write(tenant, Entry("replay", "done", actor="member:finance@meridian.example")) == 4
    rows = list(AuditEntry.objects.order_by("sequence"))
    assert [row.sequence for row in rows] == [1, 2, 3, 4]
    assert [row.previous_hash for row in rows] == ["", *[row.hash for row in rows[:-1]]]
    assert {row.at for row in rows} == {AT}
    head = AuditHead.objects.get(tenant=tenant)
    assert (head.sequence, head.hash) == (4, rows[-1].hash)
    assert verify(tenant.pk).ok


def test_nothing_to_append_is_no_entry(tenant: Tenant) -> None:
    assert write(tenant) == 0
    assert verify(tenant.pk) == services.Verification(True, 0, None, "0 entries, unbroken.")


@pytest.mark.django_db(transaction=True)
def test_appending_outside_a_transaction_is_refused(tenant: Tenant) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        append(tenant.pk, some(1))


AWKWARD = [
    'tab\there, "quotes", back\\slash \\N \\. and\nlines\r\n',
    "zero\x00 and separator\x1f in it",
    "Zürich 株式会社 \U0001f9fe",
    "half a pair \ud800",
    "%s %(name)s $1 {}",
    "",
]


@pytest.mark.parametrize("text", AWKWARD)
def test_any_text_survives_and_verifies(tenant: Tenant, text: str) -> None:
    write(tenant, Entry("write", "synced", source_ref=text, destination_ref=text, detail=encode({"sent": text})))
    row = AuditEntry.objects.get()
    assert verify(tenant.pk).ok
    expected = text.replace("\x00", " ").replace("\x1f", " ").replace("\ud800", "?")
    assert row.source_ref == expected
    assert json.loads(row.detail)["sent"].replace("\x1f", " ").replace("\x00", " ") == expected


def test_overlong_texts_are_cut_before_they_are_hashed(tenant: Tenant) -> None:
    write(tenant, Entry("a" * 99, "o" * 99, actor="u" * 200, source_ref="s" * 200, error_code="e" * 99, flow="f" * 99))
    row = AuditEntry.objects.get()
    assert (len(row.action), len(row.outcome), len(row.actor), len(row.source_ref)) == (40, 20, 120, 120)
    assert verify(tenant.pk).ok


def test_details_keep_decimals_and_dates_as_text() -> None:
    assert encode({"sum": Decimal("1.50"), "at": AT}) == '{"sum":"1.50","at":"2026-03-04 05:06:07.890123+00:00"}'


STATEMENTS = [
    "UPDATE audit_auditentry SET outcome = 'synced'",
    "DELETE FROM audit_auditentry",
    "DELETE FROM audit_auditentry WHERE sequence = 2",
]
ONLY = {
    "postgresql": ["TRUNCATE audit_auditentry", "TRUNCATE tenants_tenant CASCADE"],
    "sqlite": [
        "INSERT OR REPLACE INTO audit_auditentry SELECT * FROM audit_auditentry WHERE sequence = 1",
        "REPLACE INTO audit_auditentry SELECT id + 100, sequence, at, actor, action, 'forged', sync_id, run_id, flow, "
        "source_ref, source_version, destination_ref, error_code, detail, previous_hash, hash, tenant_id "
        "FROM audit_auditentry WHERE sequence = 1",
    ],
}


@pytest.mark.parametrize("statement", STATEMENTS + ONLY[connection.vendor])
def test_the_database_refuses_to_rewrite_the_trail(tenant: Tenant, statement: str) -> None:
    write(tenant, *some(3))
    connection.check_constraints()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEntry.objects.count() == 3
    assert verify(tenant.pk).ok


def test_the_orm_is_refused_too(tenant: Tenant) -> None:
    write(tenant, *some(2))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.update(outcome="other")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.all().delete()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.get(sequence=1).save()


TAMPERINGS = [
    ("UPDATE audit_auditentry SET outcome = 'rejected' WHERE sequence = 5", 5),
    ("UPDATE audit_auditentry SET detail = '{\"after\":1}' WHERE sequence = 7", 7),
    ("UPDATE audit_auditentry SET sync_id = NULL WHERE sequence = 2", 2),
    ("UPDATE audit_auditentry SET hash = previous_hash WHERE sequence = 4", 4),
    ("DELETE FROM audit_auditentry WHERE sequence = 3", 3),
    ("DELETE FROM audit_auditentry WHERE sequence = 1", 1),
    ("DELETE FROM audit_auditentry WHERE sequence > 8", 9),
    ("DELETE FROM audit_auditentry", 1),
    ("UPDATE audit_audithead SET sequence = 9", 10),
    ("DELETE FROM audit_audithead", 10),
]


@pytest.mark.parametrize(("statement", "first_bad"), TAMPERINGS)
def test_a_change_behind_our_back_is_found(tenant: Tenant, statement: str, first_bad: int) -> None:
    write(tenant, *some(10))
    with triggers.lifted(connection), connection.cursor() as cursor:
        cursor.execute(statement)
    result = verify(tenant.pk)
    assert not result.ok
    assert result.first_bad_sequence == first_bad, result.text


def test_an_anchor_finds_a_chain_that_was_rewritten_as_a_whole(tenant: Tenant) -> None:
    write(tenant, *some(4))
    noted = AuditEntry.objects.get(sequence=3).hash
    with triggers.lifted(connection):
        AuditEntry.objects.all().delete()
        AuditHead.objects.all().delete()
    write(tenant, *some(5, error_code="forged"))
    assert verify(tenant.pk).ok
    assert verify(tenant.pk, anchor=(3, noted)).first_bad_sequence == 3
    assert verify(tenant.pk, anchor=(9, noted)).first_bad_sequence == 6


def test_chains_of_two_tenants_do_not_touch(tenant: Tenant, other_tenant: Tenant) -> None:
    write(tenant, *some(2))
    assert write(other_tenant, *some(1)) == 1
    assert verify(tenant.pk).checked == 2
    assert verify(other_tenant.pk).checked == 1
    assert [row.tenant_id for row in selectors.entries(other_tenant.pk)] == [other_tenant.pk]


@pytest.mark.django_db(transaction=True)
def test_concurrent_appends_leave_no_gap(tenant: Tenant) -> None:
    failures: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            for turn in range(12):
                try:
                    with transaction.atomic():
                        append(tenant.pk, some(3, error_code=f"{worker}-{turn}"))
                        if turn % 3 == 2:
                            raise RuntimeError("rolled back")
                except RuntimeError:
                    pass
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    result = verify(tenant.pk)
    assert (result.ok, result.checked) == (True, 6 * 8 * 3)


def test_pages_walk_newest_first_without_doubles(tenant: Tenant) -> None:
    write(tenant, *some(25))
    seen, before = [], None
    while True:
        page = selectors.page(tenant.pk, before=before, size=10)
        seen += [row.sequence for row in page.entries]
        before = page.next_before
        if before is None:
            break
    assert seen == list(range(25, 0, -1))


def test_filters_narrow(tenant: Tenant) -> None:
    write(tenant, *some(3), Entry("write", "rejected", error_code="mapping", run_id=9, source_ref="INV-77"))
    write(tenant, Entry("confirm", "done", actor="member:finance@meridian.example"), at=AT + timedelta(days=1))
    count = lambda **f: selectors.entries(tenant.pk, selectors.Filters(**f)).count()  # noqa: E731
    assert count(outcome="rejected") == count(run_id=9) == count(text="inv-7") == count(text="mapp") == 1
    assert count(actor="member:finance@meridian.example") == count(since=AT + timedelta(hours=1)) == 1
    assert count(until=AT + timedelta(hours=1)) == 4
    assert [row.sequence for row in selectors.story(tenant.pk, 1, "invoices", "2")] == [3]


def test_exports_hold_every_entry_and_prove_themselves(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "_EXPORT_PAGE", 4)
    write(tenant, *some(9), Entry("write", "synced", source_ref="=HYPERLINK(1)", detail=encode({"text": "a\nb"})))
    lines = [json.loads(line) for line in selectors.export(tenant.pk)]
    assert [line["sequence"] for line in lines] == list(range(1, 11))
    assert all(one["hash"] == two["previous_hash"] for one, two in itertools.pairwise(lines))
    rows = list(csv.DictReader(io.StringIO("".join(selectors.export(tenant.pk, form="csv")))))
    assert len(rows) == 10
    assert rows[-1]["source_ref"] == "'=HYPERLINK(1)"
    with pytest.raises(ValueError, match="ndjson or csv"):
        list(selectors.export(tenant.pk, form="xml"))


def test_the_command_says_whether_chains_hold(tenant: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    write(tenant, *some(3))
    call_command("audit_verify")
    assert "3 entries, unbroken" in capsys.readouterr().out
    head = AuditHead.objects.get().hash
    call_command("audit_verify", tenant=tenant.pk, anchor=f"3:{head}")
    with triggers.lifted(connection), connection.cursor() as cursor:
        cursor.execute("UPDATE audit_auditentry SET actor = 'nobody' WHERE sequence = 2")
    with pytest.raises(CommandError, match="1 of 1 chains broken"):
        call_command("audit_verify")
    assert "Entry 2 was changed" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_missing_triggers_are_reported(tenant: Tenant) -> None:
    assert triggers.installed(connection)
    with triggers.lifted(connection), pytest.raises(CommandError, match="append-only are missing"):
        call_command("audit_verify")
    assert triggers.installed(connection)


@pytest.mark.parametrize("places", [1, 2, 3, 100])
def test_days_are_found_by_narrowing_and_those_of_the_zone(
    tenant: Tenant, places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten hours apart each, from noon of the 4th on; in Auckland the 5th begins at 11:00 UTC of the 4th."""
    monkeypatch.setattr(selectors, "_PLACES", places)
    for number in range(12):
        write(tenant, *some(1), at=datetime(2026, 3, 4, 12, tzinfo=UTC) + timedelta(hours=10 * number))
    tenant.time_zone = "Pacific/Auckland"
    form = TrailForm({"since": "2026-03-05", "until": "2026-03-05"}, tenant=tenant)
    assert [row.sequence for row in selectors.page(tenant.pk, form.filters()).entries] == [3, 2, 1]
    for days in range(8):
        since = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(days=days)
        wanted = AuditEntry.objects.filter(at__gte=since, at__lt=since + timedelta(days=1)).values_list("pk", flat=True)
        day = selectors.Filters(since=since, until=since + timedelta(days=1))
        assert set(selectors.entries(tenant.pk, day).values_list("pk", flat=True)) == set(wanted)
        paged, before = [], None
        while (page := selectors.page(tenant.pk, day, before=before, size=1)).entries:
            paged += [entry.pk for entry in page.entries]
            if (before := page.next_before) is None:
                break
        assert sorted(paged, reverse=True) == paged == sorted(wanted, reverse=True)
    assert TrailForm({"until": "9999-12-31"}, tenant=tenant).filters().until is None


def test_a_text_that_is_a_whole_reference_finds_that_alone(tenant: Tenant) -> None:
    write(tenant, *some(12))
    write(tenant, Entry("write", "created", source_ref="77", destination_ref="1"))
    texts = {text: selectors.page(tenant.pk, selectors.Filters(text=text)).entries for text in ("1", "11", "7", "none")}
    assert {text: [row.sequence for row in rows] for text, rows in texts.items()} == {
        "1": [13, 2], "11": [12], "7": [8], "none": [],
    }  # fmt: skip
    write(
        tenant, Entry("confirm", "confirmed", actor="member:ann@m.example"), Entry("x", "y", error_code="ann@m.exampl")
    )
    by_address = selectors.page(tenant.pk, selectors.Filters(text="ann@m.example")).entries
    assert [row.sequence for row in by_address] == [14]
    contained = selectors.page(tenant.pk, selectors.Filters(text="ANN@M")).entries
    assert [row.sequence for row in contained] == [15, 14]
    lines = list(selectors.export(tenant.pk, selectors.Filters(text="1")))
    assert [json.loads(line)["sequence"] for line in lines] == [2, 13]


def test_a_search_for_something_rare_says_where_it_stopped(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tenant, Entry("confirm", "confirmed"), *some(30))
    monkeypatch.setattr(selectors, "_FIRST_LOOK", 4)
    monkeypatch.setattr(selectors, "_LONGEST_LOOK", 8)
    rare = selectors.Filters(outcome="confirmed")
    assert [row.sequence for row in selectors.page(tenant.pk, rare).entries] == [1]
    monkeypatch.setattr(selectors, "PATIENCE_SECONDS", -1.0)
    before: int | None = None
    stops = []
    for _ in range(40):
        page = selectors.page(tenant.pk, rare, before=before)
        if not page.unfinished:
            break
        stops.append(page.next_before)
        before = page.next_before
        monkeypatch.setattr(selectors, "PATIENCE_SECONDS", 0.0005)
    assert stops
    assert (page.unfinished, [row.sequence for row in page.entries]) == (False, [1])


def test_a_long_trail_is_checked_in_the_background_and_the_answer_kept(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    write(tenant, *some(9))
    short = proofs.start(tenant.pk, actor="member:ann@m.example")
    assert (short.ok, short.checked, short.state) == (True, 9, "done")
    monkeypatch.setattr(proofs, "AT_ONCE", 5)
    monkeypatch.setattr(services, "_PAGE", 4)
    with django_capture_on_commit_callbacks(execute=True):
        long = proofs.start(tenant.pk, actor="member:ann@m.example")
        assert proofs.start(tenant.pk, actor="member:bob@m.example") == long
    assert (long.state, OrmQ.objects.count()) == ("waiting", 1)
    seen = []
    original = services.verify

    def watched(tenant_id: int, *, progress: Callable[[int], None]) -> services.Verification:
        def noted(checked: int) -> None:
            progress(checked)
            seen.append(TrailCheck.objects.for_tenant(tenant).get(pk=long.pk).checked)

        return original(tenant_id, progress=noted)

    monkeypatch.setattr(services, "verify", watched)
    with triggers.lifted(connection), connection.cursor() as cursor:
        cursor.execute("UPDATE audit_auditentry SET actor = 'nobody' WHERE sequence = 9")
    tasks.verify(long.pk)
    tasks.verify(long.pk)
    found = proofs.newest(tenant.pk)
    assert found is not None
    assert (found.pk, found.ok, found.first_bad_sequence, found.text) == (long.pk, False, 9, "Entry 9 was changed.")
    assert seen == [4, 8]
    TrailCheck.objects.for_tenant(tenant).update(finished_at=None, heartbeat_at=timezone.now() - timedelta(hours=1))
    assert proofs.start(tenant.pk, actor="member:ann@m.example").pk != long.pk, "a dead worker's check is made anew"
