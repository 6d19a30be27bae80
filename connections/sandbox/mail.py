"""The mailbox of everybody in the imaginary company: what the product sent, from the files it writes them to."""

from __future__ import annotations

import email
import email.policy
import html
import re
from dataclasses import dataclass
from pathlib import Path

LATEST = 20
_END = b"\n" + b"-" * 79 + b"\n"
_LINK = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True, slots=True)
class Letter:
    to: str
    subject: str
    date: str
    text: str


def letters(folder: Path) -> list[Letter]:
    """The latest, newest first."""
    files = sorted(folder.glob("*.log"), key=lambda file: file.stat().st_mtime_ns, reverse=True)[:LATEST]
    found = [letter for file in files for letter in reversed(_read(file.read_bytes()))]
    return found[:LATEST]


def _read(content: bytes) -> list[Letter]:
    return [_letter(raw) for raw in content.split(_END) if raw.strip()]


def _letter(raw: bytes) -> Letter:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    body = message.get_body(("plain",))
    text = body.get_content() if body is not None else ""
    return Letter(str(message["to"]), str(message["subject"]), str(message["date"]), text.strip())


def render_letters(found: list[Letter]) -> str:
    """As HTML, links to be clicked."""
    return "".join(
        f"<details><summary><strong>{html.escape(letter.subject)}</strong> to {html.escape(letter.to)}, "
        f"{html.escape(letter.date)}</summary><pre>{_linked(letter.text)}</pre></details>"
        for letter in found
    )


def _linked(text: str) -> str:
    parts, last = [], 0
    for found in _LINK.finditer(text):
        address = html.escape(found[0])
        parts += [html.escape(text[last : found.start()]), f'<a href="{address}">{address}</a>']
        last = found.end()
    return "".join([*parts, html.escape(text[last:])])
