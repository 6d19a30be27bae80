"""Chromium over a live server. Run with ``-m browser``; every page must pass axe."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from connections.connectors.base import Field
from syncs import both_sides
from syncs.mapping import schemas
from tests.conftest import CHROMIUM

# Playwright's loop runs in the test's own thread, where the database is used, too.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
Open = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(autouse=True)
def _both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record's page asks both systems behind itself; here both answer at once."""
    monkeypatch.setattr(both_sides, "look", lambda record: SIDES)


@pytest.fixture(autouse=True)
def _schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    """So does the mapping of a flow."""
    fields = (
        Field("name", "Company name", "text"),
        Field("tier", "Tier of the contract with us", "text", length=80),
        Field("heads", "Heads", "number"),
    )
    row = {"PartyNumber": "1001", "City": "Köln", "_persons": [{"JobTitle": "Head of accounts payable"}]}
    document = {"company": {"name": "Kestrel Logistics GmbH", "city": "Köln", "fusion_party_number": "1001"}}
    sample = schemas.Sample("Kestrel Logistics GmbH", row, document)
    monkeypatch.setattr(schemas, "_schema", lambda connection, kind, *, ask: schemas.Schema(fields))
    monkeypatch.setattr(schemas, "sample_of", lambda flow, *, ask=True: sample)


SIDES = both_sides.BothSides(
    both_sides.Side("Oracle Fusion Cloud ERP", there=True),
    both_sides.Side("HubSpot", there=True, link="https://app.hubspot.com/contacts/48/record/0-53/9300001"),
    [
        both_sides.Section(
            "Invoice",
            [
                both_sides.Line("hs_amount_billed", "1190.00", "1190.00", "1190.00"),
                both_sides.Line("fusion_status", "Complete", "By hand", "Complete", both_sides.DESTINATION_CHANGED),
                both_sides.Line("fusion_balance_due", "0.00", "1190.00", "1190.00", both_sides.SOURCE_CHANGED),
                both_sides.Line("hs_comments", "", "Ask Ann before sending", "", both_sides.FILLED),
            ],
        ),
        both_sides.Section("Line: Travel", [both_sides.Line("price", "10.00", None, "10.00")], gone=True),
    ],
)


@pytest.fixture
def open_as(browser: Browser, live_server: Any) -> Iterator[Open]:
    """``open_as(user, width=…, dark=…, scripts=…)`` gives a page signed in as the user; None for nobody."""
    contexts: list[BrowserContext] = []

    def open_page(user: Any, *, width: int = 1280, dark: bool = False, scripts: bool = True) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            locale="en-GB",
            # axe is put into the page by the test, which the page's own policy forbids, as it should.
            bypass_csp=False,
        )
        contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user)
            value = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}])
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


def violations(page: Page) -> list[str]:
    """What axe finds on the page as it stands, one line per element."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations")
    return [
        f"{one['id']}: {node['html'][:160]} {json.dumps(node['any'][:1])[:300]}"
        for one in found
        for node in one["nodes"]
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
