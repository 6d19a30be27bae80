"""Whatever the line and the sign-in do, on either side: what both systems hold in the end is the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connections import http
from connections import services as connections
from connections.exchange import Limits
from syncs.models import Run
from tests.acceptance.faults import faults_of
from tests.acceptance.pairs import PAIRS
from tests.acceptance.pairs.base import ACTOR, Pair, Side, State
from tests.acceptance.stage import Stage
from tests.acceptance.undisturbed import assert_same
from tests.acceptance.workers import Trap

Build = Callable[..., Stage]

SIDES = [pytest.param(pair, side, id=f"{pair}-{side}") for pair in PAIRS for side in pair.sides]


@pytest.mark.either_database
@pytest.mark.parametrize(
    ("pair", "fault"),
    [
        pytest.param(pair, fault, id=f"{pair}-{side}-{name}")
        for pair in PAIRS
        for side in pair.sides
        for name, fault in faults_of(side).items()
    ],
)
def test_a_faulty_line_changes_nothing(undisturbed: State, build: Build, fault: dict[str, Any]) -> None:
    stage = build()
    # Drawn, not counted: what a run asks may come to the same number of calls each time.
    stage.sandbox.faults.add(probability=0.33, seed=7, **fault)
    assert_same(undisturbed, stage)
    assert stage.sandbox.faults.rules()[0]["fired"] >= 3


def test_all_faults_at_once_change_nothing(undisturbed: State, build: Build, pair: Pair) -> None:
    stage = build()
    faults = [fault for side in pair.sides for fault in faults_of(side).values()]
    for number, fault in enumerate(faults):
        stage.sandbox.faults.add(probability=0.04, seed=number, **fault)
    assert_same(undisturbed, stage)


@pytest.mark.either_database
@pytest.mark.parametrize(
    ("pair", "side", "said"),
    [
        pytest.param(pair, side, said, id=f"{pair}-{side}-{said}")
        for pair in PAIRS
        for side in pair.sides
        for said in side.expiries
    ],
)
def test_tokens_that_expire_in_mid_run(undisturbed: State, build: Build, side: Side, said: str) -> None:
    stage = build({side.system: side.expiries[said]})
    stage.sandbox.faults.add("expire_token", system=side.system, port=side.port, after=2, every=11)
    assert_same(undisturbed, stage)
    assert stage.sandbox.faults.rules()[0]["fired"] >= 3


@pytest.mark.either_database
@pytest.mark.parametrize(("pair", "side"), SIDES)
def test_locked_out_in_mid_run_and_let_in_again(undisturbed: State, build: Build, pair: Pair, side: Side) -> None:
    """That connection stops and says why, the other stays; with another credential the next run goes on."""
    stage = build()
    Trap(stage.sandbox).set(14, lambda: side.lock_out(stage.sandbox))
    ended = stage.run()
    assert (ended.status, ended.error_code) == (Run.Status.FAILED, side.refused)
    for connection in (stage.source, stage.destination):
        connection.refresh_from_db()
        assert connection.status == ("broken" if connection.connector == side.system else "healthy")
    connection = stage.connection(side.system)
    connections.replace_secrets(connection, side.let_in(stage.sandbox), ACTOR)
    assert connections.test_connection(connection, ACTOR).ok
    assert_same(undisturbed, stage)


@pytest.mark.either_database
@pytest.mark.parametrize(("pair", "side"), SIDES)
@pytest.mark.parametrize("drip", [0, 4])
def test_a_page_that_times_out(
    undisturbed: State, build: Build, side: Side, drip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence until the read times out; or a body that trickles beyond the time of the whole exchange."""
    stage = build()
    monkeypatch.setattr(http, "Limits", lambda timeout, most, seconds: Limits((1, 0.2), most, 0.25))
    stage.sandbox.faults.add("slow", system=side.system, every=7, times=3, delay=0.4, drip=drip)
    assert_same(undisturbed, stage)
