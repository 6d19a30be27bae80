"""How a person works a page: with the mouse, with a finger on a phone, or with the keyboard alone."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

FARTHEST = 150
"""Tab stops before a page counts as not to be worked with the keyboard."""


class Mouse:
    width = 1280

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, role: str, name: str | re.Pattern[str], *, within: Locator | None = None) -> None:
        """A link or a button of this name; the whole name where it is a text."""
        exact = isinstance(name, str)
        self._press((within or self.page).get_by_role(role, name=name, exact=exact).first)  # type: ignore[arg-type]
        self.page.wait_for_load_state()

    def write(self, label: str, text: str) -> None:
        self._write(self.page.get_by_label(label, exact=False).first, text)

    def choose(self, label: str, option: str) -> None:
        self._choose(self.page.get_by_label(label).first, option)

    def _press(self, target: Locator) -> None:
        target.click()

    def _write(self, target: Locator, text: str) -> None:
        target.fill(text)

    def _choose(self, target: Locator, option: str) -> None:
        target.select_option(label=option)


class Finger(Mouse):
    width = 390

    def _press(self, target: Locator) -> None:
        target.scroll_into_view_if_needed()
        target.tap()


class Keyboard(Mouse):
    """Never touches a thing that the Tab key has not reached."""

    def _press(self, target: Locator) -> None:
        self._reach(target)
        self.page.keyboard.press("Enter")

    def _write(self, target: Locator, text: str) -> None:
        self._reach(target)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def _choose(self, target: Locator, option: str) -> None:
        self._reach(target)
        self.page.keyboard.type(option)

    def _reach(self, target: Locator) -> None:
        expect(target).to_be_visible()
        element = target.element_handle()
        for _ in range(FARTHEST):
            if element.evaluate("node => node === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the Tab key does not reach {target}")
