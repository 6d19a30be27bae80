"""Flow ``payments``: a Fusion receipt becomes a HubSpot commerce payment on its contact, company and invoices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connections.connectors.base import Document, Row
from connections.errors import ConnectorError
from syncs.engine.flow import (
    FlowDefinition,
    Item,
    MapContext,
    Mapped,
    Option,
    Reference,
    Summary,
    WriteContext,
)
from syncs.engine.standing import Place
from syncs.integrations.fusion_hubspot import tables
from syncs.integrations.fusion_hubspot.invoices import refuse_currency
from syncs.integrations.fusion_hubspot.writing import (
    associate_new,
    dissociate_old,
    intend,
    put,
    there,
    without_empty,
)
from syncs.integrations.fusion_receivables import (
    add_applications,
    applied,
    listed_payments,
    mirrored,
    receipt_amount,
    receipt_number,
    receipt_references,
    receipt_summary,
    require_invoice,
    require_payer,
)
from syncs.money import rounded, text

PAYMENT, INVOICE, CONTACT, COMPANY = "commerce_payments", "invoices", "contacts", "companies"
PAYMENT_TO_CONTACT, PAYMENT_TO_COMPANY, PAYMENT_TO_INVOICE = 387, 389, 542
METHODS: tuple[tuple[str, tuple[str, ...]], ...] = (
    # HubSpot's fixed methods, and words in the free text of Fusion's receipt method that mean them
    ("wire_transfer", ("wire", "swift", "transfer")),
    ("check", ("check", "cheque", "lockbox")),
    ("card", ("card", "visa", "mastercard", "amex")),
    ("ach", ("ach",)),
    ("sepa", ("sepa",)),
    ("bacs", ("bacs",)),
    ("cash", ("cash",)),
)


class Payments(FlowDefinition):
    key = "payments"
    label = "Payments"
    stream = "receipts"
    version = "1"
    table = tables.PAYMENTS
    options = (
        Option(
            "reversed",
            "A receipt that was reversed in Fusion",
            "HubSpot keeps the payment and shows this status.",
            "failed",
            "choice",
            (("failed", "Failed"), ("refunded", "Refunded")),
        ),
    )

    def enrich(self, rows: Sequence[Row], *, source: Any, destination: Any) -> None:
        add_applications(source, rows)

    def summary(self, row: Row) -> Summary:
        return receipt_summary(row)

    def references(self, row: Row) -> Iterable[Reference]:
        return receipt_references(row)

    def map(self, row: Row, context: MapContext) -> Mapped:
        data = row.data
        currency = str(data.get("Currency") or "")
        refuse_currency(currency, context.capabilities)
        amount = receipt_amount(data)
        customer = require_payer(data, context, system="HubSpot")
        paid = mirrored(applied(data), context)
        return Mapped(
            {
                "payment": payment_properties(data, receipt_number(row), currency, amount, paid, context.options),
                "company": customer.id,
                "contact": str(customer.ids.get("contact") or ""),
                "invoices": {key: require_invoice(key, data, context, system="HubSpot").id for key in paid},
            }
        )

    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        doubtful = intend(context, items, (PAYMENT,))
        rows = {
            item.row.key: (
                without_empty(item.document["payment"], item.delivered.get("document", {}).get("payment", {})),
                item.delivered.get("ids", {}).get("payment", ""),
            )
            for item in items
        }
        results = put(context, PAYMENT, rows, doubtful)
        delivered = []
        for item in items:
            result = results[item.row.key]
            if isinstance(result, ConnectorError):
                item.failed(result)
                continue
            document = item.document
            ids = {
                "payment": result.id,
                "company": document["company"],
                "contact": document["contact"],
                "invoices": list(document["invoices"].values()),
            }
            item.sent = document
            item.answer |= {"payment": result.id}
            item.synced(result.id, ids, created=result.created)
            delivered.append(item)
        _associate(context, delivered)

    def places(self, document: Document, ids: Document, capabilities: Mapping[str, Any]) -> Iterable[Place]:
        if document:
            yield there(("payment",), "Payment", PAYMENT, ids.get("payment"), document["payment"], capabilities)

    def touched(self, item: Item) -> Iterable[Reference]:
        """The invoices it pays or paid: their balance moves even where Fusion does not touch their own stamp."""
        before = item.delivered.get("document", {}).get("invoices", {})
        for key in {**before, **item.document.get("invoices", {})}:
            yield "invoices", key


def payment_properties(
    data: Mapping[str, Any],
    number: str,
    currency: str,
    amount: Decimal,
    paid: Mapping[str, Decimal],
    options: Mapping[str, Any],
) -> Document:
    reversed_ = bool(data.get("ReversalDate"))
    return {
        "hs_initial_amount": text(rounded(amount, currency)),
        "hs_initiated_date": f"{str(data.get('ReceiptDate') or '')[:10]}T00:00:00Z",
        "hs_currency_code": currency,
        "hs_latest_status": options["reversed"] if reversed_ else "succeeded",
        "hs_refunds_amount": text(rounded(amount, currency)) if reversed_ and options["reversed"] == "refunded" else "",
        "hs_reference_number": number,
        "hs_processor_type": "none",
        "hs_payment_method_type": payment_method(data.get("ReceiptMethod")),
        "hs_internal_comment": str(data.get("Comments") or ""),
        "fusion_status": f"Reversed: {data.get('ReversalReason') or data.get('ReversalCategory') or 'no reason given'}"
        if reversed_
        else str(data.get("Status") or data.get("State") or ""),
        "fusion_invoices": listed_payments(data, paid, currency),
    }


def payment_method(name: Any) -> str:
    words = str(name or "").lower()
    return next((method for method, signs in METHODS if any(sign in words for sign in signs)), "other")


def _associate(context: WriteContext, items: Sequence[Item]) -> None:
    new: dict[str, dict[tuple[str, str], Item]] = {CONTACT: {}, COMPANY: {}, INVOICE: {}}
    old: dict[str, dict[tuple[str, str], Item]] = {CONTACT: {}, COMPANY: {}, INVOICE: {}}
    for item in items:
        id_, document = item.destination_id, item.document
        known = item.delivered.get("ids", {})
        known = known if known.get("payment") == id_ and not item.created else {}
        for kind, wanted, had in (
            (CONTACT, [document["contact"]], [known.get("contact")]),
            (COMPANY, [document["company"]], [known.get("company")]),
            (INVOICE, list(document["invoices"].values()), known.get("invoices", [])),
        ):
            there = had if item.trusted else ()
            new[kind].update(((id_, other), item) for other in wanted if other and other not in there)
            old[kind].update(((id_, other), item) for other in had if other and other not in wanted)
    for kind, type_id in ((CONTACT, PAYMENT_TO_CONTACT), (COMPANY, PAYMENT_TO_COMPANY), (INVOICE, PAYMENT_TO_INVOICE)):
        associate_new(context, PAYMENT, kind, type_id, new[kind])
        dissociate_old(context, PAYMENT, kind, old[kind])
