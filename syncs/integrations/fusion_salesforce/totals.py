"""Counts and sums of receivables in both systems, from their own records and not from our bindings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connections.connectors.base import Document, Row
from connections.errors import MappingError
from syncs.engine.checkpoint import start_of
from syncs.integrations.fusion_receivables import LINES, currency_of, line_amount, open_balance, summed_amount
from syncs.integrations.fusion_salesforce.credit_memos import MEMO, credit
from syncs.integrations.fusion_salesforce.writing import KEY
from syncs.models import Sync
from syncs.money import decimal
from syncs.reconciliation import Totals

OPEN = "open balance"


def totals(source: Any, destination: Any, sync: Sync) -> tuple[Totals, Totals]:
    """Invoices, lines, credit memos, open balance and payments per currency, in Fusion and in Salesforce."""
    return fusion_totals(source, sync), salesforce_totals(destination)


def fusion_totals(source: Any, sync: Sync) -> Totals:
    found = Totals()
    for row in _rows(source, sync, "invoices"):
        try:
            _add_invoice(found, row.data)
        except MappingError as error:
            found.leave_out("invoices", error.code)
    for row in _rows(source, sync, "credit_memos"):
        currency = str(row.data.get("CreditMemoCurrency") or "")
        found.add("credit memos", currency, credit(row.data.get("EnteredAmount")))
        found.add(OPEN, currency, credit(row.data.get("TransactionBalanceDue")))
    for row in _rows(source, sync, "receipts"):
        found.add("payments", str(row.data.get("Currency") or ""), decimal(row.data.get("Amount")))
    return found


def _rows(source: Any, sync: Sync, stream: str) -> Iterator[Row]:
    """What was last changed before the sync's start date is not mirrored."""
    since = start_of(sync) if sync.start_date else None
    for page in source.walk(stream, since=since, until=source.server_now(), after=None):
        yield from page.rows


def _add_invoice(found: Totals, data: Document) -> None:
    currency = currency_of(data)
    entered, summed = decimal(data.get("EnteredAmount")), summed_amount(data, currency)
    found.add("invoices", currency, summed if entered is None else entered)
    found.add(OPEN, currency, open_balance(data))
    for line in data.get(LINES) or ():
        found.add("lines", currency, line_amount(line, currency))


def salesforce_totals(destination: Any) -> Totals:
    found = Totals()
    for record in _records(destination, "invoice", "Currency_Code__c", "Type__c", "Amount__c", "Balance__c"):
        what = "credit memos" if str(record["Type__c"] or "").startswith(MEMO) else "invoices"
        found.add(what, record["Currency_Code__c"] or "", decimal(record["Amount__c"]))
        found.add(OPEN, record["Currency_Code__c"] or "", decimal(record["Balance__c"]))
    for record in _records(destination, "invoice_line", "Invoice__r.Currency_Code__c", "Line_Amount__c"):
        currency = (record.get("Invoice__r") or {}).get("Currency_Code__c") or ""
        found.add("lines", currency, decimal(record["Line_Amount__c"]))
    for record in _records(destination, "payment", "Currency_Code__c", "Amount__c"):
        if ":" not in record[KEY]:
            found.add("payments", record["Currency_Code__c"] or "", decimal(record["Amount__c"]))
    return found


def _records(destination: Any, kind: str, *fields: str) -> Iterator[Document]:
    """Those that are ours."""
    for page in destination.records(kind, [KEY, *fields], [f"{KEY} != null"]):
        yield from page
