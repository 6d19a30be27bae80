"""Whose data a request is about: ``request.tenant``, ``request.role`` and ``request.actor``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from mlconnector.tenants.models import Membership
from mlconnector.tenants.permissions import Action, allowed, require
from mlconnector.tenants.services import actor_of

SESSION_KEY = "tenant_id"


class TenantMiddleware:
    """The tenant the member chose last, else their first one. Programs are recognised by the API itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        membership = membership_of(request)
        set_caller(
            request,
            tenant=membership.tenant if membership else None,
            role=membership.role if membership else None,
            actor=actor_of(request.user) if request.user.is_authenticated else "",
        )
        return self.get_response(request)


def membership_of(request: HttpRequest) -> Membership | None:
    if not request.user.is_authenticated:
        return None
    memberships = Membership.objects.filter(user_id=request.user.pk).select_related("tenant").order_by("id")
    chosen = request.session.get(SESSION_KEY)
    return (memberships.filter(tenant_id=chosen).first() if chosen else None) or memberships.first()


def set_caller(request: Any, *, tenant: Any, role: str | None, actor: str) -> None:
    request.tenant, request.role, request.actor = tenant, role, actor


def needs(action: Action) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """For pages: signed in, member of a tenant, and a role that may do this."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if request.tenant is None:
                raise PermissionDenied("You are not a member of any workspace yet. Ask an owner to invite you.")
            require(request.role, action)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def tenant_context(request: HttpRequest) -> dict[str, Any]:
    """For templates: the tenant and what the member may do, as ``may.run``, ``may.configure``, ..."""
    role = getattr(request, "role", None)
    return {
        "tenant": getattr(request, "tenant", None),
        "role": role,
        "may": {action.value: allowed(role, action) for action in Action},
    }
