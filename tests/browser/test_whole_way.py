"""The whole way of a new user, over the demo as it is started by hand: sign up, connect, test, prepare, choose, look
ahead, start, and later find out why an invoice is not where it should be."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.test_demo import Demo
from tests.browser.conftest import overflow, violations
from tests.browser.hands import Finger, Keyboard, Mouse

pytestmark = pytest.mark.browser

PATIENCE = 30_000
PASSWORD = "a-long-enough-phrase-7"
FIRST_RECORD_WITHIN = 180
CAUSE = "The customer has no contact"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Without the example workspace: both sandboxed accounts are untouched."""
    root = Path(__file__).resolve().parents[2]
    running = Demo(tmp_path_factory.mktemp("demo"), root, "--empty")
    yield running
    running.interrupt()


def control(demo: Demo) -> str:
    return re.findall(r"sandbox +(\S+)", demo.output)[0]


class Person:
    """Somebody at a browser, with a mailbox."""

    def __init__(self, browser: Browser, demo: Demo, email: str, hands: type[Mouse] = Mouse) -> None:
        self.demo, self.email = demo, email
        context = browser.new_context(
            base_url=demo.address, viewport={"width": hands.width, "height": 900}, has_touch=hands is Finger
        )
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.hands = hands(self.page)

    def go(self, path: str) -> None:
        self.page.goto(path)

    def looks_right(self) -> None:
        assert overflow(self.page) <= 0
        assert violations(self.page) == []

    def mail(self, part: str) -> str:
        """The newest link with this part in a mail to this person, as the sandbox's page shows the mail."""
        with urllib.request.urlopen(control(self.demo), timeout=30) as answer:
            page = answer.read().decode()
        letters = [one for one in page.split("<details") if self.email in one]
        return next(link for one in letters for link in re.findall(r'href="([^"]+)"', one) if part in link)

    def sign_up(self) -> None:
        self.hands.write("E-mail", self.email)
        self.hands.write("Password", PASSWORD)
        self.hands.press("button", "Create the account")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
        self.go(self.mail("confirm-email"))
        self.hands.press("button", re.compile("confirm", re.IGNORECASE))

    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()


def becomes_customer(person: Person, workspace: str) -> None:
    person.go("/")
    person.looks_right()
    person.hands.press("link", "Sign up free")
    person.sign_up()
    person.hands.write("Name of the workspace", workspace)
    person.hands.press("button", "Create the workspace")


def connects_both(person: Person) -> None:
    person.hands.press("link", "Connect the first system")
    person.hands.press("button", "Use the sandbox of Oracle Fusion Cloud ERP")
    expect(person.page.get_by_text("Clocks")).to_be_visible()
    person.hands.press("link", "Go on")
    person.hands.press("link", "Connect the other system")
    person.hands.press("button", "Use the sandbox of HubSpot")
    ready = person.page.get_by_role("link", name="Prepare the account").or_(
        person.page.get_by_role("link", name="Go on", exact=True)
    )
    expect(ready.first).to_be_visible()
    person.looks_right()
    if person.page.get_by_role("link", name="Prepare the account").count():
        person.hands.press("link", "Prepare the account")
        person.hands.press("button", "Create what is ticked")
        person.hands.press("link", "Back to the connection")
    expect(person.page.get_by_text("This connection is ready")).to_be_visible()
    person.hands.press("link", "Go on")


def chooses(person: Person) -> None:
    person.hands.press("link", "Set up the sync")
    person.hands.press("link", re.compile("^Set up"))
    person.hands.press("button", "Set up")


def looks_ahead_and_starts(person: Person) -> int:
    """Returns how many records the preview says will move."""
    person.hands.press("button", "Preview")
    expect(person.page.get_by_role("button", name="Approve and start the sync")).to_be_visible()
    person.looks_right()
    figures = person.page.locator("dl.figures dd").all_inner_texts()
    expected = sum(int(text.replace(",", "")) for text in figures[:2])
    person.hands.press("button", "Approve and start the sync")
    return expected


def watches(person: Person) -> int:
    """Returns how many records the run says have moved."""
    expect(person.page.get_by_role("heading", name="What moved")).to_be_visible()
    person.looks_right()
    moved = person.page.locator("dl.figures div", has_text="Moved").locator("dd").inner_text()
    return int(moved.replace(",", ""))


