"""Which company names are the same, and which are not."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncs.names.matching import normalise


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ACME Corp.", "Acme Corporation"),
        ("Müller GmbH & Co. KG", "MULLER"),
        ("The Harbour & Sons Ltd", "Harbour and Sons Limited"),
        ("Société Générale S.A.", "Societe Generale"),
        ("株式会社夏風", "夏風"),
        ("O'Neill, Inc", "ONeill"),
        ("OOO Romashka", "ООО «Ромашка»"),
        ("АО «Балтийский Берег»", "Балтийский берег"),
        ("PT Maju Jaya Tbk", "Maju Jaya"),
        ("AB Volvo (publ)", "Volvo AB"),
        ("Oy Pohjola Ab", "Pohjola"),
        ("Novo Nordisk A/S", "NOVO NORDISK AS"),
        ("Krakowska Stal Sp. z o.o. Sp. k.", "Krakowska Stal"),
        ("Müller GmbH&Co.KG", "Müller GmbH & Co. KG"),
        ("S.A. de C.V. Acero, S.A. de C.V.", "S.A. de C.V. Acero"),
        ("Van Dam & Zonen B.V.", "Van Dam en Zonen"),
        ("García y López S.L.", "García & López"),
        ("J P Hartwell and Company", "J.P. Hartwell & Co."),
        ("北京天河科技有限公司", "北京天河科技"),
        ("㈱東京精密", "東京精密株式会社"),
        ("(주)한빛전자", "한빛전자 주식회사"),
        ("บริษัท สยามโลหะ จำกัด (มหาชน)", "สยามโลหะ"),
        ('שטראוס בע"מ', "שטראוס"),
        ("Şahin Tekstil A.Ş.", "Sahin Tekstil"),
        ("ＡＣＭＥ　Ｌｔｄ", "acme"),
    ],
)
def test_same(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme Corp", "Acme Corp International"),
        ("Harbour Light", "Harborlight Marine"),
        ("Acme 1", "Acme 2"),
        ("Limited", "Inc"),
        ("Acme UK Ltd", "Acme Ltd"),
        ("Acme NL", "Acme"),
        ("SAS Institute", "Institute"),
        ("AS Roma", "Roma"),
        ("A Plus Services", "Plus Services"),
        ("Music Unlimited", "Music"),
        ("Smith & Sons", "Smith & Daughters"),
        ("Plan B A/S", "Plan A/S"),
    ],
)
def test_different(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


PARTS = (
    "the",
    "las",
    "ab",
    "pt",
    "co",
    "and",
    "&",
    "gmbh",
    "kg",
    "s.p.a.",
    "a/s",
    "acme",
    "b",
    "i",
    "ооо",
    "株式会社",
    "1",
)


@example("0:000")
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PARTS), max_size=7).map(" ".join)))
def test_normalising_twice_changes_nothing_and_never_fails(name: str) -> None:
    once = normalise(name)
    assert normalise(once) == once
    assert normalise(f"  {name}  ") == once


@given(st.text(st.characters(codec="ascii"), max_size=60))
def test_case_never_matters(name: str) -> None:
    assert normalise(name.upper()) == normalise(name.lower())
