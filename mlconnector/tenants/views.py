"""Members, invitations and API keys in the browser."""

from __future__ import annotations

from collections.abc import Callable

from allauth.account.adapter import get_adapter
from allauth.decorators import rate_limit
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables

from mlconnector.pages import TenantRequest, act, attach
from mlconnector.tenants import selectors, services
from mlconnector.tenants.middleware import SESSION_KEY, needs
from mlconnector.tenants.models import Invitation, Role
from mlconnector.tenants.page_forms import InvitationForm, KeyForm, roles_to_give
from mlconnector.tenants.permissions import Action

_View = Callable[..., HttpResponse]
_limited: Callable[[_View], _View] = rate_limit(action="invite")


@needs(Action.VIEW)
def members(request: TenantRequest) -> HttpResponseBase:
    form = InvitationForm(request.POST or None, by_role=request.role)
    if request.method == "POST":
        return _invite(request, form)
    return _members(request, form)


def _members(request: TenantRequest, form: InvitationForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "members": selectors.members_of(request.tenant),
        "invitations": selectors.open_invitations(request.tenant),
        "roles": roles_to_give(request.role),
        "role_names": [role.label for role in Role],
        "rights": selectors.table_of_rights(),
    }
    return render(request, "tenants/members.html", context, status=status)


@needs(Action.MANAGE_MEMBERS)
@_limited
def _invite(request: TenantRequest, form: InvitationForm) -> HttpResponse:
    if not form.is_valid():
        return _members(request, form, 422)
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    try:
        found, token = services.invite(request.tenant, email, role, by=request.user, by_role=request.role)
    except ValidationError as error:
        attach(form, error)
        return _members(request, form, 422)
    return _mail(request, found, token)


def _mail(request: TenantRequest, found: Invitation, token: str) -> HttpResponse:
    return act(
        request,
        lambda: services.mail_invitation(found, token),
        back=reverse("tenants:members"),
        done=lambda _: f"An invitation is on its way to {found.email}.",
    )


@needs(Action.MANAGE_MEMBERS)
@_limited
def send_again(request: TenantRequest, invitation_id: int) -> HttpResponse:
    found = get_object_or_404(selectors.open_invitations(request.tenant), pk=invitation_id)
    if request.method != "POST":
        return redirect("tenants:members")
    try:
        found, token = services.invite_again(found, by=request.user, by_role=request.role)
    except (PermissionDenied, ValidationError) as error:
        messages.error(request, error.messages[0] if isinstance(error, ValidationError) else str(error))
        return redirect("tenants:members")
    return _mail(request, found, token)


@needs(Action.MANAGE_MEMBERS)
def withdraw(request: TenantRequest, invitation_id: int) -> HttpResponse:
    found = get_object_or_404(selectors.open_invitations(request.tenant), pk=invitation_id)
    return act(
        request,
        lambda: services.withdraw(found, actor=request.actor),
        back=reverse("tenants:members"),
        done=lambda _: f"The invitation of {found.email} does not work any more.",
    )


@needs(Action.MANAGE_MEMBERS)
def change_role(request: TenantRequest, member_id: int) -> HttpResponse:
    member = get_object_or_404(selectors.members_of(request.tenant), pk=member_id)
    role = request.POST.get("role", "")
    return act(
        request,
        lambda: services.change_role(member, role, actor=request.actor, by_role=request.role),
        back=reverse("tenants:members"),
        done=lambda _: f"{member.user.get_username()} is {Role(role).label} now.",
    )


@needs(Action.MANAGE_MEMBERS)
def remove_member(request: TenantRequest, member_id: int) -> HttpResponse:
    member = get_object_or_404(selectors.members_of(request.tenant), pk=member_id)
    return act(
        request,
        lambda: services.remove_member(member, actor=request.actor, by_role=request.role),
        back=reverse("tenants:members"),
        done=lambda _: f"{member.user.get_username()} is no longer a member.",
    )


@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind an invitation's link; leads to signing up, too. Unknown, used and expired ones look alike."""
    found = services.find_invitation(token)
    if found is None:
        return render(request, "tenants/invitation_gone.html", status=404)
    if not request.user.is_authenticated:
        # Whoever has the link reads that mailbox: no second mail has to prove it.
        get_adapter().stash_verified_email(request, found.email)
        return render(request, "tenants/invitation.html", {"invitation": found})
    if request.method != "POST":
        return render(request, "tenants/invitation.html", {"invitation": found})
    try:
        membership = services.accept(token, request.user)
    except (PermissionDenied, ValidationError) as error:
        messages.error(request, error.messages[0] if isinstance(error, ValidationError) else str(error))
        return redirect(request.path)
    request.session[SESSION_KEY] = membership.tenant_id
    messages.success(request, f"You are a member of {found.tenant.name} now.")
    return redirect("home")


@never_cache
@sensitive_variables()
@needs(Action.VIEW)
def keys(request: TenantRequest) -> HttpResponseBase:
    """The page that answers the creation is the only one that ever shows the key."""
    form = KeyForm(request.POST or None, by_role=request.role, time_zone=request.tenant.time_zone)
    if request.method == "POST":
        return _create_key(request, form)
    return _keys(request, form)


def _keys(request: TenantRequest, form: KeyForm, *, created: str = "", status: int = 200) -> HttpResponse:
    context = {"form": form, "keys": selectors.keys_of(request.tenant), "created": created}
    return render(request, "tenants/keys.html", context, status=status)


@needs(Action.MANAGE_KEYS)
def _create_key(request: TenantRequest, form: KeyForm) -> HttpResponse:
    if not form.is_valid():
        return _keys(request, form, status=422)
    values = form.cleaned_data
    try:
        _, key = services.create_api_key(
            request.tenant,
            values["name"],
            values["role"],
            actor=request.actor,
            by_role=request.role,
            expires_at=values["expires"],
        )
    except ValidationError as error:
        attach(form, error)
        return _keys(request, form, status=422)
    empty = KeyForm(by_role=request.role, time_zone=request.tenant.time_zone)
    return _keys(request, empty, created=key)


@needs(Action.MANAGE_KEYS)
def revoke_key(request: TenantRequest, prefix: str) -> HttpResponse:
    key = get_object_or_404(selectors.keys_of(request.tenant).select_related("tenant"), prefix=prefix)
    return act(
        request,
        lambda: services.revoke_api_key(key, actor=request.actor),
        back=reverse("tenants:keys"),
        done=lambda _: f"The key “{key.name}” does not work any more.",
    )
