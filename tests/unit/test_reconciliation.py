"""Figures and differences tell the same story, whatever both sides hold."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from syncs.reporting.reconciliation import Origin, Totals, compare, month_of, summed

SHARES = st.dictionaries(
    st.sampled_from("abcdef"),
    st.tuples(
        st.sampled_from(["2026-09", "2026-10", ""]),
        st.sampled_from(["USD", "JPY"]),
        st.integers(-3, 3).map(Decimal),
        st.integers(1, 2),
    ),
)


def side(shares: dict[str, tuple[str, str, Decimal, int]]) -> Totals:
    found = Totals()
    for key, (month, currency, amount, count) in shares.items():
        for _ in range(count):
            found.add("invoices", currency, amount, Origin("invoices", key, month))
    return found


@given(SHARES, SHARES)
def test_the_differences_add_up_to_what_the_figures_differ_by(
    ours: dict[str, tuple[str, str, Decimal, int]], theirs: dict[str, tuple[str, str, Decimal, int]]
) -> None:
    rows, differences = compare(side(ours), side(theirs))
    counts: dict[tuple[str, str], int] = {}
    sums: dict[tuple[str, str], Decimal] = {}
    for one in differences:
        place = one.month, one.currency
        for share, sign in ((one.destination, 1), (one.source, -1)):
            if share is not None:
                counts[place] = counts.get(place, 0) + sign * share.count
                sums[place] = sums.get(place, Decimal(0)) + sign * share.total
    for row in rows:
        place = row.month, row.currency
        assert (row.count_difference, row.total_difference) == (counts.get(place, 0), sums.get(place, Decimal(0)))
    assert sum(row.source_count for row in summed(rows)) == sum(count for *_, count in ours.values())
    if not differences:
        assert all(row.equal for row in rows)
        assert ours.keys() == theirs.keys()


@given(SHARES)
def test_a_side_agrees_with_itself_though_it_lacks_dates(shares: dict[str, tuple[str, str, Decimal, int]]) -> None:
    undated = {key: ("", *rest) for key, (_, *rest) in shares.items()}
    assert compare(side(shares), side(shares))[1] == []
    assert compare(side(shares), side(undated))[1] == []  # type: ignore[arg-type]


@given(SHARES, SHARES)
def test_what_is_read_again_replaces_what_was_known(
    known: dict[str, tuple[str, str, Decimal, int]], again: dict[str, tuple[str, str, Decimal, int]]
) -> None:
    found = side(known)
    found.replace({"invoices": set("abc")}, side({key: share for key, share in again.items() if key in "abc"}))
    expected = {key: share for key, share in known.items() if key not in "abc"}
    expected |= {key: share for key, share in again.items() if key in "abc"}
    assert compare(found, side(expected))[1] == []


def test_months_of_what_systems_write() -> None:
    values = ("2026-11-03", "2026-11-03T00:00:00Z", "2026-11-03T00:00:00.000+0000", None, "", 1762128000000)
    assert [month_of(value) for value in values] == ["2026-11", "2026-11", "2026-11", "", "", ""]
