"""Which companies are bound by themselves, which a person is asked about, and that neither goes unnoticed."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncs.names.countries import country_code
from syncs.names.matching import CLOSE, DIFFERENT, FIELDS, NEAR, SAME, Identity, compare, exact_keys, keys

PAIRS = Path(__file__).parent / "data" / "company_pairs.csv"
SHORT = {"tax": "tax_number", "zip": "postal_code"}


def identity(name: str, known: str) -> Identity:
    parts = dict(part.split("=", 1) for part in known.split(";") if part)
    return Identity(name, **{SHORT.get(field, field): value for field, value in parts.items()})


def labelled() -> list[tuple[bool, Identity, Identity]]:
    with PAIRS.open(encoding="utf-8", newline="") as file:
        return [
            (
                row["same"] == "yes",
                identity(row["ours"], row["ours_known"]),
                identity(row["theirs"], row["theirs_known"]),
            )
            for row in csv.DictReader(file, delimiter="|")
        ]


def verdict(ours: Identity, theirs: Identity) -> str:
    """As a sync would come to it: what shares no key is never compared."""
    return compare(ours, theirs).verdict if set(keys(ours)) & set(keys(theirs)) else DIFFERENT


def test_precision_and_recall_over_the_labelled_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    found = [(same, verdict(ours, theirs), ours.name, theirs.name) for same, ours, theirs in labelled()]
    alike = [row for row in found if row[0]]
    unlike = [row for row in found if not row[0]]
    bound = [row for row in found if row[1] == SAME]
    wrong = [row for row in bound if not row[0]]
    missed = [row for row in alike if row[1] == DIFFERENT]
    asked = [row for row in unlike if row[1] == NEAR]
    precision = 1 - len(wrong) / len(bound)
    recall = 1 - len(missed) / len(alike)
    with capsys.disabled():
        print(
            f"\n{len(found)} pairs: precision of automatic matches {precision:.3f} ({len(bound)} bound), recall with "
            f"questions {recall:.3f}, automatic {sum(row[1] == SAME for row in alike) / len(alike):.3f}, "
            f"different pairs asked about {len(asked) / len(unlike):.3f}"
        )
    assert len(found) >= 300
    assert wrong == []
    assert recall >= 0.95, missed
    assert len(asked) / len(unlike) <= 0.35, asked


# Comparing ------------------------------------------------------------------------------------------------------------

ACME = Identity("Acme Ltd", tax_number="GB123456789", duns="123456782", city="Leeds", country="GB")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"tax_number": "GB 987 6543 21"}, "The tax numbers differ: GB123456789 and GB 987 6543 21."),
        ({"duns": "99-888-7776"}, "The D-U-N-S numbers differ"),
        ({"country": "Irland"}, "The countries differ: GB and Irland."),
        ({"name": "Acme GmbH"}, "The legal forms differ: LTD and GMBH."),
    ],
)
def test_equal_names_with_something_against_them_are_asked_about(values: dict[str, str], reason: str) -> None:
    theirs = Identity(**{**{field: getattr(ACME, field) for field in FIELDS}, **values})
    judgement = compare(ACME, theirs)
    assert judgement.verdict == NEAR
    assert any(text.startswith(reason) for text in judgement.reasons)


def test_what_is_unknown_speaks_against_nothing() -> None:
    assert compare(ACME, Identity("ACME Limited")).verdict == SAME
    assert compare(ACME, Identity("ACME", tax_number="n/a", duns="000000000", country="somewhere")).verdict == SAME


def test_an_address_speaks_against_only_if_all_of_it_is_known_and_differs() -> None:
    ours = Identity("Acme", street="1 Main St", city="Leeds", postal_code="LS1 4AP")
    assert compare(ours, Identity("Acme", street="2 Oak Rd", city="Bath", postal_code="BA1 1AA")).verdict == NEAR
    assert compare(ours, Identity("Acme", city="Bath", postal_code="BA1 1AA")).verdict == SAME
    assert compare(ours, Identity("Acme", street="2 Oak Rd", city="Leeds", postal_code="LS2 9ZZ")).verdict == SAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DE 123 456 789", "DE123456789"),
        ("CHE-123.456.789 MWST", "CHE123456789"),
        ("NL123456789B01", "123456789"),
        ("EL094012345", "094012345"),
        ("12.345.678/0001-95", "12345678000195"),
        ("FR 40 303 265 045", "303265045"),
        ("84-1234567", "841234567"),
    ],
)
def test_a_tax_number_is_the_same_in_any_wrapping(one: str, other: str) -> None:
    ours, theirs = Identity("Old Name", tax_number=one), Identity("New Name", tax_number=other)
    judgement = compare(ours, theirs)
    assert (judgement.verdict, judgement.certain) == (NEAR, True)
    assert set(exact_keys(ours)) & set(exact_keys(theirs))


def test_equal_digits_of_two_countries_are_two_tax_numbers() -> None:
    ours, theirs = Identity("Old Name", tax_number="DE123456789"), Identity("New Name", tax_number="AT123456789")
    assert compare(ours, theirs).verdict == DIFFERENT


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Germany", "DE"),
        ("DEU", "DE"),
        ("Deutschland", "DE"),
        ("u.s.a.", "US"),
        ("UK", "GB"),
        ("中国", "CN"),
        ("x", ""),
    ],
)
def test_countries_are_known_by_many_names(text: str, code: str) -> None:
    assert country_code(text) == code


IDENTITIES = st.builds(
    Identity,
    name=st.one_of(
        st.sampled_from([one.name for _, *both in labelled() for one in both]),
        st.text(max_size=30),
    ),
    tax_number=st.sampled_from(["", "DE123456789", "123456789", "n/a"]),
    city=st.sampled_from(["", "Leeds", "Bath"]),
    postal_code=st.sampled_from(["", "LS1 4AP", "BA1 1AA"]),
    street=st.sampled_from(["", "1 Main St", "2 Oak Rd"]),
    country=st.sampled_from(["", "GB", "United Kingdom", "DE"]),
)


@given(IDENTITIES, IDENTITIES)
def test_comparing_is_symmetric_and_what_is_the_same_shares_an_exact_key(one: Identity, other: Identity) -> None:
    there, back = compare(one, other), compare(other, one)
    assert (there.verdict, there.score, there.certain) == (back.verdict, back.score, back.certain)
    assert 0 <= there.score <= 1
    if there.verdict == SAME:
        assert keys(one)[0] == keys(other)[0]
        assert not keys(one)[0].startswith(CLOSE)


@given(IDENTITIES)
def test_everything_with_a_name_is_the_same_as_itself(one: Identity) -> None:
    if keys(Identity(one.name)):
        assert compare(one, one).verdict == SAME
    assert len(keys(one)) == len(set(keys(one))) <= 40
