"""The rows a fresh pod starts with: "demo" for people and acceptance tests, "small" for quick tests."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from . import attributes as a
from .documents import Customer, Invoice, Line, day_of
from .ledger import Ledger
from .money import EXPONENTS, minor
from .parties import NewCustomer, NewPerson
from .procurement import add_orders, add_suppliers
from .seed_names import CUSTOMERS, ITEMS, PEOPLE, PROSPECT, WAITING

DAY = 86_400_000
TAX = {"USD": None, "EUR": Decimal(19), "GBP": Decimal(20), "JPY": Decimal(10), "KWD": None}


class Seeder:
    """Writes seeded rows; ``random`` is seeded too, so every demo pod is the same but for its dates."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.random = random.Random(20261122)
        self.now = ledger.now()
        self.customers: list[Customer] = []
        self.currencies: dict[int, str] = {}

    def stamp(self, days_ago: float) -> int:
        return self.now - int(days_ago * DAY)

    # -- parties --------------------------------------------------------------------------------------------------

    def add_customers(self, specs: list[NewCustomer]) -> None:
        for index, spec in enumerate(specs):
            customer = self.ledger.parties.add(spec, self.stamp(420 - index * 3) + 27)
            self.customers.append(customer)
            self.currencies[customer.party_id] = spec.currency

    def add_people(self, customer: Customer, people: list[NewPerson]) -> None:
        for index, person in enumerate(people):
            self.ledger.parties.add_person(person, customer, self.stamp(300 - index))

    # -- documents ------------------------------------------------------------------------------------------------

    def price(self, currency: str) -> Decimal:
        places = EXPONENTS[currency]
        cents = self.random.randrange(900, 480_000)
        if places == 0:
            return Decimal(cents * 3 // 2)
        return Decimal(cents).scaleb(-2)

    def line(self, currency: str) -> Line:
        item, text = self.random.choice(ITEMS)
        quantity = Decimal(self.random.choice((1, 1, 2, 3, 5, 10, 12, 25)))
        return Line(text, quantity, self.price(currency), item=item, tax_rate=TAX[currency])

    def invoice(self, customer: Customer, days_ago: float, lines: list[Line] | None = None, **settings: Any) -> int:
        """``settings`` are further fields of :class:`Invoice`; currency and stamp are chosen where they are left
        out.
        """
        currency = settings.pop("currency", self.currencies.get(customer.party_id, "USD"))
        stamp = settings.pop("stamp", self.stamp(days_ago) + self.random.randrange(1000))
        if lines is None:
            lines = [self.line(currency) for _ in range(self.random.randrange(1, 7))]
        spec = Invoice(
            customer=customer,
            currency=currency,
            lines=lines,
            number=str(self.ledger.ids.number("invoice", 100_001)),
            day=day_of(stamp),
            stamp=stamp,
            **settings,
        )
        return self.ledger.add_invoice(spec)

    def pay(self, invoice_ids: list[int], share: Decimal = Decimal(1), days: float = 9, extra: int = 0) -> int:
        """One receipt for a share of what is open on the invoices, at most two days before now."""
        headers = [self.ledger.invoice(invoice_id) for invoice_id in invoice_ids]
        currency, party = headers[0]["InvoiceCurrencyCode"], headers[0]["BillToPartyId"]
        customer = self.ledger.parties.customer(party)
        latest = max(header["LastUpdateDate"] for header in headers)
        stamp = min(latest + int(days * DAY), self.now - 2 * DAY - self.random.randrange(DAY))
        parts = []
        for invoice_id in invoice_ids:
            due = sum(row["InstallmentBalanceDue"] for row in self.ledger.open_installments(invoice_id))
            parts.append((invoice_id, minor(due * share, currency)))
        total = sum((part for _, part in parts), Decimal(extra))
        receipt_id = self.ledger.add_receipt(customer, total, currency, stamp)
        for invoice_id, part in parts:
            self.ledger.apply(receipt_id, invoice_id, part, stamp + 41)
        return receipt_id


def seed_small(ledger: Ledger) -> None:
    """Six customers, twelve invoices, six receipts."""
    seeder = Seeder(ledger)
    with ledger.records.store.transaction():
        seeder.add_customers(CUSTOMERS[:6])
        for customer, person in zip(seeder.customers, PEOPLE, strict=False):
            seeder.add_people(customer, [person])
        invoices = [seeder.invoice(seeder.customers[index % 6], 60 - index * 3) for index in range(12)]
        for index in range(4):
            seeder.pay([invoices[index]])
        seeder.pay([invoices[4]], Decimal("0.5"))
        ledger.add_receipt(seeder.customers[5], Decimal(250), "USD", seeder.stamp(4))
        add_suppliers(ledger, seeder.stamp(200), 2)


def seed_demo(ledger: Ledger) -> None:
    """About forty customers, 160 invoices, ninety receipts, with every oddity the contract speaks of.

    What cannot be delivered at once comes by events: an invoice before its customer, a receipt of nobody.
    """
    seeder = Seeder(ledger)
    with ledger.records.store.transaction():
        seeder.add_customers(CUSTOMERS)
        _people(seeder)
        ordinary = _ordinary_invoices(seeder, 134)
        _special_invoices(seeder)
        _receipts(seeder, ordinary)
        _memos(seeder, ordinary)
        add_suppliers(ledger, seeder.stamp(240), 9, twin=seeder.customers[3])
        add_orders(ledger, seeder.customers, seeder.stamp(30))
        seeder.add_customers([PROSPECT])


def _people(seeder: Seeder) -> None:
    """One or two contacts a customer; three customers have none, two people share one e-mail address."""
    for index, customer in enumerate(seeder.customers):
        if index in (7, 19, 31):
            continue
        chosen = [PEOPLE[index % len(PEOPLE)]]
        if index % 4 == 0:
            chosen.append(PEOPLE[(index * 3 + 11) % len(PEOPLE)])
        seeder.add_people(customer, [_unique(person, index) for person in chosen])
    shared = "accounts.payable@shared-office.example"
    first, second = seeder.customers[8], seeder.customers[9]
    seeder.add_people(first, [NewPerson("Robin", "Ashford", shared, "Accounts payable")])
    seeder.add_people(second, [NewPerson("Alex", "Ferreira", shared, "Accounts payable")])


def _unique(person: NewPerson, index: int) -> NewPerson:
    email = person.email and person.email.replace("@", f"{index}@")
    return NewPerson(person.first, person.last, email, person.title, person.phone, person.no_email, person.no_contact)


def _ordinary_invoices(seeder: Seeder, count: int) -> list[int]:
    invoices = []
    for index in range(count):
        customer = seeder.customers[(index * 7) % len(seeder.customers)]
        invoices.append(seeder.invoice(customer, 210 - index * 1.5, parts=3 if index % 23 == 5 else 1))
    return invoices


def _special_invoices(seeder: Seeder) -> None:
    """One invoice for each case that breaks naive code."""
    pick = seeder.customers
    by_currency = {currency: next(c for c in pick if seeder.currencies[c.party_id] == currency) for currency in TAX}
    usd, eur, gbp, jpy, kwd = (by_currency[code] for code in ("USD", "EUR", "GBP", "JPY", "KWD"))
    seeder.invoice(usd, 40, [seeder.line("USD") for _ in range(60)], comments="Annual supply, sixty positions")
    seeder.invoice(eur, 38, [_line("Licence", 3, "119.00", 19, inclusive=True), _line("Support", 1, "50.00", 19)])
    seeder.invoice(gbp, 36, [_line("Pump", 2, "410.10", 20)], freight=Decimal("35.50"))
    seeder.invoice(usd, 35, [_line("Valve", 10, "12.00"), _line("Loyalty discount", 1, "-15.25")])
    seeder.invoice(usd, 34, [_line("Sample, free of charge", 4, "0"), _line("Gasket", 4, "2.75")])
    consulting = Line("Consulting as agreed", amount=Decimal("1500.00"), memo="Consulting", tax_rate=Decimal(19))
    seeder.invoice(eur, 33, [consulting, _line("Travel", 1, "88.40", 19)])
    seeder.invoice(usd, 32, [_line("Cable, per foot", "7", "0.3335"), _line("Cable, per foot", "13.5", "1.2345")])
    seeder.invoice(jpy, 31, [_line("検査サービス", "1.5", "333", 10), _line("部品", 3, "1250", 10)])
    seeder.invoice(kwd, 30, [_line("Spare part", 7, "0.3335"), _line("Installation", 1, "12.125")])
    seeder.invoice(usd, 29, [_line("Return of defective goods", 3, "-40.00")], comments="Credit amount")
    seeder.invoice(gbp, 28, [_line("Goodwill", 1, "-12.50", 20)])
    seeder.invoice(usd, 27, status="Incomplete")
    seeder.invoice(eur, 26, status="Incomplete")
    seeder.invoice(gbp, 25, status="Incomplete")
    seeder.invoice(usd, 24, status="Frozen")
    seeder.invoice(usd, 23, purchase_order="PO-77 “express” ñ", parts=2)
    tie = seeder.stamp(21)
    for customer in pick[10:18]:
        seeder.invoice(customer, 21, stamp=tie)


def _line(text: str, quantity: int | str, price: str, tax: int | None = None, inclusive: bool = False) -> Line:
    rate = None if tax is None else Decimal(tax)
    return Line(text, Decimal(quantity), Decimal(price), item=f"IT-{len(text):03d}", tax_rate=rate, inclusive=inclusive)


def _receipts(seeder: Seeder, invoices: list[int]) -> None:
    """Full, partial and collective payments, money on account, reversed and unapplied ones."""
    for invoice_id in invoices[:56]:
        seeder.pay([invoice_id])
    for index, invoice_id in enumerate(invoices[56:72]):
        seeder.pay([invoice_id], Decimal("0.25") if index % 2 else Decimal("0.6"))
    grouped: dict[int, list[int]] = {}
    for invoice_id in invoices[72:]:
        grouped.setdefault(seeder.ledger.invoice(invoice_id)["BillToPartyId"], []).append(invoice_id)
    several = [group for group in grouped.values() if len(group) > 1][:6]
    for group in several:
        seeder.pay(group)
    for customer in seeder.customers[20:26]:
        currency = seeder.currencies[customer.party_id]
        seeder.ledger.add_receipt(customer, minor(Decimal("1234.5"), currency), currency, seeder.stamp(12))
    for receipt_id in [seeder.pay([invoices[index]], days=5) for index in (60, 64, 68)]:
        seeder.ledger.reverse(receipt_id, seeder.stamp(6))
    seeder.pay([invoices[66]], extra=40)
    unapplied = seeder.pay([invoices[70]])
    for row in seeder.ledger.applied(unapplied):
        seeder.ledger.unapply(row["ApplicationId"], seeder.stamp(5))


def _memos(seeder: Seeder, invoices: list[int]) -> None:
    open_ones = [invoice_id for invoice_id in invoices[90:] if seeder.ledger.open_installments(invoice_id)]
    for invoice_id in open_ones[:3]:
        seeder.ledger.credit(invoice_id, None, seeder.stamp(8))
    for invoice_id in open_ones[3:6]:
        currency = seeder.ledger.invoice(invoice_id)["InvoiceCurrencyCode"]
        seeder.ledger.credit(invoice_id, minor(Decimal(10), currency), seeder.stamp(7))


def add_waiting_invoice(ledger: Ledger, stamp: int) -> int:
    """An invoice on a customer that nobody can see yet."""
    with ledger.records.store.transaction():
        waiting = waiting_customer(ledger) or ledger.parties.reserve(WAITING)
        ledger.records.remember("waiting", waiting.__dict__)
        return Seeder(ledger).invoice(waiting, 0, currency="USD", stamp=stamp)


def waiting_customer(ledger: Ledger) -> Customer | None:
    """The customer an invoice names and nobody can see yet, if there is one left."""
    known = ledger.records.meta("waiting")
    return Customer(**known) if known else None


def add_waiting_customer(ledger: Ledger, stamp: int) -> Customer | None:
    """Let that customer appear."""
    customer = waiting_customer(ledger)
    if customer is None:
        return None
    with ledger.records.store.transaction():
        ledger.parties.add(WAITING, stamp, customer)
        ledger.records.remember("waiting", None)
        for row in ledger.records.find(a.INVOICES, '"BillToPartyId" = ?', (customer.party_id,)):
            ledger.rebalance(row["CustomerTransactionId"], stamp)
    return customer
