"""Who a request is from: members by session, programs by key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from mlconnector.api import ConflictingState
from mlconnector.tenants import services
from mlconnector.tenants.middleware import SESSION_KEY, needs
from mlconnector.tenants.models import ApiKey, Membership, Role, Tenant
from mlconnector.tenants.permissions import Action
from tests.conftest import make_user


@needs(Action.CONFIRM)
def page(request: Any) -> HttpResponse:
    return HttpResponse(f"{request.tenant.name} {request.role} {request.actor}")


urlpatterns = [path("page", page), path("", include("mlconnector.urls"))]
urls = pytest.mark.urls("tests.db.test_callers")


class WhoAmI(APIView):
    needs = {"POST": Action.RUN}

    def get(self, request: Any) -> Response:
        return Response({"tenant": request.tenant.pk, "role": request.role, "actor": request.actor})

    post = put = get


class Failing(APIView):
    errors = {
        "field": ValidationError({"name": "Give a name."}),
        "plain": ValidationError("A run is active."),
        "denied": PermissionDenied("Not you."),
        "conflict": ConflictingState("A run is active."),
    }

    def get(self, request: Any) -> Response:
        raise self.errors[request.query_params["error"]]


def call(view: type[APIView], method: str = "get", key: str = "", query: str = "") -> Any:
    headers = {"Authorization": f"Api-Key {key}"} if key else {}
    return view.as_view()(getattr(APIRequestFactory(), method)(f"/?{query}", headers=headers))


@pytest.fixture
def new_key(tenant: Tenant) -> Callable[[str], tuple[ApiKey, str]]:
    def create(role: str) -> tuple[ApiKey, str]:
        return services.create_api_key(tenant, "a program", role, actor="member:owner", by_role=Role.OWNER)

    return create


@urls
def test_a_member_acts_for_their_tenant(finance: Any, signed_in: Callable[[Any], Client]) -> None:
    answer = signed_in(finance).get("/page")
    assert answer.content.decode() == "Meridian Trading finance member:finance@meridian.example"


@urls
def test_a_member_whose_role_does_not_suffice_is_refused(viewer: Any, signed_in: Callable[[Any], Client]) -> None:
    assert signed_in(viewer).get("/page").status_code == 403


@urls
def test_strangers_are_sent_to_sign_in(db: None, settings: Any) -> None:
    settings.LOGIN_URL = "/accounts/login/"
    answer = Client().get("/page?a=1")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/page%3Fa%3D1")


@urls
def test_without_a_membership_there_is_nothing(signed_in: Callable[[Any], Client], db: None) -> None:
    assert signed_in(make_user("lone@nowhere.example")).get("/page").status_code == 403


@urls
def test_members_of_two_tenants_choose(
    finance: Any, tenant: Tenant, other_tenant: Tenant, signed_in: Callable[[Any], Client]
) -> None:
    Membership.objects.create(tenant=other_tenant, user=finance, role=Role.OWNER)
    client = signed_in(finance)
    session = client.session
    session[SESSION_KEY] = other_tenant.pk
    session.save()
    assert client.get("/page").content.decode().startswith("Harbour Works owner")


@urls
def test_a_tenant_one_does_not_belong_to_cannot_be_chosen(
    finance: Any, other_tenant: Tenant, signed_in: Callable[[Any], Client]
) -> None:
    client = signed_in(finance)
    session = client.session
    session[SESSION_KEY] = other_tenant.pk
    session.save()
    assert client.get("/page").content.decode().startswith("Meridian Trading finance")


def test_a_program_acts_for_the_tenant_of_its_key(tenant: Tenant, new_key: Callable[[str], tuple[ApiKey, str]]) -> None:
    row, key = new_key(Role.FINANCE)
    answer = call(WhoAmI, key=key)
    assert answer.data == {"tenant": tenant.pk, "role": "finance", "actor": f"program:{row.prefix}"}


def test_a_key_does_what_its_role_allows(new_key: Callable[[str], tuple[ApiKey, str]]) -> None:
    _, viewer = new_key(Role.VIEWER)
    _, finance = new_key(Role.FINANCE)
    _, admin = new_key(Role.ADMIN)
    outcome = {
        (name, method): call(WhoAmI, method, key=key).status_code
        for name, key in (("viewer", viewer), ("finance", finance), ("admin", admin))
        for method in ("get", "post", "put")
    }
    assert outcome == {
        ("viewer", "get"): 200, ("viewer", "post"): 403, ("viewer", "put"): 403,
        ("finance", "get"): 200, ("finance", "post"): 200, ("finance", "put"): 403,
        ("admin", "get"): 200, ("admin", "post"): 200, ("admin", "put"): 200,
    }  # fmt: skip


def test_unusable_keys_are_401(new_key: Callable[[str], tuple[ApiKey, str]]) -> None:
    row, key = new_key(Role.ADMIN)
    prefix = key.partition(".")[0]
    for wrong in ("nonsense", f"{prefix}.wrong", f"{prefix}.", "x.y.z"):
        answer = call(WhoAmI, key=wrong)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == "Api-Key"
    ApiKey.objects.filter(pk=row.pk).update(expiry_date=timezone.now() - timedelta(seconds=1))
    assert call(WhoAmI, key=key).status_code == 401
    ApiKey.objects.filter(pk=row.pk).update(expiry_date=None, revoked=True)
    assert call(WhoAmI, key=key).status_code == 401
    assert call(WhoAmI).status_code == 401


def test_use_is_noted_sparsely(
    new_key: Callable[[str], tuple[ApiKey, str]], django_assert_num_queries: Callable[[int], Any]
) -> None:
    row, key = new_key(Role.VIEWER)
    with django_assert_num_queries(2):
        call(WhoAmI, key=key)
    row.refresh_from_db()
    assert row.last_used_at is not None
    with django_assert_num_queries(1):
        call(WhoAmI, key=key)


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        ("field", 400, {"name": ["Give a name."]}),
        ("plain", 400, {"detail": ["A run is active."]}),
        ("denied", 403, {"detail": "Not you."}),
        ("conflict", 409, {"detail": "A run is active."}),
    ],
)
def test_errors_of_services_become_answers(
    new_key: Callable[[str], tuple[ApiKey, str]], error: str, status: int, body: dict[str, Any]
) -> None:
    answer = call(Failing, key=new_key(Role.VIEWER)[1], query=f"error={error}")
    assert (answer.status_code, answer.data) == (status, body)


def test_pages_forbid_inline_script_and_framing(client: Client, db: None) -> None:
    answer = client.get("/accounts/login/")
    assert answer.status_code == 200
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert answer["X-Frame-Options"] == "DENY"


def test_health_needs_no_sign_in(client: Client, db: None) -> None:
    assert client.get("/healthz").json() == {"database": "ok", "worker": "silent"}
