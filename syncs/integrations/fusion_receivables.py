"""Fusion's receivables as every integration reads them: amounts, taxes, balances, and which receipt pays what.

Amounts are in the currency of the document. Missing is not zero: what Fusion does not say is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connections.connectors.base import Document, Row
from connections.errors import DependencyMissing, MappingError
from syncs.attention.causes import AFTER_FIX, BY_ITSELF, Cause, Fix
from syncs.engine.flow import SKIPPED, Held, MapContext, Reference, Summary, Target
from syncs.money import amount_or_none, decimal, rounded, text

LINES = "receivablesInvoiceLines"
TAX_LINES = "receivablesInvoiceLineTaxLines"
INSTALLMENTS = "receivablesInvoiceInstallments"
APPLICATIONS = "standardReceiptApplications"
CANCELLED = {"void", "voided", "cancelled", "canceled"}
YES = (True, "Y", "y", "true", "Yes")
NO = (False, "N", "n", "false", "No")

# Invoices -------------------------------------------------------------------------------------------------------------


def invoice_number(row: Row) -> str:
    return str(row.data.get("TransactionNumber") or row.key)


def currency_of(data: Mapping[str, Any]) -> str:
    return str(data.get("InvoiceCurrencyCode") or "")


def require_currency(currency: str) -> None:
    """Raises ``MappingError`` where there is none."""
    if not currency:
        raise MappingError("No currency is given. Complete the record in Fusion.", code="no_currency")


def line_key(row: Mapping[str, Any]) -> str:
    return str(row["CustomerTransactionLineId"])


def line_text(row: Mapping[str, Any]) -> str:
    """What a line is called: not every line has an item or a description."""
    number = row.get("LineNumber")
    return str(row.get("Description") or row.get("MemoLine") or row.get("ItemNumber") or f"Line {number}")


def line_amount(row: Mapping[str, Any], currency: str) -> Decimal:
    """Raises ``MappingError`` where it is neither given nor follows from quantity and price."""
    amount = decimal(row.get("LineAmount"))
    if amount is not None:
        return amount
    quantity, price = decimal(row.get("Quantity")), decimal(row.get("UnitSellingPrice"))
    if quantity is None or price is None:
        raise MappingError(
            f"Line {row.get('LineNumber')} has neither an amount nor a quantity and price. Complete the invoice in "
            "Fusion.",
            code="line_without_amount",
        )
    return rounded(quantity * price, currency)


def line_tax(row: Mapping[str, Any]) -> Decimal | None:
    """All tax of a line, on top of its amount or within it."""
    return _sum(tax.get("TaxAmount") for tax in row.get(TAX_LINES) or ())


def exclusive_tax(row: Mapping[str, Any]) -> Decimal | None:
    """Tax on top of a line's amount."""
    inclusive_line = row.get("LineAmountIncludesTax") in YES
    return _sum(
        tax.get("TaxAmount")
        for tax in row.get(TAX_LINES) or ()
        if not (
            tax.get("TaxInclusiveIndicator") in YES or (tax.get("TaxInclusiveIndicator") is None and inclusive_line)
        )
    )


def summed_amount(data: Mapping[str, Any], currency: str) -> Decimal:
    """Lines, tax on top and freight. Raises ``MappingError`` for a line without an amount."""
    lines = data.get(LINES) or ()
    amounts = [part for row in lines for part in (line_amount(row, currency), exclusive_tax(row)) if part is not None]
    return sum(amounts, decimal(data.get("FreightAmount")) or Decimal(0))


def proven_total(data: Mapping[str, Any], summed: Decimal, currency: str) -> Decimal:
    """Fusion's total, proved by what its parts add up to. Raises ``MappingError`` naming both."""
    entered = decimal(data.get("EnteredAmount"))
    total = summed if entered is None else entered
    if rounded(total, currency) != rounded(summed, currency):
        raise MappingError(
            f"Fusion says {text(rounded(total, currency))} {currency}, but lines, tax and freight add up to "
            f"{text(rounded(summed, currency))} {currency}. Correct it in Fusion; the change is read by itself.",
            code="total_differs",
        )
    return rounded(total, currency)


def open_balance(data: Mapping[str, Any]) -> Decimal | None:
    """The installments' sum, since the header's balance may be in ledger currency."""
    known = _sum(row.get("InstallmentBalanceDue") for row in data.get(INSTALLMENTS) or ())
    return decimal(data.get("InvoiceBalanceAmount")) if known is None else known


