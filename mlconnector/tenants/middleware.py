"""Whose data a request is about: ``request.tenant``, ``request.role`` and ``request.actor``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django_htmx.http import HttpResponseClientRedirect

from mlconnector.tenants.models import Membership
from mlconnector.tenants.permissions import Action, allowed, require
from mlconnector.tenants.services import actor_of

SESSION_KEY = "tenant_id"


class TenantMiddleware:
    """The tenant the member chose last, else their first one. Programs are recognised by the API itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        memberships = memberships_of(request)
        membership = _chosen(request, memberships)
        request.workspaces = [one.tenant for one in memberships]  # type: ignore[attr-defined]
        set_caller(
            request,
            tenant=membership.tenant if membership else None,
            role=membership.role if membership else None,
            actor=actor_of(request.user) if request.user.is_authenticated else "",
        )
        return self.get_response(request)


def memberships_of(request: HttpRequest) -> list[Membership]:
    if not request.user.is_authenticated:
        return []
    return list(Membership.objects.filter(user_id=request.user.pk).select_related("tenant").order_by("id"))


def _chosen(request: HttpRequest, memberships: list[Membership]) -> Membership | None:
    if not memberships:
        return None
    wanted = request.session.get(SESSION_KEY)
    return next((one for one in memberships if one.tenant_id == wanted), memberships[0])


def set_caller(request: Any, *, tenant: Any, role: str | None, actor: str) -> None:
    request.tenant, request.role, request.actor = tenant, role, actor


def needs(action: Action) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """For pages: signed in, member of a tenant, and a role that may do this."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            if request.tenant is None:
                raise PermissionDenied("You are not a member of any workspace yet. Ask an owner to invite you.")
            require(request.role, action)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def _to_sign_in(request: Any) -> HttpResponseBase:
    """Back to the page afterwards. A part of a page that asks for itself takes the whole page along: the session ended
    while it was open."""
    if not request.htmx:
        return redirect_to_login(request.get_full_path())
    return HttpResponseClientRedirect(redirect_to_login(request.htmx.current_url_abs_path or "/").url)


def tenant_context(request: HttpRequest) -> dict[str, Any]:
    """For templates: the tenant and what the member may do, as ``may.run``, ``may.configure``, ..."""
    role = getattr(request, "role", None)
    return {
        "tenant": getattr(request, "tenant", None),
        "workspaces": getattr(request, "workspaces", []),
        "role": role,
        "may": {action.value: allowed(role, action) for action in Action},
    }
