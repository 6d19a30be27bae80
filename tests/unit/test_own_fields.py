"""Fields that a tenant adds to a mapping: what an expression may say, and what values a field takes."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.connectors.base import Field
from connections.errors import MappingError
from syncs.engine import expressions
from syncs.engine.expressions import BadExpression
from syncs.engine.flow import encode
from syncs.engine.own_fields import OwnFields, fitted
from syncs.engine.table import Line, Section

ROW = {
    "Name": "Kestrel",
    "Amount": Decimal("1234.10"),
    "Empty": None,
    "lines": [{"Quantity": Decimal("0.1"), "Item": "A"}, {"Quantity": Decimal("0.2"), "Item": "B"}],
}
TABLE = (
    Section("company", "companies", "Company", (Line("name", "Name"),), own=True, text=True),
    Section("contact", "contacts", "Contact", (Line("email", "Email"),), own=True, text=True),
    Section("lines", "line_items", "Lines", (Line("name", "Item"),), many=True),
)
ACCOUNT = (Section("account", "account", "Account", (Line("Name", "Name"),), own=True),)
ORDER = (Section("order", "orders", "Order", (), own=True, offered=(Field("Note", "Note", "text"),)),)


def put(table: tuple[Section, ...], document: dict[str, Any], *specs: dict[str, Any]) -> dict[str, Any]:
    OwnFields(table, {"fields": list(specs)}).put(document, ROW)
    return document


# Expressions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "to_string(@)" + "|to_string([@])" * 15,
        "to_string(@)" + '|join(@,`["","","","",""]`)' * 10,
        "to_array(@)" + "|[@,@,@][]" * 6 + '|map(&to_string(@),@)|join(@[0],@)|join(@,`["","","",""]`)',
        "map(&sort(@)," * 5 + "[lines,lines,lines]" + ")" * 5,
    ],
)
def test_an_expression_that_would_fill_a_server_is_stopped(text: str) -> None:
    row = {**ROW, "notes": 'They said: "later". ' * 500}
    with pytest.raises(BadExpression):
        expressions.evaluate(text, row)


@pytest.mark.parametrize("text", ["lines[::0]", "&Name", "not_null(&Name)", "to_string(&Name)", "ceil(`1e999`)"])
def test_an_expression_that_makes_no_sense_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadExpression):
        expressions.evaluate(text, ROW)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Name", "Kestrel"),
        ("Amount", Decimal("1234.10")),
        ("sum(lines[].Quantity)", Decimal("0.3")),
        ("avg(lines[].Quantity)", Decimal("0.15")),
        ("max_by(lines, &Quantity).Item", "B"),
        ("lines[?Quantity > `0.1`].Item | [0]", "B"),
        ("to_string(Amount)", "1234.10"),
        ("to_number('12.50')", Decimal("12.50")),
        ("join(' / ', lines[].Item)", "A / B"),
        ("Empty || Name", "Kestrel"),
        ("Nowhere.at.all", None),
    ],
)
def test_an_expression_finds_exactly_what_stands_there(text: str, found: Any) -> None:
    assert expressions.evaluate(text, ROW) == found


@pytest.mark.parametrize("text", ["", "lines[", "upper(Name)", "a" * 301, "(" * 300, "|".join(["[@,@]"] * 40)])
def test_an_expression_that_cannot_be_meant_is_refused_when_it_is_entered(text: str) -> None:
    with pytest.raises(BadExpression):
        expressions.parsed(text)


def test_an_expression_that_meets_the_wrong_thing_says_so_in_words() -> None:
    with pytest.raises(BadExpression, match="The function sum cannot work with what stands there"):
        expressions.evaluate("sum(Name)", ROW)


def test_the_source_is_asked_for_what_the_expressions_name() -> None:
    own = OwnFields(ACCOUNT, {"fields": [{"to": "A", "from": "X.Y || Z"}, {"to": "B", "value": "1"}]})
    assert own.sources == {"X", "Y", "Z"}


# Values ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("text", Decimal("10.50"), "10.50"),
        ("text", True, "true"),
        ("number", "12.5", Decimal("12.5")),
        ("date", "2026-10-31T08:00:00Z", "2026-10-31"),
        ("datetime", "2026-10-31T08:00:00+02:00", "2026-10-31T06:00:00.000Z"),
        ("datetime", "2026-10-31", "2026-10-31T00:00:00.000Z"),
        ("boolean", "Y", True),
        ("boolean", False, False),
        ("choice", "gold customer", "GOLD"),
        ("choice", "gold", "GOLD"),
        ("", Decimal(1), Decimal(1)),
    ],
)
def test_a_value_comes_in_the_type_of_its_field(type_: str, value: Any, expected: Any) -> None:
    assert fitted(value, {"type": type_, "options": [["GOLD", "Gold customer"]]}) == expected


@pytest.mark.parametrize(
    ("spec", "value", "text"),
    [
        ({"type": "text", "length": 5}, "123456", "the field takes 5"),
        ({"type": "number"}, "many", "not a number"),
        ({"type": "number"}, "NaN", "not a number"),
        ({"type": "number"}, True, "not a number"),
        ({"type": "number"}, "1e999999999", "not a number"),
        ({}, float("inf"), "not a number"),
        ({"type": "text"}, Decimal("1e999999999"), "not a number"),
        ({"type": "date"}, "31.10.2026", "not a date"),
        ({"type": "datetime"}, "soon", "not a date and time"),
        ({"type": "boolean"}, "maybe", "neither yes nor no"),
        ({"type": "choice", "options": [["A", "Alpha"]]}, "B", "none of the field's choices: Alpha"),
        ({}, [1, 2], "several values"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_says_why(spec: dict[str, Any], value: Any, text: str) -> None:
    with pytest.raises(BadExpression, match=text):
        fitted(value, spec)


# Documents ------------------------------------------------------------------------------------------------------------


def test_a_destination_of_texts_gets_texts_and_another_json() -> None:
    number = {"from": "Amount", "type": "number"}
    assert put(TABLE, {"company": {}}, {"to": "revenue", **number}) == {"company": {"revenue": "1234.1"}}
    assert put(ACCOUNT, {"account": {}}, {"to": "Revenue__c", **number}) == {"account": {"Revenue__c": 1234.1}}


def test_what_nothing_is_said_of_is_cleared_but_not_where_there_is_nothing_to_clear() -> None:
    assert put(TABLE, {"company": {}}, {"to": "x", "from": "Empty"}) == {"company": {"x": ""}}
    assert put(ACCOUNT, {"account": {}}, {"to": "x", "from": "Empty"}) == {"account": {"x": None}}
    assert put(ORDER, {"order": {}}, {"to": "Note", "from": "Empty"}) == {"order": {}}


def test_what_no_database_keeps_is_left_out() -> None:
    spelt = {"to": "x", "from": '`"a\\u0000b\\ud800c"`'}
    assert put(TABLE, {"company": {}}, spelt) == {"company": {"x": "abc"}}
    assert put(ACCOUNT, {"account": {}}, spelt) == {"account": {"x": "abc"}}


def test_a_part_that_is_not_delivered_gets_nothing() -> None:
    rows = [{"to": "x", "in": "contact", "value": "1"}, {"to": "y", "value": "2"}]
    assert put(TABLE, {"company": {}, "contact": None}, *rows) == {"company": {"y": "2"}, "contact": None}
    assert put(ORDER, {"order": None}, {"to": "Note", "value": "1"}) == {"order": None}


def test_a_field_of_the_product_is_never_written_over() -> None:
    assert put(TABLE, {"company": {"name": "Kestrel"}}, {"to": "name", "value": "x"})["company"]["name"] == "Kestrel"


def test_a_value_that_does_not_fit_rejects_the_record_and_names_the_field() -> None:
    with pytest.raises(MappingError, match=r"“Tier”.*is not a number") as raised:
        put(TABLE, {"company": {}}, {"to": "tier", "from": "Name", "type": "number", "label": "Tier"})
    assert raised.value.code == "own_field"


JSON = st.one_of(st.none(), st.booleans(), st.integers(), st.decimals(allow_nan=False, allow_infinity=False), st.text())
SPECS = st.lists(
    st.fixed_dictionaries(
        {"to": st.sampled_from(["a", "b", "c"]), "value": JSON, "type": st.sampled_from(["", "text", "number"])}
    )
)


@given(SPECS, st.sampled_from([TABLE, ACCOUNT]))
def test_applying_twice_changes_nothing_and_what_is_there_is_always_json(
    specs: list[dict[str, Any]], table: tuple[Section, ...]
) -> None:
    own = OwnFields(table, {"fields": specs})
    document: dict[str, Any] = {table[0].place: {"name": "Kestrel"}}
    try:
        own.put(document, ROW)
    except MappingError:
        return
    once = encode(document)
    own.put(document, ROW)
    assert encode(document) == once
    assert json.loads(once)[table[0].place].keys() == {"name", *(spec["to"] for spec in specs)}