def finds(person: Person) -> None:
    """From a number to the reason: why is this invoice not where it should be?"""
    person.go("/attention/")
    person.looks_right()
    person.hands.press("link", re.compile(f"^Show them.*{CAUSE}"))
    number = person.page.locator("table.list tbody tr a").first.inner_text()
    search = person.page.get_by_role("searchbox")
    person.hands._write(search, number)
    person.page.keyboard.press("Enter")
    expect(person.page.get_by_role("heading", level=1)).to_contain_text(number)
    expect(person.page.get_by_text(CAUSE).first).to_be_visible()


def fixes(person: Person) -> None:
    person.go("/attention/")
    person.hands.press("link", re.compile(f"^Open the options.*{CAUSE}"))
    person.hands.write("Contact for customers without one", "Accounts Payable")
    person.hands.press("button", re.compile("^Save"))
    expect(person.page.get_by_text("the options are saved")).to_be_visible()


def replays(person: Person) -> None:
    person.go("/attention/")
    person.hands.press("button", re.compile(f"^Replay all .*{CAUSE}"))
    expect(person.page.get_by_role("heading", name="What moved")).to_be_visible()
    person.go("/attention/")
    expect(person.page.get_by_role("heading", name=CAUSE)).to_have_count(0)


def answers(person: Person) -> None:
    """The one customer whose name two companies bear."""
    person.go("/matches/")
    person.looks_right()
    person.page.get_by_label("Leave it out").first.check()
    person.hands.press("button", "Save the answers chosen")
    expect(person.page.get_by_text("1 answer")).to_be_visible()


def reconciles(person: Person) -> None:
    person.go("/reconciliation/")
    person.hands.press("button", re.compile("^Compare both systems now"))
    sentence = re.compile(r"All months: all \d+ invoices and all \d+ payments agree")
    expect(person.page.get_by_text(sentence)).to_be_visible(timeout=PATIENCE)
    person.looks_right()


@pytest.mark.parametrize("hands", [Mouse, Keyboard, Finger])
def test_from_sign_up_to_a_quiet_month(browser: Browser, demo: Demo, hands: type[Mouse]) -> None:
    name = hands.__name__.lower()
    owner = Person(browser, demo, f"{name}@walk.example", hands)
    began = time.monotonic()
    becomes_customer(owner, f"Walk by {name}")
    connects_both(owner)
    chooses(owner)
    expected = looks_ahead_and_starts(owner)
    assert watches(owner) >= expected > 0  # an invoice that is opened and then paid moves twice
    assert time.monotonic() - began < FIRST_RECORD_WITHIN
    finds(owner)
    fixes(owner)
    replays(owner)
    reconciles(owner)
    colleagues(browser, owner, name)


def colleagues(browser: Browser, owner: Person, name: str) -> None:
    """Finance decides and replays but configures nothing; a viewer sees the same and is offered nothing to change."""
    for role in ("finance", "viewer"):
        email = f"{role}.{name}@walk.example"
        owner.go("/members/")
        owner.hands.write("E-mail address", email)
        owner.page.locator("main form.form").get_by_label("Role").select_option(role)
        owner.hands.press("button", "Send the invitation")
        expect(owner.page.get_by_text(f"An invitation is on its way to {email}")).to_be_visible()
        person = Person(browser, owner.demo, email)
        joins(person)
        {"finance": is_finance, "viewer": only_looks}[role](person)


def joins(person: Person) -> None:
    person.go(person.mail("/invitations/"))
    if person.page.get_by_role("link", name=re.compile("sign up|create", re.IGNORECASE)).count():
        person.hands.press("link", re.compile("sign up|create", re.IGNORECASE))
    person.hands.write("Password", PASSWORD)
    person.hands.press("button", "Create the account")
    person.hands.press("button", re.compile("^Join"))
    expect(person.page.get_by_role("heading", name="Dashboard")).to_be_visible()


def is_finance(person: Person) -> None:
    answers(person)
    person.go("/connections/")
    assert person.page.get_by_role("link", name=re.compile("Add")).count() == 0


def only_looks(person: Person) -> None:
    for path in ("/", "/syncs/", "/attention/", "/matches/", "/drafts/", "/connections/", "/notifications/"):
        person.go(path)
        person.looks_right()
        assert person.page.locator("main button").count() == 0, path
