"""A connection without a database and a transport without a network, for tests of connectors and of the door."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.response import HTTPResponse

from connections.connectors.base import CheckReport, Document


class StubAccess:
    """Settings and secrets as given; the token is kept here."""

    connection_id = 1

    def __init__(self, config: Mapping[str, str] | None = None, secrets: Mapping[str, str] | None = None) -> None:
        self.config: dict[str, str] = dict(config or {})
        self.secrets: dict[str, str] = dict(secrets or {})
        self.capabilities: dict[str, Any] = {}
        self.ticks = 0
        self.stored: Document | None = None
        self.refreshes = 0

    def learn(self, name: str, value: Any) -> None:
        self.capabilities = {**self.capabilities, name: value}

    def tick(self) -> None:
        self.ticks += 1

    def token(self) -> Document | None:
        return self.stored

    def refresh(self, stale: Document | None, obtain: Callable[[], Document]) -> Document:
        if self.stored is None or self.stored == stale:
            self.refreshes += 1
            self.stored = obtain()
        return self.stored


def checked(connector: Any, access: Any) -> CheckReport:
    """What a connector's test finds."""
    report = CheckReport()
    connector.check(access, report)
    return report


Reply = tuple[int, Any] | tuple[int, Any, Mapping[str, str]] | Exception
Handler = Callable[[requests.PreparedRequest], Reply]


class StubAdapter(HTTPAdapter):
    """Answers with what is declared, in order; a request nobody declared fails the test."""

    def __init__(self, *replies: Reply | Handler) -> None:
        super().__init__()
        self.replies = list(replies)
        self.requests: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.requests.append(request)
        if not self.replies:
            raise AssertionError(f"undeclared request: {request.method} {request.url}")
        reply = self.replies.pop(0)
        if callable(reply):
            reply = reply(request)
        if isinstance(reply, Exception):
            raise reply
        return self.build_response(request, response(*reply))

    def paths(self) -> list[str]:
        return [request.path_url for request in self.requests]


def response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> HTTPResponse:
    from io import BytesIO

    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **(headers or {})}
    return HTTPResponse(body=BytesIO(raw), headers=sent, status=status, preload_content=False)
