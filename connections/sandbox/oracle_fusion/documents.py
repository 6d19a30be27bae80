"""What the seeded ledger's documents look like: specifications in, rows of attributes out. Nothing is stored here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from .money import RATES, UNITS, in_ledger, minor

Row = dict[str, Any]
ZERO = Decimal(0)
USER = "finance.operations"


@dataclass(frozen=True)
class Customer:
    """The parts of a customer that documents repeat."""

    party_id: int
    party_number: str
    name: str
    account_id: int
    account_number: str
    site_id: int
    site_number: str


@dataclass
class Line:
    """One line to invoice. ``tax_rate`` is in percent; ``inclusive`` means the amount holds the tax already.
    ``amount`` is
    quantity times price, rounded, unless given."""

    description: str
    quantity: Decimal | None = None
    price: Decimal | None = None
    item: str | None = None
    memo: str | None = None
    tax_rate: Decimal | None = None
    inclusive: bool = False
    amount: Decimal | None = None


@dataclass
class Invoice:
    """One invoice to write; ``stamp`` in milliseconds is creation and last update."""

    customer: Customer
    currency: str
    lines: list[Line]
    number: str
    day: date
    stamp: int
    status: str = "Complete"
    freight: Decimal = ZERO
    parts: int = 1
    purchase_order: str | None = None
    comments: str | None = None
    terms: int = 30


@dataclass
class InvoiceRows:
    """The rows of one invoice, by table."""

    invoice: Row
    lines: list[Row] = field(default_factory=list)
    taxes: list[Row] = field(default_factory=list)
    installments: list[Row] = field(default_factory=list)
    schedules: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class InvoiceIds:
    invoice: int
    lines: list[int]
    taxes: list[int]
    installments: list[int]


def day_of(stamp: int) -> date:
    return datetime.fromtimestamp(stamp / 1000, UTC).date()


def line_amount(line: Line, currency: str) -> Decimal:
    if line.amount is not None:
        return line.amount
    return minor((line.quantity or ZERO) * (line.price or ZERO), currency)


def tax_of(amount: Decimal, rate: Decimal, inclusive: bool, currency: str) -> Decimal:
    """The tax in or on an amount, in minor units."""
    if inclusive:
        return amount - minor(amount * 100 / (100 + rate), currency)
    return minor(amount * rate / 100, currency)


def line_row(line: Line, number: int, ids: tuple[int, int], currency: str, stamp: int) -> Row:
    """A line; ``ids`` are those of the line and its invoice."""
    return {
        "CustomerTransactionLineId": ids[0],
        "_invoice": ids[1],
        "LineNumber": number,
        "Description": line.description,
        "ItemNumber": line.item,
        "MemoLine": line.memo,
        "Quantity": line.quantity,
        "UnitOfMeasure": None if line.quantity is None else "Each",
        "UnitSellingPrice": line.price,
        "LineAmount": line_amount(line, currency),
        "LineAmountIncludesTax": "Y" if line.inclusive else "N",
        "TaxClassificationCode": None if line.tax_rate is None else f"VAT {line.tax_rate}",
        "CreationDate": stamp,
        "LastUpdateDate": stamp,
    }


def tax_row(line: Line, line_id: int, tax_id: int, currency: str) -> Row:
    rate, amount = line.tax_rate or ZERO, line_amount(line, currency)
    tax = tax_of(amount, rate, line.inclusive, currency)
    return {
        "_id": tax_id,
        "_line": line_id,
        "TaxLineNumber": 1,
        "Tax": "VAT",
        "TaxRateCode": f"STANDARD {rate}",
        "TaxRate": rate,
        "TaxAmount": tax,
        "TaxableAmount": amount - tax if line.inclusive else amount,
        "TaxInclusiveIndicator": "Y" if line.inclusive else "N",
        "TaxJurisdictionCode": "STANDARD",
    }


def invoice_rows(spec: Invoice, ids: InvoiceIds, balance_currency: str = "ledger") -> InvoiceRows:
    """All rows of an unpaid invoice. EnteredAmount is lines plus exclusive tax plus freight, exactly in minor units."""
    lines = [
        line_row(line, number, (ids.lines[number - 1], ids.invoice), spec.currency, spec.stamp)
        for number, line in enumerate(spec.lines, 1)
    ]
    taxed = [(line, row) for line, row in zip(spec.lines, lines, strict=True) if line.tax_rate is not None]
    taxes = [
        tax_row(line, row["CustomerTransactionLineId"], tax_id, spec.currency)
        for (line, row), tax_id in zip(taxed, ids.taxes, strict=False)
    ]
    amount = sum((row["LineAmount"] for row in lines), ZERO)
    tax = sum((row["TaxAmount"] for row in taxes if row["TaxInclusiveIndicator"] == "N"), ZERO)
    header = invoice_row(spec, ids.invoice, amount + tax + spec.freight, balance_currency)
    rows = InvoiceRows(header, lines, taxes)
    for part, (lines_part, tax_part, freight_part) in enumerate(
        zip(
            shares(amount, spec.parts, spec.currency),
            shares(tax, spec.parts, spec.currency),
            shares(spec.freight, spec.parts, spec.currency),
            strict=True,
        )
    ):
        due = spec.day + timedelta(days=spec.terms * (part + 1))
        row = installment_row(
            (ids.installments[part], ids.invoice), part + 1, due, (lines_part, tax_part, freight_part), spec
        )
        rows.installments.append(row)
        rows.schedules.append(schedule_row(row, header, spec.customer.account_id, spec.customer.site_id))
    return rows


def shares(amount: Decimal, parts: int, currency: str) -> list[Decimal]:
    """An amount split into equal parts in minor units; the last part takes what rounding leaves."""
    share = minor(amount / parts, currency)
    return [*([share] * (parts - 1)), amount - share * (parts - 1)]


def invoice_row(spec: Invoice, invoice_id: int, entered: Decimal, balance_currency: str) -> Row:
    customer, foreign = spec.customer, spec.currency != "USD"
    return {
        "CustomerTransactionId": invoice_id,
        "TransactionNumber": spec.number,
        "TransactionType": "Invoice",
        "TransactionSource": "Manual",
        "TransactionDate": spec.day,
        "AccountingDate": spec.day,
        "BillingDate": spec.day,
        "DueDate": spec.day + timedelta(days=spec.terms),
        "PaymentTerms": f"Net {spec.terms}",
        "InvoiceCurrencyCode": spec.currency,
        "EnteredAmount": entered,
        "FreightAmount": spec.freight or None,
        "InvoiceBalanceAmount": entered if balance_currency == "entered" else in_ledger(entered, spec.currency),
        "InvoiceStatus": spec.status,
        "BusinessUnit": UNITS[spec.currency],
        "BillToPartyId": customer.party_id,
        "BillToCustomerName": customer.name,
        "BillToCustomerNumber": customer.account_number,
        "BillToSite": customer.site_number,
        "PurchaseOrder": spec.purchase_order,
        "Comments": spec.comments,
        "ConversionRate": RATES[spec.currency] if foreign else None,
        "ConversionRateType": "Corporate" if foreign else None,
        "ConversionDate": spec.day if foreign else None,
        "AllowCompletion": "Y",
        "InvoicePrinted": "N",
        "CreatedBy": USER,
        "CreationDate": spec.stamp,
        "LastUpdatedBy": USER,
        "LastUpdateDate": spec.stamp,
    }


def installment_row(
    ids: tuple[int, int], sequence: int, due: date, amounts: tuple[Decimal, Decimal, Decimal], spec: Invoice
) -> Row:
    """An open installment; ``amounts`` are its shares of lines, tax and freight."""
    total = sum(amounts, ZERO)
    lines, tax, freight = amounts
    return {
        "InstallmentId": ids[0],
        "_invoice": ids[1],
        "InstallmentSequenceNumber": sequence,
        "InstallmentDueDate": due,
        "InstallmentClosedDate": None if total else spec.day,
        "OriginalAmount": total,
        "InstallmentBalanceDue": total,
        "AccountedBalanceDue": in_ledger(total, spec.currency),
        "AmountPaid": ZERO,
        "InstallmentAmountCredited": ZERO,
        "InstallmentAmountAdjusted": ZERO,
        "InstallmentLineAmountOriginal": lines,
        "InstallmentTaxAmountOriginal": tax,
        "InstallmentFreightAmountOriginal": freight,
        "InstallmentLineAmountDue": lines,
        "InstallmentTaxAmountDue": tax,
        "InstallmentFreightAmountDue": freight,
        "InstallmentStatus": "Open" if total else "Closed",
        "CreationDate": spec.stamp,
        "LastUpdateDate": spec.stamp,
    }


def schedule_row(installment: Row, invoice: Row, account_id: int | None, site_id: int | None) -> Row:
    """The installment as the customer account's activities show it."""
    return {
        "InstallmentId": installment["InstallmentId"],
        "_account": account_id,
        "_site": site_id,
        "TransactionId": invoice["CustomerTransactionId"],
        "TransactionNumber": invoice["TransactionNumber"],
        "InstallmentStatus": installment["InstallmentStatus"],
        "TransactionClass": "Invoice",
        "TransactionType": invoice["TransactionType"],
        "TotalOriginalAmount": installment["OriginalAmount"],
        "TotalBalanceAmount": installment["InstallmentBalanceDue"],
        "PaymentScheduleDueDate": installment["InstallmentDueDate"],
        "EnteredCurrency": invoice["InvoiceCurrencyCode"],
    }


