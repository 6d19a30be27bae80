"""A workspace itself in the browser: making one, going to another, its settings, leaving, handing over, deleting."""

from __future__ import annotations

from collections.abc import Callable

from allauth.decorators import rate_limit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from mlconnector.pages import TenantRequest, act, attach, number
from mlconnector.tenants import closing, selectors, services
from mlconnector.tenants.middleware import SESSION_KEY, needs
from mlconnector.tenants.models import Tenant
from mlconnector.tenants.page_forms import CloseForm, HandOverForm, SettingsForm, WorkspaceForm
from mlconnector.tenants.permissions import Action

_View = Callable[..., HttpResponse]
_limited: Callable[[_View], _View] = rate_limit(action="workspace")


@login_required
@_limited
def new_workspace(request: HttpRequest) -> HttpResponse:
    """Also where someone lands who has signed up and was invited nowhere."""
    form = WorkspaceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            tenant = services.create_tenant(values["name"], request.user, time_zone=values["time_zone"])
        except ValidationError as error:
            attach(form, error)
        else:
            request.session[SESSION_KEY] = tenant.pk
            messages.success(request, f"{tenant.name} is ready. Connect your two systems first.")
            return redirect("home")
    context = {"form": form, "invitations": selectors.invitations_for(request.user)}
    return render(request, "tenants/new.html", context, status=422 if form.errors else 200)


@login_required
def choose_workspace(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        context = {
            "tenants": selectors.tenants_of(request.user),
            "invitations": selectors.invitations_for(request.user),
        }
        return render(request, "tenants/choose.html", context)
    wanted = request.POST.get("tenant", "")
    tenant = _joined(request) or next(
        (one for one in selectors.tenants_of(request.user) if str(one.pk) == wanted), None
    )
    if tenant is None:
        raise Http404
    request.session[SESSION_KEY] = tenant.pk
    return redirect("home")


def _joined(request: HttpRequest) -> Tenant | None:
    """The workspace of the invitation of which *Join* was pressed."""
    wanted = number(request.POST.get("invitation"))
    found = selectors.invitations_for(request.user).filter(pk=wanted).first() if wanted else None
    if found is None:
        return None
    services.join(found, request.user)
    messages.success(request, f"You are a member of {found.tenant.name} now.")
    return found.tenant


@needs(Action.VIEW)
def workspace(request: TenantRequest) -> HttpResponseBase:
    if request.method == "POST":
        return _save(request)
    return _workspace(request)


def _workspace(
    request: TenantRequest, form: SettingsForm | None = None, heirs: HandOverForm | None = None
) -> HttpResponse:
    tenant = request.tenant
    present = {"name": tenant.name, "time_zone": tenant.time_zone, "keep_days": tenant.keep_days}
    context = {
        "form": form or SettingsForm(initial=present),
        "heirs": heirs or HandOverForm(tenant=tenant, user=request.user),
        "alone": tenant.memberships.count() == 1,
        "only_owner": selectors.only_owner(tenant, request.user),
    }
    return render(request, "tenants/workspace.html", context, status=422 if form or heirs else 200)


@needs(Action.CONFIGURE)
def _save(request: TenantRequest) -> HttpResponse:
    form = SettingsForm(request.POST)
    if not form.is_valid():
        return _workspace(request, form)
    values = form.cleaned_data
    try:
        services.update_tenant(request.tenant, actor=request.actor, **values)
    except ValidationError as error:
        attach(form, error)
        return _workspace(request, form)
    messages.success(request, "The settings are saved.")
    return redirect("tenants:workspace")


@needs(Action.VIEW)
def leave(request: TenantRequest) -> HttpResponse:
    own = selectors.own_membership(request.tenant, request.user)
    return act(
        request,
        lambda: services.remove_member(own, actor=request.actor, by_role=request.role),
        back=reverse("tenants:workspace"),
        done=lambda _: (f"You left {request.tenant.name}.", reverse("home")),
    )


@needs(Action.MANAGE_OWNERS)
def hand_over(request: TenantRequest) -> HttpResponse:
    form = HandOverForm(request.POST, tenant=request.tenant, user=request.user)
    if request.method == "POST" and not form.is_valid():
        return _workspace(request, heirs=form)
    own = selectors.own_membership(request.tenant, request.user)
    return act(
        request,
        lambda: services.hand_over(own, form.cleaned_data["heir"]),
        back=reverse("tenants:workspace"),
        done=lambda _: f"{form.cleaned_data['heir'].user.get_username()} owns {request.tenant.name} now.",
    )


@needs(Action.MANAGE_OWNERS)
def close(request: TenantRequest) -> HttpResponse:
    form = CloseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            closing.close(request.tenant, actor=request.actor, typed_name=form.cleaned_data["name"])
        except ValidationError as error:
            attach(form, error)
        else:
            messages.success(request, f"{request.tenant.name} is deleted. Its credentials are destroyed already.")
            return redirect("home")
    context = {"form": form, "obstacles": closing.obstacles(request.tenant)}
    return render(request, "tenants/close.html", context, status=422 if form.errors else 200)
