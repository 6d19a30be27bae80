"""What an org holds at the start, and the objects and fields the sync suggests (contract 8)."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connections.sandbox.oracle_fusion.seed_names import CUSTOMERS, ITEMS

from .deploy import grant, insert
from .ids import base62
from .org import DAY, Org
from .people import People
from .rows import normal, stamp_of
from .schema import CURRENCY, OWNER, SYSTEM_FIELDS, Field, SObject

PERMISSION_SET = "Fusion_Sync"
_KEY = "Fusion_Id__c text 80 key"

SCALES = {"currency": 3, "double": 6}

# object | label, then its fields: name, kind, length, decimals or target, key
SUGGESTED: dict[str, tuple[str, tuple[str, ...]]] = {
    "Account": ("", (
        _KEY, "Fusion_Party_Number__c text 40", "Fusion_Account_Number__c text 40", "Fusion_Role__c text 20",
        "Fusion_Status__c text 80", "Fusion_Open_Balance__c double 3", "Fusion_Last_Sync__c datetime")),
    "Opportunity": ("", ("Fusion_Order_Key__c text 80 key", "Fusion_Order_Number__c text 40",
                         "Fusion_Order_Status__c text 40", "Fusion_Error__c text 255")),
    "Fusion_Invoice__c": ("Fusion Invoice", (
        _KEY, "Account__c lookup Account", "Number__c text 40", "Invoice_Date__c date", "Due_Date__c date",
        "Amount__c currency", "Balance__c currency", "Credited__c currency", "Tax__c currency",
        "Currency_Code__c text 3", "Terms__c text 80", "Status__c text 40", "Completion__c text 40", "Type__c text 80",
        "Fusion_Updated__c datetime")),
    "Fusion_Invoice_Line__c": ("Fusion Invoice Line", (
        _KEY, "Invoice__c lookup Fusion_Invoice__c", "Line_Number__c double", "Description__c text 255",
        "Item__c text 80", "Quantity__c double", "Unit_Price__c double", "Line_Amount__c currency",
        "Tax__c currency")),
    "Fusion_Payment__c": ("Fusion Payment", (
        _KEY, "Account__c lookup Account", "Invoice__c lookup Fusion_Invoice__c", "Number__c text 40",
        "Receipt_Date__c date", "Amount__c currency", "Applied__c currency", "Unapplied__c currency",
        "Currency_Code__c text 3", "Method__c text 80", "Invoices__c text 255", "Status__c text 40",
        "Reversed_On__c date")),
    "Purchase_Order__c": ("Purchase Order", (
        "Supplier__c lookup Account", "Status__c text 40", "Ready_For_Fusion__c boolean", "Currency_Code__c text 3",
        "Needed_By__c date", "Fusion_PO_Id__c text 80 key", "Fusion_PO_Number__c text 40",
        "Fusion_PO_Status__c text 80")),
    "Purchase_Order_Line__c": ("Purchase Order Line", (
        "Purchase_Order__c lookup Purchase_Order__c", "Item__c text 80", "Description__c text 255",
        "Quantity__c double", "Unit_Price__c double", "UOM__c text 40")),
}  # fmt: skip
_KINDS = {"text": "string", "lookup": "reference"}


def _field(object_name: str, line: str) -> Field:
    name, kind, *rest = line.split()
    made = Field(name, _KINDS.get(kind, kind), name.removesuffix("__c").replace("_", " "), custom=True)
    if kind == "lookup":
        plural = f"{object_name.removesuffix('__c')}s__r"
        return replace(made, length=18, refs=(rest[0],), relationship=name[:-1] + "r", children=plural)
    if kind == "text":
        key = "key" in rest
        return replace(made, length=int(rest[0]), unique=key, external_id=key)
    if kind in SCALES:
        return replace(made, scale=int(rest[0]) if rest else SCALES[kind])
    return made


def prepare(org: Org) -> None:
    """Create what is missing of the suggested schema, and grant it to the user of the app."""
    changed: list[SObject] = []
    rights: list[tuple[str, dict[str, Any]]] = []
    number = sum(1 for each in org.schema.values() if each.custom)
    for name, (label, lines) in SUGGESTED.items():
        base = org.schema.get(name.lower())
        if base is None:
            auto = Field("Name", "string", label, 80, createable=False, updateable=False)
            empty = SObject(name, label, f"a{base62(number, 2)}", custom=True, auto_name=True)
            base = empty.with_fields([*SYSTEM_FIELDS, OWNER, CURRENCY, auto])
            number += 1
        fields = [_field(name, line) for line in lines]
        changed.append(replace(base, fields=base.fields | {each.name.lower(): each for each in fields}))
        if base.custom:
            kinds = ("Read", "Create", "Edit", "Delete", "ViewAllRecords")
            rights.append(("ObjectPermissions", {"SobjectType": name} | {f"Permissions{k}": True for k in kinds}))
        rights += [
            (
                "FieldPermissions",
                {"SobjectType": name, "Field": f"{name}.{f.name}", "PermissionsRead": True, "PermissionsEdit": True},
            )
            for f in fields
        ]
    with org.store.transaction():
        org.save_schema(changed)
        grant(org, PERMISSION_SET, "Fusion Sync", rights)
        mine = next(row for row in org.rows.many("PermissionSet") if row.doc["Name"] == PERMISSION_SET)
        assigned = {row.doc["PermissionSetId"] for row in org.rows.many("PermissionSetAssignment")}
        if mine.id not in assigned:
            insert(org, "PermissionSetAssignment", {"AssigneeId": org.user, "PermissionSetId": mine.id})
    org.rights_changed()


def seed(org: Org, name: str, *, prepared: bool | None) -> None:
    """Fill an org once; one that was seeded before stays as it is.

    "demo" has records and nothing prepared, "small" is prepared and has products only, "empty" has nothing.
    """
    if name not in ("demo", "small", "empty"):
        raise ValueError(f"unknown seed {name!r}: choose one of demo, small, empty")
    if org.rows.meta("seeded"):
        return
    if prepared if prepared is not None else name == "small":
        prepare(org)
    with org.store.transaction():
        org.rows.remember("seeded", name)
        entries = _products(org) if name != "empty" else []
        if name == "demo":
            _opportunities(org, *_accounts(org), entries)


def _products(org: Org) -> list[str]:
    """Products under the finance system's item numbers, each with a price in the standard price book."""
    people = People(org)
    book = people.create("Pricebook2", {"Name": "Standard Price Book", "IsActive": True, "IsStandard": True})
    entries = []
    for number, (code, text) in enumerate(ITEMS, 1):
        service = code.startswith("SV")
        product = {"Name": text, "ProductCode": code, "IsActive": True, "Family": "Services" if service else "Hardware"}
        key = people.create("Product2", product)
        price = {"Pricebook2Id": book, "Product2Id": key, "UnitPrice": 40.0 * number + 9.5, "IsActive": True}
        entries.append(people.create("PricebookEntry", price))
    return entries


