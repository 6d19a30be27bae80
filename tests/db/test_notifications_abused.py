"""Names, addresses and receivers that mean harm or cannot be used: no message is kept back, nobody is flooded."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from mlconnector.notifications import delivery, services
from mlconnector.notifications.models import Message
from syncs.models import Sync
from tests.db.test_notifications import Receiver, channel_to, fail, receiver, sync

__all__ = ["receiver", "sync"]


def test_a_message_that_cannot_be_sent_keeps_no_other_back(tenant: Any, sync: Sync) -> None:
    channel_to(tenant, "finance@meridian.example", "mail")
    channel, _ = channel_to(tenant, "https://hooks.example/x")
    channel.target = {"address": "https://hooks.example/x"}  # without the secret to sign with
    channel.save(update_fields=["target"])
    fail(sync)
    assert services.notice() == 2
    Message.objects.for_tenant(tenant).filter(channel=channel).update(due_at=timezone.now() - timedelta(hours=1))
    assert services.deliver_due() == 1
    stuck = Message.objects.for_tenant(tenant).get(channel=channel)
    assert (stuck.error_text, stuck.attempts) == (services.UNEXPECTED, 1)
    assert stuck.due_at > timezone.now()


def test_a_name_of_several_lines_is_a_subject_all_the_same(tenant: Any, sync: Sync) -> None:
    Sync.objects.for_tenant(tenant).filter(pk=sync.pk).update(name="Receivables\r\nBcc: all@meridian.example")
    channel_to(tenant, "finance@meridian.example", "mail")
    fail(sync)
    services.notice()
    assert services.deliver_due() == 1
    assert mail.outbox[0].subject == "Receivables Bcc: all@meridian.example does not run"


def test_one_workspace_in_trouble_silences_no_other(
    tenant: Any, other_tenant: Any, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel_to(other_tenant, "a@harbour.example", "mail")
    channel_to(tenant, "finance@meridian.example", "mail")
    fail(sync)
    real = services.standing

    def standing(of: Any) -> Any:
        if of.pk == other_tenant.pk:
            raise ValueError
        return real(of)

    monkeypatch.setattr(services, "standing", standing)
    assert services.notice() == 1


def test_a_channel_deleted_while_its_message_is_sent(tenant: Any, sync: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    channel, _ = channel_to(tenant, "finance@meridian.example", "mail")
    fail(sync)
    services.notice()
    monkeypatch.setattr(delivery, "send", lambda _: services.delete_channel(channel, actor="member:ann"))
    assert services.deliver_due() == 1
    assert not Message.objects.for_tenant(tenant).exists()


def test_a_channel_switched_off_sends_nothing_more(tenant: Any, sync: Sync) -> None:
    channel, _ = channel_to(tenant, "finance@meridian.example", "mail")
    fail(sync)
    services.notice()
    given = {"name": "Finance", "topics": ["sync"], "patience": "at_once"}
    services.change_channel(channel, enabled=False, actor="member:ann", **given)
    assert services.deliver_due() == 0
    assert mail.outbox == []


def test_names_call_nobody_in_a_chat(tenant: Any, sync: Sync, receiver: Receiver) -> None:
    Sync.objects.for_tenant(tenant).filter(pk=sync.pk).update(name="<!channel> <https://evil.example|Open>")
    channel_to(tenant, receiver.address, "slack")
    fail(sync)
    services.notice()
    assert services.deliver_due() == 1
    said = json.loads(receiver.taken[0][1])["text"]
    assert "<" not in said
    assert "/runs/" in said


LONG_HOST = f"{'a.' * 140}example"


@pytest.mark.parametrize(("kind", "address"), [("mail", f"finance@{LONG_HOST}"), ("webhook", f"https://{LONG_HOST}/x")])
def test_an_address_too_long_to_be_kept_is_refused(tenant: Any, kind: str, address: str) -> None:
    with pytest.raises(ValidationError):
        channel_to(tenant, address, kind)


def test_tests_and_channels_have_an_end(
    signed_in: Any, owner: Any, tenant: Any, receiver: Receiver, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may sign up: nobody's mailbox or server is called as often as someone likes."""
    settings.ACCOUNT_RATE_LIMITS = {"notify": "2/h/user"}
    channel, _ = channel_to(tenant, receiver.address)
    client = signed_in(owner)
    answers = [client.post(f"/notifications/{channel.pk}/test/").status_code for _ in range(3)]
    assert answers == [302, 302, 429]
    assert len(receiver.taken) == 2
    monkeypatch.setattr(services, "MOST_CHANNELS", 1)
    with pytest.raises(ValidationError, match="at most 1"):
        channel_to(tenant, receiver.address, "slack")
