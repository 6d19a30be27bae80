"""Every page, wide and narrow, light and dark: no violation of axe, nothing wider than the window, no error."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone
from playwright.sync_api import Page

from connections.models import Checkup, Connection
from mlconnector.tenants import services
from syncs.mapping import mappings
from syncs.models import Preview, Record, Report, Run, Sync
from tests import factories
from tests.browser.conftest import Open, overflow, violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOKS = ((1280, False), (1280, True), (390, False), (390, True), (1600, False))
SHOTS = os.environ.get("SHOTS", "")


def look(open_as: Open, user: Any, addresses: dict[str, str]) -> None:
    problems: list[str] = []
    for width, dark in LOOKS:
        page = open_as(user, width=width, dark=dark)
        said: list[str] = []
        page.on("console", lambda message, said=said: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        for name, address in addresses.items():
            look_of = f"{name}-{width}-{'dark' if dark else 'light'}"
            problems += [f"{look_of}: {one}" for one in inspect(page, address)]
            shoot(page, look_of)
        problems += [f"{width}: {text}" for text in said if "404" not in text]
    assert not problems, "\n".join(problems)


def inspect(page: Page, address: str) -> list[str]:
    page.goto(address)
    found = violations(page)
    if wider := overflow(page):
        found.append(f"{wider} px wider than the window")
    return found


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def test_pages_of_a_workspace_in_use(open_as: Open, tenant: Any, owner: Any, finance: Any) -> None:
    sync = factories.busy_month(tenant)
    active = factories.active_run(sync)
    look(open_as, owner, addresses_of(sync, active))


def addresses_of(sync: Sync, active: Run) -> dict[str, str]:
    records = Record.objects.for_tenant(sync.tenant_id)
    partial = sync.runs.get(status=Run.Status.PARTIAL)
    report = factories.report(sync)
    running = factories.report(sync, status=Report.Status.RUNNING, figures={}, finished_at=None)
    return {
        "dashboard": "/",
        "syncs": "/syncs/",
        "sync-new": "/syncs/new/",
        "sync-create": "/syncs/new/fusion_hubspot/",
        "sync": f"/syncs/{sync.pk}/",
        "sync-settings": f"/syncs/{sync.pk}/settings/",
        "flow": f"/syncs/{sync.pk}/flows/invoices/",
        "runs": f"/syncs/{sync.pk}/runs/",
        "preview": f"/previews/{factories.preview(sync).pk}/",
        "preview-running": f"/previews/{factories.preview(sync, Preview.Status.RUNNING).pk}/",
        "preview-created": f"/previews/{factories.preview(sync).pk}/invoices/created/",
        "preview-updated": f"/previews/{factories.preview(sync).pk}/invoices/updated/",
        "run-active": f"/runs/{active.pk}/",
        "run-ended": f"/runs/{partial.pk}/",
        "records": "/records/",
        "records-nothing": "/records/?q=zzz",
        "record-story": f"/records/{records.get(source_key='300001').pk}/",
        "record-held": f"/records/{records.get(source_key='100099').pk}/",
        "record-draft": f"/records/{records.get(source_key='30010').pk}/",
        "record-waiting": f"/records/{records.get(source_key='70001').pk}/",
        "attention": "/attention/",
        "attention-cause": f"/attention/{sync.flows.get(key='invoices').pk}/total_differs/",
        "attention-aside": "/attention/aside/",
        "matches": "/matches/",
        "answers": "/matches/answers/",
        "drafts": "/drafts/",
        "drafts-review": "/drafts/review/?all=yes",
        "connections": "/connections/",
        "connection": f"/connections/{sync.source_id}/",
        "connection-new": "/connections/new/",
        "connection-fusion": "/connections/new/oracle_fusion/",
        "connection-hubspot": "/connections/new/hubspot/",
        "connection-edit": f"/connections/{sync.destination_id}/edit/",
        "reconciliation": "/reconciliation/",
        "report": f"/reconciliation/{report.pk}/",
        "report-month": f"/reconciliation/{report.pk}/2026-10/",
        "report-running": f"/reconciliation/{running.pk}/",
        "audit": "/audit/",
        "notifications": "/notifications/",
        "notification-new": "/notifications/new/webhook/",
        "members": "/members/",
        "keys": "/api-keys/",
        "workspace": "/workspace/new/",
        "workspaces": "/workspace/choose/",
        "email": "/accounts/email/",
        "mfa": "/accounts/2fa/",
        "not-found": "/nowhere/",
    }


def test_the_mapping_of_a_flow(open_as: Open, tenant: Any, owner: Any, viewer: Any) -> None:
    sync = factories.sync(tenant)
    flow = sync.flows.get(key="customers")
    rows: list[dict[str, Any]] = [
        {"to": "tier", "from": "_persons[0].JobTitle", "label": "Tier", "type": "text"},
        {"to": "city", "in": "contact", "value": "Boston"},
        {"to": "heads", "from": "City", "type": "number"},
    ]
    for number in (1, 2, 3):
        mappings.save(flow, {"fields": rows[:number]}, actor="member:owner@meridian.example")
    address = f"/syncs/{sync.pk}/flows/customers/mapping/"
    look(open_as, owner, {"mapping": f"{address}?now=1", "mapping-older": f"{address}?version=1"})
    look(open_as, viewer, {"mapping-viewer": f"{address}?now=1"})


def test_pages_on_the_way_to_the_first_run(open_as: Open, tenant: Any, owner: Any, settings: Any) -> None:
    settings.SANDBOX_ACCOUNTS = {"hubspot": {}}
    sync = factories.sync(tenant, started=False)
    part = {"key": "a", "label": "Property “A”", "detail": "a, text", "group": "Companies", "by_hand": "Create it."}
    failed = {"key": "a", "label": "Property “A”", "outcome": "failed", "text": "Refused.", "advice": "By hand."}
    source, bare, ill = sync.source, sync.destination, factories.connection(tenant, "hubspot", "Old key")
    bare.capabilities, bare.credentials_expire_on = {"missing": [part]}, date.today() + timedelta(days=9)
    ill.status, ill.status_text = Connection.Status.BROKEN, "The key was revoked. Enter a new one."
    for connection in (bare, ill):
        connection.save(update_fields=["capabilities", "credentials_expire_on", "status", "status_text"])
    now = timezone.now()
    state = {"token": "x", "actor": "schedule", "asked_at": now, "heard_at": now}
    Checkup.objects.create(connection=source, state="running", steps=[failed], **state)
    Checkup.objects.create(connection=bare, state="over", keys=["a"], prepared=[failed], **state)
    addresses = {
        "sync-new": f"/syncs/{sync.pk}/",
        "connection-tested-now": f"/connections/{source.pk}/",
        "connection-bare": f"/connections/{bare.pk}/",
        "connection-prepare": f"/connections/{bare.pk}/prepare/",
        "connection-preparing": f"/connections/{source.pk}/prepare/",
        "connection-broken": f"/connections/{ill.pk}/",
        "connection-choose": "/connections/new/",
        "connection-sandbox": "/connections/new/hubspot/",
    }
    look(open_as, owner, addresses)


def test_pages_of_an_empty_workspace(open_as: Open, tenant: Any, owner: Any) -> None:
    names = ("", "syncs/", "syncs/new/", "records/", "attention/", "drafts/", "connections/", "api-keys/")
    look(open_as, owner, {f"empty-{name.strip('/').replace('/', '-') or 'dashboard'}": f"/{name}" for name in names})


def test_pages_for_nobody(open_as: Open, db: None) -> None:
    look(
        open_as,
        None,
        {
            "landing": "/",
            "sign-in": "/accounts/login/",
            "sign-up": "/accounts/signup/",
            "reset": "/accounts/password/reset/",
            "reset-done": "/accounts/password/reset/done/",
            "check-mail": "/accounts/confirm-email/",
        },
    )


def test_pages_of_people_and_their_workspace(
    open_as: Open, tenant: Any, owner: Any, finance: Any, outsider: Any
) -> None:
    services.invite(tenant, "bo@meridian.example", "viewer", by=owner, by_role="owner")
    services.invite(outsider.memberships.get().tenant, owner.email, "viewer", by=outsider, by_role="owner")
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    addresses = {
        "members-invited": "/members/",
        "invited-new": "/workspace/new/",
        "invited-choose": "/workspace/choose/",
        "workspace-settings": "/workspace/",
        "workspace-delete": "/workspace/delete/",
        "password": "/accounts/password/change/",
        "reauthenticate": "/accounts/2fa/totp/activate/",
        "sign-out": "/accounts/logout/",
        "integration-member": "/integrations/fusion_hubspot/",
    }
    look(open_as, owner, addresses)


def test_pages_for_visitors(open_as: Open, tenant: Any, owner: Any) -> None:
    _, token = services.invite(tenant, "bo@meridian.example", "viewer", by=owner, by_role="owner")
    addresses = {
        "integrations": "/integrations/",
        "integration-hubspot": "/integrations/fusion_hubspot/",
        "integration-salesforce": "/integrations/fusion_salesforce/",
        "invitation": f"/invitations/{token}/",
        "confirm-too-old": "/accounts/confirm-email/nonsense/",
        "reset-too-old": "/accounts/password/reset/key/1-set-password/",
    }
    look(open_as, None, addresses)


def test_an_integration_opened_to_the_last_field_fits_a_phone(open_as: Open, db: None) -> None:
    page = open_as(None, width=390)
    for key in ("fusion_hubspot", "fusion_salesforce"):
        page.goto(f"/integrations/{key}/")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        shoot(page, f"integration-open-{key}-390-light")
        assert violations(page) == []
        assert overflow(page) == 0
