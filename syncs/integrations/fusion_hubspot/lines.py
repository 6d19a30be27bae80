"""An invoice's amounts as HubSpot line items whose sum is Fusion's total to the last minor unit.

HubSpot computes quantity × price and refuses negative prices. So: a line whose product is not exactly its amount is
sent as one piece at its amount; a negative line stands at zero and is taken off the largest others; tax and freight
are line items of their own. Every text says what was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connections.connectors.base import Document
from syncs.integrations.fusion_receivables import LINES, TAX_LINES, exclusive_tax, line_amount, line_key, line_text
from syncs.money import decimal, exact, plain


@dataclass(slots=True)
class Line:
    """``amount`` is what HubSpot shall show of it, in the invoice's currency, never negative in the end."""

    key: str
    name: str
    amount: Decimal
    quantity: Decimal | None = None
    price: Decimal | None = None
    sku: str = ""
    tax: Decimal | None = None
    notes: list[str] = field(default_factory=list)

    def whole(self) -> bool:
        return self.quantity is not None and self.price is not None and self.quantity * self.price == self.amount

    def as_one_piece(self) -> None:
        self.quantity, self.price = Decimal(1), self.amount


def invoice_lines(invoice: Mapping[str, Any], key: str, currency: str) -> list[Line]:
    """All amounts of an invoice as lines whose sum is unchanged. Raises ``MappingError`` where an amount is missing."""
    lines = [_product_line(row, currency) for row in invoice.get(LINES) or ()]
    tax = sum((line.tax for line in lines if line.tax is not None), Decimal(0))
    if tax:
        lines.append(Line(f"{key}:tax", _tax_name(invoice), tax, Decimal(1), tax))
    freight = decimal(invoice.get("FreightAmount"))
    if freight:
        lines.append(Line(f"{key}:freight", "Freight", freight, Decimal(1), freight))
    return lines


def absorb_negatives(lines: list[Line], currency: str) -> None:
    """Takes what is below zero off the largest lines. The sum must not be negative."""
    for line in lines:
        if line.amount < 0:
            line.notes.append(f"{exact(line.amount, currency)} {currency}, taken off the other lines")
    owed = -sum((line.amount for line in lines if line.amount < 0), Decimal(0))
    for line in sorted(lines, key=lambda line: (-line.amount, line.key)):
        if line.amount < 0:
            line.amount = Decimal(0)
            line.as_one_piece()
        elif owed > 0:
            taken = min(owed, line.amount)
            _explain(line)
            line.notes.append(f"{exact(line.amount, currency)} {currency} less {exact(taken, currency)}")
            line.amount -= taken
            owed -= taken
            line.as_one_piece()


def properties(line: Line, currency: str) -> Document:
    """The HubSpot line item."""
    if not line.whole() or (line.price or 0) < 0:
        _explain(line)
        line.as_one_piece()
    values: Document = {
        "name": line.name[:250],
        "quantity": "" if line.quantity is None else plain(line.quantity),
        "price": "" if line.price is None else exact(line.price, currency),
        "hs_sku": line.sku,
        "hs_line_item_currency_code": currency,
        "description": "; ".join(line.notes),
        "fusion_tax_amount": "" if line.tax is None else exact(line.tax, currency),
    }
    return {name: value for name, value in values.items() if value != ""} | {"description": values["description"]}


def _explain(line: Line) -> None:
    if line.quantity is not None and line.price is not None and line.quantity != 1:
        line.notes.insert(0, f"{plain(line.quantity)} × {plain(line.price)}")


def _product_line(row: Mapping[str, Any], currency: str) -> Line:
    return Line(
        key=line_key(row),
        name=line_text(row),
        amount=line_amount(row, currency),
        quantity=decimal(row.get("Quantity")),
        price=decimal(row.get("UnitSellingPrice")),
        sku=str(row.get("ItemNumber") or ""),
        tax=exclusive_tax(row),
    )


def _tax_name(invoice: Mapping[str, Any]) -> str:
    """'Tax (VAT20)', or several codes; 'Tax' where Fusion names none."""
    codes = {
        str(tax.get("TaxRateCode") or tax.get("Tax"))
        for row in invoice.get(LINES) or ()
        for tax in row.get(TAX_LINES) or ()
        if tax.get("TaxRateCode") or tax.get("Tax")
    }
    return f"Tax ({', '.join(sorted(codes))})" if codes else "Tax"
