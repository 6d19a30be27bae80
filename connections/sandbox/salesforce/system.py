"""Salesforce, imitated: one org behind one port.

Everything the vendor documents is enforced; what is only reported or assumed can be switched (``switches.SWITCHES``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from connections.sandbox.http import Request, Response
from connections.sandbox.stats import route_template
from connections.sandbox.store import Store

from . import auth, report, seeds
from .errors import Refusal, RowError
from .happenings import Happenings
from .org import Org
from .people import People
from .routes import resolve

MAX_HEAD = 16_384
_VERSION = re.compile(r"/services/data/v(\d+)")
_ROW = re.compile(r"(?<=/)[0-9a-zA-Z]{3}5g0[0-9a-zA-Z]{12}(?:-\d+)?(?=/|$)")
_BY_KEY = re.compile(r"(/data/v\d+\.\d/sobjects/\w+/)(?!describe|updated|deleted)(\w+)/.+")


class Salesforce:
    """The imitated system. ``people`` does what users do in the vendor's own screens."""

    name = "salesforce"
    ports: tuple[str, ...] = ("org",)

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self.org = Org(store, clock)
        self.switches: dict[str, Any] = self.org.switches
        self.people = People(self.org)
        self.events = Happenings(self.org, self.people).events()

    # -- requests --------------------------------------------------------------------------------------------------

    def handle(self, port: str, request: Request) -> Response:
        """Answer one request. Thread-safe."""
        del port
        headers: dict[str, str] = {}
        try:
            response = self._answer(request, headers)
        except RowError as error:
            response = error.refusal().response()
        except Refusal as refusal:
            response = refusal.response()
        if response.status == 404 and isinstance(response.body, list) and self.switches["not_found_object"]:
            response.body = response.body[0]
        response.headers = headers | response.headers
        if request.headers.get("x-prettyprint") == "1" and isinstance(response.body, dict | list):
            response.body = json.dumps(response.body, indent=2, ensure_ascii=False)
            response.content_type = "application/json;charset=UTF-8"
        return response

    def _answer(self, request: Request, headers: dict[str, str]) -> Response:
        org = self.org
        if self.switches["unknown_host"]:
            return Response(420, "<html><body>Unknown host</body></html>", content_type="text/html")
        self._check_size(request)
        path = request.path.rstrip("/")
        if path.startswith("/services/oauth2/"):
            return self._oauth(path, request)
        if path == "/services/data" and request.method == "GET":
            return Response(200, self._versions())
        auth.authenticate(org, request)
        found = _VERSION.match(path)
        if found and self.switches["retired_below"] <= int(found[1]) < self.switches["deprecated_below"]:
            headers["Warning"] = '299 - "This API version is deprecated and will be retired by Summer \'28."'
        call, route = resolve(org, request)
        try:
            org.usage.admit()
            response = route.handler(call)
        finally:
            headers["Sforce-Limit-Info"] = org.usage.header()
            org.locks.release(call.owner)
        if response.write is None:
            response.write = route.write and response.status < 400
        return response

    def _check_size(self, request: Request) -> None:
        """URI and headers together take 16,384 bytes (source: REST API guide)."""
        head = sum(len(name) + len(value) + 4 for name, value in request.headers.items())
        if len(request.target) > MAX_HEAD:
            raise Refusal(414, "URI_TOO_LONG", "The URI exceeds 16,384 bytes")
        if len(request.target) + head > MAX_HEAD:
            raise Refusal(431, "HEADERS_TOO_LONG", "The URI and the headers exceed 16,384 bytes")

    def _oauth(self, path: str, request: Request) -> Response:
        handlers = {"token": auth.token, "introspect": auth.introspect, "revoke": auth.revoke}
        handler = handlers.get(path.rpartition("/")[2])
        if handler is None or request.method != "POST":
            return Response(404, "", write=False)
        return handler(self.org, request)

    def _versions(self) -> list[dict[str, str]]:
        """All versions, retired ones not among them; asked without a token and not counted."""
        first, last = self.switches["retired_below"], self.switches["newest_version"]
        seasons = ("Spring", "Summer", "Winter")
        listed = []
        for number in range(first, last + 1):
            year = 26 + (number - 66) // 3 + (1 if (number - 66) % 3 == 2 else 0)
            season = seasons[(number - 66) % 3]
            version = f"{number}.0"
            listed.append(
                {"label": f"{season} '{year % 100:02d}", "url": f"/services/data/v{version}", "version": version}
            )
        return listed

    def expire_token(self, request: Request) -> None:
        """Make the token of a request invalid, as a time-out does."""
        self.org.sessions.pop(auth.bearer(request), None)

    def route(self, port: str, path: str) -> str:
        """The route for the statistics, ids and external ids taken out."""
        del port
        path = _BY_KEY.sub(r"\1\2/{value}", _ROW.sub("{id}", path.rstrip("/")))
        return route_template(path)

    # -- state -----------------------------------------------------------------------------------------------------

    def seed(self, name: str = "demo", *, prepared: bool | None = None) -> None:
        """Fill an empty org: "demo", "small" or "empty"; ``prepared`` creates the suggested schema."""
        seeds.seed(self.org, name, prepared=prepared)

    def prepare(self) -> None:
        """Create the suggested objects and fields, and grant them to the user of the app."""
        seeds.prepare(self.org)

    def dump(self) -> dict[str, Any]:
        """The whole state, normalised: rows by their key, without ids and times."""
        return report.dump(self.org)
