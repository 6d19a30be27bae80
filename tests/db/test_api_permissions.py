"""Who may do what over the API: every endpoint, asked by everyone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver
from django.utils import timezone

from mlconnector import api_urls
from mlconnector.tenants.models import Role, Tenant
from syncs.models import Run
from tests.api_cast import CANARY, House, Program, build, key_of, no_network

pytestmark = pytest.mark.either_database

EVERYONE = {Role.VIEWER, Role.FINANCE, Role.ADMIN, Role.OWNER}
FINANCE = EVERYONE - {Role.VIEWER}
ADMINS = {Role.ADMIN, Role.OWNER}

# name of the address, method, body, who may
TABLE: list[tuple[str, str, Any, set[Role]]] = [
    ("me", "GET", None, EVERYONE),
    ("connector-list", "GET", None, EVERYONE),
    ("connector-detail", "GET", None, EVERYONE),
    ("connection-list", "GET", None, EVERYONE),
    (
        "connection-list",
        "POST",
        {"connector": "hubspot", "name": "New", "secrets": {"access_token": CANARY}},
        ADMINS,
    ),
    ("connection-detail", "GET", None, EVERYONE),
    ("connection-detail", "PATCH", {"name": "Other"}, ADMINS),
    ("connection-test", "POST", None, ADMINS),
    ("connection-missing", "GET", None, ADMINS),
    ("connection-prepare", "POST", {"keys": ["one"]}, ADMINS),
    ("integration-list", "GET", None, EVERYONE),
    ("integration-detail", "GET", None, EVERYONE),
    ("sync-list", "GET", None, EVERYONE),
    ("sync-list", "POST", {"integration": "fusion_hubspot", "source": 0, "destination": 0, "name": "New"}, ADMINS),
    ("sync-detail", "GET", None, EVERYONE),
    ("sync-detail", "PATCH", {"every_minutes": 20}, ADMINS),
    ("sync-twins", "GET", None, EVERYONE),
    ("flow-list", "GET", None, EVERYONE),
    ("flow-detail", "GET", None, EVERYONE),
    ("flow-detail", "PATCH", {"enabled": True}, ADMINS),
    ("sync-resume", "POST", None, FINANCE),
    ("sync-pause", "POST", None, FINANCE),
    ("sync-run", "POST", {}, FINANCE),
    ("sync-replay", "POST", {"error_code": "total_differs"}, FINANCE),
    ("sync-confirm", "POST", {"all": True}, FINANCE),
    ("run-list", "GET", None, EVERYONE),
    ("run-detail", "GET", None, EVERYONE),
    ("run-replay", "POST", None, FINANCE),
    ("run-cancel", "POST", None, FINANCE),
    ("record-list", "GET", None, EVERYONE),
    ("record-detail", "GET", None, EVERYONE),
    ("record-replay", "POST", None, FINANCE),
    ("record-confirm", "POST", None, FINANCE),
    ("record-decide", "POST", {"create": True}, FINANCE),
    ("audit-list", "GET", None, EVERYONE),
    ("audit-detail", "GET", None, EVERYONE),
    ("audit-verify", "GET", None, EVERYONE),
    ("connection-detail", "DELETE", None, ADMINS),
]
IDS = [f"{name} {method}" for name, method, _, _ in TABLE]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    no_network(monkeypatch)


def address(name: str, house: House) -> str:
    """The path below /api/v1 that the name stands for."""
    words = {
        "me": "/me/",
        "connector-detail": "/connectors/hubspot/",
        "connection-missing": f"/connections/{house.destination.pk}/preparations/",
        "integration-detail": "/integrations/fusion_hubspot/",
        "flow-list": f"/syncs/{house.sync.pk}/flows/",
        "flow-detail": f"/syncs/{house.sync.pk}/flows/invoices/",
        "audit-list": "/audit/",
        "audit-detail": "/audit/1/",
        "audit-verify": "/audit/verify/",
        "record-decide": f"/records/{house.held.pk}/decide/",
    }
    if name in words:
        return words[name]
    noun, verb = name.split("-")
    if verb == "list":
        return f"/{noun}s/"
    pk = {"connection": house.destination, "sync": house.sync, "run": house.run, "record": house.draft}[noun].pk
    return f"/{noun}s/{pk}/" if verb == "detail" else f"/{noun}s/{pk}/{verb}/"


def filled(body: Any, house: House) -> Any:
    if isinstance(body, dict) and "source" in body:
        return body | {"source": house.source.pk, "destination": house.destination.pk}
    return body


def run_may_be_cancelled(name: str, house: House) -> None:
    if name == "run-cancel":
        Run.objects.for_tenant(house.tenant).filter(pk=house.run.pk).update(status=Run.Status.RUNNING)


def sync_out_of_the_way(method: str, house: House) -> None:
    if method == "DELETE":
        house.sync.delete()


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("name", "method", "body", "who"), TABLE, ids=IDS)
def test_roles(tenant: Tenant, role: Role, name: str, method: str, body: Any, who: set[Role]) -> None:
    house = build(tenant)
    run_may_be_cancelled(name, house)
    sync_out_of_the_way(method, house)
    answer = house.program(role).send(method, address(name, house), filled(body, house))
    if role in who:
        assert answer.status_code < 300, answer.content
    else:
        assert answer.status_code == 403
        assert "takes one of" in answer.json()["detail"]
    assert CANARY not in answer.content.decode()


@pytest.mark.parametrize(("name", "method", "body", "who"), TABLE, ids=IDS)
def test_nobody_else_gets_in(
    tenant: Tenant, other_tenant: Tenant, name: str, method: str, body: Any, who: set[Role]
) -> None:
    house = build(tenant)
    run_may_be_cancelled(name, house)
    path, sent = address(name, house), filled(body, house)
    past = timezone.now() - timedelta(days=1)
    for program in (
        Program(),
        Program("nonsense"),
        Program("abcdefgh.nonsense"),
        Program(key_of(tenant, Role.OWNER, expiry_date=past)),
        Program(key_of(tenant, Role.OWNER, revoked=True)),
    ):
        answer = program.send(method, path, sent)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Api-Key"
    outsider = Program(key_of(other_tenant, Role.OWNER)).send(method, path, sent)
    of_an_object = any(character.isdigit() for character in path)
    if of_an_object:
        assert outsider.status_code == 404, outsider.content
    elif name == "sync-list" and method == "POST":
        assert outsider.json() == {"source": ["There is no such connection."]}
    else:
        assert outsider.status_code < 300
        for secret_name in ("INV-22", "Birch", "Fusion to", "Meridian"):
            assert secret_name not in outsider.content.decode()


def test_every_address_is_in_the_table() -> None:
    def names(patterns: list[Any]) -> set[str]:
        found: set[str] = set()
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                found |= names(pattern.url_patterns)
            elif isinstance(pattern, URLPattern) and pattern.name:
                found.add(pattern.name)
        return found

    assert names(api_urls.urlpatterns) - {"nowhere"} == {name for name, *_ in TABLE}


def test_members_may_use_the_api_from_the_browser(tenant: Tenant, viewer: Any, signed_in: Any) -> None:
    client = signed_in(viewer)
    assert client.get("/api/v1/me/").json()["actor"] == f"member:{viewer.username}"
    house = build(tenant)
    refused = client.post(f"/api/v1/syncs/{house.sync.pk}/run/", "{}", content_type="application/json")
    assert refused.status_code == 403


def test_someone_without_a_workspace_sees_nothing(db: None, operator: Any, signed_in: Any) -> None:
    assert signed_in(operator).get("/api/v1/connections/").status_code == 403
