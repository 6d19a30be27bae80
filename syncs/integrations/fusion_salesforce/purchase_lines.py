"""The lines of a Salesforce purchase order as lines of a draft in Fusion, and both as facts to compare. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connections.connectors.base import Document
from connections.errors import MappingError
from syncs.integrations.fusion_salesforce.comparing import NAME, Facts, day, figure
from syncs.money import decimal, json_number, plain

LONGEST = 240
CORRECT = "Correct it in Salesforce: the change is read by itself."


def lines(entered: Sequence[Mapping[str, Any]], needed_by: Any, options: Mapping[str, Any]) -> list[Document]:
    """One schedule and one distribution each. ``options`` are those of the flow."""
    return [_line(line, place, needed_by, options) for place, line in enumerate(entered, 1)]


def _line(line: Mapping[str, Any], place: int, needed_by: Any, options: Mapping[str, Any]) -> Document:
    what = _what(line, place, options)
    quantity, price = decimal(line.get("Quantity__c")), decimal(line.get("Unit_Price__c"))
    if quantity is None or quantity <= 0:
        asked = "no quantity" if quantity is None else f"a quantity of {plain(quantity)}"
        raise MappingError(f"Line {place} has {asked}; more than zero is needed. {CORRECT}", code="line_quantity")
    if price is None:
        raise MappingError(f"Line {place} has no unit price. {CORRECT}", code="line_without_price")
    schedule = {
        "ScheduleNumber": 1,
        "Quantity": json_number(quantity),
        "ShipToLocation": options["ship_to_location"],
        "ShipToOrganizationCode": options["ship_to_organization"],
        "RequestedDeliveryDate": str(needed_by)[:10] if needed_by else None,
        "DestinationTypeCode": options["destination_type"],
    }
    distribution = {
        "DistributionNumber": 1,
        "Quantity": json_number(quantity),
        "DeliverToLocation": options["deliver_to_location"],
        "POChargeAccountId": options["charge_account"],
    }
    return {
        "LineNumber": place,
        "LineType": options["line_type"],
        **what,
        "Quantity": json_number(quantity),
        "UOMCode": str(line.get("UOM__c") or options["unit"]),
        "Price": json_number(price),
        "schedules": [{**_given(schedule), "distributions": [_given(distribution)]}],
    }


def _what(line: Mapping[str, Any], place: int, options: Mapping[str, Any]) -> Document:
    """The item, whose description is Fusion's; or a description with the category it belongs to."""
    item, described = str(line.get("Item__c") or "").strip(), str(line.get("Description__c") or "").strip()
    if item:
        return {"Item": item}
    if not described:
        raise MappingError(f"Line {place} has neither an item nor a description. {CORRECT}", code="line_without_item")
    return _given({"Description": described[:LONGEST], "Category": options["category"]})


def _given(values: Mapping[str, Any]) -> Document:
    return {name: value for name, value in values.items() if value not in (None, "")}


def facts(ordered: Iterable[Mapping[str, Any]]) -> dict[str, Facts]:
    """Of the lines of a body, or of an order in Fusion: both speak the same words."""
    found: dict[str, Facts] = {}
    for line in ordered:
        schedules = line.get("schedules") or [{}]
        found[figure(line.get("LineNumber"))] = {
            NAME: str(line.get("Item") or line.get("Description")),
            "quantity": figure(line.get("Quantity")),
            "price": figure(line.get("Price")),
            "needed by": day(schedules[0].get("RequestedDeliveryDate")),
        }
    return found
