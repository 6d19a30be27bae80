"""The two grammars of the q parameter."""

import pytest

from connections.sandbox.oracle_fusion.q import Comparison, Junction, Literal, QError, parse


def compare(attribute, operator, *values, upper=False):
    return Comparison(attribute, operator, tuple(values), upper)


def text(value):
    return Literal(value, quoted=True)


def bare(value):
    return Literal(value, quoted=False)


def test_row_match_expression_of_two_comparisons():
    parsed = parse("LastUpdateDate >= '2026-01-31T10:00:00.000Z' and BillToPartyId = 300000000001")
    assert parsed.expression == Junction(
        "and",
        (
            compare("LastUpdateDate", ">=", text("2026-01-31T10:00:00.000Z")),
            compare("BillToPartyId", "=", bare("300000000001")),
        ),
    )
    assert not parsed.lenient


def test_or_binds_weaker_than_and():
    parsed = parse("A > 1 or A = 1 and B > 2").expression
    assert parsed == Junction(
        "or",
        (compare("A", ">", bare("1")), Junction("and", (compare("A", "=", bare("1")), compare("B", ">", bare("2"))))),
    )


def test_parentheses_change_the_grouping():
    parsed = parse("(A = 1 or A = 2) and B = 3").expression
    assert parsed.kind == "and"
    assert parsed.terms[0].kind == "or"


def test_keywords_in_any_case():
    assert parse("A = 1 AND B Like 'x*'").expression.terms[1] == compare("B", "like", text("x*"))


def test_a_doubled_quote_is_one_quote():
    assert parse("Name = 'O''Hanlon'").expression == compare("Name", "=", text("O'Hanlon"))


def test_in_between_null_and_upper():
    assert parse("A in (1, 2,3)").expression == compare("A", "in", bare("1"), bare("2"), bare("3"))
    assert parse("A between 1 and 2").expression == compare("A", "between", bare("1"), bare("2"))
    assert parse("A is null").expression == compare("A", "null")
    assert parse("A is not null").expression == compare("A", "not null")
    assert parse("UPPER(A) = UPPER('x')").expression == compare("A", "=", text("X"), upper=True)
    assert parse("A != 1").expression == parse("A <> 1").expression


def test_between_does_not_swallow_the_following_and():
    parsed = parse("A between 1 and 2 and B = 3").expression
    assert parsed.kind == "and"
    assert len(parsed.terms) == 2


def test_version_1_joins_with_semicolons_and_takes_bare_values():
    parsed = parse("Supplier=ABC Corp;Status=ACTIVE", version=1)
    assert parsed.expression == Junction(
        "and", (compare("Supplier", "=", bare("ABC Corp")), compare("Status", "=", bare("ACTIVE")))
    )
    assert parsed.lenient


def test_version_1_leaves_the_attribute_out_after_and():
    parsed = parse("Num>=10 and <= 30", version=1).expression
    assert parsed == Junction("and", (compare("Num", ">=", bare("10")), compare("Num", "<=", bare("30"))))


def test_version_1_star_is_a_wildcard():
    assert parse("Name=Pin*", version=1).expression == compare("Name", "like", bare("Pin*"))
    assert parse('Name="Pin*"', version=1).expression == compare("Name", "like", text("Pin*"))
    assert parse("Name='Pin*'").expression == compare("Name", "=", text("Pin*"))


def test_both_styles_are_live_everywhere_unless_the_pod_is_strict():
    assert parse("A=1;B=2", version=4).expression == parse("A=1 and B=2", version=4).expression
    assert parse("(A = 1 or B = 2)", version=1).expression.kind == "or"
    with pytest.raises(QError):
        parse("A=1;B=2", version=4, strict=True)
    with pytest.raises(QError):
        parse("A = 1 or B = 2", version=1, strict=True)


@pytest.mark.parametrize(
    ("feature", "expression"),
    [
        ("or", "A = 1 or B = 2"),
        ("in", "A in (1)"),
        ("between", "A between 1 and 2"),
        ("null", "A is null"),
        ("not_equal", "A <> 1"),
        ("upper", "UPPER(A) = 'X'"),
        ("upper", "A = UPPER('x')"),
        ("doubled_quote", "A = 'O''Hanlon'"),
        ("like", "A like 'x*'"),
    ],
)
def test_a_feature_can_be_refused(feature, expression):
    parse(expression)
    with pytest.raises(QError):
        parse(expression, refused=frozenset({feature}))


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "   ",
        "A",
        "A =",
        "= 1",
        "A = 1 and",
        "A = 1 B = 2",
        "A = 'open",
        "(A = 1",
        "A = 1)",
        "A in 1",
        "A in (1",
        "A in ()",
        "A between 1",
        "A is 1",
        "A not in (1)",
        "not A = 1",
        "A >> 1",
        "A == 1",
        'A = "double"',
        "A = or",
        "and A = 1",
        "A %3E= 1",
        "LastUpdateDate%3E'2026-01-01'",
        "UPPER(A = 1",
        "A = 1 or or B = 2",
    ],
)
def test_nonsense_is_refused(expression):
    with pytest.raises(QError):
        parse(expression, version=4)