def settle(row: Row, paid: Decimal, credited: Decimal, currency: str, stamp: int) -> Row:
    """An installment with this much paid and credited; credits are negative amounts, as in receivables."""
    original = row["OriginalAmount"]
    balance = original - paid + credited
    share = balance / original if original else ZERO
    tax = minor(row["InstallmentTaxAmountOriginal"] * share, currency)
    freight = minor(row["InstallmentFreightAmountOriginal"] * share, currency)
    return {
        **row,
        "AmountPaid": paid,
        "InstallmentAmountCredited": credited,
        "InstallmentBalanceDue": balance,
        "AccountedBalanceDue": in_ledger(balance, currency),
        "InstallmentTaxAmountDue": tax,
        "InstallmentFreightAmountDue": freight,
        "InstallmentLineAmountDue": balance - tax - freight,
        "InstallmentStatus": "Open" if balance else "Closed",
        "InstallmentClosedDate": None if balance else day_of(stamp),
        "LastUpdateDate": stamp,
    }


def receipt_row(
    receipt_id: int, number: str, amount: Decimal, currency: str, stamp: int, customer: Customer | None
) -> Row:
    """A receipt nothing is applied of yet; without a customer it is unidentified."""
    day = day_of(stamp)
    return {
        "StandardReceiptId": receipt_id,
        "ReceiptNumber": number,
        "ReceiptDate": day,
        "AccountingDate": day,
        "MaturityDate": day,
        "Amount": amount,
        "AccountedAmount": in_ledger(amount, currency),
        "UnappliedAmount": amount,
        "Currency": currency,
        "BusinessUnit": UNITS[currency],
        "ReceiptMethod": "Bank transfer",
        "CustomerName": customer.name if customer else None,
        "CustomerAccountNumber": customer.account_number if customer else None,
        "CustomerSite": customer.site_number if customer else None,
        "State": "Unapplied" if customer else "Unidentified",
        "Status": "Cleared",
        "ConversionRate": None if currency == "USD" else RATES[currency],
        "ReceiptAtRisk": "N",
        "CreatedBy": USER,
        "CreationDate": stamp,
        "LastUpdatedBy": USER,
        "LastUpdateDate": stamp,
    }


