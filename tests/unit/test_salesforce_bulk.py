"""CSV of the Bulk API: every value comes back as it was meant, and results are joined by our key."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.connectors.salesforce import bulk
from connections.connectors.salesforce.values import plain

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1).filter(lambda text: text != "#N/A")


@given(st.lists(st.dictionaries(st.sampled_from(["A__c", "B__c", "C__c"]), CELLS, min_size=1), min_size=1))
def test_any_text_survives(rows: list[dict[str, str]]) -> None:
    written = bulk.write_csv([bulk.flat(row) for row in rows])
    read = [{name: cell for name, cell in row.items() if cell != ""} for row in bulk.read_csv(written)]
    assert read == rows


def test_null_empty_and_absent_are_told_apart() -> None:
    text = bulk.write_csv([bulk.flat({"A": None, "B": "x"}), bulk.flat({"A": ""}), bulk.flat({"B": "y"})])
    assert text == "A,B\n#N/A,x\n#N/A,\n,y\n"


def test_values_and_parents() -> None:
    row: dict[str, Any] = {
        "Amount__c": Decimal("1234567890123456.78"),
        "Date__c": date(2026, 1, 31),
        "At__c": datetime(2026, 1, 31, 10, 0, 0, 5000, tzinfo=UTC),
        "Ready__c": True,
        "Count__c": 3,
        "Street": "One\r\nTwo",
        "Account__r": {"Fusion_Id__c": "C-1"},
    }
    assert bulk.flat(row) == {
        "Amount__c": "1234567890123456.78",
        "Date__c": "2026-01-31",
        "At__c": "2026-01-31T10:00:00.005Z",
        "Ready__c": "true",
        "Count__c": "3",
        "Street": "One\nTwo",
        "Account__r.Fusion_Id__c": "C-1",
    }


def test_what_csv_cannot_say_goes_another_way() -> None:
    assert bulk.fits({"A": "x", "Account__r": {"Fusion_Id__c": "1"}})
    assert not bulk.fits({"A": "#N/A"})
    assert not bulk.fits({"Invoice__r": {"Account__r": {"Fusion_Id__c": "1"}}})


def test_uploads_stay_below_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST_BYTES", 100)
    rows = [(str(n), {"Fusion_Id__c": str(n), "Name": "x" * 20}) for n in range(10)]
    parts = list(bulk.uploads(rows))
    assert [key for keys, _ in parts for key in keys] == [str(n) for n in range(10)]
    assert len(parts) > 1
    for keys, content in parts:
        read = list(csv.DictReader(io.StringIO(content.decode())))
        assert [row["Fusion_Id__c"] for row in read] == keys


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (Decimal("10.25"), 10.25),
        (Decimal(0), 0.0),
        (Decimal(-3), -3.0),
        (Decimal("1234567890123456.78"), "1234567890123456.78"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 10, tzinfo=UTC), "2026-01-31T10:00:00.000Z"),
    ],
)
def test_no_amount_loses_a_digit(value: Any, sent: Any) -> None:
    assert plain(value) == sent
    assert type(plain(value)) is type(sent)


def test_a_value_without_form_is_a_programming_error() -> None:
    with pytest.raises(TypeError, match="object"):
        plain(object())