# Entered by hand over the years: twins of each other, near misses of the finance system's customers, strangers.
_OTHERS = """
Granite Ridge Supply Corporation|Concord|US
Granite State Supply Corp|Manchester|US
Granite State Supply|Concord|US
Harbor Light Manufacturing|Boston|US
Harborlight Marine Services Inc.|Baltimore|US
Blue Meridian Seafood|Fresno|US
Blue Meridian Foods|Boise|US
Evergreen Office Supply|Portland|US
Evergreen Offices LLC|Salem|US
Rheinwerk Maschinen AG|Düsseldorf|DE
Mueller und Soehne Praezisionsteile|Stuttgart|DE
Müller & Sohn Präzisionstechnik GmbH|Esslingen|DE
Smith & Okafor|London|GB
Tidewater Health|Norfolk|US
Tidewater Healthcare Staffing|Richmond|US
Silver Line Optics|Eindhoven|NL
Northgate Textile Machines|Leeds|GB
Kestrel Aero Clubs|Bristol|GB
さくら商店|東京|JP
Al Noor General Trading|Kuwait City|KW
Oak & Ivy Interiors|Savannah|US
Oak & Ivy Interiors|Charleston|US
OAK AND IVY INTERIORS|Savannah|US
Quiet Harbor Yoga|Monterey|US
Lumen & Söhne Lichtdesign|Graz|AT
Ironbridge Steelworks|Telford|GB
Pacific Rim Components|Long Beach|US
Donau Elektronik GmbH|Linz|AT
Vermillion Arts Trust|Oxford|GB
Pebble & Fern Nurseries|Ghent|BE
"""


