"""What may happen to orders and partners on the pod while someone watches. What is not said is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..events import Event
from . import attributes as a
from . import bulk
from .ledger import Ledger, LedgerError
from .parties import NewCustomer, NewPerson
from .procurement import NewSupplier, add_supplier, change_supplier
from .writing import Writing

ORDER_LABEL = ("order", "Order number, or empty for the last")


class Happenings:
    """Business events, each returning the ids it touched. Raises ``LedgerError`` where one cannot happen."""

    def __init__(self, ledger: Ledger, writing: Writing) -> None:
        self._ledger, self._writing = ledger, writing

    def events(self) -> dict[str, Event]:
        """All of them by name, to be started from outside with JSON arguments."""
        return {
            event.name: event
            for event in (
                Event("order_submitted", "A draft order is submitted", "Somebody submits a sales order in Fusion.",
                      fields=(ORDER_LABEL,), act=self.submit_order),
                Event("order_ships", "An order is delivered", "The last open sales order is shipped and closes.",
                      fields=(ORDER_LABEL,), act=self.ship_order),
                Event("order_canceled", "An order is canceled", "The last open sales order is canceled in Fusion.",
                      fields=(ORDER_LABEL,), act=self.cancel_order),
                Event("purchase_order_approved", "A purchase order is approved",
                      "The approver says yes to the last one that waits.",
                      fields=(ORDER_LABEL,), act=self.approve_purchase_order),
                Event("purchase_order_rejected", "A purchase order is rejected",
                      "The approver says no to the last one that waits.",
                      fields=(ORDER_LABEL,), act=self.reject_purchase_order),
                Event("purchase_order_closed", "A purchase order is done",
                      "The last open one is delivered and closes.",
                      fields=(ORDER_LABEL,), act=self.close_purchase_order),
                Event("new_supplier", "A new supplier", "A supplier with one purchasing site is entered.",
                      fields=(("name", "Name, or empty"),), act=self.add_supplier),
                Event("supplier_changes", "A supplier moves house", "The address of the first supplier changes.",
                      fields=(("supplier", "Supplier id, or empty"),), act=self.change_supplier),
                Event("suppliers_arrive", "Many suppliers", "Suppliers as they are described.", shown=False,
                      act=self.add_suppliers),
                Event("customers_arrive", "Many customers", "Customers as they are described.", shown=False,
                      act=self.add_customers),
            )
        }  # fmt: skip

    # -- orders ---------------------------------------------------------------------------------------------------

    def submit_order(self, order: Any = None) -> dict[str, Any]:
        """``order``: number, key, source transaction id or HeaderId, as in the other events of orders."""
        return _order(self._writing.sales_orders.submit(order))

    def ship_order(self, order: Any = None) -> dict[str, Any]:
        return _order(self._writing.sales_orders.ship(order))

    def cancel_order(self, order: Any = None) -> dict[str, Any]:
        return _order(self._writing.sales_orders.cancel(order))

    def approve_purchase_order(self, order: Any = None) -> dict[str, Any]:
        """``order``: number or POHeaderId."""
        return _purchase_order(self._writing.purchase_orders.approve(order))

    def reject_purchase_order(self, order: Any = None) -> dict[str, Any]:
        return _purchase_order(self._writing.purchase_orders.reject(order))

    def close_purchase_order(self, order: Any = None) -> dict[str, Any]:
        return _purchase_order(self._writing.purchase_orders.close(order))

    # -- partners -------------------------------------------------------------------------------------------------

    def add_supplier(self, name: str = "", **described: Any) -> dict[str, Any]:
        """``described``: further fields of :class:`NewSupplier`."""
        name = name or f"Rivertown Supply {self._ledger.ids.number('new_supplier', 1)}"
        return {"supplier": self.add_suppliers([{"name": name, **described}])["suppliers"][0]}

    def add_suppliers(self, suppliers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """``suppliers``: fields of :class:`NewSupplier`; a ``party_id`` of a customer makes them one company."""
        specs = [_described(NewSupplier, given) for given in suppliers]
        stamp = self._ledger.now()
        with self._ledger.records.store.transaction():
            return {"suppliers": [add_supplier(self._ledger, spec, stamp) for spec in specs]}

    def change_supplier(self, supplier: Any = None, **changes: Any) -> dict[str, Any]:
        """``changes`` as :func:`change_supplier` takes them; without any the address changes."""
        ledger = self._ledger
        where, params = ("_id = ?", (int(supplier),)) if supplier not in (None, "") else ("1", ())
        found = ledger.records.find(a.SUPPLIERS, where, params, 1)
        if not found:
            raise LedgerError("there is no such supplier")
        changes = changes or {"address": f"{ledger.ids.number('move', 100)} New Street"}
        with ledger.records.store.transaction():
            change_supplier(ledger, found[0]["SupplierId"], ledger.now(), **changes)
        return {"supplier": found[0]["SupplierId"], "changes": changes}

    def add_customers(self, customers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """``customers``: fields of :class:`NewCustomer`, and ``contact``, fields of a :class:`NewPerson`."""
        specs = [
            _described(NewCustomer, {name: value for name, value in given.items() if name != "contact"})
            for given in customers
        ]
        stamp, parties = self._ledger.now(), self._ledger.parties
        with self._ledger.records.store.transaction():
            written = bulk.write_customers(self._ledger, specs, stamp)
            for given, customer in zip(customers, written, strict=True):
                if given.get("contact"):
                    parties.add_person(_described(NewPerson, given["contact"]), customer, stamp)
        return {"customers": [customer.party_id for customer in written]}


def _described(kind: Any, given: Mapping[str, Any]) -> Any:
    try:
        return kind(**given)
    except TypeError as error:
        raise LedgerError(f"{kind.__name__}: {error}") from None


def _purchase_order(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"purchase_order": row["POHeaderId"], "number": row["OrderNumber"], "reference": row["ReferenceNumber"]}


def _order(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"order": row["HeaderId"], "key": row["OrderKey"], "number": row["OrderNumber"]}
