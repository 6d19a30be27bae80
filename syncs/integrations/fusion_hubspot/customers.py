"""Flow ``customers``: a Fusion customer becomes a HubSpot company and its contact, both with the customer's PartyId.

Sources: contracts of Oracle's ``accounts``/``hubOrganizations``/``hubPersons``/``billToAccounts`` (crmRestApi) and of
HubSpot's companies and contacts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connections.connectors.base import Document, Row
from connections.errors import ConnectorError
from syncs.engine.flow import FlowDefinition, Item, MapContext, Mapped, Option, Summary, Watch, WriteContext
from syncs.engine.standing import Place
from syncs.integrations.fusion_hubspot import matching, tables
from syncs.integrations.fusion_hubspot.writing import associate_new, intend, put, there, without_empty
from syncs.names.matching import Identity, normalise

COMPANY, CONTACT = "companies", "contacts"
CONTACT_TO_COMPANY = 279
COMPANY_FIELDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    # HubSpot property, Fusion attributes in order of preference (accounts and hubOrganizations name them differently)
    ("city", ("City",)),
    ("state", ("State", "Province")),
    ("zip", ("PostalCode",)),
    ("country", ("Country",)),
    ("website", ("URL",)),
    ("fusion_party_number", ("PartyNumber",)),
)


def person_keys(row: Row) -> list[str]:
    """The customers a changed person belongs to."""
    organization = row.data.get("OrganizationPartyId")
    return [str(organization)] if organization else []


class Customers(FlowDefinition):
    key = "customers"
    label = "Customers"
    stream = "customers"
    version = "1"
    table = tables.CUSTOMERS
    matches = True
    watches = (Watch("persons", person_keys),)
    options = (
        Option(
            "contact_name",
            "Contact for customers without one",
            "HubSpot opens an invoice only with a contact on it. If a customer has no contact in Fusion, one of this "
            "name is made for it, without an e-mail address. Leave empty to be asked instead.",
            "",
        ),
    )

    def enrich(self, rows: Sequence[Row], *, source: Any, destination: Any) -> None:
        """Adds ``_persons`` and ``_account_numbers`` to each customer: one call per hundred or so customers."""
        by_party = {row.key: row.data for row in rows}
        for data in by_party.values():
            data["_persons"], data["_account_numbers"] = [], []
        for person in source.related("persons", "OrganizationPartyId", list(by_party)):
            by_party[str(person["OrganizationPartyId"])]["_persons"].append(person)
        for account in source.related("bill_to_accounts", "PartyId", list(by_party)):
            by_party[str(account["PartyId"])]["_account_numbers"].append(account.get("AccountNumber"))

    def summary(self, row: Row) -> Summary:
        name = customer_name(row)
        numbers = sorted(str(number) for number in row.data.get("_account_numbers", ()) if number)
        return Summary(name, match_key=normalise(name) if name else "", reference=numbers[0] if numbers else "")

    def map(self, row: Row, context: MapContext) -> Mapped:
        data = row.data
        account_number = ", ".join(sorted(number for number in data.get("_account_numbers", ()) if number))
        company: Document = {
            "name": customer_name(row),
            "address": street(data, 1) or None,
            "address2": street(data, 2) or None,
            "industry": industry(data, context.capabilities),
            "fusion_industry": first(data, ("IndustryCode", "Industries", "LineOfBusiness")),
            "fusion_account_number": account_number or None,
            **{target: first(data, sources) for target, sources in COMPANY_FIELDS},
        }
        return Mapped(
            {
                "company": {key: _text(value) for key, value in company.items()},
                "contact": contact(data, context.options),
            }
        )

    def places(self, document: Document, ids: Document, capabilities: Mapping[str, Any]) -> Iterable[Place]:
        for name, kind in (("company", COMPANY), ("contact", CONTACT)):
            if document.get(name):
                yield there((name,), name.capitalize(), kind, ids.get(name), document[name], capabilities)

    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        ready = matching.bind_companies(items, context)
        doubtful = intend(context, ready, (COMPANY, CONTACT), _adds_contact)
        companies = put(
            context,
            COMPANY,
            {item.row.key: (_properties(item, "company"), _known_id(item, "company")) for item in ready},
            doubtful,
        )
        delivered: list[Item] = []
        for item in ready:
            result = companies[item.row.key]
            if isinstance(result, ConnectorError):
                item.failed(result)
                continue
            item.sent = item.document
            item.answer["company"] = result.id
            item.synced(result.id, {"company": result.id, "contact": ""}, created=result.created)
            delivered.append(item)
        self._write_contacts(delivered, context, doubtful)

    def release(self, id_: str, source_key: str, delivered: Document, context: WriteContext) -> Identity | None:
        return matching.release_company(id_, source_key, context)

    def _write_contacts(self, items: Sequence[Item], context: WriteContext, doubtful: set[str]) -> None:
        with_contact = [item for item in items if item.document["contact"]]
        documents = matching.bind_contacts(with_contact, context)
        contacts = put(
            context,
            CONTACT,
            {
                item.row.key: (
                    without_empty(documents[item.row.key], _before(item, "contact")),
                    _known_id(item, "contact"),
                )
                for item in with_contact
            },
            doubtful,
        )
        pairs: dict[tuple[str, str], Item] = {}
        for item in with_contact:
            result = contacts[item.row.key]
            if isinstance(result, ConnectorError):
                item.failed(result)
                continue
            item.answer["contact"] = result.id
            before = item.delivered.get("ids", {})
            item.ids = {"company": item.destination_id, "contact": result.id}
            known = (before.get("contact"), before.get("company")) if item.trusted else None
            if known != (result.id, item.destination_id):
                pairs[result.id, item.destination_id] = item
        associate_new(context, CONTACT, COMPANY, CONTACT_TO_COMPANY, pairs)


def customer_name(row: Row) -> str:
    return str(row.data.get("OrganizationName") or row.data.get("PartyUniqueName") or "").strip()


def street(data: Mapping[str, Any], part: int) -> str:
    """Line 1 alone, or lines 2 to 4 together; accounts say AddressLine1, hubOrganizations say Address1."""
    numbers = (1,) if part == 1 else (2, 3, 4)
    lines = (data.get(f"AddressLine{number}") or data.get(f"Address{number}") for number in numbers)
    return ", ".join(str(line) for line in lines if line)


def first(data: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((data[name] for name in names if data.get(name) not in (None, "")), None)


def industry(data: Mapping[str, Any], capabilities: Mapping[str, Any]) -> str | None:
    """HubSpot's industry takes fixed options only: an exact equal or nothing; the text stands in fusion_industry."""
    options = capabilities.get("options", {}).get("companies.industry", ())
    for name in ("IndustryCode", "Industries", "LineOfBusiness"):
        wanted = str(data.get(name) or "").strip().upper().replace(" & ", "_AND_").replace(" ", "_").replace("-", "_")
        if wanted and wanted in options:
            return wanted
    return None


