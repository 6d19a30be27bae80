"""Sales orders of the Order Hub: taking, revising, submitting, shipping."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from . import attributes as a
from .body import Part
from .documents import USER, ZERO
from .errors import FusionError, Problem
from .ledger import Ledger, LedgerError
from .records import Row
from .sales_body import Checked, OrderCheck

DRAFT = "DOO_DRAFT"
REFERENCE = "DOO_REFERENCE"
DUPLICATES = ("refuse", "revise", "double")
_TOTALS = (("QP_TOTAL_LIST_PRICE", "Total List Price"), ("QP_TOTAL_NET_PRICE", "Total Net Price"))


class SalesOrders:
    """Writes sales orders. An order is identified by source system and source transaction id."""

    def __init__(self, ledger: Ledger, switches: Mapping[str, Any]) -> None:
        self.ledger = ledger
        self.records = ledger.records
        self.switches = switches

    def create(self, body: Mapping[str, Any]) -> int:
        """Take an order; its HeaderId. Raises 400 with everything that is wrong with it."""
        with self.records.store.transaction():
            checked = OrderCheck(self.records, self.switches).check(body)
            known = self._versions(*checked.key)
            if not known or self.switches["duplicate_orders"] == "double":
                return self._write(checked)
            if self.switches["duplicate_orders"] == "revise":
                return self._revise(checked, known)
            raise _duplicate(known[-1])

    def _versions(self, system: str, transaction: str) -> list[Row]:
        where = '"SourceTransactionId" = ? AND "SourceTransactionSystem" = ?'
        return self.records.find(a.SALES_ORDERS, where, (transaction, system))

    def _revise(self, checked: Checked, known: list[Row]) -> int:
        """A newer version under the same key; the version before it remains for reference."""
        last, stamp = known[-1], self.ledger.now()
        self.records.update(
            a.SALES_ORDERS, last["HeaderId"], StatusCode=REFERENCE, OpenFlag=False, LastUpdateDate=stamp
        )
        return self._write(checked, last["SourceTransactionRevisionNumber"] + 1, last["OrderNumber"])

    def _write(self, checked: Checked, revision: int = 1, number: str | None = None) -> int:
        header_id, stamp, order = self.ledger.ids.one("sales_order"), self.ledger.now(), checked.header
        submitted = bool(order.get("SubmittedFlag"))
        flags = {name: bool(order.get(name)) for name in _FREEZING}
        system, transaction = checked.key
        row: Row = {
            **order.values,
            **flags,
            "OrderKey": f"{system}:{transaction}",
            "HeaderId": header_id,
            "OrderNumber": number,
            "SourceTransactionRevisionNumber": revision,
            "TransactionOn": order.get("TransactionOn") or stamp,
            "SubmittedFlag": False,
            "StatusCode": DRAFT,
            "OpenFlag": True,
            "OnHoldFlag": False,
            "CanceledFlag": False,
            "CreationDate": stamp,
            "LastUpdateDate": stamp,
        }
        self.records.put(a.SALES_ORDERS, row | self._submission(row, stamp) if submitted else row)
        self._customers(order, header_id)
        for place, line in enumerate(order.parts("lines"), 1):
            self._line(line, header_id, place, stamp)
        self._totals(order, header_id, checked.currency)
        return header_id

    def _submission(self, row: Row, stamp: int) -> Row:
        """What changes when an order is submitted: it gets its number and is open."""
        number = row["OrderNumber"] or str(self.ledger.ids.number("sales_order", 60001))
        who = {"SubmittedFlag": True, "SubmittedBy": USER, "SubmittedDate": stamp}
        return {**who, "OrderNumber": number, "StatusCode": "OPEN"}

    def _customers(self, order: Part, header_id: int) -> None:
        for name, table in (("billToCustomer", a.ORDER_BILL_TO), ("shipToCustomer", a.ORDER_SHIP_TO)):
            for part in order.parts(name):
                identity = self.ledger.ids.one("order_party")
                self.records.put(table, {"_id": identity, "_order": header_id, **part.values})

    def _line(self, line: Part, header_id: int, place: int, stamp: int) -> None:
        ids, line_id = self.ledger.ids, self.ledger.ids.one("order_line")
        self.records.put(
            a.ORDER_LINES,
            {
                **line.values,
                "LineId": line_id,
                "FulfillLineId": ids.one("order_line"),
                "_order": header_id,
                "LineNumber": str(place),
                "StatusCode": "CREATED",
                "OpenFlag": True,
                "CanceledFlag": False,
                "InvoiceInterfacedFlag": False,
                "CreationDate": stamp,
            },
        )
        for charge in line.parts("charges"):
            charge_id = ids.one("order_charge")
            self.records.put(a.ORDER_CHARGES, {**charge.values, "OrderChargeId": charge_id, "_line": line_id})
            for component in charge.parts("chargeComponents"):
                identity = {"OrderChargeComponentId": ids.one("order_component"), "_charge": charge_id}
                self.records.put(a.ORDER_CHARGE_COMPONENTS, {**component.values, **identity})

    def _totals(self, order: Part, header_id: int, currency: str) -> None:
        lines = [line.values for line in order.parts("lines")]
        amounts = (
            sum((row["UnitListPrice"] * row["OrderedQuantity"] for row in lines), ZERO),
            sum((row["ExtendedAmount"] for row in lines), Decimal(0)),
        )
        for (code, name), amount in zip(_TOTALS, amounts, strict=True):
            self.records.put(
                a.ORDER_TOTALS,
                {
                    "OrderTotalId": self.ledger.ids.one("order_total"),
                    "_order": header_id,
                    "TotalCode": code,
                    "TotalName": name,
                    "TotalAmount": amount,
                    "CurrencyCode": currency,
                    "PrimaryFlag": code == "QP_TOTAL_NET_PRICE",
                },
            )

    # -- what happens to an order afterwards ----------------------------------------------------------------------

    def submit(self, order: str | None = None) -> Row:
        """Somebody submits a draft. Raises :class:`LedgerError`."""
        row, stamp = self.chosen(order, "\"StatusCode\" = 'DOO_DRAFT'"), self.ledger.now()
        changes = self._submission(row, stamp)
        return self.records.update(a.SALES_ORDERS, row["HeaderId"], **changes, LastUpdateDate=stamp)

    def ship(self, order: str | None = None) -> Row:
        """Everything is delivered: the order and its lines close. Raises :class:`LedgerError`."""
        return self._end(order, {"StatusCode": "CLOSED"}, {"ActualShipDate": self.ledger.now()})

    def cancel(self, order: str | None = None) -> Row:
        """Somebody cancels an order in Fusion. Raises :class:`LedgerError`."""
        return self._end(order, {"StatusCode": "CANCELED", "CanceledFlag": True}, {})

    def _end(self, order: str | None, changes: Row, line_changes: Row) -> Row:
        row = self.chosen(order, "\"StatusCode\" NOT IN ('DOO_DRAFT', 'DOO_REFERENCE') AND \"OpenFlag\" = 1")
        changes = {**changes, "OpenFlag": False}
        with self.records.store.transaction():
            for line in self.records.find(a.ORDER_LINES, "_order = ?", (row["HeaderId"],)):
                self.records.update(a.ORDER_LINES, line["LineId"], **changes, **line_changes)
            return self.records.update(a.SALES_ORDERS, row["HeaderId"], **changes, LastUpdateDate=self.ledger.now())

    def chosen(self, order: str | None, where: str) -> Row:
        """An order by number, key, source transaction id or HeaderId, or the last one that fits."""
        params: tuple[Any, ...] = ()
        if order not in (None, ""):
            where += ' AND ? IN ("OrderNumber", "OrderKey", "SourceTransactionId", CAST(_id AS TEXT))'
            params = (str(order),)
        found = self.records.find(a.SALES_ORDERS, where, params)
        if not found:
            raise LedgerError("no sales order fits")
        return found[-1]


_FREEZING = ("FreezePriceFlag", "FreezeShippingChargeFlag", "FreezeTaxFlag")


def _duplicate(known: Row) -> FusionError:
    detail = (
        f"A sales order with the source transaction ID {known['SourceTransactionId']} and the source system "
        f"{known['SourceTransactionSystem']} already exists: order {known['OrderNumber'] or known['HeaderId']}."
    )
    return FusionError(400, detail, "27014", problems=[Problem(detail, "27014", "/SourceTransactionId")])
