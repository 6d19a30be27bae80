"""Flow ``suppliers``: a Fusion supplier becomes an Account, or is recognised as one, under its party's PartyId.

Sources: Oracle's ``suppliers`` with its addresses; Salesforce's Account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connections.connectors.base import Document, Row
from connections.errors import DependencyMissing
from syncs.engine.flow import HELD, SYNCED, UNSETTLED, Item, MapContext, Mapped, Reference, WriteContext
from syncs.integrations.fusion_parties import INACTIVE, first, said, status_word, street
from syncs.integrations.fusion_salesforce import tables
from syncs.integrations.fusion_salesforce.accounts import AccountFlow, listed_option
from syncs.names.matching import Identity

YES = (True, "Y", "true")
INDUSTRIES = ("IndustrySubcategory", "IndustryCategory", "StandardIndustryClass")
PHONE_PARTS = ("PhoneCountryCode", "PhoneAreaCode", "PhoneNumber")


class Suppliers(AccountFlow):
    key = "suppliers"
    label = "Suppliers"
    stream = "suppliers"
    kin = ("customers",)
    role = "Supplier"
    leads = False
    table = tables.SUPPLIERS

    def enrich(self, rows: Sequence[Row], *, source: Any, destination: Any) -> None:
        """Adds ``addresses``, one call per hundred or so suppliers, and ``_today`` by Fusion's clock."""
        super().enrich(rows, source=source, destination=destination)
        by_key = {row.key: row.data for row in rows}
        today = source.server_now().date().isoformat()
        for data in by_key.values():
            data["addresses"], data["_today"] = [], today
        for supplier in source.related("suppliers", "SupplierId", list(by_key), expand="addresses"):
            by_key[str(supplier["SupplierId"])]["addresses"] = supplier.get("addresses") or []

    def references(self, row: Row) -> Iterable[Reference]:
        yield from super().references(row)
        if party := self.party(row):
            yield "customers", party

    def name(self, row: Row) -> str:
        return first(row.data, ("Supplier",)) or ""

    def number(self, row: Row) -> str:
        return first(row.data, ("SupplierNumber",)) or ""

    def party(self, row: Row) -> str:
        return said(row.data.get("SupplierPartyId")) or ""

    def map(self, row: Row, context: MapContext) -> Mapped:
        mapped = super().map(row, context)
        customer = context.targets.get(("customers", mapped.document["party"]))
        if "identity" in mapped.document and customer:
            mapped.document["customer"] = customer.status
        mapped.watch = ends_later(row.data)
        return mapped

    def account(self, row: Row, context: MapContext) -> Document:
        data, capabilities = row.data, context.capabilities
        address = main_address(data)
        number = first(data, ("SupplierNumber",))
        return {
            "Name": self.name(row),
            "AccountNumber": number,
            "BillingStreet": "\n".join(street(address)) or None,
            "BillingCity": first(address, ("City",)),
            "BillingState": first(address, ("State", "Province")),
            "BillingPostalCode": first(address, ("PostalCode",)),
            "BillingCountry": first(address, ("CountryCode", "Country")),
            "Phone": phone(address),
            "Website": first(data, ("CorporateWebsite",)),
            "Industry": listed_option(capabilities, "Industry", (first(data, (name,)) for name in INDUSTRIES)),
            "Type": listed_option(capabilities, "Type", ("Supplier", "Vendor")),
            "DunsNumber": first(data, ("DUNSNumber",)),
            "Fusion_Party_Number__c": None,
            "Fusion_Account_Number__c": number,
            "Fusion_Status__c": status(data),
            "Fusion_Open_Balance__c": None,
        }

    def identity(self, row: Row) -> Identity:
        data = row.data
        address = main_address(data)
        return Identity(
            name=self.name(row),
            tax_number=first(data, ("TaxRegistrationNumber", "TaxpayerId")) or "",
            duns=first(data, ("DUNSNumber",)) or "",
            street="\n".join(street(address)),
            city=first(address, ("City",)) or "",
            postal_code=first(address, ("PostalCode",)) or "",
            country=first(address, ("CountryCode", "Country")) or first(data, ("TaxRegistrationCountryCode",)) or "",
        )

    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        """Two records of one company are one question: while it is open for the customer, the supplier waits."""
        for item in items:
            if item.document.get("customer") in UNSETTLED and not (item.state and item.state.decision):
                item.failed(_customer_first(item.document["party"]))
        super().write([item for item in items if not item.status], context)
        for item in items:
            if item.status == HELD:
                # If a customer of the same party finds its Account meanwhile, the question is answered.
                item.waits_for = f"customers:{item.document['party']}"

    def touched(self, item: Item) -> Iterable[Reference]:
        """A customer of the same party that is held finds its Account by our key."""
        if item.status == SYNCED and not (item.state and item.state.destination_id):
            yield "customers", item.document["party"]


def _customer_first(party: str) -> DependencyMissing:
    return DependencyMissing(
        "This supplier is one company with a customer that is not in Salesforce yet. It goes by itself once the "
        "customer is there; if the customer is held, decide about it first.",
        waits_for=("customers", party),
        code="customer_first",
    )


def status(data: Mapping[str, Any]) -> str | None:
    """The word Fusion says, unless the supplier's last day is over."""
    ended = said(data.get("InactiveDate"))
    if ended and ended[:10] <= str(data.get("_today") or ""):
        return INACTIVE
    return status_word(data.get("Status"))


def ends_later(data: Mapping[str, Any]) -> bool:
    """Its last day is set and still to come; no stamp will move then. Open ends are written as the year 4712."""
    ended = said(data.get("InactiveDate"))
    return bool(ended and not ended.startswith("4712") and ended[:10] > str(data.get("_today") or ""))


def main_address(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The address orders go to, else the one payments go to, else the oldest; one in use before one that is not."""

    def order(address: Mapping[str, Any]) -> tuple[bool, bool, bool, str]:
        return (
            status_word(address.get("Status")) == INACTIVE,
            address.get("AddressPurposeOrderingFlag") not in YES,
            address.get("AddressPurposeRemitToFlag") not in YES,
            str(address.get("SupplierAddressId")).zfill(18),
        )

    return min(data.get("addresses") or (), key=order, default={})


def phone(address: Mapping[str, Any]) -> str | None:
    """'+44 161 4960000'; nothing without the number itself."""
    country, area, number = (first(address, (name,)) for name in PHONE_PARTS)
    if not number:
        return None
    return " ".join(part for part in (f"+{country.lstrip('+')}" if country else None, area, number) if part)
