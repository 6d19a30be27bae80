"""Who sees which page and who may press which button, walked over every address there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from audit.models import AuditEntry
from connections.models import Connection
from mlconnector.tenants import services as tenants
from mlconnector.tenants.models import ApiKey, Invitation, Membership
from syncs.models import Flow, Record, Run, Sync
from tests import factories

pytestmark = pytest.mark.either_database

PAGES = {"syncs", "connections", "audit", "tenants"}
OWN_NAMES = {"tenants:new", "tenants:choose", "tenants:invitation"}
"""Addresses that are not about the tenant one is in."""
HARMLESS_POSTS = {"audit:verify", "audit:trail", "audit:export"}
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
    _, token = tenants.invite(tenant, "new@meridian.example", "viewer", by=owner, by_role="owner")
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
        "integration": "fusion_hubspot",
        "connector": "hubspot",
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
        list(Connection.objects.for_tenant(tenant).values("name", "config", "status")),
        list(Membership.objects.values()),
        list(Invitation.objects.values()),
        list(ApiKey.objects.values()),
        AuditEntry.objects.count(),
    ]


def test_the_walk_reaches_every_part() -> None:
    assert {name.partition(":")[0] for name, _ in ADDRESSES} == PAGES
    assert len(ADDRESSES) > 35


@pytest.mark.parametrize(("name", "names"), ADDRESSES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_is_sent_to_sign_in(
    client: Client, world: dict[str, Any], name: str, names: set[str], method: str
) -> None:
    answer = getattr(client, method)(url(name, names, world))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=/")


@pytest.mark.parametrize(
    ("name", "names"), [one for one in ADDRESSES if one[1] - {"key", "integration", "connector", "token"}]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_outsider_finds_nothing(
    signed_in: SignIn, outsider: Any, tenant: Any, world: dict[str, Any], name: str, names: set[str], method: str
) -> None:
    before = state(tenant)
    answer = getattr(signed_in(outsider), method)(url(name, names, world))
    assert answer.status_code == 404
    assert state(tenant) == before


@pytest.mark.parametrize(("name", "names"), [one for one in ADDRESSES if one[0] not in OWN_NAMES | HARMLESS_POSTS])
def test_a_viewer_changes_nothing(
    signed_in: SignIn, viewer: Any, tenant: Any, world: dict[str, Any], name: str, names: set[str]
) -> None:
    before = state(tenant)
    given = {"enabled": "no", "code": "total_differs", "all": "yes", "role": "admin", "name": "x", "choice": "create"}
    answer = signed_in(viewer).post(url(name, names, world), given)
    # A page that is only read answers a POST like a GET.
    assert answer.status_code in (403, 200) or name == "syncs:find"
    assert state(tenant) == before


@pytest.mark.parametrize(("name", "names"), ADDRESSES)
def test_a_viewer_is_shown_no_button_that_is_refused(
    signed_in: SignIn, viewer: Any, world: dict[str, Any], name: str, names: set[str]
) -> None:
    answer = signed_in(viewer).get(url(name, names, world), follow=True)
    if answer.status_code != 200 or name in OWN_NAMES:
        return
    text = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()
    for target in (
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
    ):
        assert f'{target}"' not in text


CALL_OUT = ("connections:test", "connections:prepare")


@pytest.mark.parametrize(("name", "names"), [each for each in ADDRESSES if each[0] not in CALL_OUT])
def test_no_page_shows_a_secret(
    signed_in: SignIn, owner: Any, world: dict[str, Any], name: str, names: set[str]
) -> None:
    answer = signed_in(owner).get(url(name, names, world), follow=True)
    text = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()
    assert factories.CANARY not in text
    assert answer.status_code in (200, 404)


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
