"""The connection test: what the key may do, what the account has, and what the integration must do without."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from django.utils import timezone

from connections.connectors.base import CheckReport, CheckStep, Document, Done, allowance
from connections.errors import ConnectorError, RecordError, TransientError
from connections.http import Answer, Call

from .client import HubSpotClient
from .fields import is_writable
from .properties import KEY, KINDS, NOT_UNIQUE, WANTED, absent, judge

LITTLE_LEFT = 0.2
CLOCK_APART = 120
OPTIONS_KEPT = {
    "companies": ("industry",),
    "commerce_payments": ("hs_payment_method_type", "hs_processor_type", "hs_latest_status"),
}
OPTIONAL = frozenset({"commerce_payments"})
"""Types an account may lack altogether; everything but their own flow goes without them."""
NO_SUCH_PROPERTY = "ml_connector_no_such_property"
WRITE_SCOPES = {
    "companies": ("crm.objects.companies.write",),
    "contacts": ("crm.objects.contacts.write",),
    "invoices": ("crm.objects.invoices.write",),
    "line_items": ("crm.objects.line_items.write", "e-commerce"),
    "commerce_payments": ("crm.objects.commercepayments.write",),
}
WRITABLE_AFTER = frozenset({"hubspot_property_absent", "hubspot_key_not_unique"})
"""Refusals of the write probe that come only after the scope was found sufficient."""


def run(client: HubSpotClient, token: str, report: CheckReport) -> None:
    """About seventeen calls; writes nothing."""
    try:
        answer = client.door.send(Call("GET", client.paths.account(), label="account details"))
    except TransientError as error:
        report.add(CheckStep.of("address", "HubSpot reached", error))
        return
    except ConnectorError as error:
        report.add(CheckStep.of("sign_in", "Signed in", error))
        return
    account: Document = answer.body
    report.account = _name(account)
    report.capabilities.update(_account_capabilities(account), unique={}, properties={}, options={})
    report.add(
        CheckStep("address", "HubSpot reached", "ok"),
        _signed_in(account),
        *_room(answer, report.capabilities),
        *_clock(answer),
    )
    for kind, label in KINDS.items():
        report.add(_may_read(client, kind, label))
        report.add(_definitions(client, kind, label, report.capabilities))
        report.add(_may_write(client, kind, label, report.capabilities))
    report.add(*_scopes(client, token))


def _signed_in(account: Document) -> CheckStep:
    region = account.get("dataHostingLocation") or "an unnamed region"
    text = f"{_name(account)}, data in {region}, currencies {', '.join(_currencies(account))}."
    advice = "Is this the right account? Invoices in other currencies are rejected: add missing ones in HubSpot."
    return CheckStep("sign_in", "Signed in", "ok", text, advice)


def _name(account: Document) -> str:
    return f"HubSpot {account.get('portalId', '')} ({account.get('accountType') or 'account'})"


def _currencies(account: Document) -> list[str]:
    listed = [account.get("companyCurrency"), *(account.get("additionalCurrencies") or [])]
    return list(dict.fromkeys(str(code) for code in listed if code))


def _account_capabilities(account: Document) -> Document:
    return {
        "portal_id": str(account.get("portalId", "")),
        "ui_domain": str(account.get("uiDomain") or ""),
        "time_zone": str(account.get("timeZone") or ""),
        "currencies": _currencies(account),
    }


def _room(answer: Answer, capabilities: Document) -> Iterator[CheckStep]:
    burst = number(answer, "Max")
    if burst and (number(answer, "Interval-Milliseconds") or 10_000) == 10_000:
        capabilities["burst"] = burst
    if (left := daily(answer)) is None:
        return
    capabilities["allowance"] = left
    low = left["left"] < LITTLE_LEFT * left["limit"]
    text = f"{left['left']:,} of {left['limit']:,} calls are left today, for all apps of the account."
    advice = "Let other apps call less: when none are left, the sync rests until midnight." if low else ""
    yield CheckStep("daily", "Room under the daily limit", "warning" if low else "ok", text, advice)


def daily(answer: Answer) -> Document | None:
    """The day's allowance as the headers of an answer tell it."""
    limit, left = number(answer, "Daily"), number(answer, "Daily-Remaining")
    return allowance(left, limit) if limit and left is not None else None


