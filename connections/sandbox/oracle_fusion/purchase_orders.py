"""Purchase orders: drafts, what is done to them, and the orders they become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import attributes as a
from .attributes import Table
from .body import Part
from .documents import ZERO, day_of
from .errors import bad_request
from .ledger import Ledger, LedgerError
from .purchase_body import PurchaseOrderCheck
from .records import Row

INCOMPLETE = {"Status": "Incomplete", "StatusCode": "INCOMPLETE"}
PENDING = {"Status": "Pending Approval", "StatusCode": "PENDING APPROVAL"}
REJECTED = {"Status": "Rejected", "StatusCode": "REJECTED"}
OPEN = {"Status": "Open", "StatusCode": "OPEN"}
CLOSED = {"Status": "Closed", "StatusCode": "CLOSED"}
EDITABLE = frozenset({INCOMPLETE["StatusCode"], REJECTED["StatusCode"]})
_LEVELS = (
    ("lines", a.PO_LINES, "po_line", "_order"),
    ("schedules", a.PO_SCHEDULES, "po_schedule", "_line"),
    ("distributions", a.PO_DISTRIBUTIONS, "po_distribution", "_schedule"),
)
_FLAGS = frozenset({True, False, "true", "false"})
SUBMIT = ("validateBeforeSubmitFlag", "bypassApprovalsFlag", "defaultTaxAttributesFlag", "requestFundsOverrideFlag")
ACTIONS: dict[str, tuple[str, ...]] = {
    "submit": SUBMIT,
    "validateDocument": (),
    "withdraw": ("withdrawReason", "initiatingParty"),
}


class PurchaseOrders:
    """Writes purchase orders. Nothing about a draft is unique: two of the same kind stand side by side."""

    def __init__(self, ledger: Ledger, switches: Mapping[str, Any]) -> None:
        self.ledger = ledger
        self.records = ledger.records
        self.switches = switches

    def create(self, body: Mapping[str, Any]) -> int:
        """A draft with its lines; its POHeaderId. Raises 400 with everything that is wrong with it."""
        with self.records.store.transaction():
            order = PurchaseOrderCheck(self.records, self.ledger.clock()).check(body)
            order_id, stamp = self.ledger.ids.one("purchase_order"), self.ledger.now()
            identity = {"POHeaderId": order_id, "OrderNumber": f"US-{self.ledger.ids.number('purchase_order', 1001)}"}
            dates = {"CreationDate": stamp, "LastUpdateDate": stamp}
            made = {"DocumentCreationMethod": "REST", **INCOMPLETE}
            self.records.put(a.DRAFT_PURCHASE_ORDERS, {**order.values, **identity, **made, **dates})
            self._children(order, order_id, 0)
        return order_id

    def _children(self, parent: Part, parent_id: int, level: int) -> None:
        if level == len(_LEVELS):
            return
        name, table, kind, column = _LEVELS[level]
        for part in parent.parts(name):
            identity = self.ledger.ids.one(kind)
            self.records.put(table, {**part.values, str(table.identity): identity, column: parent_id})
            self._children(part, identity, level + 1)

    def change(self, order_id: int, body: Mapping[str, Any]) -> None:
        """New values for the header of a draft that waits for nobody."""
        with self.records.store.transaction():
            self._editable(order_id, "changed")
            values = PurchaseOrderCheck(self.records, self.ledger.clock()).check_change(body)
            self.records.update(a.DRAFT_PURCHASE_ORDERS, order_id, **values, LastUpdateDate=self.ledger.now())

    def delete(self, order_id: int) -> None:
        with self.records.store.transaction():
            self._editable(order_id, "deleted")
            parents = [order_id]
            for _, table, _, column in _LEVELS:
                marks = ",".join("?" * len(parents))
                rows = self.records.find(table, f"{column} IN ({marks})", tuple(parents))
                self.records.delete(table, f"{column} IN ({marks})", tuple(parents))
                parents = [row[str(table.identity)] for row in rows]
            self.records.delete(a.DRAFT_PURCHASE_ORDERS, "_id = ?", (order_id,))

    def _editable(self, order_id: int, what: str) -> Row:
        row = self.records.get(a.DRAFT_PURCHASE_ORDERS, order_id)
        if row["StatusCode"] not in EDITABLE:
            raise bad_request(f"The purchase order {row['OrderNumber']} cannot be {what}: {row['Status']}.")
        return row

    # -- actions --------------------------------------------------------------------------------------------------

    def act(self, name: str, order_id: int, parameters: Mapping[str, Any]) -> Any:
        """Run an action of a draft: what stands in ``result``. Raises 400 for a parameter it does not have."""
        for parameter, value in parameters.items():
            if parameter not in ACTIONS[name]:
                raise bad_request(f"The parameter {parameter} is not valid for the action {name}.")
            if parameter.endswith("Flag") and (not isinstance(value, bool | str) or value not in _FLAGS):
                raise bad_request(f"The value {value} of the parameter {parameter} is not valid.")
        with self.records.store.transaction():
            if name == "submit":
                return self._submit(order_id, parameters)
            if name == "withdraw":
                return self._withdraw(order_id)
            self.records.get(a.DRAFT_PURCHASE_ORDERS, order_id)
            return []  # creating checks everything this imitation knows how to check

    def _submit(self, order_id: int, parameters: Mapping[str, Any]) -> str:
        self._editable(order_id, "submitted")
        bypass = parameters.get("bypassApprovalsFlag") in (True, "true")
        if self.switches["po_approval"] == "pending" and not bypass:
            self.records.update(a.DRAFT_PURCHASE_ORDERS, order_id, **PENDING, LastUpdateDate=self.ledger.now())
        else:
            self._open(order_id)
        return "SUCCESS"

    def _withdraw(self, order_id: int) -> str:
        row = self.records.get(a.DRAFT_PURCHASE_ORDERS, order_id)
        if row["StatusCode"] != PENDING["StatusCode"]:
            raise bad_request(f"The purchase order {row['OrderNumber']} is not waiting for approval.")
        self.records.update(a.DRAFT_PURCHASE_ORDERS, order_id, **INCOMPLETE, LastUpdateDate=self.ledger.now())
        return "SUCCESS"

    def _open(self, order_id: int) -> Row:
        """The draft becomes an order: same POHeaderId and number, in the other resource, under another key."""
        draft, stamp = self.records.get(a.DRAFT_PURCHASE_ORDERS, order_id), self.ledger.now()
        lines = self.records.find(a.PO_LINES, "_order = ?", (order_id,))
        total = sum((line["Amount"] or ZERO for line in lines), ZERO)
        shared = {name: value for name, value in draft.items() if name in a.PURCHASE_ORDERS.by_name}
        amounts = {"Ordered": total, "Total": total, "TotalTax": ZERO, "Revision": 0}
        order = {**shared, **OPEN, **amounts, "OrderDate": day_of(stamp), "LastUpdateDate": stamp}
        self.records.put(a.PURCHASE_ORDERS, order)
        self.records.delete(a.DRAFT_PURCHASE_ORDERS, "_id = ?", (order_id,))
        return order

    # -- what happens to an order afterwards ----------------------------------------------------------------------

    def approve(self, order: str | None = None) -> Row:
        """The approver says yes to an order, by number or POHeaderId, or to the last that waits.

        Raises :class:`LedgerError`, as all of these do.
        """
        with self.records.store.transaction():
            return self._open(self._chosen(a.DRAFT_PURCHASE_ORDERS, PENDING, order)["POHeaderId"])

    def reject(self, order: str | None = None) -> Row:
        """The approver says no: the order stays a draft."""
        return self._change_status(a.DRAFT_PURCHASE_ORDERS, PENDING, REJECTED, order)

    def close(self, order: str | None = None) -> Row:
        """Everything is delivered and billed."""
        return self._change_status(a.PURCHASE_ORDERS, OPEN, CLOSED, order)

    def _change_status(self, table: Table, before: Row, after: Row, order: str | None) -> Row:
        with self.records.store.transaction():
            row = self._chosen(table, before, order)
            return self.records.update(table, row["POHeaderId"], **after, LastUpdateDate=self.ledger.now())

    def _chosen(self, table: Table, status: Row, order: str | None) -> Row:
        where, params = '"StatusCode" = ?', [status["StatusCode"]]
        if order not in (None, ""):
            where, params = f'{where} AND ? IN ("OrderNumber", CAST(_id AS TEXT))', [*params, str(order)]
        found = self.records.find(table, where, tuple(params))
        if not found:
            raise LedgerError(f"no purchase order fits that is {status['Status']}")
        return found[-1]
