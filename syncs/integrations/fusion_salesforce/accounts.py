"""What customers and suppliers have in common: both become Accounts, one for each party of Fusion, with its PartyId.

A party that is customer and supplier has one Account. The customer's data stand there; the supplier adds its role.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from connections.connectors.base import Document, Row
from connections.errors import MappingError, blame
from syncs.attention.causes import AFTER_FIX, BY_ITSELF, Cause, Fix
from syncs.engine.flow import (
    FlowDefinition,
    Item,
    MapContext,
    Mapped,
    Option,
    Reference,
    Skip,
    Summary,
    Watch,
    WriteContext,
)
from syncs.engine.standing import Place
from syncs.integrations.fusion_parties import INACTIVE
from syncs.integrations.fusion_salesforce.account_writer import DELETED, MERGED, TAKEN, AccountWriter
from syncs.integrations.fusion_salesforce.directory import ACCOUNT, Accounts
from syncs.integrations.fusion_salesforce.writing import there
from syncs.names.countries import country_code
from syncs.names.matching import Identity, normalise

GONE = Watch("deleted_accounts", lambda row: [f"@{row.key}"], side="destination")
"""An Account that was deleted or merged: whose it was is looked at again, though nothing changed in Fusion."""
STATES_LISTED = ("AU", "BR", "CA", "CN", "IE", "IN", "IT", "MX", "US")
OPTIONS = (
    Option(
        "inactive",
        "Companies that are inactive in Fusion",
        "An Account shows in a field of its own whether the company is active in Fusion. Companies that were inactive "
        "before they ever reached Salesforce may be left out.",
        "mirror",
        "choice",
        (("mirror", "Bring them too, marked as inactive"), ("skip", "Leave them out")),
    ),
    Option(
        "tax_field",
        "Account field with the tax number",
        "If your Salesforce users keep a company's tax or VAT number in a field of the Account, give its API name, for "
        "example VAT_Number__c. Accounts are then recognised by it, which leaves fewer questions to you. It is only "
        "read.",
        "",
    ),
)


class AccountFlow(FlowDefinition):
    """A flow whose records are Accounts. ``role``: what a company of this flow is to us, in words."""

    version = "1"
    matches = True
    options = OPTIONS
    watches: tuple[Watch, ...] = (GONE,)
    role: ClassVar[str]
    leads: ClassVar[bool]
    """Its data stand in an Account that it shares with a kin flow."""

    @abstractmethod
    def name(self, row: Row) -> str: ...

    @abstractmethod
    def party(self, row: Row) -> str:
        """Our key of the Account; "" where Fusion names none."""

    @abstractmethod
    def number(self, row: Row) -> str:
        """Its number in Fusion, as people know it; "" where it has none."""

    @abstractmethod
    def account(self, row: Row, context: MapContext) -> Document:
        """The Account's fields, None where Fusion says nothing."""

    @abstractmethod
    def identity(self, row: Row) -> Identity:
        """What is known of the company for recognising it."""

    def enrich(self, rows: Sequence[Row], *, source: Any, destination: Any) -> None:
        """Adds ``_seen``: the Id of the Account that carries our key now, one call per 200. It may have moved since."""
        parties = [party for row in rows if (party := self.party(row))]
        with blame(destination.access.connection_id):
            found = destination.read(ACCOUNT, parties)
        for row in rows:
            row.data["_seen"] = str(found.get(self.party(row), {}).get("Id") or "")

    def summary(self, row: Row) -> Summary:
        name = self.name(row)
        return Summary(name, match_key=normalise(name) if name else "", reference=self.number(row))

    def references(self, row: Row) -> Iterable[Reference]:
        """The record itself: whether it has its Account already."""
        return [(self.key, row.key)]

    def map(self, row: Row, context: MapContext) -> Mapped:
        if not self.name(row):
            text = "The company has no name in Fusion. Enter one there; the change is read by itself."
            raise MappingError(text, code="no_name")
        party = self.party(row)
        if not party:
            text = "Fusion names no party for this company. Ask your Fusion administrator to complete it."
            raise MappingError(text, code="no_party")
        account = placed(self.account(row, context), context.capabilities)
        mine = context.targets.get((self.key, row.key))
        document: Document = {"party": party, "seen": str(row.data.get("_seen") or ""), ACCOUNT: account}
        if mine is None or not mine.id:
            if account["Fusion_Status__c"] == INACTIVE and context.options["inactive"] == "skip":
                raise Skip("inactive", "Inactive in Fusion and not in Salesforce: left out, as the flow's options say.")
            # Only until it is recognised: a tax number that changes later is nothing an Account shows.
            document["identity"] = self.identity(row).evidence()
        # The balance may move without a stamp that we could see.
        return Mapped(document, watch=account["Fusion_Open_Balance__c"] not in (None, "0"))

    def our_key(self, source_key: str, document: Document) -> str:
        return str(document.get("party") or source_key)

    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        AccountWriter(items, context, role=self.role, leads=self.leads).write()

    def release(self, id_: str, source_key: str, delivered: Document, context: WriteContext) -> Identity | None:
        return Accounts(context, {}).release(id_, str(delivered.get("document", {}).get("party") or ""))

    def places(self, document: Document, ids: Document, capabilities: Mapping[str, Any]) -> Iterable[Place]:
        if document:
            yield there((ACCOUNT,), "Account", ACCOUNT, ids.get(ACCOUNT), document[ACCOUNT], capabilities)


