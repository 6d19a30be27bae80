"""The connection test: what is signed in, which objects can be read, and what this pod's filters can do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from connections.connectors.base import CheckReport, CheckStep
from connections.errors import ConfigError, ConnectorError, StreamRefused, TransientError

from .auth import ClientCredentials
from .client import FusionClient
from .errors import NotVisible, Refused
from .probe import Probe
from .rows import unpack
from .streams import CUSTOMERS, RESOURCES, Resource

SKEW_SECONDS = 120
_EMPTY = "Reachable, but this user sees no rows."
_EMPTY_ADVICE = "If there should be some, give the Fusion user data access to its business units."
_RECEIVABLES = ("invoices", "receipts", "activities")
_UNPROVED = (
    "Reading works. Whether the user may also create them cannot be tested without creating one: on a test pod, let "
    "the sync send one that stays a draft."
)


@dataclass(frozen=True, slots=True)
class _Later:
    """An object some integrations use. Lacking it is worth knowing, but no reason to fail the others."""

    stream: str
    needed: str
    privilege: str
    expand: str | None = None
    written: bool = False


_LATER = (
    _Later("suppliers", "to bring suppliers over and to send purchase orders to Fusion", "view", expand="sites"),
    _Later("sales_orders", "to send orders to Fusion", "view and create", written=True),
    _Later("draft_purchase_orders", "to send purchase orders to Fusion", "view and create", written=True),
    _Later("purchase_orders", "to send purchase orders to Fusion", "view"),
)


_ASKED_FOR = frozenset({"site_activities", "draft_purchase_orders"})
"""Never walked, only asked for by number: nobody needs to know how their changes are found."""


def run(client: FusionClient, report: CheckReport, *, user: str, pinned: str) -> None:
    """About fifty calls of one row each; reads only."""
    root = _context_root(client, report, user)
    if root is None:
        return
    report.account = client.door.base_url.partition("//")[2]
    _framework(client, report, root, pinned)
    for stream in _RECEIVABLES:
        report.add(_readable(client, client.resource(stream), user))
    report.add(_customers(client, user))
    report.add(_readable(client, client.resource("persons"), user))
    for later in _LATER:
        report.add(_later(client, later, user))
    _ladders(client, report)
    report.add(_clock(client))


def _context_root(client: FusionClient, report: CheckReport, user: str) -> Any:
    """Signs in on the way: a refusal of the identity domain and one of the pod need different hands."""
    label = "Signed in"
    client.use_framework("")  # a version the pod does not take would refuse everything
    try:
        if isinstance(client.door.authorize, ClientCredentials):
            client.door.authorize.anew()
        body = client.get("/fscmRestApi/resources", {}, "the list of releases").body
    except ConfigError as error:
        advice = f"The Fusion user must be called {user}." if error.code == "fusion_sign_in" else ""
        report.add(CheckStep.of("sign_in", label, error, advice))
        return None
    except (TransientError, Refused, NotVisible) as error:
        advice = "Check the pod address: it looks like https://<pod>.fa.<region>.oraclecloud.com."
        report.add(CheckStep.of("pod", "Pod reached", error, advice))
        return None
    report.add(CheckStep("sign_in", label, "ok", f"As {user}."), CheckStep("pod", "Pod reached", "ok"))
    return body


def _framework(client: FusionClient, report: CheckReport, root: Any, pinned: str) -> None:
    allowed, default = _versions(root)
    version = pinned if not allowed or pinned in allowed else default
    report.capabilities["framework_version"] = version
    client.use_framework(version)
    if version == pinned:
        return
    text = f"The pod does not take REST framework version {pinned}; version {default} is used."
    report.add(CheckStep("framework", "REST framework", "warning", text))


def _versions(root: Any) -> tuple[list[str], str]:
    for item in _objects(root):
        extension = item.get("adf:extension")
        if isinstance(extension, dict) and extension.get("allowedFrameworkVersions"):
            allowed = [str(version) for version in extension["allowedFrameworkVersions"]]
            return allowed, str(extension.get("defaultFrameworkVersion") or allowed[0])
    return [], "1"


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for part in node.values():
            yield from _objects(part)
    elif isinstance(node, list):
        for part in node:
            yield from _objects(part)


def _readable(client: FusionClient, resource: Resource, user: str) -> CheckStep:
    label = f"May read {resource.label.lower()}"
    try:
        rows = _one(client, resource)
    except StreamRefused:
        advice = f"Give {user} a job role with the privilege to view {resource.label.lower()}."
        return CheckStep(resource.stream, label, "failed", f"{resource.name} is refused.", advice, partial=True)
    except ConnectorError as error:
        return CheckStep.of(resource.stream, label, error)
    if not rows:
        return CheckStep(resource.stream, label, "warning", _EMPTY, _EMPTY_ADVICE)
    return CheckStep(resource.stream, label, "ok")


def _customers(client: FusionClient, user: str) -> CheckStep:
    chosen = client.resource("customers")
    step = _readable(client, chosen, user)
    if step.outcome != "failed":
        return step
    other = next(resource for name, resource in CUSTOMERS.items() if name != chosen.name)
    if _readable(client, other, user).outcome == "failed":
        return step
    advice = f"{step.advice} Or choose {other.name} as the source of customers: this user may read that."
    return replace(step, advice=advice.strip())


def _later(client: FusionClient, later: _Later, user: str) -> CheckStep:
    resource = client.resource(later.stream)
    noun = resource.label.lower()
    label, needed = f"May read {noun}", f"Needed only {later.needed}."
    advice = f"{needed} Give {user} a job role with the privilege to {later.privilege} {noun}."
    try:
        rows = _one(client, resource, expand=later.expand)
        offered = _creates(client, resource) if later.written else None
    except StreamRefused:
        return CheckStep(resource.stream, label, "warning", f"{resource.name} is refused.", advice)
    except ConnectorError as error:
        return CheckStep.of(resource.stream, label, error, needed, outcome="warning")
    if offered is False:
        text = f"{resource.name} may be read, but the pod does not offer this user to create any."
        return CheckStep(resource.stream, label, "warning", text, advice)
    told = [_EMPTY] if not rows else []
    told += [_UNPROVED] if later.written else []
    return CheckStep(resource.stream, label, "ok", " ".join(told))


def _creates(client: FusionClient, resource: Resource) -> bool | None:
    """Whether ``describe`` lists creating among the actions of the collection. None: it does not say."""
    try:
        body = client.get(f"{client.path(resource)}/describe", {}, f"{resource.name} describe").body
    except (Refused, NotVisible):
        return None
    for item in _objects(body):
        described = item.get(resource.name)
        collection = described.get("collection") if isinstance(described, dict) else None
        actions = collection.get("actions") if isinstance(collection, dict) else None
        if isinstance(actions, list) and actions:
            return any(isinstance(action, dict) and action.get("method") == "POST" for action in actions)
    return None


def _one(client: FusionClient, resource: Resource, *, expand: str | None = None) -> list[Any]:
    """One row: its key, or with children, since ``fields`` would leave those out."""
    params = {"limit": 1, "onlyData": "true", "expand": expand, "fields": None if expand else resource.key}
    return unpack(client.get(client.path(resource), params, resource.name).body, 1)[0]


def _ladders(client: FusionClient, report: CheckReport) -> None:
    """How changes are found on each stream, really tried; kept with the connection."""
    dialects: dict[str, Any] = {}
    for stream in RESOURCES:
        resource = client.resource(stream)
        try:
            dialect = Probe(client, resource).explored()
        except ConnectorError:
            continue  # its own line of the report says why
        dialects[resource.name] = dialect.stored()
        if not dialect.filters and stream not in _ASKED_FOR:
            way = f"by reading {resource.window} of the last months" if resource.window else "by a sweep"
            text = f"Changes of {resource.label.lower()} are found {way}: the pod cannot filter them."
            report.add(CheckStep(f"ladder_{stream}", f"Changes of {resource.label.lower()}", "ok", text))
    report.capabilities["dialects"] = dialects


def _clock(client: FusionClient) -> CheckStep:
    label = "Clocks"
    try:
        apart = abs(client.server_now().timestamp() - time.time())
    except ConnectorError as error:
        return CheckStep.of("clock", label, error, outcome="warning")
    if apart > SKEW_SECONDS:
        text = f"The pod's clock and ours are {apart:.0f} seconds apart."
        return CheckStep(
            "clock", label, "warning", text, "Tell support; nothing is lost, since the pod's clock counts."
        )
    return CheckStep("clock", label, "ok")
