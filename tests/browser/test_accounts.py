"""Signing up, confirming, naming a workspace and setting up the second step, with a mouse; every page passes axe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from playwright.sync_api import Page

from tests.browser.conftest import Open, overflow, violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("SHOTS", "")
PASSWORD = "correct-horse-battery"


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def look(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"walk-{name}.png", full_page=True)
    assert page.locator("h1").count() == 1
    assert violations(page) == []
    assert overflow(page) == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_a_new_person_signs_up_and_sets_up_the_second_step(open_as: Open, live_server: Any, width: int) -> None:
    page = open_as(None, width=width)
    page.goto("/")
    page.get_by_role("link", name="Sign up free").first.click()
    page.get_by_label("E-mail address").fill("ann@meridian.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    look(page, f"check-mail-{width}")
    link = next(line for line in mail.outbox[0].body.splitlines() if "confirm-email" in line)
    page.goto(link.removeprefix(settings.BASE_URL))
    look(page, f"confirm-{width}")
    page.get_by_role("button", name="Yes, confirm it").click()
    look(page, f"workspace-{width}")
    page.get_by_label("Name of the workspace").fill("Meridian Trading")
    page.get_by_role("button", name="Create the workspace").click()
    page.get_by_text("Meridian Trading is ready").wait_for()
    _second_step(page, width)


def _second_step(page: Page, width: int) -> None:
    page.goto("/accounts/2fa/")
    look(page, f"second-step-off-{width}")
    page.get_by_role("link", name="Set it up").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    look(page, f"second-step-set-up-{width}")
    _, now, _ = yield_hotp_counters_from_time()
    page.locator("#id_code").fill(str(format_hotp_value(hotp_value(page.get_by_label("Key").input_value(), now))))
    page.get_by_role("button", name="Switch it on").click()
    look(page, f"recovery-codes-{width}")
    page.get_by_role("link", name="Done").click()
    look(page, f"second-step-on-{width}")
    page.get_by_role("link", name="Switch it off").click()
    look(page, f"second-step-switch-off-{width}")
