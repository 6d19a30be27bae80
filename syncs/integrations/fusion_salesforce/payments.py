"""Flow ``payments``: a Fusion receipt becomes a payment record on the customer's Account.

If it pays one invoice, the record itself leads there. If it pays several, each has a record of its own with what it
gets, and the receipt's record leaves that column empty: sums over either column count nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from connections.connectors.base import Document, Row
from connections.errors import ConnectorError, DependencyMissing
from syncs.engine.checkpoint import instant
from syncs.engine.flow import Item, MapContext, Mapped, Reference, Summary, WriteContext
from syncs.integrations.fusion_receivables import (
    add_applications,
    applied,
    day,
    listed_payments,
    mirrored,
    receipt_amount,
    receipt_number,
    receipt_references,
    receipt_summary,
    require_currency,
    require_invoice,
    require_payer,
)
from syncs.integrations.fusion_salesforce import tables
from syncs.integrations.fusion_salesforce.parts import ACCOUNT, Draft, Layout, deliver
from syncs.integrations.fusion_salesforce.receivables import (
    LOOK_AGAIN,
    SALESFORCE,
    Receivables,
    iso_code,
    money,
)
from syncs.integrations.fusion_salesforce.writing import STALE
from syncs.money import decimal

APPLIED, PARTLY_APPLIED, UNAPPLIED, REVERSED = "Applied", "Partly applied", "Unapplied", "Reversed"
INVOICE = "Invoice__c"
FRESH = timedelta(days=1)


class PaymentLayout(Layout):
    kind, parts, part_kind = "payment", "parts", "payment"
    parent, searched = ACCOUNT, "Number__c"

    def search(self, draft: Draft) -> str:
        return str(draft.item.document["payment"]["Number__c"])

    def owns(self, draft: Draft, key: str) -> bool:
        return key.startswith(f"{draft.item.row.key}:")

    def name(self, part: Mapping[str, Any]) -> str:
        return f"What goes to one invoice ({part.get('Applied__c') or '?'})"


LAYOUT = PaymentLayout()


class Payments(Receivables):
    key = "payments"
    label = "Payments"
    one = "payment"
    stream = "receipts"
    version = "1"
    table = tables.PAYMENTS
    layout = LAYOUT

    def enrich(self, rows: Sequence[Row], *, source: Any, destination: Any) -> None:
        """Also adds ``_fresh``: it changed so lately that what it pays may have been read before."""
        add_applications(source, rows)
        since = source.server_now() - FRESH
        for row in rows:
            stamp = instant(row.version)
            row.data["_fresh"] = stamp is None or stamp >= since

    def summary(self, row: Row) -> Summary:
        return receipt_summary(row)

    def references(self, row: Row) -> Iterable[Reference]:
        return receipt_references(row)

    def map(self, row: Row, context: MapContext) -> Mapped:
        data = row.data
        currency = str(data.get("Currency") or "")
        require_currency(currency)
        account = require_payer(data, context, system=SALESFORCE)
        paid = mirrored(applied(data), context)
        invoices = {key: require_invoice(key, data, context, system=SALESFORCE).id for key in paid}
        head = {ACCOUNT: account.id, **iso_code(currency, context.capabilities)}
        document = {
            "payment": head | payment_fields(row, currency, paid, invoices),
            "parts": parts(row, currency, paid, invoices, head) if len(paid) > 1 else {},
            "customer": str(data["_party_id"]),
            "invoices": invoices,
        }
        return Mapped(document, touches=read_again(data, paid, context))

    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        deliver(items, context, LAYOUT)
        self._wait_for_invoices(items, context)
        self.wait_for_accounts(items, context.now)

    def _wait_for_invoices(self, items: Sequence[Item], context: WriteContext) -> None:
        """Salesforce does not say which of two records a refused row refers to is gone: the invoices are looked up."""
        refused = [item for item in items if item.error is not None and item.error.code in STALE]
        ids = {id_: key for item in refused for key, id_ in item.document["invoices"].items()}
        there = context.destination.find("invoice", "Id", ids) if ids else {}
        for item in refused:
            gone = [key for key, id_ in item.document["invoices"].items() if not there[id_]]
            if gone:
                item.failed(_invoice_gone(gone[0], item.error))
                item.retry_at = context.now + LOOK_AGAIN

    def touched(self, item: Item) -> Iterable[Reference]:
        """Also the invoices it paid before and pays no more."""
        yield from super().touched(item)
        before = item.delivered.get("document", {}).get("invoices", {})
        for key in before.keys() - item.document.get("invoices", {}).keys():
            yield "invoices", key

    def moves_balance(self, item: Item) -> bool:
        return True


def _invoice_gone(key: str, error: ConnectorError | None) -> DependencyMissing:
    return DependencyMissing(
        "An invoice that this receipt pays was deleted in Salesforce. Restore it there from the recycle bin: the "
        "payment follows by itself within hours, or at once if it is replayed. When the invoice changes in Fusion, it "
        "is made again, and the payment follows too.",
        waits_for=("invoices", key),
        code="invoice_gone",
        detail=error.detail if error else None,
    )


def read_again(data: Mapping[str, Any], paid: Mapping[str, Decimal], context: MapContext) -> Sequence[Reference]:
    """Invoices whose balance was delivered without this payment, as far as can be told: Fusion need not touch them.

    The first sync of many years must not read every paid invoice twice. So of a receipt that did not change lately,
    those are left out for which all receipts of the customer add up to what was delivered as paid. Another customer
    may have paid some of it, so that is no proof for a receipt that just came.
    """
    found: list[Reference] = []
    for key in paid:
        delivered = context.targets["invoices", key].ids
        known, now = decimal(delivered.get("paid")), decimal(data.get("_paid_by_all", {}).get(key))
        same = known is not None and known == now and delivered.get("customer") == str(data["_party_id"])
        if data.get("_fresh", True) or not same:
            found.append(("invoices", key))
    return found


def payment_fields(row: Row, currency: str, paid: Mapping[str, Decimal], invoices: Mapping[str, str]) -> Document:
    data = row.data
    total, single = sum(paid.values(), Decimal(0)), len(paid) == 1
    return {
        INVOICE: next(iter(invoices.values())) if single else None,
        **named(row, currency),
        "Amount__c": money(receipt_amount(data), currency),
        "Applied__c": None if len(paid) > 1 else money(total, currency),
        "Unapplied__c": money(decimal(data.get("UnappliedAmount")), currency),
        "Method__c": data.get("ReceiptMethod") or None,
        "Invoices__c": listed_payments(data, paid, currency) or None,
        "Status__c": payment_status(data, total),
        "Reversed_On__c": day(data.get("ReversalDate")),
    }


def parts(
    row: Row, currency: str, paid: Mapping[str, Decimal], invoices: Mapping[str, str], head: Document
) -> dict[str, Document]:
    """What goes to each of several invoices. The amount stands on the receipt's own record alone."""
    return {
        f"{row.key}:{key}": {
            **head,
            INVOICE: invoices[key],
            **named(row, currency),
            "Applied__c": money(part, currency),
        }
        for key, part in paid.items()
    }


def named(row: Row, currency: str) -> Document:
    """What tells a payment from others in any list."""
    return {
        "Number__c": receipt_number(row),
        "Receipt_Date__c": day(row.data.get("ReceiptDate")),
        "Currency_Code__c": currency,
    }


def payment_status(data: Mapping[str, Any], total: Decimal) -> str:
    """In plain words, by the amounts: Fusion's own words are free text."""
    if data.get("ReversalDate"):
        return REVERSED
    left = decimal(data.get("UnappliedAmount"))
    if left is None:
        left = receipt_amount(data) - total
    if left == 0:
        return APPLIED
    return PARTLY_APPLIED if total else UNAPPLIED
