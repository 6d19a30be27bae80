"""Connections in the browser: add, test, prepare, change."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from connections import selectors, services
from connections.connectors import registry
from connections.connectors.base import Connector, Preparation
from connections.errors import ConnectorError
from connections.models import Connection
from connections.page_forms import ConnectionForm
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
    connections = list(selectors.connections_of(request.tenant))
    return render(request, "connections/list.html", {"connections": connections})


@needs(Action.CONFIGURE)
def choose(request: TenantRequest) -> HttpResponse:
    return render(request, "connections/choose.html", {"connectors": registry.all()})


@sensitive_post_parameters()
@sensitive_variables()
@needs(Action.CONFIGURE)
def create(request: TenantRequest, connector: str) -> HttpResponse:
    kind = _connector(connector)
    form = ConnectionForm(request.POST or None, connector=kind, initial={"name": kind.label})
    if request.method == "POST" and form.is_valid():
        try:
            connection = services.create_connection(
                request.tenant,
                kind.key,
                form.cleaned_data["name"],
                form.values(secret=False),
                form.values(secret=True),
                request.actor,
            )
        except ValidationError as error:
            attach(form, error)
        else:
            return _tested(request, connection, f"{connection.name} is added.")
    context = {"form": form, "connector": kind}
    return render(request, "connections/form.html", context, status=422 if form.errors else 200)


@needs(Action.VIEW)
def detail(request: TenantRequest, connection_id: int) -> HttpResponse:
    connection = found(request, connection_id)
    context = {
        "connection": connection,
        "settings": _shown(connection),
        "used_by": [*connection.source_syncs.all(), *connection.destination_syncs.all()],
        "steps": connection.check_report,
        "resting": connection.held_until is not None and connection.held_until > timezone.now(),
    }
    return render(request, "connections/detail.html", context)


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
    form = ConnectionForm(request.POST or None, connector=kind, stored=stored, initial={"name": connection.name})
    if request.method == "POST" and form.is_valid():
        try:
            services.update_connection(
                connection,
                actor=request.actor,
                name=form.cleaned_data["name"],
                config=form.values(secret=False),
                secrets=form.values(secret=True),
            )
        except ValidationError as error:
            attach(form, error)
        else:
            return _tested(request, connection, f"{connection.name} is saved.")
    context = {"form": form, "connector": kind, "connection": connection}
    return render(request, "connections/form.html", context, status=422 if form.errors else 200)


def _tested(request: TenantRequest, connection: Connection, text: str) -> HttpResponse:
    """What was saved is tested at once: whoever typed it can still correct it."""
    if connection.status == Connection.Status.UNTESTED:
        report = services.test_connection(connection, request.actor)
        if not report.ok:
            messages.warning(request, f"{text} The test found something to correct.")
            return redirect("connections:detail", connection.pk)
        text = f"{text} Everything was tested and works."
    messages.success(request, text)
    return redirect("connections:detail", connection.pk)


@needs(Action.CONFIGURE)
def test(request: TenantRequest, connection_id: int) -> HttpResponse:
    connection = found(request, connection_id)
    return act(
        request,
        lambda: services.test_connection(connection, request.actor),
        back=reverse("connections:detail", args=[connection.pk]),
        done=lambda report: "Tested: everything works." if report.ok else "Tested. See below what to correct.",
    )


@needs(Action.CONFIGURE)
def prepare(request: TenantRequest, connection_id: int) -> HttpResponse:
    """What the account lacks, asked of the system itself; a click creates what is ticked."""
    connection = found(request, connection_id)
    if request.method == "POST":
        return _prepare(request, connection)
    missing: list[Preparation] = []
    problem = ""
    try:
        missing = services.missing(connection)
    except ConnectorError as error:
        problem = error.text
    context = {"connection": connection, "missing": missing, "problem": problem}
    return render(request, "connections/prepare.html", context)


def _prepare(request: TenantRequest, connection: Connection) -> HttpResponse:
    keys = request.POST.getlist("key")
    if not keys:
        messages.error(request, "Tick what is to be created first.")
        return redirect("connections:prepare", connection.pk)
    try:
        steps = services.prepare_connection(connection, keys, request.actor)
    except ConnectorError as error:
        messages.error(request, error.text)
        return redirect("connections:prepare", connection.pk)
    failed = [step for step in steps if step.outcome == "failed"]
    for step in failed:
        messages.error(request, " ".join(filter(None, (f"{step.label}:", step.text, step.advice))))
    if failed:
        return redirect("connections:prepare", connection.pk)
    messages.success(request, "The account is prepared, and was tested again.")
    return redirect("connections:detail", connection.pk)


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
