"""Flow ``customers``: a Fusion customer becomes an Account, or is recognised as one, under its PartyId.

Sources: Oracle's ``accounts``/``hubOrganizations``/``billToAccounts`` (crmRestApi) and
``receivablesCustomerAccountActivities``; Salesforce's Account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connections.connectors.base import Document, Row
from syncs.engine.flow import MapContext, Mapped, Skip, Watch
from syncs.integrations.fusion_parties import customer_name, first, in_order, joined, status_word, street, total
from syncs.integrations.fusion_salesforce import tables
from syncs.integrations.fusion_salesforce.accounts import GONE, AccountFlow, listed_option, longest
from syncs.money import plain
from syncs.names.matching import Identity

INDUSTRIES = ("Industries", "IndustryCode", "LineOfBusiness")
CUSTOMER_USAGES = ("CUSTOMER", "SALES_ACCOUNT", "SALES_PROSPECT")
TAX_NUMBERS = ("TaxpayerIdentificationNumber", "TaxRegistrationNumber")


def customer_keys(row: Row) -> list[str]:
    """The customer a changed customer account belongs to."""
    party = row.data.get("CustomerId")
    return [str(party)] if party else []


class Customers(AccountFlow):
    key = "customers"
    label = "Customers"
    stream = "customers"
    kin = ("suppliers",)
    role = "Customer"
    leads = True
    table = tables.CUSTOMERS
    watches = (Watch("activities", customer_keys), GONE)

    def enrich(self, rows: Sequence[Row], *, source: Any, destination: Any) -> None:
        """Adds ``_accounts``, the customer accounts with balance and tax number: one call per hundred or so customers.

        Where nothing was ever billed, only the list of accounts has them: one call more for those.
        """
        super().enrich(rows, source=source, destination=destination)
        by_party = {row.key: row.data for row in rows}
        for data in by_party.values():
            data["_accounts"] = []
        for account in source.related("activities", "CustomerId", list(by_party), expand=""):
            by_party[str(account["CustomerId"])]["_accounts"].append(account)
        without = [party for party, data in by_party.items() if not data["_accounts"]]
        for account in source.related("bill_to_accounts", "PartyId", without) if without else ():
            by_party[str(account["PartyId"])]["_accounts"].append(account)

    def name(self, row: Row) -> str:
        return customer_name(row.data)

    def party(self, row: Row) -> str:
        return row.key

    def map(self, row: Row, context: MapContext) -> Mapped:
        if not is_customer(row.data):
            raise Skip("not_a_customer", "Fusion knows this organisation, but not as a customer.")
        return super().map(row, context)

    def number(self, row: Row) -> str:
        return next(iter(_numbers(row.data)), "")

    def account(self, row: Row, context: MapContext) -> Document:
        data, capabilities = row.data, context.capabilities
        accounts = data.get("_accounts") or ()
        numbers = _numbers(data)
        balance = total(account.get("TotalOpenReceivablesForAccount") for account in accounts)
        return {
            "Name": self.name(row),
            "AccountNumber": numbers[0] if numbers else None,
            "BillingStreet": "\n".join(street(data)) or None,
            "BillingCity": first(data, ("City",)),
            "BillingState": first(data, ("State", "Province")),
            "BillingPostalCode": first(data, ("PostalCode",)),
            "BillingCountry": first(data, ("Country",)),
            "Phone": first(data, ("RawPhoneNumber", "PhoneNumber")),
            "Website": first(data, ("URL",)),
            "Industry": listed_option(capabilities, "Industry", industries(data)),
            "Type": listed_option(capabilities, "Type", ("Customer",)),
            "DunsNumber": first(data, ("DUNSNumber",)),
            "Fusion_Party_Number__c": first(data, ("PartyNumber",)),
            "Fusion_Account_Number__c": joined(numbers, longest(capabilities, "Fusion_Account_Number__c")),
            "Fusion_Status__c": status_word(first(data, ("PartyStatus", "Status"))),
            "Fusion_Open_Balance__c": None if balance is None else plain(balance),
        }

    def identity(self, row: Row) -> Identity:
        data = row.data
        known = (data, *(data.get("_accounts") or ()))
        return Identity(
            name=self.name(row),
            tax_number=next(filter(None, (first(each, TAX_NUMBERS) for each in known)), ""),
            duns=first(data, ("DUNSNumber",)) or "",
            street="\n".join(street(data)),
            city=first(data, ("City",)) or "",
            postal_code=first(data, ("PostalCode",)) or "",
            country=first(data, ("Country",)) or "",
        )


def _numbers(data: Mapping[str, Any]) -> list[str]:
    return in_order(account.get("AccountNumber") for account in data.get("_accounts") or ())


def industries(data: Mapping[str, Any]) -> list[str | None]:
    """What Fusion calls the line of business, the most readable first; hubOrganizations keep it in classifications."""
    classes = [
        first(each, ("ClassCodeMeaning", "ClassCode"))
        for each in data.get("CustomerClassification") or ()
        if each.get("IsIndustryFlag") in (True, "Y", "true")
    ]
    return [*(first(data, (name,)) for name in INDUSTRIES), *classes]


def is_customer(data: Mapping[str, Any]) -> bool:
    """hubOrganizations list suppliers and banks too. Usage words differ from pod to pod: an account is proof enough."""
    usages = [str(each.get("PartyUsageCode") or "").upper() for each in data.get("UsageAssignment") or ()]
    return not usages or bool(data.get("_accounts")) or any(usage in CUSTOMER_USAGES for usage in usages)
