"""The custom properties our flows write, and how an account gets them.

Names are those of the key every flow needs (``fusion_id``, unique per type) and of what HubSpot has no field for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connections.connectors.base import CheckStep, Document, Preparation
from connections.errors import Conflict, ConnectorError, RecordError, StreamRefused
from connections.http import Call

from .client import HubSpotClient

KINDS = {
    "companies": "companies",
    "contacts": "contacts",
    "invoices": "invoices",
    "line_items": "line items",
    "commerce_payments": "payments",
}
"""HubSpot's types, in the order flows need them, and what people call them."""

KEY = "fusion_id"
GROUP = {"name": "oracle_fusion", "label": "Oracle Fusion"}
FIELD_TYPES = {"string": "text", "number": "number", "datetime": "date"}
BY_HAND = {"string": "single-line text", "number": "number", "datetime": "date and time"}
"""What HubSpot's own page calls them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    kind: str
    name: str
    label: str
    type: str = "string"
    unique: bool = False

    @property
    def key(self) -> str:
        return f"{self.kind}.{self.name}"

    def definition(self, *, unique: bool) -> Document:
        body: Document = {
            "groupName": GROUP["name"],
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": FIELD_TYPES[self.type],
        }
        if unique:
            body["hasUniqueValue"] = True
        return body


WANTED = (
    Wanted("companies", KEY, "Fusion ID", unique=True),
    Wanted("companies", "fusion_account_number", "Fusion account number"),
    Wanted("companies", "fusion_party_number", "Fusion party number"),
    Wanted("companies", "fusion_industry", "Fusion industry"),
    Wanted("contacts", KEY, "Fusion ID", unique=True),
    Wanted("contacts", "fusion_person_id", "Fusion person ID"),
    Wanted("invoices", KEY, "Fusion ID", unique=True),
    Wanted("invoices", "fusion_number", "Fusion invoice number"),
    Wanted("invoices", "fusion_status", "Fusion status"),
    Wanted("invoices", "fusion_amount", "Fusion amount", "number"),
    Wanted("invoices", "fusion_balance_due", "Fusion balance due", "number"),
    Wanted("line_items", KEY, "Fusion ID", unique=True),
    Wanted("line_items", "fusion_tax_amount", "Fusion tax amount", "number"),
    Wanted("commerce_payments", KEY, "Fusion ID", unique=True),
    Wanted("commerce_payments", "fusion_status", "Fusion status"),
    Wanted("commerce_payments", "fusion_invoices", "Fusion invoices"),
)

NOT_UNIQUE = (
    "HubSpot does not keep this property unique. The sync uses its own list of record ids for this type instead."
)


def absent(kind: str, definitions: Iterable[Document]) -> list[Wanted]:
    known = {definition["name"] for definition in definitions}
    return [wanted for wanted in WANTED if wanted.kind == kind and wanted.name not in known]


def describe(wanted: Wanted) -> Preparation:
    detail = f"{wanted.name}, {BY_HAND[wanted.type]}{', no two records share a value' if wanted.unique else ''}"
    by_hand = (
        f"Settings → Properties → {KINDS[wanted.kind]} → Create property: label “{wanted.label}”, internal name "
        f"{wanted.name}, field type {BY_HAND[wanted.type]}{', values must be unique' if wanted.unique else ''}."
    )
    label = f"Property “{wanted.label}” on {KINDS[wanted.kind]}"
    return Preparation(wanted.key, label, detail, f"Properties of {KINDS[wanted.kind]}", by_hand)


def missing(client: HubSpotClient) -> list[Preparation]:
    """Properties the account lacks. A type that may not be read is left out; the check says why."""
    found: list[Preparation] = []
    for kind in KINDS:
        try:
            definitions = client.property_definitions(kind)
        except StreamRefused:
            continue
        found += map(describe, absent(kind, definitions))
    return found


def prepare(client: HubSpotClient, keys: Sequence[str]) -> list[CheckStep]:
    """Creates the named properties and looks whether they are as asked for. What is there already stays as it is."""
    steps: list[CheckStep] = []
    for kind in KINDS:
        chosen = [wanted for wanted in WANTED if wanted.kind == kind and wanted.key in set(keys)]
        if chosen:
            steps += _prepare_kind(client, kind, chosen)
    return steps


def _prepare_kind(client: HubSpotClient, kind: str, chosen: list[Wanted]) -> list[CheckStep]:
    failed: dict[str, ConnectorError] = {}
    try:
        lacking = {wanted.key for wanted in absent(kind, client.property_definitions(kind))}
        wanted_now = [wanted for wanted in chosen if wanted.key in lacking]
        if wanted_now:
            _post(client, kind, "/groups", GROUP)
        for wanted in wanted_now:
            try:
                _create(client, wanted)
            except RecordError as error:
                failed[wanted.key] = error
        known = {definition["name"]: definition for definition in client.property_definitions(kind)}
    except StreamRefused as error:
        return [_failed(wanted, error) for wanted in chosen]
    return [
        _failed(wanted, failed[wanted.key]) if wanted.key in failed else judge(wanted, known.get(wanted.name))
        for wanted in chosen
    ]


def _create(client: HubSpotClient, wanted: Wanted) -> None:
    """A type that refuses unique properties gets a plain one: it still tells whose record it is."""
    try:
        _post(client, wanted.kind, "", wanted.definition(unique=wanted.unique))
    except RecordError:
        if not wanted.unique:
            raise
        _post(client, wanted.kind, "", wanted.definition(unique=False))


def _post(client: HubSpotClient, kind: str, rest: str, body: Mapping[str, object]) -> None:
    try:
        client.door.send(Call("POST", client.paths.properties(kind, rest), json=body, idempotent=True, label=kind))
    except Conflict:
        return  # there already, perhaps from a request whose answer was lost


def judge(wanted: Wanted, definition: Document | None) -> CheckStep:
    """Whether a property is as the flows need it."""
    label = f"{KINDS[wanted.kind].capitalize()}: {wanted.label}"
    if definition is None:
        return CheckStep(wanted.key, label, "warning", "The account has no such property yet.", "Run Prepare.")
    if definition.get("type") != wanted.type:
        text = f"{wanted.name} exists as {definition.get('type')}, but must be {wanted.type}."
        return CheckStep(
            wanted.key, label, "failed", text, "Archive or rename that property in HubSpot, then run Prepare."
        )
    if wanted.unique and not definition.get("hasUniqueValue"):
        return CheckStep(wanted.key, label, "warning", NOT_UNIQUE, "To change that, archive it and run Prepare again.")
    return CheckStep(wanted.key, label, "ok", "Ready.")


def _failed(wanted: Wanted, error: ConnectorError) -> CheckStep:
    return CheckStep(wanted.key, f"{KINDS[wanted.kind].capitalize()}: {wanted.label}", "failed", error.text)
