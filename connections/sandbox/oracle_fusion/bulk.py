"""Large ledgers for measurements: built in memory in chunks, written with one statement a table."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from . import attributes as a
from .documents import (
    ZERO,
    Customer,
    Invoice,
    InvoiceIds,
    InvoiceRows,
    Line,
    account_receipt_row,
    application_row,
    day_of,
    invoice_rows,
    receipt_row,
    schedule_row,
    settle,
)
from .ids import Ids
from .ledger import Ledger
from .parties import NewCustomer, NewPerson
from .records import Row
from .seed_names import ITEMS

CHUNK = 4000


def add_customers(ledger: Ledger, count: int, stamp: int, contacts: int = 1) -> list[Customer]:
    """Customers named in sequence, each with ``contacts`` people."""
    first = ledger.ids.number("bulk", 1, count)
    specs = [
        NewCustomer(f"Bulk Customer {first + index:06d}", f"{index} Long Road", "Sampleton") for index in range(count)
    ]
    with ledger.records.store.transaction():
        customers = write_customers(ledger, specs, stamp)
        for index, customer in enumerate(customers):
            for person in range(contacts):
                email = f"bulk{first + index}.{person}@customer.example"
                ledger.parties.add_person(NewPerson("Pat", f"Bulk {first + index}", email), customer, stamp)
    return customers


def write_customers(ledger: Ledger, specs: list[NewCustomer], stamp: int) -> list[Customer]:
    """Customers as they are described: thousands a second."""
    customers = ledger.parties.reserve_many(specs)
    with ledger.records.store.transaction():
        ledger.parties.write_many([(spec, customer, stamp) for spec, customer in zip(specs, customers, strict=True)])
    return customers


def add_invoices(
    ledger: Ledger,
    customers: list[Customer],
    stamps: Iterator[int],
    count: int,
    lines: int = 3,
    currency: str = "USD",
    payments: int = 0,
) -> list[int]:
    """``count`` invoices over the customers in turn; the first ``payments`` of them are paid in full. Their ids."""
    written: list[int] = []
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        specs = list(_specs(ledger, customers, stamps, start, size, lines, currency))
        with ledger.records.store.transaction():
            batch = _build(ledger, specs)
            _pay(ledger, specs, batch, max(0, min(size, payments - start)))
            ledger.write(batch)
            ledger.total_accounts({spec.customer.party_id for spec in specs})
        written += [rows.invoice["CustomerTransactionId"] for rows in batch]
    return written


def _specs(
    ledger: Ledger, customers: list[Customer], stamps: Iterator[int], start: int, size: int, lines: int, currency: str
) -> Iterator[Invoice]:
    number = ledger.ids.number("invoice", 100_001, size)
    for index in range(start, start + size):
        stamp = next(stamps)
        yield Invoice(
            customer=customers[index % len(customers)],
            currency=currency,
            lines=[_line(index + place) for place in range(lines)],
            number=str(number + index - start),
            day=day_of(stamp),
            stamp=stamp,
        )


def _line(seed: int) -> Line:
    item, text = ITEMS[seed % len(ITEMS)]
    return Line(text, Decimal(1 + seed % 9), Decimal(1000 + seed % 7919).scaleb(-2), item=item)


def _build(ledger: Ledger, specs: list[Invoice]) -> list[InvoiceRows]:
    ids: Ids = ledger.ids
    invoices = ids.many("invoice", len(specs))
    lines = iter(ids.many("line", sum(len(spec.lines) for spec in specs)))
    installments = ids.many("installment", len(specs))
    balance_currency = ledger.switches["balance_currency"]
    batch = []
    for spec, invoice_id, installment in zip(specs, invoices, installments, strict=True):
        line_ids = [next(lines) for _ in spec.lines]
        batch.append(invoice_rows(spec, InvoiceIds(invoice_id, line_ids, [], [installment]), balance_currency))
    return batch


def _pay(ledger: Ledger, specs: list[Invoice], batch: list[InvoiceRows], count: int) -> None:
    if not count:
        return
    receipts: list[Row] = []
    shown: list[Row] = []
    applications: list[Row] = []
    identities = ledger.ids.many("receipt", count), ledger.ids.many("application", count)
    number = ledger.ids.number("receipt", 20_001, count)
    for index, (spec, rows) in enumerate(zip(specs[:count], batch[:count], strict=True)):
        stamp, amount = spec.stamp, rows.invoice["EnteredAmount"]
        receipt = receipt_row(
            identities[0][index], f"RCT-{number + index}", amount, spec.currency, stamp, spec.customer
        )
        receipt |= {"UnappliedAmount": ZERO, "State": "Applied"}
        installment = rows.installments[0]
        applications.append(
            application_row(
                identities[1][index], receipt, rows.invoice, installment["InstallmentId"], amount, stamp, spec.customer
            )
        )
        receipts.append(receipt)
        shown.append(account_receipt_row(receipt, spec.customer.account_id, spec.customer.site_id))
        rows.installments[0] = settle(installment, amount, ZERO, spec.currency, stamp)
        rows.invoice["InvoiceBalanceAmount"] = ZERO
        rows.schedules[0] = schedule_row(
            rows.installments[0], rows.invoice, spec.customer.account_id, spec.customer.site_id
        )
    for table, listed in ((a.RECEIPTS, receipts), (a.ACCOUNT_RECEIPTS, shown), (a.APPLICATIONS, applications)):
        ledger.records.put_many(table, listed)
