"""Counts and sums of both systems, from their own records and not from our bindings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connections.connectors.base import Document
from syncs.engine.flow import Skip
from syncs.integrations.fusion_hubspot.invoices import invoice_total
from syncs.integrations.fusion_hubspot.lines import invoice_lines
from syncs.integrations.fusion_receivables import LINES, open_balance
from syncs.models import Sync
from syncs.money import decimal, rounded
from syncs.reconciliation import Figure, Totals

KEY = "fusion_id"


def totals(source: Any, destination: Any, sync: Sync) -> tuple[Totals, Totals]:
    """Invoices, product lines, open balance and payments per currency, in Fusion and in HubSpot."""
    return fusion_totals(source, sync), hubspot_totals(destination)


def fusion_totals(source: Any, sync: Sync) -> Totals:
    found = Totals()
    until = source.server_now()
    for page in source.walk("invoices", since=None, until=until, after=None):
        for row in page.rows:
            _add_invoice(found, row.data, row.key)
    for page in source.walk("receipts", since=None, until=until, after=None):
        for row in page.rows:
            if row.data.get("ReversalDate"):
                found.leave_out("payments", "reversed")
            else:
                found.add("payments", row.data["Currency"], decimal(row.data.get("Amount")))
    return found


def _add_invoice(found: Totals, data: Document, key: str) -> None:
    currency = data["InvoiceCurrencyCode"]
    lines = invoice_lines(data, key, currency)
    entered = decimal(data.get("EnteredAmount"))
    try:
        amount = rounded(entered, currency) if entered is not None else invoice_total(data, lines, currency)
    except Skip as skip:
        return found.leave_out("invoices", skip.rule)
    if amount < 0:
        return found.leave_out("invoices", "credit")
    found.add("invoices", currency, amount)
    found.add("open balance", currency, rounded(open_balance(data) or Decimal(0), currency))
    for _ in data.get(LINES) or ():
        found.add("lines", currency, None)
    found.figures[("lines", currency)].total += amount
    return None


def hubspot_totals(destination: Any) -> Totals:
    found = Totals()
    for page in destination.records("invoices", [KEY, "hs_currency", "fusion_balance_due", "hs_invoice_status"]):
        for record in page:
            values = record["properties"]
            if values.get(KEY):
                currency = values["hs_currency"]
                found.add("open balance", currency, decimal(values.get("fusion_balance_due")))
                found.figures.setdefault(("invoices", currency), Figure()).count += 1
    names = [KEY, "hs_line_item_currency_code", "quantity", "price"]
    for page in destination.records("line_items", names):
        for record in page:
            _add_line(found, record["properties"])
    names = [KEY, "hs_currency_code", "hs_initial_amount", "hs_latest_status"]
    for page in destination.records("commerce_payments", names):
        for record in page:
            values = record["properties"]
            if values.get(KEY) and values.get("hs_latest_status") == "succeeded":
                found.add("payments", values["hs_currency_code"], decimal(values.get("hs_initial_amount")))
    return found


def _add_line(found: Totals, values: Document) -> None:
    """HubSpot's total of an invoice is the sum of its line items; tax and freight are items beside the lines."""
    key = values.get(KEY)
    if not key:
        return
    currency = values["hs_line_item_currency_code"]
    amount = (decimal(values.get("quantity")) or Decimal(0)) * (decimal(values.get("price")) or Decimal(0))
    lines = found.figures.setdefault(("lines", currency), Figure())
    lines.count += ":" not in key
    lines.total += amount
    found.figures.setdefault(("invoices", currency), Figure()).total += amount
