"""Sending one message. A webhook is signed as https://www.standardwebhooks.com describes, so that receivers need no
code of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from smtplib import SMTPException
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.core.mail import send_mail
from django.utils import timezone

from connections.exchange import Break, Limits, Wire
from mlconnector.notifications.models import Channel, Message

SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with
NOT_CALLED = "The address could not be called."
QUOTED = str.maketrans("<>", "‹›")
"""In a chat, names and errors call nobody and link nowhere: only our own address is a link."""
LIMITS = Limits(timeout=(5.0, 10.0), max_bytes=1 << 16, max_seconds=15.0)
SAID = {
    Break.UNKNOWN_HOST: "The host of the address does not exist.",
    Break.UNREACHABLE: "The address does not answer.",
    Break.TIMEOUT: "The address did not answer in time.",
    Break.CERTIFICATE: "The certificate of the address is not valid.",
}


class NotDelivered(Exception):
    """The text is for the tenant."""


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def send(message: Message) -> None:
    """Raises ``NotDelivered``."""
    channel = message.channel
    if channel.kind == Channel.Kind.MAIL:
        _mail(channel, message)
    elif channel.kind == Channel.Kind.WEBHOOK:
        body = _body(_plain(message))
        _post(channel, body, signature(channel.target["secret"], str(message.uid), body))
    else:
        _post(channel, _body(_slack(message) if channel.kind == Channel.Kind.SLACK else _teams(message)), {})


def signature(secret: str, uid: str, body: bytes) -> dict[str, str]:
    """Headers by which the receiver knows that the message is ours, unchanged and fresh."""
    stamp = str(int(timezone.now().timestamp()))
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    digest = hmac.new(key, b".".join((uid.encode(), stamp.encode(), body)), hashlib.sha256).digest()
    signed = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": uid, "webhook-timestamp": stamp, "webhook-signature": signed}


def address_of(message: Message) -> str:
    return str(urljoin(settings.BASE_URL, message.path))


def _mail(channel: Channel, message: Message) -> None:
    why = f"Sent by ml-connector for the workspace {channel.tenant.name}. Change what you are told of:"
    text = f"{message.text}\n\n{address_of(message)}\n\n--\n{why} {urljoin(settings.BASE_URL, '/notifications/')}"
    try:
        send_mail(message.title, text, settings.DEFAULT_FROM_EMAIL, [channel.target["address"]])
    except (SMTPException, OSError) as error:
        raise NotDelivered(f"The mail was not taken ({type(error).__name__}). It is tried again.") from None


def _post(channel: Channel, body: bytes, headers: dict[str, str]) -> None:
    wire = Wire(LIMITS, 1)
    try:
        address = channel.target["address"]
        request = wire.prepare("POST", address, ({"Content-Type": "application/json"}, headers), body)
        outcome = wire.exchange(request, decimals=False)
    finally:
        wire.close()
    # What a receiver says beyond its status is its own affair: many answer with a plain "ok".
    if outcome.broken not in (None, Break.NOT_JSON, Break.TOO_LARGE):
        raise NotDelivered((outcome.broken and SAID.get(outcome.broken)) or outcome.text or NOT_CALLED)
    if not 200 <= outcome.status < 300:
        raise NotDelivered(f"The address answered {outcome.status}. Check it, then test again.")


def _body(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(message: Message) -> dict[str, Any]:
    return {
        "id": str(message.uid),
        "created_at": message.created_at.isoformat(),
        "workspace": message.channel.tenant.name,
        "topic": message.topic,
        "state": "good" if message.good else "bad",
        "title": message.title,
        "text": message.text,
        "url": address_of(message),
    }


def _slack(message: Message) -> dict[str, Any]:
    said = "\n".join(filter(None, (f"*{message.title}*", message.text))).translate(QUOTED)
    return {"text": f"{said}\n{address_of(message)}"}


def _teams(message: Message) -> dict[str, Any]:
    """An adaptive card, which is what the Workflows app takes:
    https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using"""
    card = {
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": message.title, "weight": "bolder", "wrap": True},
            {"type": "TextBlock", "text": message.text, "wrap": True},
        ],
        "actions": [{"type": "Action.OpenUrl", "title": "Open", "url": address_of(message)}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}
