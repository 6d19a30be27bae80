"""Rules of invoices, line items and payments.

Sources: the guides for invoices, line items and commerce payments below
https://developers.hubspot.com/docs/api-reference/latest/crm/objects/. A non-billable invoice (``hs_invoice_billable``
false) mirrors one billed elsewhere: no document and no e-mail.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from .errors import Problem, Refusal, invalid, invalid_properties, missing_properties
from .kinds import CONTACT, INVOICE, LINE_ITEM, PAYMENT, Kind
from .portal import Portal
from .records import Record
from .values import iso, plain

BILLABLE_EXTRAS = ("hs_number", "hs_payment_date", "hs_external_createdate")
PROCESSED = ("hs_payments", "byo_stripe")
REQUIRED: dict[str, tuple[str, ...]] = {
    INVOICE.name: ("hs_currency",),
    PAYMENT.name: ("hs_initial_amount", "hs_initiated_date"),
}

BILLABLE_OR_OPEN = (
    "AND (json_extract(doc, '$.hs_invoice_billable') IS NOT 'false'"
    " OR json_extract(doc, '$.hs_invoice_status') = 'open')"
)

Values = dict[str, str]


def is_billable(values: Mapping[str, str]) -> bool:
    """Whether HubSpot itself bills the invoice."""
    return values.get("hs_invoice_billable", "true") != "false"


def add_defaults(kind: Kind, values: Values, now: float) -> None:
    """What HubSpot fills in on create."""
    if kind is INVOICE:
        values.setdefault("hs_invoice_status", "draft")
        values.setdefault("hs_invoice_billable", "true")
        values.setdefault("hs_invoice_date", iso(now))
        values.setdefault("hs_due_date", iso(now))
    elif kind is PAYMENT:
        values.setdefault("hs_latest_status", "processing")


class Commerce:
    """Checks before a write and what follows from it."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._switches = portal.switches

    # -- before a write --------------------------------------------------------------------------------------------

    def check_create(self, kind: Kind, given: Values, values: Values) -> None:
        """Refuse a new record that breaks a rule of its type; fill in what is computed."""
        missing = [name for name in REQUIRED.get(kind.name, ()) if not values.get(name)]
        if missing:
            raise missing_properties(kind.label, missing)
        if kind is PAYMENT and not self._switches["payments_allowed"]:
            raise invalid("This account cannot record payments: set up HubSpot payments or Stripe first.")
        if kind is INVOICE:
            self._check_billable_fields(given, values)
            self._check_first_status(values)
            if not is_billable(values) and self._switches["amount_zero_after_create"] and "hs_amount_billed" in given:
                values["hs_amount_billed"] = "0"
        self._check_line(kind, values)

    def check_update(self, kind: Kind, old: Record, given: Values, values: Values) -> None:
        """Refuse a change that breaks a rule of its type; fill in what is computed."""
        if kind is PAYMENT and old.properties.get("hs_processor_type") in PROCESSED:
            raise invalid("Payments processed by HubSpot payments or Stripe cannot be changed.")
        emptied = [name for name in REQUIRED.get(kind.name, ()) if name in given and not given[name]]
        if emptied:
            raise missing_properties(kind.label, emptied)
        if kind is INVOICE:
            self._check_billable_fields(given, values)
            self._check_edit(old.properties, given)
            self._check_transition(old, values)
        self._check_line(kind, values)

    def _check_line(self, kind: Kind, values: Values) -> None:
        if kind is not LINE_ITEM:
            return
        price, quantity = values.get("price"), values.get("quantity")
        if price and Decimal(price) < 0:
            raise invalid_properties([Problem("price", "NEGATIVE_VALUE", "The price must not be negative.")])
        if price and quantity:
            values["amount"] = plain(Decimal(price) * Decimal(quantity))
        elif self._switches["line_amount_read_only"]:
            values.pop("amount", None)

    def _check_billable_fields(self, given: Values, values: Values) -> None:
        if not is_billable(values):
            return
        refused = [] if self._switches["billable_amounts_writable"] else ["hs_amount_billed"]
        refused += [] if self._switches["billable_extras_writable"] else BILLABLE_EXTRAS
        problems = [
            Problem(name, "READ_ONLY_VALUE", f'"{name}" is a read only property of a billable invoice.')
            for name in refused
            if name in given
        ]
        if problems:
            raise invalid_properties(problems)

    def _free(self, values: Mapping[str, str]) -> bool:
        return not is_billable(values) and self._switches["mirror_transitions"] == "free"

    def _check_first_status(self, values: Values) -> None:
        if values["hs_invoice_status"] != "draft" and not self._free(values):
            raise _status_problem("A new invoice is a draft.")

    def _check_edit(self, old: Mapping[str, str], given: Values) -> None:
        rule = self._switches["edits_after_open"]
        if rule == "all" or old.get("hs_invoice_status", "draft") == "draft":
            return
        for name, value in given.items():
            definition = self._portal.definitions.get(INVOICE, name)
            own = definition is not None and definition.custom and rule == "custom"
            if name != "hs_invoice_status" and not own and old.get(name, "") != value:
                raise invalid(f'"{name}" cannot be changed: the invoice is no longer a draft.')

    def _check_transition(self, old: Record, values: Values) -> None:
        before = old.properties.get("hs_invoice_status", "draft")
        after = values.get("hs_invoice_status", "draft")
        if before == after or self._free(values):
            return
        if (before, after) == ("draft", "open"):
            self._check_open(old, values)
        elif (before, after) == ("open", "paid"):
            by_patch = self._switches["paid_by"] in ("patch", "both") and not is_billable(values)
            if not by_patch:
                raise _status_problem("An invoice is paid by a payment, not by changing its status.")
        elif (before, after) == ("open", "voided"):
            if is_billable(values) and not self._switches["void_billable"]:
                raise _status_problem("This invoice cannot be voided.")
        elif (before, after) != ("open", "draft") or not self._switches["open_to_draft"]:
            raise _status_problem(f"An invoice cannot go from {before} to {after}.")

    def _check_open(self, old: Record, values: Values) -> None:
        if not is_billable(values) and not self._switches["mirror_open_needs_associations"]:
            return
        links = self._portal.associations
        missing = [
            f"INVOICE_TO_{kind.label}" for kind in (CONTACT, LINE_ITEM) if not links.targets(INVOICE, [old.id], kind)
        ]
        if missing:
            raise invalid(
                f"Cannot set the invoice to open: missing associations {', '.join(missing)}.",
                context={"missingAssociations": missing},
            )

    def check_delete(self, invoices: Iterable[Record]) -> None:
        """Drafts always, open ones if the account lets them, paid and voided ones never."""
        for invoice in invoices:
            status = invoice.properties.get("hs_invoice_status", "draft")
            allowed = status == "draft" or (status == "open" and self._switches["delete_open_allowed"])
            if not allowed:
                raise invalid(f"Invoice {invoice.id} is {status} and cannot be deleted.", whole=True)

    # -- after a write ---------------------------------------------------------------------------------------------

    def opened(self, cursor: sqlite3.Cursor, old: Record | None, new: Record) -> None:
        """HubSpot mails the customer of a billable invoice that is opened; counted, for tests to see."""
        before = old.properties.get("hs_invoice_status", "draft") if old else "draft"
        after = new.properties.get("hs_invoice_status", "draft")
        if before == "draft" and after == "open" and is_billable(new.properties):
            self._portal.count(cursor, "mails_sent")

    def follow(self, cursor: sqlite3.Cursor, kind: Kind, ids: Iterable[int]) -> dict[int, Record]:
        """Bring invoices up to date that these written records belong to; the invoices that changed."""
        listed = list(ids)
        if kind is INVOICE:
            return self.settle(cursor, listed)
        if kind in (LINE_ITEM, PAYMENT):
            found = self._portal.associations.targets(kind, listed, INVOICE)
            self.settle(cursor, {invoice for invoices in found.values() for invoice in invoices})
        return {}

    def settle(self, cursor: sqlite3.Cursor, invoice_ids: Iterable[int]) -> dict[int, Record]:
        """Compute amounts and turn open invoices paid whose succeeded payments cover them."""
        concerned = self._portal.records.get(INVOICE, invoice_ids, condition=BILLABLE_OR_OPEN)
        if not concerned:
            return {}
        lines = self._related(concerned, LINE_ITEM)
        payments = self._related(concerned, PAYMENT)
        pairs = []
        for key, invoice in concerned.items():
            values = self._settled(invoice, lines.get(key, []), payments.get(key, []))
            if values != invoice.properties:
                pairs.append((invoice, Record(key, values, invoice.created, self._portal.clock())))
        self._portal.records.update(cursor, INVOICE, pairs, self._portal.definitions.unique_names(INVOICE))
        return {new.id: new for _, new in pairs}

    def _related(self, invoices: Iterable[int], kind: Kind) -> dict[int, list[Record]]:
        found = self._portal.associations.targets(INVOICE, invoices, kind)
        records = self._portal.records.get(kind, {key for keys in found.values() for key in keys})
        return {invoice: [records[key] for key in keys if key in records] for invoice, keys in found.items()}

    def _settled(self, invoice: Record, lines: list[Record], payments: list[Record]) -> Values:
        values = dict(invoice.properties)
        total = sum((Decimal(line.properties.get("amount") or 0) for line in lines), Decimal(0))
        received = self._received(values["hs_currency"], payments)
        billable = is_billable(values)
        if billable and not self._switches["billable_amounts_writable"]:
            values["hs_amount_billed"] = plain(total)
        due = Decimal(values.get("hs_amount_billed") or 0) or total
        if billable:
            values["hs_balance_due"] = plain(due - received[1])
        pays = self._switches["paid_by"] in ("payment", "both")
        if pays and values.get("hs_invoice_status") == "open" and received[0] and received[1] >= due:
            values["hs_invoice_status"] = "paid"
        return values

    def _received(self, currency: str, payments: list[Record]) -> tuple[int, Decimal]:
        home = self._switches["company_currency"]
        counted = [
            Decimal(payment.properties["hs_initial_amount"])
            for payment in payments
            if payment.properties.get("hs_latest_status") == "succeeded"
            and payment.properties.get("hs_currency_code", home) == currency
        ]
        return len(counted), sum(counted, Decimal(0))

    def count_invoices(self, cursor: sqlite3.Cursor, payment_ids: Iterable[int]) -> None:
        """Keep the two properties of payments that tell how many invoices they have."""
        payments = self._portal.records.get(PAYMENT, payment_ids)
        found = self._portal.associations.targets(PAYMENT, payments, INVOICE)
        now = self._portal.clock()
        pairs = []
        for key, payment in payments.items():
            number = len(found.get(key, []))
            values: dict[str, Any] = dict(payment.properties)
            values["hs_number_of_associated_invoices"] = str(number)
            values["hs_has_associated_invoice"] = "true" if number else "false"
            if values != payment.properties:
                pairs.append((payment, Record(key, values, payment.created, now)))
        self._portal.records.update(cursor, PAYMENT, pairs, self._portal.definitions.unique_names(PAYMENT))


def _status_problem(message: str) -> Refusal:
    return invalid_properties([Problem("hs_invoice_status", "INVALID_STATUS_CHANGE", message)])
