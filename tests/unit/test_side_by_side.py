"""Several choices of one question in one table."""

from __future__ import annotations

from syncs.record_selectors import Choice
from syncs.templatetags.syncing import side_by_side


def compared(**fields: tuple[str, str]) -> list[dict[str, str]]:
    return [{"field": name, "ours": ours, "theirs": theirs} for name, (ours, theirs) in fields.items()]


def test_each_field_stands_once_with_what_every_choice_says() -> None:
    asked = Choice("A", "Acme", compared=compared(name=("Acme Ltd", "Acme"), city=("Bonn", ""), fax=("", "")))
    listed = Choice("B", "Acme Inc", compared=compared(name=("", "Acme Inc"), street=("", "Pier 1")))

    assert side_by_side([asked, listed]) == [
        ("name", "Acme Ltd", ["Acme", "Acme Inc"]),
        ("city", "Bonn", ["", ""]),
        ("street", "", ["", "Pier 1"]),
    ]
