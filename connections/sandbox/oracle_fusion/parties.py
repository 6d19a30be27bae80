"""Customers, contacts and suppliers: one specification becomes the rows of every resource that shows the party."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from . import attributes as a
from .documents import USER, Customer
from .ids import Ids
from .records import Records, Row

OPEN_END = date(4712, 12, 31)
ADDRESS_FIELDS = ("Address1", "Address2", "City", "State", "PostalCode", "Country")


@dataclass
class NewCustomer:
    """A customer to write. ``source`` is a pair of source system and reference, as migrated parties carry."""

    name: str
    address: str = "1 Main Street"
    city: str = "Springfield"
    state: str | None = None
    postal_code: str | None = "10001"
    country: str = "US"
    industry: tuple[str, str] | None = None
    phone: str | None = None
    url: str | None = None
    tax_id: str | None = None
    currency: str = "USD"
    status: str = "A"
    source: tuple[str, str] | None = None
    duns: str | None = None


@dataclass
class NewPerson:
    """A contact of a customer."""

    first: str
    last: str
    email: str | None
    title: str | None = None
    phone: str | None = None
    no_email: bool = False
    no_contact: bool = False


class Parties:
    """Writes parties and finds them again."""

    def __init__(self, records: Records, ids: Ids) -> None:
        self.records = records
        self.ids = ids

    def reserve(self, spec: NewCustomer) -> Customer:
        """Ids and numbers for a customer that documents may name before the customer can be seen."""
        return self.reserve_many([spec])[0]

    def reserve_many(self, specs: list[NewCustomer]) -> list[Customer]:
        """The same for many, with one step a sequence."""
        number, account = (
            self.ids.number(name, first, len(specs)) for name, first in (("party", 10021), ("account", 40101))
        )
        parties, accounts, sites = (self.ids.many(kind, len(specs)) for kind in ("party", "account", "site"))
        return [
            Customer(
                party_id=parties[index],
                party_number=str(number + index),
                name=spec.name,
                account_id=accounts[index],
                account_number=str(account + index),
                site_id=sites[index],
                site_number=f"{account + index}-1",
            )
            for index, spec in enumerate(specs)
        ]

    def add(self, spec: NewCustomer, stamp: int, customer: Customer | None = None) -> Customer:
        """Write a customer into every resource that shows one."""
        customer = customer or self.reserve(spec)
        with self.records.store.transaction():
            self.write_many([(spec, customer, stamp)])
        return customer

    def write_many(self, entries: list[tuple[NewCustomer, Customer, int]]) -> None:
        addresses = self.ids.many("address", len(entries))
        rows = [_customer_rows(*entry, address) for entry, address in zip(entries, addresses, strict=True)]
        for index, table in enumerate(
            (a.ACCOUNTS, a.ORGANIZATIONS, a.ADDRESSES, a.BILL_TO_ACCOUNTS, a.ACTIVITIES, a.SITE_ACTIVITIES)
        ):
            self.records.put_many(table, [row[index] for row in rows])
        for kind, table, build in (
            ("usage", a.USAGES, _usage_row),
            ("classification", a.CLASSIFICATIONS, _classification_row),
            ("contact_point", a.CONTACT_POINTS, _phone_row),
        ):
            chosen = [row for spec, customer, stamp in entries if (row := build(spec, customer, stamp))]
            identities = self.ids.many(kind, len(chosen))
            self.records.put_many(
                table, [{"_id": identity, **row} for identity, row in zip(identities, chosen, strict=True)]
            )

    def customer(self, party_id: int) -> Customer | None:
        """A visible customer by party id."""
        found = self.records.find(a.ACTIVITIES, '"CustomerId" = ?', (party_id,), 1)
        if not found:
            return None
        account = found[0]
        site = self.records.find(a.SITE_ACTIVITIES, '"AccountId" = ?', (account["AccountId"],), 1)[0]
        party = self.records.get(a.ACCOUNTS, party_id)
        return Customer(
            party_id=party_id,
            party_number=party["PartyNumber"],
            name=account["CustomerName"],
            account_id=account["AccountId"],
            account_number=account["AccountNumber"],
            site_id=site["BillToSiteUseId"],
            site_number=site["BillToSiteNumber"],
        )

    def customers(self) -> list[Customer]:
        found = self.records.find(a.ACTIVITIES)
        return [customer for row in found if (customer := self.customer(row["CustomerId"]))]

    def add_person(self, spec: NewPerson, customer: Customer, stamp: int) -> int:
        """A contact of a customer; its party id."""
        party_id = self.ids.one("party")
        number = str(self.ids.number("party", 10021))
        organization = self.records.get(a.ORGANIZATIONS, customer.party_id)
        self.records.put(a.PERSONS, _person_row(spec, customer, party_id, number, organization, stamp))
        self.records.put(
            a.RELATIONSHIPS,
            {
                "_id": self.ids.one("relationship"),
                "_party": party_id,
                "RelationshipCode": "CONTACT_OF",
                "RelationshipType": "CONTACT",
                "SubjectPartyId": party_id,
                "ObjectPartyId": customer.party_id,
                "SubjectPartyNumber": number,
                "ObjectPartyNumber": customer.party_number,
                "Status": "A",
            },
        )
        return party_id

    def change(self, customer: Customer, stamp: int, **changes: Any) -> Customer:
        """Change name, address parts, status, tax_id or duns of a customer, in every resource that shows it."""
        unknown = set(changes) - {"name", *_PLACE, *_PARTY}
        if unknown:
            raise ValueError(f"a customer cannot change {', '.join(sorted(unknown))}")
        account: Row = {"LastUpdateDate": stamp}
        organization: Row = {"LastUpdateDate": stamp}
        if "name" in changes:
            customer = replace(customer, name=changes["name"])
            account |= {"OrganizationName": customer.name, "PartyUniqueName": customer.name}
            organization["OrganizationName"] = customer.name
            self.records.update(a.BILL_TO_ACCOUNTS, customer.account_id, PartyName=customer.name)
            self.records.update(
                a.ACTIVITIES, customer.account_id, CustomerName=customer.name, LastUpdateDate=stamp, LastUpdatedBy=USER
            )
        if "status" in changes:
            self.records.update(a.BILL_TO_ACCOUNTS, customer.account_id, Status=changes["status"])
        for key, names in (_PLACE | _PARTY).items():
            if key in changes:
                account[names[0]] = changes[key]
                organization[names[1]] = changes[key]
            if key in changes and key in _PLACE:
                for row in self.records.find(a.ADDRESSES, "_party = ?", (customer.party_id,)):
                    self.records.update(a.ADDRESSES, row["AddressId"], **{names[1]: changes[key]}, LastUpdateDate=stamp)
        self.records.update(a.ACCOUNTS, customer.party_id, **account)
        self.records.update(a.ORGANIZATIONS, customer.party_id, **organization)
        return customer


_PARTY = {
    "status": ("PartyStatus", "Status"),
    "tax_id": ("TaxpayerIdentificationNumber", "TaxpayerIdentificationNumber"),
    "duns": ("DUNSNumber", "DUNSNumber"),
}
_PLACE = {
    "address": ("AddressLine1", "Address1"),
    "city": ("City", "City"),
    "state": ("State", "State"),
    "postal_code": ("PostalCode", "PostalCode"),
    "country": ("Country", "Country"),
}


def _customer_rows(spec: NewCustomer, customer: Customer, stamp: int, address_id: int) -> tuple[Row, ...]:
    place = {"City": spec.city, "State": spec.state, "PostalCode": spec.postal_code, "Country": spec.country}
    system, reference = spec.source or (None, None)
    shared = {
        "PartyId": customer.party_id,
        "PartyNumber": customer.party_number,
        "OrganizationName": spec.name,
        "TaxpayerIdentificationNumber": spec.tax_id,
        "DUNSNumber": spec.duns,
        "URL": spec.url,
        "RawPhoneNumber": spec.phone,
        "SourceSystem": system,
        "SourceSystemReferenceValue": reference,
        "LastUpdateDate": stamp,
        **place,
    }
    account = {
        **shared,
        "PartyUniqueName": spec.name,
        "Type": "ZCA_CUSTOMER",
        "PartyStatus": spec.status,
        "PartyType": "ORGANIZATION",
        "SalesProfileStatus": spec.status,
        "IndustryCode": spec.industry[0] if spec.industry else None,
        "IndustryCodeType": "CUSTOMER_CATEGORY" if spec.industry else None,
        "Industries": spec.industry[1] if spec.industry else None,
        "PhoneNumber": spec.phone,
        "AddressLine1": spec.address,
        "PrimaryAddressId": address_id,
    }
    organization = {
        **shared,
        "PartyUsageCode": "CUSTOMER",
        "Status": spec.status,
        "Address1": spec.address,
        "PreferredFunctionalCurrency": spec.currency,
        "FormattedAddress": ", ".join(part for part in (spec.address, spec.city, spec.country) if part),
        "CreationDate": stamp,
    }
    address = {
        "AddressId": address_id,
        "_party": customer.party_id,
        "AddressNumber": f"AD{address_id % 10_000_000}",
        "Address1": spec.address,
        "PrimaryFlag": True,
        "PartyId": customer.party_id,
        "PartySiteName": spec.city,
        "Status": "A",
        "StartDateActive": date(2020, 1, 1),
        "EndDateActive": OPEN_END,
        "LastUpdateDate": stamp,
        **place,
    }
    return account, organization, address, *_account_rows(spec, customer, stamp)


def _account_rows(spec: NewCustomer, customer: Customer, stamp: int) -> tuple[Row, Row, Row]:
    numbers = {"AccountNumber": customer.account_number, "CustomerId": customer.party_id, "CustomerName": spec.name}
    bill_to = {
        "CustAccountId": customer.account_id,
        "AccountNumber": customer.account_number,
        "AccountName": spec.name,
        "PartyId": customer.party_id,
        "PartyNumber": customer.party_number,
        "PartyName": spec.name,
        "Status": spec.status,
    }
    dates = {"CreationDate": stamp, "LastUpdateDate": stamp}
    activity = {
        "AccountId": customer.account_id,
        **numbers,
        "TaxpayerIdentificationNumber": spec.tax_id,
        "TotalOpenReceivablesForAccount": 0,
        "TotalTransactionsDueForAccount": 0,
        "CreatedBy": USER,
        "LastUpdatedBy": USER,
        **dates,
    }
    site = {
        "BillToSiteUseId": customer.site_id,
        "BillToSiteNumber": customer.site_number,
        "BillToSiteAddress": f"{spec.address}, {spec.city}",
        "AccountId": customer.account_id,
        **numbers,
        **dates,
    }
    return bill_to, activity, site


def _usage_row(spec: NewCustomer, customer: Customer, stamp: int) -> Row | None:
    return {
        "_party": customer.party_id,
        "PartyUsageCode": "CUSTOMER",
        "StatusFlag": True,
        "StartDate": date(2020, 1, 1),
        "EndDate": OPEN_END,
    }


def _classification_row(spec: NewCustomer, customer: Customer, stamp: int) -> Row | None:
    if not spec.industry:
        return None
    return {
        "_party": customer.party_id,
        "ClassCategory": "CUSTOMER_CATEGORY",
        "ClassCode": spec.industry[0],
        "ClassCodeMeaning": spec.industry[1],
        "PrimaryFlag": True,
        "IsIndustryFlag": True,
        "EndDateActive": OPEN_END,
    }


def _phone_row(spec: NewCustomer, customer: Customer, stamp: int) -> Row | None:
    if not spec.phone:
        return None
    return {
        "_party": customer.party_id,
        "ContactPointType": "PHONE",
        "PhoneNumber": spec.phone,
        "RawPhoneNumber": spec.phone,
        "PrimaryFlag": True,
        "Status": "A",
        "LastUpdateDate": stamp,
    }


def _person_row(spec: NewPerson, customer: Customer, party_id: int, number: str, organization: Row, stamp: int) -> Row:
    return {
        "PartyId": party_id,
        "PartyNumber": number,
        "FirstName": spec.first,
        "LastName": spec.last,
        "PersonName": f"{spec.first} {spec.last}",
        "JobTitle": spec.title,
        "EmailAddress": spec.email,
        "RawWorkPhoneNumber": spec.phone,
        "DoNotContactFlag": spec.no_contact,
        "DoNotEmailFlag": spec.no_email,
        "OrganizationPartyId": customer.party_id,
        "OrganizationPartyNumber": customer.party_number,
        "OrganizationPartyName": customer.name,
        **{name: organization[name] for name in ADDRESS_FIELDS},
        "PartyUsageCode": "ORG_CONTACT",
        "Status": "A",
        "CreationDate": stamp,
        "LastUpdateDate": stamp,
    }
