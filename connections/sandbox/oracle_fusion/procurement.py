"""Suppliers and a few orders, so that those resources have something to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from . import attributes as a
from .documents import Customer, day_of
from .enterprise import UNIT_VALUES
from .ledger import Ledger
from .money import UNITS
from .records import Row
from .seed_names import SUPPLIERS


@dataclass
class NewSupplier:
    """A supplier to write. ``party_id``: the customer that it is, too; ``sites``: names of its purchasing sites, which
    belong to the business unit of its currency.
    """

    name: str
    country: str = "US"
    currency: str = "USD"
    address: str | None = None
    city: str = "Capital"
    state: str | None = None
    postal_code: str | None = None
    tax_id: str | None = None
    tax_registration: str | None = None
    duns: str | None = None
    email: str | None = None
    party_id: int | None = None
    inactive: bool = False
    sites: Sequence[str] = ("MAIN",)


def add_suppliers(ledger: Ledger, stamp: int, count: int, twin: Customer | None = None) -> None:
    """``twin``: a customer who is a supplier too, one company under one party id."""
    for index, (name, country, currency) in enumerate(SUPPLIERS[: count - bool(twin)]):
        add_supplier(ledger, NewSupplier(name, country, currency, inactive=index == 7), stamp + index * 86_400_000)
    if twin:
        add_supplier(ledger, NewSupplier(twin.name, party_id=twin.party_id), stamp + 10 * 86_400_000)


def add_supplier(ledger: Ledger, spec: NewSupplier, stamp: int) -> int:
    """A supplier with one address, one contact and its purchasing sites; its id."""
    ids, records = ledger.ids, ledger.records
    supplier_id, number = ids.one("supplier"), ids.number("supplier", 1001)
    records.put(
        a.SUPPLIERS,
        {
            "SupplierId": supplier_id,
            "SupplierPartyId": spec.party_id or ids.one("party"),
            "SupplierNumber": str(number),
            "Supplier": spec.name,
            "Status": "INACTIVE" if spec.inactive else "ACTIVE",
            "InactiveDate": date(2026, 1, 31) if spec.inactive else None,
            "TaxpayerId": spec.tax_id,
            "TaxRegistrationNumber": spec.tax_registration or f"{spec.country}{number:08d}",
            "TaxRegistrationCountryCode": spec.country,
            "DUNSNumber": spec.duns,
            "BusinessRelationship": "Spend Authorized",
            "BusinessRelationshipCode": "SPEND_AUTHORIZED",
            "SupplierType": "Supplier",
            "TaxOrganizationType": "Corporation",
            "OneTimeSupplierFlag": False,
            "PreferredFunctionalCurrencyCode": spec.currency,
            "CreationDate": stamp,
            "LastUpdateDate": stamp,
        },
    )
    _supplier_address(ledger, supplier_id, spec, stamp)
    for site in spec.sites:
        _supplier_site(ledger, supplier_id, site, spec.currency, stamp)
    return supplier_id


def change_supplier(ledger: Ledger, supplier_id: int, stamp: int, **changes: Any) -> None:
    """Change name, tax_id, duns, address, city or postal_code of a supplier, or make it ``inactive``.

    Raises ``ValueError`` for anything else.
    """
    unknown = set(changes) - {*_OF_SUPPLIER, *_OF_ADDRESS, "inactive"}
    if unknown:
        raise ValueError(f"a supplier cannot change {', '.join(sorted(unknown))}")
    values: Row = {_OF_SUPPLIER[key]: value for key, value in changes.items() if key in _OF_SUPPLIER}
    if "inactive" in changes:
        ended = bool(changes["inactive"])
        values |= {"Status": "INACTIVE" if ended else "ACTIVE", "InactiveDate": day_of(stamp) if ended else None}
    place: Row = {_OF_ADDRESS[key]: value for key, value in changes.items() if key in _OF_ADDRESS}
    for row in ledger.records.find(a.SUPPLIER_ADDRESSES, "_supplier = ?", (supplier_id,)) if place else ():
        ledger.records.update(a.SUPPLIER_ADDRESSES, row["SupplierAddressId"], **place, LastUpdateDate=stamp)
    ledger.records.update(a.SUPPLIERS, supplier_id, **values, LastUpdateDate=stamp)


_OF_SUPPLIER = {"name": "Supplier", "tax_id": "TaxpayerId", "duns": "DUNSNumber"}
_OF_ADDRESS = {"address": "AddressLine1", "city": "City", "postal_code": "PostalCode"}


def _supplier_address(ledger: Ledger, supplier_id: int, spec: NewSupplier, stamp: int) -> None:
    """Address and contact."""
    ledger.records.put(
        a.SUPPLIER_ADDRESSES,
        {
            "SupplierAddressId": ledger.ids.one("supplier_address"),
            "_supplier": supplier_id,
            "AddressName": "HEAD OFFICE",
            "AddressLine1": spec.address or f"{supplier_id % 90} Supply Road",
            "City": spec.city,
            "State": spec.state,
            "PostalCode": spec.postal_code,
            "CountryCode": spec.country,
            "Country": spec.country,
            "AddressPurposeOrderingFlag": True,
            "AddressPurposeRemitToFlag": True,
            "Status": "ACTIVE",
            "LastUpdateDate": stamp,
        },
    )
    ledger.records.put(
        a.SUPPLIER_CONTACTS,
        {
            "SupplierContactId": ledger.ids.one("supplier_contact"),
            "_supplier": supplier_id,
            "FirstName": "Sam",
            "LastName": spec.name.split()[0],
            "Email": spec.email or f"orders{supplier_id % 1000}@supplier.example",
            "AdministrativeContactFlag": True,
            "Status": "ACTIVE",
        },
    )


def _supplier_site(ledger: Ledger, supplier_id: int, name: str, currency: str, stamp: int) -> None:
    unit = UNIT_VALUES.named(UNITS[currency])
    ledger.records.put(
        a.SUPPLIER_SITES,
        {
            "SupplierSiteId": ledger.ids.one("supplier_site"),
            "_supplier": supplier_id,
            "SupplierSite": name,
            "ProcurementBU": unit.name,
            "ProcurementBUId": unit.id,
            "SupplierAddressName": "HEAD OFFICE",
            "Status": "ACTIVE",
            "SitePurposePurchasingFlag": True,
            "SitePurposePayFlag": True,
            "PaymentTerms": "Net 30",
            "InvoiceCurrencyCode": currency,
            "LastUpdateDate": stamp,
        },
    )


def add_orders(ledger: Ledger, customers: list[Customer], stamp: int) -> None:
    """Three purchase orders, one draft and two sales orders."""
    suppliers = ledger.records.find(a.SUPPLIERS, limit=4)
    for index, supplier in enumerate(suppliers):
        table = a.DRAFT_PURCHASE_ORDERS if index == 3 else a.PURCHASE_ORDERS
        _purchase_order(ledger, table, supplier, stamp + index * 3_600_000)
    for index, customer in enumerate(customers[:2]):
        _sales_order(ledger, customer, f"ORDER-{index + 1}", stamp + index * 7_200_000)


def _purchase_order(ledger: Ledger, table: a.Table, supplier: Row, stamp: int) -> None:
    ids, records = ledger.ids, ledger.records
    order_id, line_id = ids.one("purchase_order"), ids.one("po_line")
    draft = table is a.DRAFT_PURCHASE_ORDERS
    price, quantity = Decimal("24.50"), Decimal(40)
    row: Row = {
        "POHeaderId": order_id,
        "OrderNumber": f"US-{ids.number('purchase_order', 1001)}",
        "Status": "Incomplete" if draft else "Open",
        "StatusCode": "INCOMPLETE" if draft else "OPEN",
        "DocumentStyle": "Purchase Order",
        "ProcurementBU": UNITS["USD"],
        "Supplier": supplier["Supplier"],
        "SupplierId": supplier["SupplierId"],
        "SupplierSite": "MAIN",
        "Buyer": "Operations, Finance",
        "Currency": "US Dollar",
        "CurrencyCode": "USD",
        "Description": "Replenishment",
        "CreationDate": stamp,
        "LastUpdateDate": stamp,
    }
    if not draft:
        row |= {"OrderDate": day_of(stamp), "Ordered": price * quantity, "Total": price * quantity, "Revision": 0}
    records.put(table, row)
    line = {"POLineId": line_id, "_order": order_id, "LineNumber": 1, "LineType": "Goods", "Item": "AS100"}
    amounts = {"Quantity": quantity, "UOM": "Each", "UOMCode": "Ea", "Price": price, "Amount": price * quantity}
    records.put(a.PO_LINES, {**line, "Description": "Hydraulic pump, standard", **amounts})
    schedule_id = ids.one("po_schedule")
    records.put(
        a.PO_SCHEDULES,
        {"LineLocationId": schedule_id, "_line": line_id, "ScheduleNumber": 1, "Quantity": quantity},
    )
    records.put(
        a.PO_DISTRIBUTIONS,
        {
            "PODistributionId": ids.one("po_distribution"),
            "_schedule": schedule_id,
            "DistributionNumber": 1,
            "Quantity": quantity,
            "Amount": price * quantity,
        },
    )


def _sales_order(ledger: Ledger, customer: Customer, reference: str, stamp: int) -> None:
    ids, records = ledger.ids, ledger.records
    header_id = ids.one("sales_order")
    records.put(
        a.SALES_ORDERS,
        {
            "OrderKey": f"OPS:{reference}",
            "HeaderId": header_id,
            "OrderNumber": str(ids.number("sales_order", 60001)),
            "SourceTransactionNumber": reference,
            "SourceTransactionSystem": "OPS",
            "SourceTransactionId": reference,
            "SourceTransactionRevisionNumber": 1,
            "BusinessUnitName": UNITS["USD"],
            "BuyingPartyId": customer.party_id,
            "BuyingPartyName": customer.name,
            "BuyingPartyNumber": customer.party_number,
            "TransactionTypeCode": "STD",
            "TransactionalCurrencyCode": "USD",
            "TransactionOn": stamp,
            "SubmittedFlag": True,
            "StatusCode": "OPEN",
            "OpenFlag": True,
            "OnHoldFlag": False,
            "CanceledFlag": False,
            "CreationDate": stamp,
            "LastUpdateDate": stamp,
        },
    )
    records.put(
        a.ORDER_LINES,
        {
            "LineId": ids.one("order_line"),
            "_order": header_id,
            "LineNumber": "1",
            "SourceTransactionLineId": "1",
            "ProductNumber": "AS100",
            "OrderedQuantity": 2,
            "OrderedUOMCode": "Ea",
            "UnitSellingPrice": Decimal("410.10"),
            "ExtendedAmount": Decimal("820.20"),
            "StatusCode": "CREATED",
            "OpenFlag": True,
            "CanceledFlag": False,
            "CreationDate": stamp,
        },
    )
