"""HubSpot's total is Fusion's total, to the last minor unit, whatever the lines look like."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.errors import MappingError
from syncs.engine.flow import Skip
from syncs.integrations.fusion_hubspot.invoices import invoice_total
from syncs.integrations.fusion_hubspot.lines import absorb_negatives, invoice_lines, properties
from syncs.money import minor_unit

CURRENCIES = ("USD", "EUR", "JPY", "KWD")


def amounts(currency: str, least: int = -10_000, most: int = 1_000_000) -> st.SearchStrategy[Decimal]:
    return st.integers(least, most).map(lambda number: number * minor_unit(currency))


@st.composite
def invoices(draw: st.DrawFn) -> dict[str, object]:
    currency = draw(st.sampled_from(CURRENCIES))
    lines = []
    for number in range(draw(st.integers(1, 8))):
        quantity = draw(st.none() | st.decimals("-50", "50", places=3))
        price = draw(st.none() | st.decimals("-100", "1000", places=5))
        tax = draw(st.none() | amounts(currency, 0, 5_000))
        lines.append(
            {
                "CustomerTransactionLineId": 1000 + number,
                "LineNumber": number + 1,
                "Quantity": quantity,
                "UnitSellingPrice": price,
                "LineAmount": draw(amounts(currency)),
                "receivablesInvoiceLineTaxLines": [
                    {"TaxAmount": tax, "TaxInclusiveIndicator": draw(st.sampled_from(["Y", "N", None]))}
                ],
            }
        )
    return {
        "InvoiceCurrencyCode": currency,
        "receivablesInvoiceLines": lines,
        "FreightAmount": draw(st.none() | amounts(currency, 0)),
    }


def hubspot_total(items: list[dict[str, str]]) -> Decimal:
    return sum((Decimal(item["quantity"]) * Decimal(item["price"]) for item in items), Decimal(0))


@given(invoices())
def test_sum_of_line_items_is_the_invoice_total(invoice: dict[str, object]) -> None:
    currency = str(invoice["InvoiceCurrencyCode"])
    lines = invoice_lines(invoice, "9", currency)
    try:
        total = invoice_total(invoice, lines, currency)
    except Skip:
        return
    absorb_negatives(lines, currency)
    items = [properties(line, currency) for line in lines]
    assert hubspot_total(items) == total
    assert all(Decimal(item["price"]) >= 0 and Decimal(item["quantity"]) is not None for item in items)
    assert len({line.key for line in lines}) == len(lines)


def line(
    number: int, amount: str, quantity: str | None = "1", price: str | None = None, **more: object
) -> dict[str, object]:
    return {
        "CustomerTransactionLineId": number,
        "LineNumber": number,
        "Description": f"Line {number}",
        "Quantity": quantity and Decimal(quantity),
        "UnitSellingPrice": Decimal(price or amount),
        "LineAmount": Decimal(amount),
        **more,
    }


def test_an_exact_product_keeps_quantity_and_price() -> None:
    (only,) = invoice_lines({"receivablesInvoiceLines": [line(1, "33.33", "3", "11.11")]}, "9", "USD")
    item = properties(only, "USD")
    assert (item["quantity"], item["price"]) == ("3", "11.11")


def test_a_rounded_product_is_sent_as_one_piece_and_says_so() -> None:
    (only,) = invoice_lines({"receivablesInvoiceLines": [line(1, "100.00", "3", "33.3333")]}, "9", "USD")
    item = properties(only, "USD")
    assert (item["quantity"], item["price"]) == ("1", "100.00")
    assert item["description"] == "3 × 33.3333"


def test_a_discount_line_stands_at_zero_and_is_taken_off_the_largest_line() -> None:
    lines = invoice_lines(
        {"receivablesInvoiceLines": [line(1, "40.00"), line(2, "60.00"), line(3, "-10.00")]}, "9", "USD"
    )
    absorb_negatives(lines, "USD")
    items = [properties(each, "USD") for each in lines]
    assert [item["price"] for item in items] == ["40.00", "50.00", "0.00"]
    assert items[1]["description"] == "60.00 USD less 10.00"
    assert items[2]["description"] == "-10.00 USD, taken off the other lines"


def test_tax_on_top_is_a_line_of_its_own_and_inclusive_tax_is_not() -> None:
    tax = {"TaxAmount": Decimal("2.00"), "TaxRateCode": "VAT20", "TaxInclusiveIndicator": "N"}
    inclusive = {"TaxAmount": Decimal("1.00"), "TaxRateCode": "VAT10", "TaxInclusiveIndicator": "Y"}
    lines = invoice_lines(
        {
            "receivablesInvoiceLines": [
                line(1, "10.00", receivablesInvoiceLineTaxLines=[tax]),
                line(2, "11.00", receivablesInvoiceLineTaxLines=[inclusive]),
            ]
        },
        "9",
        "USD",
    )
    assert [(each.key, each.amount) for each in lines] == [
        ("1", Decimal("10.00")),
        ("2", Decimal("11.00")),
        ("9:tax", Decimal("2.00")),
    ]


def test_a_difference_is_refused_naming_both_numbers() -> None:
    invoice = {"EnteredAmount": Decimal("12.00"), "receivablesInvoiceLines": [line(1, "10.00")]}
    with pytest.raises(MappingError, match=r"Fusion says 12.00 USD, but lines, tax and freight add up to 10.00 USD"):
        invoice_total(invoice, invoice_lines(invoice, "9", "USD"), "USD")


def test_a_credit_is_skipped_by_a_rule_that_says_so() -> None:
    invoice = {"EnteredAmount": Decimal("-12.00"), "receivablesInvoiceLines": [line(1, "-12.00")]}
    with pytest.raises(Skip) as skipped:
        invoice_total(invoice, invoice_lines(invoice, "9", "USD"), "USD")
    assert skipped.value.rule == "credit"


def test_an_amount_that_is_nowhere_is_refused_not_taken_for_zero() -> None:
    row = line(1, "0") | {"LineAmount": None, "Quantity": None}
    with pytest.raises(MappingError, match="Line 1 has neither an amount"):
        invoice_lines({"receivablesInvoiceLines": [row]}, "9", "USD")


def test_an_unknown_currency_is_named() -> None:
    with pytest.raises(MappingError, match="“XXQ” is not an ISO 4217 currency"):
        minor_unit("XXQ")


@pytest.mark.parametrize(("currency", "unit"), [("USD", "0.01"), ("JPY", "1"), ("KWD", "0.001")])
def test_minor_units(currency: str, unit: str) -> None:
    assert minor_unit(currency) == Decimal(unit)
