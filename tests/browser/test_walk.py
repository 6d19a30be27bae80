"""Pages under a person's hands: with the keyboard, without scripts, on a phone, and while a run goes on."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import expect

from syncs.models import FlowRun, Record, Run
from tests import factories
from tests.browser.conftest import Open, violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_signing_in_and_out(open_as: Open, owner: Any) -> None:
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    page = open_as(None, width=390)
    page.goto("/")
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_label("E-mail address").fill("owner@meridian.example")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("not correct")).to_be_visible()
    assert violations(page) == []
    page.get_by_label("Password").fill("a-long-enough-phrase")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Welcome to Meridian Trading")
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign up free")).to_be_visible()


def test_a_run_is_watched_to_its_end_without_reloading(open_as: Open, tenant: Any, owner: Any) -> None:
    sync = factories.busy_month(tenant)
    run = factories.active_run(sync)
    page = open_as(owner)
    page.goto(f"/runs/{run.pk}/")
    expect(page.get_by_text("3,214 of 9,400")).to_be_visible()
    FlowRun.objects.for_tenant(tenant).filter(run=run, flow__key="invoices").update(created=9000, read=9014)
    expect(page.get_by_text("9,014 of 9,400")).to_be_visible(timeout=8000)
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_text("Stopping at the next safe point")).to_be_visible()
    Run.objects.for_tenant(tenant).filter(pk=run.pk).update(status=Run.Status.CANCELLED)
    expect(page.get_by_role("heading", name="What moved")).to_be_visible(timeout=8000)
    assert violations(page) == []


def test_everything_that_matters_works_without_scripts(open_as: Open, tenant: Any, finance: Any) -> None:
    factories.busy_month(tenant)
    page = open_as(finance, scripts=False, width=390)
    page.goto("/drafts/")
    page.get_by_role("checkbox", name="INV-30010").check()
    page.get_by_role("button", name="Review those ticked").click()
    page.get_by_role("button", name="Yes, confirm it").click()
    expect(page.get_by_text("1 invoice is confirmed")).to_be_visible()
    page.get_by_role("button", name="Review all 2").click()
    page.get_by_role("button", name="Yes, confirm all 2").click()
    expect(page.get_by_text("2 invoices are confirmed")).to_be_visible()
    page.goto(f"/records/{Record.objects.for_tenant(tenant).get(source_key='100099').pk}/")
    page.get_by_role("radio", name="Acme Inc").check()
    page.get_by_role("button", name="Take the one chosen").click()
    expect(page.get_by_text("Your decision is noted")).to_be_visible()
    page.goto("/attention/")
    page.get_by_role("link", name="Show them : Lines and total disagree").click()
    page.get_by_role("checkbox", name="INV-30020").check()
    page.get_by_text("Set aside", exact=True).click()
    page.get_by_role("textbox", name="Why, or what was done").fill("A test invoice.")
    page.get_by_role("button", name="Set aside now").click()
    expect(page.get_by_text("1 record is off the list")).to_be_visible()
    page.get_by_role("radio", name="All 1").check()
    page.get_by_role("button", name="Replay", exact=True).click()
    expect(page.get_by_text("1 record goes through again")).to_be_visible()


def test_all_on_a_page_are_ticked_with_one_click(open_as: Open, tenant: Any, finance: Any) -> None:
    factories.busy_month(tenant)
    page = open_as(finance)
    page.goto("/drafts/")
    page.get_by_role("checkbox", name="All on this page").check()
    assert page.locator("input[name=record]:checked").count() == 3
    expect(page.get_by_role("status").filter(has_text="3 ticked")).to_contain_text("980.50 EUR")
    page.get_by_role("button", name="Review those ticked").click()
    page.get_by_role("button", name="Yes, confirm all 3").click()
    expect(page.get_by_text("3 invoices are confirmed")).to_be_visible()


def test_from_the_dashboard_to_a_record_with_the_keyboard_alone(open_as: Open, tenant: Any, owner: Any) -> None:
    factories.busy_month(tenant)
    page = open_as(owner)
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("INV-300001")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="INV-300001")).to_be_visible()
    details = page.get_by_text("As it is stored").first
    details.focus()
    page.keyboard.press("Enter")
    expect(page.locator("pre").first).to_be_visible()
    assert violations(page) == []


def test_a_menu_closes_with_escape(open_as: Open, tenant: Any, owner: Any) -> None:
    page = open_as(owner)
    page.goto("/")
    page.locator("details.menu summary").press("Enter")
    expect(page.get_by_role("link", name="Two-step sign-in")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Two-step sign-in")).to_be_hidden()


def test_forms_that_are_refused_read_well_to_everybody(open_as: Open, tenant: Any, owner: Any) -> None:
    page = open_as(owner, width=390, dark=True)
    for address, button in (
        ("/connections/new/hubspot/", "Add and test"),
        ("/api-keys/", "Create the key"),
        ("/members/", "Send the invitation"),
        ("/workspace/new/", "Create the workspace"),
    ):
        page.goto(address)
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("alert")).to_be_visible()
        assert violations(page) == [], address
