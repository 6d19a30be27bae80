"""A request with a zero character in it: no person types one, and PostgreSQL stores none."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

SEE_FOR_THEMSELVES = ("/api/", "/admin/")
"""Parts that answer in their own way."""


class ZeroMiddleware:
    """Answers 400 to one in an address or a form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(SEE_FOR_THEMSELVES) and _has_zero(request):
            raise BadRequest("The request holds a character that is no text.")
        return self.get_response(request)


def _has_zero(request: HttpRequest) -> bool:
    if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
        return True
    return any("\0" in value for name in request.POST for value in (name, *request.POST.getlist(name)))
