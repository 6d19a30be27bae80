"""Flow ``purchase_orders``: a purchase order raised in Salesforce becomes one draft purchase order in Fusion.

Fusion has no key for it: its Salesforce Id stands in the reference number and, since only that can be searched, in the
description. The draft waits for a buyer unless the options say that it is submitted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connections.connectors.base import Document, Row
from connections.errors import ConnectorError, DependencyMissing, MappingError, StreamRefused
from syncs.engine.flow import Held, MapContext, Mapped, Option, Skip, Summary, Watch, WriteContext
from syncs.integrations.fusion_salesforce import order_tables as tables
from syncs.integrations.fusion_salesforce import purchase_lines
from syncs.integrations.fusion_salesforce.comparing import LINES, Facts
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

DRAFTS, ORDERS = "draft_purchase_orders", "purchase_orders"
ON_ITS_WAY = ("pending", "approv")
EARLIER = timedelta(days=1)
_REFERENCE = re.compile(r"\[([A-Za-z0-9]{15,18})\]")


def references(row: Row) -> list[str]:
    """Ours among what a purchase order of Fusion carries."""
    found = _REFERENCE.findall(str(row.data.get("Description") or ""))
    return list(dict.fromkeys(filter(None, [str(row.data.get("ReferenceNumber") or ""), *found])))


class PurchaseOrders(OrderFlow):
    key = "purchase_orders"
    label = "Purchase orders"
    stream = "purchase_orders"
    version = "1"
    table = tables.PURCHASE_ORDERS
    kind = "purchase_order"
    noun = "purchase order"
    origin = "purchase order in Salesforce"
    changed, taken_back = "purchase_order_changed", "purchase_order_withdrawn"
    shows = {"key": "Fusion_PO_Id__c", "number": "Fusion_PO_Number__c", "status": "Fusion_PO_Status__c"}
    watches = (
        Watch("purchase_order_changes", lambda row: [row.key]),
        Watch("purchase_order_lines", lambda row: [str(row.data.get("Purchase_Order__c") or "")]),
        Watch("purchase_orders", references, side="destination"),
    )
    options = (
        Option(
            "procurement_bu",
            "Procurement business unit",
            "The name of the Fusion business unit that buys. In Fusion: Setup and Maintenance → Manage Business Units; "
            "every purchase order shows one, too.",
            "",
            required=True,
        ),
        Option(
            "buyer_email",
            "Buyer",
            "The e-mail address of the Fusion user in whose name the orders are drafted. In Fusion: Setup and "
            "Maintenance → Manage Procurement Agents lists who may buy for the business unit.",
            "",
            required=True,
        ),
        Option(
            "ship_to_location",
            "Ship-to location",
            "The name of the Fusion location to which suppliers deliver. In Fusion: Setup and Maintenance → Manage "
            "Locations; the goods of an earlier purchase order show one, too.",
            "",
            required=True,
        ),
        Option(
            "submit",
            "What becomes of a new purchase order",
            "A draft waits in Fusion for a buyer to look at it and submit it.",
            "draft",
            "choice",
            (("draft", "It stays a draft"), ("submit", "It is submitted for approval at once")),
            {"submit": "Where Fusion approves by itself, the supplier may get the order before anybody has seen it."},
        ),
        Option("requisitioning_bu", "Requisitioning business unit", "Its name. Empty: as Fusion sets it.", ""),
        Option("legal_entity", "Sold-to legal entity", "Its name. Empty: as Fusion sets it.", ""),
        Option("document_style", "Document style", "Its name, such as Purchase Order. Empty: Fusion's default.", ""),
        Option("line_type", "Line type", "The name of the Fusion line type.", "Goods"),
        Option(
            "category",
            "Category of lines without an item",
            "The name of the purchasing category for lines that only have a description.",
            "",
        ),
        Option(
            "supplier_site",
            "Supplier site",
            "Which of the supplier's sites gets the order. Empty: its only purchasing site in the business unit.",
            "",
        ),
        Option("ship_to_organization", "Ship-to organization", "Its code. Empty: as Fusion sets it.", ""),
        Option("destination_type", "Destination type", "Its code: EXPENSE or INVENTORY.", "EXPENSE"),
        Option(
            "deliver_to_location",
            "Deliver-to location",
            "Its name. For expenses Fusion wants this or a charge account, unless it derives the account by itself.",
            "",
        ),
        Option(
            "charge_account",
            "Charge account",
            "The ID (a number) of the account that is charged. Empty: Fusion derives it.",
            "",
        ),
        Option("unit", "Unit of measure", "The Fusion code used where a line names no unit.", "Ea"),
        Option("default_currency", "Currency", "Used where a purchase order names none: its code, such as USD.", ""),
    )

    def enrich(self, rows: Sequence[Row], *, source: Any, destination: Any) -> None:
        """Adds ``_order`` (what Fusion has of it), ``_ready`` (is it still to be sent) and ``_suppliers``."""
        refuse_unprepared(rows, self.shows, "purchase orders")
        keys = [row.key for row in rows]
        ready = source.meeting(self.stream, keys)
        parties = sorted({party for row in rows if (party := party_of(row.data)).isdigit()})
        with blamed(destination):
            orders = destination.purchase_orders(keys, since=_first_made(rows))
            suppliers = destination.related("suppliers", "SupplierPartyId", parties, expand="sites") if parties else []
        suppliers = by("SupplierPartyId", suppliers)
        for row in rows:
            row.data["_order"] = orders.get(row.key)
            row.data["_ready"] = row.key in ready
            row.data["_suppliers"] = suppliers.get(party_of(row.data), [])

    def summary(self, row: Row) -> Summary:
        data = row.data
        currency = str(data.get("Currency_Code__c") or data.get("CurrencyIsoCode") or "")
        return Summary(str(data.get("Name") or row.key), _amount(data), currency)

    # mapping --------------------------------------------------------------------------------------------------------

    def map(self, row: Row, context: MapContext) -> Mapped:
        data = row.data
        found = data["_order"]
        state = self.state_of(found) if found else None
        document = {"state": state, "shown": shown(row, self.shows)}
        if data["_ready"] and (data.get("lines") or state is None):
            site = str(found["SupplierSite"]) if found and found.get("SupplierSite") else ""
            return self.mapped({**document, "order": self._order(row, context, site), "withdrawn": ""})
        if state is None:
            raise Skip("not_ready", "The purchase order is not ready to be sent (any more), and Fusion has none of it.")
        happened = "All lines were taken off" if data["_ready"] else "Somebody took back"
        withdrawn = f"{happened} the purchase order in Salesforce"
        return self.mapped({**document, "order": None, "withdrawn": withdrawn})

    def _order(self, row: Row, context: MapContext, site: str) -> Document:
        """``site`` is the one it was sent to already: what sites the supplier has by now matters no more."""
        data, options = row.data, context.options
        lines = data.get("lines") or ()
        if not lines:
            raise Held(
                "The purchase order has no lines, so there is nothing to order. Add them in Salesforce, and it goes by "
                "itself.",
                code="purchase_order_without_lines",
            )
        supplier = self._supplier(data)
        order: Document = {
            "ProcurementBU": options["procurement_bu"],
            "RequisitioningBU": options["requisitioning_bu"],
            "SoldToLegalEntity": options["legal_entity"],
            "DocumentStyle": options["document_style"],
            "Supplier": str(supplier["Supplier"]),
            "SupplierSite": site or self._site(supplier, options),
            "BuyerEmail": options["buyer_email"],
            "CurrencyCode": currency_of(data.get("Currency_Code__c") or data.get("CurrencyIsoCode"), options, self),
            "ReferenceNumber": row.key,
            "Description": f"Salesforce {data.get('Name') or ''} [{row.key}]",
        }
        return {
            **{name: value for name, value in order.items() if value},
            "lines": purchase_lines.lines(lines, data.get("Needed_By__c"), self._places(options)),
        }

    def _places(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        account = number_of(options, "charge_account", self)
        return {**options, "charge_account": account}

    def _supplier(self, data: Mapping[str, Any]) -> Document:
        account = data.get("Supplier__c")
        if not account:
            raise Held(
                "The purchase order names no supplier. Choose one in Salesforce, and it goes by itself.",
                code="purchase_order_without_supplier",
            )
        name = (data.get("Supplier__r") or {}).get("Name") or account
        if not party_of(data):
            raise DependencyMissing(
                f"The account “{name}” is not matched with a supplier of Oracle Fusion yet. It goes by itself once it "
                "is: decide about the supplier if it is held here, or ask finance to enter it in Fusion.",
                waits_for=("suppliers", f"@{account}"),
                code="account_unmatched",
            )
        suppliers = data["_suppliers"]
        if not suppliers:
            raise Held(
                f"“{name}” is known in Oracle Fusion, but is no supplier there. Ask finance to make it one, or choose "
                "another account in Salesforce; then replay.",
                waits_for=("suppliers", f"@{account}"),
                code="account_is_no_supplier",
            )
        if len(suppliers) > 1:
            numbers = ", ".join(str(each.get("SupplierNumber")) for each in suppliers)
            raise Held(
                f"Oracle Fusion has several suppliers for “{name}” ({numbers}), and we do not choose. Ask finance to "
                "end all but one, then replay.",
                code="suppliers_several",
            )
        return dict(suppliers[0])

    def _site(self, supplier: Mapping[str, Any], options: Mapping[str, Any]) -> str:
        """Raises ``MappingError``, not ``Held``: a changed option reads it again."""
        unit, wanted = options["procurement_bu"], options["supplier_site"]
        sites = [str(site["SupplierSite"]) for site in supplier.get("sites") or () if _buys_from(site, unit)]
        if wanted in sites or (len(sites) == 1 and not wanted):
            return str(wanted or sites[0])
        name = supplier.get("Supplier")
        if not sites:
            raise MappingError(
                f"The supplier “{name}” has no active purchasing site in the business unit “{unit}”. Ask finance to "
                "add one in Fusion, then replay.",
                code="supplier_site_missing",
            )
        there = f"only has {', '.join(sites)}" if wanted else f"has the sites {', '.join(sites)}, and we do not choose"
        raise MappingError(
            f"In “{unit}”, the supplier “{name}” {there}. Set “Supplier site” in the options of this flow: then it "
            "goes by itself.",
            code="supplier_site_unclear",
        )

    # orders in Fusion -----------------------------------------------------------------------------------------------

    def state_of(self, order: Mapping[str, Any]) -> Document:
        return {
            "id": str(order["POHeaderId"]),
            "key": str(order["POHeaderId"]),
            "number": word(order.get("OrderNumber")),
            "status": word(order.get("Status") or order.get("StatusCode")),
            "code": word(order.get("StatusCode")),
            "draft": bool(order.get("_draft")),
            "cancelled": str(order.get("StatusCode") or "").lower().startswith("cancel"),
        }

    def create(self, works: Sequence[Work], context: WriteContext) -> dict[str, Document | ConnectorError]:
        rows = [(work.item.row.key, work.document["order"]) for work in works]
        found: dict[str, Document | ConnectorError] = context.destination.create_purchase_orders(rows)
        return found

    def find(self, works: Sequence[Work], context: WriteContext) -> dict[str, Document]:
        keys = [work.item.row.key for work in works]
        found: dict[str, Document] = context.destination.purchase_orders(keys, since=context.now - EARLIER)
        return found

    def advance(self, works: Sequence[Work], context: WriteContext) -> None:
        """Submits, in a second call, what is to be submitted. What a person withdraws later is left to that person."""
        waiting = {work.item.row.key: work for work in works if self._is_to_be_submitted(work, context)}
        if not waiting:
            return
        ids = {key: str((work.state or {})["id"]) for key, work in waiting.items()}
        results: dict[str, ConnectorError | None]
        try:
            results = context.destination.submit_purchase_orders(ids)
        except StreamRefused as refused:
            results = dict.fromkeys(ids, refused)  # the drafts stand, and are told and shown all the same
        for key, error in results.items():
            waiting[key].sent |= {"action": "submit"}
            if error is None:
                waiting[key].notes["submitted"] = True
            else:
                waiting[key].item.failed(error)
        for key, order in self._found(list(waiting.values()), context).items():
            waiting[key].state = self.state_of(order)

    def _is_to_be_submitted(self, work: Work, context: WriteContext) -> bool:
        state = work.state or {}
        on_its_way = any(sign in str(state["code"]).lower() for sign in ON_ITS_WAY)
        done = not state["draft"] or on_its_way or work.before.get("submitted") or not work.document["order"]
        return self._wanted(work, context.options) and not done

    @staticmethod
    def _wanted(work: Work, options: Mapping[str, Any]) -> bool:
        """As the option was when the draft was made: drafts left to people stay with them."""
        return bool(work.before.get("submit", options["submit"] == "submit"))

    def kept(self, work: Work, context: WriteContext) -> Document:
        submitted = bool(work.before.get("submitted") or work.notes.get("submitted"))
        return {**super().kept(work, context), "submit": self._wanted(work, context.options), "submitted": submitted}

    def facts(self, document: Document) -> Facts:
        order = document["order"]
        return {
            "supplier": order["Supplier"],
            "currency": order["CurrencyCode"],
            LINES: purchase_lines.facts(order["lines"]),
        }

    def read(self, works: Sequence[Work], destination: Any) -> dict[str, Document]:
        """A draft that was submitted since is an order now."""
        found: dict[str, Document] = {}
        for stream, drafts in ((DRAFTS, True), (ORDERS, False)):
            wanted = {work.item.row.key: work.state for work in works if work.state and work.item.row.key not in found}
            keys = {str(state["id"]): key for key, state in wanted.items() if state["draft"] or not drafts}
            rows = destination.related(stream, "POHeaderId", list(keys), expand="lines.schedules") if keys else ()
            found |= {keys[str(row["POHeaderId"])]: {**row, "_draft": drafts} for row in rows}
        return found

    def facts_there(self, order: Mapping[str, Any], work: Work) -> Facts:
        return {
            "supplier": str(order.get("Supplier")),
            "currency": str(order.get("CurrencyCode")),
            LINES: purchase_lines.facts(order.get("lines") or ()),
        }


def party_of(data: Mapping[str, Any]) -> str:
    """The supplier account's key: its party in Fusion."""
    return str((data.get("Supplier__r") or {}).get("Fusion_Id__c") or "")


def _buys_from(site: Mapping[str, Any], unit: str) -> bool:
    active = str(site.get("Status") or "ACTIVE").upper() == "ACTIVE"
    return active and flag(site.get("SitePurposePurchasingFlag")) and site.get("ProcurementBU") == unit


def _first_made(rows: Sequence[Row]) -> datetime | None:
    """None of them was sent before it was entered."""
    made = [str(row.data["CreatedDate"]) for row in rows if row.data.get("CreatedDate")]
    return datetime.fromisoformat(min(made)) if len(made) == len(rows) and made else None


def _amount(data: Mapping[str, Any]) -> Decimal | None:
    parts: Iterable[tuple[Decimal | None, Decimal | None]] = [
        (amount_or_none(line.get("Quantity__c")), amount_or_none(line.get("Unit_Price__c")))
        for line in data.get("lines") or ()
    ]
    known = [quantity * price for quantity, price in parts if quantity is not None and price is not None]
    return sum(known, Decimal(0)) if known else None
