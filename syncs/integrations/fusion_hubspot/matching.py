"""Recognising companies and contacts that stood in HubSpot before us.

A company of the same normalised name is adopted if it is the only one and no other customer has that name; names
that merely look alike are not asked about. Contacts are recognised by e-mail. HubSpot's search lags by seconds, so
nothing is created because a search found nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from connections.connectors.base import Document
from connections.errors import ConnectorError
from syncs.engine.binding import bind
from syncs.engine.flow import Item, WriteContext
from syncs.integrations.fusion_hubspot.writing import KEY, has_unique_key
from syncs.names.matching import Identity

COMPANY_PROPERTIES = ["name", KEY]


class Companies:
    """HubSpot's own companies, by our unique property where the account allows one."""

    def __init__(self, context: WriteContext) -> None:
        self.context = context

    def known(self, keys: Sequence[str]) -> dict[str, str]:
        if not has_unique_key(self.context, "companies"):
            return {}
        found = self.context.destination.read("companies", keys, key_property=KEY, properties=[KEY])
        return {key: str(company["id"]) for key, company in found.items()}

    def listed(self, since: datetime | None) -> Iterator[list[tuple[str, str, Identity]]]:
        hubspot = self.context.destination
        pages = (
            hubspot.records("companies", COMPANY_PROPERTIES)
            if since is None
            else hubspot.changed_since("companies", since, COMPANY_PROPERTIES)
        )
        for page in pages:
            rows = [(str(company["id"]), company["properties"]) for company in page]
            yield [(id_, values.get(KEY) or "", Identity(values.get("name") or "")) for id_, values in rows]

    def adopt(self, pairs: Mapping[str, str]) -> dict[str, ConnectorError]:
        results = self.context.destination.update("companies", [(id_, {KEY: key}) for id_, key in pairs.items()])
        return {id_: error for id_, error in results.items() if isinstance(error, ConnectorError)}


def release_company(id_: str, source_key: str, context: WriteContext) -> Identity | None:
    """HubSpot clears a property that is given as the empty text."""
    company = context.destination.read("companies", [id_], properties=COMPANY_PROPERTIES).get(id_)
    if company is None:
        return None
    if company["properties"].get(KEY) == source_key:
        result = context.destination.update("companies", [(id_, {KEY: ""})])[id_]
        if isinstance(result, ConnectorError):
            raise result
    return Identity(company["properties"].get("name") or "")


def bind_companies(items: Sequence[Item], context: WriteContext) -> list[Item]:
    """The items that may be written; the others have got their verdict: held, or refused by HubSpot."""
    return bind(items, context, Companies(context), _identity, lambda item: item.row.key, near=False)


def _identity(item: Item) -> Identity:
    return Identity(item.document["company"]["name"] or "")


def bind_contacts(items: Sequence[Item], context: WriteContext) -> dict[str, Document]:
    """Source key → the contact's properties to be written, with HubSpot's one-contact-per-e-mail rule kept.

    A contact of that e-mail without our key is taken over; if it belongs to another customer, ours goes without e-mail.
    """
    documents = {item.row.key: dict(_contact(item)) for item in items}
    changed = [item for item in items if _contact(item).get("email") and _email_changed(item)]
    if not changed:
        return documents
    emails = {_contact(item)["email"] for item in changed}
    holders = context.destination.read("contacts", sorted(emails), key_property="email", properties=["email", KEY])
    owner = {email: str(record["properties"].get(KEY) or "") for email, record in holders.items()}
    adopted: dict[str, Item] = {}
    for item in changed:
        key, email = item.row.key, _contact(item)["email"]
        if email in holders and owner[email] == "":
            adopted[str(holders[email]["id"])] = item
        if owner.setdefault(email, key) in ("", key):
            owner[email] = key
        else:
            documents[key]["email"] = ""
            item.answer["note"] = f"The e-mail {email} belongs to another customer's contact; left out here."
    _take_over(context, adopted)
    return documents


def _take_over(context: WriteContext, adopted: dict[str, Item]) -> None:
    """A contact made earlier under our key would hold it twice, so only customers without a contact take one over."""
    free = {id_: item for id_, item in adopted.items() if not item.delivered.get("ids", {}).get("contact")}
    if not free:
        return
    results = context.destination.update("contacts", [(id_, {KEY: item.row.key}) for id_, item in free.items()])
    for id_, item in free.items():
        if isinstance(error := results[id_], ConnectorError):
            item.answer["note"] = f"The contact {id_} could not be taken over: {error}"


def _contact(item: Item) -> Document:
    return item.document["contact"] or {}


def _email_changed(item: Item) -> bool:
    before = (item.delivered.get("document", {}).get("contact") or {}).get("email")
    return not (item.state and item.state.payload_hash and before == _contact(item)["email"])