def placed(account: Document, capabilities: Mapping[str, Any]) -> Document:
    """The address in codes where the org has lists of states and countries: its texts then take the lists' words only.

    A state goes along where Salesforce lists the states of that country by the codes that Fusion has.
    """
    if "BillingCountryCode" not in (capabilities.get("writable", {}).get(ACCOUNT) or ()):
        return account
    country = country_code(account["BillingCountry"] or "") or None
    state = account["BillingState"] if country in STATES_LISTED else None
    coded = {name: value for name, value in account.items() if name not in ("BillingState", "BillingCountry")}
    return {**coded, "BillingStateCode": state and _code_of_state(state), "BillingCountryCode": country}


def _code_of_state(state: str) -> str | None:
    return state if len(state) in (2, 3) and state.isupper() and state.isalpha() else None


def listed_option(capabilities: Mapping[str, Any], field: str, wanted: Iterable[str | None]) -> str | None:
    """A value of the org's picklist: the first of ``wanted`` that it has, in its own spelling. Never a new one."""
    options = {str(each).casefold(): str(each) for each in capabilities.get("options", {}).get(f"account.{field}", ())}
    return next((options[each.casefold()] for each in wanted if each and each.casefold() in options), None)


def longest(capabilities: Mapping[str, Any], field: str) -> int | None:
    """Characters a field of the Account takes, where it is known."""
    found: int | None = capabilities.get("lengths", {}).get("account", {}).get(field)
    return found


ACCOUNT_CAUSES = {
    DELETED: Cause(
        "The Account was deleted in Salesforce",
        "Restore it from Salesforce's recycle bin and replay, or open the record and let a new Account be created.",
        Fix.MATCHES,
    ),
    MERGED: Cause(
        "The Account was merged into another company's",
        "Open each to see which. Either merge the two in Fusion as well, or let a new Account be created.",
        Fix.MATCHES,
    ),
    TAKEN: Cause(
        "The Account belongs to another company of Fusion",
        f"Open one to see which, and correct the key in Salesforce or the two companies in Fusion. {AFTER_FIX}",
    ),
    "customer_first": Cause(
        "The same company as a customer that is not there yet",
        f"{BY_ITSELF} If the customer is held or rejected, settle that first.",
    ),
    "no_name": Cause("No name", "Enter it in the source. The change is read by itself."),
    "no_party": Cause("No party", "Ask your Fusion administrator: every supplier belongs to a party there."),
    "tax_field_absent": Cause(
        "The field for tax numbers is not there",
        "Correct the flow's option, or let the Run-As user see the field.",
        Fix.OPTIONS,
    ),
}
"""What stops customers and suppliers, in words for the people who fix it."""
