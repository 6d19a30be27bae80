"""Accounts differ in what vendors leave open; connections differ in what tenants choose. The outcome is the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from tests.acceptance.pairs import PAIRS
from tests.acceptance.pairs.base import Pair, Side, State, Switches
from tests.acceptance.stage import Stage
from tests.acceptance.undisturbed import assert_same

pytestmark = pytest.mark.either_database

Build = Callable[..., Stage]


@pytest.mark.parametrize(
    ("pair", "switches"),
    [
        pytest.param(pair, {side.system: switches}, id=f"{pair}-{side}-{name}")
        for pair in PAIRS
        for side in pair.sides
        for name, switches in pair.differing(side).items()
    ],
)
def test_in_accounts_that_differ(undisturbed: State, build: Build, switches: Mapping[str, Switches]) -> None:
    assert_same(undisturbed, build(switches))


@pytest.mark.parametrize(
    ("pair", "side", "name"),
    [
        pytest.param(pair, side, name, id=f"{pair}-{side}-{name}")
        for pair in PAIRS
        for side in pair.sides
        for name in pair.configured(side)
    ],
)
def test_with_connections_set_up_differently(
    undisturbed: State, build: Build, pair: Pair, side: Side, name: str
) -> None:
    end = "source" if side is pair.source else "destination"
    assert_same(undisturbed, build(**{end: side.configs[name]}))
