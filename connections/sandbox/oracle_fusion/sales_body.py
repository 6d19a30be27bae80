"""What a sales order must hold before it is taken: parties, sites, items and units that exist, and its prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from . import attributes as a
from .body import Part, Problems, Shape, check_numbers, check_positive, fill, look_up, pick, read
from .enterprise import CURRENCIES, MEASURES, ORDER_TYPES, PRODUCTS, UNIT_VALUES, Item
from .errors import FusionError
from .money import EXPONENTS, minor
from .records import Records, Row

CATEGORIES = frozenset({"ORDER", "RETURN"})
_IDENTITY = ("SourceTransactionSystem", "SourceTransactionId", "SourceTransactionNumber")
_PLACE = ("Address1", "Address2", "City", "State", "PostalCode", "Country")
_COMPONENTS = Shape(a.ORDER_CHARGE_COMPONENTS, frozenset({"OrderChargeComponentId"}))
_CHARGES = Shape(a.ORDER_CHARGES, frozenset({"OrderChargeId"}), {"chargeComponents": _COMPONENTS})
_LINE_READ_ONLY = """LineId FulfillLineId LineNumber ProductDescription UnitListPrice UnitSellingPrice ExtendedAmount
    StatusCode OpenFlag CanceledFlag ScheduleShipDate ActualShipDate InvoiceInterfacedFlag CreationDate"""
_LINES = Shape(a.ORDER_LINES, frozenset(_LINE_READ_ONLY.split()), {"charges": _CHARGES})
_READ_ONLY = """OrderKey HeaderId OrderNumber SourceTransactionRevisionNumber SubmittedBy SubmittedDate StatusCode
    OpenFlag OnHoldFlag CanceledFlag MessageText CreationDate LastUpdateDate"""
ORDER = Shape(
    a.SALES_ORDERS,
    frozenset(_READ_ONLY.split()),
    {"lines": _LINES, "billToCustomer": Shape(a.ORDER_BILL_TO), "shipToCustomer": Shape(a.ORDER_SHIP_TO)},
)


@dataclass
class Checked:
    """A header with everything resolved; ``currency`` is the code its amounts are in."""

    header: Part
    currency: str

    @property
    def key(self) -> tuple[str, str]:
        return self.header.values["SourceTransactionSystem"], self.header.values["SourceTransactionId"]


class OrderCheck:
    """Checks one body."""

    def __init__(self, records: Records, switches: Mapping[str, Any]) -> None:
        self.records = records
        self.switches = switches
        self.problems = Problems()

    def check(self, body: Mapping[str, Any]) -> Checked:
        """Raises 400 with all that is wrong, and 500 for a flexfield that is not deployed (documented)."""
        if "additionalInformation" in body:
            raise FusionError(500, "The extensible flexfield of the sales order is not deployed.")
        order = read(ORDER, body, self.problems)
        self.problems.require(order, *_IDENTITY)
        self._source_system(order)
        self._names(order)
        party = self._buying_party(order)
        if party:
            self._bill_to(order, party)
            self._ship_to(order, party)
        self._lines(order)
        self.problems.stop()
        return Checked(order, order.values["TransactionalCurrencyCode"])

    def _source_system(self, order: Part) -> None:
        system = order.get("SourceTransactionSystem")
        if system and system not in self.switches["source_systems"]:
            detail = f"The source system {system} is not registered as a source system for sales orders."
            self.problems.add(order, "SourceTransactionSystem", detail)

    def _names(self, order: Part) -> None:
        unit = pick(UNIT_VALUES, order, self.problems, {"BusinessUnitId": "id", "BusinessUnitName": "name"})
        requesting = {"RequestingBusinessUnitId": "id", "RequestingBusinessUnitName": "name"}
        chosen = pick(UNIT_VALUES, order, self.problems, requesting, required=False)
        if unit and not chosen:
            fill(order, unit, requesting)
        pick(ORDER_TYPES, order, self.problems, {"TransactionTypeCode": "code", "TransactionType": "name"})
        currency = {"TransactionalCurrencyCode": "code", "TransactionalCurrencyName": "name"}
        pick(CURRENCIES, order, self.problems, currency)

    # -- parties --------------------------------------------------------------------------------------------------

    def _buying_party(self, order: Part) -> Row | None:
        names = {
            "BuyingPartyNumber": "PartyNumber",
            "BuyingPartyId": "PartyId",
            "BuyingPartyName": "OrganizationName",
        }
        party = look_up(self.records, a.ORGANIZATIONS, order, self.problems, names, "buying party")
        if party and party["Status"] != "A":
            self.problems.add(order, "BuyingPartyNumber", f"The buying party {party['PartyNumber']} is not active.")
        if party:
            order.values |= {name: party[each] for name, each in names.items()}
        return party

    def _bill_to(self, order: Part, party: Row) -> None:
        part = self._single(order, "billToCustomer")
        if part is None:
            return
        names = {"CustomerAccountId": "CustAccountId", "AccountNumber": "AccountNumber", "PartyName": "PartyName"}
        fixed = {"PartyId": party["PartyId"]}
        account = look_up(
            self.records, a.BILL_TO_ACCOUNTS, part, self.problems, names, "bill-to account of the buying party", fixed
        )
        if account is None:
            return
        site = self._bill_to_site(part, party, account["CustAccountId"])
        if site:
            part.values |= {name: account[each] for name, each in names.items()}
            part.values |= {"PartyId": party["PartyId"], "PartyNumber": party["PartyNumber"]}
            part.values["SiteUseId"] = site["BillToSiteUseId"]

    def _bill_to_site(self, part: Part, party: Row, account_id: int) -> Row | None:
        """The site use of the account, or the account's first one where only an address of the party is given."""
        if part.get("SiteUseId") is None and any(part.get(name) for name in _PLACE):
            if self._address(part, party, "bill-to", {}) is None:
                return None
            return self.records.find(a.SITE_ACTIVITIES, '"AccountId" = ?', (account_id,), 1)[0]
        names, what = {"SiteUseId": "BillToSiteUseId"}, "bill-to site use of the account"
        return look_up(self.records, a.SITE_ACTIVITIES, part, self.problems, names, what, {"AccountId": account_id})

    def _ship_to(self, order: Part, party: Row) -> None:
        part = self._single(order, "shipToCustomer")
        if part is None:
            return
        names = {"PartyId": "PartyId", "PartyNumber": "PartyNumber", "PartyName": "OrganizationName"}
        fixed = {"PartyId": party["PartyId"]}
        found = look_up(
            self.records, a.ORGANIZATIONS, part, self.problems, names, "ship-to party", _unless_given(part, fixed)
        )
        if found is None:
            return
        if found["PartyId"] != party["PartyId"]:
            self.problems.add(part, "PartyId", "The ship-to party is not the buying party.")
            return
        address = self._address(part, party, "ship-to", {"SiteId": "AddressId"})
        if address:
            part.values |= {name: party[each] for name, each in names.items()}
            part.values |= {"SiteId": address["AddressId"], **{name: address[name] for name in _PLACE}}

    def _address(self, part: Part, party: Row, what: str, by_id: Mapping[str, str]) -> Row | None:
        """An address of the party by its site id or by its parts."""
        names, fixed = {**by_id, **{name: name for name in _PLACE}}, {"_party": party["PartyId"]}
        what = f"{what} address of the party"
        return look_up(self.records, a.ADDRESSES, part, self.problems, names, what, fixed)

    def _single(self, order: Part, name: str) -> Part | None:
        parts = order.parts(name)
        if len(parts) > 1:
            self.problems.add(order, name, f"An order has one {name}.")
        return parts[0] if len(parts) == 1 else None

    # -- lines ----------------------------------------------------------------------------------------------------

    def _lines(self, order: Part) -> None:
        lines = order.parts("lines")
        if not lines:
            self.problems.add(order, "lines", "You must provide at least one order line.")
        for line in lines:
            self._line(order, line)
        check_numbers(lines, ("SourceTransactionLineId", "SourceTransactionScheduleId"), self.problems)

    def _line(self, order: Part, line: Part) -> None:
        self.problems.require(line, "SourceTransactionLineId", "SourceTransactionLineNumber")
        for name in ("SourceTransactionScheduleId", "SourceScheduleNumber"):
            line.values.setdefault(name, "1")
        names = {"ProductNumber": "code", "ProductId": "id"}
        item = pick(PRODUCTS, line, self.problems, names)
        pick(MEASURES, line, self.problems, {"OrderedUOMCode": "code", "OrderedUOM": "name"})
        check_positive(line, self.problems, "OrderedQuantity")
        category = line.values.setdefault("TransactionCategoryCode", "ORDER")
        if category not in CATEGORIES:
            self.problems.add(line, "TransactionCategoryCode", f"The transaction category {category} does not exist.")
        currency = order.get("TransactionalCurrencyCode")
        if isinstance(item, Item) and currency in EXPONENTS and line.get("OrderedQuantity"):
            line.values["ProductDescription"] = item.name
            self._price(order, line, item, currency)

    def _price(self, order: Part, line: Part, item: Item, currency: str) -> None:
        """Prices sent along count only where the order freezes them; otherwise they are worked out here."""
        quantity = line.values["OrderedQuantity"]
        if not order.get("FreezePriceFlag"):
            price = item.list_price(currency)
            extended = minor(price * quantity, currency)
            line.values |= {"UnitListPrice": price, "UnitSellingPrice": price, "ExtendedAmount": extended}
            line.children["charges"] = [_charge(line, price, extended, currency)]
            return
        net = self._component(line, "NET_PRICE", currency)
        if net is None:
            detail = "You must provide a charge with the price element usage NET_PRICE, because the price is frozen."
            self.problems.add(line, "charges", detail)
            return
        listed = self._component(line, "LIST_PRICE", currency) or net
        price, extended = _amounts(net, quantity, currency)
        line.values |= {"UnitListPrice": _amounts(listed, quantity, currency)[0], "UnitSellingPrice": price}
        line.values["ExtendedAmount"] = extended

    def _component(self, line: Part, usage: str, currency: str) -> Part | None:
        charges = sorted(line.parts("charges"), key=lambda charge: not charge.get("PrimaryFlag"))
        for part in charges[0].parts("chargeComponents") if charges else ():
            if part.get("PriceElementUsageCode") == usage:
                for name in ("HeaderCurrencyCode", "ChargeCurrencyCode"):
                    if part.get(name) not in (None, currency):
                        self.problems.add(part, name, f"The currency {part.get(name)} is not that of the order.")
                if part.get("HeaderCurrencyUnitPrice") is None and part.get("ChargeCurrencyUnitPrice") is None:
                    self.problems.require(part, "HeaderCurrencyUnitPrice")
                    part.values["HeaderCurrencyUnitPrice"] = Decimal(0)
                return part
        return None


