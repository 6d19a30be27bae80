"""Flow ``invoices``: a Fusion receivables invoice becomes a HubSpot invoice with line items of its own.

It starts as a draft, opens when finance has confirmed it, and is paid or voided as Fusion says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connections.connectors.base import Document, Row
from connections.errors import MappingError
from syncs.engine.flow import FlowDefinition, Item, MapContext, Mapped, Option, Reference, Skip, Summary, WriteContext
from syncs.engine.standing import Part, Place
from syncs.integrations.fusion_hubspot import lines as lines_module
from syncs.integrations.fusion_hubspot import tables
from syncs.integrations.fusion_hubspot.invoice_writer import INVOICE, LINE, write_invoices
from syncs.integrations.fusion_hubspot.writing import there
from syncs.integrations.fusion_receivables import (
    CANCELLED,
    currency_of,
    due_date,
    fully_credited,
    invoice_number,
    open_balance,
    proven_total,
    require_currency,
    require_customer,
)
from syncs.money import amount_or_none, decimal, rounded, text
from syncs.names.matching import normalise


class Invoices(FlowDefinition):
    key = "invoices"
    label = "Invoices"
    stream = "invoices"
    version = "1"
    table = tables.INVOICES
    options = (
        Option(
            "confirmation",
            "Who confirms an invoice",
            "An invoice stands in HubSpot as a draft until it is confirmed. Then it opens.",
            "fusion",
            "choice",
            (
                ("fusion", "Fusion: as soon as the invoice is complete there"),
                ("here", "Here: a finance member confirms it"),
            ),
        ),
        Option(
            "billing",
            "What the HubSpot invoice is",
            "A mirror shows what Fusion has billed. HubSpot sends nothing to your customers because of it.",
            "mirror",
            "choice",
            (("mirror", "A mirror of the Fusion invoice"), ("billable", "An invoice that HubSpot itself may send")),
            {
                "billable": "HubSpot may e-mail your customers and collect money for invoices that Fusion has already "
                "sent. Choose this only if Fusion sends none."
            },
        ),
        Option(
            "paid",
            "When Fusion shows nothing left to pay",
            "HubSpot marks an invoice paid by itself when its payments cover it. If it does not, for example because a "
            "credit paid it, we can mark it.",
            "mark",
            "choice",
            (("mark", "Mark it paid"), ("leave", "Leave it to HubSpot")),
        ),
    )

    def confirmed_here(self, options: Mapping[str, Any]) -> bool:
        return options.get("confirmation") == "here"

    def went_further(self, delivered: Mapping[str, Any]) -> bool:
        return bool(delivered.get("ids", {}).get("status", "draft") != "draft")

    def enrich(self, rows: Sequence[Row], *, source: Any, destination: Any) -> None:
        """Lines, tax lines and installments come with the invoice."""

    def summary(self, row: Row) -> Summary:
        data = row.data
        customer = normalise(str(data.get("BillToCustomerName") or ""))
        return Summary(invoice_number(row), amount_or_none(data.get("EnteredAmount")), currency_of(data), customer)

    def references(self, row: Row) -> Iterable[Reference]:
        party = row.data.get("BillToPartyId")
        return [("customers", str(party))] if party else []

    def map(self, row: Row, context: MapContext) -> Mapped:
        data = row.data
        currency = currency_of(data)
        refuse_currency(currency, context.capabilities)
        lines = lines_module.invoice_lines(data, row.key, currency)
        total = invoice_total(data, lines, currency)
        customer = self._customer(data, context)
        lines_module.absorb_negatives(lines, currency)
        balance = open_balance(data)
        status = target_status(data, balance, context)
        contact = str(customer.ids.get("contact") or "")
        blocked = status != "draft" and not contact
        mirror = context.options["billing"] == "mirror"
        document = {
            "invoice": invoice_properties(data, invoice_number(row), currency, total, balance, mirror=mirror),
            "lines": {line.key: lines_module.properties(line, currency) for line in lines},
            "company": customer.id,
            "contact": contact,
            "status": "draft" if blocked else status,
        }
        if blocked:
            document["waits_for_contact_of"] = str(data["BillToPartyId"])
        unconfirmed = status == "draft" and self.confirmed_here(context.options) and not context.confirmed
        return Mapped(document, watch=status in ("draft", "open"), unconfirmed=unconfirmed)

    def _customer(self, data: Mapping[str, Any], context: MapContext) -> Any:
        party = data.get("BillToPartyId")
        if not party:
            raise MappingError("The invoice names no bill-to customer. Complete it in Fusion.", code="no_customer")
        return require_customer(party, data.get("BillToCustomerName"), context, what="invoice", system="HubSpot")

    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        write_invoices(items, context)

    def places(self, document: Document, ids: Document, capabilities: Mapping[str, Any]) -> Iterable[Place]:
        if not document:
            return
        yield there(("invoice",), "Invoice", INVOICE, ids.get("invoice"), document["invoice"], capabilities)
        status = Part((), "Status", {"status": document["status"]})
        yield Place(status, INVOICE, str(ids.get("invoice") or ""), {"status": "hs_invoice_status"})
        for key, line in document["lines"].items():
            label = f"Line: {line.get('name') or key}"
            yield there(("lines", key), label, LINE, ids.get("lines", {}).get(key), line, capabilities)


def refuse_currency(currency: str, capabilities: Mapping[str, Any]) -> None:
    """Raises ``MappingError`` if HubSpot cannot take the currency, naming where to add it."""
    currencies = capabilities.get("currencies")
    require_currency(currency)
    if currencies and currency not in currencies:
        raise MappingError(
            f"The HubSpot account does not have the currency {currency}. Add it in HubSpot under Settings › Account "
            "defaults › Currency, test the connection again, then replay.",
            code="currency_missing",
        )


def invoice_total(data: Mapping[str, Any], lines: Sequence[lines_module.Line], currency: str) -> Decimal:
    """Fusion's total, proved by the lines. Raises ``MappingError`` naming both, ``Skip`` for a credit."""
    summed = sum((line.amount for line in lines), Decimal(0))
    entered = decimal(data.get("EnteredAmount"))
    if (summed if entered is None else entered) < 0:
        raise Skip(
            "credit", "A credit is not mirrored as an invoice; it reduces the balance of the invoice it credits."
        )
    return proven_total(data, summed, currency)


