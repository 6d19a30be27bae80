"""Connections in the browser: add, test, prepare, change."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django_htmx.http import HttpResponseClientRefresh

from connections import checkups, selectors, services, trial
from connections.connectors import registry
from connections.connectors.base import Connector
from connections.models import Checkup, Connection
from connections.page_forms import ConnectionForm
from mlconnector import queue
from mlconnector.pages import TenantRequest, act, attach
from mlconnector.tenants.middleware import needs
from mlconnector.tenants.permissions import Action


def found(request: TenantRequest, connection_id: int) -> Connection:
    try:
        return selectors.connection_of(request.tenant, connection_id)
    except Connection.DoesNotExist:
        raise Http404 from None


@needs(Action.VIEW)
def index(request: TenantRequest) -> HttpResponse:
    connections = [
        (connection, selectors.days_left(connection)) for connection in selectors.connections_of(request.tenant)
    ]
    return render(request, "connections/list.html", {"connections": connections})


@needs(Action.CONFIGURE)
def choose(request: TenantRequest) -> HttpResponse:
    offers = [(connector, trial.offered(connector.key)) for connector in registry.all()]
    return render(request, "connections/choose.html", {"offers": offers})


@sensitive_post_parameters()
@sensitive_variables()
@needs(Action.CONFIGURE)
def create(request: TenantRequest, connector: str) -> HttpResponse:
    kind = _connector(connector)
    form = ConnectionForm(request.POST or None, connector=kind, initial={"name": kind.label})
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                connection = services.create_connection(
                    request.tenant,
                    kind.key,
                    form.cleaned_data["name"],
                    form.values(secret=False),
                    form.values(secret=True),
                    request.actor,
                )
                services.set_expiry(connection, form.cleaned_data["credentials_expire_on"], request.actor)
        except ValidationError as error:
            attach(form, error)
        else:
            return _saved(request, connection, f"{connection.name} is added.")
    context = {"form": form, "connector": kind, "sandbox": trial.offered(kind.key)}
    return render(request, "connections/form.html", context, status=422 if form.errors else 200)


@needs(Action.CONFIGURE)
def sandbox(request: TenantRequest, connector: str) -> HttpResponse:
    """All filled in, on a simulated system: saved and tested like any other."""
    kind = _connector(connector)

    def connect() -> Connection:
        connection = trial.connect(request.tenant, kind.key, request.actor)
        if connection.status == Connection.Status.UNTESTED:
            checkups.start(connection, request.actor)
        return connection

    return act(
        request,
        connect,
        back=reverse("connections:create", args=[kind.key]),
        done=lambda made: (f"{made.name} is there.", reverse("connections:detail", args=[made.pk])),
    )


@needs(Action.VIEW)
def detail(request: TenantRequest, connection_id: int) -> HttpResponse:
    connection = found(request, connection_id)
    live = _live(connection)
    if request.htmx and not live["testing"]:
        return HttpResponseClientRefresh()
    context = {
        **live,
        "settings": _shown(connection),
        "used_by": selectors.used_by(connection),
        "first_sync": not request.tenant.syncs.exists(),
        "lacking": connection.capabilities.get("missing") or [],
        "resting": connection.held_until is not None and connection.held_until > timezone.now(),
        "days_left": selectors.days_left(connection),
    }
    return render(request, "connections/live.html" if request.htmx else "connections/detail.html", context)


def _live(connection: Connection) -> dict[str, Any]:
    """How far a test left to a worker is, and whether there is a worker to do it."""
    checkup = checkups.of(connection)
    testing = checkup is not None and checkups.is_active(checkup)
    queued = checkup is not None and checkup.state == Checkup.State.QUEUED
    return {
        "connection": connection,
        "checkup": checkup,
        "testing": testing,
        "cut_off": checkup is not None and checkup.state != Checkup.State.OVER and not testing,
        "no_worker": testing and queued and not any(queue.alive(name) for name in (queue.MAIN, queue.BACKFILL)),
        "steps": checkup.steps if checkup is not None and testing else connection.check_report,
    }


def _shown(connection: Connection) -> list[dict[str, object]]:
    """The settings in words. Of a secret only whether there is one."""
    states = [state for state in selectors.settings_of(connection) if state.setting.required or state.stored]
    return [
        {
            "setting": state.setting,
            "stored": state.stored,
            "shown": dict(state.setting.choices).get(state.value, state.value),
        }
        for state in states
    ]


@sensitive_post_parameters()
@sensitive_variables()
@needs(Action.CONFIGURE)
def edit(request: TenantRequest, connection_id: int) -> HttpResponse:
    connection = found(request, connection_id)
    kind, stored = _connector(connection.connector), selectors.settings_of(connection)
    initial = {"name": connection.name, "credentials_expire_on": connection.credentials_expire_on}
    form = ConnectionForm(request.POST or None, connector=kind, stored=stored, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                services.update_connection(
                    connection,
                    actor=request.actor,
                    name=form.cleaned_data["name"],
                    config=form.values(secret=False),
                    secrets=form.values(secret=True),
                )
                services.set_expiry(connection, form.cleaned_data["credentials_expire_on"], request.actor)
        except ValidationError as error:
            attach(form, error)
        else:
            return _saved(request, connection, f"{connection.name} is saved.")
    context = {"form": form, "connector": kind, "connection": connection}
    return render(request, "connections/form.html", context, status=422 if form.errors else 200)


def _saved(request: TenantRequest, connection: Connection, text: str) -> HttpResponse:
    """What was saved is tested at once: whoever typed it can still correct it."""
    if connection.status == Connection.Status.UNTESTED:
        checkups.start(connection, request.actor)
        text = f"{text} It is being tested now."
    messages.success(request, text)
    return redirect("connections:detail", connection.pk)


@needs(Action.CONFIGURE)
def test(request: TenantRequest, connection_id: int) -> HttpResponse:
    connection = found(request, connection_id)
    return act(
        request,
        lambda: checkups.start(connection, request.actor),
        back=reverse("connections:detail", args=[connection.pk]),
        done=lambda _: "The test has started. What it finds appears below, line by line.",
    )


@needs(Action.CONFIGURE)
def prepare(request: TenantRequest, connection_id: int) -> HttpResponse:
    """What the account lacks, as the last test found it; a click creates what is ticked."""
    connection = found(request, connection_id)
    if request.method == "POST":
        return _prepare(request, connection)
    live = _live(connection)
    if request.htmx and not live["testing"]:
        return HttpResponseClientRefresh()
    lacking = connection.capabilities.get("missing")
    context = {
        **live,
        "known": lacking is not None,
        "groups": selectors.grouped(lacking or []),
        "number": len(lacking or []),
        "failed": [step for step in _prepared(live["checkup"]) if step["outcome"] == "failed"],
    }
    return render(request, "connections/preparing.html" if request.htmx else "connections/prepare.html", context)


def _prepared(checkup: Checkup | None) -> list[dict[str, Any]]:
    return checkup.prepared if checkup is not None else []


def _prepare(request: TenantRequest, connection: Connection) -> HttpResponse:
    keys = request.POST.getlist("key")
    back = reverse("connections:prepare", args=[connection.pk])
    if not keys:
        messages.error(request, "Tick what is to be created first.")
        return redirect(back)
    return act(
        request,
        lambda: checkups.start(connection, request.actor, keys),
        back=back,
        done=lambda _: "The parts are being created. Then the connection is tested again.",
    )


@needs(Action.CONFIGURE)
def delete(request: TenantRequest, connection_id: int) -> HttpResponse:
    connection = found(request, connection_id)
    return act(
        request,
        lambda: services.delete(connection, request.actor),
        back=reverse("connections:detail", args=[connection.pk]),
        done=lambda _: (f"{connection.name} and its credentials are deleted.", reverse("connections:list")),
    )


def _connector(key: str) -> Connector:
    try:
        return registry.get(key)
    except KeyError:
        raise Http404 from None
