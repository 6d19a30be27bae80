"""Telling people what changed: once a minute how things stand is compared with what was told last.

A change makes one message per channel that wants it, in one transaction with the note that it was told; so nothing is
told twice, and nothing is lost with a worker. Delivery is at least once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from audit.services import Entry, append, encode
from connections.transport import AddressRefused, check_url
from mlconnector.notifications import delivery
from mlconnector.notifications.models import Channel, Message, Told
from mlconnector.notifications.watching import TOPICS, Standing, Trouble, standing
from mlconnector.tenants.models import Tenant

log = structlog.get_logger(__name__)
LEASE = timedelta(minutes=5)
FIRST_RETRY = timedelta(minutes=1)
MOST_DOUBLINGS = 6
MOST_ATTEMPTS = 30  # about a day
AT_A_TIME = 50
PATIENCE_SECONDS = 45.0
MOST_CHANNELS = 20
LONGEST_SHOWN = 254
UNEXPECTED = "An unexpected error kept this message back. Our operators have been told."
SWITCHED_OFF = "It was not sent any more: the channel was switched off."
KEPT = timedelta(days=90)


# Channels -------------------------------------------------------------------------------------------------------------


def add_channel(
    tenant: Tenant, *, kind: str, name: str, address: str, topics: Sequence[str], patience: str, actor: str
) -> tuple[Channel, str]:
    """Returns the channel and, of a webhook, the secret it is signed with, which is shown this once."""
    if kind not in Channel.Kind.values:
        raise ValidationError({"kind": "Choose one of the ways."})
    if Channel.objects.for_tenant(tenant).count() >= MOST_CHANNELS:
        raise ValidationError({"name": f"A workspace has at most {MOST_CHANNELS} channels. Delete one first."})
    secret = delivery.new_secret() if kind == Channel.Kind.WEBHOOK else ""
    channel = Channel(tenant=tenant, kind=kind)
    _fill(channel, name, topics, patience)
    channel.target = {"address": _address(kind, address), "secret": secret}
    channel.shown = _shown(kind, channel.target["address"])
    _save(channel, "notification.added", actor)
    return channel, secret


def change_channel(
    channel: Channel,
    *,
    name: str,
    topics: Sequence[str],
    patience: str,
    enabled: bool,
    actor: str,
    address: str = "",
) -> None:
    """An empty ``address`` keeps the one that is stored."""
    _fill(channel, name, topics, patience)
    channel.enabled = enabled
    if address:
        channel.target = {**channel.target, "address": _address(channel.kind, address)}
        channel.shown = _shown(channel.kind, channel.target["address"])
    _save(channel, "notification.changed", actor)
    channel.told.exclude(topic__in=channel.topics).delete()
    if not enabled:
        channel.messages.exclude(due_at=None).update(due_at=None, error_text=SWITCHED_OFF)


def delete_channel(channel: Channel, *, actor: str) -> None:
    with transaction.atomic():
        _note(channel, "notification.deleted", actor)
        channel.delete()


def test_channel(channel: Channel) -> Message:
    """Sends a message now, so that whoever pressed the button sees what comes of it."""
    message = Message.objects.create(
        channel=channel,
        topic="test",
        good=True,
        title="A test from ml-connector",
        text=f"Messages of the workspace {channel.tenant.name} arrive here.",
        path=reverse("notifications:list"),
        due_at=timezone.now() + LEASE,
        attempts=1,
    )
    _deliver(message, last=True)
    return message


def forget_channels(sender: Any, *, tenant_id: int, actor: str, **_: Any) -> None:
    """The workspace closes."""
    Channel.objects.for_tenant(tenant_id).delete()


def _fill(channel: Channel, name: str, topics: Sequence[str], patience: str) -> None:
    problems = {}
    if not name.strip() or len(name) > 120:
        problems["name"] = "Give a name of at most 120 characters."
    if not topics or not set(topics) <= TOPICS.keys():
        problems["topics"] = "Tick at least one of the things to be told of."
    if patience not in Channel.Patience.values:
        problems["patience"] = "Choose one of the two."
    if problems:
        raise ValidationError(problems)
    channel.name, channel.patience = name.strip(), patience
    channel.topics = [key for key in TOPICS if key in topics]


def _address(kind: str, address: str) -> str:
    address = address.strip()
    try:
        if kind == Channel.Kind.MAIL:
            validate_email(address)
        else:
            check_url(address)
    except ValidationError:
        raise ValidationError({"address": "This is not an e-mail address."}) from None
    except AddressRefused as refusal:
        raise ValidationError({"address": str(refusal)}) from None
    if len(_shown(kind, address)) > LONGEST_SHOWN:
        raise ValidationError({"address": "There is no address of so long a name."})
    return address


def _shown(kind: str, address: str) -> str:
    return address if kind == Channel.Kind.MAIL else str(urlsplit(address).hostname)


def _save(channel: Channel, action: str, actor: str) -> None:
    try:
        with transaction.atomic():
            channel.save()
            _note(channel, action, actor)
    except IntegrityError:
        raise ValidationError({"name": "There is one of this name already."}) from None


def _note(channel: Channel, action: str, actor: str) -> None:
    after = {
        "name": channel.name,
        "kind": channel.kind,
        "address": channel.shown,
        "topics": channel.topics,
        "patience": channel.patience,
        "on": channel.enabled,
    }
    entry = Entry(action, "done", actor=actor, source_ref=f"channel:{channel.pk}", detail=encode({"after": after}))
    append(channel.tenant_id, [entry])


# Noticing -------------------------------------------------------------------------------------------------------------


def notice() -> int:
    """Compares what is with what was told, for every workspace that wants to know. Returns how many messages that
    made."""
    made = 0
    channels: dict[int, list[Channel]] = {}
    for channel in Channel.objects.across_tenants().filter(enabled=True).select_related("tenant").order_by("pk"):
        channels.setdefault(channel.tenant_id, []).append(channel)
    for own in channels.values():
        try:
            now = standing(own[0].tenant)
            made += sum(_tell(channel, now) for channel in own)
        except Exception:  # one workspace's trouble keeps no other from being told
            log.exception("notifications not made", tenant=own[0].tenant_id)
    return made


def _tell(channel: Channel, now: Standing) -> int:
    told = {(row.topic, row.subject): row for row in channel.told.all()}
    made = 0
    for subject, trouble in now.troubles.items():
        wanted = subject[0] in channel.topics and not (trouble.young and channel.patience == Channel.Patience.SECOND)
        if wanted and subject not in told:
            made += _trouble(channel, trouble)
    for subject, row in told.items():
        if subject not in now.troubles:
            made += _passed(channel, row, well=subject in now.well)
    return made


def _trouble(channel: Channel, trouble: Trouble) -> int:
    note = Told(
        channel=channel, topic=trouble.topic, subject=trouble.subject, name=trouble.name[:120], path=trouble.path
    )
    try:
        with transaction.atomic():
            note.save()
            _message(channel, trouble.topic, False, trouble.title, trouble.text, trouble.path)
    except IntegrityError:  # another worker was quicker
        return 0
    return 1


def _passed(channel: Channel, row: Told, *, well: bool) -> int:
    if not well:
        return 0
    with transaction.atomic():
        gone, _ = Told.objects.across_tenants().filter(pk=row.pk).delete()
        if not gone:
            return 0
        title = TOPICS[row.topic].good.format(name=row.name)
        _message(channel, row.topic, True, title, "It was reported before, and has passed.", row.path)
    return 1


def _message(channel: Channel, topic: str, good: bool, title: str, text: str, path: str) -> None:
    Message.objects.create(
        channel=channel,
        topic=topic,
        good=good,
        title=" ".join(title.split())[:200],
        text=text,
        path=path,
        due_at=timezone.now(),
    )


# Delivering -----------------------------------------------------------------------------------------------------------


def deliver_due() -> int:
    """Sends what is due, for as long as a minute has; a message whose worker dies comes again. Returns how many
    arrived."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    now = timezone.now()
    due = Message.objects.across_tenants().filter(due_at__lte=now).select_related("channel__tenant").order_by("due_at")
    return sum(_deliver(message) for message in list(due[:AT_A_TIME]) if time.monotonic() < give_up and _claim(message))


