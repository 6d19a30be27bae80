"""``make screenshots``: the pictures of the README, from a demo of its own in a throw-away folder."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
EVENTS = ("customer_pays", "customer_pays", "invoice_changes", "invoices_arrive", "invoice_before_its_customer")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        demo = subprocess.Popen(
            [sys.executable, "-u", str(ROOT / "manage.py"), "demo"],
            env={**os.environ, "DEMO_HOME": home},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            take(welcome(demo))
        finally:
            os.killpg(demo.pid, signal.SIGINT)
            demo.wait(30)


def welcome(demo: subprocess.Popen[str]) -> dict[str, str]:
    """What the demo prints: its address, the sandbox's, and how to sign in."""
    assert demo.stdout is not None
    text = ""
    while "Ctrl-C" not in text:
        line = demo.stdout.readline()
        if not line:
            sys.exit(f"the demo ended:\n{text}")
        text += line
    found = {name: re.findall(rf"{name} +(\S+)", text)[0] for name in ("sign in as", "password", "sandbox")}
    return found | {"address": re.findall(r"running: (\S+)", text)[0]}


def take(demo: dict[str, str]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800}, device_scale_factor=1)
        page.goto(f"{demo['address']}/accounts/login/")
        page.fill("input[name=login]", demo["sign in as"])
        page.fill("input[name=password]", demo["password"])
        page.click("form.form button")
        page.wait_for_url(f"{demo['address']}/")
        wait_for_runs(page, demo["address"], 1)
        for event in EVENTS:
            request = urllib.request.Request(f"{demo['sandbox']}events/{event}", method="POST")
            urllib.request.urlopen(request, timeout=30).close()
        page.goto(f"{demo['address']}/syncs/1/")
        page.click("text=Run now")
        page.wait_for_url("**/runs/*/")
        page.wait_for_selector("text=What moved", timeout=60_000)
        run = page.url.removeprefix(demo["address"])
        shoot(page, demo["address"], "dashboard", "/", 640)
        shoot(page, demo["address"], "run", run, 900)
        shoot(page, demo["address"], "attention", "/attention/", 900)
        page.goto(f"{demo['address']}/records/?q=100050&sync=1")
        page.wait_for_selector("text=What happened, in order")
        page.wait_for_load_state("networkidle")
        shoot(page, demo["address"], "record", page.url.removeprefix(demo["address"]), 900)
        ahead(page, demo["address"])
        months(page, demo["address"])
        browser.close()


def ahead(page: Page, address: str) -> None:
    """A preview of what a stand-in contact would change."""
    page.goto(f"{address}/syncs/1/flows/customers/")
    page.get_by_label("Contact for customers without one").fill("Accounts Payable")
    page.click("text=Preview the change")
    page.wait_for_selector("text=Approve: save and run", timeout=60_000)
    shoot(page, address, "preview", page.url.removeprefix(address), 800)


def months(page: Page, address: str) -> None:
    page.goto(f"{address}/reconciliation/")
    page.locator("text=Compare both systems now").first.click()
    page.wait_for_selector("text=Month by month", timeout=60_000)
    shoot(page, address, "reconciliation", page.url.removeprefix(address), 900)


def wait_for_runs(page: Page, address: str, number: int) -> None:
    """Until run ``number`` has ended."""
    for _ in range(120):
        answer = page.goto(f"{address}/runs/{number}/")
        if answer and answer.ok and page.locator("text=/Succeeded|Partial/").count():
            return
        time.sleep(0.5)
    sys.exit(f"run {number} did not end")


def shoot(page: Page, address: str, name: str, path: str, height: int) -> None:
    page.goto(f"{address}{path}")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=ROOT / "docs" / f"{name}.png", clip={"x": 0, "y": 0, "width": 1280, "height": height})


if __name__ == "__main__":
    main()
