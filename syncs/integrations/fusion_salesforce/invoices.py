"""Flow ``invoices``: a Fusion receivables invoice becomes an invoice record on the customer's Account, with its lines.

Whatever is billed is mirrored as it stands, credits and zeros too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connections.connectors.base import Document, Row
from connections.errors import MappingError
from syncs.engine.flow import Item, MapContext, Mapped, Reference, Summary, WriteContext
from syncs.integrations.fusion_receivables import (
    CANCELLED,
    LINES,
    credited_amount,
    currency_of,
    day,
    due_date,
    fully_credited,
    invoice_number,
    line_amount,
    line_key,
    line_tax,
    line_text,
    open_balance,
    paid_amount,
    proven_total,
    require_currency,
    require_customer,
    summed_amount,
)
from syncs.integrations.fusion_salesforce import tables
from syncs.integrations.fusion_salesforce.parts import ACCOUNT, Draft, Layout, deliver
from syncs.integrations.fusion_salesforce.receivables import SALESFORCE, Receivables, iso_code, money
from syncs.integrations.fusion_salesforce.writing import KEY
from syncs.money import amount_or_none, decimal, plain

OPEN, PAID, PARTLY_PAID, CREDITED = "Open", "Paid", "Partly paid", "Credited"
INCOMPLETE, CANCELLED_STATUS = "Incomplete", "Cancelled"


class InvoiceLayout(Layout):
    kind, parts, part_kind = "invoice", "lines", "invoice_line"
    parent = searched = "Invoice__c"
    facts = ("customer", "balance", "paid")

    def links(self, draft: Draft) -> Document:
        return {self.parent: draft.id}

    def search(self, draft: Draft) -> str:
        return draft.id

    def owns(self, draft: Draft, key: str) -> bool:
        return bool(key)

    def name(self, part: Mapping[str, Any]) -> str:
        return f"Line {part.get('Line_Number__c') or '?'}"


LAYOUT = InvoiceLayout()


class Invoices(Receivables):
    key = "invoices"
    label = "Invoices"
    one = "invoice"
    stream = "invoices"
    version = "1"
    table = tables.INVOICES
    layout = LAYOUT

    def summary(self, row: Row) -> Summary:
        return Summary(invoice_number(row), amount_or_none(row.data.get("EnteredAmount")), currency_of(row.data))

    def references(self, row: Row) -> Iterable[Reference]:
        party = row.data.get("BillToPartyId")
        return [("customers", str(party))] if party else []

    def map(self, row: Row, context: MapContext) -> Mapped:
        data = row.data
        currency = currency_of(data)
        require_currency(currency)
        proven_total(data, summed_amount(data, currency), currency)
        party = data.get("BillToPartyId")
        if not party:
            raise MappingError("The invoice names no bill-to customer. Complete it in Fusion.", code="no_customer")
        account = require_customer(party, data.get("BillToCustomerName"), context, what=self.one, system=SALESFORCE)
        balance = open_balance(data)
        iso = iso_code(currency, context.capabilities)
        head = {ACCOUNT: account.id, **iso}
        lines = data.get(LINES) or ()
        document = {
            "invoice": head | invoice_fields(row, currency, balance),
            "lines": {line_key(line): line_fields(line, currency) | iso for line in lines},
            "customer": str(party),
            "balance": money(balance, currency),
            "paid": money(paid_amount(data), currency),
        }
        return Mapped(document, watch=balance != 0)

    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        deliver(items, context, LAYOUT)
        self._call_payments([item for item in items if item.created and item.state], context)
        self.wait_for_accounts((item for item in items if item.ids is None), context.now)

    def _call_payments(self, items: Sequence[Item], context: WriteContext) -> None:
        """When somebody deleted an invoice, its payments lost it. Now that it is made again, they are read again."""
        accounts = {
            str(item.document["invoice"][ACCOUNT]) for item in items if item.state and item.state.destination_id
        }
        if not accounts:
            return
        found = context.destination.find("payment", ACCOUNT, accounts, [KEY])
        for item in items:
            keys = [str(record[KEY] or "") for record in found.get(item.document["invoice"][ACCOUNT], ())]
            item.mapped.touches = [("payments", key) for key in keys if key and ":" not in key]


def invoice_fields(row: Row, currency: str, balance: Decimal | None) -> Document:
    """``Tax__c`` is all tax, on top of the lines and within them."""
    data = row.data
    entered = decimal(data.get("EnteredAmount"))
    return {
        "Number__c": invoice_number(row),
        "Invoice_Date__c": day(data.get("TransactionDate") or data.get("BillingDate")),
        "Due_Date__c": due_date(data),
        "Amount__c": money(summed_amount(data, currency) if entered is None else entered, currency),
        "Balance__c": money(balance, currency),
        "Credited__c": money(credited_amount(data), currency),
        "Tax__c": money(invoice_tax(data), currency),
        "Currency_Code__c": currency,
        "Terms__c": data.get("PaymentTerms") or None,
        "Status__c": invoice_status(data, balance),
        "Completion__c": data.get("InvoiceStatus") or None,
        "Type__c": data.get("TransactionType") or None,
    }


def line_fields(line: Mapping[str, Any], currency: str) -> Document:
    return {
        "Line_Number__c": number(line.get("LineNumber")),
        "Description__c": line_text(line),
        "Item__c": line.get("ItemNumber") or None,
        "Quantity__c": number(line.get("Quantity")),
        "Unit_Price__c": number(line.get("UnitSellingPrice")),
        "Line_Amount__c": money(line_amount(line, currency), currency),
        "Tax__c": money(line_tax(line), currency),
    }


def number(value: Any) -> str | None:
    """As text, whatever zeros Fusion writes behind it."""
    known = decimal(value)
    return None if known is None else plain(known)


def invoice_tax(data: Mapping[str, Any]) -> Decimal | None:
    taxes = [tax for line in data.get(LINES) or () if (tax := line_tax(line)) is not None]
    return sum(taxes, Decimal(0)) if taxes else None


def invoice_status(data: Mapping[str, Any], balance: Decimal | None) -> str | None:
    """In plain words: what is left to pay, where finance has completed the invoice at all."""
    completion = str(data.get("InvoiceStatus") or "").strip().lower()
    if completion in CANCELLED:
        return CANCELLED_STATUS
    if completion == "incomplete":
        return INCOMPLETE
    if balance is None:
        return None
    if balance == 0:
        return CREDITED if fully_credited(data, balance) else PAID
    return PARTLY_PAID if paid_amount(data) else OPEN