def account_receipt_row(receipt: Row, account_id: int, site_id: int) -> Row:
    """The receipt as the customer account's activities show it."""
    return {
        **receipt,
        "_account": account_id,
        "_site": site_id,
        "AvailableAmount": receipt["UnappliedAmount"],
        "ProcessStatus": "Open" if receipt["UnappliedAmount"] else "Closed",
        "LegalEntity": receipt["BusinessUnit"].replace("Operations", "Ltd"),
    }


def application_row(
    application_id: int,
    receipt: Row,
    invoice: Row,
    installment_id: int,
    amount: Decimal,
    stamp: int,
    customer: Customer,
) -> Row:
    """A receipt applied to an installment of an invoice."""
    day = day_of(stamp)
    return {
        "ApplicationId": application_id,
        "_account": customer.account_id,
        "_site": customer.site_id,
        "StandardReceiptId": receipt["StandardReceiptId"],
        "ReceiptNumber": receipt["ReceiptNumber"],
        "ReferenceTransactionId": invoice["CustomerTransactionId"],
        "ReferenceTransactionNumber": invoice["TransactionNumber"],
        "ReferenceInstallmentId": installment_id,
        "ReferenceTransactionStatus": "Open",
        "ApplicationAmount": amount,
        "ApplicationDate": day,
        "AccountingDate": day,
        "ApplicationStatus": "Applied",
        "ProcessStatus": "Processed",
        "IsLatestApplication": "Y",
        "ActivityName": "Receipt application",
        "EnteredCurrency": receipt["Currency"],
        "ReceiptMethod": receipt["ReceiptMethod"],
        "CustomerSite": customer.site_number,
        "CreationDate": stamp,
        "LastUpdateDate": stamp,
    }


def credit_memo_row(memo_id: int, number: str, invoice: Row, amount: Decimal, stamp: int) -> Row:
    """A memo that credits ``amount`` (positive) of an invoice; its own amount is negative and fully used."""
    return {
        "CustomerTransactionId": memo_id,
        "TransactionNumber": number,
        "TransactionDate": day_of(stamp),
        "TransactionType": "Credit Memo",
        "TransactionSource": "Manual",
        "CreditMemoCurrency": invoice["InvoiceCurrencyCode"],
        "CreditMemoStatus": "Complete",
        "EnteredAmount": -amount,
        "TransactionBalanceDue": ZERO,
        "CreditReason": "Billing error",
        "BillToCustomerName": invoice["BillToCustomerName"],
        "BillToCustomerNumber": invoice["BillToCustomerNumber"],
        "BillToSite": invoice["BillToSite"],
        "BusinessUnit": invoice["BusinessUnit"],
        "CrossReference": invoice["TransactionNumber"],
        "CreationDate": stamp,
        "LastUpdateDate": stamp,
    }
