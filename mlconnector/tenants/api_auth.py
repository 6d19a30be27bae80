"""Programs on the API: sign in with ``Authorization: Api-Key ...``, limited by the key's role."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework_api_key.permissions import KeyParser

from mlconnector.tenants.middleware import set_caller
from mlconnector.tenants.models import ApiKey
from mlconnector.tenants.permissions import Action, allowed

LAST_USED_EVERY = timedelta(minutes=5)


class Program:
    """The caller behind an API key, where Django expects a user."""

    is_authenticated = True
    is_anonymous = False
    is_active = True
    is_staff = False

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self.pk = f"key-{key.prefix}"

    def __str__(self) -> str:
        return f"program:{self.key.prefix}"

    def get_username(self) -> str:
        return str(self)


class ApiKeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Program, ApiKey] | None:
        presented = KeyParser().get(request)
        if presented is None:
            return None
        key = find_key(presented)
        if key is None:
            raise exceptions.AuthenticationFailed("This API key is unknown, expired or revoked.")
        program = Program(key)
        for target in (request, request._request):
            set_caller(target, tenant=key.tenant, role=key.role, actor=str(program))
        return program, key

    def authenticate_header(self, request: Request) -> str:
        return KeyParser.keyword


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key` and the key, with a space between.",
        }


class Needs(BasePermission):
    """Reads a view's ``needs``: one action, or one per action name (``create``) or HTTP method (``POST``).

    Reading needs VIEW and anything else CONFIGURE where a view says nothing.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if getattr(request, "tenant", None) is None:
            return False
        return allowed(request.role, self.action_of(request, view))  # type: ignore[attr-defined]

    @staticmethod
    def action_of(request: Request, view: Any) -> Action:
        wanted = getattr(view, "needs", {})
        if isinstance(wanted, Action):
            return wanted
        reading = request.method in ("GET", "HEAD", "OPTIONS")
        default = Action.VIEW if reading else Action.CONFIGURE
        return Action(wanted.get(getattr(view, "action", None), wanted.get(request.method, default)))


def find_key(presented: str) -> ApiKey | None:
    """The usable key behind the presented text. Notes its use, at most once in five minutes."""
    prefix = presented.partition(".")[0]
    key: ApiKey | None = ApiKey.objects.select_related("tenant").filter(prefix=prefix, revoked=False).first()
    if key is None or key.has_expired or not key.is_valid(presented):
        return None
    now = timezone.now()
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - LAST_USED_EVERY)
    if key.last_used_at is None or key.last_used_at < now - LAST_USED_EVERY:
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
    return key