def _unless_given(part: Part, fixed: dict[str, Any]) -> dict[str, Any]:
    """A name alone is looked up within the buying party; an id or number says itself whom it means."""
    return {} if part.get("PartyId") is not None or part.get("PartyNumber") is not None else fixed


def _amounts(component: Part, quantity: Decimal, currency: str) -> tuple[Decimal, Decimal]:
    price = component.get("HeaderCurrencyUnitPrice")
    price = component.get("ChargeCurrencyUnitPrice") if price is None else price
    extended = component.get("HeaderCurrencyExtendedAmount")
    extended = component.get("ChargeCurrencyExtendedAmount") if extended is None else extended
    return price, minor(price * quantity, currency) if extended is None else extended


def _charge(line: Part, price: Decimal, extended: Decimal, currency: str) -> Part:
    """The charge Fusion writes when it prices a line."""
    charge = Part(line.path)
    charge.values = {
        "SequenceNumber": 1,
        "ChargeDefinitionCode": "QP_SALE_PRICE",
        "PriceTypeCode": "ONE_TIME",
        "ApplyTo": "PRICE",
        "ChargeCurrencyCode": currency,
        "GSAUnitPrice": price,
        "PricedQuantity": line.values["OrderedQuantity"],
        "PricedQuantityUOMCode": line.get("OrderedUOMCode"),
        "PrimaryFlag": True,
        "RollupFlag": False,
    }
    for number, usage in enumerate(("LIST_PRICE", "NET_PRICE"), 1):
        component = Part(line.path)
        component.values = {
            "SequenceNumber": number,
            "PriceElementCode": f"QP_{usage}",
            "PriceElementUsageCode": usage,
            "HeaderCurrencyCode": currency,
            "HeaderCurrencyUnitPrice": price,
            "HeaderCurrencyExtendedAmount": extended,
            "RollupFlag": False,
        }
        charge.children.setdefault("chargeComponents", []).append(component)
    return charge