def target_status(data: Mapping[str, Any], balance: Decimal | None, context: MapContext) -> str:
    completion = str(data.get("InvoiceStatus") or "").strip().lower()
    confirmed = context.confirmed if context.options["confirmation"] == "here" else completion == "complete"
    if completion in CANCELLED or (confirmed and fully_credited(data, balance)):
        return "voided"
    if not confirmed:
        return "draft"
    if balance == 0 and context.options["paid"] == "mark":
        return "paid"
    return "open"


def invoice_properties(
    data: Mapping[str, Any], number: str, currency: str, total: Decimal, balance: Decimal | None, *, mirror: bool
) -> Document:
    """Business dates stay dates: midnight UTC, never shifted by a zone."""
    values: dict[str, str] = {
        "hs_currency": currency,
        "hs_invoice_date": _day(data.get("TransactionDate") or data.get("BillingDate")),
        "hs_due_date": _day(due_date(data)),
        "hs_invoice_billable": "false" if mirror else "true",
        "hs_purchase_order_number": str(data.get("PurchaseOrder") or ""),
        "hs_comments": str(data.get("Comments") or ""),
        "fusion_number": number,
        "fusion_status": str(data.get("InvoiceStatus") or ""),
        "fusion_amount": text(total),
        "fusion_balance_due": "" if balance is None else text(rounded(balance, currency)),
    }
    if mirror:
        # On mirrors HubSpot computes nothing: number and total are ours to write (reported by integrators).
        values |= {
            "hs_number": number,
            "hs_amount_billed": text(total),
            "hs_invoice_payment_collection_method": "none",
        }
    return values


def _day(value: Any) -> str:
    return f"{str(value)[:10]}T00:00:00Z" if value else ""
