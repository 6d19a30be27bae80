"""Orders as tests compare them: by the key they were sent with, without ids, numbers and times of this pod."""

# Names in SQL come from the attribute tables.
# ruff: noqa: S608

from __future__ import annotations

import json
from typing import Any

from . import attributes as a
from .attributes import Table
from .records import Records

Document = dict[str, Any]
_LEFT_OUT = frozenset(
    {"OrderNumber", "CreationDate", "LastUpdateDate", "TransactionOn", "SubmittedDate", "OrderDate", "ActualShipDate"}
)
_OWN_IDS = frozenset({"LineId", "FulfillLineId"})
_DISTRIBUTIONS = ("distributions", a.PO_DISTRIBUTIONS, ())
_SCHEDULES = ("schedules", a.PO_SCHEDULES, (_DISTRIBUTIONS,))
_PO_CHILDREN: tuple[Any, ...] = (("lines", a.PO_LINES, (_SCHEDULES,)),)
_ORDER_CHILDREN: tuple[Any, ...] = (
    ("lines", a.ORDER_LINES, ()),
    ("billToCustomer", a.ORDER_BILL_TO, ()),
    ("shipToCustomer", a.ORDER_SHIP_TO, ()),
)


def sales_orders(records: Records) -> dict[str, list[Document]]:
    """Orders by ``<system>:<source transaction id>``, each in its newest version. Two entries are a double."""
    found: dict[str, list[Document]] = {}
    for order in _documents(records, a.SALES_ORDERS, _ORDER_CHILDREN):
        known = found.setdefault(order["OrderKey"], [])
        if order["SourceTransactionRevisionNumber"] > 1 and known:
            known.pop()
        known.append(order)
    return found


def purchase_orders(records: Records) -> dict[str, list[Document]]:
    """Drafts and orders by ReferenceNumber ("" where there is none). Two entries are a double."""
    found: dict[str, list[Document]] = {}
    for table in (a.DRAFT_PURCHASE_ORDERS, a.PURCHASE_ORDERS):
        for order in _documents(records, table, _PO_CHILDREN):
            found.setdefault(order.get("ReferenceNumber", ""), []).append(order)
    return found


def _documents(records: Records, table: Table, children: tuple[Any, ...]) -> list[Document]:
    rows = records.store.query(f"SELECT _id, doc FROM {table.sql} ORDER BY _id")
    return [_document(records, table, row, children) for row in rows]


def _document(records: Records, table: Table, row: Any, children: tuple[Any, ...]) -> Document:
    left_out = _LEFT_OUT | _OWN_IDS | {table.identity}
    given = json.loads("{" + row["doc"] + "}")
    document = {name: value for name, value in given.items() if value is not None and name not in left_out}
    for name, child, deeper in children:
        sql = f"SELECT _id, doc FROM {child.sql} WHERE {child.parents[0]} = ? ORDER BY _id"
        rows = records.store.query(sql, (row["_id"],))
        if rows:
            document[name] = [_document(records, child, each, deeper) for each in rows]
    return document
