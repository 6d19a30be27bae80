"""What the product mailed, on the sandbox's control page."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.mail import EmailMessage
from django.core.mail.backends.filebased import EmailBackend

from connections.sandbox.mail import LATEST, letters, render_letters
from connections.sandbox.oracle_fusion.enterprise import OFFERED
from connections.sandbox.page import render_page


def send(folder: Path, *messages: EmailMessage) -> Path:
    backend = EmailBackend(file_path=str(folder))
    backend.send_messages(list(messages))
    return Path(backend._get_filename())


def message(subject: str, text: str = "x") -> EmailMessage:
    return EmailMessage(subject, text, "ml-connector@localhost", ["ann@meridian.example"])


def test_letters_are_read_back_newest_first(tmp_path: Path) -> None:
    first = send(tmp_path, message("Bestätigen Sie <bitte>", "ein\nzwei"), message("Second"))
    os.utime(first, (1, 1))
    send(tmp_path, message("Third"))
    found = letters(tmp_path)
    assert [letter.subject for letter in found] == ["Third", "Second", "Bestätigen Sie <bitte>"]
    assert (found[2].to, found[2].text) == ("ann@meridian.example", "ein\nzwei")


def test_only_the_latest_are_shown(tmp_path: Path) -> None:
    send(tmp_path, *(message(str(number)) for number in range(LATEST + 5)))
    assert [letter.subject for letter in letters(tmp_path)][:2] == ["24", "23"]
    assert len(letters(tmp_path)) == LATEST


def test_links_can_be_clicked_and_nothing_else_is_html(tmp_path: Path) -> None:
    send(tmp_path, message("<i>", 'Open http://127.0.0.1:8000/a/?b=1&c="2" <b>now</b>'))
    shown = render_letters(letters(tmp_path))
    assert '<a href="http://127.0.0.1:8000/a/?b=1&amp;c=">http://127.0.0.1:8000/a/?b=1&amp;c=</a>' in shown
    assert "<b>" not in shown
    assert "<i>" not in shown


def test_the_page_says_where_there_is_none(tmp_path: Path) -> None:
    assert letters(tmp_path / "not there") == []
    assert "None yet" in render_page({}, {}, mail=[])
    assert "Mail sent" not in render_page({}, {})


def test_the_page_lists_what_the_options_of_the_orders_ask_for() -> None:
    shown = render_page({}, {}, offered={"oracle_fusion": OFFERED})
    assert "What is set up in Oracle Fusion" in shown
    assert all(value in shown for value in ("US Operations", "STD", "ellen.marsh@pod.example", "Headquarters"))
    assert "What is set up" not in render_page({}, {})
