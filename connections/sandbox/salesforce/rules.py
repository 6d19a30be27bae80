"""What the platform does by itself around a write: defaults, stages, amounts, deletes; and the org's own rules."""

from __future__ import annotations

import sqlite3
from typing import Any

from .errors import RowError, required_missing
from .org import Org
from .rows import Row
from .schema import SObject
from .standard import STAGES
from .values import rounded


def defaults(org: Org, sobject: SObject) -> dict[str, Any]:
    """Values of a new row before anything is said about it; the owner is the user of the app."""
    found = {each.name: each.default for each in sobject.fields.values() if each.default is not None}
    if sobject.get("OwnerId"):
        found["OwnerId"] = org.user
    if org.switches["multi_currency"] and sobject.get("CurrencyIsoCode"):
        found["CurrencyIsoCode"] = org.switches["currencies"][0]
    return found


def before_create(org: Org, row: Row, given: dict[str, Any]) -> None:
    if row.object == "Opportunity":
        _set_stage(org, row)
    elif row.object == "OpportunityLineItem":
        _fill_line(org, row, given, None)
    elif row.object == "Contact":
        _set_name(row)
    elif row.object == "PricebookEntry":
        _fill_entry(org, row)


def before_update(org: Org, row: Row, old: Row, given: dict[str, Any]) -> None:
    if row.object == "Opportunity":
        if row.doc.get("StageName") != old.doc.get("StageName"):
            _set_stage(org, row)
        if old.doc.get("HasOpportunityLineItem"):
            row.doc["Amount"] = old.doc.get("Amount")  # ignored without a word while there are lines
    elif row.object == "OpportunityLineItem":
        _fill_line(org, row, given, old)
    elif row.object == "Contact":
        _set_name(row)


def auto_name(org: Org, sobject: SObject) -> dict[str, Any]:
    """The number a record of a custom object gets, once its id was drawn."""
    if not sobject.auto_name:
        return {}
    return {"Name": f"{sobject.label}-{int(org.rows.meta(f'sequence:{sobject.prefix}')):05d}"}


def _set_stage(org: Org, row: Row) -> None:
    """IsClosed and IsWon follow the stage (source: object-reference/opportunity)."""
    closed, won, probability = STAGES.get(row.doc["StageName"], (False, False, 50))
    row.doc |= {"IsClosed": closed, "IsWon": won, "LastStageChangeDate": org.now(), "Probability": probability}


def _set_name(row: Row) -> None:
    row.doc["Name"] = " ".join(part for part in (row.doc.get("FirstName"), row.doc.get("LastName")) if part)


def _doc(org: Org, key: Any) -> dict[str, Any]:
    found = org.rows.get(key) if key else None
    return found.doc if found else {}


def _fill_entry(org: Org, row: Row) -> None:
    """An entry in another price book needs one in the standard price book first."""
    product, book = _doc(org, row.doc["Product2Id"]), _doc(org, row.doc["Pricebook2Id"])
    row.doc |= {"Name": product.get("Name"), "ProductCode": product.get("ProductCode")}
    if not book.get("IsStandard"):
        entries = [org.rows.get(key) for kind, field, key in org.rows.pointing_at(row.doc["Product2Id"])
                   if (kind, field) == ("PricebookEntry", "Product2Id")]  # fmt: skip
        if not any(each and _doc(org, each.doc["Pricebook2Id"]).get("IsStandard") for each in entries):
            raise RowError("STANDARD_PRICE_NOT_DEFINED", "Before creating a custom price, create a standard price.")


def _fill_line(org: Org, row: Row, given: dict[str, Any], old: Row | None) -> None:
    """Product, code and list price come from the entry; price and total from each other."""
    doc = row.doc
    entry = _doc(org, doc["PricebookEntryId"])
    if old is None:
        book = _doc(org, doc["OpportunityId"]).get("Pricebook2Id")
        if book and book != entry.get("Pricebook2Id"):
            message = "pricebook entry is in a different pricebook than the one assigned to the opportunity"
            raise RowError("FIELD_INTEGRITY_EXCEPTION", message, ["PricebookEntryId"])
        if given.get("UnitPrice") is None and given.get("TotalPrice") is None:
            raise required_missing(["UnitPrice"])
        product = _doc(org, entry.get("Product2Id"))
        opportunity = _doc(org, doc["OpportunityId"])
        doc |= {
            "Product2Id": entry.get("Product2Id"),
            "ProductCode": product.get("ProductCode"),
            "ListPrice": entry.get("UnitPrice"),
            "Name": f"{opportunity.get('Name')} {product.get('Name')}",
        }
    share = 1 - (doc.get("Discount") or 0) / 100
    quantity = doc["Quantity"]
    if "TotalPrice" in given and "UnitPrice" not in given and quantity and share:
        doc["UnitPrice"] = rounded(given["TotalPrice"] / quantity / share, 2)
    else:
        doc["TotalPrice"] = rounded(quantity * (doc.get("UnitPrice") or 0) * share, 2)