def paid_amount(data: Mapping[str, Any]) -> Decimal | None:
    return _sum(row.get("AmountPaid") for row in data.get(INSTALLMENTS) or ())


def credited_amount(data: Mapping[str, Any]) -> Decimal | None:
    """What credit memos took off, as a positive amount: Fusion shows it as a negative one."""
    credited = _sum(row.get("InstallmentAmountCredited") for row in data.get(INSTALLMENTS) or ())
    return None if credited is None else abs(credited)


def fully_credited(data: Mapping[str, Any], balance: Decimal | None) -> bool:
    """Nothing is left to pay, nothing was paid, and all of it was credited: Fusion's way to void an invoice."""
    rows = data.get(INSTALLMENTS) or ()
    original = _sum(row.get("OriginalAmount") for row in rows) or Decimal(0)
    paid = any(decimal(row.get("AmountPaid")) for row in rows)
    return balance == 0 and not paid and original > 0 and credited_amount(data) == original


def due_date(data: Mapping[str, Any]) -> str | None:
    """The invoice's, else that of its last installment."""
    dates = (row.get("InstallmentDueDate") for row in data.get(INSTALLMENTS) or ())
    return day(data.get("DueDate") or max(filter(None, dates), default=None))


def day(value: Any) -> str | None:
    """A business date stays the date it is, whatever zone anybody is in."""
    return str(value)[:10] if value else None


def _sum(values: Iterable[Any]) -> Decimal | None:
    known = [amount for value in values if (amount := decimal(value)) is not None]
    return sum(known, Decimal(0)) if known else None


# Customers ------------------------------------------------------------------------------------------------------------


def require_customer(party: Any, name: Any, context: MapContext, *, what: str, system: str) -> Target:
    """The customer as it stands in the destination. Raises ``DependencyMissing`` while it is not there."""
    target = context.targets.get(("customers", str(party)))
    if target is None or not target.id:
        raise DependencyMissing(
            f"The customer “{name or party}” is not in {system} yet. The {what} goes by itself once the customer is "
            "there; if the customer is held, decide about it first.",
            waits_for=("customers", str(party)),
            code="customer_missing",
        )
    return target


def parties_of(source: Any, accounts: Iterable[Any], expand: str) -> tuple[dict[str, str], list[Document]]:
    """Account number → PartyId, and the accounts' activities with the children asked for: a call or two per hundred."""
    numbers = sorted({str(number) for number in accounts if number})
    if not numbers:
        return {}, []
    activities: list[Document] = source.related("activities", "AccountNumber", numbers, expand=expand)
    parties = {str(row["AccountNumber"]): str(row["CustomerId"]) for row in activities if row.get("CustomerId")}
    missing = [number for number in numbers if number not in parties]
    for account in source.related("bill_to_accounts", "AccountNumber", missing) if missing else ():
        if account.get("PartyId"):
            parties[str(account["AccountNumber"])] = str(account["PartyId"])
    return parties, activities


# Receipts -------------------------------------------------------------------------------------------------------------


def receipt_number(row: Row) -> str:
    return str(row.data.get("ReceiptNumber") or row.key)


def receipt_summary(row: Row) -> Summary:
    data = row.data
    return Summary(receipt_number(row), amount_or_none(data.get("Amount")), str(data.get("Currency") or ""))


def receipt_references(row: Row) -> list[Reference]:
    """Who paid, and the invoices it pays."""
    party = row.data.get("_party_id")
    found: list[Reference] = [("customers", str(party))] if party else []
    return found + [("invoices", invoice) for invoice in applied(row.data)]


def add_applications(source: Any, rows: Sequence[Row]) -> None:
    """Adds to receipts ``_party_id``, ``_applications`` (what each pays) and ``_paid_by_all``: invoice key → what all
    receipts of the customer account pay of it."""
    parties, activities = parties_of(source, (row.data.get("CustomerAccountNumber") for row in rows), APPLICATIONS)
    listed = [application for activity in activities for application in activity.get(APPLICATIONS) or ()]
    by_receipt: dict[str, list[Document]] = {}
    for application in listed:
        by_receipt.setdefault(str(application.get("StandardReceiptId")), []).append(application)
    paid = _applied(listed)
    for row in rows:
        mine = by_receipt.get(row.key, [])
        row.data["_party_id"] = parties.get(str(row.data.get("CustomerAccountNumber") or ""))
        row.data["_applications"] = mine
        row.data["_paid_by_all"] = {key: text(paid[key]) for key in map(invoice_key, mine) if key in paid}


