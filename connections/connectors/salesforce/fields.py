"""The fields of an object, as describe shows them to the Run-As user."""

from __future__ import annotations

from typing import Any

from connections.connectors.base import Document, Field

from .client import SalesforceClient
from .streams import RESOURCES

TYPES = {
    **dict.fromkeys(("string", "textarea", "email", "phone", "url", "picklist", "combobox", "id", "reference"), "text"),
    **dict.fromkeys(("double", "int", "long", "currency", "percent"), "number"),
    "date": "date",
    "datetime": "datetime",
    "boolean": "boolean",
}


def fields(client: SalesforceClient, kind: str) -> list[Field]:
    kind = RESOURCES[kind].kind if kind in RESOURCES else kind
    described = client.describe(client.schema.object_of(kind)).get("fields") or ()
    found = [_field(each, client.schema.ours(kind, str(each["name"]))) for each in described]
    _remember(client, kind, found)
    return found


def _field(described: Document, name: str) -> Field:
    type_ = TYPES.get(str(described.get("type")), "")
    listed = described.get("picklistValues") or ()
    options = [
        (str(each["value"]), str(each.get("label") or each["value"])) for each in listed if each.get("active", True)
    ]
    restricted = bool(options) and bool(described.get("restrictedPicklist")) and type_ == "text"
    return Field(
        name=name,
        label=str(described.get("label") or name),
        type="choice" if restricted else type_,
        writable=bool(described.get("updateable") and described.get("createable")),
        required=not described.get("nillable", True) and not described.get("defaultedOnCreate"),
        options=tuple(options),
        length=int(described.get("length") or 0) or None if type_ == "text" else None,
    )


def _remember(client: SalesforceClient, kind: str, found: list[Field]) -> None:
    """What was added to the org since its last test is read and written from now on."""
    access = client.access
    learnt: dict[str, Any] = {
        "fields": [field.name for field in found],
        "writable": [field.name for field in found if field.writable],
        "lengths": {field.name: field.length for field in found if field.length},
    }
    for name, value in learnt.items():
        known = access.capabilities.get(name, {})
        if kind in known and known[kind] != value:
            access.learn(name, {**known, kind: value})
