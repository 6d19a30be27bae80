"""The receivables of the pod: invoices, receipts, applications and memos, with balances that always agree."""

# Names in SQL come from the attribute tables, values are always parameters.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any

from . import attributes as a
from .documents import (
    USER,
    ZERO,
    Customer,
    Invoice,
    InvoiceIds,
    InvoiceRows,
    Line,
    account_receipt_row,
    application_row,
    credit_memo_row,
    day_of,
    invoice_rows,
    line_row,
    receipt_row,
    schedule_row,
    settle,
    tax_of,
    tax_row,
)
from .ids import Ids
from .money import in_ledger, minor
from .parties import Parties
from .records import Records, Row

LATEST = "\"IsLatestApplication\" = 'Y'"


class LedgerError(ValueError):
    """A business event that cannot happen, with the reason."""


class Ledger:
    """Writes documents and keeps installments, headers and accounts in step with what is applied."""

    def __init__(self, records: Records, switches: dict[str, Any], clock: Callable[[], float]) -> None:
        self.records = records
        self.switches = switches
        self.clock = clock
        self.ids = Ids(records)
        self.parties = Parties(records, self.ids)

    def now(self) -> int:
        """The pod's clock in milliseconds."""
        return int(self.clock() * 1000)

    # -- invoices -------------------------------------------------------------------------------------------------

    def add_invoice(self, spec: Invoice) -> int:
        with self.records.store.transaction():
            rows = self.build(spec)
            self.write([rows])
            self.total_accounts([spec.customer.party_id])
        return int(rows.invoice["CustomerTransactionId"])

    def build(self, spec: Invoice) -> InvoiceRows:
        taxed = sum(1 for line in spec.lines if line.tax_rate is not None)
        ids = InvoiceIds(
            invoice=self.ids.one("invoice"),
            lines=self.ids.many("line", len(spec.lines)),
            taxes=self.ids.many("tax", taxed),
            installments=self.ids.many("installment", spec.parts),
        )
        return invoice_rows(spec, ids, self.switches["balance_currency"])

    def write(self, batch: list[InvoiceRows]) -> None:
        put = self.records.put_many
        put(a.INVOICES, [rows.invoice for rows in batch])
        put(a.LINES, [row for rows in batch for row in rows.lines])
        put(a.TAX_LINES, [row for rows in batch for row in rows.taxes])
        put(a.INSTALLMENTS, [row for rows in batch for row in rows.installments])
        put(a.PAYMENT_SCHEDULES, [row for rows in batch for row in rows.schedules])

    def invoice(self, invoice_id: int) -> Row:
        """An invoice header. Raises :class:`LedgerError`."""
        try:
            return self.records.get(a.INVOICES, invoice_id)
        except KeyError:
            raise LedgerError(f"there is no invoice {invoice_id}") from None

    def change_status(self, invoice_id: int, status: str, stamp: int) -> None:
        self.invoice(invoice_id)
        self.records.update(a.INVOICES, invoice_id, InvoiceStatus=status, LastUpdateDate=stamp, LastUpdatedBy=USER)

    def lines(self, invoice_id: int) -> list[Row]:
        return self.records.find(a.LINES, "_invoice = ?", (invoice_id,))

    def add_line(self, invoice_id: int, line: Line, stamp: int) -> int:
        invoice, known = self.invoice(invoice_id), self.lines(invoice_id)
        currency, line_id = invoice["InvoiceCurrencyCode"], self.ids.one("line")
        number = int(max((row["LineNumber"] for row in known), default=0)) + 1
        with self.records.store.transaction():
            self.records.put(a.LINES, line_row(line, number, (line_id, invoice_id), currency, stamp))
            if line.tax_rate is not None:
                self.records.put(a.TAX_LINES, tax_row(line, line_id, self.ids.one("tax"), currency))
            self.retotal(invoice_id, stamp)
        return line_id

    def remove_line(self, invoice_id: int, stamp: int) -> int:
        """Take the last line away; its id."""
        known = self.lines(invoice_id)
        if len(known) < 2:
            raise LedgerError("an invoice keeps at least one line")
        line_id = int(known[-1]["CustomerTransactionLineId"])
        with self.records.store.transaction():
            self.records.delete(a.LINES, "_id = ?", (line_id,))
            self.records.delete(a.TAX_LINES, "_line = ?", (line_id,))
            self.retotal(invoice_id, stamp)
        return line_id

    def reprice_line(self, invoice_id: int, factor: Decimal, stamp: int) -> int:
        """Change price and amount of the first line by a factor; its id."""
        invoice, row = self.invoice(invoice_id), self.lines(invoice_id)[0]
        currency = invoice["InvoiceCurrencyCode"]
        price = row["UnitSellingPrice"]
        amount = minor(row["LineAmount"] * factor, currency)
        if price is not None and row["Quantity"] is not None:
            price = price * factor
            amount = minor(price * row["Quantity"], currency)
        with self.records.store.transaction():
            line_id = int(row["CustomerTransactionLineId"])
            self.records.update(a.LINES, line_id, UnitSellingPrice=price, LineAmount=amount, LastUpdateDate=stamp)
            for tax in self.records.find(a.TAX_LINES, "_line = ?", (line_id,)):
                inclusive = tax["TaxInclusiveIndicator"] == "Y"
                tax["TaxAmount"] = tax_of(amount, tax["TaxRate"], inclusive, currency)
                tax["TaxableAmount"] = amount - tax["TaxAmount"] if inclusive else amount
                self.records.put(a.TAX_LINES, tax)
            self.retotal(invoice_id, stamp)
        return line_id

    def retotal(self, invoice_id: int, stamp: int) -> None:
        """Bring header and first installment in line with the lines; the header's date moves, unless child changes
        do not.
        """
        invoice = self.invoice(invoice_id)
        lines = self.lines(invoice_id)
        amount = sum((row["LineAmount"] for row in lines), ZERO)
        tax = ZERO
        for row in lines:
            for each in self.records.find(a.TAX_LINES, "_line = ?", (row["CustomerTransactionLineId"],)):
                tax += each["TaxAmount"] if each["TaxInclusiveIndicator"] == "N" else ZERO
        entered = amount + tax + (invoice["FreightAmount"] or ZERO)
        first = self.records.find(a.INSTALLMENTS, "_invoice = ?", (invoice_id,))[0]
        difference = entered - invoice["EnteredAmount"]
        line_change = difference - (tax - self._tax_original(invoice_id))
        first["OriginalAmount"] += difference
        first["InstallmentLineAmountOriginal"] += line_change
        first["InstallmentTaxAmountOriginal"] += difference - line_change
        self.records.put(a.INSTALLMENTS, first)
        changes: Row = {"EnteredAmount": entered, "LastUpdatedBy": USER}
        if self.switches["child_moves_parent_date"]:
            changes["LastUpdateDate"] = stamp
        self.records.update(a.INVOICES, invoice_id, **changes)
        self.rebalance(invoice_id, stamp)

    def _tax_original(self, invoice_id: int) -> Decimal:
        rows = self.records.find(a.INSTALLMENTS, "_invoice = ?", (invoice_id,))
        return sum((row["InstallmentTaxAmountOriginal"] for row in rows), ZERO)

    # -- balances -------------------------------------------------------------------------------------------------

    def rebalance(self, invoice_id: int, stamp: int) -> None:
        """Recompute what is paid, credited and open on every installment, and the header's balance."""
        invoice = self.invoice(invoice_id)
        currency = invoice["InvoiceCurrencyCode"]
        paid = self._paid(invoice_id)
        credit = self._credited(invoice)
        customer = self.parties.customer(invoice["BillToPartyId"])
        open_amount = ZERO
        for row in self.records.find(a.INSTALLMENTS, "_invoice = ?", (invoice_id,)):
            part = paid.get(row["InstallmentId"], ZERO)
            share = -min(max(row["OriginalAmount"] - part, ZERO), -credit) if credit else ZERO
            credit -= share
            settled = settle(row, part, share, currency, stamp)
            open_amount += settled["InstallmentBalanceDue"]
            if any(settled[name] != row[name] for name in ("AmountPaid", "InstallmentBalanceDue", "OriginalAmount")):
                self.records.put(a.INSTALLMENTS, settled)
            account = (customer.account_id, customer.site_id) if customer else (None, None)
            self.records.put(a.PAYMENT_SCHEDULES, schedule_row(settled, invoice, *account))
        self._header_balance(invoice, open_amount, stamp)
        self.total_accounts([invoice["BillToPartyId"]])

    def _header_balance(self, invoice: Row, open_amount: Decimal, stamp: int) -> None:
        entered = self.switches["balance_currency"] == "entered"
        balance = open_amount if entered else in_ledger(open_amount, invoice["InvoiceCurrencyCode"])
        if balance == invoice["InvoiceBalanceAmount"]:
            return
        changes: Row = {"InvoiceBalanceAmount": balance}
        if self.switches["receipt_moves_invoice_date"]:
            changes["LastUpdateDate"] = stamp
        self.records.update(a.INVOICES, invoice["CustomerTransactionId"], **changes)

    def _paid(self, invoice_id: int) -> dict[int, Decimal]:
        paid: dict[int, Decimal] = {}
        for row in self.records.find(a.APPLICATIONS, f'"ReferenceTransactionId" = ? AND {LATEST}', (invoice_id,)):
            installment = row["ReferenceInstallmentId"]
            paid[installment] = paid.get(installment, ZERO) + row["ApplicationAmount"]
        return paid

    def _credited(self, invoice: Row) -> Decimal:
        """Credit memos of the invoice, a negative amount."""
        where = '"CrossReference" = ? AND "BillToCustomerNumber" IS ?'
        found = self.records.find(
            a.CREDIT_MEMOS, where, (invoice["TransactionNumber"], invoice["BillToCustomerNumber"])
        )
        return sum((row["EnteredAmount"] for row in found), ZERO)

    def total_accounts(self, party_ids: Collection[int]) -> None:
        """The open total of each party's accounts is the sum of its invoices' balances, to the last minor unit.

        The dates of the accounts stay, unless the pod is one where they move.
        """
        sql = (
            f'SELECT t._id, (SELECT SUM(CAST(ROUND("InvoiceBalanceAmount" * 1000) AS INTEGER)) FROM {a.INVOICES.sql} '
            f'WHERE "BillToPartyId" = t."CustomerId") AS total FROM {a.ACTIVITIES.sql} t WHERE t."CustomerId" = ?'
        )
        dated: Row = {"LastUpdateDate": self.now()} if self.switches["receipt_moves_account_date"] else {}
        for party_id in party_ids:
            for row in self.records.store.query(sql, (party_id,)):
                total = Decimal(row["total"] or 0).scaleb(-3)
                self.records.update(a.ACTIVITIES, row["_id"], TotalOpenReceivablesForAccount=total, **dated)

    def open_installments(self, invoice_id: int) -> list[Row]:
        rows = self.records.find(a.INSTALLMENTS, "_invoice = ?", (invoice_id,))
        return [row for row in rows if row["InstallmentBalanceDue"]]

    # -- receipts -------------------------------------------------------------------------------------------------

    def add_receipt(
        self, customer: Customer | None, amount: Decimal, currency: str, stamp: int, number: str = ""
    ) -> int:
        receipt_id = self.ids.one("receipt")
        number = number or f"RCT-{self.ids.number('receipt', 20001)}"
        row = receipt_row(receipt_id, number, amount, currency, stamp, customer)
        with self.records.store.transaction():
            self.records.put(a.RECEIPTS, row)
            if customer:
                self.records.put(a.ACCOUNT_RECEIPTS, account_receipt_row(row, customer.account_id, customer.site_id))
                self._remittance(receipt_id, customer)
        return receipt_id

    def _remittance(self, receipt_id: int, customer: Customer) -> None:
        self.records.put(
            a.REMITTANCES,
            {
                "RemittanceReferenceId": self.ids.one("remittance"),
                "_receipt": receipt_id,
                "ReceiptMatchBy": "Transaction number",
                "CustomerReference": customer.account_number,
            },
        )

    def receipt(self, receipt_id: int) -> Row:
        """A receipt. Raises :class:`LedgerError`."""
        try:
            return self.records.get(a.RECEIPTS, receipt_id)
        except KeyError:
            raise LedgerError(f"there is no receipt {receipt_id}") from None

    def apply(self, receipt_id: int, invoice_id: int, amount: Decimal, stamp: int) -> list[int]:
        """Apply an amount of a receipt to an invoice, installment by installment; the applications' ids."""
        receipt, invoice = self.receipt(receipt_id), self.invoice(invoice_id)
        customer = self.parties.customer(invoice["BillToPartyId"])
        if customer is None:
            raise LedgerError("the invoice's customer is not there yet")
        if receipt["Currency"] != invoice["InvoiceCurrencyCode"]:
            raise LedgerError("receipt and invoice differ in currency")
        written, left = [], amount
        with self.records.store.transaction():
            for row in self.open_installments(invoice_id):
                part = min(left, row["InstallmentBalanceDue"])
                if part <= 0:
                    continue
                application_id = self.ids.one("application")
                self.records.put(
                    a.APPLICATIONS,
                    application_row(application_id, receipt, invoice, row["InstallmentId"], part, stamp, customer),
                )
                written.append(application_id)
                left -= part
            self.rebalance(invoice_id, stamp)
            self.refresh_receipt(receipt_id, stamp)
        return written

    def refresh_receipt(self, receipt_id: int, stamp: int, **changes: Any) -> None:
        """Recompute what of a receipt is not applied."""
        receipt = self.receipt(receipt_id)
        found = self.records.find(a.APPLICATIONS, f'"StandardReceiptId" = ? AND {LATEST}', (receipt_id,))
        unapplied = receipt["Amount"] - sum((row["ApplicationAmount"] for row in found), ZERO)
        state = "Applied" if not unapplied else "Unapplied" if receipt["CustomerAccountNumber"] else "Unidentified"
        values = {
            "UnappliedAmount": unapplied,
            "State": state,
            "LastUpdateDate": stamp,
            "LastUpdatedBy": USER,
            **changes,
        }
        receipt = self.records.update(a.RECEIPTS, receipt_id, **values)
        for shown in self.records.find(a.ACCOUNT_RECEIPTS, "_id = ?", (receipt_id,)):
            row = account_receipt_row(receipt, shown["_account"], shown["_site"])
            self.records.put(a.ACCOUNT_RECEIPTS, row)

    def unapply(self, application_id: int, stamp: int) -> None:
        """Undo one application. How that shows is not published: a switch chooses between a reversal row beside the
        original and a change of the original alone. IsLatestApplication is "N" afterwards either way."""
        row = self.records.get(a.APPLICATIONS, application_id)
        in_place = self.switches["unapply_style"] == "in_place"
        with self.records.store.transaction():
            changed = {**row, "IsLatestApplication": "N", "LastUpdateDate": stamp}
            if in_place:
                changed["ApplicationStatus"] = "Unapplied"
            self.records.put(a.APPLICATIONS, changed)
            if not in_place:
                self.records.put(
                    a.APPLICATIONS,
                    {
                        **changed,
                        "ApplicationId": self.ids.one("application"),
                        "ApplicationAmount": -row["ApplicationAmount"],
                        "ApplicationDate": day_of(stamp),
                        "ApplicationStatus": "Unapplied",
                        "CreationDate": stamp,
                    },
                )
            self.rebalance(row["ReferenceTransactionId"], stamp)
            self.refresh_receipt(row["StandardReceiptId"], stamp)

    def applied(self, receipt_id: int) -> list[Row]:
        return self.records.find(a.APPLICATIONS, f'"StandardReceiptId" = ? AND {LATEST}', (receipt_id,))

    def reverse(self, receipt_id: int, stamp: int) -> None:
        """Reverse a receipt, as when a cheque is returned: nothing of it stays applied."""
        with self.records.store.transaction():
            for row in self.applied(receipt_id):
                self.unapply(row["ApplicationId"], stamp)
            self.refresh_receipt(
                receipt_id,
                stamp,
                Status="Reversed",
                State="Reversed",
                UnappliedAmount=ZERO,
                ReversalDate=day_of(stamp),
                ReversalCategory="Nonsufficient funds",
                ReversalReason="Payment returned by bank",
            )

    # -- credit memos ---------------------------------------------------------------------------------------------

    def credit(self, invoice_id: int, amount: Decimal | None, stamp: int) -> int:
        """Credit what is open on an invoice, or an amount of it; the memo's id."""
        invoice = self.invoice(invoice_id)
        open_amount = sum((row["InstallmentBalanceDue"] for row in self.open_installments(invoice_id)), ZERO)
        amount = open_amount if amount is None else min(amount, open_amount)
        if amount <= 0:
            raise LedgerError("nothing is open on this invoice")
        memo_id = self.ids.one("memo")
        number = f"CM-{self.ids.number('memo', 5001)}"
        with self.records.store.transaction():
            self.records.put(a.CREDIT_MEMOS, credit_memo_row(memo_id, number, invoice, amount, stamp))
            self.rebalance(invoice_id, stamp)
        return memo_id
