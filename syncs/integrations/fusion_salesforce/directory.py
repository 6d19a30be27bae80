"""Salesforce's own Accounts, for recognising companies among them. Person accounts and the bin are left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from connections.connectors.base import Document
from connections.errors import ConnectorError, StreamRefused
from syncs.engine.binding import AMBIGUOUS, CHOOSE
from syncs.engine.flow import Held, WriteContext
from syncs.integrations.fusion_salesforce.writing import KEY
from syncs.names.matching import Identity

ACCOUNT = "account"
DUNS = "DunsNumber"
PERSON = "IsPersonAccount"
ADDRESS = ("BillingStreet", "BillingCity", "BillingState", "BillingPostalCode", "BillingCountry")
OPTIONAL = (*ADDRESS, DUNS, PERSON)
NOBODY = Identity("")


class Accounts:
    """``known`` says what was read a moment ago: party -> Id of the Account with its key."""

    def __init__(self, context: WriteContext, known: Mapping[str, str]) -> None:
        self.salesforce = context.destination
        self._known = known
        fields = context.capabilities.get("fields", {}).get(ACCOUNT)
        self.tax_field = str(context.options.get("tax_field") or "")
        if self.tax_field and fields and self.tax_field.lower() not in {name.lower() for name in fields}:
            raise _no_tax_field(self.tax_field)
        there = [name for name in OPTIONAL if not fields or name in fields]
        if not fields:
            there.remove(PERSON)  # only some orgs have it, and asking for what is not there fails
        self._fields = ["Name", KEY, *there, *filter(None, [self.tax_field])]
        self._seen: dict[str, Document] = {}

    def known(self, keys: Sequence[str]) -> dict[str, str]:
        return {key: self._known[key] for key in keys if self._known.get(key)}

    def listed(self, since: datetime | None) -> Iterator[list[tuple[str, str, Identity]]]:
        """What was deleted meanwhile is listed without a name: it is no candidate any more."""
        pages = (
            self.salesforce.records(ACCOUNT, self._fields)
            if since is None
            else self.salesforce.changed_since(ACCOUNT, since, self._fields)
        )
        for page in pages:
            yield [(str(each["Id"]), str(each.get(KEY) or ""), self.identity(each)) for each in page]
        if since is not None:
            for page in self.salesforce.deleted(ACCOUNT, since=since, until=self.salesforce.server_now()):
                yield [(str(each["Id"]), "", NOBODY) for each in page]

    def adopt(self, pairs: Mapping[str, str]) -> dict[str, ConnectorError]:
        """Makes sure that they are there and free: else it is a question again. Our key goes with the data, in one
        write."""
        found = self.look(pairs)
        failures: dict[str, ConnectorError] = {}
        for id_, party in pairs.items():
            if id_ not in found:
                failures[id_] = Held(f"The Account {id_} is not in Salesforce any more. {CHOOSE}", code=AMBIGUOUS)
            elif found[id_].get(KEY) not in (None, "", party):
                failures[id_] = Held(f"{another(found[id_])} {CHOOSE}", code=AMBIGUOUS)
        return failures

    def look(self, ids: Iterable[str]) -> dict[str, Document]:
        """The live Accounts with these Ids. Each is read once."""
        asked = [id_ for id_ in dict.fromkeys(ids) if id_]
        wanted = [id_ for id_ in asked if id_ not in self._seen]
        if wanted:
            for id_, records in self.salesforce.find(ACCOUNT, "Id", wanted, self._fields).items():
                if records:
                    self._seen[id_] = records[0]
        return {id_: self._seen[id_] for id_ in asked if id_ in self._seen}

    def release(self, id_: str, party: str) -> Identity | None:
        """Takes our key off an Account that bears it."""
        account = self.look([id_]).get(id_)
        if account is None:
            return None
        if account.get(KEY) == party:
            result = self.salesforce.update(ACCOUNT, [(id_, {KEY: None})])[id_]
            if isinstance(result, ConnectorError):
                raise result
        return self.identity(account)

    def identity(self, account: Mapping[str, Any]) -> Identity:
        if account.get(PERSON) in (True, "true"):
            return NOBODY
        street, city, _, postal_code, country = (str(account.get(name) or "") for name in ADDRESS)
        return Identity(
            name=str(account.get("Name") or ""),
            tax_number=str(account.get(self.tax_field) or "") if self.tax_field else "",
            duns=str(account.get(DUNS) or ""),
            street=street,
            city=city,
            postal_code=postal_code,
            country=country,
        )


def another(account: Mapping[str, Any]) -> str:
    return f"The Account {called(account)} carries the key of another company of Fusion ({account.get(KEY)})."


def called(account: Mapping[str, Any]) -> str:
    return f"“{account.get('Name')}” ({account.get('Id')})"


def _no_tax_field(name: str) -> StreamRefused:
    text = (
        f"Accounts have no field {name}, or the Run-As user may not see it. Correct the flow's option “Account field "
        "with the tax number”, or let the user see the field and test the connection again."
    )
    return StreamRefused(text, code="tax_field_absent")