def applied(data: Mapping[str, Any]) -> dict[str, Decimal]:
    """Invoice key → what the receipt pays of it now."""
    return {} if data.get("ReversalDate") else _applied(data.get("_applications") or ())


def _applied(rows: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    """Rows that a later one replaced, and those taken back, count out.

    Status words are free text in Fusion: only what is not the latest row, or sums to nothing, is left out.
    """
    sums: dict[str, Decimal] = {}
    for row in rows:
        key, amount = invoice_key(row), decimal(row.get("ApplicationAmount"))
        if not key or amount is None or row.get("IsLatestApplication") in NO:
            continue
        if str(row.get("ApplicationStatus") or "").lower().replace("-", "") in ("unapplied", "reversed"):
            continue
        sums[key] = sums.get(key, Decimal(0)) + amount
    return {key: amount for key, amount in sums.items() if amount > 0}


def mirrored(paid: Mapping[str, Decimal], context: MapContext) -> dict[str, Decimal]:
    """Without what goes to invoices that a rule leaves out."""
    targets = {key: context.targets.get(("invoices", key)) for key in paid}
    return {key: part for key, part in paid.items() if not ((target := targets[key]) and target.status == SKIPPED)}


def invoice_key(application: Mapping[str, Any]) -> str:
    reference = application.get("ReferenceTransactionId")
    return str(reference) if reference else ""


def invoice_numbers(data: Mapping[str, Any]) -> dict[str, str]:
    """Invoice key → the number people know it by, of all invoices a receipt ever paid."""
    found: dict[str, str] = {}
    for row in data.get("_applications") or ():
        key = invoice_key(row)
        found[key] = str(row.get("ReferenceTransactionNumber") or key)
    return found


def listed_payments(data: Mapping[str, Any], paid: Mapping[str, Decimal], currency: str) -> str:
    """ "INV-1: 100.00, INV-2: 50.00"."""
    numbers = invoice_numbers(data)
    return ", ".join(f"{numbers.get(key, key)}: {text(rounded(part, currency))}" for key, part in sorted(paid.items()))


def receipt_amount(data: Mapping[str, Any]) -> Decimal:
    amount = decimal(data.get("Amount"))
    if amount is None:
        raise MappingError("The receipt has no amount. Complete it in Fusion.", code="no_amount")
    return amount


def require_payer(data: Mapping[str, Any], context: MapContext, *, system: str) -> Target:
    """The customer who paid. Raises ``Held`` while Fusion does not know, ``DependencyMissing`` while it is missing."""
    party = data.get("_party_id")
    if not party:
        raise Held(
            "Fusion does not know yet whose payment this is. Assign the receipt to a customer there, and it goes by "
            "itself.",
            code="receipt_unidentified",
        )
    return require_customer(party, data.get("CustomerName"), context, what="payment", system=system)


def require_invoice(key: str, data: Mapping[str, Any], context: MapContext, *, system: str) -> Target:
    """An invoice the receipt pays. Raises ``DependencyMissing`` while it is not there."""
    target = context.targets.get(("invoices", key))
    if target is None or not target.id:
        number = invoice_numbers(data).get(key, key)
        raise DependencyMissing(
            f"The invoice {number} that this receipt pays is not in {system} yet. The payment goes by itself once the "
            "invoice is there.",
            waits_for=("invoices", key),
            code="invoice_missing",
        )
    return target


CAUSES = {
    "fusion_not_visible": Cause(
        "Fusion does not show these records", f"Check the data access of the Fusion user. {AFTER_FIX}", Fix.SOURCE
    ),
    "customer_missing": Cause(
        "The customer is not there yet", f"{BY_ITSELF} If the customer itself is held or rejected, settle that first."
    ),
    "invoice_missing": Cause("The invoice is not there yet", BY_ITSELF),
    "receipt_unidentified": Cause(
        "Nobody knows yet whose payment it is", "Assign the receipt to a customer in Fusion."
    ),
    "total_differs": Cause(
        "Lines and total disagree", "Correct the invoice in the source. The change is read by itself."
    ),
    "no_customer": Cause("No bill-to customer", "Complete the invoice in the source. The change is read by itself."),
    "no_currency": Cause("No currency", "Complete the record in the source. The change is read by itself."),
    "no_amount": Cause("No amount", "Complete the record in the source. The change is read by itself."),
    "line_without_amount": Cause(
        "A line has no amount", "Complete the invoice in the source. The change is read by itself."
    ),
}
"""What stops receivables, in words for the people who fix it."""