def _claim(message: Message) -> bool:
    taken = Message.objects.across_tenants().filter(pk=message.pk, due_at=message.due_at)
    message.attempts += 1
    return bool(taken.update(due_at=timezone.now() + LEASE, attempts=message.attempts))


def _deliver(message: Message, *, last: bool = False) -> bool:
    problem = _problem(message)
    if problem:
        wait = FIRST_RETRY * 2 ** min(message.attempts - 1, MOST_DOUBLINGS)
        given_up = last or message.attempts >= MOST_ATTEMPTS
        message.due_at, message.error_text = None if given_up else timezone.now() + wait, problem
    else:
        message.due_at, message.error_text, message.delivered_at = None, "", timezone.now()
    # The channel may be gone by now, and the message with it.
    Message.objects.across_tenants().filter(pk=message.pk).update(
        due_at=message.due_at, error_text=message.error_text, delivered_at=message.delivered_at
    )
    return not problem


def _problem(message: Message) -> str:
    """Why it was not delivered, "" if it was. No message keeps those behind it from being sent."""
    try:
        delivery.send(message)
    except delivery.NotDelivered as problem:
        return str(problem)
    except Exception:
        log.exception("message not delivered", message=message.pk)
        return UNEXPECTED
    return ""


def purge() -> int:
    """Old messages, once a day. Returns how many went."""
    gone, _ = Message.objects.across_tenants().filter(created_at__lt=timezone.now() - KEPT, due_at=None).delete()
    return gone