def _clock(answer: Answer) -> Iterator[CheckStep]:
    if answer.server_time is None:
        return
    apart = abs((timezone.now() - answer.server_time).total_seconds())
    if apart > CLOCK_APART:
        text = f"This server's clock and HubSpot's are {apart:.0f} seconds apart."
        yield CheckStep("clock", "Clocks agree", "warning", text, "Ask your operator to set the clock.")
    else:
        yield CheckStep("clock", "Clocks agree", "ok")


def number(answer: Answer, name: str) -> int | None:
    value = answer.headers.get(f"X-HubSpot-RateLimit-{name}") or ""
    return int(value) if value.isdigit() else None


def _may_read(client: HubSpotClient, kind: str, label: str) -> CheckStep:
    try:
        client.door.send(Call("GET", client.paths.objects(kind), params={"limit": 1}, label=kind))
    except ConnectorError as error:
        return _refused(f"read.{kind}", f"May read {label}", kind, error)
    return CheckStep(f"read.{kind}", f"May read {label}", "ok")


def _definitions(client: HubSpotClient, kind: str, label: str, capabilities: Document) -> CheckStep:
    try:
        definitions = client.property_definitions(kind)
    except ConnectorError as error:
        return _refused(f"properties.{kind}", f"Properties of {label}", kind, error)
    known = {definition["name"]: definition for definition in definitions}
    capabilities["properties"][kind] = [name for name, definition in known.items() if is_writable(definition)]
    capabilities["unique"][kind] = bool(known.get(KEY, {}).get("hasUniqueValue"))
    for name in OPTIONS_KEPT.get(kind, ()):
        if name in known:
            options = known[name].get("options") or []
            capabilities["options"][f"{kind}.{name}"] = [option["value"] for option in options]
    return _properties_step(kind, label, known)


def _properties_step(kind: str, label: str, known: dict[str, Document]) -> CheckStep:
    key, name = f"properties.{kind}", f"Properties of {label}"
    lacking = absent(kind, known.values())
    if lacking:
        text = f"Not there yet: {', '.join(wanted.name for wanted in lacking)}."
        return CheckStep(key, name, "warning", text, "Run Prepare: it creates them.")
    judged = [judge(wanted, known[wanted.name]) for wanted in WANTED if wanted.kind == kind]
    for outcome in ("failed", "warning"):
        for step in judged:
            if step.outcome == outcome:
                return CheckStep(key, name, outcome, step.text, step.advice)
    return CheckStep(key, name, "ok", "All there.")


def _may_write(client: HubSpotClient, kind: str, label: str, capabilities: Document) -> CheckStep:
    """An upsert that cannot succeed, for it names a property that cannot exist: which refusal comes tells the scope."""
    key, name = f"write.{kind}", f"May write {label}"
    probe = str(uuid.uuid4())
    try:
        done = client.upsert(kind, [(probe, {NO_SUCH_PROPERTY: "1"})], key_property=KEY)[probe]
    except ConnectorError as error:
        done = error
    if isinstance(done, Done):
        client.archive(kind, [done.id])
        return CheckStep(key, name, "ok")
    if done.code == "hubspot_key_not_unique" and capabilities["unique"].get(kind):
        capabilities["unique"][kind] = False
        return CheckStep(key, name, "warning", NOT_UNIQUE)
    if done.code in WRITABLE_AFTER or isinstance(done, RecordError):
        return CheckStep(key, name, "ok")
    return _refused(key, name, kind, done)


def _scopes(client: HubSpotClient, token: str) -> list[CheckStep]:
    """What the key itself says it may; optional, so a refusal proves nothing."""
    try:
        call = Call(
            "POST",
            "/oauth/v2/private-apps/get/access-token-info",
            json={"tokenKey": token},
            idempotent=True,
            label="key details",
        )
        granted = set((client.door.send(call).body or {}).get("scopes") or [])
    except ConnectorError:
        return []
    lacking = [kind for kind, choice in WRITE_SCOPES.items() if granted and not granted & set(choice)]
    if not lacking:
        return []
    text = f"The key lacks: {', '.join(' or '.join(WRITE_SCOPES[kind]) for kind in lacking)}."
    outcome = "warning" if OPTIONAL.issuperset(lacking) else "failed"
    advice = "Add these scopes to the key in HubSpot."
    return [CheckStep("scopes", "Scopes of the key", outcome, text, advice, partial=True)]


def _refused(key: str, label: str, kind: str, error: ConnectorError) -> CheckStep:
    if kind in OPTIONAL:
        advice = "Without it everything but payments can be synced."
        return CheckStep.of(key, label, error, advice, outcome="warning")
    return CheckStep.of(key, label, error)
