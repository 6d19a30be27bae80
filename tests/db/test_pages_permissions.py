"""Who sees which page and who may press which button, walked over every address there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from audit.models import AuditEntry
from connections.models import Connection
from mlconnector.notifications import services as notifications
from mlconnector.notifications.models import Channel, Message
from mlconnector.tenants import services as tenants
from mlconnector.tenants.models import ApiKey, Invitation, Membership
from syncs.models import Flow, Preview, Record, Run, Sync
from tests import factories
from tests.conftest import undone

pytestmark = pytest.mark.either_database

PAGES = {"syncs", "connections", "audit", "tenants", "notifications"}
OWN_NAMES = {"tenants:new", "tenants:choose", "tenants:invitation"}
"""Addresses that are not about the tenant one is in."""
PUBLIC = {"tenants:invitation", "syncs:integrations", "syncs:integration"}
"""Pages for everybody."""
OWN_DOINGS = {"tenants:leave"}
"""What every member may do, about themselves."""
HARMLESS_POSTS = {"audit:verify", "audit:trail", "audit:export"}
OF_NO_TENANT = {"key", "kind", "integration", "connector", "token"}
"""Parameters that name nothing of a tenant's own."""
REFUSED = (
    "/replay/",
    "/confirm/",
    "/cancel/",
    "/pause/",
    "/resume/",
    "/switch/",
    "/run/",
    "/remove/",
    "/test/",
    "/decide/",
    "/set-aside/",
    "/preview/",
    "/approve/",
    "/discard/",
    "/repeat/",
    "/assign/",
    "/take-back/",
    "/withdraw/",
    "/accept/",
    "/review/",
    "/send/",
    "/hand-over/",
    "/workspace/delete/",
)
"""Buttons a viewer may not press."""
METHODS = ("get", "post")
SignIn = Callable[[Any], Client]


def walk(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, set[str]]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from walk(pattern, pattern.namespace or namespace)
        elif isinstance(pattern, URLPattern) and namespace in PAGES:
            yield f"{namespace}:{pattern.name}", set(pattern.pattern.converters)


ADDRESSES = sorted(walk(get_resolver()), key=lambda address: address[0])


@pytest.fixture
def world(tenant: Any, owner: Any) -> dict[str, Any]:
    sync = factories.busy_month(tenant)
    key, _ = tenants.create_api_key(tenant, "Report", "viewer", actor="member:owner", by_role="owner")
    invitation, token = tenants.invite(tenant, "new@meridian.example", "viewer", by=owner, by_role="owner")
    channel, _ = notifications.add_channel(
        tenant,
        kind="mail",
        name="Finance",
        address="finance@meridian.example",
        topics=["sync"],
        patience="at_once",
        actor="member:owner",
    )
    return {
        "sync_id": sync.pk,
        "key": "invoices",
        "run_id": sync.runs.first().pk,
        "record_id": Record.objects.for_tenant(tenant).get(source_key="100099").pk,
        "flow_id": sync.flows.get(key="invoices").pk,
        "connection_id": sync.source_id,
        "member_id": Membership.objects.get(user=owner).pk,
        "prefix": key.prefix,
        "token": token,
        "invitation_id": invitation.pk,
        "integration": "fusion_hubspot",
        "connector": "hubspot",
        "code": "total_differs",
        "channel_id": channel.pk,
        "kind": "mail",
        "report_id": factories.report(sync).pk,
        "month": "2026-10",
        "preview_id": factories.preview(sync).pk,
        "outcome": "updated",
    }


def url(name: str, names: set[str], world: dict[str, Any]) -> str:
    return reverse(name, kwargs={one: world[one] for one in names})


def state(tenant: Any) -> list[Any]:
    """All that a member could change."""
    return [
        list(Sync.objects.for_tenant(tenant).values()),
        list(Flow.objects.for_tenant(tenant).values()),
        list(Run.objects.for_tenant(tenant).values()),
        list(Record.objects.for_tenant(tenant).values()),
        list(Preview.objects.for_tenant(tenant).values()),
        list(Connection.objects.for_tenant(tenant).values("name", "config", "status")),
        list(Membership.objects.values()),
        list(Invitation.objects.values()),
        list(ApiKey.objects.values()),
        list(Channel.objects.for_tenant(tenant).values("name", "topics", "enabled")),
        Message.objects.for_tenant(tenant).count(),
        AuditEntry.objects.count(),
    ]


