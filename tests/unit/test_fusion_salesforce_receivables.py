"""What invoices, credit memos and receipts of Fusion become in Salesforce, to the last minor unit."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.connectors.base import Row
from connections.connectors.salesforce.bulk import flat
from connections.connectors.salesforce.values import plain
from syncs.engine.flow import SYNCED, Item, MapContext, Mapped, State, Target, encode
from syncs.integrations.fusion_salesforce.credit_memos import CreditMemos, touched_balances
from syncs.integrations.fusion_salesforce.invoices import Invoices
from syncs.integrations.fusion_salesforce.payments import Payments
from syncs.integrations.fusion_salesforce.writing import Outgoing, fit
from syncs.money import minor_unit
from tests.unit.golden_files import GoldenFiles

GOLDEN = GoldenFiles(
    "fusion_salesforce",
    (Invoices(), CreditMemos(), Payments()),
    keyed=("invoices.lines", "payments.parts", "payments.invoices"),
)
PARTY, INVOICE = ("customers", "1"), ("invoices", "9")


@pytest.mark.parametrize("path", GOLDEN.files, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    GOLDEN.check(path)


def test_every_target_field_is_filled_in_at_least_one_golden_file() -> None:
    assert GOLDEN.unfilled() == set()


# Money ----------------------------------------------------------------------------------------------------------------


def amounts(currency: str, least: int = -(10**12), most: int = 10**12) -> st.SearchStrategy[Decimal]:
    return st.integers(least, most).map(lambda number: number * minor_unit(currency))


@st.composite
def invoices(draw: st.DrawFn) -> dict[str, Any]:
    """With the total Fusion computes of its lines, and numbers with any zeros behind them."""
    currency = draw(st.sampled_from(("USD", "EUR", "JPY", "KWD")))
    lines, total = [], draw(st.just(Decimal(0)) | amounts(currency, 0, 10**6))
    freight = total
    for number in range(draw(st.integers(0, 6))):
        amount, tax, within = draw(amounts(currency)), draw(amounts(currency)), draw(st.sampled_from("YN"))
        total += amount + (tax if within == "N" else 0)
        lines.append(
            {
                "CustomerTransactionLineId": number,
                "LineNumber": number + 1,
                "Quantity": draw(st.none() | st.decimals("-50", "50", places=3)),
                "UnitSellingPrice": draw(st.none() | st.decimals("-100", "1000", places=6)),
                "LineAmount": draw(st.sampled_from([amount, amount + Decimal("0.0000")])),
                "receivablesInvoiceLineTaxLines": [{"TaxAmount": tax, "TaxInclusiveIndicator": within}],
            }
        )
    balance = draw(amounts(currency))
    return {
        "BillToPartyId": 1,
        "InvoiceCurrencyCode": currency,
        "EnteredAmount": draw(st.sampled_from([None, total])),
        "FreightAmount": freight,
        "receivablesInvoiceLines": lines,
        "receivablesInvoiceInstallments": [{"InstallmentBalanceDue": balance - 1}, {"InstallmentBalanceDue": 1}],
    }


def over_json(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    """As Salesforce reads what is stored with us, fitted, and sent."""
    stored = json.loads(encode(values))
    body = json.dumps(fit({}, kind, stored, {}), default=plain)
    return dict(json.loads(body, parse_float=Decimal, parse_int=Decimal))


@given(invoices())
def test_lines_tax_and_freight_are_the_amount_on_the_other_side(invoice: dict[str, Any]) -> None:
    document = Invoices().map(Row("9", "", invoice), context()).document
    header = over_json("invoice", document["invoice"])
    lines = {key: over_json("invoice_line", values) for key, values in document["lines"].items()}
    on_top = sum(
        lines[str(line["CustomerTransactionLineId"])]["Tax__c"]
        for line in invoice["receivablesInvoiceLines"]
        if line["receivablesInvoiceLineTaxLines"][0]["TaxInclusiveIndicator"] == "N"
    )
    assert (
        header["Amount__c"]
        == sum(line["Line_Amount__c"] for line in lines.values()) + on_top + (invoice["FreightAmount"])
    )
    assert header.get("Tax__c", 0) == sum(line["Tax__c"] for line in lines.values())
    assert header["Balance__c"] == sum(
        row["InstallmentBalanceDue"] for row in invoice["receivablesInvoiceInstallments"]
    )


@given(invoices())
def test_a_file_of_the_bulk_api_holds_the_same_numbers(invoice: dict[str, Any]) -> None:
    header = Invoices().map(Row("9", "", invoice), context()).document["invoice"]
    cells = flat(fit({}, "invoice", header, {}))
    assert {name: cells[name] for name in ("Amount__c", "Balance__c")} == {
        name: header[name] for name in ("Amount__c", "Balance__c")
    }


@given(invoices())
def test_zeros_behind_a_number_are_no_change(invoice: dict[str, Any]) -> None:
    padded = json.loads(
        json.dumps(invoice, default=lambda number: f"{number}000" if "." in str(number) else f"{number}.0")
    )
    one, other = (Invoices().map(Row("9", "", data), context()).document for data in (invoice, padded))
    assert encode(one) == encode(other)


# What other records are read again ------------------------------------------------------------------------------------


def context(**facts: str) -> MapContext:
    targets = {PARTY: Target("001A", SYNCED, {}), INVOICE: Target("a01A", SYNCED, dict(facts))}
    return MapContext({}, {}, targets)


def schedule(key: int, original: str, balance: str, due: str = "2026-02-01") -> dict[str, Any]:
    return {
        "TransactionId": key,
        "TotalOriginalAmount": Decimal(original),
        "TotalBalanceAmount": Decimal(balance),
        "PaymentScheduleDueDate": due,
    }


def test_a_memo_asks_only_for_invoices_that_something_was_taken_off_lately() -> None:
    schedules = [
        schedule(1, "100", "100"),
        schedule(2, "100", "60"),
        schedule(2, "50", "50"),
        schedule(3, "100", "0", "2025-04-01"),
        schedule(4, "100", "0", "2025-01-01"),
        schedule(5, "100", "10", "2020-01-01"),
    ]
    assert touched_balances(schedules, {"TransactionDate": "2026-03-01"}) == {"2": "110", "3": "0", "5": "10"}


def settled(flow: Any, document: dict[str, Any], before: dict[str, Any] | None) -> Item:
    payload = encode({"document": before, "ids": {}}) if before else ""
    state = State("9", "", "", "a01A", "hash", "", SYNCED, 1, None, "", "", None, None, "", "", payload)
    item = Item(Row("9", "", {}), state if before else None)
    item.describe(Mapped(document))
    return item


@pytest.mark.parametrize(
    ("before", "touched"),
    [(None, True), ({"balance": "100.00"}, False), ({"balance": "60.00"}, True)],
    ids=["new", "the same", "another"],
)
def test_the_customer_is_read_again_when_a_balance_moved(before: dict[str, Any] | None, touched: bool) -> None:
    item = settled(Invoices(), {"customer": "1", "balance": "100.00"}, before)
    assert list(Invoices().touched(item)) == ([PARTY] if touched else [])


def test_a_payment_asks_for_invoices_it_pays_no_more() -> None:
    before = {"customer": "1", "invoices": {"8": "a01B", "9": "a01A"}}
    item = settled(Payments(), {"customer": "1", "invoices": {"9": "a01A"}}, before)
    assert set(Payments().touched(item)) == {PARTY, ("invoices", "8")}


class Silent:
    """A source without any customer account."""

    def server_now(self) -> datetime:
        return datetime(2026, 3, 2, 12, tzinfo=UTC)

    def related(self, *question: Any, **more: Any) -> list[dict[str, Any]]:
        return []


def test_what_changed_a_day_ago_is_no_news() -> None:
    stamps = ("2026-03-01T11:59:59+00:00", "2026-03-01T12:00:00+00:00", "")
    rows = [Row(str(number), stamp, {}) for number, stamp in enumerate(stamps)]
    Payments().enrich(rows, source=Silent(), destination=None)
    assert [row.data["_fresh"] for row in rows] == [False, True, True]


def test_much_is_written_in_large_units() -> None:
    assert [Invoices().write_unit(expected, 1000) for expected in (0, 900, 2000, 2001)] == [1000] * 3 + [10_000]


# Writing --------------------------------------------------------------------------------------------------------------

CAPABILITIES = {"lengths": {"payment": {"Invoices__c": 5}}, "writable": {"payment": ["Amount__c"]}}


def test_what_is_sent_fits_the_org() -> None:
    values = {"Amount__c": "12.50", "Invoices__c": "INV-1: 12.50", "CurrencyIsoCode": "USD", "Method__c": None}
    assert fit(CAPABILITIES, "payment", values, {}) == {"Amount__c": Decimal("12.50"), "Invoices__c": "INV-1"}


BEFORE = {"Account__c": "001A", "Amount__c": "10.00", "Method__c": "Wire", "Status__c": "Applied"}
NOW = {"Account__c": "001A", "Amount__c": "10.00", "Method__c": None, "Status__c": "Reversed"}


def test_of_what_surely_stands_there_only_the_changes_are_sent() -> None:
    row = Outgoing(NOW, BEFORE, "a02A", sure=True)
    sent = {"Account__c": "001A", "Method__c": None, "Status__c": "Reversed"}
    assert row.changed({}, "payment", "Account__c") == sent


def test_after_a_failure_everything_is_sent_and_cleared() -> None:
    row = Outgoing(NOW, BEFORE | {"Method__c": None}, "a02A", tried=True)
    assert row.changed({}, "payment", "Account__c") == NOW | {"Amount__c": Decimal("10.00")}


def test_of_a_new_record_nothing_is_cleared() -> None:
    row = Outgoing(NOW, {})
    assert "Method__c" not in row.changed({}, "payment", "Account__c")
