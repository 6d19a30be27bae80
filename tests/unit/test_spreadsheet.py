"""Cells that a spreadsheet would run become text; numbers stay numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from mlconnector.spreadsheet import csv_lines


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_nothing_that_begins_like_a_formula_is_one(start: str) -> None:
    line = next(csv_lines([[f"{start}1+1"]]))
    assert line.lstrip('"').startswith("'")


@pytest.mark.parametrize(("value", "shown"), [(Decimal("-12.50"), "-12.50"), (-3, "-3"), ("a=b", "a=b"), (None, '""')])
def test_what_runs_nothing_stays(value: Any, shown: str) -> None:
    assert next(csv_lines([[value]])).strip() == shown
