"""Counts and sums of both systems, from their own records and not from our bindings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connections.connectors.base import Document, Row
from syncs.engine.flow import Skip
from syncs.integrations.fusion_hubspot.invoices import invoice_total
from syncs.integrations.fusion_hubspot.lines import invoice_lines
from syncs.integrations.fusion_receivables import LINES, line_key, open_balance
from syncs.integrations.fusion_totals import invoice_origin, receipt_origin, rows
from syncs.models import Sync
from syncs.money import decimal, rounded
from syncs.reporting.reconciliation import LINES as LINES_OF
from syncs.reporting.reconciliation import OPEN_BALANCE, Keys, Origin, Totals, keys_of, month_of, moving

KEY = "fusion_id"
INVOICE = (KEY, "hs_currency", "hs_amount_billed", "fusion_balance_due", "hs_invoice_date", "fusion_number")
LINE = (KEY, "hs_line_item_currency_code", "quantity", "price", "name")
PAYMENT = (KEY, "hs_currency_code", "hs_initial_amount", "hs_latest_status", "hs_initiated_date", "hs_reference_number")


def totals(source: Any, destination: Any, sync: Sync, only: Keys | None = None) -> tuple[Totals, Totals]:
    """Invoices, product lines, open balance and payments, in Fusion and in HubSpot; ``only`` those with these keys."""
    ours, theirs, flows = Totals(), Totals(), moving(sync)
    if "invoices" in flows:
        owners = _add_invoices(ours, rows(source, sync, "invoices", keys_of(only, "invoices")))
        _add_hubspot_invoices(theirs, destination, owners, only)
    if "payments" in flows:
        _add_receipts(ours, rows(source, sync, "receipts", keys_of(only, "payments")))
        _add_hubspot_payments(theirs, destination, only)
    return ours, theirs


def _add_invoices(found: Totals, invoices: Iterator[Row]) -> dict[str, str]:
    """Returns line key → invoice key, since a line item does not name its invoice."""
    owners: dict[str, str] = {}
    for row in invoices:
        owners.update((line_key(line), row.key) for line in row.data.get(LINES) or ())
        _add_invoice(found, row)
    return owners


def _add_invoice(found: Totals, row: Row) -> None:
    data, origin = row.data, invoice_origin(row)
    currency = data["InvoiceCurrencyCode"]
    lines = invoice_lines(data, row.key, currency)
    entered = decimal(data.get("EnteredAmount"))
    try:
        amount = rounded(entered, currency) if entered is not None else invoice_total(data, lines, currency)
    except Skip as skip:
        return found.leave_out("invoices", skip.rule, origin)
    if amount < 0:
        return found.leave_out("invoices", "credit", origin)
    found.add("invoices", currency, amount, origin)
    found.add(OPEN_BALANCE, currency, rounded(open_balance(data) or Decimal(0), currency), origin)
    found.add(LINES_OF, currency, amount, origin, count=len(data.get(LINES) or ()))
    return None


def _add_receipts(found: Totals, receipts: Iterator[Row]) -> None:
    for row in receipts:
        if row.data.get("ReversalDate"):
            found.leave_out("payments", "reversed", receipt_origin(row))
        else:
            found.add("payments", row.data["Currency"], decimal(row.data.get("Amount")), receipt_origin(row))


def _add_hubspot_invoices(found: Totals, destination: Any, owners: Mapping[str, str], only: Keys | None) -> None:
    for record in _records(destination, "invoices", INVOICE, keys_of(only, "invoices")):
        values, currency = record["properties"], record["properties"]["hs_currency"]
        month, number = month_of(values.get("hs_invoice_date")), values.get("fusion_number") or ""
        origin = Origin("invoices", values[KEY], month, number, record["id"])
        found.add("invoices", currency, decimal(values.get("hs_amount_billed")), origin)
        found.add(OPEN_BALANCE, currency, decimal(values.get("fusion_balance_due")), origin)
        found.add(LINES_OF, currency, None, origin, count=0)
    if only is None:
        for record in _records(destination, "line_items", LINE, None):
            key = record["properties"][KEY]
            _add_line(found, record, key.partition(":")[0] if ":" in key else owners.get(key, ""))
        return
    for record, owner in _lines_of_invoices(found, destination):
        _add_line(found, record, owner)


def _lines_of_invoices(found: Totals, destination: Any) -> Iterator[tuple[Document, str]]:
    """Each with its invoice's key, as HubSpot associates them."""
    invoices = {share.origin.id: key for key, share in found.shares.get("invoices", {}).items()}
    associated = destination.associations("invoices", "line_items", list(invoices))
    owners = {line: invoices[id_] for id_, lines in associated.items() for line in lines}
    for id_, record in destination.read("line_items", list(owners), properties=LINE).items():
        if record["properties"].get(KEY):
            yield record, owners[id_]


def _add_line(found: Totals, record: Document, owner: str) -> None:
    """The line items of an invoice add up to it; tax and freight are items beside the lines."""
    values = record["properties"]
    amount = (decimal(values.get("quantity")) or Decimal(0)) * (decimal(values.get("price")) or Decimal(0))
    invoice = found.of("invoices", owner)
    if invoice is None:
        origin = Origin("", f"line {values[KEY]}", "", f"Line item {values.get('name') or record['id']}", record["id"])
        found.add(LINES_OF, values.get("hs_line_item_currency_code") or "", amount, origin)
        return
    found.add(LINES_OF, invoice.currency, amount, invoice.origin, count=0 if ":" in values[KEY] else 1)


def _add_hubspot_payments(found: Totals, destination: Any, only: Keys | None) -> None:
    for record in _records(destination, "commerce_payments", PAYMENT, keys_of(only, "payments")):
        values = record["properties"]
        if values.get("hs_latest_status") == "succeeded":
            month, number = month_of(values.get("hs_initiated_date")), values.get("hs_reference_number") or ""
            origin = Origin("payments", values[KEY], month, number, record["id"])
            found.add("payments", values["hs_currency_code"], decimal(values.get("hs_initial_amount")), origin)


def _records(destination: Any, kind: str, names: Sequence[str], keys: Collection[str] | None) -> Iterator[Document]:
    """Those that are ours, or those with these keys."""
    if keys is not None:
        yield from destination.read(kind, sorted(keys), key_property=KEY, properties=names).values()
        return
    for page in destination.records(kind, names):
        yield from (record for record in page if record["properties"].get(KEY))
