"""The company behind the pod: what it starts with and what happens in it.

Every event stamps what it touches with the sandbox's clock and returns the ids it touched. An argument left out is
chosen: the oldest open invoice, the last receipt, the first customer.
"""

# Names in SQL come from the attribute tables, values are always parameters.
# ruff: noqa: S608

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from .events import Event
from .oracle_fusion import attributes as a
from .oracle_fusion import bulk, seeds
from .oracle_fusion.documents import Customer, Line
from .oracle_fusion.ledger import LATEST, Ledger, LedgerError
from .oracle_fusion.money import minor
from .oracle_fusion.parties import NewCustomer, NewPerson

DAY = 86_400_000
SEEDS: dict[str, Callable[[Ledger], None]] = {
    "demo": seeds.seed_demo,
    "small": seeds.seed_small,
    "empty": lambda ledger: None,
}
TOUCHABLE = {
    "receivablesInvoices": a.INVOICES,
    "standardReceipts": a.RECEIPTS,
    "accounts": a.ACCOUNTS,
    "hubOrganizations": a.ORGANIZATIONS,
    "hubPersons": a.PERSONS,
    "suppliers": a.SUPPLIERS,
    "receivablesCreditMemos": a.CREDIT_MEMOS,
}


EVENTS = (
    Event("customer_pays", "A customer pays", "The bank reports a payment for the oldest open invoice."),
    Event("finance_completes_invoice", "Finance confirms an invoice", "An incomplete invoice becomes complete."),
    Event("invoices_arrive", "New invoices arrive", "Billing posts a batch of invoices."),
    Event("invoice_changes", "An invoice is corrected", "A line is repriced, added or removed."),
    Event("new_customer", "A new customer signs up", "A company and its contact are entered."),
    Event("customer_changes", "A customer moves house", "The address of a customer changes."),
    Event("contact_changes", "A contact changes jobs", "Title and phone of a contact change."),
    Event("receipt_reversed", "A payment bounces", "The bank returns the last payment; the invoice is open again."),
    Event("receipt_unapplied", "A payment is unapplied", "Finance takes the last payment off its invoice."),
    Event("receipt_reapplied", "A payment is applied again", "Money on account goes to the oldest open invoice."),
    Event("credit_memo_for", "An invoice is credited", "What is open on an invoice is credited in full."),
    Event("invoice_before_its_customer", "An invoice comes too early", "Its customer is not released yet."),
    Event("unidentified_receipt", "Money from nobody", "The bank reports a payment without a sender."),
    Event("customer_for_waiting_invoice_arrives", "A missing customer appears", "An invoice was waiting for it."),
    Event("touch", "Rows are touched", "The oldest invoices are saved again without a change.", shown=False),
    Event("late_commit", "A late commit", "An invoice appears with a stamp in the past.", shown=False),
    Event("fill", "Many invoices", "A large ledger for measurements.", shown=False),
)


