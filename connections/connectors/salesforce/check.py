"""The connection test: address, version, sign-in, objects and fields with their rights, sharing, room left, clock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from connections.connectors.base import CheckReport, CheckStep, Document
from connections.errors import ConnectorError
from connections.http import Call, Door

from . import soql
from .auth import ClientCredentials
from .client import SalesforceClient
from .errors import TABLE
from .prepare import describe
from .schema import CHECKBOX, CURRENCY, DATE, DATETIME, KINDS, LOOKUP, NUMBER, TEXT, Field, Kind, is_custom
from .streams import RESOURCES

LITTLE_LEFT = 0.2
CLOCK_APART = 120
READ_ONLY = {"OpportunityLineItem": "opportunity products", "Product2": "products", "PricebookEntry": "price books"}
TYPES = {
    TEXT: ("string", "textarea", "picklist", "url", "phone", "email"),
    NUMBER: ("double", "int", "currency", "percent"),
    CURRENCY: ("currency", "double"),
    DATE: ("date",),
    DATETIME: ("datetime",),
    CHECKBOX: ("boolean",),
    LOOKUP: ("reference",),
}
OPTIONS_KEPT = {"account": ("Type", "Industry")}
CHILDREN = {"opportunity": "OpportunityLineItem", "purchase_order": "purchase_order_line"}
_RETRIEVE = "Run Prepare, or assign the permission set Fusion_Sync to the Run-As user."


def run(client: SalesforceClient, sign_in: ClientCredentials, report: CheckReport) -> None:
    """About fifteen calls; writes nothing. Write rights are read from describe."""
    if not _address(client, report) or not _signed_in(client, sign_in, report):
        return
    found = report.capabilities
    found.update(api_version=client.version, fields={}, writable={}, lengths={}, options={}, relationships={})
    for kind in KINDS.values():
        report.add(_object(client, kind, found))
    for name, label in READ_ONLY.items():
        report.add(_readable(client, name, label))
    for name in ("Account", "Opportunity"):
        report.add(_visible(client, name))
    found["multi_currency"] = "CurrencyIsoCode" in found["fields"].get("opportunity", ())
    report.add(*_condition(client, found), *_room(client, found), *_clock(client))


def _address(client: SalesforceClient, report: CheckReport) -> bool:
    """The list of versions needs no token and counts against nothing."""
    label = "Address and version"
    try:
        with Door(client.door.base_url, access=client.access, errors=TABLE, parallel=1) as door:
            listed = door.send(Call("GET", "/services/data/", label="the list of versions")).body
    except ConnectorError as error:
        advice = "Check the My Domain address: Setup → My Domain."
        report.add(CheckStep.of("address", label, error, advice))
        return False
    offered = [f"v{each['version']}" for each in listed if isinstance(each, dict) and each.get("version")]
    if client.version in offered:
        report.add(CheckStep("address", label, "ok", f"API {client.version}."))
        return True
    newest = ", ".join(offered[-3:]) or "none"
    text = f"The org does not offer API {client.version}. It offers {newest}."
    report.add(CheckStep("address", label, "failed", text, "Choose one of these in the connection."))
    return False


def _signed_in(client: SalesforceClient, sign_in: ClientCredentials, report: CheckReport) -> bool:
    label = "Signed in"
    try:
        sign_in.sign_in()
        client.get("", label="the API")
    except ConnectorError as error:
        report.add(CheckStep.of("sign_in", label, error))
        return False
    host = client.door.base_url.partition("//")[2]
    report.account = host
    report.capabilities["user_id"] = sign_in.user_id
    report.add(CheckStep("sign_in", label, "ok", f"At {host}, as user {sign_in.user_id or 'of the app'}."))
    return True


def _object(client: SalesforceClient, kind: Kind, found: Document) -> CheckStep:
    name = client.schema.object_of(kind.key)
    key, label = f"object.{kind.key}", f"{kind.plural} ({name})"
    described = describe(client, name)
    if described is None and is_custom(name):
        return CheckStep(key, label, "warning", f"The org has no {name}, or hides it.", "Run Prepare: it creates it.")
    if described is None:
        advice = "Choose another object in the connection, or let the Run-As user see this one."
        return CheckStep(
            key, label, "failed", f"The org has no {name}, or hides it from the Run-As user.", advice, partial=True
        )
    fields = {str(each["name"]).lower(): each for each in described.get("fields") or ()}
    _keep(client, kind, described, fields, found)
    rights = [right for right in ("queryable", "createable", "updateable") if not described.get(right)]
    if rights:
        text = f"The Run-As user lacks rights on {name}: not {', '.join(rights)}."
        return CheckStep(key, label, "failed", text, _RETRIEVE, partial=True)
    return _fields(client, kind, fields, key, label)


def _keep(client: SalesforceClient, kind: Kind, described: Document, fields: Document, found: Document) -> None:
    """What flows need to know of the org, by our names."""
    back = {client.schema.field(kind.key, each.name).lower(): each.name for each in kind.fields}
    named = {back.get(lower, str(each["name"])): each for lower, each in fields.items()}
    found["fields"][kind.key] = list(named)
    found["writable"][kind.key] = [name for name, each in named.items() if each.get("updateable")]
    found["lengths"][kind.key] = {name: int(each["length"]) for name, each in named.items() if each.get("length")}
    for name in OPTIONS_KEPT.get(kind.key, ()):
        values = named.get(name, {}).get("picklistValues") or []
        found["options"][f"{kind.key}.{name}"] = [each["value"] for each in values if each.get("active", True)]
    if kind.key in CHILDREN:
        lines = RESOURCES["opportunities" if kind.key == "opportunity" else "purchase_orders"].lines
        child, parent = client.schema.object_of(CHILDREN[kind.key]), ""
        if lines is not None:
            parent = client.schema.field(lines.kind, lines.parent)
        for each in described.get("childRelationships") or ():
            if each.get("childSObject") == child and each.get("field") == parent and each.get("relationshipName"):
                found["relationships"][kind.key] = each["relationshipName"]


def _fields(client: SalesforceClient, kind: Kind, fields: Document, key: str, label: str) -> CheckStep:
    absent, wrong = [], []
    for each in kind.fields:
        name = client.schema.field(kind.key, each.name)
        described = fields.get(name.lower())
        if described is None:
            absent.append(name)
        elif problem := _problem(each, described):
            wrong.append(f"{name} {problem}")
    if wrong:
        return CheckStep(
            key, label, "failed", f"{'; '.join(wrong)}.", "Correct these fields, or name others.", partial=True
        )
    if absent:
        text = f"Not there or not visible: {', '.join(absent)}."
        return CheckStep(key, label, "warning", text, _RETRIEVE)
    return CheckStep(key, label, "ok", "All fields there.")


def _problem(wanted: Field, described: Document) -> str:
    if described.get("type") not in TYPES[wanted.type]:
        return f"is of type {described.get('type')}, but must be {wanted.type.lower()}"
    if wanted.key and not (described.get("unique") and (described.get("externalId") or described.get("idLookup"))):
        return "must be an External ID and Unique: recreate it so"
    if not described.get("updateable"):
        return "may not be edited by the Run-As user"
    if wanted.type == TEXT and int(described.get("length") or 0) < min(wanted.length, 20):
        return f"is too short ({described.get('length')})"
    return ""


def _readable(client: SalesforceClient, name: str, label: str) -> CheckStep:
    described = describe(client, name)
    if described is not None and described.get("queryable"):
        return CheckStep(f"read.{name}", f"May read {label}", "ok")
    text = f"The org has no {name}, or hides it. It is needed only to send opportunities to the ERP."
    return CheckStep(f"read.{name}", f"May read {label}", "warning", text, "Let the Run-As user read it.")


def _visible(client: SalesforceClient, name: str) -> CheckStep:
    key, label = f"sharing.{name}", f"Sees records of {name}"
    try:
        rows = client.query(soql.select(["Id"], name, (), "LIMIT 1"), label=name)
    except ConnectorError as error:
        return CheckStep.of(key, label, error)
    if not rows:
        text = "Reachable, but nothing is visible."
        advice = "If there should be some, share them with the Run-As user or give it View All."
        return CheckStep(key, label, "warning", text, advice)
    return CheckStep(key, label, "ok")


def _condition(client: SalesforceClient, found: Document) -> Iterable[CheckStep]:
    """A condition the org does not understand would stop the flow later on."""
    if "purchase_order" not in found["fields"] or "Ready_For_Fusion__c" not in found["fields"]["purchase_order"]:
        return
    condition = client.access.config.get("purchase_order_condition") or ""
    name = client.schema.object_of("purchase_order")
    if not condition:
        return
    label = "Condition of purchase orders"
    try:
        client.query(soql.select(["Id"], name, [f"({condition})"], "LIMIT 1"), label=name)
    except ConnectorError as error:
        yield CheckStep.of("condition", label, error, "Correct the condition in the connection.")
        return
    yield CheckStep("condition", label, "ok")


def _room(client: SalesforceClient, found: Document) -> Iterable[CheckStep]:
    room = client.door.room
    if client.door.allowance is not None:
        found["allowance"] = dict(client.door.allowance)
    if room.used is None or not room.most:
        return
    low = room.most - room.used < LITTLE_LEFT * room.most
    text = f"{room.used:,} of {room.most:,} calls of the last 24 hours are used, by all apps of the org."
    advice = "Let other apps call less, or buy more calls: the sync stops at the reserve." if low else ""
    yield CheckStep("daily", "Room under the daily limit", "warning" if low else "ok", text, advice)


def _clock(client: SalesforceClient) -> Iterable[CheckStep]:
    clock: Any = client.door.clock
    if clock is None:
        return
    apart = abs((timezone.now() - clock[0]).total_seconds())
    outcome = "warning" if apart > CLOCK_APART else "ok"
    text = f"This server's clock and Salesforce's are {apart:.0f} seconds apart." if outcome == "warning" else ""
    yield CheckStep("clock", "Clocks agree", outcome, text, "Ask your operator to set the clock." if text else "")
