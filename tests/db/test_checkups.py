"""Tests of connections left to a worker: live, once at a time, by the clock, and never over newer settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from audit.models import AuditEntry
from connections import checkups, services
from connections.connectors import registry
from connections.connectors.base import CheckReport, CheckStep, Preparation
from connections.errors import ConfigError, StreamRefused, TransientError
from connections.models import Checkup, Connection
from mlconnector import queue
from mlconnector.models import Heartbeat
from mlconnector.tenants.models import Tenant
from syncs import dispatch
from syncs.models import Run, Sync
from tests import factories

ACTOR = "member:owner@meridian.example"
SIGNED_IN = CheckStep("sign_in", "Signed in", "ok")
REFUSED = CheckStep("read", "May read invoices", "failed", "HubSpot refuses.", "Add the scope.")
OUTAGE = CheckStep.of("read", "May read invoices", TransientError("HubSpot is down."))
HUBSPOT = type(registry.get("hubspot"))
Check = Callable[[Any, CheckReport], None]


@pytest.fixture
def connection(tenant: Tenant) -> Connection:
    made = factories.connection(tenant, "hubspot", "Sales")
    Connection.objects.for_tenant(tenant).update(checked_at=timezone.now())
    made.refresh_from_db()
    return made


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Check], None]:
    """Stands where HubSpot would be: a function that fills the report."""
    monkeypatch.setattr(HUBSPOT, "missing", staticmethod(lambda access: []))
    return lambda check: monkeypatch.setattr(HUBSPOT, "check", staticmethod(check))


def finds(*steps: CheckStep) -> Check:
    return lambda access, report: report.add(*steps)


def row(connection: Connection) -> Checkup:
    return Checkup.objects.for_tenant(connection.tenant_id).get(pk=connection.pk)


def work(connection: Connection) -> None:
    checkups.execute(connection.pk, row(connection).token)
    connection.refresh_from_db()


def actions(connection: Connection) -> list[str]:
    return list(AuditEntry.objects.filter(tenant_id=connection.tenant_id).values_list("action", flat=True))


def set_to(connection: Connection, **values: Any) -> None:
    Connection.objects.for_tenant(connection.tenant_id).filter(pk=connection.pk).update(**values)


# Live


def test_each_line_is_there_as_soon_as_it_is_finished(connection: Connection, answer: Any) -> None:
    seen: list[list[str]] = []

    def check(access: Any, report: CheckReport) -> None:
        for step in (SIGNED_IN, REFUSED):
            report.add(step)
            seen.append([line["key"] for line in row(connection).steps])

    answer(check)
    checkups.start(connection, ACTOR)
    work(connection)
    assert seen == [["sign_in"], ["sign_in", "read"]]
    assert row(connection).state == "over"
    assert (connection.status, connection.status_text) == ("broken", "HubSpot refuses. Add the scope.")
    assert actions(connection) == ["connection.tested"]


def test_one_at_a_time_and_never_twice(connection: Connection, answer: Any) -> None:
    runs: list[str] = []
    answer(lambda access, report: runs.append("tested"))
    first = checkups.start(connection, ACTOR)
    assert checkups.start(connection, ACTOR).token == first.token
    with pytest.raises(ValidationError, match="being tested"):
        checkups.start(connection, ACTOR, ["companies.fusion_id"])
    for _ in range(2):  # the queue delivers at least once
        checkups.execute(connection.pk, first.token)
    assert runs == ["tested"]


def test_what_a_dead_worker_left_can_be_asked_again_and_is_not_disturbed_by_its_ghost(
    connection: Connection, answer: Any
) -> None:
    def check(access: Any, report: CheckReport) -> None:
        long_ago = timezone.now() - timedelta(minutes=3)
        Checkup.objects.for_tenant(connection.tenant_id).update(heard_at=long_ago)
        checkups.start(connection, ACTOR)
        report.add(REFUSED)

    answer(check)
    checkups.start(connection, ACTOR)
    work(connection)
    assert connection.status == "healthy"
    assert (row(connection).state, row(connection).steps) == ("queued", [])


def test_a_test_of_old_settings_does_not_speak_for_new_ones(connection: Connection, answer: Any) -> None:
    def check(access: Any, report: CheckReport) -> None:
        services.replace_secrets(
            Connection.objects.for_tenant(connection.tenant_id).get(), {"access_token": "x"}, ACTOR
        )
        report.add(SIGNED_IN)

    answer(check)
    checkups.start(connection, ACTOR)
    work(connection)
    assert connection.status == "untested"


def test_parts_are_created_before_the_test_and_what_remains_is_known(
    connection: Connection, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(access: Any, keys: list[str]) -> list[CheckStep]:
        return [CheckStep(key, key, "ok") for key in keys]

    lacking = [Preparation("b", "B", group="G", by_hand="By hand.")]
    monkeypatch.setattr(HUBSPOT, "prepare", staticmethod(prepare))
    monkeypatch.setattr(HUBSPOT, "missing", staticmethod(lambda access: lacking))
    answer(finds(SIGNED_IN))
    checkups.start(connection, ACTOR, ["a"])
    work(connection)
    assert [line["key"] for line in row(connection).prepared] == ["a"]
    assert connection.capabilities["missing"] == [
        {"key": "b", "label": "B", "detail": "", "group": "G", "by_hand": "By hand."}
    ]
    assert actions(connection) == ["connection.prepared", "connection.tested"]


def test_a_preparation_that_is_refused_is_said_and_tested_all_the_same(
    connection: Connection, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(access: Any, keys: Any) -> list[CheckStep]:
        raise ConfigError("The key may not create properties.")

    monkeypatch.setattr(HUBSPOT, "prepare", staticmethod(refuse))
    answer(finds(SIGNED_IN))
    checkups.start(connection, ACTOR, ["a"])
    work(connection)
    assert row(connection).prepared[0]["text"] == "The key may not create properties."
    assert connection.status == "healthy"


def test_a_defect_of_ours_breaks_no_connection(connection: Connection, answer: Any) -> None:
    def check(access: Any, report: CheckReport) -> None:
        raise ZeroDivisionError

    answer(check)
    checkups.start(connection, ACTOR)
    work(connection)
    assert connection.status == "healthy"
    assert "unexpected error" in connection.check_report[0]["text"]


# Outages


def test_an_outage_changes_no_verdict(connection: Connection, answer: Any) -> None:
    answer(finds(SIGNED_IN, OUTAGE))
    services.test_connection(connection, ACTOR)
    assert connection.status == "healthy"
    services.mark_broken(connection, ConfigError("Enter the key again."))
    services.test_connection(connection, ACTOR)
    assert (connection.status, connection.status_text) == ("broken", "Enter the key again.")


def test_a_refusal_counts_whatever_else_is_out(connection: Connection, answer: Any) -> None:
    answer(finds(OUTAGE, REFUSED))
    services.test_connection(connection, ACTOR)
    assert (connection.status, connection.status_text) == ("broken", "HubSpot refuses. Add the scope.")


def test_one_object_refused_stops_its_flow_not_the_connection(connection: Connection, answer: Any) -> None:
    refused = CheckStep.of("read.invoices", "May read invoices", StreamRefused("Invoices are refused."))
    answer(finds(SIGNED_IN, refused))
    services.test_connection(connection, ACTOR)
    assert connection.status == "healthy"
    assert connection.check_report[-1]["outcome"] == "failed"
    connection.status = "untested"
    services.test_connection(connection, ACTOR)
    assert (connection.status, connection.status_text) == ("broken", "Invoices are refused.")


# By the clock


def asked(connection: Connection, now: Any = None, **how: Any) -> bool:
    checkups.start_due(now, **how)
    found = checkups.of(connection)
    return found is not None and checkups.is_active(found)


def test_once_a_day_and_again_an_hour_after_it_broke(connection: Connection, answer: Any) -> None:
    assert not asked(connection)
    assert asked(connection, timezone.now() + timedelta(hours=25))
    answer(finds(REFUSED))
    work(connection)
    assert connection.status == "broken"
    assert not asked(connection, timezone.now() + timedelta(minutes=59))
    assert asked(connection, timezone.now() + timedelta(minutes=61))
    answer(finds(SIGNED_IN))
    work(connection)
    assert connection.status == "healthy"
    assert actions(connection) == ["connection.broken", "connection.healed"]


@pytest.mark.parametrize(
    "state",
    [
        {"status": Connection.Status.UNTESTED, "checked_at": None},
        {"checked_at": timezone.now() - timedelta(days=9), "held_until": timezone.now() + timedelta(days=1)},
    ],
)
def test_what_was_never_tested_or_rests_is_left_alone(connection: Connection, state: dict[str, Any]) -> None:
    set_to(connection, **state)
    assert not asked(connection)


def test_a_deleted_workspace_is_left_alone(connection: Connection) -> None:
    set_to(connection, status=Connection.Status.BROKEN, checked_at=None)
    Tenant.objects.filter(pk=connection.tenant_id).update(closed_at=timezone.now())
    assert not asked(connection)


@pytest.fixture
def failed(tenant: Tenant) -> Sync:
    """A sync whose run has just failed, due again."""
    now = timezone.now()
    sync = factories.sync(tenant)
    Run.objects.create(sync=sync, trigger="schedule", status=Run.Status.FAILED, finished_at=now)
    Sync.objects.for_tenant(tenant).update(paused=False, failures=1, next_run_at=now)
    Connection.objects.for_tenant(tenant).update(checked_at=now - timedelta(minutes=1))
    return Sync.objects.for_tenant(tenant).get()


def test_after_a_failure_the_connections_are_tested_before_the_next_run(failed: Sync) -> None:
    dispatch.tick()
    assert Checkup.objects.for_tenant(failed.tenant_id).count() == 2
    assert not failed.runs.filter(status__in=Run.ACTIVE).exists()
    Checkup.objects.for_tenant(failed.tenant_id).update(state="over")
    Connection.objects.for_tenant(failed.tenant_id).update(checked_at=timezone.now())
    dispatch.tick()
    assert failed.runs.filter(status=Run.Status.QUEUED).exists()
    assert not Checkup.objects.for_tenant(failed.tenant_id).filter(checkups.active()).exists()


def test_a_test_nobody_does_holds_a_sync_up_for_minutes_only(failed: Sync) -> None:
    dispatch.tick()
    Checkup.objects.for_tenant(failed.tenant_id).update(heard_at=timezone.now() - timedelta(minutes=16))
    assert dispatch.start_due() == 1


def test_a_test_goes_where_a_worker_is_at_hand(connection: Connection, django_capture_on_commit_callbacks: Any) -> None:
    def beat(name: str, pid: int, *, busy: bool) -> None:
        Heartbeat.objects.create(queue=name, host="elsewhere", pid=pid, at=timezone.now(), busy=busy)

    for pid in range(queue.workers_of(queue.MAIN)):
        beat(queue.MAIN, pid, busy=True)
    beat(queue.BACKFILL, 99, busy=False)
    with django_capture_on_commit_callbacks(execute=True):
        checkups.start(connection, ACTOR)
    assert list(OrmQ.objects.values_list("key", flat=True)) == [queue.BACKFILL]


# Pages


def test_the_page_grows_and_reloads_itself_at_the_end(
    connection: Connection, answer: Any, signed_in: Any, owner: Any
) -> None:
    client: Client = signed_in(owner)
    address = reverse("connections:detail", args=[connection.pk])
    checkups.start(connection, ACTOR)
    said = client.get(address).content.decode()
    assert "No worker is running" in said
    assert 'hx-trigger="every 1s"' in said

    def check(access: Any, report: CheckReport) -> None:
        report.add(SIGNED_IN)
        part = client.get(address, headers={"HX-Request": "true"}).content.decode()
        assert "Signed in" in part
        assert "<html" not in part

    answer(check)
    work(connection)
    assert client.get(address, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert "hx-trigger" not in client.get(address).content.decode()


def test_a_test_that_was_cut_off_says_so(connection: Connection, signed_in: Any, owner: Any) -> None:
    checkups.start(connection, ACTOR)
    Checkup.objects.for_tenant(connection.tenant_id).update(
        state=Checkup.State.RUNNING, heard_at=timezone.now() - timedelta(minutes=3)
    )
    said = signed_in(owner).get(reverse("connections:detail", args=[connection.pk])).content.decode()
    assert "cut off" in said
    assert "Test again" in said


@pytest.mark.parametrize(("days", "said"), [(31, ""), (30, "in 30 days"), (1, "tomorrow"), (-1, "expired on")])
def test_credentials_that_end_are_announced(
    connection: Connection, signed_in: Any, owner: Any, days: int, said: str
) -> None:
    set_to(connection, credentials_expire_on=services.today(connection.tenant) + timedelta(days=days))
    page = signed_in(owner).get(reverse("connections:detail", args=[connection.pk])).content.decode()
    assert (said in page) if said else ("The credentials expire" not in page)
    assert ("Credentials expire" in signed_in(owner).get(reverse("connections:list")).content.decode()) == (days < 31)


def test_the_day_of_expiry_is_kept_with_the_form_and_in_the_trail(
    connection: Connection, signed_in: Any, owner: Any
) -> None:
    address = reverse("connections:edit", args=[connection.pk])
    given = {"name": "Sales", **connection.config, "credentials_expire_on": "2031-05-06"}
    signed_in(owner).post(address, given)
    connection.refresh_from_db()
    assert str(connection.credentials_expire_on) == "2031-05-06"
    assert "2031-05-06" in AuditEntry.objects.order_by("-sequence").values_list("detail", flat=True)[0]
    refused = signed_in(owner).post(address, {**given, "name": "Other", "credentials_expire_on": "2021-05-06"})
    assert "This day is over" in refused.content.decode()
    assert Connection.objects.for_tenant(connection.tenant_id).get().name == "Sales"


# Sandbox


@pytest.fixture
def offered(settings: Any) -> None:
    settings.SANDBOX_ACCOUNTS = {
        "hubspot": {
            "name": "HubSpot (sandbox)",
            "config": {"base_url": "http://127.0.0.1:9103", "tier": "professional"},
            "secrets": {"access_token": factories.CANARY},
        }
    }
    settings.ALLOWED_PRIVATE_HOSTS = ["127.0.0.1:9103"]


def test_the_sandbox_is_connected_with_one_click_and_once(
    offered: None, tenant: Tenant, signed_in: Any, owner: Any
) -> None:
    client: Client = signed_in(owner)
    factories.connection(tenant, "hubspot", "HubSpot (sandbox)")
    assert "Use the sandbox" in client.get(reverse("connections:create", args=["hubspot"])).content.decode()
    for _ in range(2):
        answer = client.post(reverse("connections:sandbox", args=["hubspot"]), follow=True)
    made = Connection.objects.for_tenant(tenant).get(name="HubSpot (sandbox) 2")
    assert checkups.is_active(row(made))
    assert factories.CANARY not in answer.content.decode()
    assert client.get(reverse("connections:sandbox", args=["hubspot"])).status_code == 302
    assert Connection.objects.for_tenant(tenant).count() == 2


def test_without_the_setting_there_is_no_sandbox(tenant: Tenant, signed_in: Any, owner: Any) -> None:
    client: Client = signed_in(owner)
    for name, arguments in (("connections:choose", []), ("connections:create", ["hubspot"])):
        assert "sandbox" not in client.get(reverse(name, args=arguments)).content.decode().lower()
    answer = client.post(reverse("connections:sandbox", args=["hubspot"]), follow=True)
    assert "no sandbox" in answer.content.decode()
    assert not Connection.objects.for_tenant(tenant).exists()
