"""HubSpot, imitated: one account behind one port.

Everything the vendor documents is enforced; what is only reported or assumed can be switched (``switches.SWITCHES``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from connections.sandbox.http import Request, Response
from connections.sandbox.store import Store

from . import report, seeds
from .calls import Call
from .errors import Refusal, invalid_properties, unknown_property
from .people import People
from .portal import Portal
from .routes import Route, check_scopes, resolve


class HubSpot:
    """The imitated system. ``people`` does what users do in the vendor's own screens."""

    name = "hubspot"
    ports: tuple[str, ...] = ("api",)

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self.portal = Portal(store, clock)
        self.switches: dict[str, Any] = self.portal.switches
        self.people = People(self.portal)
        self.events = self.people.events()

    # -- requests --------------------------------------------------------------------------------------------------

    def handle(self, port: str, request: Request) -> Response:
        """Answer one request. Thread-safe."""
        del port
        headers: dict[str, str] = {}
        try:
            response = self._answer(request, headers)
        except Refusal as refusal:
            response = refusal.response()
        response.headers = headers | response.headers
        return response

    def _answer(self, request: Request, headers: dict[str, str]) -> Response:
        switches = self.switches
        if len(request.path) + len(request.raw_query) > switches["max_url"]:
            raise Refusal(414, None, "The URL is too long.")
        if switches["moving"] is not None:
            raise Refusal(
                477,
                "MIGRATION_IN_PROGRESS",
                "This account is moving to another data centre.",
                headers={"Retry-After": str(switches["moving"])},
            )
        self._authenticate(request)
        route, call = resolve(self.portal, request)
        headers |= self.portal.limits.admit(search=route.is_search, association=route.is_association)
        if switches["check_order"] == "properties" and route.writes and route.area == "objects":
            self._check_known_properties(call)
        check_scopes(self.portal, route, call)
        response = route.handler(self.portal, call)
        response.write = _is_write(route)
        return response

    def _authenticate(self, request: Request) -> None:
        scheme, _, token = str(request.headers.get("authorization", "")).partition(" ")
        if scheme != "Bearer" or token.strip() not in self.switches["tokens"]:
            raise Refusal(
                401,
                self.switches["authentication_category"],
                "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
                "more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
            )

    def _check_known_properties(self, call: Call) -> None:
        """The other order of checks: unknown properties are refused before missing scopes are."""
        if not call.kinds or not call.request.body:
            return
        body = call.body()
        items = [item for item in body.get("inputs", [body]) if isinstance(item, dict)]
        names = {name for item in items for name in item.get("properties") or {}}
        unknown = sorted(name for name in names if self.portal.definitions.get(call.kind, name) is None)
        if unknown:
            raise invalid_properties(unknown_property(name) for name in unknown)

    def expire_token(self, request: Request) -> None:
        """Make the token of a request invalid, as a revoked or rotated key is."""
        token = str(request.headers.get("authorization", "")).partition(" ")[2].strip()
        self.switches["tokens"] = [known for known in self.switches["tokens"] if known != token]

    # -- state -----------------------------------------------------------------------------------------------------

    def seed(self, name: str = "demo", *, prepared: bool | None = None) -> None:
        """Fill an empty account: "demo", "small" or "empty"; ``prepared`` creates the suggested properties."""
        seeds.seed(self.portal, name, prepared=prepared)

    def prepare(self) -> None:
        """Create the suggested custom properties."""
        seeds.prepare(self.portal)

    def dump(self, without: Iterable[str] = ()) -> dict[str, Any]:
        """The whole state, normalised; ``without`` names further properties to leave out."""
        return report.dump(self.portal, frozenset(without))

    def stats(self) -> dict[str, Any]:
        """Counts a test may want: records per type, mails HubSpot would have sent, calls of today."""
        return report.stats(self.portal)

    @property
    def mails_sent(self) -> int:
        """Mails to customers HubSpot would have sent: one for each billable invoice that was opened."""
        return self.portal.counter("mails_sent")

    @property
    def violations(self) -> list[dict[str, Any]]:
        """Broken rules that the API does not refuse, such as a line item with a second parent."""
        return report.violations(self.portal)

    def orphans(self) -> list[dict[str, Any]]:
        """Line items without a parent."""
        return report.orphans(self.portal)


def _is_write(route: Route) -> bool:
    return route.writes
