"""SOQL is text: nothing a record holds may change what a query means."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from connections.connectors.salesforce import soql

BACK = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "\\": "\\", "'": "'", '"': '"'}


def read_literal(text: str) -> str:
    """What Salesforce reads; any backslash it does not know is an error there."""
    assert text[0] == text[-1] == "'"
    found, place = "", 1
    while place < len(text) - 1:
        letter = text[place]
        assert letter != "'"
        if letter != "\\":
            assert letter >= " "
            found, place = found + letter, place + 1
        elif text[place + 1] == "u":
            found, place = found + chr(int(text[place + 2 : place + 6], 16)), place + 6
        else:
            found, place = found + BACK[text[place + 1]], place + 2
    return found


@given(st.text())
def test_any_text_survives_as_a_literal(value: str) -> None:
    assert read_literal(soql.quoted(value)) == value


def test_a_value_cannot_end_its_literal() -> None:
    assert soql.any_of("Name", ["O'Brien' OR Name != '"]) == r"Name IN ('O\'Brien\' OR Name != \'')"
    assert soql.quoted("a\\") == r"'a\\'"


@given(st.lists(st.text(max_size=300), max_size=450))
def test_portions_hold_every_value_once_and_fit_an_address(values: list[str]) -> None:
    parts = list(soql.portions(values))
    assert [value for part in parts for value in part] == values
    for part in parts:
        assert len(part) <= soql.MOST_VALUES
        assert len(part) == 1 or len(quote(",".join(map(soql.quoted, part)), safe="")) <= soql.URL_SPACE


def test_200_ids_are_one_call() -> None:
    assert len(list(soql.portions(["001000000000001AAA"] * 200))) == 1


def test_instants_are_utc_in_milliseconds_and_read_without_a_colon() -> None:
    moment = datetime(2026, 1, 31, 11, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    assert soql.instant(moment) == "2026-01-31T10:00:00.123Z"
    assert soql.parse("2026-01-31T10:00:00.123+0000") == datetime(2026, 1, 31, 10, 0, 0, 123000, tzinfo=UTC)
    assert soql.parse("2026-01-31T11:00:00.000+0100") == datetime(2026, 1, 31, 10, tzinfo=UTC)


def test_the_keyset_goes_on_behind_a_row() -> None:
    text = soql.behind(["2026-01-31T10:00:00.000+0000", "006000000000001AAA"])
    stamp = "2026-01-31T10:00:00.000Z"
    assert text == f"(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '006000000000001AAA'))"


def test_a_query_joins_its_conditions() -> None:
    text = soql.select(["Id", "Name"], "Account", ["IsDeleted = true", "", "Name = 'x'"], "LIMIT 1")
    assert re.sub(r"\s+", " ", text) == "SELECT Id, Name FROM Account WHERE IsDeleted = true AND Name = 'x' LIMIT 1"
    assert soql.select(["Id"], "Account") == "SELECT Id FROM Account"
