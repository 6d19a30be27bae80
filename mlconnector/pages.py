"""What all pages share: the request as the middleware leaves it, buttons that end in a message, refusals by field."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

if TYPE_CHECKING:
    from django import forms

    from mlconnector.tenants.models import Tenant

_Result = TypeVar("_Result")


class TenantRequest(HttpRequest):
    """A request behind ``needs``: the middleware has put the tenant, the member's role and the actor's name on it."""

    tenant: Tenant
    role: str
    actor: str
    htmx: Any


def act(
    request: HttpRequest,
    do: Callable[[], _Result],
    *,
    back: str,
    done: Callable[[_Result], str | tuple[str, str]],
) -> HttpResponse:
    """Calls one service for a posted button and redirects with a message: ``back``, or where ``done`` says.

    A GET on the address of a button, as after signing in again, changes nothing and goes ``back``.
    """
    if request.method != "POST":
        return redirect(back)
    try:
        result = do()
    except ValidationError as error:
        for text in error.messages:
            messages.error(request, text)
        return redirect(back)
    except PermissionDenied as error:
        messages.error(request, str(error))
        return redirect(back)
    said = done(result)
    text, target = said if isinstance(said, tuple) else (said, back)
    messages.success(request, text)
    return redirect(target)


def attach(form: forms.BaseForm, error: ValidationError) -> None:
    """Shows a service's refusal at the fields it names; at the top of the form where it has no such field."""
    fields = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
    for name, texts in fields.items():
        form.add_error(name if name in form.fields else None, texts)


def number(text: str | None) -> int | None:
    """A number out of an address, None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
