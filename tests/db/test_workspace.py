"""A workspace's settings, its owners, and its end."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from audit import exports
from audit.models import AuditEntry
from audit.services import Entry, append, verify
from connections.models import Connection
from mlconnector.tenants import closing, services
from mlconnector.tenants.models import ApiKey, Invitation, Membership, Role, Tenant
from syncs import erasure, retention
from syncs.models import Flow, FlowRun, Preview, PreviewEntry, Record, Report, ReportLine, Run, Sync
from tests import factories

SignIn = Callable[[Any], Client]
OWNER = "member:owner@meridian.example"


def entries(tenant: Tenant) -> list[tuple[str, str]]:
    return list(AuditEntry.objects.filter(tenant=tenant).order_by("sequence").values_list("action", "outcome"))


# Settings -------------------------------------------------------------------------------------------------------------


def test_settings_are_saved_and_what_changed_is_in_the_trail(signed_in: SignIn, tenant: Tenant, admin: Any) -> None:
    page, address = signed_in(admin), reverse("tenants:workspace")
    given = {"name": "Meridian Holding", "time_zone": "Europe/Berlin", "keep_days": 90}
    assert page.post(address, given)["Location"] == address
    assert list(Tenant.objects.values_list("name", "time_zone", "keep_days")) == [
        ("Meridian Holding", "Europe/Berlin", 90)
    ]
    page.post(address, given)
    detail = json.loads(AuditEntry.objects.get(action="tenant.changed").detail)
    assert detail["before"] == {"name": "Meridian Trading", "time_zone": "UTC", "keep_days": 400}
    assert page.post(address, {**given, "keep_days": 7}).context["form"].errors.keys() == {"keep_days"}


def test_who_may_not_set_anything_up_sees_the_settings_only(signed_in: SignIn, tenant: Tenant, finance: Any) -> None:
    page, address = signed_in(finance), reverse("tenants:workspace")
    shown = page.get(address).content.decode()
    assert "400 days" in shown
    assert 'name="keep_days"' not in shown
    assert page.post(address, {"name": "x", "time_zone": "UTC", "keep_days": 90}).status_code == 403


# Owners ---------------------------------------------------------------------------------------------------------------


def test_an_owner_hands_over_and_stays_as_an_admin(signed_in: SignIn, owner: Any, viewer: Any) -> None:
    page, address = signed_in(owner), reverse("tenants:hand-over")
    heir = Membership.objects.get(user=viewer)
    assert page.post(address, {"heir": heir.pk}).context["heirs"].errors.keys() == {"sure"}
    page.post(address, {"heir": heir.pk, "sure": "on"})
    assert dict(Membership.objects.values_list("user__email", "role")) == {
        "owner@meridian.example": "admin",
        "viewer@meridian.example": "owner",
    }
    assert page.post(address, {"heir": heir.pk, "sure": "on"}).status_code == 403
    with pytest.raises(PermissionDenied):
        services.hand_over(Membership.objects.get(user=owner), heir)


def test_a_workspace_is_handed_to_its_own_members_only(owner: Any, outsider: Any) -> None:
    with pytest.raises(ValidationError):
        services.hand_over(Membership.objects.get(user=owner), Membership.objects.get(user=outsider))


def test_everyone_may_leave_but_the_last_owner(signed_in: SignIn, tenant: Tenant, owner: Any, viewer: Any) -> None:
    leave = reverse("tenants:leave")
    signed_in(viewer).get(leave)
    assert Membership.objects.filter(user=viewer).exists()
    signed_in(viewer).post(leave)
    assert not Membership.objects.filter(user=viewer).exists()
    page = signed_in(owner)
    assert 'action="/workspace/leave/"' not in page.get(reverse("tenants:workspace")).content.decode()
    assert "needs an owner" in page.post(leave, follow=True).content.decode()
    assert Membership.objects.filter(user=owner).exists()
    assert entries(tenant) == [("member.removed", "done")]


def test_invitations_are_sent_again_and_withdrawn(signed_in: SignIn, tenant: Tenant, owner: Any, admin: Any) -> None:
    first, token = services.invite(tenant, "bo@x.example", Role.FINANCE, by=owner, by_role=Role.OWNER)
    page = signed_in(admin)
    page.post(reverse("tenants:send-again", args=[first.pk]))
    assert services.find_invitation(token) is None
    second = Invitation.objects.get()
    assert (second.email, second.role) == ("bo@x.example", "finance")
    assert "/invitations/" in mail.outbox[0].body
    page.post(reverse("tenants:withdraw", args=[second.pk]))
    assert not Invitation.objects.exists()
    assert [action for action, _ in entries(tenant)] == [
        "member.invited", "member.invited", "member.invitation_withdrawn",
    ]  # fmt: skip


def test_a_mail_that_cannot_be_sent_is_said(signed_in: SignIn, owner: Any, monkeypatch: Any) -> None:
    def refuse(*_: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("mlconnector.tenants.services.send_mail", refuse)
    answer = signed_in(owner).post(reverse("tenants:members"), {"email": "bo@x.example", "role": "viewer"}, follow=True)
    assert "could not be sent" in answer.content.decode()
    assert Invitation.objects.get().email == "bo@x.example"


def test_inviting_without_end_is_stopped(signed_in: SignIn, owner: Any, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"invite": "2/h/user"}
    page = signed_in(owner)
    given = [{"email": f"{number}@x.example", "role": "viewer"} for number in range(3)]
    assert [page.post(reverse("tenants:members"), one).status_code for one in given] == [302, 302, 429]
    assert Invitation.objects.count() == 2


def test_the_menu_leads_straight_to_other_workspaces(
    signed_in: SignIn, tenant: Tenant, other_tenant: Tenant, owner: Any
) -> None:
    Membership.objects.create(tenant=other_tenant, user=owner, role=Role.VIEWER)
    shown = signed_in(owner).get(reverse("tenants:keys")).content.decode()
    assert f'name="tenant" value="{other_tenant.pk}">Go to Harbour Works' in shown
    assert "Go to Meridian Trading" not in shown


# The end --------------------------------------------------------------------------------------------------------------


def download(page: Client, **filters: str) -> None:
    answer = page.get(reverse("audit:export"), filters)
    list(answer.streaming_content)


def test_only_a_whole_and_fresh_download_opens_the_way(signed_in: SignIn, tenant: Tenant, owner: Any) -> None:
    with transaction.atomic():
        append(tenant.pk, [Entry("tenant.created", "done")])
    page = signed_in(owner)
    close = reverse("tenants:close")
    assert page.get(close).context["obstacles"]
    download(page, form="csv", outcome="done")
    assert closing.obstacles(tenant)
    assert next(exports.noted(iter(["a line"]), tenant.pk, actor=OWNER, form="csv", whole=True)) == "a line"
    assert closing.obstacles(tenant), "a download that was broken off proves nothing"
    download(page, form="csv")
    assert entries(tenant)[-2:] == [("trail.exported", "part"), ("trail.exported", "done")]
    assert closing.obstacles(tenant) == []
    assert not exports.exported_whole(tenant.pk, timezone.now() + timedelta(seconds=1))


def test_a_workspace_is_deleted_by_its_owner_who_types_its_name(
    signed_in: SignIn, tenant: Tenant, owner: Any, admin: Any
) -> None:
    page, close = signed_in(owner), reverse("tenants:close")
    refused = page.post(close, {"name": "Meridian Trading"})
    assert "Download the whole audit trail first" in refused.content.decode()
    download(page, form="ndjson")
    assert page.post(close, {"name": "meridian"}).context["form"].errors.keys() == {"name"}
    assert signed_in(admin).post(close, {"name": "Meridian Trading"}).status_code == 403
    assert Membership.objects.count() == 2
    page.post(close, {"name": "Meridian Trading"})
    assert not Membership.objects.exists()
    assert page.get(reverse("audit:trail")).status_code == 403
    tenant.refresh_from_db()
    assert tenant.closed_at is not None
    assert AuditEntry.objects.filter(tenant=tenant, action="tenant.closed").exists()
    assert verify(tenant.pk).ok


@pytest.fixture
def busy(tenant: Tenant, owner: Any, other_tenant: Tenant, monkeypatch: Any) -> Sync:
    """A workspace with all there can be, about to be closed, beside another one."""
    sync = factories.busy_month(tenant)
    copy = Sync.objects.create(
        tenant=tenant, integration=sync.integration, name=sync.name, source=sync.source, destination=sync.destination,
        rehearsal=True,
    )  # fmt: skip
    preview = Preview.objects.create(sync=sync, rehearsal=copy, kind="run", requested_by=OWNER)
    PreviewEntry.objects.create(preview=preview, flow="invoices", source_key="1", outcome="created")
    report = Report.objects.create(sync=sync, requested_by=OWNER)
    ReportLine.objects.create(report=report, what="invoices", record=sync.flows.first().records.first())
    services.create_api_key(tenant, "Report", "viewer", actor=OWNER, by_role="owner")
    services.invite(tenant, "bo@x.example", "viewer", by=owner, by_role="owner")
    factories.sync(other_tenant, name="Theirs")
    monkeypatch.setattr(exports, "exported_whole", lambda *_: True)
    monkeypatch.setattr(erasure, "CHUNK", 3)
    return sync


def stored_secrets(tenant: Tenant) -> list[Any]:
    return [[one.secrets, one.token] for one in Connection.objects.for_tenant(tenant)]


def test_credentials_go_at_once_and_records_soon_after(
    busy: Sync, tenant: Tenant, other_tenant: Tenant, django_capture_on_commit_callbacks: Any
) -> None:
    active = factories.active_run(busy)
    with django_capture_on_commit_callbacks(execute=True):
        closing.close(tenant, actor=OWNER, typed_name=" Meridian Trading ")
    assert stored_secrets(tenant) == [[{}, None], [{}, None]]
    assert not ApiKey.objects.exists()
    assert not Invitation.objects.exists()
    assert [mail.to for mail in mail.outbox] == [["owner@meridian.example"]]
    assert OrmQ.objects.count() == 1
    active.refresh_from_db()
    assert active.cancel_requested
    assert not Sync.objects.across_tenants().filter(tenant=tenant, paused=False).exists()
    assert not Report.objects.across_tenants().filter(status=Report.Status.RUNNING).exists()

    assert not erasure.erase_closed(), "its worker still writes down what it did"
    assert Record.objects.for_tenant(tenant).exists()
    Run.objects.across_tenants().filter(pk=active.pk).update(status=Run.Status.CANCELLED)
    assert erasure.erase_closed()
    for model in (Connection, Sync, Flow, Record, Run, FlowRun, Preview, PreviewEntry, Report, ReportLine):
        path = model._default_manager.tenant_path  # type: ignore[attr-defined]
        assert not model._default_manager.across_tenants().filter(**{path: tenant}).exists(), model  # type: ignore[attr-defined]
    assert Connection.objects.for_tenant(other_tenant).count() == 2
    assert Sync.objects.for_tenant(other_tenant).get().runs.count() == 0
    assert stored_secrets(other_tenant)[0][0]
    assert erasure.erase_closed()
    assert entries(tenant)[-4:] == [
        ("tenant.closed", "done"), ("connection.destroyed", "done"), ("connection.destroyed", "done"),
        ("tenant.erased", "done"),
    ]  # fmt: skip
    assert verify(tenant.pk).ok


def test_an_interrupted_erasure_goes_on(busy: Sync, tenant: Tenant, monkeypatch: Any) -> None:
    closing.close(tenant, actor=OWNER, typed_name="Meridian Trading")
    one_by_one = erasure.in_chunks

    def die_at_records(rows: Any) -> int:
        if rows.model is Record:
            raise KeyboardInterrupt
        return one_by_one(rows)

    monkeypatch.setattr(erasure, "in_chunks", die_at_records)
    with pytest.raises(KeyboardInterrupt):
        erasure.erase_closed()
    monkeypatch.setattr(erasure, "in_chunks", one_by_one)
    assert erasure.erase_closed()
    assert not Sync.objects.across_tenants().filter(tenant=tenant).exists()


def test_operators_still_find_a_deleted_workspace_and_its_trail(
    busy: Sync, tenant: Tenant, operator: Any, signed_in: SignIn
) -> None:
    closing.close(tenant, actor=OWNER, typed_name="Meridian Trading")
    page = signed_in(operator)
    assert "Meridian Trading" in page.get(reverse("admin:tenants_tenant_changelist")).content.decode()
    assert "tenant.closed" in page.get(reverse("admin:audit_auditentry_changelist")).content.decode()


# Retention ------------------------------------------------------------------------------------------------------------


def test_old_runs_previews_and_reconciliations_are_cleared(tenant: Tenant, monkeypatch: Any) -> None:
    monkeypatch.setattr(erasure, "CHUNK", 2)
    tenant.keep_days = 30
    tenant.save()
    sync, quiet = factories.sync(tenant), factories.sync(tenant, name="Rarely")
    old = [factories.run(sync, ago=timedelta(days=31 + number)) for number in range(3)]
    for run in old:
        factories.flow_run(run, "invoices", created=1)
    young = factories.run(sync, ago=timedelta(days=29))
    only = factories.run(quiet, ago=timedelta(days=300))
    reports = [
        Report.objects.create(sync=sync, requested_by=OWNER, status=status) for status in ("ready", "failed", "ready")
    ]
    previews = [Preview.objects.create(sync=sync, kind="run", requested_by=OWNER, status="discarded") for _ in range(2)]
    PreviewEntry.objects.create(preview=previews[0], flow="invoices", source_key="1", outcome="created")
    ReportLine.objects.create(report=reports[0], what="invoices")
    long_ago = timezone.now() - timedelta(days=40)
    Report.objects.across_tenants().update(created_at=long_ago)
    Preview.objects.across_tenants().filter(pk=previews[0].pk).update(created_at=long_ago)
    trail = AuditEntry.objects.count()

    assert retention.purge() == 3 + 2 + 1
    assert set(Run.objects.across_tenants()) == {young, only}
    assert list(Report.objects.across_tenants()) == [reports[2]]
    assert list(Preview.objects.across_tenants()) == [previews[1]]
    assert not FlowRun.objects.across_tenants().exists()
    assert not ReportLine.objects.across_tenants().exists()
    assert AuditEntry.objects.count() == trail
    assert retention.purge() == 0


def test_a_failed_reconciliation_is_cleared_where_there_is_no_other(tenant: Tenant) -> None:
    report = Report.objects.create(sync=factories.sync(tenant), requested_by=OWNER, status="failed")
    assert retention.purge(timezone.now() + timedelta(days=399)) == 0
    assert retention.purge(timezone.now() + timedelta(days=401)) == 1
    assert not Report.objects.across_tenants().filter(pk=report.pk).exists()


def test_each_workspace_keeps_for_as_long_as_it_says(tenant: Tenant, other_tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(keep_days=30)
    for one in (tenant, other_tenant):
        sync = factories.sync(one)
        factories.run(sync, ago=timedelta(days=60))
        factories.run(sync, ago=timedelta(days=1))
    assert retention.purge() == 1
    assert Run.objects.for_tenant(other_tenant).count() == 2
