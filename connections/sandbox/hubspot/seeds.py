"""What an account holds at the start, and the properties the sync suggests."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from .association_types import ASSOCIATION_TYPES, CONTACT_TO_COMPANY
from .associations import Link
from .definitions import Definition
from .kinds import COMPANY, CONTACT, KINDS, Kind
from .portal import Portal
from .records import Record

GROUP = ("oracle_fusion", "Oracle Fusion")

# name, type, unique
SUGGESTED: dict[str, tuple[tuple[str, str, bool], ...]] = {
    "companies": (
        ("fusion_id", "string", True),
        ("fusion_account_number", "string", False),
        ("fusion_party_number", "string", False),
        ("fusion_industry", "string", False),
    ),
    "contacts": (("fusion_id", "string", True), ("fusion_person_id", "string", False)),
    "invoices": (
        ("fusion_id", "string", True),
        ("fusion_number", "string", False),
        ("fusion_status", "string", False),
        ("fusion_amount", "number", False),
        ("fusion_balance_due", "number", False),
    ),
    "line_items": (("fusion_id", "string", True), ("fusion_tax_amount", "number", False)),
    "commerce_payments": (("fusion_id", "string", True), ("fusion_status", "string", False)),
}
_FIELD_TYPES = {"string": "text", "number": "number"}


def prepare(portal: Portal) -> None:
    """Create the suggested group and properties of every type; those that exist stay."""
    now = portal.clock()
    with portal.store.transaction() as cursor:
        for kind in KINDS:
            if GROUP[0] not in portal.definitions.groups(kind):
                portal.definitions.save_group(cursor, kind, *GROUP)
            for name, type_name, unique in SUGGESTED[kind.name]:
                if portal.definitions.get(kind, name) is None:
                    portal.definitions.save(cursor, kind, _definition(name, type_name, unique, now))
    portal.definitions.reload()


def _definition(name: str, type_name: str, unique: bool, now: float) -> Definition:
    return Definition(
        name=name,
        type=type_name,
        field_type=_FIELD_TYPES[type_name],
        group=GROUP[0],
        label=name.replace("_", " ").capitalize(),
        custom=True,
        unique=unique,
        created_at=now,
        updated_at=now,
    )


def seed(portal: Portal, name: str, *, prepared: bool | None) -> None:
    """Fill an account once; one that was seeded before stays as it is.

    "demo" has records and nothing prepared, "small" is prepared and without records, "empty" has nothing.
    """
    if name not in ("demo", "small", "empty"):
        raise ValueError(f"unknown seed {name!r}: choose one of demo, small, empty")
    if portal.counter("seeded"):
        return
    if prepared if prepared is not None else name == "small":
        prepare(portal)
    with portal.store.transaction() as cursor:
        portal.count(cursor, "seeded")
        if name == "demo":
            companies = _add(portal, cursor, COMPANY, COMPANIES)
            contacts = _add(portal, cursor, CONTACT, [row for _, row in CONTACTS])
            of_name = {record.properties["name"]: record.id for record in companies}
            kind = ASSOCIATION_TYPES[CONTACT_TO_COMPANY]
            links = [
                Link(record.id, of_name[company], kind)
                for record, (company, _) in zip(contacts, CONTACTS, strict=True)
                if company
            ]
            portal.associations.create(cursor, links, portal.clock())


def _add(portal: Portal, cursor: sqlite3.Cursor, kind: Kind, rows: Iterable[dict[str, str]]) -> list[Record]:
    """Records as people entered them over the last year, an hour apart."""
    first, start = portal.records.next_id(kind), portal.clock() - 400 * 86_400
    records = [
        Record(first + order, dict(row), start + order * 3_600, start + order * 3_600) for order, row in enumerate(rows)
    ]
    portal.records.insert(cursor, kind, records, portal.definitions.unique_names(kind))
    return records


# Companies people entered by hand, without any id of the finance system. The first two each match one customer of the
# demo company by normalised name, the next two are both "Granite State Supply", the rest match none: a near miss, two
# twins of each other and some that finance never heard of.
COMPANIES: tuple[dict[str, str], ...] = (
    {"name": "HARBORLIGHT MANUFACTURING, INC", "domain": "harborlight.example", "city": "Baltimore", "state": "MD"},
    {"name": "Cedar Point Software Inc", "domain": "cedarpoint.example", "industry": "COMPUTER_SOFTWARE"},
    {"name": "Granite State Supply Corp.", "city": "Manchester", "state": "NH", "phone": "+1 555 0123"},
    {"name": "Granite State Supply Corporation", "city": "Concord", "state": "NH"},
    {"name": "Harbor Light Marine Services", "city": "Boston", "state": "MA"},
    {"name": "Oak & Ivy Interiors", "city": "Savannah", "industry": "FURNITURE"},
    {"name": "Oak & Ivy Interiors", "city": "Charleston", "domain": "oakandivy.example"},
    {"name": "Lumen & Söhne Lichtdesign", "city": "Graz", "country": "Austria"},
    {"name": "夏風デザイン", "city": "京都", "country": "Japan"},
    {"name": "Quiet Harbor Yoga", "domain": "quietharbor.example", "description": "Met at the trade fair."},
)

# The company's name, or nothing, and the contact. The first three match contacts of the demo company by e-mail.
CONTACTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("Cedar Point Software Inc", {"email": "contact1022@customer.example", "firstname": "Grace", "lastname": "Kim"}),
    ("", {"email": "contact21@customer.example", "lastname": "Whitfield", "jobtitle": "Accounts payable"}),
    ("", {"email": "contact54@customer.example", "phone": "+1 555 0177"}),
    ("HARBORLIGHT MANUFACTURING, INC", {"email": "sales@harborlight.example", "firstname": "Robin"}),
    ("Lumen & Söhne Lichtdesign", {"email": "office@lumen.example", "firstname": "Jörg", "lastname": "Lumen"}),
    ("", {"firstname": "Met at", "lastname": "the trade fair"}),
)
