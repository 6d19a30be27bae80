"""Flow ``credit_memos``: a Fusion credit memo becomes an invoice record with negative amounts, beside the invoices, so
that the balances of an Account add up.

Fusion need not touch the invoice it credits. So the payment schedules of the memo's customer account are read, and an
invoice is read again whose balance there is not the one we delivered. Only schedules are compared of which something
was paid or credited, and which are open or were due in the year before the memo.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from connections.connectors.base import Document, Row
from connections.errors import MappingError
from syncs.engine.flow import Item, MapContext, Mapped, Reference, Summary, WriteContext
from syncs.integrations.fusion_receivables import (
    day,
    invoice_number,
    parties_of,
    require_currency,
    require_customer,
)
from syncs.integrations.fusion_salesforce import tables
from syncs.integrations.fusion_salesforce.invoices import INCOMPLETE, LAYOUT, OPEN
from syncs.integrations.fusion_salesforce.parts import ACCOUNT, deliver
from syncs.integrations.fusion_salesforce.receivables import SALESFORCE, Receivables, iso_code, money
from syncs.money import amount_or_none, decimal

SCHEDULES = "transactionPaymentSchedules"
MEMO = "Credit memo"
APPLIED, PARTLY_APPLIED = "Applied", "Partly applied"
LONG_DUE = timedelta(days=365)


class CreditMemos(Receivables):
    key = "credit_memos"
    label = "Credit memos"
    one = "credit memo"
    stream = "credit_memos"
    version = "1"
    table = tables.CREDIT_MEMOS
    layout = LAYOUT

    def enrich(self, rows: Sequence[Row], *, source: Any, destination: Any) -> None:
        """Adds ``_party_id`` and ``_balances`` (invoice key → what its schedules show as open): a call or two per
        hundred accounts."""
        parties, activities = parties_of(source, (account_number(row) for row in rows), SCHEDULES)
        schedules = {str(activity["AccountNumber"]): activity.get(SCHEDULES) or () for activity in activities}
        for row in rows:
            row.data["_party_id"] = parties.get(account_number(row))
            row.data["_balances"] = touched_balances(schedules.get(account_number(row), ()), row.data)

    def summary(self, row: Row) -> Summary:
        amount = amount_or_none(row.data.get("EnteredAmount"))
        return Summary(invoice_number(row), amount and -abs(amount), str(row.data.get("CreditMemoCurrency") or ""))

    def references(self, row: Row) -> Iterable[Reference]:
        party = row.data.get("_party_id")
        found: list[Reference] = [("customers", str(party))] if party else []
        found.extend(("invoices", key) for key in row.data.get("_balances", ()))
        return found

    def map(self, row: Row, context: MapContext) -> Mapped:
        data = row.data
        currency = str(data.get("CreditMemoCurrency") or "")
        require_currency(currency)
        party = data.get("_party_id")
        if not party:
            raise MappingError(
                "The credit memo names no customer account that Fusion shows us. Complete it in Fusion, or check the "
                "data access of the Fusion user, then replay.",
                code="no_customer",
            )
        account = require_customer(party, data.get("BillToCustomerName"), context, what=self.one, system=SALESFORCE)
        amount, balance = credit(data.get("EnteredAmount")), credit(data.get("TransactionBalanceDue"))
        if amount is None:
            raise MappingError("The credit memo has no amount. Complete it in Fusion.", code="no_amount")
        head = {ACCOUNT: account.id, **iso_code(currency, context.capabilities)}
        document = {
            "invoice": head | memo_fields(row, currency, amount, balance),
            "lines": {},
            "customer": str(party),
            "balance": money(balance, currency),
        }
        return Mapped(document, watch=balance != 0, touches=outdated(data, context))

    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        deliver(items, context, LAYOUT)
        self.wait_for_accounts(items, context.now)


def account_number(row: Row) -> str:
    return str(row.data.get("BillToCustomerNumber") or "")


def credit(value: Any) -> Decimal | None:
    """What is owed to the customer, below zero: some attributes of Fusion show it above."""
    amount = decimal(value)
    return None if amount is None else -abs(amount)


def memo_fields(row: Row, currency: str, amount: Decimal, balance: Decimal | None) -> Document:
    data = row.data
    return {
        "Number__c": invoice_number(row),
        "Invoice_Date__c": day(data.get("TransactionDate")),
        "Amount__c": money(amount, currency),
        "Balance__c": money(balance, currency),
        "Currency_Code__c": currency,
        "Status__c": memo_status(data, amount, balance),
        "Completion__c": data.get("CreditMemoStatus") or None,
        "Type__c": memo_type(data),
    }


def memo_type(data: Mapping[str, Any]) -> str:
    """Begins the same for every memo: what Fusion calls its kinds is up to each company."""
    kind = str(data.get("TransactionType") or "")
    return MEMO if kind.lower() in ("", MEMO.lower()) else f"{MEMO}: {kind}"


def memo_status(data: Mapping[str, Any], amount: Decimal, balance: Decimal | None) -> str | None:
    if str(data.get("CreditMemoStatus") or "").strip().lower() == "incomplete":
        return INCOMPLETE
    if balance is None:
        return None
    if balance == 0:
        return APPLIED
    return OPEN if balance == amount else PARTLY_APPLIED


def touched_balances(schedules: Iterable[Mapping[str, Any]], memo: Mapping[str, Any]) -> dict[str, str]:
    """Invoice key → open amount, of those that a memo may have credited."""
    since = earliest_due(memo)
    balances: dict[str, Decimal] = {}
    suspected: set[str] = set()
    for row in schedules:
        key, balance = str(row.get("TransactionId") or ""), decimal(row.get("TotalBalanceAmount"))
        if not key or balance is None:
            continue
        balances[key] = balances.get(key, Decimal(0)) + balance
        moved = balance != decimal(row.get("TotalOriginalAmount"))
        if moved and (balance or str(row.get("PaymentScheduleDueDate") or "")[:10] >= since):
            suspected.add(key)
    return {key: format(balances[key], "f") for key in sorted(suspected)}


def outdated(data: Mapping[str, Any], context: MapContext) -> Sequence[Reference]:
    """Invoices that were delivered with another balance than their schedules show now."""
    found: list[Reference] = []
    for key, balance in data.get("_balances", {}).items():
        target = context.targets.get(("invoices", key))
        if target and target.id and decimal(target.ids.get("balance")) != decimal(balance):
            found.append(("invoices", key))
    return found


def earliest_due(memo: Mapping[str, Any]) -> str:
    written = day(memo.get("TransactionDate"))
    return (date.fromisoformat(written) - LONG_DUE).isoformat() if written else ""
