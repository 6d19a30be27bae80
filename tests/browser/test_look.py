"""Every page, wide and narrow, light and dark: no violation of axe, nothing wider than the window, no error."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from syncs.models import Record, Run, Sync
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
    return {
        "dashboard": "/",
        "syncs": "/syncs/",
        "sync-new": "/syncs/new/",
        "sync-create": "/syncs/new/fusion_hubspot/",
        "sync": f"/syncs/{sync.pk}/",
        "sync-settings": f"/syncs/{sync.pk}/settings/",
        "flow": f"/syncs/{sync.pk}/flows/invoices/",
        "runs": f"/syncs/{sync.pk}/runs/",
        "run-active": f"/runs/{active.pk}/",
        "run-ended": f"/runs/{partial.pk}/",
        "records": "/records/",
        "records-nothing": "/records/?q=zzz",
        "record-story": f"/records/{records.get(source_key='300001').pk}/",
        "record-held": f"/records/{records.get(source_key='100099').pk}/",
        "record-draft": f"/records/{records.get(source_key='30010').pk}/",
        "record-waiting": f"/records/{records.get(source_key='70001').pk}/",
        "attention": "/attention/",
        "drafts": "/drafts/",
        "connections": "/connections/",
        "connection": f"/connections/{sync.source_id}/",
        "connection-new": "/connections/new/",
        "connection-fusion": "/connections/new/oracle_fusion/",
        "connection-hubspot": "/connections/new/hubspot/",
        "connection-edit": f"/connections/{sync.destination_id}/edit/",
        "audit": "/audit/",
        "members": "/members/",
        "keys": "/api-keys/",
        "workspace": "/workspace/new/",
        "workspaces": "/workspace/choose/",
        "email": "/accounts/email/",
        "mfa": "/accounts/2fa/",
        "not-found": "/nowhere/",
    }


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
