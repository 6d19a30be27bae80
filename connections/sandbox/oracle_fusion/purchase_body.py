"""What a draft purchase order must hold: supplier, site and buyer that exist, lines down to their distributions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from . import attributes as a
from .body import Part, Problems, Shape, check_numbers, check_positive, fill, look_up, pick, read
from .documents import ZERO
from .enterprise import (
    BUYERS,
    CATEGORIES,
    CHARGE_ACCOUNTS,
    CURRENCIES,
    DESTINATIONS,
    LEGAL_ENTITIES,
    LINE_TYPES,
    LOCATIONS,
    MEASURES,
    ORGANIZATIONS,
    PRODUCTS,
    STYLES,
    UNIT_VALUES,
    Value,
    entity_of,
)
from .money import EXPONENTS, minor
from .records import Records, Row

_DISTRIBUTIONS = Shape(a.PO_DISTRIBUTIONS, frozenset({"PODistributionId", "Amount"}))
_SCHEDULES = Shape(a.PO_SCHEDULES, frozenset({"LineLocationId"}), {"distributions": _DISTRIBUTIONS})
_LINES = Shape(a.PO_LINES, frozenset({"POLineId", "Amount"}), {"schedules": _SCHEDULES})
_READ_ONLY = (
    """POHeaderId OrderNumber Status StatusCode FundsStatusCode ChangeOrderNumber CreationDate LastUpdateDate"""
)
ORDER = Shape(a.DRAFT_PURCHASE_ORDERS, frozenset(_READ_ONLY.split()), {"lines": _LINES})
_CHANGEABLE = """Description NoteToSupplier NoteToAuthorizer ReferenceNumber SupplierContact PaymentTerms Buyer
    BuyerEmail BuyerId DefaultShipToLocation BillToLocation"""
CHANGE = Shape(a.DRAFT_PURCHASE_ORDERS, frozenset(a.DRAFT_PURCHASE_ORDERS.by_name).difference(_CHANGEABLE.split()))
_BUYER = {"Buyer": "name", "BuyerEmail": "code", "BuyerId": "id"}
_LONGEST = {"Description": 240}


class PurchaseOrderCheck:
    """Checks one body."""

    def __init__(self, records: Records, now: float) -> None:
        self.records = records
        self.today = datetime.fromtimestamp(now, UTC).date()
        self.problems = Problems()

    def check(self, body: Mapping[str, Any]) -> Part:
        """The order with everything resolved. Raises 400 with all that is wrong."""
        order = read(ORDER, body, self.problems)
        unit = pick(UNIT_VALUES, order, self.problems, {"ProcurementBU": "name", "ProcurementBUId": "id"})
        self._defaults(order, unit)
        self._supplier(order, unit)
        pick(BUYERS, order, self.problems, _BUYER)
        pick(CURRENCIES, order, self.problems, {"CurrencyCode": "code", "Currency": "name"})
        self._texts(order)
        self._lines(order)
        self.problems.stop()
        return order

    def check_change(self, body: Mapping[str, Any]) -> Row:
        """The new values of a draft's header. Raises 400."""
        part = read(CHANGE, body, self.problems)
        pick(BUYERS, part, self.problems, _BUYER, required=False)
        self._texts(part)
        self.problems.stop()
        return part.values

    def _defaults(self, order: Part, unit: Value | None) -> None:
        """Business units and legal entity follow the procurement unit where they are left out."""
        for name in ("RequisitioningBU", "BillToBU"):
            names = {name: "name", f"{name}Id": "id"}
            if not pick(UNIT_VALUES, order, self.problems, names, required=False) and unit:
                fill(order, unit, names)
        names = {"SoldToLegalEntity": "name", "SoldToLegalEntityId": "id"}
        if not pick(LEGAL_ENTITIES, order, self.problems, names, required=False) and unit:
            fill(order, entity_of(unit.name), names)
        names = {"DocumentStyle": "name", "DocumentStyleId": "id"}
        if not pick(STYLES, order, self.problems, names, required=False):
            fill(order, STYLES.named("Purchase Order"), names)

    def _texts(self, part: Part) -> None:
        for name, longest in _LONGEST.items():
            if len(part.get(name) or "") > longest:
                self.problems.add(part, name, f"The value of the attribute {name} exceeds {longest} characters.")
        for name in ("DefaultShipToLocation", "BillToLocation"):
            pick(LOCATIONS, part, self.problems, {name: "name"}, required=False)

    def _supplier(self, order: Part, unit: Value | None) -> None:
        names = {"Supplier": "Supplier", "SupplierId": "SupplierId"}
        supplier = look_up(self.records, a.SUPPLIERS, order, self.problems, names, "supplier")
        sites = {"SupplierSite": "SupplierSite", "SupplierSiteId": "SupplierSiteId"}
        if not any(order.get(name) for name in sites):
            self.problems.require(order, "SupplierSite")
            return
        if supplier is None or unit is None:
            return
        order.values |= {name: supplier[each] for name, each in names.items()}
        if self._ended(supplier):
            self.problems.add(order, "Supplier", f"The supplier {supplier['Supplier']} is inactive.")
        fixed = {"_supplier": supplier["SupplierId"], "ProcurementBU": unit.name}
        what = f"supplier site in the procurement BU {unit.name}"
        site = look_up(self.records, a.SUPPLIER_SITES, order, self.problems, sites, what, fixed)
        if site is None:
            return
        order.values |= {name: site[each] for name, each in sites.items()}
        order.values.setdefault("PaymentTerms", site["PaymentTerms"])
        if self._ended(site) or not site["SitePurposePurchasingFlag"]:
            detail = f"The supplier site {site['SupplierSite']} is not an active purchasing site."
            self.problems.add(order, "SupplierSite", detail)

    def _ended(self, row: Row) -> bool:
        end = row["InactiveDate"]
        return row["Status"] != "ACTIVE" or (end is not None and str(end) <= self.today.isoformat())

    # -- lines ----------------------------------------------------------------------------------------------------

    def _lines(self, order: Part) -> None:
        lines = self._children(order, "lines", "LineNumber")
        for line in lines:
            self._line(order, line)
            quantity = line.get("Quantity")
            schedules = self._children(line, "schedules", "ScheduleNumber")
            self._check_sum(schedules, quantity, line, "schedules")
            for schedule in schedules:
                self._schedule(line, schedule)
                distributions = self._children(schedule, "distributions", "DistributionNumber")
                self._check_sum(distributions, schedule.get("Quantity"), schedule, "distributions")
                for distribution in distributions:
                    self._distribution(order, line, distribution)

    def _children(self, part: Part, name: str, number: str) -> list[Part]:
        """At least one, each with a positive number of its own."""
        parts = part.parts(name)
        if not parts:
            self.problems.add(part, name, f"You must provide at least one entry in {name}.")
        for each in parts:
            check_positive(each, self.problems, number)
        check_numbers(parts, (number,), self.problems)
        return parts

    def _line(self, order: Part, line: Part) -> None:
        pick(LINE_TYPES, line, self.problems, {"LineType": "name", "LineTypeId": "id"})
        item = pick(PRODUCTS, line, self.problems, {"Item": "code", "ItemId": "id"}, required=False)
        if item:
            line.values.setdefault("Description", item.name)
        elif line.get("Item") is None and line.get("ItemId") is None:
            self.problems.require(line, "Description")
            pick(CATEGORIES, line, self.problems, {"Category": "name", "CategoryCode": "code"})
        pick(MEASURES, line, self.problems, {"UOMCode": "code", "UOM": "name"})
        check_positive(line, self.problems, "Quantity")
        self.problems.require(line, "Price")
        self._texts_of(line)
        if (line.get("Price") or ZERO) < 0:
            self.problems.add(line, "Price", "The value of the attribute Price must not be negative.")
        line.values["Amount"] = _amount(order, line.get("Quantity"), line.get("Price"))

    def _texts_of(self, line: Part) -> None:
        longest = _LONGEST["Description"]
        if len(line.get("Description") or "") > longest:
            detail = f"The value of the attribute Description exceeds {longest} characters."
            self.problems.add(line, "Description", detail)

    def _schedule(self, line: Part, schedule: Part) -> None:
        places = {"ShipToLocation": "name", "ShipToLocationCode": "code"}
        pick(LOCATIONS, schedule, self.problems, places)
        names = {"ShipToOrganization": "name", "ShipToOrganizationCode": "code"}
        pick(ORGANIZATIONS, schedule, self.problems, names, required=False)
        names = {"DestinationType": "name", "DestinationTypeCode": "code"}
        if not pick(DESTINATIONS, schedule, self.problems, names, required=False):
            fill(schedule, DESTINATIONS.named("Expense"), names)
        if schedule.get("DestinationTypeCode") == "INVENTORY":
            self.problems.require(schedule, "ShipToOrganizationCode")
        for name in ("RequestedDeliveryDate", "PromisedDeliveryDate"):
            day = schedule.get(name)
            if day and day < self.today:
                self.problems.add(schedule, name, f"The {name} {day} is in the past.")

    def _distribution(self, order: Part, line: Part, distribution: Part) -> None:
        accounts = {"POChargeAccountId": "id", "POChargeAccount": "name"}
        places = {"DeliverToLocation": "name", "DeliverToLocationCode": "code"}
        account = pick(CHARGE_ACCOUNTS, distribution, self.problems, accounts, required=False)
        place = pick(LOCATIONS, distribution, self.problems, places, required=False)
        if not any(distribution.get(name) for name in (*accounts, *places)):
            detail = "You must provide a charge account or a deliver-to location."
            self.problems.add(distribution, "POChargeAccountId", detail)
        elif place and not account:
            fill(distribution, CHARGE_ACCOUNTS.values[0], accounts)
        distribution.values["Amount"] = _amount(order, distribution.get("Quantity"), line.get("Price"))

    def _check_sum(self, parts: list[Part], whole: Decimal | None, parent: Part, name: str) -> None:
        for part in parts:
            check_positive(part, self.problems, "Quantity")
        total = sum((part.get("Quantity") or ZERO for part in parts), ZERO)
        if parts and whole is not None and total != whole:
            self.problems.add(parent, name, f"The quantities of the {name} make {total}, not {whole}.")


def _amount(order: Part, quantity: Decimal | None, price: Decimal | None) -> Decimal | None:
    currency = order.get("CurrencyCode")
    if quantity is None or price is None or currency not in EXPONENTS:
        return None
    return minor(quantity * price, currency)
