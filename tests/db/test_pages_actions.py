"""Buttons and forms: each calls its service, says what happened, and shows a refusal where it belongs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import reverse

from audit.models import AuditEntry
from connections import checkups
from connections import services as connection_services
from connections.connectors.base import CheckReport, CheckStep, Preparation
from connections.errors import ConfigError
from connections.models import Checkup, Connection
from mlconnector.tenants.models import ApiKey, Invitation, Membership, Tenant
from syncs.models import Record, Run, Sync
from tests import factories

SignIn = Callable[[Any], Client]


@pytest.fixture
def page(signed_in: SignIn, owner: Any) -> Client:
    return signed_in(owner)


@pytest.fixture
def sync(tenant: Any) -> Sync:
    return factories.busy_month(tenant)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def press(client: Client, name: str, *args: Any, **values: Any) -> str:
    """Presses a button and returns what the next page says."""
    answer = client.post(reverse(name, args=args), values, follow=True)
    assert answer.status_code == 200
    return said(answer)


def record(tenant: Any, source_key: str) -> Record:
    return Record.objects.for_tenant(tenant).get(source_key=source_key)


# Syncs ----------------------------------------------------------------------------------------------------------------


def test_a_sync_is_set_up_and_waits_to_be_started(page: Client, tenant: Any) -> None:
    fusion = factories.connection(tenant, "oracle_fusion", "Fusion")
    hubspot = factories.connection(tenant, "hubspot", "HubSpot")
    values = {"source": fusion.pk, "destination": hubspot.pk, "name": "Mirror", "every_minutes": 30,
              "start_date": "2025-01-01"}  # fmt: skip
    answer = page.post(reverse("syncs:create", args=["fusion_hubspot"]), values, follow=True)
    made = Sync.objects.for_tenant(tenant).get()
    assert (made.name, made.every_minutes, made.start_date, made.paused) == ("Mirror", 30, date(2025, 1, 1), True)
    assert "Ready to start" in answer.content.decode()
    press(page, "syncs:resume", made.pk)
    made.refresh_from_db()
    assert not made.paused


def test_another_tenants_connection_cannot_be_chosen(page: Client, tenant: Any, other_tenant: Any) -> None:
    mine = factories.connection(tenant, "oracle_fusion", "Fusion")
    theirs = factories.connection(other_tenant, "hubspot", "Theirs")
    values = {"source": mine.pk, "destination": theirs.pk, "name": "Mirror", "every_minutes": 30}
    answer = page.post(reverse("syncs:create", args=["fusion_hubspot"]), values)
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {"destination"}
    assert "Theirs" not in answer.content.decode()


def test_a_name_that_is_taken_is_said_at_the_name(page: Client, tenant: Any, sync: Sync) -> None:
    other = factories.sync(tenant, name="Second")
    answer = page.post(reverse("syncs:settings", args=[other.pk]), {"name": sync.name, "every_minutes": 10})
    assert answer.status_code == 422
    assert "Choose another name" in answer.context["form"].errors["name"][0]


def test_options_are_saved_and_a_warning_is_shown(page: Client, sync: Sync) -> None:
    address = reverse("syncs:flow", args=[sync.pk, "invoices"])
    assert "HubSpot may e-mail your customers" in page.get(address).content.decode()
    page.post(address, {"confirmation": "fusion", "billing": "mirror", "paid": "leave"})
    assert sync.flows.get(key="invoices").options == {"confirmation": "fusion", "billing": "mirror", "paid": "leave"}
    answer = page.post(address, {"confirmation": "nobody", "billing": "mirror", "paid": "leave"})
    assert answer.status_code == 422
    assert "confirmation" in answer.context["form"].errors


def test_flows_are_switched(page: Client, sync: Sync) -> None:
    assert "Payments is off" in press(page, "syncs:switch", sync.pk, "payments", enabled="no")
    assert not sync.flows.get(key="payments").enabled
    press(page, "syncs:switch", sync.pk, "payments", enabled="yes")
    assert sync.flows.get(key="payments").enabled


def test_pause_run_cancel_and_backfill(page: Client, sync: Sync) -> None:
    press(page, "syncs:pause", sync.pk)
    sync.refresh_from_db()
    assert sync.paused
    press(page, "syncs:run-now", sync.pk)
    run = sync.runs.latest("pk")
    assert (run.status, run.trigger, run.requested_by) == ("queued", "person", "member:owner@meridian.example")
    assert "A run is active" in press(page, "syncs:backfill", sync.pk, start="2025-03-01")
    press(page, "syncs:cancel", run.pk)
    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED
    press(page, "syncs:backfill", sync.pk, start="2025-03-01")
    assert sync.runs.latest("pk").backfill_from == date(2025, 3, 1)


def test_a_backfill_needs_a_day(page: Client, sync: Sync) -> None:
    answer = page.post(reverse("syncs:backfill", args=[sync.pk]), {"start": "soon"})
    assert answer.status_code == 422
    assert answer.context["backfill"].errors.keys() == {"start"}


def test_a_broken_connection_says_what_to_do_instead_of_running(page: Client, sync: Sync) -> None:
    connection_services.mark_broken(sync.destination, ConfigError("The key was revoked. Enter a new one."))
    assert "The key was revoked. Enter a new one." in press(page, "syncs:run-now", sync.pk)
    text = page.get(reverse("home")).content.decode()
    assert "The key was revoked" in text
    assert "All is well" not in text


def test_an_address_of_a_button_leads_back_to_its_page(page: Client, sync: Sync) -> None:
    """As after signing in again in the middle of pressing it."""
    before = AuditEntry.objects.count()
    assert page.get(reverse("syncs:run-now", args=[sync.pk]))["Location"] == reverse("syncs:sync", args=[sync.pk])
    assert AuditEntry.objects.count() == before


# Records --------------------------------------------------------------------------------------------------------------


def test_replays_of_one_of_a_cause_and_of_a_run(page: Client, tenant: Any, sync: Sync) -> None:
    one = record(tenant, "30022")
    assert "1 record goes through again" in press(page, "syncs:replay", one.pk)
    invoices = sync.flows.get(key="invoices")
    assert "2 records go" in press(page, "syncs:replay-cause", invoices.pk, code="total_differs")
    partial = sync.runs.get(status=Run.Status.PARTIAL)
    assert "5 records go" in press(page, "syncs:replay-run", partial.pk)
    assert sync.runs.filter(status=Run.Status.QUEUED, only_due=True).count() == 1


def test_a_held_match_is_decided(page: Client, tenant: Any, sync: Sync) -> None:
    held = record(tenant, "100099")
    shown = page.get(reverse("syncs:record", args=[held.pk])).content.decode()
    assert "ACME Corporation" in shown
    assert "Chicago" in shown
    assert "not one of the candidates" in press(page, "syncs:decide", held.pk, choice="adopt:999")
    press(page, "syncs:decide", held.pk, choice="adopt:502")
    held.refresh_from_db()
    assert held.decision.pop("at") is not None
    assert held.decision == {"adopt": "502", "by": "member:owner@meridian.example"}


def test_or_a_new_one_is_created(page: Client, tenant: Any, sync: Sync) -> None:
    held = record(tenant, "100099")
    press(page, "syncs:decide", held.pk, choice="create")
    held.refresh_from_db()
    assert held.decision.pop("at") is not None
    assert held.decision == {"create": True, "by": "member:owner@meridian.example"}


def test_drafts_are_confirmed_one_some_and_all(page: Client, tenant: Any, sync: Sync) -> None:
    def open_drafts() -> int:
        return page.get(reverse("syncs:drafts")).context["page"].sums.number

    def confirm_reviewed(**given: Any) -> str:
        reviewed = page.get(reverse("syncs:review-drafts"), given).context["sums"]
        return press(page, "syncs:confirm-drafts", **given, sums=reviewed.said)

    assert open_drafts() == 3
    press(page, "syncs:confirm", record(tenant, "30010").pk)
    assert "Tick the invoices" in press(page, "syncs:confirm-drafts")
    confirm_reviewed(record=[record(tenant, "30011").pk])
    assert open_drafts() == 1
    confirm_reviewed(all="yes")
    assert open_drafts() == 0
    assert record(tenant, "30012").confirmed_by == "member:owner@meridian.example"


def test_only_drafts_that_wait_are_confirmed(page: Client, tenant: Any, sync: Sync) -> None:
    """A ticked record that is no draft, as after another member was quicker, is left as it is."""
    rejected = record(tenant, "30020")
    press(page, "syncs:confirm-drafts", record=[rejected.pk])
    rejected.refresh_from_db()
    assert rejected.confirmed_at is None


# Connections ----------------------------------------------------------------------------------------------------------


class Remote:
    """Stands where the remote system would be."""

    def __init__(self, monkeypatch: Any) -> None:
        self.steps = [CheckStep("sign_in", "Signed in", "ok")]
        self.missing: list[Preparation] = []
        self.prepared: list[str] = []
        monkeypatch.setattr("connections.connectors.hubspot.connector.HubSpot.check", self._check)
        monkeypatch.setattr("connections.connectors.hubspot.connector.HubSpot.missing", lambda *_: self.missing)
        monkeypatch.setattr(
            "connections.connectors.hubspot.connector.HubSpot.prepare", lambda _self, _access, keys: self._prepare(keys)
        )

    def _check(self, access: Any, report: CheckReport) -> None:
        report.add(*self.steps)
        report.account = "HubSpot 77"

    def _prepare(self, keys: list[str]) -> list[CheckStep]:
        self.prepared = list(keys)
        self.missing = [each for each in self.missing if each.key not in keys]
        return [CheckStep(key, key, "ok") for key in keys]


@pytest.fixture
def remote(monkeypatch: Any) -> Remote:
    return Remote(monkeypatch)


def work(connection: Connection) -> None:
    """What a worker does with the test that was asked for."""
    checkups.execute(connection.pk, Checkup.objects.for_tenant(connection.tenant_id).get(pk=connection.pk).token)
    connection.refresh_from_db()


def test_a_connection_is_added_and_tested_at_once(page: Client, tenant: Any, remote: Remote) -> None:
    values = {"name": "Sales", "access_token": "pat-eu1-123", "tier": "professional"}
    answer = page.post(reverse("connections:create", args=["hubspot"]), values, follow=True)
    made = Connection.objects.for_tenant(tenant).get()
    assert made.secrets["access_token"] == "pat-eu1-123"
    assert "It is being tested now" in said(answer)
    assert "pat-eu1-123" not in answer.content.decode()
    work(made)
    assert (made.name, made.status, made.account) == ("Sales", "healthy", "HubSpot 77")


def test_what_is_missing_is_said_at_its_field_and_no_secret_comes_back(page: Client, tenant: Any) -> None:
    create = reverse("connections:create", args=["hubspot"])
    answer = page.post(create, {"name": "Sales", "tier": "professional"})
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {"access_token"}
    refused = page.post(create, {"name": "", "access_token": "pat-eu1-456", "tier": "professional"})
    assert refused.status_code == 422
    assert "pat-eu1-456" not in refused.content.decode()


def test_an_empty_secret_keeps_the_stored_one(page: Client, tenant: Any, remote: Remote) -> None:
    stored = factories.connection(tenant, "hubspot", "Sales")
    edit = reverse("connections:edit", args=[stored.pk])
    page.post(edit, {"name": "Sales EU", "tier": "free", "access_token": "", "base_url": "https://api.hubapi.com"})
    stored = Connection.objects.for_tenant(tenant).get()
    assert (stored.name, stored.config["tier"]) == ("Sales EU", "free")
    assert stored.secrets == {"access_token": factories.CANARY}
    page.post(edit, {"name": "Sales EU", "tier": "free", "access_token": "new", "base_url": "https://api.hubapi.com"})
    assert Connection.objects.for_tenant(tenant).get().secrets == {"access_token": "new"}


def test_a_failed_test_says_what_to_add(page: Client, tenant: Any, remote: Remote) -> None:
    stored = factories.connection(tenant, "hubspot", "Sales")
    advice = "Add the scope crm.objects.invoices.write."
    remote.steps = [CheckStep("write", "May write invoices", "failed", "HubSpot refuses.", advice)]
    press(page, "connections:test", stored.pk)
    work(stored)
    assert advice in page.get(reverse("connections:detail", args=[stored.pk])).content.decode()


def test_missing_parts_are_created_with_a_click(page: Client, tenant: Any, remote: Remote) -> None:
    stored = factories.connection(tenant, "hubspot", "Sales")
    prepare = reverse("connections:prepare", args=[stored.pk])
    assert "Not looked at yet" in page.get(prepare).content.decode()
    remote.missing = [Preparation("invoices.fusion_id", "Property “Fusion ID” on invoices", by_hand="Make it so.")]
    press(page, "connections:test", stored.pk)
    work(stored)
    text = page.get(prepare).content.decode()
    assert "Property “Fusion ID” on invoices" in text
    assert "Make it so." in text
    assert "Tick what" in said(page.post(prepare, follow=True))
    assert "being created" in said(page.post(prepare, {"key": ["invoices.fusion_id"]}, follow=True))
    work(stored)
    assert remote.prepared == ["invoices.fusion_id"]
    assert "Nothing is missing" in page.get(prepare).content.decode()


def test_a_connection_in_use_is_not_deleted(page: Client, tenant: Any, sync: Sync) -> None:
    assert "A sync uses this connection" in press(page, "connections:delete", sync.source_id)
    spare = factories.connection(tenant, "hubspot", "Spare")
    press(page, "connections:delete", spare.pk)
    assert not Connection.objects.for_tenant(tenant).filter(pk=spare.pk).exists()


# Workspace ------------------------------------------------------------------------------------------------------------


def test_someone_new_names_a_workspace_first(signed_in: SignIn, django_user_model: Any) -> None:
    newcomer = django_user_model.objects.create_user("new@x.example", "new@x.example", "a-long-enough-phrase")
    client = signed_in(newcomer)
    assert client.get("/")["Location"] == reverse("tenants:new")
    answer = client.post(reverse("tenants:new"), {"name": "Delta", "time_zone": "Asia/Tokyo"}, follow=True)
    assert Tenant.objects.get(name="Delta").time_zone == "Asia/Tokyo"
    assert "Welcome to Delta" in answer.content.decode()


def test_an_invitation_is_mailed_and_accepted(
    page: Client, tenant: Any, signed_in: SignIn, django_user_model: Any
) -> None:
    press(page, "tenants:members", email="Colleague@x.example", role="finance")
    link = next(line for line in mail.outbox[0].body.splitlines() if line.startswith("http"))
    path = link.removeprefix(settings.BASE_URL)
    colleague = django_user_model.objects.create_user("c@x.example", "colleague@x.example", "a-long-enough-phrase")
    client = signed_in(colleague)
    assert "Join Meridian Trading" in client.get(path).content.decode()
    client.post(path)
    assert Membership.objects.get(user=colleague).role == "finance"
    assert client.get(path).status_code == 404
    assert Invitation.objects.get().accepted_at is not None


def test_an_invitation_is_for_its_address_only(page: Client, tenant: Any, outsider: Any, signed_in: SignIn) -> None:
    press(page, "tenants:members", email="colleague@x.example", role="viewer")
    link = next(line for line in mail.outbox[0].body.splitlines() if "/invitations/" in line)
    path = link.removeprefix(settings.BASE_URL)
    answer = signed_in(outsider).post(path, follow=True)
    assert "Sign in with that address" in said(answer)
    assert not Membership.objects.filter(user=outsider, tenant=tenant).exists()


def test_roles_change_and_the_last_owner_stays(page: Client, tenant: Any, owner: Any, viewer: Any) -> None:
    member = Membership.objects.get(user=viewer)
    assert "is Finance now" in press(page, "tenants:role", member.pk, role="finance")
    own = Membership.objects.get(user=owner)
    assert "needs an owner" in press(page, "tenants:role", own.pk, role="viewer")
    press(page, "tenants:remove", member.pk)
    assert not Membership.objects.filter(pk=member.pk).exists()


def test_nobody_hands_out_more_than_they_have(signed_in: SignIn, admin: Any, owner: Any) -> None:
    client = signed_in(admin)
    own = Membership.objects.get(user=owner)
    assert "more rights" in press(client, "tenants:role", own.pk, role="viewer")
    answer = client.post(reverse("tenants:members"), {"email": "x@x.example", "role": "owner"})
    assert answer.status_code == 422


def test_a_key_is_shown_once_and_can_be_revoked(page: Client, tenant: Any) -> None:
    answer = page.post(reverse("tenants:keys"), {"name": "Report", "role": "viewer"})
    shown = answer.context["created"]
    assert shown in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert shown not in page.get(reverse("tenants:keys")).content.decode()
    key = ApiKey.objects.get()
    press(page, "tenants:revoke", key.prefix)
    key.refresh_from_db()
    assert key.revoked


def test_a_workspace_is_chosen_only_by_its_members(page: Client, other_tenant: Any, owner: Any) -> None:
    choose = reverse("tenants:choose")
    assert page.post(choose, {"tenant": other_tenant.pk}).status_code == 404
    Membership.objects.create(tenant=other_tenant, user=owner, role="viewer")
    page.post(choose, {"tenant": other_tenant.pk})
    assert page.get("/").context["tenant"] == other_tenant
