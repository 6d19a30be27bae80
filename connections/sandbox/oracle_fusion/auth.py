"""The identity domain's token endpoint and the check of credentials on the pod."""

# Names in SQL come from the attribute tables, values are always parameters.
# ruff: noqa: S608

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from ..store import Store
from ..wire import Request, Response
from .records import TOKENS

TOKEN_PATH = "/oauth2/v1/token"
DEMO_CREDENTIALS = {
    "client_id": "ml-connector-demo",
    "client_secret": "demo-secret-only-for-the-sandbox",
    "scope": "urn:opc:resource:fusion:demo:financials/",
    "username": "integration.user",
    "password": "demo-password-only-for-the-sandbox",
}
LOGIN_PAGE = "https://login.example.com/oam/server/obrareq.cgi?encquery%3Ddemo"
_EXPIRY = re.compile(r"(.*?) urn:opc:resource:expiry=(\d{1,7})")


class Identity:
    """Issues and knows tokens. They live in the store, so that a restarted sandbox still honours them."""

    def __init__(self, store: Store, clock: Callable[[], float], switches: dict[str, Any]) -> None:
        self.store = store
        self.clock = clock
        self.switches = switches
        self.credentials = dict(DEMO_CREDENTIALS)

    def token(self, request: Request) -> Response:
        """``POST /oauth2/v1/token``, grant client_credentials, credentials in the header or in the body."""
        if request.method != "POST":
            return Response(405, "", content_type="text/html")
        if "application/x-www-form-urlencoded" not in request.headers.get("content-type", ""):
            return _refusal(400, "invalid_request", "The content type must be application/x-www-form-urlencoded.")
        form = request.form()
        client = basic_credentials(request) or (form.get("client_id", ""), form.get("client_secret", ""))
        if tuple(map(unquote_plus, client)) != (self.credentials["client_id"], self.credentials["client_secret"]):
            return _refusal(401, "invalid_client", "Client authentication failed.")
        if form.get("grant_type") != "client_credentials":
            return _refusal(400, "unsupported_grant_type", "The grant type is not supported by this client.")
        scope, lifetime = form.get("scope", ""), int(self.switches["token_lifetime"])
        match = _EXPIRY.fullmatch(scope)
        if match:
            scope, lifetime = match[1], int(match[2])
        if scope != self.credentials["scope"]:
            return _refusal(400, "invalid_scope", "The scope is not granted to this client.")
        return self._issue(lifetime)

    def _issue(self, lifetime: int) -> Response:
        token = f"eyJ4NXQjUzI1NiI6.{secrets.token_urlsafe(24)}.{secrets.token_urlsafe(24)}"
        self.store.execute(f"INSERT INTO {TOKENS} VALUES (?, ?)", (token, self.clock() + lifetime))
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": lifetime}
        return Response(200, answer, {"Cache-Control": "no-store"}, write=False)

    def admitted(self, request: Request) -> bool:
        """Whether the request carries a live token, or the user's name and password where the pod takes them."""
        if not self.switches["user_known"]:
            return False
        token = bearer(request)
        if token:
            row = self.store.one(f"SELECT expires FROM {TOKENS} WHERE token = ?", (token,))
            return row is not None and row["expires"] > self.clock()
        expected = (self.credentials["username"], self.credentials["password"])
        return bool(self.switches["basic_allowed"]) and basic_credentials(request) == expected

    def expire(self, request: Request) -> None:
        """Make the token of this request invalid."""
        self.store.execute(f"DELETE FROM {TOKENS} WHERE token = ?", (bearer(request),))

    def refusal(self) -> Response:
        """A 401 whose body may be JSON, HTML or empty, or a 302 to a login page (both seen by integrators)."""
        style = self.switches["auth_failure"]
        if style == "redirect":
            return Response(302, "", {"Location": LOGIN_PAGE}, "text/html")
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        if style == "html":
            title = "401 Unauthorized"
            page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
            return Response(401, page, headers, "text/html; charset=UTF-8")
        if style == "empty":
            return Response(401, None, headers)
        return Response(401, {"title": "Unauthorized", "status": "401"}, headers)


def bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def basic_credentials(request: Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def _refusal(status: int, error: str, description: str) -> Response:
    return Response(status, {"error": error, "error_description": description}, write=False)