def contact(data: Mapping[str, Any], options: Mapping[str, Any]) -> Document | None:
    """The customer's contact: its primary person, else the first reachable one, else the account's own contact data."""
    person = primary_person(data)
    if person is not None:
        email = None if person.get("DoNotEmailFlag") in (True, "Y", "true") else person.get("EmailAddress")
        found: Document = {
            "email": email,
            "firstname": person.get("FirstName"),
            "lastname": person.get("LastName") or (person.get("PersonName") if not person.get("FirstName") else None),
            "phone": person.get("RawWorkPhoneNumber"),
            "mobilephone": person.get("RawMobilePhoneNumber"),
            "jobtitle": person.get("JobTitle"),
            "fusion_person_id": person.get("PartyId"),
        }
    elif data.get("PrimaryContactName") or data.get("PrimaryContactEmail"):
        given, _, family = str(data.get("PrimaryContactName") or "").strip().rpartition(" ")
        found = {
            "email": data.get("PrimaryContactEmail"),
            "firstname": given,
            "lastname": family,
            "phone": data.get("PrimaryContactPhone"),
            "fusion_person_id": data.get("PrimaryContactPartyId"),
        }
    elif options.get("contact_name"):
        found = {"lastname": options["contact_name"]}
    else:
        return None
    if found.get("email"):
        found["email"] = str(found["email"]).strip().lower()
    return {key: _text(value) for key, value in found.items()}


def primary_person(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Whoever must not be contacted is no contact. Otherwise the order is stable from run to run."""
    persons = [
        person
        for person in data.get("_persons", ())
        if person.get("DoNotContactFlag") not in (True, "Y", "true") and person.get("Status") in (None, "", "A")
    ]
    primary = str(data.get("PrimaryContactPartyId") or "")
    persons.sort(
        key=lambda person: (
            str(person.get("PartyId")) != primary,
            not person.get("EmailAddress"),
            str(person.get("PartyId")).zfill(18),
        )
    )
    return persons[0] if persons else None


def _text(value: Any) -> str:
    """HubSpot takes text; the empty text clears, so that what is gone in Fusion goes in HubSpot too."""
    return "" if value is None else str(value).strip()


def _adds_contact(item: Item) -> bool:
    return bool(item.document["contact"]) and not _known_id(item, "contact")


def _before(item: Item, name: str) -> Document:
    return item.delivered.get("document", {}).get(name) or {}


def _properties(item: Item, name: str) -> Document:
    return without_empty(item.document[name], _before(item, name))


def _known_id(item: Item, name: str) -> str:
    return str(item.delivered.get("ids", {}).get(name, ""))
