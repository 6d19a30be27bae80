"""The token endpoint, introspection and revocation, and what makes a session good (contract 1)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass

from connections.sandbox.http import Request, Response

from .errors import Refusal, invalid_session
from .org import ORG_ID, Org

FAILURES: dict[str, tuple[str, str]] = {
    "no_run_as_user": ("invalid_grant", "no client credentials user enabled"),
    "wrong_domain": ("invalid_grant", "request not supported on this domain"),
    "not_approved": ("invalid_grant", "user is not admin approved to access this app"),
    "authentication_failure": ("invalid_grant", "authentication failure, expired access/refresh token"),
    "bad_secret": ("invalid_client", "invalid client credentials"),
    "bad_client": ("invalid_client_id", "client identifier invalid"),
    "flow_disabled": ("unsupported_grant_type", "grant type not supported"),
    "inactive_user": ("inactive_user", "user is inactive"),
    "inactive_org": ("inactive_org", "organization is inactive"),
}
_NO_EXPIRY = {
    "rest": "This session is not valid for use with the REST API",
    "app": "Connected app is not attached to Agent",
}


@dataclass(frozen=True, slots=True)
class _Client:
    key: str
    secret: str


def failure(org: Org, name: str) -> Response:
    """An object, not an array, and never cached."""
    error, description = FAILURES[name]
    status = org.switches["invalid_client_status"] if error == "invalid_client" else 400
    body = {"error": error, "error_description": description}
    return Response(status, body, {"Cache-Control": "no-store"}, write=False)


def token(org: Org, request: Request) -> Response:
    """Client credentials in the form or as HTTP Basic. The answer has no expires_in and no refresh token."""
    form = request.form()
    if org.switches["token_failure"]:
        return failure(org, org.switches["token_failure"])
    if form.get("grant_type") != "client_credentials":
        return failure(org, "flow_disabled")
    client = _client(request, form)
    if client.key not in org.switches["clients"]:
        return failure(org, "bad_client")
    if org.switches["clients"][client.key] != client.secret:
        return failure(org, "bad_secret")
    access = f"{ORG_ID[:15]}!AQ{secrets.token_urlsafe(60)}"
    org.sessions[access] = org.clock()
    base = org.switches["instance_url"] or f"http://{request.headers.get('host', 'localhost')}"
    body = {
        "access_token": access,
        "signature": base64.b64encode(hashlib.sha256(access.encode()).digest()).decode(),
        "scope": "api",
        "instance_url": base,
        "id": f"{base}/id/{ORG_ID}/{org.user}",
        "token_type": "Bearer",
        "issued_at": str(int(org.clock() * 1000)),
    }
    return Response(200, body, {"Cache-Control": "no-store"}, write=False)


def _client(request: Request, form: dict[str, str]) -> _Client:
    scheme, _, encoded = str(request.headers.get("authorization", "")).partition(" ")
    if scheme.lower() == "basic":
        try:
            key, _, secret = base64.b64decode(encoded).decode().partition(":")
        except ValueError:
            key = secret = ""
        return _Client(key, secret)
    return _Client(form.get("client_id", ""), form.get("client_secret", ""))


def introspect(org: Org, request: Request) -> Response:
    """Whether a token is active; times are in seconds here."""
    if not org.switches["introspection"]:
        return Response(404, "", write=False)
    form = request.form()
    client = _client(request, form)
    if org.switches["clients"].get(client.key) != client.secret:
        return failure(org, "bad_secret")
    access = form.get("token", "")
    if not _alive(org, access):
        return Response(200, {"active": False}, write=False)
    used, life = int(org.sessions[access]), org.switches["session_timeout"] * 60
    body = {
        "active": True,
        "scope": "api",
        "client_id": client.key,
        "username": "integration.user@larkfield.example",
        "sub": f"https://login.salesforce.com/id/{ORG_ID}/{org.user}",
        "token_type": "access_token",
        "iat": used,
        "nbf": used,
        "exp": used + life,
    }
    return Response(200, body, write=False)


def revoke(org: Org, request: Request) -> Response:
    """Make a token invalid."""
    access = request.form().get("token") or request.param("token") or ""
    if org.sessions.pop(access, None) is None:
        body = {"error": "unsupported_token_type", "error_description": "this token type is not supported"}
        return Response(400, body, write=False)
    return Response(200, "", write=False)


def bearer(request: Request) -> str:
    scheme, _, access = str(request.headers.get("authorization", "")).partition(" ")
    return access.strip() if scheme.lower() in ("bearer", "oauth") else ""


def _alive(org: Org, access: str) -> bool:
    used = org.sessions.get(access)
    return used is not None and org.clock() - used <= org.switches["session_timeout"] * 60


def authenticate(org: Org, request: Request) -> None:
    """Accept a session and count its inactivity anew, or refuse with 401."""
    access = bearer(request)
    if not _alive(org, access):
        org.sessions.pop(access, None)
        raise invalid_session()
    if org.switches["session_refusal"]:
        raise Refusal(401, "INVALID_SESSION_ID", _NO_EXPIRY[org.switches["session_refusal"]])
    org.sessions[access] = org.clock()
