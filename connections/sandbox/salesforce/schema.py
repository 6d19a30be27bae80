"""Objects and fields: what describe says, and what every write and query is checked against."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any

NUMERIC = frozenset({"currency", "double", "percent", "int"})
TEXTUAL = frozenset({"string", "textarea", "picklist", "multipicklist", "email", "phone", "url"})
_LENGTHS = {"picklist": 255, "multipicklist": 4099, "email": 80, "phone": 40, "url": 255, "reference": 18, "id": 18}


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``refs`` are the objects a reference may point to, ``formula`` a path to the value it shows."""

    name: str
    type: str
    label: str = ""
    length: int = 0
    precision: int = 18
    scale: int = 2
    required: bool = False
    createable: bool = True
    updateable: bool = True
    unique: bool = False
    external_id: bool = False
    case_sensitive: bool = False
    refs: tuple[str, ...] = ()
    relationship: str | None = None
    children: str | None = None
    values: tuple[str, ...] = ()
    restricted: bool = False
    default: Any = None
    formula: str = ""
    custom: bool = False
    master: bool = False
    needs: str = ""

    @property
    def filterable(self) -> bool:
        """Long text and compound fields cannot stand in WHERE (source: SOQL guide)."""
        return self.type != "address" and not (self.type == "textarea" and self.length > 255)

    @property
    def indexed(self) -> bool:
        return self.external_id or self.unique or self.type == "reference"


@dataclass(frozen=True, slots=True)
class SObject:
    """One object; ``fields`` by lower-case name. The three flags are what the user may do."""

    name: str
    label: str
    prefix: str
    fields: dict[str, Field] = field(default_factory=dict)
    custom: bool = False
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    auto_name: bool = False

    def get(self, name: str) -> Field | None:
        """A field by its name in any case: names are case-insensitive on the platform."""
        return self.fields.get(name.lower())

    def by_relationship(self, name: str) -> Field | None:
        lower = name.lower()
        return next((f for f in self.fields.values() if f.relationship and f.relationship.lower() == lower), None)

    def with_fields(self, fields: list[Field]) -> SObject:
        return replace(self, fields={each.name.lower(): each for each in fields})


SYSTEM_FIELDS = (
    Field("Id", "id", "Record ID", 18, createable=False, updateable=False),
    Field("IsDeleted", "boolean", "Deleted", createable=False, updateable=False),
    Field("CreatedDate", "datetime", "Created Date", createable=False, updateable=False),
    Field("CreatedById", "reference", "Created By ID", 18, createable=False, updateable=False, refs=("User",),
          relationship="CreatedBy"),
    Field("LastModifiedDate", "datetime", "Last Modified Date", createable=False, updateable=False),
    Field("LastModifiedById", "reference", "Last Modified By ID", 18, createable=False, updateable=False,
          refs=("User",), relationship="LastModifiedBy"),
    Field("SystemModstamp", "datetime", "System Modstamp", createable=False, updateable=False),
)  # fmt: skip
OWNER = Field("OwnerId", "reference", "Owner ID", 18, refs=("User",), relationship="Owner")
CURRENCY = Field("CurrencyIsoCode", "picklist", "Currency ISO Code", 255, needs="multi_currency")

_LINE = re.compile(r"(\w+) (\w+)(?:\(([^)]*)\))?((?: \S+)*)")


def parse_field(line: str) -> Field:
    """A field from one line of the standard table: ``Name string(255) required``."""
    found = _LINE.fullmatch(line.strip())
    if not found:
        raise ValueError(f"malformed field {line!r}")
    name, kind, argument, flags = found[1], found[2], found[3] or "", found[4].split()
    more: dict[str, Any] = {"length": _LENGTHS.get(kind, 255 if kind == "textarea" else 0)}
    if kind == "reference":
        target, _, relations = argument.partition(":")
        relationship, _, children = relations.partition(":")
        more |= {"refs": (target,), "relationship": relationship or None, "children": children or None}
    elif kind in ("picklist", "multipicklist"):
        more["values"] = tuple(argument.split("|")) if argument else ()
    elif argument:
        more["length"] = int(argument)
    if "ro" in flags:
        more |= {"createable": False, "updateable": False}
    if "fixed" in flags:
        more["updateable"] = False
    needs = next((flag[6:] for flag in flags if flag.startswith("needs:")), "")
    label = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace(" Id", " ID")
    return Field(name, kind, label, required="required" in flags, needs=needs, **more)


def standard_object(name: str, label: str, prefix: str, table: str, *, owned: bool = False) -> SObject:
    """A standard object from its table of fields."""
    fields = [*SYSTEM_FIELDS, *([OWNER] if owned else []), *map(parse_field, table.strip().splitlines())]
    return SObject(name, label, prefix).with_fields(fields)


def to_json(sobject: SObject) -> dict[str, Any]:
    return asdict(sobject)


def field_from_json(stored: dict[str, Any]) -> Field:
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in stored.items()}
    return Field(**values)


def from_json(stored: dict[str, Any]) -> SObject:
    fields = {name: field_from_json(each) for name, each in stored["fields"].items()}
    return SObject(**(stored | {"fields": fields}))


_SOAP = {"boolean": "xsd:boolean", "int": "xsd:int", "date": "xsd:date", "datetime": "xsd:dateTime"}


def describe_field(each: Field, restricted: bool, say_external_id: bool) -> dict[str, Any]:
    """A field as describe shows it (source: REST API guide, sObject Describe)."""
    numeric = each.type in NUMERIC
    found: dict[str, Any] = {
        "name": each.name,
        "label": each.label or each.name,
        "type": each.type,
        "soapType": "xsd:double" if numeric and each.type != "int" else _SOAP.get(each.type, "xsd:string"),
        "length": each.length,
        "precision": each.precision if numeric else 0,
        "scale": each.scale if numeric and each.type != "int" else 0,
        "nillable": not each.required and each.type != "boolean",
        "defaultedOnCreate": each.default is not None or each.type == "boolean" or each.name == "OwnerId",
        "defaultValue": each.default,
        "createable": each.createable and not each.formula,
        "updateable": each.updateable and not each.formula,
        "filterable": each.filterable,
        "sortable": each.filterable,
        "groupable": each.filterable,
        "unique": each.unique,
        "idLookup": each.external_id or each.name == "Id",
        "caseSensitive": each.case_sensitive,
        "calculated": bool(each.formula),
        "custom": each.custom,
        "nameField": each.name == "Name",
        "picklistValues": [
            {"value": value, "label": value, "active": True, "defaultValue": False} for value in each.values
        ],
        "restrictedPicklist": restricted,
        "referenceTo": list(each.refs),
        "relationshipName": each.relationship,
    }
    return found | ({"externalId": each.external_id} if say_external_id else {})
