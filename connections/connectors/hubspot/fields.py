"""The properties of a type, as the account has them (source: developers.hubspot.com, properties API)."""

from __future__ import annotations

from connections.connectors.base import Document, Field

from .client import HubSpotClient

TYPES = {
    "string": "text",
    "phone_number": "text",
    "number": "number",
    "date": "date",
    "datetime": "datetime",
    "bool": "boolean",
    "enumeration": "choice",
}
LONGEST = 65_536
SEVERAL = frozenset({"checkbox"})
"""Several options at once, with semicolons between them."""


def fields(client: HubSpotClient, kind: str) -> list[Field]:
    found = [_field(definition) for definition in client.property_definitions(kind) if not definition.get("archived")]
    _remember(client, kind, [field.name for field in found if field.writable])
    return found


def is_writable(definition: Document) -> bool:
    rules = definition.get("modificationMetadata") or {}
    return not (definition.get("calculated") or rules.get("readOnlyValue"))


def _field(definition: Document) -> Field:
    type_ = TYPES.get(str(definition.get("type")), "")
    one_of = type_ == "choice" and definition.get("fieldType") not in SEVERAL
    options = [
        (str(each["value"]), str(each.get("label") or each["value"])) for each in definition.get("options") or ()
    ]
    return Field(
        name=str(definition["name"]),
        label=str(definition.get("label") or definition["name"]),
        type=type_ if one_of or type_ != "choice" else "",
        writable=is_writable(definition),
        options=tuple(options) if one_of else (),
        length=LONGEST if type_ == "text" else None,
    )


def _remember(client: HubSpotClient, kind: str, names: list[str]) -> None:
    """What was added to the account since its last test is sent from now on."""
    access = client.door.access
    known = access.capabilities.get("properties", {})
    if set(known.get(kind, ())) != set(names):
        access.learn("properties", {**known, kind: names})