def after_write(org: Org, cursor: sqlite3.Cursor, row: Row, old: Row | None) -> None:
    if row.object == "OpportunityLineItem":
        touch = old is None or org.switches["line_edit_touches_parent"]
        sum_lines(org, cursor, row.doc["OpportunityId"], touch=touch)
        if old is None:
            _adopt_book(org, cursor, row)
    if row.object in ("PermissionSetAssignment", "ObjectPermissions", "FieldPermissions"):
        org.rights_changed()


def _adopt_book(org: Org, cursor: sqlite3.Cursor, line: Row) -> None:
    parent = org.rows.get(line.doc["OpportunityId"])
    if parent and not parent.doc.get("Pricebook2Id"):
        parent.doc["Pricebook2Id"] = _doc(org, line.doc["PricebookEntryId"]).get("Pricebook2Id")
        org.rows.update(cursor, org.schema["opportunity"], parent)


def sum_lines(org: Org, cursor: sqlite3.Cursor, key: str, *, touch: bool) -> None:
    """Amount of an opportunity is the sum of its lines; its stamp moves when that does, or where it is touched."""
    parent = org.rows.get(key)
    if parent is None:
        return
    totals = [
        _doc(org, line).get("TotalPrice") or 0
        for kind, field, line in org.rows.pointing_at(key)
        if (kind, field) == ("OpportunityLineItem", "OpportunityId")
    ]
    new: dict[str, Any] = {"HasOpportunityLineItem": bool(totals)}
    if totals:
        new["Amount"] = rounded(sum(totals), 2)
    if touch or any(parent.doc.get(name) != value for name, value in new.items()):
        parent.doc |= new
        parent.modified = parent.stamp = org.now()
        org.rows.update(cursor, org.schema["opportunity"], parent)


CASCADES = frozenset({
    ("Opportunity", "AccountId"), ("Contact", "AccountId"), ("OpportunityLineItem", "OpportunityId"),
    ("PricebookEntry", "Product2Id"), ("PermissionSetAssignment", "PermissionSetId"),
    ("FieldPermissions", "ParentId"), ("ObjectPermissions", "ParentId"),
})  # fmt: skip


def put_away(org: Org, cursor: sqlite3.Cursor, row: Row, master: str | None = None) -> None:
    """Delete a row: its details go along, other lookups to it are emptied. ``master``: the winner of a merge."""
    row.deleted = True
    row.modified = row.stamp = org.now()
    if master:
        row.doc["MasterRecordId"] = master
    org.rows.update(cursor, org.schema[row.object.lower()], row)
    for kind, field, key in org.rows.pointing_at(row.id):
        child = org.rows.get(key)
        if child is None:
            continue
        each = org.schema[kind.lower()].get(field)
        if (kind, field) in CASCADES or (each and each.master):
            put_away(org, cursor, child)
        else:
            child.doc[field] = None
            org.rows.update(cursor, org.schema[kind.lower()], child)
    if row.object == "OpportunityLineItem":
        sum_lines(org, cursor, row.doc["OpportunityId"], touch=True)
    if row.object in ("PermissionSet", "PermissionSetAssignment", "ObjectPermissions", "FieldPermissions"):
        org.rights_changed()


def validate(org: Org, row: Row) -> None:
    """The administrator's validation rules."""
    for rule in org.switches["validation_rules"]:
        applies = rule["object"] == row.object and all(row.doc.get(n) == v for n, v in rule.get("when", {}).items())
        if applies and any(row.doc.get(name) in (None, "") for name in rule.get("require", [])):
            raise RowError("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule["message"], rule.get("require", []))


def check_assignment(org: Org, row: Row) -> None:
    for other in org.rows.many("PermissionSetAssignment"):
        same = all(other.doc[name] == row.doc[name] for name in ("AssigneeId", "PermissionSetId"))
        if same and other.id != row.id:
            message = f"duplicate value found: duplicates value on record with id: {other.id}"
            raise RowError("DUPLICATE_VALUE", message)
