"""Who may do what over the API: every endpoint, asked by everyone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver
from django.utils import timezone

from mlconnector import api_urls
from mlconnector.tenants.models import Role, Tenant
from syncs.models import Record, Run, Sync
from tests.api_cast import CANARY, House, Program, build, key_of, no_network
from tests.conftest import undone

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
    ("flow-mapping", "GET", None, EVERYONE),
    ("flow-mapping", "PUT", {"fields": [{"to": "tier", "value": "Gold"}]}, ADMINS),
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
    ("record-now", "GET", None, EVERYONE),
    ("record-replay", "POST", None, FINANCE),
    ("record-confirm", "POST", None, FINANCE),
    ("record-decide", "POST", {"create": True}, FINANCE),
    ("record-set-aside", "POST", {"how": "done", "reason": "By hand."}, FINANCE),
    ("record-take-back", "POST", None, FINANCE),
    ("record-assign", "POST", {"member": None}, FINANCE),
    ("record-withdraw", "POST", None, FINANCE),
    ("preview-list", "GET", None, EVERYONE),
    ("preview-list", "POST", {"sync": 0}, FINANCE),
    ("preview-detail", "GET", None, EVERYONE),
    ("preview-entries", "GET", None, EVERYONE),
    ("preview-approve", "POST", None, FINANCE),
    ("preview-discard", "POST", None, FINANCE),
    ("reconciliation-list", "GET", None, EVERYONE),
    ("reconciliation-list", "POST", {"sync": 0}, FINANCE),
    ("reconciliation-detail", "GET", None, EVERYONE),
    ("reconciliation-lines", "GET", None, EVERYONE),
    ("audit-list", "GET", None, EVERYONE),
    ("audit-detail", "GET", None, EVERYONE),
    ("audit-verify", "GET", None, EVERYONE),
    ("audit-check", "POST", None, EVERYONE),
    ("audit-check", "GET", None, EVERYONE),
    ("connection-detail", "DELETE", None, ADMINS),
]


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
        "flow-mapping": f"/syncs/{house.sync.pk}/flows/invoices/mapping/",
        "audit-list": "/audit/",
        "audit-detail": "/audit/1/",
        "audit-verify": "/audit/verify/",
        "audit-check": "/audit/check/",
        "record-decide": f"/records/{house.held.pk}/decide/",
        "record-set-aside": f"/records/{house.held.pk}/set-aside/",
        "record-take-back": f"/records/{house.held.pk}/take-back/",
        "record-withdraw": f"/records/{house.held.pk}/withdraw/",
    }
    if name in words:
        return words[name]
    noun, verb = name.split("-")
    if verb == "list":
        return f"/{noun}s/"
    things = {"connection": house.destination, "sync": house.sync, "run": house.run, "record": house.draft}
    pk = (things | {"reconciliation": house.report, "preview": house.preview})[noun].pk
    return f"/{noun}s/{pk}/" if verb == "detail" else f"/{noun}s/{pk}/{verb}/"


def filled(body: Any, house: House) -> Any:
    if isinstance(body, dict) and "source" in body:
        return body | {"source": house.source.pk, "destination": house.destination.pk}
    if body == {"sync": 0}:
        return {"sync": house.sync.pk}
    return body


def there_is_something_to_do(name: str, house: House) -> None:
    held = Record.objects.for_tenant(house.tenant).filter(pk=house.held.pk)
    if name == "run-cancel":
        Run.objects.for_tenant(house.tenant).filter(pk=house.run.pk).update(status=Run.Status.RUNNING)
    elif name == "record-take-back":
        held.update(set_aside={"how": "done", "reason": "By hand."})
    elif name == "record-withdraw":
        held.update(decision={"create": True}, next_attempt_at=timezone.now())


def sync_out_of_the_way(method: str, house: House) -> None:
    if method == "DELETE":
        Sync.objects.for_tenant(house.tenant).filter(pk=house.sync.pk).delete()


@pytest.mark.parametrize("role", list(Role))
def test_roles(tenant: Tenant, role: Role) -> None:
    house = build(tenant)
    program = house.program(role)
    for name, method, body, who in TABLE:
        with undone():
            there_is_something_to_do(name, house)
            sync_out_of_the_way(method, house)
            answer = program.send(method, address(name, house), filled(body, house))
        if role in who:
            assert answer.status_code < 300, (name, method, answer.content)
        else:
            assert answer.status_code == 403, (name, method)
            assert "takes one of" in answer.json()["detail"], (name, method)
        assert CANARY not in answer.content.decode(), (name, method)


def test_nobody_else_gets_in(tenant: Tenant) -> None:
    house = build(tenant)
    past = timezone.now() - timedelta(days=1)
    programs = (
        Program(),
        Program("nonsense"),
        Program("abcdefgh.nonsense"),
        Program(key_of(tenant, Role.OWNER, expiry_date=past)),
        Program(key_of(tenant, Role.OWNER, revoked=True)),
    )
    for name, method, body, _ in TABLE:
        for program in programs:
            with undone():
                there_is_something_to_do(name, house)
                answer = program.send(method, address(name, house), filled(body, house))
            assert answer.status_code == 401, (name, method)
            assert answer.headers["WWW-Authenticate"] == "Api-Key", (name, method)


def test_an_outsider_finds_nothing(tenant: Tenant, other_tenant: Tenant) -> None:
    house = build(tenant)
    program = Program(key_of(other_tenant, Role.OWNER))
    for name, method, body, _ in TABLE:
        path = address(name, house)
        with undone():
            there_is_something_to_do(name, house)
            outsider = program.send(method, path, filled(body, house))
        if any(character.isdigit() for character in path):  # of an object
            assert outsider.status_code == 404, (name, method, outsider.content)
        elif name == "sync-list" and method == "POST":
            assert outsider.json() == {"source": ["There is no such connection."]}
        elif name in ("reconciliation-list", "preview-list") and method == "POST":
            assert outsider.json() == {"sync": ["There is no such sync."]}
        else:
            assert outsider.status_code < 300, (name, method)
            for secret_name in ("INV-22", "Birch", "Fusion to", "Meridian"):
                assert secret_name not in outsider.content.decode(), (name, method)


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
