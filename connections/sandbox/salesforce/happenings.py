"""What may happen in the org while someone watches. What is not said is chosen, so that a button needs no words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from connections.sandbox.events import Event

from .org import Org
from .people import People
from .rows import Row, normal

KEY = "Fusion_Id__c"
HOME = ("US", "USA", "United States")
KEY_LABEL = ("key", "Opportunity id, or empty")
OPEN_STAGE, LOST_STAGE = "Negotiation/Review", "Closed Lost"


class Happenings:
    """Business events, each returning the ids it touched. Raises ``ValueError`` where one cannot happen."""

    def __init__(self, org: Org, people: People) -> None:
        self._org, self._people = org, people

    def events(self) -> dict[str, Event]:
        """All of them by name, to be started from outside with JSON arguments."""
        people = self._people
        return {
            event.name: event
            for event in (
                Event("salesforce_opportunity_won", "Sales wins an opportunity",
                      "The oldest open opportunity of a known customer is closed as won.",
                      fields=(KEY_LABEL,), act=self.win),
                Event("salesforce_purchase_order_raised", "A buyer raises a purchase order",
                      "Two lines for a supplier that finance knows, ready to be sent.",
                      fields=(("supplier", "Account id, or empty"), ("currency", "Currency (USD)")),
                      act=self.raise_purchase_order),
                Event("salesforce_opportunity_reopened", "A won opportunity is reopened",
                      "The last one won goes back into negotiation, though it may be ordered.",
                      fields=(KEY_LABEL,), act=self.reopen),
                Event("salesforce_opportunity_edited", "A deal changes after the order",
                      "The customer takes one more of the first product.", shown=False, act=self.change_deal),
                Event("salesforce_opportunity_lost", "Sales loses an opportunity",
                      "The oldest open opportunity is closed as lost.", shown=False, act=self.lose),
                Event("salesforce_account_renamed", "Sales renames an account",
                      "Somebody corrects the name of a known customer by hand.", shown=False, act=self.rename),
                Event("salesforce_accounts_merged", "Two accounts are merged",
                      "A known customer and a stranger become one; the stranger stays.", shown=False, act=self.merge),
                Event("salesforce_record_created", "A record is entered", "Any kind, any fields.", shown=False,
                      act=lambda type, fields: {"id": people.create(type, fields)}),
                Event("salesforce_record_edited", "A record is edited", "Any kind, any fields.", shown=False,
                      act=lambda type, key, fields: {"id": people.edit(type, key, fields)}),
                Event("salesforce_record_deleted", "A record is deleted", "It goes into the bin.", shown=False,
                      act=lambda type, key: {"id": people.delete(type, key)}),
            )
        }  # fmt: skip

    # -- opportunities ---------------------------------------------------------------------------------------------

    def win(self, key: str = "", stage: str = "Closed Won") -> dict[str, Any]:
        """The named opportunity, or the oldest open one, preferably with lines and of an account finance knows."""
        return {"id": self._people.win(key or self._open().id, stage)}

    def lose(self, key: str = "") -> dict[str, Any]:
        return {"id": self._people.edit("Opportunity", key or self._open().id, {"StageName": LOST_STAGE})}

    def reopen(self, key: str = "", stage: str = OPEN_STAGE) -> dict[str, Any]:
        return {"id": self._people.edit("Opportunity", key or self._won().id, {"StageName": stage})}

    def change_deal(self, key: str = "") -> dict[str, Any]:
        """One more of the first line's product; an opportunity without lines becomes a tenth dearer."""
        deal = self._people.find("Opportunity", key) if key else self._won()
        lines = [row for row in self._org.rows.many("OpportunityLineItem") if row.doc["OpportunityId"] == deal.id]
        if not lines:
            amount = round((deal.doc.get("Amount") or 0) * 1.1, 2)
            return {"id": self._people.edit("Opportunity", deal.id, {"Amount": amount})}
        line = min(lines, key=lambda row: (row.doc.get("SortOrder") or 0, row.id))
        self._people.edit("OpportunityLineItem", line.id, {"Quantity": line.doc["Quantity"] + 1})
        return {"id": deal.id, "line": line.id}

    def _open(self) -> Row:
        waiting = [row for row in self._org.rows.many("Opportunity") if not row.doc.get("IsClosed")]
        if not waiting:
            raise ValueError("no opportunity is open")
        return min(waiting, key=lambda row: (not row.doc.get("HasOpportunityLineItem"), not self._known(row), row.id))

    def _known(self, deal: Row) -> bool:
        account = self._org.rows.get(deal.doc.get("AccountId") or "")
        return bool(account and account.doc.get(KEY))

    def _won(self) -> Row:
        """The last one won, preferably one with an order."""
        won = [row for row in self._org.rows.many("Opportunity") if row.doc.get("IsWon")]
        if not won:
            raise ValueError("no opportunity is won")
        order, since = "Fusion_Order_Number__c", "LastStageChangeDate"
        return max(won, key=lambda row: (bool(row.doc.get(order)), row.doc.get(since) or "", row.id))

    # -- accounts --------------------------------------------------------------------------------------------------

    def rename(self, key: str = "", name: str = "") -> dict[str, Any]:
        account = self._people.find("Account", key) if key else next(self._accounts(), None)
        if account is None:
            raise ValueError("no account carries a key of finance yet: let the sync run first")
        return {"id": self._people.edit("Account", account.id, {"Name": name or f"{account.doc['Name']} (new name)"})}

    def merge(self, keep: str = "", lose: str = "") -> dict[str, Any]:
        """``keep`` and ``lose``; or an account finance knows is lost to its twin by name, else to a stranger."""
        if not keep or not lose:
            keep, lose = self._twins()
        return {"id": self._people.merge(keep, lose), "lost": lose}

    def _twins(self) -> tuple[str, str]:
        known = list(self._accounts())
        strangers = [row for row in self._org.rows.many("Account") if not row.doc.get(KEY)]
        if not known or not strangers:
            raise ValueError("no account of finance and no stranger to merge: say keep and lose")
        named = {normal(row.doc["Name"]): row for row in strangers}
        lost = next((row for row in known if normal(row.doc["Name"]) in named), known[0])
        return named.get(normal(lost.doc["Name"]), strangers[0]).id, lost.id

    def _accounts(self) -> Iterator[Row]:
        return (row for row in self._org.rows.many("Account") if row.doc.get(KEY))

    # -- purchase orders -------------------------------------------------------------------------------------------

    def raise_purchase_order(
        self, supplier: str = "", currency: str = "USD", lines: Any = 2, ready: Any = True
    ) -> dict[str, Any]:
        """A purchase order over the first products, entered line by line and then released."""
        org, people = self._org, self._people
        if "purchase_order__c" not in org.schema:
            raise ValueError("the org has no purchase orders yet: prepare the connection first")
        account = people.find("Account", supplier) if supplier else self._supplier()
        needed = datetime.fromtimestamp(org.clock(), UTC).date() + timedelta(days=14)
        header = {
            "Supplier__c": account.id,
            "Status__c": "Approved",
            "Currency_Code__c": currency,
            "Needed_By__c": needed.isoformat(),
        }
        with org.store.transaction():
            order = people.create("Purchase_Order__c", header)
            made = [
                people.create("Purchase_Order_Line__c", {"Purchase_Order__c": order, **line})
                for line in self._lines(int(lines))
            ]
            if ready not in (False, "false", "0", 0):
                people.edit("Purchase_Order__c", order, {"Ready_For_Fusion__c": True})
        return {"id": order, "supplier": account.id, "lines": made}

    def _supplier(self) -> Row:
        """Preferably one at home, since finance buys from the others by its units abroad."""
        suppliers = [row for row in self._accounts() if row.doc.get("Fusion_Role__c") in ("Supplier", "Both")]
        if not suppliers:
            raise ValueError("no account is a supplier of finance yet: let the sync run first")
        return min(suppliers, key=lambda row: (row.doc.get("BillingCountry") not in HOME, row.id))

    def _lines(self, count: int) -> Iterator[dict[str, Any]]:
        products = [row for row in self._org.rows.many("Product2") if row.doc.get("ProductCode")]
        if len(products) < count:
            raise ValueError(f"the org has only {len(products)} products")
        for number, product in enumerate(products[:count], 1):
            yield {
                "Item__c": product.doc["ProductCode"],
                "Description__c": product.doc["Name"],
                "Quantity__c": 10.0 * number,
                "Unit_Price__c": 12.5 * number,
                "UOM__c": "Ea",
            }