class World:
    """Seeds and business events. Systems may add events of their own in an ``events`` mapping of name -> function;
    those that are an ``Event`` have words for the control page.
    """

    def __init__(self, systems: dict[str, Any], clock: Callable[[], float]) -> None:
        self.systems = systems
        self.clock = clock

    @property
    def ledger(self) -> Ledger:
        ledger: Ledger = self.systems["oracle_fusion"].ledger
        return ledger

    def now(self) -> int:
        return int(self.clock() * 1000)

    def seed(self, name: str) -> None:
        """Write the seed "demo", "small" or "empty" once; a store that was seeded before stays as it is.

        A system with a ``seed`` method of its own is asked too.
        """
        if name not in SEEDS:
            raise ValueError(f"unknown seed {name!r}: choose one of {', '.join(SEEDS)}")
        for system in self.systems.values():
            if hasattr(system, "seed"):
                system.seed(name)
        if "oracle_fusion" in self.systems and not self.ledger.records.meta("seed"):
            with self.ledger.records.store.transaction():
                SEEDS[name](self.ledger)
                self.ledger.records.remember("seed", name)

    def happenings(self) -> dict[str, list[Event]]:
        """What can happen and be told, by system."""
        found = {"oracle_fusion": list(EVENTS)} if "oracle_fusion" in self.systems else {}
        for name, system in self.systems.items():
            own = [event for event in getattr(system, "events", {}).values() if isinstance(event, Event)]
            if own:
                found[name] = [*found.get(name, []), *own]
        return found

    def run(self, name: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run an event by name with JSON arguments. Raises ``LedgerError`` where it cannot happen."""
        for system in self.systems.values():
            own = getattr(system, "events", {})
            if name in own:
                return dict(own[name](**(arguments or {})) or {})
        if name not in {event.name for event in EVENTS}:
            raise LedgerError(f"unknown event {name!r}")
        function = getattr(self, name)
        known = inspect.signature(function).parameters
        unknown = sorted(set(arguments or {}) - set(known))
        if unknown and "changes" not in known:
            raise LedgerError(f"{name} takes {', '.join(known) or 'nothing'}, not {', '.join(unknown)}")
        return dict(function(**(arguments or {})))

    # -- payments -------------------------------------------------------------------------------------------------

    def customer_pays(self, invoice: int | None = None, amount: Any = None) -> dict[str, Any]:
        """A receipt over what is open, or over ``amount``, applied to the invoice; more than is open stays
        unapplied.
        """
        ledger, stamp = self.ledger, self.now()
        with ledger.records.store.transaction():
            invoice_id = _id(invoice) or self.open_invoice()
            header = ledger.invoice(invoice_id)
            customer = self._customer_of(header)
            currency = header["InvoiceCurrencyCode"]
            due = sum(row["InstallmentBalanceDue"] for row in ledger.open_installments(invoice_id))
            paid = due if amount is None else minor(_decimal(amount), currency)
            if paid <= 0:
                raise LedgerError("nothing is open on this invoice")
            receipt_id = ledger.add_receipt(customer, paid, currency, stamp)
            applications = ledger.apply(receipt_id, invoice_id, min(paid, due), stamp)
        return {"receipt": receipt_id, "invoice": invoice_id, "applications": applications, "amount": str(paid)}

    def receipt_reversed(self, receipt: int | None = None) -> dict[str, Any]:
        receipt_id = _id(receipt) or self._last_receipt(applied=True)
        invoices = [row["ReferenceTransactionId"] for row in self.ledger.applied(receipt_id)]
        self.ledger.reverse(receipt_id, self.now())
        return {"receipt": receipt_id, "invoices": invoices}

    def receipt_unapplied(self, receipt: int | None = None) -> dict[str, Any]:
        receipt_id = _id(receipt) or self._last_receipt(applied=True)
        rows = self.ledger.applied(receipt_id)
        for row in rows:
            self.ledger.unapply(row["ApplicationId"], self.now())
        return {"receipt": receipt_id, "invoices": [row["ReferenceTransactionId"] for row in rows]}

    def receipt_reapplied(self, receipt: int | None = None, invoice: int | None = None) -> dict[str, Any]:
        """Apply what is unapplied of a receipt to an invoice, or to the oldest open one of its customer and
        currency.
        """
        ledger, stamp = self.ledger, self.now()
        receipt_id = _id(receipt) or self._last_receipt(applied=False)
        row = ledger.receipt(receipt_id)
        invoice_id = _id(invoice) or self.open_invoice(row["CustomerAccountNumber"], row["Currency"])
        due = sum(part["InstallmentBalanceDue"] for part in ledger.open_installments(invoice_id))
        applications = ledger.apply(receipt_id, invoice_id, min(row["UnappliedAmount"], due), stamp)
        return {"receipt": receipt_id, "invoice": invoice_id, "applications": applications}

    # -- invoices -------------------------------------------------------------------------------------------------

    def finance_completes_invoice(self, invoice: int | None = None) -> dict[str, Any]:
        invoice_id = _id(invoice)
        if invoice_id is None:
            found = self.ledger.records.find(a.INVOICES, "\"InvoiceStatus\" = 'Incomplete'", limit=1)
            if not found:
                raise LedgerError("every invoice is complete already")
            invoice_id = found[0]["CustomerTransactionId"]
        self.ledger.change_status(invoice_id, "Complete", self.now())
        return {"invoice": invoice_id}

    def invoices_arrive(
        self,
        count: Any = 200,
        lines: Any = 3,
        currency: str = "USD",
        same_stamp: Any = False,
        stamp: Any = None,
        customers: Any = None,
    ) -> dict[str, Any]:
        """``count`` invoices over the customers (party ids) in turn, at the clock's time or at ``stamp`` (seconds
        since 1970);
        ``same_stamp`` gives all of them one LastUpdateDate, else they follow each other by a millisecond."""
        start = self.now() if stamp in (None, "") else int(float(stamp) * 1000)
        chosen = self._customers(customers)
        stamps = _stamps(start, 0 if _true(same_stamp) else 1)
        written = bulk.add_invoices(self.ledger, chosen, stamps, int(count), int(lines), currency or "USD")
        return {"invoices": written}

    def invoice_changes(self, invoice: int | None = None, how: str = "reprice") -> dict[str, Any]:
        """``how``: "reprice" (first line plus ten percent), "add" or "remove" (the last line)."""
        ledger, stamp = self.ledger, self.now()
        with ledger.records.store.transaction():
            invoice_id = _id(invoice) or self.open_invoice()
            currency = ledger.invoice(invoice_id)["InvoiceCurrencyCode"]
            if how == "add":
                price = minor(Decimal("49.5"), currency)
                line = ledger.add_line(invoice_id, Line("Express delivery", Decimal(1), price, item="EX001"), stamp)
            elif how == "remove":
                line = ledger.remove_line(invoice_id, stamp)
            elif how == "reprice":
                line = ledger.reprice_line(invoice_id, Decimal("1.1"), stamp)
            else:
                raise LedgerError("how is one of reprice, add, remove")
        return {"invoice": invoice_id, "line": line, "how": how}

    def credit_memo_for(self, invoice: int | None = None, amount: Any = None) -> dict[str, Any]:
        """Credit all that is open, or ``amount``. There is no void in this ledger: a full credit is how an invoice
        ends.
        """
        invoice_id = _id(invoice) or self.open_invoice()
        wanted = None if amount in (None, "") else _decimal(amount)
        return {"invoice": invoice_id, "credit_memo": self.ledger.credit(invoice_id, wanted, self.now())}

    def late_commit(self, age: Any = 240, stamp: Any = None, lines: Any = 2) -> dict[str, Any]:
        """An invoice appears whose stamp lies ``age`` seconds back (or at ``stamp``), as a long transaction leaves
        it.
        """
        old = self.clock() - float(age) if stamp in (None, "") else float(stamp)
        written = bulk.add_invoices(self.ledger, self._customers(None), _stamps(int(old * 1000), 0), 1, int(lines))
        return {"invoices": written}

    def touch(self, resource: str = "receivablesInvoices", count: Any = 1, ids: Any = None) -> dict[str, Any]:
        """Save rows again without a change: by default those changed longest ago, which a scan has read already."""
        table = TOUCHABLE.get(resource)
        if table is None:
            raise LedgerError(f"touch takes one of {', '.join(TOUCHABLE)}")
        store, stamp = self.ledger.records.store, self.now()
        with store.transaction():
            chosen = [int(row_id) for row_id in ids or ()]
            if not chosen:
                order = f'SELECT _id FROM {table.sql} ORDER BY "LastUpdateDate", _id LIMIT ?'
                chosen = [row["_id"] for row in store.query(order, (int(count),))]
            for row_id in chosen:
                self.ledger.records.update(table, row_id, LastUpdateDate=stamp)
        return {"resource": resource, "ids": chosen}

    # -- parties --------------------------------------------------------------------------------------------------

    def new_customer(
        self, name: str = "", country: str = "US", currency: str = "USD", contact: Any = True, email: str = ""
    ) -> dict[str, Any]:
        ledger, stamp = self.ledger, self.now()
        number = ledger.ids.number("new_customer", 1)
        name = name or f"Brightwater Trading {number} Inc."
        with ledger.records.store.transaction():
            spec = NewCustomer(name, f"{number} Harbour Street", "Portsmouth", country=country, currency=currency)
            customer = ledger.parties.add(spec, stamp)
            person = None
            if _true(contact):
                email = email or f"billing{number}@brightwater.example"
                person = ledger.parties.add_person(NewPerson("Jordan", f"Lee {number}", email), customer, stamp)
        return {"customer": customer.party_id, "contact": person, "account": customer.account_id}

    def customer_changes(self, customer: int | None = None, **changes: Any) -> dict[str, Any]:
        """``name``, ``address``, ``city``, ``state``, ``postal_code``, ``country``, ``status``, ``tax_id``, ``duns``;
        without any the address changes.
        """
        chosen = self._customer(customer)
        if not changes:
            changes = {"address": f"{self.ledger.ids.number('move', 100)} New Street"}
        self.ledger.parties.change(chosen, self.now(), **changes)
        return {"customer": chosen.party_id, "changes": changes}

    def contact_changes(self, contact: int | None = None, **changes: Any) -> dict[str, Any]:
        """Attributes of hubPersons by their names; without any, JobTitle and RawWorkPhoneNumber change."""
        records = self.ledger.records
        found = records.find(a.PERSONS, "_id = ?", (_id(contact),)) if contact else records.find(a.PERSONS, limit=1)
        if not found:
            raise LedgerError("there is no such contact")
        if not changes:
            number = self.ledger.ids.number("promotion", 1)
            changes = {"JobTitle": f"Head of finance {number}", "RawWorkPhoneNumber": f"+1 555 03{number:02d}"}
        records.update(a.PERSONS, found[0]["PartyId"], LastUpdateDate=self.now(), **changes)
        return {"contact": found[0]["PartyId"], "changes": changes}

    def invoice_before_its_customer(self) -> dict[str, Any]:
        return {"invoice": seeds.add_waiting_invoice(self.ledger, self.now())}

    def unidentified_receipt(self, amount: Any = "980.00", currency: str = "USD") -> dict[str, Any]:
        """A receipt without a customer."""
        with self.ledger.records.store.transaction():
            return {"receipt": self.ledger.add_receipt(None, _decimal(amount), currency, self.now())}

    def customer_for_waiting_invoice_arrives(self) -> dict[str, Any]:
        customer = seeds.add_waiting_customer(self.ledger, self.now())
        if customer is None:
            raise LedgerError("no invoice waits for a customer")
        return {"customer": customer.party_id}

    def fill(
        self,
        customers: Any = 50,
        invoices: Any = 1000,
        lines: Any = 3,
        payments: Any = 0,
        currency: str = "USD",
        same_stamp: Any = False,
        days: Any = 30,
        contacts: Any = 1,
    ) -> dict[str, Any]:
        """A large ledger: invoices spread evenly over the last ``days`` days, the first ``payments`` of them paid
        in full.
        """
        start, count = self.now() - int(float(days) * DAY), int(invoices)
        chosen = bulk.add_customers(self.ledger, int(customers), start, int(contacts))
        step = 0 if _true(same_stamp) else max(1, int((float(days) * DAY - 60_000) // max(count, 1)))
        stamps = _stamps(start, step)
        written = bulk.add_invoices(self.ledger, chosen, stamps, count, int(lines), currency, int(payments))
        return {"customers": len(chosen), "invoices": len(written), "first": written[:1], "last": written[-1:]}

    # -- choosing -------------------------------------------------------------------------------------------------

    def open_invoice(self, account: str | None = None, currency: str | None = None) -> int:
        """The oldest complete invoice with something to pay, whose customer is there."""
        sql = (
            f'SELECT t._id FROM {a.INVOICES.sql} t JOIN {a.ACTIVITIES.sql} c ON c."CustomerId" = t."BillToPartyId" '
            'WHERE t."InvoiceBalanceAmount" > 0 AND t."InvoiceStatus" = \'Complete\' '
            'AND (?1 IS NULL OR c."AccountNumber" = ?1) '
            "AND (?2 IS NULL OR json_extract('{' || t.doc || '}', '$.InvoiceCurrencyCode') = ?2) "
            'ORDER BY t."CreationDate", t._id LIMIT 1'
        )
        row = self.ledger.records.store.one(sql, (account, currency))
        if row is None:
            raise LedgerError("no open invoice fits")
        return int(row[0])

    def _last_receipt(self, *, applied: bool) -> int:
        if applied:
            sql = f'SELECT "StandardReceiptId" FROM {a.APPLICATIONS.sql} WHERE {LATEST} ORDER BY _id DESC LIMIT 1'
        else:
            sql = (
                f'SELECT _id FROM {a.RECEIPTS.sql} WHERE "CustomerAccountNumber" IS NOT NULL '
                "AND json_extract('{' || doc || '}', '$.UnappliedAmount') > 0 ORDER BY _id DESC LIMIT 1"
            )
        row = self.ledger.records.store.one(sql)
        if row is None:
            raise LedgerError("no receipt fits")
        return int(row[0])

    def _customers(self, ids: Any) -> list[Customer]:
        if not ids:
            chosen = self.ledger.parties.customers()
            if not chosen:
                raise LedgerError("there is no customer yet")
            return chosen
        return [self._customer(party_id) for party_id in ids]

    def _customer(self, party_id: Any) -> Customer:
        parties = self.ledger.parties
        if party_id in (None, ""):
            found = self.ledger.records.find(a.ACTIVITIES, limit=1)
            party_id = found[0]["CustomerId"] if found else 0
        customer = parties.customer(int(party_id))
        if customer is None:
            raise LedgerError(f"there is no customer {party_id}")
        return customer

    def _customer_of(self, invoice: dict[str, Any]) -> Customer:
        return self._customer(invoice["BillToPartyId"])


def _id(value: Any) -> int | None:
    return None if value in (None, "") else int(value)


def _true(value: Any) -> bool:
    return value not in (False, None, "", "false", "0", 0)


def _decimal(value: Any) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise LedgerError(f"{value!r} is no amount") from None


def _stamps(start: int, step: int) -> Iterator[int]:
    stamp = start
    while True:
        yield stamp
        stamp += step
