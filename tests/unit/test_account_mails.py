"""Every mail about a person's account is ours: it names the product, leads to its address and speaks plainly."""

from __future__ import annotations

from pathlib import Path

import allauth
import pytest
from django.conf import settings
from django.template.loader import get_template, render_to_string
from django.utils import timezone

STOCK = Path(allauth.__file__).parent / "templates"
NOT_OFFERED = ("login_code", "password_reset_code", "webauthn_", "base_")
MAILS = sorted(
    str(path.relative_to(STOCK)).removesuffix("_message.txt")
    for app in ("account", "mfa")
    for path in (STOCK / app / "email").glob("*_message.txt")
    if not path.name.startswith(NOT_OFFERED)
)
CONTEXT = {
    "base_url": "https://connector.example",
    "email": "ann@x.example",
    "from_email": "old@x.example",
    "to_email": "new@x.example",
    "deleted_email": "old@x.example",
    "activate_url": "https://connector.example/confirm/1&2/",
    "password_reset_url": "https://connector.example/reset/1&2/",
    "signup_url": "https://connector.example/signup/",
    "ip": "192.0.2.1",
    "user_agent": "A <browser>",
    "timestamp": timezone.now(),
}


def test_there_are_mails_to_look_at() -> None:
    assert len(MAILS) > 10


@pytest.mark.parametrize("mail", MAILS)
def test_a_mail_is_in_our_words(mail: str) -> None:
    for part in ("subject", "message"):
        origin = get_template(f"{mail}_{part}.txt").origin  # type: ignore[attr-defined]
        assert Path(origin.name).is_relative_to(settings.BASE_DIR / "templates")
    assert "ml-connector" in render_to_string(f"{mail}_subject.txt", CONTEXT)
    text = render_to_string(f"{mail}_message.txt", CONTEXT).strip()
    assert text.startswith("Hello,\n")
    assert text.endswith("ml-connector\nhttps://connector.example")
    assert "{{" not in text
    assert "&amp;" not in text
    assert "&lt;" not in text