def test_the_walk_reaches_every_part() -> None:
    assert {name.partition(":")[0] for name, _ in ADDRESSES} == PAGES
    assert len(ADDRESSES) > 35


def test_nobody_is_sent_to_sign_in(world: dict[str, Any]) -> None:
    for name, names in ADDRESSES:
        for method in METHODS if name not in PUBLIC else ():
            with undone():
                answer = getattr(Client(), method)(url(name, names, world))
            assert answer.status_code == 302, (name, method)
            assert answer["Location"].startswith("/accounts/login/?next=/"), (name, method)


def test_an_outsider_finds_nothing(signed_in: SignIn, outsider: Any, tenant: Any, world: dict[str, Any]) -> None:
    before = state(tenant)
    for name, names in ADDRESSES:
        for method in METHODS if names - OF_NO_TENANT else ():
            with undone():
                answer = getattr(signed_in(outsider), method)(url(name, names, world))
                assert answer.status_code == 404, (name, method)
                assert state(tenant) == before, (name, method)


def test_a_viewer_changes_nothing(signed_in: SignIn, viewer: Any, tenant: Any, world: dict[str, Any]) -> None:
    before = state(tenant)
    given = {"enabled": "no", "code": "total_differs", "all": "yes", "role": "admin", "name": "x", "choice": "create"}
    for name, names in ADDRESSES:
        if name in OWN_NAMES | HARMLESS_POSTS | OWN_DOINGS:
            continue
        with undone():
            answer = signed_in(viewer).post(url(name, names, world), given)
            # A page that is only read answers a POST like a GET.
            assert answer.status_code in (403, 200) or name == "syncs:find", name
            assert state(tenant) == before, name


def test_a_viewer_is_shown_no_button_that_is_refused(signed_in: SignIn, viewer: Any, world: dict[str, Any]) -> None:
    for name, names in ADDRESSES:
        status, text = read(signed_in(viewer), url(name, names, world))
        if status == 200 and name not in OWN_NAMES:
            assert [target for target in REFUSED if f'{target}"' in text] == [], name


def test_no_page_shows_a_secret(signed_in: SignIn, owner: Any, world: dict[str, Any]) -> None:
    for name, names in ADDRESSES:
        status, text = read(signed_in(owner), url(name, names, world))
        assert factories.CANARY not in text, name
        assert status in (200, 404), name


def read(client: Client, path: str) -> tuple[int, str]:
    """Status and text of the page an address leads to."""
    with undone():
        answer = client.get(path, follow=True)
        text = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer.status_code, text.decode()


def test_finance_runs_and_decides_but_configures_nothing(
    signed_in: SignIn, finance: Any, tenant: Any, world: dict[str, Any]
) -> None:
    client = signed_in(finance)
    assert client.post(reverse("syncs:run-now", args=[world["sync_id"]])).status_code == 302
    assert client.get(reverse("syncs:flow", args=[world["sync_id"], "invoices"])).status_code == 403
    assert client.get(reverse("connections:edit", args=[world["connection_id"]])).status_code == 403
    assert client.post(reverse("tenants:members"), {"email": "a@b.example", "role": "viewer"}).status_code == 403
    assert client.post(reverse("tenants:keys"), {"name": "x", "role": "viewer"}).status_code == 403


def test_every_form_carries_a_token(owner: Any, world: dict[str, Any]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    answer = client.post(reverse("syncs:run-now", args=[world["sync_id"]]))
    assert answer.status_code == 403
    assert "open for too long" in answer.content.decode()


def test_a_part_whose_session_ended_takes_the_page_along(client: Client, world: dict[str, Any]) -> None:
    here = reverse("syncs:run", args=[world["run_id"]])
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{here}"}
    answer = client.get(here, headers=headers)
    assert answer["HX-Redirect"] == f"/accounts/login/?next={here}"
    assert answer.content == b""
