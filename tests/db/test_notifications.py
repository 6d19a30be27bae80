"""One message per change of state and channel, delivered at least once, signed, and nothing secret shown."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from audit.models import AuditEntry
from connections.models import Connection
from mlconnector.notifications import delivery, services
from mlconnector.notifications.models import Channel, Message, Told
from mlconnector.notifications.watching import TOPICS, standing
from syncs.models import Record, Run, Sync
from tests import factories

TOKEN = "T0-very-secret-part-of-the-address"


class Receiver(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.status = 200

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook/{TOKEN}"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args: Any) -> None:
        """Silent."""


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    server = Receiver()
    settings.ALLOWED_PRIVATE_HOSTS = [f"127.0.0.1:{server.server_port}"]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def sync(tenant: Any) -> Sync:
    made = factories.busy_month(tenant)
    Record.objects.for_tenant(tenant).exclude(status="synced").delete()
    return made


def channel_to(tenant: Any, address: str, kind: str = "webhook", **changes: Any) -> tuple[Channel, str]:
    given: dict[str, Any] = {"topics": list(TOPICS), "patience": "at_once", **changes}
    return services.add_channel(tenant, kind=kind, name=f"To {kind}", address=address, actor="member:ann", **given)


def fail(sync: Sync, times: int = 1, ago: timedelta = timedelta()) -> None:
    run = sync.runs.create(
        trigger="schedule", status="failed", finished_at=timezone.now() - ago, error_text="The pod is down."
    )
    Sync.objects.for_tenant(sync.tenant_id).filter(pk=sync.pk).update(failures=times, paused=False)
    assert run.pk


def titles(tenant: Any) -> list[str]:
    return list(Message.objects.for_tenant(tenant).order_by("pk").values_list("title", flat=True))


def test_one_message_when_it_goes_wrong_and_one_when_it_is_well(tenant: Any, sync: Sync) -> None:
    channel_to(tenant, "finance@meridian.example", "mail")
    assert services.notice() == 0
    fail(sync)
    for _ in range(3):
        services.notice()
    assert titles(tenant) == [f"{sync.name} does not run"]
    Sync.objects.for_tenant(tenant).filter(pk=sync.pk).update(failures=0)
    for _ in range(3):
        services.notice()
    assert titles(tenant)[1:] == [f"{sync.name} runs again"]
    assert services.deliver_due() == 2
    assert [one.subject for one in mail.outbox] == titles(tenant)
    assert "The pod is down." in mail.outbox[0].body
    assert "/runs/" in mail.outbox[0].body


def test_a_flow_that_is_refused_is_told_though_the_run_ends(tenant: Any, sync: Sync) -> None:
    refused = {"payments": {"code": "x", "text": "The Fusion user may not read receipts."}}
    factories.run(sync, Run.Status.PARTIAL, ago=timedelta(), progress={"refused": refused})
    assert standing(tenant).troubles[("sync", str(sync.pk))].text.startswith("Nothing of payments moves.")
    factories.run(sync, ago=timedelta())
    assert ("sync", str(sync.pk)) in standing(tenant).well


def test_records_are_one_message_however_many_there_are(tenant: Any, sync: Sync) -> None:
    channel_to(tenant, "finance@meridian.example", "mail")
    flow = sync.flows.get(key="invoices")
    for number in range(5):
        Record.objects.create(flow=flow, source_key=f"n{number}", status="rejected", updated_at=timezone.now())
        services.notice()
    assert titles(tenant) == [f"{sync.name}: records need you"]
    flow.records.filter(status="rejected").update(set_aside={"how": "ignored"})
    services.notice()
    assert titles(tenant)[1:] == [f"{sync.name}: nothing open"]


def test_waiting_records_are_no_news(tenant: Any, sync: Sync) -> None:
    channel_to(tenant, "finance@meridian.example", "mail")
    flow = sync.flows.get(key="invoices")
    Record.objects.create(flow=flow, source_key="w", status="waiting", updated_at=timezone.now())
    assert services.notice() == 0


@pytest.mark.parametrize(("times", "ago", "told"), [(1, 0, 0), (2, 0, 1), (1, 20, 1)])
def test_a_patient_channel_hears_of_what_lasts(tenant: Any, sync: Sync, times: int, ago: int, told: int) -> None:
    channel_to(tenant, "finance@meridian.example", "mail", patience="second")
    fail(sync, times, timedelta(minutes=ago))
    assert services.notice() == told


def test_a_paused_sync_is_neither_trouble_nor_good_news(tenant: Any, sync: Sync) -> None:
    channel_to(tenant, "finance@meridian.example", "mail")
    fail(sync)
    services.notice()
    Sync.objects.for_tenant(tenant).filter(pk=sync.pk).update(paused=True, failures=0)
    assert services.notice() == 0


def test_a_broken_connection_is_one_message_not_one_per_sync_too(tenant: Any, sync: Sync) -> None:
    channel_to(tenant, "finance@meridian.example", "mail")
    fail(sync)
    connection = Connection.objects.for_tenant(tenant).get(pk=sync.source_id)
    connection.status, connection.status_text = "broken", "The role lost a privilege."
    connection.save(update_fields=["status", "status_text"])
    services.notice()
    assert titles(tenant) == [f"{connection.name} needs attention"]


def test_expiring_credentials_are_told_in_time(tenant: Any, sync: Sync) -> None:
    channel_to(tenant, "finance@meridian.example", "mail")
    connections = Connection.objects.for_tenant(tenant).filter(pk=sync.source_id)
    connections.update(credentials_expire_on=timezone.now().date() + timedelta(days=31))
    assert services.notice() == 0
    connections.update(credentials_expire_on=timezone.now().date() + timedelta(days=30))
    assert services.notice() == 1
    connections.update(credentials_expire_on=timezone.now().date() + timedelta(days=365))
    assert services.notice() == 1


def test_only_what_was_ticked_is_told(tenant: Any, sync: Sync) -> None:
    channel_to(tenant, "finance@meridian.example", "mail", topics=["records"])
    fail(sync)
    assert services.notice() == 0


def test_two_workers_tell_once(tenant: Any, sync: Sync) -> None:
    channel, _ = channel_to(tenant, "finance@meridian.example", "mail")
    fail(sync)
    now = services.standing(tenant)
    trouble = next(iter(now.troubles.values()))
    assert [services._trouble(channel, trouble), services._trouble(channel, trouble)] == [1, 0]
    assert len(titles(tenant)) == 1


def test_a_webhook_can_be_checked_by_its_receiver(tenant: Any, sync: Sync, receiver: Receiver) -> None:
    _, secret = channel_to(tenant, receiver.address)
    fail(sync)
    services.notice()
    assert services.deliver_due() == 1
    headers, body = receiver.taken[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    said = json.loads(body)
    assert (said["state"], said["topic"], said["id"]) == ("bad", "sync", headers["webhook-id"])


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_a_chat_gets_what_it_understands(tenant: Any, receiver: Receiver, kind: str) -> None:
    channel, _ = channel_to(tenant, receiver.address, kind)
    assert services.test_channel(channel).delivered_at
    body = json.loads(receiver.taken[0][1])
    assert "A test from ml-connector" in (
        body["text"] if kind == "slack" else json.dumps(body["attachments"][0]["content"])
    )


def test_a_refused_message_comes_again_later_with_the_same_id(tenant: Any, sync: Sync, receiver: Receiver) -> None:
    channel_to(tenant, receiver.address)
    fail(sync)
    services.notice()
    receiver.status = 503
    assert services.deliver_due() == 0
    message = Message.objects.for_tenant(tenant).get()
    assert "503" in message.error_text
    assert services.deliver_due() == 0  # not before its time
    Message.objects.for_tenant(tenant).update(due_at=timezone.now())
    receiver.status = 204
    assert services.deliver_due() == 1
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 1
    assert len(receiver.taken) == 2


def test_a_worker_killed_while_sending_loses_nothing(
    tenant: Any, sync: Sync, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel_to(tenant, receiver.address)
    fail(sync)
    services.notice()

    def killed(_: Message) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(delivery, "send", killed)
        with pytest.raises(KeyboardInterrupt):
            services.deliver_due()
    assert services.deliver_due() == 0  # another worker does not send beside the first one
    Message.objects.for_tenant(tenant).update(due_at=timezone.now())
    assert services.deliver_due() == 1


def test_no_message_is_tried_for_ever(tenant: Any, sync: Sync, receiver: Receiver) -> None:
    channel_to(tenant, receiver.address)
    fail(sync)
    services.notice()
    receiver.status = 404
    for _ in range(services.MOST_ATTEMPTS):
        Message.objects.for_tenant(tenant).exclude(due_at=None).update(due_at=timezone.now())
        services.deliver_due()
    message = Message.objects.for_tenant(tenant).get()
    assert (message.state, message.attempts) == ("failed", services.MOST_ATTEMPTS)


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("mail", "nobody"),
        ("webhook", "http://10.0.0.8/hook"),
        ("webhook", "https://169.254.169.254/latest"),
        ("slack", "ftp://hooks.example/x"),
    ],
)
def test_an_address_that_may_not_be_called_is_refused(tenant: Any, kind: str, address: str) -> None:
    with pytest.raises(ValidationError) as refused:
        channel_to(tenant, address, kind)
    assert "address" in refused.value.message_dict


def test_the_address_of_a_chat_is_never_shown(signed_in: Any, owner: Any, tenant: Any, receiver: Receiver) -> None:
    client = signed_in(owner)
    given = {"name": "Finance", "address": receiver.address, "topics": ["sync"], "patience": "at_once"}
    assert client.post("/notifications/new/slack/", given).status_code == 302
    channel = Channel.objects.for_tenant(tenant).get()
    for page in ("/notifications/", f"/notifications/{channel.pk}/", "/audit/"):
        assert TOKEN not in client.get(page).content.decode()
    assert not AuditEntry.objects.filter(detail__contains=TOKEN).exists()
    assert client.post(f"/notifications/{channel.pk}/", given | {"address": "", "enabled": "on"}).status_code == 302
    channel.refresh_from_db()
    assert channel.target["address"] == receiver.address


def test_the_secret_of_a_webhook_is_shown_once(signed_in: Any, owner: Any, tenant: Any, receiver: Receiver) -> None:
    client = signed_in(owner)
    given = {"name": "Program", "address": receiver.address, "topics": ["sync"], "patience": "at_once"}
    answer = client.post("/notifications/new/webhook/", given)
    secret = Channel.objects.for_tenant(tenant).get().target["secret"]
    assert secret in answer.content.decode()
    assert secret not in client.get("/notifications/").content.decode()


def test_a_test_says_what_came_of_it(signed_in: Any, owner: Any, tenant: Any, receiver: Receiver) -> None:
    channel, _ = channel_to(tenant, receiver.address)
    receiver.status = 410
    page = signed_in(owner).post(f"/notifications/{channel.pk}/test/", follow=True).content.decode()
    assert "The address answered 410" in page
    assert Message.objects.for_tenant(tenant).get().state == "failed"


def test_nothing_ticked_is_said_at_its_field(signed_in: Any, owner: Any) -> None:
    page = signed_in(owner).post(
        "/notifications/new/mail/", {"name": "A", "address": "a@b.example", "patience": "second"}
    )
    assert page.status_code == 422
    assert "Tick at least one" in page.content.decode()


def test_a_closed_workspace_is_told_nothing(tenant: Any, sync: Sync) -> None:
    channel_to(tenant, "finance@meridian.example", "mail")
    services.forget_channels(None, tenant_id=tenant.pk, actor="member:ann")
    fail(sync)
    assert services.notice() == 0
    assert not Told.objects.for_tenant(tenant).exists()
