"""Addresses under /services/data/vNN.N, and which handler answers each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connections.sandbox.http import Request, Response

from . import bulk, collection, composite, deploy, query, records
from .calls import Call, Handler
from .errors import Refusal, not_found
from .org import Org

_PATH = re.compile(r"/services/data/v(?P<version>\d+\.\d)(?P<rest>(?:/.*)?)")


def resources(call: Call) -> Response:
    names = ("sobjects", "query", "queryAll", "composite", "limits", "jobs", "metadata")
    return Response(200, {name: f"{call.base}/{name}" for name in names})


def limits(call: Call) -> Response:
    """Needs View Setup and Configuration, so an API-only user may be refused."""
    if not call.org.switches["limits_resource"]:
        raise Refusal(403, "INSUFFICIENT_ACCESS", "This feature is not currently enabled for this user.")
    most = call.org.switches["daily_limit"]
    left = max(0, most - call.org.usage.used())
    return Response(
        200,
        {
            "DailyApiRequests": {"Max": most, "Remaining": left},
            "DataStorageMB": {"Max": 10_240, "Remaining": 0 if call.org.switches["storage_full"] else 9_000},
            "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
        },
    )


def record_count(call: Call) -> Response:
    wanted = [name for name in (call.request.param("sObjects") or "").split(",") if name]
    seen = [each for each in call.org.visible().values() if not wanted or each.name in wanted]
    counts = [{"name": each.name, "count": len(call.org.rows.many(each.name))} for each in seen]
    return Response(200, {"sObjects": counts})


@dataclass(frozen=True, slots=True)
class Route:
    """One address and method."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    write: bool


def _route(method: str, template: str, handler: Handler, *, write: bool | None = None) -> Route:
    """``{name}`` is one segment; ``{value*}`` may hold slashes."""
    pattern = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", template)
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
    return Route(method, re.compile(pattern, re.IGNORECASE), handler, method != "GET" if write is None else write)


ROUTES: tuple[Route, ...] = (
    _route("GET", "", resources),
    _route("GET", "/limits", limits),
    _route("GET", "/limits/recordCount", record_count),
    _route("GET", "/query", lambda call: query.run(call, everything=False)),
    _route("GET", "/queryAll", lambda call: query.run(call, everything=True)),
    _route("GET", "/query(?:All)?/{locator}", query.more),
    _route("GET", "/sobjects", records.describe_global),
    _route("GET", "/sobjects/{object}", records.basic),
    _route("POST", "/sobjects/{object}", records.create),
    _route("GET", "/sobjects/{object}/describe", records.describe),
    _route("GET", "/sobjects/{object}/updated", records.updated),
    _route("GET", "/sobjects/{object}/deleted", records.deleted),
    _route("GET", "/sobjects/{object}/{id}", records.read),
    _route("PATCH", "/sobjects/{object}/{id}", records.update),
    _route("DELETE", "/sobjects/{object}/{id}", records.delete),
    _route("GET", "/sobjects/{object}/{field}/{value*}", records.read_by_key),
    _route("PATCH", "/sobjects/{object}/{field}/{value*}", records.upsert),
    _route("DELETE", "/sobjects/{object}/{field}/{value*}", records.delete_by_key),
    _route("POST", "/composite/sobjects", collection.create),
    _route("PATCH", "/composite/sobjects", collection.update),
    _route("DELETE", "/composite/sobjects", collection.delete),
    _route("GET", "/composite/sobjects/{object}", collection.read),
    _route("POST", "/composite/sobjects/{object}", collection.read, write=False),
    _route("PATCH", "/composite/sobjects/{object}/{field}", collection.upsert),
    _route("POST", "/composite", lambda call: composite.composite(call, dispatch)),
    _route("POST", "/composite/batch", lambda call: composite.batch(call, dispatch)),
    _route("POST", "/composite/graph", lambda call: composite.graph(call, dispatch)),
    _route("POST", "/composite/tree/{object}", composite.tree),
    _route("GET", "/jobs/ingest", bulk.listing),
    _route("POST", "/jobs/ingest", bulk.create),
    _route("GET", "/jobs/ingest/{id}", bulk.read),
    _route("PATCH", "/jobs/ingest/{id}", bulk.change),
    _route("DELETE", "/jobs/ingest/{id}", bulk.delete),
    _route("PUT", "/jobs/ingest/{id}/batches", bulk.upload),
    _route("GET", "/jobs/ingest/{id}/(?P<kind>successfulResults|failedResults|unprocessedrecords)", bulk.results),
    _route("POST", "/metadata/deployRequest", deploy.start),
    _route("GET", "/metadata/deployRequest/{id}", deploy.status),
)


def check_version(org: Org, version: str) -> None:
    """Retired versions are gone with 410, those the org never had are unknown."""
    number = float(version)
    if number < org.switches["retired_below"]:
        raise Refusal(410, "UNSUPPORTED_API_VERSION", f"The requested API version v{version} has been retired.")
    if number > org.switches["newest_version"] or number != int(number):
        raise not_found()


def resolve(org: Org, request: Request) -> tuple[Call, Route]:
    """The call and the handler of a request. Raises :class:`Refusal`: 404 for an address that does not exist."""
    found = _PATH.fullmatch(request.path.rstrip("/"))
    if not found:
        raise not_found()
    check_version(org, found["version"])
    other = False
    for route in ROUTES:
        matched = route.pattern.fullmatch(found["rest"])
        if matched and route.method == request.method:
            return Call(org, request, found["version"], matched.groupdict()), route
        other = other or bool(matched)
    if other:
        message = f"HTTP Method '{request.method}' not allowed."
        raise Refusal(405, "METHOD_NOT_ALLOWED", message)
    raise not_found()


def dispatch(outer: Call, request: Request) -> Response:
    """Answer a request inside another one: it has the outer one's locks."""
    call, route = resolve(outer.org, request)
    if route.pattern.fullmatch("/composite") or "/metadata" in request.path:
        raise Refusal(400, "INVALID_INPUT", "this resource cannot stand inside another request")
    call.owner = outer.owner
    return route.handler(call)
