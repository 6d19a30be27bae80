"""Which path means what: numbered and dated versions of the same calls.

Source: https://developers.hubspot.com/docs/api-reference/legacy/migration-guide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from connections.sandbox.http import Request

from . import account, association_calls, batches, objects, property_calls, search
from .calls import Call, Handler
from .errors import invalid, missing_scopes, no_such_resource
from .kinds import Kind, find_kind
from .portal import Portal

DATED = ("2026-03", "2026-09")
NUMBERED = {
    "objects": "v3",
    "links": "v4",
    "associations": "v4",
    "properties": "v3",
    "limits": "v3",
    "account-info": "v3",
}

_PATHS = (
    re.compile(r"/crm/(?P<version>v\d+)/(?P<area>objects|properties|associations|limits)/(?P<rest>.+)"),
    re.compile(r"/crm/(?P<area>objects|properties|associations)/(?P<version>\d{4}-[\w-]+)/(?P<rest>.+)"),
    re.compile(r"/crm/(?P<area>limits)/(?P<version>[\w-]+)/(?P<rest>.+)"),
    re.compile(r"/(?P<area>account-info)/(?P<version>[\w-]+)/(?P<rest>.+)"),
    re.compile(r"/(?P<area>tax-rates|oauth)/(?P<version>v\d)/(?P<rest>.+)"),
)


@dataclass(frozen=True, slots=True)
class Route:
    """One call. ``scope`` is what a token must have been granted for the object types in the path."""

    method: str
    area: str
    pattern: re.Pattern[str]
    handler: Handler
    scope: str = ""
    only: tuple[str, ...] = ()

    @property
    def is_search(self) -> bool:
        """Searches have a limit of their own."""
        return self.handler is search.search

    @property
    def is_association(self) -> bool:
        """Association calls have a limit of their own too."""
        return self.area in ("associations", "links")

    @property
    def writes(self) -> bool:
        """Whether records or definitions change."""
        return self.scope.endswith("write")


_SEGMENT = {"kind": "[^/]+", "target": "[^/]+", "id": "[^/]+", "to_id": "[^/]+", "name": "[^/]+"}


def _route(line: str, handler: Handler, *only: str) -> Route:
    method, area, template, *scope = line.split()
    pattern = re.sub(r"\{(\w+)\}", lambda found: f"(?P<{found[1]}>{_SEGMENT[found[1]]})", template)
    return Route(method, area, re.compile(pattern), handler, scope[0] if scope else "", only)


ROUTES: tuple[Route, ...] = (
    _route("POST objects {kind}/batch/create write", batches.create),
    _route("POST objects {kind}/batch/read read", batches.read),
    _route("POST objects {kind}/batch/update write", batches.update),
    _route("POST objects {kind}/batch/upsert write", batches.upsert),
    _route("POST objects {kind}/batch/archive write", batches.archive_batch),
    _route("POST objects {kind}/search read", search.search),
    _route("POST objects {kind}/merge write", objects.merge_records, "companies", "contacts"),
    _route("GET objects {kind} read", objects.list_records),
    _route("POST objects {kind} write", objects.create_record),
    _route("GET objects {kind}/{id} read", objects.read_record),
    _route("PATCH objects {kind}/{id} write", objects.update_record),
    _route("DELETE objects {kind}/{id} write", objects.delete_record),
    _route("PUT links {kind}/{id}/associations/default/{target}/{to_id} write", association_calls.put_default),
    _route("GET links {kind}/{id}/associations/{target} read", association_calls.read_single),
    _route("PUT links {kind}/{id}/associations/{target}/{to_id} write", association_calls.put_single),
    _route("DELETE links {kind}/{id}/associations/{target}/{to_id} write", association_calls.delete_single),
    _route("POST associations {kind}/{target}/batch/associate/default write", association_calls.create_default),
    _route("POST associations {kind}/{target}/batch/create write", association_calls.create_batch),
    _route("POST associations {kind}/{target}/batch/read read", association_calls.read_batch),
    _route("POST associations {kind}/{target}/batch/archive write", association_calls.archive_batch),
    _route("POST associations {kind}/{target}/batch/labels/archive write", association_calls.archive_labels),
    _route("GET associations {kind}/{target}/labels read", association_calls.labels),
    _route("GET properties {kind}/groups schema_read", property_calls.list_groups),
    _route("POST properties {kind}/groups schema_write", property_calls.create_group),
    _route("GET properties {kind}/groups/{name} schema_read", property_calls.read_group),
    _route("POST properties {kind}/batch/create schema_write", property_calls.create_properties),
    _route("POST properties {kind}/batch/read schema_read", property_calls.read_properties),
    _route("GET properties {kind} schema_read", property_calls.list_properties),
    _route("POST properties {kind} schema_write", property_calls.create_property),
    _route("GET properties {kind}/{name} schema_read", property_calls.read_property),
    _route("PATCH properties {kind}/{name} schema_write", property_calls.update_property),
    _route("DELETE properties {kind}/{name} schema_write", property_calls.delete_property),
    _route("GET limits custom-properties", property_calls.limits),
    _route("GET account-info details", account.details),
    _route("GET account-info api-usage/daily/private-apps", account.daily_usage),
    _route("GET tax-rates tax-rates tax_rates", account.tax_rates),
    _route("POST oauth private-apps/get/access-token-info", account.token_info),
)


def resolve(portal: Portal, request: Request) -> tuple[Route, Call]:
    """The route and the call of a request. Raises :class:`Refusal`: 404 for a path or version that does not exist."""
    for path in _PATHS:
        found = path.fullmatch(request.path)
        if found:
            area, version, rest = found["area"], found["version"], found["rest"]
            if area == "objects" and "/associations/" in rest:
                area = "links"
            _check_version(portal, area, version)
            return _match(request, area, version, rest)
    raise no_such_resource()


def _check_version(portal: Portal, area: str, version: str) -> None:
    known = area not in NUMBERED or version in DATED or version == NUMBERED[area]
    if not known or version in portal.switches["retired_versions"]:
        raise no_such_resource()


def _match(request: Request, area: str, version: str, rest: str) -> tuple[Route, Call]:
    for route in ROUTES:
        if route.area != area or route.method != request.method:
            continue
        found = route.pattern.fullmatch(rest)
        if found:
            parts = found.groupdict()
            kinds = tuple(_kind(parts.pop(name)) for name in ("kind", "target") if name in parts)
            if route.only and kinds[0].name not in route.only:
                raise no_such_resource()
            return route, Call(request, version, kinds, parts)
    raise no_such_resource()


def _kind(name: str) -> Kind:
    kind = find_kind(name)
    if kind is None:
        raise invalid(f"Unable to infer object type from: {name}")
    return kind


def check_scopes(portal: Portal, route: Route, call: Call) -> None:
    """403 that names the missing scopes."""
    granted = set(portal.switches["granted_scopes"])
    if route.scope == "tax_rates" and "tax_rates.read" not in granted:
        raise missing_scopes(["tax_rates.read"])
    for kind in call.kinds:
        if route.scope:
            needed: tuple[str, ...] = getattr(kind, f"{route.scope}_scopes")
            if granted.isdisjoint(needed):
                raise missing_scopes(needed)
