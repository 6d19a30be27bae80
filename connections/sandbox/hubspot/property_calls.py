"""Calls on property definitions and their groups.

Sources: https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide and, for the room left,
https://developers.hubspot.com/docs/api-reference/latest/crm/limits-tracking/get-custom-properties.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from connections.sandbox.http import Response

from .batches import answer
from .calls import Call, doubled, inputs_of
from .catalog import FIELD_TYPES
from .definitions import Definition
from .errors import Refusal, invalid, not_found
from .kinds import KINDS, Kind
from .portal import Portal
from .values import iso

MOST_UNIQUE = 10
CUSTOM_LIMIT = 1_000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}\Z")
_OPTION_FIELDS = ("label", "value", "displayOrder", "hidden")
_CHANGEABLE = {
    "label": "label", "description": "description", "groupName": "group", "options": "options", "type": "type",
    "fieldType": "field_type",
}  # fmt: skip


def shown(portal: Portal, kind: Kind, definition: Definition) -> dict[str, Any]:
    """A definition as answered."""
    read_only = portal.definitions.is_read_only(kind, definition)
    body: dict[str, Any] = {
        "name": definition.name,
        "label": definition.label,
        "type": definition.type,
        "fieldType": definition.field_type,
        "description": definition.description,
        "groupName": definition.group,
        "options": portal.definitions.options(definition),
        "displayOrder": -1,
        "calculated": definition.calculated and read_only,
        "externalOptions": False,
        "hasUniqueValue": definition.unique,
        "hidden": False,
        "hubspotDefined": not definition.custom,
        "formField": not read_only,
        "dataSensitivity": "non_sensitive",
        "archived": definition.archived_at is not None,
        "modificationMetadata": {
            "archivable": definition.custom,
            "readOnlyDefinition": not definition.custom,
            "readOnlyValue": read_only,
        },
    }
    if definition.custom:
        body |= {"createdAt": iso(definition.created_at), "updatedAt": iso(definition.updated_at)}
    if definition.archived_at is not None:
        body["archivedAt"] = iso(definition.archived_at)
    return body


def list_properties(portal: Portal, call: Call) -> Response:
    """All definitions of a type; archived ones where asked for."""
    definitions = portal.definitions
    chosen = definitions.archived(call.kind) if call.flag("archived") else definitions.of(call.kind)
    return Response(200, {"results": [shown(portal, call.kind, definition) for definition in chosen.values()]})


def read_property(portal: Portal, call: Call) -> Response:
    """One definition."""
    definitions = portal.definitions
    chosen = definitions.archived(call.kind) if call.flag("archived") else definitions.of(call.kind)
    definition = chosen.get(call.parts["name"])
    if definition is None:
        raise _no_property(call.parts["name"])
    return Response(200, shown(portal, call.kind, definition))


def _no_property(name: str) -> Refusal:
    return not_found(f'Property "{name}" does not exist')


def create_property(portal: Portal, call: Call) -> Response:
    """A new property; 409 where the name exists."""
    with portal.store.transaction() as cursor:
        definition = _create(portal, cursor, call.kind, call.body())
    portal.definitions.reload()
    return Response(201, shown(portal, call.kind, definition))


def create_properties(portal: Portal, call: Call) -> Response:
    """Several new properties; those that exist stand in the errors."""
    started, inputs = portal.clock(), inputs_of(call.body(), 100)
    twice = doubled(str(item.get("name")) for item in inputs)
    if twice:
        raise invalid(f"Names given twice: {', '.join(twice)}")
    created, errors = [], []
    with portal.store.transaction() as cursor:
        for item in inputs:
            try:
                created.append(_create(portal, cursor, call.kind, item))
                portal.definitions.reload()
            except Refusal as refusal:
                errors.append(refusal.entry())
    plain = 200 if call.dated else 201
    return answer(portal, call, plain, [shown(portal, call.kind, each) for each in created], errors, started)


def read_properties(portal: Portal, call: Call) -> Response:
    """Several definitions by name."""
    started, names = portal.clock(), [str(item.get("name")) for item in inputs_of(call.body(), 100)]
    live = portal.definitions.of(call.kind)
    results = [shown(portal, call.kind, live[name]) for name in names if name in live]
    errors = [_no_property(name).entry() for name in names if name not in live]
    return answer(portal, call, 200, results, errors, started)


def _create(portal: Portal, cursor: sqlite3.Cursor, kind: Kind, body: dict[str, Any]) -> Definition:
    missing = [name for name in ("groupName", "name", "label", "type", "fieldType") if not body.get(name)]
    if missing:
        raise invalid(f"Required fields are missing: {', '.join(missing)}", context={"missing": missing})
    name = str(body["name"])
    if portal.switches["name_rules"] and not _NAME.match(name):
        raise invalid(f'"{name}" is not a valid property name')
    if portal.definitions.get(kind, name):
        raise Refusal(409, "OBJECT_ALREADY_EXISTS", f'A property named "{name}" already exists.')
    refused = portal.switches["unique_refused"].get(kind.name)
    unique = bool(body.get("hasUniqueValue"))
    if unique and refused == "refuse":
        raise invalid(f"Unique properties are not available for {kind.type_id}")
    now = portal.clock()
    definition = Definition(
        name=name,
        type=str(body["type"]),
        field_type=str(body["fieldType"]),
        group=str(body["groupName"]),
        label=str(body["label"]),
        custom=True,
        unique=unique and refused != "silent",
        description=str(body.get("description") or ""),
        options=_options(body.get("options") or []),
        created_at=now,
        updated_at=now,
    )
    _check(portal, kind, definition)
    portal.definitions.save(cursor, kind, definition)
    return definition


def _check(portal: Portal, kind: Kind, definition: Definition) -> None:
    if definition.type not in FIELD_TYPES:
        raise invalid(f"{definition.type} is not a property type")
    if definition.field_type not in FIELD_TYPES[definition.type]:
        raise invalid(f"fieldType {definition.field_type} does not go with type {definition.type}")
    if definition.group not in portal.definitions.groups(kind):
        raise invalid(f'Property group "{definition.group}" does not exist')
    if definition.type == "enumeration" and not definition.options:
        raise invalid("An enumeration needs options")
    if definition.unique:
        held = [each for each in portal.definitions.custom(kind) if each.unique and each.name != definition.name]
        if len(held) >= MOST_UNIQUE:
            raise invalid(f"At most {MOST_UNIQUE} unique properties are allowed for {kind.type_id}")


def _options(given: object) -> list[dict[str, Any]]:
    if not isinstance(given, list):
        raise invalid("options must be a list")
    for option in given:
        missing = [name for name in _OPTION_FIELDS if not isinstance(option, dict) or name not in option]
        if missing:
            raise invalid(f"Options need {', '.join(missing)}")
    return [{name: option[name] for name in (*_OPTION_FIELDS, "description") if name in option} for option in given]


def update_property(portal: Portal, call: Call) -> Response:
    """Change a definition; ``hasUniqueValue`` cannot be changed."""
    body, definition = call.body(), _own(portal, call)
    if "hasUniqueValue" in body and bool(body["hasUniqueValue"]) != definition.unique:
        raise invalid("hasUniqueValue cannot be changed once the property exists.")
    unknown = sorted(set(body) - set(_CHANGEABLE) - {"hasUniqueValue", "displayOrder", "hidden", "formField"})
    if unknown:
        raise invalid(f"These fields cannot be changed: {', '.join(unknown)}")
    values = {attribute: body[name] for name, attribute in _CHANGEABLE.items() if name in body}
    if "options" in values:
        values["options"] = _options(values["options"])
    names = ("name", "type", "field_type", "group", "label", "unique", "description", "options", "created_at")
    kept = {name: getattr(definition, name) for name in names}
    changed = Definition(**(kept | values), custom=True, updated_at=portal.clock())
    _check(portal, call.kind, changed)
    with portal.store.transaction() as cursor:
        portal.definitions.save(cursor, call.kind, changed)
    portal.definitions.reload()
    return Response(200, shown(portal, call.kind, changed))


def _own(portal: Portal, call: Call) -> Definition:
    definition = portal.definitions.get(call.kind, call.parts["name"])
    if definition is None:
        raise _no_property(call.parts["name"])
    if not definition.custom:
        raise invalid(f'"{definition.name}" is defined by HubSpot and cannot be changed.')
    return definition


def delete_property(portal: Portal, call: Call) -> Response:
    """Archive a definition; its values are gone."""
    definition = _own(portal, call)
    definition.archived_at = portal.clock()
    with portal.store.transaction() as cursor:
        portal.definitions.save(cursor, call.kind, definition)
        portal.records.forget_property(cursor, call.kind, definition.name)
    portal.definitions.reload()
    return Response(204)


def _group(name: str, label: str) -> dict[str, Any]:
    return {"name": name, "label": label, "displayOrder": -1, "archived": False}


def list_groups(portal: Portal, call: Call) -> Response:
    """All groups of a type."""
    groups = portal.definitions.groups(call.kind)
    return Response(200, {"results": [_group(name, label) for name, label in groups.items()]})


def read_group(portal: Portal, call: Call) -> Response:
    """One group."""
    name = call.parts["name"]
    label = portal.definitions.groups(call.kind).get(name)
    if label is None:
        raise not_found(f'Property group "{name}" does not exist')
    return Response(200, _group(name, label))


def create_group(portal: Portal, call: Call) -> Response:
    """A new group; 409 where the name exists."""
    body = call.body()
    name, label = str(body.get("name") or ""), str(body.get("label") or "")
    if not name or not label:
        raise invalid("A group needs name and label")
    if name in portal.definitions.groups(call.kind):
        raise Refusal(409, "OBJECT_ALREADY_EXISTS", f'A property group named "{name}" already exists.')
    with portal.store.transaction() as cursor:
        portal.definitions.save_group(cursor, call.kind, name, label)
    return Response(201, _group(name, label))


def limits(portal: Portal, call: Call) -> Response:
    """How many custom properties the account may still have."""
    del call
    rows = []
    for kind in KINDS:
        used = len(portal.definitions.custom(kind))
        rows.append(
            {
                "objectTypeId": kind.type_id,
                "singularLabel": kind.label.replace("_", " ").title(),
                "pluralLabel": kind.name.replace("_", " ").title(),
                "limit": CUSTOM_LIMIT,
                "usage": used,
                "percentage": 100 * used / CUSTOM_LIMIT,
            }
        )
    used = sum(int(str(row["usage"])) for row in rows)
    most = CUSTOM_LIMIT * len(KINDS)
    return Response(
        200,
        {"byObjectType": rows, "overallLimit": most, "overallUsage": used, "overallPercentage": 100 * used / most},
    )
