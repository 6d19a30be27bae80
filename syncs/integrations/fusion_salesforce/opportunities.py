"""Flow ``opportunities``: a won Salesforce opportunity becomes one sales order in Fusion, on the matching customer.

Its key in Fusion is (source system, opportunity Id). Number and status of the order are shown on the opportunity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime

from connections.connectors.base import Document, Row
from connections.errors import ConnectorError, DependencyMissing, MappingError, RecordError, StreamRefused
from syncs.engine.flow import Held, MapContext, Mapped, Option, Skip, Summary, Watch, WriteContext
from syncs.integrations.fusion_salesforce import order_tables as tables
from syncs.integrations.fusion_salesforce import sales_lines
from syncs.integrations.fusion_salesforce.comparing import LINES, Facts, total
from syncs.integrations.fusion_salesforce.orders import (
    OrderFlow,
    Work,
    blamed,
    currency_of,
    number_of,
    refuse_unprepared,
    shown,
)
from syncs.integrations.fusion_salesforce.values import by, flag, word
from syncs.money import amount_or_none

REFERENCE = "SourceTransactionId"


class Opportunities(OrderFlow):
    key = "opportunities"
    label = "Won opportunities"
    stream = "opportunities"
    version = "1"
    table = tables.OPPORTUNITIES
    kind = "opportunity"
    noun = "sales order"
    origin = "opportunity"
    changed, taken_back = "opportunity_changed", "opportunity_reopened"
    shows = {
        "key": "Fusion_Order_Key__c",
        "number": "Fusion_Order_Number__c",
        "status": "Fusion_Order_Status__c",
        "error": "Fusion_Error__c",
    }
    watches = (
        Watch("opportunity_changes", lambda row: [row.key]),
        Watch("opportunity_lines", lambda row: [str(row.data.get("OpportunityId") or "")]),
        Watch("sales_orders", lambda row: [str(row.data.get(REFERENCE) or "")], side="destination"),
    )
    options = (
        Option(
            "business_unit",
            "Business unit",
            "The name (or the ID) of the Fusion business unit that sells. In Fusion: Setup and Maintenance → Manage "
            "Business Units; every receivables invoice shows one, too.",
            "",
            required=True,
        ),
        Option(
            "order_type",
            "Order type",
            "The code of the Fusion order type, such as STD. In Fusion: Setup and Maintenance → Manage Order Lookups → "
            "ORA_DOO_ORDER_TYPES.",
            "",
            required=True,
        ),
        Option(
            "source_system",
            "Source system",
            "The code under which Salesforce is registered in Fusion as a source system for orders. In Fusion: Setup "
            "and Maintenance → Manage Trading Community Source Systems. With the ID of the opportunity it identifies "
            "the order; do not change it once orders were made.",
            "SFDC",
            required=True,
        ),
        Option(
            "submit",
            "What becomes of a new order",
            "A draft waits in Fusion for a person to submit it.",
            "draft",
            "choice",
            (("draft", "It stays a draft"), ("submit", "It is submitted at once")),
            {"submit": "Fusion starts to fulfil and bill submitted orders without anybody having looked at them."},
        ),
        Option(
            "prices",
            "Prices",
            "Whose prices the order has. The opportunity's are frozen: Fusion does not price the order again.",
            "opportunity",
            "choice",
            (("opportunity", "Those of the opportunity, discounts included"), ("fusion", "Fusion prices the order")),
        ),
        Option(
            "history",
            "Which won opportunities",
            "New ones are those won since this sync began: its start date, or else the day it was made.",
            "new",
            "choice",
            (("new", "Those won since the sync began"), ("all", "All that were ever won")),
            {"all": "Every opportunity ever won becomes an order in Fusion, unless it has one under its ID already."},
        ),
        Option(
            "default_currency",
            "Currency",
            "Needed where the Salesforce org has one currency only: its code, such as USD.",
            "",
        ),
        Option(
            "ship_days",
            "Days until shipping",
            "The requested ship date is the close date and so many days. A product's own date goes first.",
            "0",
        ),
        Option("unit", "Unit of measure", "The Fusion code of the unit in which products are ordered.", "Ea"),
    )

    def enrich(self, rows: Sequence[Row], *, source: Any, destination: Any) -> None:
        """Adds ``_orders`` (what Fusion has under our keys) and ``_accounts`` (the customer's accounts and sites)."""
        refuse_unprepared(rows, self.shows, "opportunities")
        parties = sorted({party for row in rows if (party := party_of(row.data)).isdigit()})
        with blamed(destination):
            orders = by(REFERENCE, _asked(destination, "sales_orders", REFERENCE, [row.key for row in rows]))
            accounts = by("CustomerId", _asked(destination, "activities", "CustomerId", parties))
            ids = [str(account["AccountId"]) for group in accounts.values() for account in group]
            sites = by("AccountId", _sites(destination, ids))
        for row in rows:
            row.data["_orders"] = orders.get(row.key, [])
            row.data["_accounts"] = [
                {
                    "id": str(account["AccountId"]),
                    "sites": [site["BillToSiteUseId"] for site in sites.get(str(account["AccountId"]), ())],
                }
                for account in accounts.get(party_of(row.data), ())
            ]

    def summary(self, row: Row) -> Summary:
        data = row.data
        currency = str(data.get("CurrencyIsoCode") or "")
        return Summary(str(data.get("Name") or row.key), amount_or_none(data.get("Amount")), currency)

    # mapping --------------------------------------------------------------------------------------------------------

    def map(self, row: Row, context: MapContext) -> Mapped:
        data, options = row.data, context.options
        found = newest(data["_orders"], str(options["source_system"]))
        state = self.state_of(found) if found else None
        document = {"state": state, "shown": shown(row, self.shows)}
        if not data.get("IsWon"):
            if state is None:
                raise Skip("not_won", "The opportunity is not won (any more), and Fusion has no order of it.")
            reopened = f"The opportunity is no longer won ({data.get('StageName')})"
            return self.mapped({**document, "order": None, "withdrawn": reopened})
        if state is not None and not data.get("lines"):
            emptied = "All products were taken off the opportunity"
            return self.mapped({**document, "order": None, "withdrawn": emptied})
        if state is None and options["history"] == "new" and _won_before(data, context):
            raise Skip(
                "won_before", "It was won before this sync began. The option “Which won opportunities” takes it in."
            )
        order = self._order(row, context)
        if state is None and not data["_accounts"]:
            raise self._without_account(data)
        return self.mapped({**document, "order": order, "withdrawn": ""})

    def _order(self, row: Row, context: MapContext) -> Document:
        data, options = row.data, context.options
        lines = data.get("lines") or ()
        if not lines:
            raise Held(
                "The opportunity was won without products: there is nothing to order. Add them in Salesforce, and it "
                "goes by itself.",
                code="opportunity_without_products",
            )
        currency = currency_of(data.get("CurrencyIsoCode"), options, self)
        party = self._party(data)
        unit = options["business_unit"]
        order: Document = {
            "SourceTransactionSystem": options["source_system"],
            REFERENCE: row.key,
            "SourceTransactionNumber": row.key,
            **({"BusinessUnitId": int(unit)} if unit.isdigit() else {"BusinessUnitName": unit}),
            "BuyingPartyId": party,
            "TransactionTypeCode": options["order_type"],
            "TransactionalCurrencyCode": currency,
            "FreezePriceFlag": options["prices"] == "opportunity",
            "FreezeShippingChargeFlag": False,
            "FreezeTaxFlag": False,
            "SubmittedFlag": options["submit"] == "submit",
            "lines": sales_lines.lines(lines, currency, options),
        }
        if closed := data.get("CloseDate"):
            later = timedelta(days=number_of(options, "ship_days", self) or 0)
            order["RequestedShipDate"] = sales_lines.midnight(date.fromisoformat(str(closed)[:10]) + later)
        if bill_to := _bill_to(data["_accounts"]):
            order["billToCustomer"] = [bill_to]
        return order

    def _party(self, data: Mapping[str, Any]) -> int:
        """The Fusion party that buys."""
        account = data.get("AccountId")
        if not account:
            raise Held(
                "The opportunity belongs to no account, so nobody would get the order. Choose the account in "
                "Salesforce, and it goes by itself.",
                code="opportunity_without_account",
            )
        name, party = (data.get("Account") or {}).get("Name") or account, party_of(data)
        if not party:
            raise DependencyMissing(
                f"The account “{name}” is not matched with a customer of Oracle Fusion yet. It goes by itself once it "
                "is: decide about the customer if it is held here, or ask finance to enter it in Fusion.",
                waits_for=("customers", f"@{account}"),
                code="account_unmatched",
            )
        if not party.isdigit():
            raise MappingError(
                f"The account “{name}” carries the Fusion ID “{party}”, which is not the number of a party. Correct "
                "the field Fusion Id of the account in Salesforce.",
                code="account_key_wrong",
            )
        return int(party)

    @staticmethod
    def _without_account(data: Mapping[str, Any]) -> Held:
        return Held(
            f"“{data['Account'].get('Name')}” is known in Oracle Fusion, but has no customer account there, so it "
            "cannot be billed. Ask finance to add a customer account, then replay.",
            waits_for=("customers", f"@{data['AccountId']}"),
            code="customer_without_account",
        )

    # orders in Fusion -----------------------------------------------------------------------------------------------

    def state_of(self, order: Mapping[str, Any]) -> Document:
        return {
            "id": str(order["HeaderId"]),
            "key": f"{order.get('SourceTransactionSystem')}:{order.get(REFERENCE)}",
            "number": word(order.get("OrderNumber")),
            "status": word(order.get("StatusCode")),
            "error": word(order.get("MessageText")),
            "draft": not flag(order.get("SubmittedFlag")) and not cancelled(order),
            "cancelled": cancelled(order),
        }

    def create(self, works: Sequence[Work], context: WriteContext) -> dict[str, Document | ConnectorError]:
        rows = [(work.item.row.key, work.document["order"]) for work in works]
        found: dict[str, Document | ConnectorError] = context.destination.create_orders(rows)
        return found

    def find(self, works: Sequence[Work], context: WriteContext) -> dict[str, Document]:
        keys = [work.item.row.key for work in works]
        found: dict[str, Document] = context.destination.orders(context.options["source_system"], keys)
        return found

    def facts(self, document: Document) -> Facts:
        """Not the close date: it only proposes a ship date, which people plan in Fusion from then on."""
        order = document["order"]
        lines = sales_lines.facts(order["lines"])
        return {
            "customer": str(order["BuyingPartyId"]),
            "currency": order["TransactionalCurrencyCode"],
            **_sum(lines),
            LINES: lines,
        }

    def read(self, works: Sequence[Work], destination: Any) -> dict[str, Document]:
        keys = {str((work.state or {})["id"]): work.item.row.key for work in works}
        rows = destination.related("sales_orders", "HeaderId", list(keys), expand="lines")
        return {keys[str(row["HeaderId"])]: row for row in rows}

    def facts_there(self, order: Mapping[str, Any], work: Work) -> Facts:
        lines = sales_lines.standing(order, work.document["order"])
        return {
            "customer": str(order.get("BuyingPartyId")),
            "currency": str(order.get("TransactionalCurrencyCode")),
            **_sum(lines),
            LINES: lines,
        }


def newest(orders: Iterable[Document], system: str) -> Document | None:
    """The order of an opportunity: under our source system, or under the one it had when the order was made."""
    return max(
        orders,
        key=lambda order: (
            order.get("SourceTransactionSystem") == system,
            int(order.get("SourceTransactionRevisionNumber") or 0),
            int(order["HeaderId"]),
        ),
        default=None,
    )


def cancelled(order: Mapping[str, Any]) -> bool:
    return flag(order.get("CanceledFlag")) or str(order.get("StatusCode") or "").lower().startswith("cancel")


def party_of(data: Mapping[str, Any]) -> str:
    """The account's key: its party in Fusion."""
    return str((data.get("Account") or {}).get("Fusion_Id__c") or "")


def _asked(destination: Any, stream: str, attribute: str, values: Sequence[str]) -> list[Document]:
    found: list[Document] = destination.related(stream, attribute, values, expand="") if values else []
    return found


def _sites(destination: Any, accounts: Sequence[str]) -> list[Document]:
    """Where they cannot be seen, Fusion takes the customer's primary one: no reason to stop orders."""
    try:
        return _asked(destination, "site_activities", "AccountId", accounts)
    except (StreamRefused, RecordError):
        return []


def _won_before(data: Mapping[str, Any], context: MapContext) -> bool:
    if context.since is None:
        return False
    stamp = data.get("LastStageChangeDate")
    won_at = parse_datetime(str(stamp)) if stamp else None
    if won_at is not None:
        return won_at < context.since
    return bool(data.get("CloseDate")) and str(data["CloseDate"])[:10] < context.since.date().isoformat()


def _bill_to(accounts: Sequence[Document]) -> Document | None:
    """The customer's account and site where there is no choice; otherwise Fusion takes the customer's primary ones."""
    if len(accounts) != 1 or len(accounts[0]["sites"]) != 1:
        return None
    return {"CustomerAccountId": int(accounts[0]["id"]), "SiteUseId": int(accounts[0]["sites"][0])}


def _sum(lines: Mapping[str, Facts]) -> dict[str, str]:
    """The amount of the whole order, where every line has one."""
    amounts = [line["amount"] for line in lines.values() if "amount" in line]
    return {"amount": total(amounts)} if len(amounts) == len(lines) else {}