def _accounts(org: Org) -> tuple[list[str], list[str]]:
    """About sixty Accounts: three of four customers of the finance system in a spelling of their own, then others.

    Returns those named exactly as one customer and no other, dollars first, and those of customers in other spellings.
    """
    rows: list[dict[str, Any]] = []
    for number, customer in enumerate(CUSTOMERS):
        plain = customer.name.rstrip(".").replace("&", "and")
        name = (customer.name, customer.name.upper(), plain, None)[number % 4]
        if name:
            street = customer.address if number % 2 else None
            rows.append({"Name": name, "BillingCity": customer.city, "BillingCountry": customer.country,
                         "BillingStreet": street, "Type": "Customer - Direct"})  # fmt: skip
    for line in _OTHERS.strip().splitlines():
        name, city, country = line.split("|")
        rows.append({"Name": name, "BillingCity": city, "BillingCountry": country, "Type": "Prospect"})
    ids = {fields["Name"]: _at(org, "Account", fields, 400 - number) for number, fields in enumerate(rows)}
    names = Counter(normal(customer.name) for customer in CUSTOMERS)
    single = [each for each in CUSTOMERS if names[normal(each.name)] == 1 and each.name in ids]
    single.sort(key=lambda customer: customer.currency != "USD")
    exact = [ids[customer.name] for customer in single]
    spelled = [ids[fields["Name"]] for fields in rows if fields["Type"] == "Customer - Direct"]
    return exact, [key for key in spelled if key not in exact]


def _at(org: Org, kind: str, fields: dict[str, Any], days_ago: float) -> str:
    """A record as someone entered it some days ago."""
    key = People(org).create(kind, fields)
    row = org.rows.get(key)
    if row:
        row.modified = row.stamp = stamp_of(org.clock() - days_ago * DAY)
        with org.store.transaction() as cursor:
            org.rows.update(cursor, org.schema[kind.lower()], row)
            cursor.execute("UPDATE salesforce_rows SET created = ? WHERE id = ?", (row.stamp, key))
    return key


def _opportunities(org: Org, exact: list[str], spelled: list[str], entries: list[str]) -> None:
    """Twelve open and six won opportunities, each with one to four lines, on accounts finance knows: two of three under
    the very name."""
    chance = random.Random(20261123)
    today = datetime.fromtimestamp(org.clock(), UTC).date()
    people, stages = People(org), ("Prospecting", "Proposal/Price Quote", "Negotiation/Review")
    for number in range(18):
        won = number >= 12
        close = today + timedelta(days=-number if won else 10 + number)
        fields = {
            "Name": f"{('Spare parts', 'Line extension', 'Service contract')[number % 3]} {2026000 + number}",
            "AccountId": spelled[number % len(spelled)] if number % 3 == 2 else exact[number % len(exact)],
            "StageName": stages[number % 3],
            "CloseDate": close.isoformat(),
            "Type": "New Customer" if number % 2 else None,
        }
        key = _at(org, "Opportunity", fields, 60 - number)
        for position, entry in enumerate(chance.sample(entries, 1 + number % 4)):
            line = {"OpportunityId": key, "PricebookEntryId": entry, "Quantity": float(chance.randrange(1, 20)),
                    "UnitPrice": round(chance.uniform(20, 900), 2), "SortOrder": position + 1}  # fmt: skip
            people.create("OpportunityLineItem", line)
        if won:
            people.edit("Opportunity", key, {"StageName": "Closed Won"})
