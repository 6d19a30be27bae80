"""Counts and sums of receivables in both systems, from their own records and not from our bindings."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from connections.connectors.base import Document, Row
from connections.errors import MappingError
from syncs.integrations.fusion_receivables import LINES, currency_of, line_amount, open_balance, summed_amount
from syncs.integrations.fusion_salesforce.credit_memos import MEMO, credit
from syncs.integrations.fusion_salesforce.writing import KEY
from syncs.integrations.fusion_totals import invoice_origin, receipt_origin, rows
from syncs.models import Sync
from syncs.money import decimal
from syncs.reporting.reconciliation import LINES as LINES_OF
from syncs.reporting.reconciliation import OPEN_BALANCE, Keys, Origin, Totals, keys_of, month_of, moving

INVOICE = ("Currency_Code__c", "Type__c", "Amount__c", "Balance__c", "Invoice_Date__c", "Number__c")
LINE = ("Invoice__r.Currency_Code__c", f"Invoice__r.{KEY}", "Line_Amount__c", "Description__c")
PAYMENT = ("Currency_Code__c", "Amount__c", "Receipt_Date__c", "Number__c")


def totals(source: Any, destination: Any, sync: Sync, only: Keys | None = None) -> tuple[Totals, Totals]:
    """Invoices, lines, credit memos, open balance and payments, in Fusion and in Salesforce; ``only`` those with these
    keys."""
    return fusion_totals(source, sync, only), salesforce_totals(destination, sync, only)


def fusion_totals(source: Any, sync: Sync, only: Keys | None = None) -> Totals:
    found, flows = Totals(), moving(sync)
    if "invoices" in flows:
        for row in rows(source, sync, "invoices", keys_of(only, "invoices")):
            try:
                _add_invoice(found, row)
            except MappingError as error:
                found.leave_out("invoices", error.code, invoice_origin(row))
    if "credit_memos" in flows:
        for row in rows(source, sync, "credit_memos", keys_of(only, "credit_memos")):
            origin, currency = invoice_origin(row, "credit_memos"), str(row.data.get("CreditMemoCurrency") or "")
            found.add("credit memos", currency, credit(row.data.get("EnteredAmount")), origin)
            found.add(OPEN_BALANCE, currency, credit(row.data.get("TransactionBalanceDue")), origin)
    if "payments" in flows:
        for row in rows(source, sync, "receipts", keys_of(only, "payments")):
            currency = str(row.data.get("Currency") or "")
            found.add("payments", currency, decimal(row.data.get("Amount")), receipt_origin(row))
    return found


def _add_invoice(found: Totals, row: Row) -> None:
    data, origin = row.data, invoice_origin(row)
    currency = currency_of(data)
    entered, summed = decimal(data.get("EnteredAmount")), summed_amount(data, currency)
    lines = [line_amount(line, currency) for line in data.get(LINES) or ()]
    found.add("invoices", currency, summed if entered is None else entered, origin)
    found.add(OPEN_BALANCE, currency, open_balance(data), origin)
    for amount in lines:
        found.add(LINES_OF, currency, amount, origin)


def salesforce_totals(destination: Any, sync: Sync, only: Keys | None = None) -> Totals:
    found, flows = Totals(), moving(sync)
    documents = flows & {"invoices", "credit_memos"}
    keys = None if only is None else {key for flow in documents for key in only.get(flow, ())}
    if documents:
        for record in _records(destination, "invoice", KEY, INVOICE, keys):
            _add_salesforce_invoice(found, record, documents)
    if "invoices" in flows:
        for record in _records(destination, "invoice_line", f"Invoice__r.{KEY}", LINE, keys):
            _add_salesforce_line(found, record)
    if "payments" in flows:
        for record in _records(destination, "payment", KEY, PAYMENT, keys_of(only, "payments")):
            _add_salesforce_payment(found, record)
    return found


def _add_salesforce_invoice(found: Totals, record: Document, flows: Collection[str]) -> None:
    memo = str(record["Type__c"] or "").startswith(MEMO)
    flow, what = ("credit_memos", "credit memos") if memo else ("invoices", "invoices")
    if flow not in flows:
        return
    origin = Origin(flow, record[KEY], month_of(record["Invoice_Date__c"]), record["Number__c"] or "", record["Id"])
    currency = record["Currency_Code__c"] or ""
    found.add(what, currency, decimal(record["Amount__c"]), origin)
    found.add(OPEN_BALANCE, currency, decimal(record["Balance__c"]), origin)


def _add_salesforce_line(found: Totals, record: Document) -> None:
    """A line whose invoice is gone stands for itself."""
    invoice = record.get("Invoice__r") or {}
    share = found.of("invoices", invoice.get(KEY) or "")
    title = f"Line {record['Description__c'] or record['Id']}"
    origin = share.origin if share else Origin("", f"line {record[KEY]}", "", title, record["Id"])
    found.add(LINES_OF, invoice.get("Currency_Code__c") or "", decimal(record["Line_Amount__c"]), origin)


def _add_salesforce_payment(found: Totals, record: Document) -> None:
    """The parts of a receipt carry no amount of their own."""
    if ":" in record[KEY]:
        return
    month, number = month_of(record["Receipt_Date__c"]), record["Number__c"] or ""
    origin = Origin("payments", record[KEY], month, number, record["Id"])
    found.add("payments", record["Currency_Code__c"] or "", decimal(record["Amount__c"]), origin)


def _records(
    destination: Any, kind: str, name: str, fields: Collection[str], keys: Collection[str] | None
) -> Iterator[Document]:
    """Those that are ours, or those whose field ``name`` has one of these keys."""
    wanted = [KEY, *fields]
    if keys is not None:
        for records in destination.find(kind, name, sorted(keys), wanted).values():
            yield from records
        return
    for page in destination.records(kind, wanted, [f"{KEY} != null"]):
        yield from page
