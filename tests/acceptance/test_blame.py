"""A connection that stops working is named, and only that one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connections.connectors import registry
from connections.errors import TransientError
from connections.services import test_connection as check
from syncs.models import Run
from tests.acceptance.pairs import PAIRS
from tests.acceptance.pairs.base import Pair
from tests.acceptance.stage import SETTLED, Stage

pytestmark = pytest.mark.either_database


@pytest.mark.parametrize("end", [0, 1], ids=["source", "destination"])
def test_a_revoked_credential_breaks_its_own_connection(stage_of: Callable[..., Stage], pair: Pair, end: int) -> None:
    stage = stage_of("small")
    guilty, innocent = pair.sides[end], pair.sides[1 - end]
    guilty.lock_out(stage.sandbox)
    run = stage.run()
    assert (run.status, run.error_code) == (Run.Status.FAILED, guilty.refused)
    assert statuses(stage) == {guilty.system: "broken", innocent.system: "healthy"}, run.error_text


@pytest.mark.parametrize(
    ("pair", "end"),
    [
        pytest.param(pair, end, id=f"{pair}-{side}")
        for pair in PAIRS
        for end, side in enumerate(pair.sides)
        if side.system in pair.backward
    ],
)
def test_against_the_direction_too(stage_of: Callable[..., Stage], pair: Pair, end: int) -> None:
    """A flow that reads where the others write is locked out in its midst."""
    stage = stage_of("small")
    for step in pair.opening:
        step(stage.sandbox)
    guilty, innocent = pair.sides[end], pair.sides[1 - end]
    system = stage.sandbox.systems[guilty.system]
    system.events = {**system.events, "lock_out": lambda: guilty.lock_out(stage.sandbox)}
    call = pair.backward[guilty.system]
    stage.sandbox.faults.add("page_shift", system=guilty.system, event="lock_out", times=1, **call)
    run = stage.run()
    assert stage.sandbox.faults.rules()[0]["fired"] == 1
    assert (run.status, run.error_code) == (Run.Status.FAILED, guilty.refused)
    assert statuses(stage) == {guilty.system: "broken", innocent.system: "healthy"}, run.error_text


def statuses(stage: Stage) -> dict[str, str]:
    for connection in (stage.source, stage.destination):
        connection.refresh_from_db()
    return {connection.connector: connection.status for connection in (stage.source, stage.destination)}


def test_an_outage_during_a_test_leaves_a_healthy_connection_healthy(
    stage_of: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_of("small")
    monkeypatch.setattr(registry.get(stage.destination.connector), "check", out_of_order)
    report = check(stage.destination, "member:test")
    assert not report.ok
    stage.destination.refresh_from_db()
    assert stage.destination.status == "healthy"
    assert stage.run().status in SETTLED


def out_of_order(*_: object) -> None:
    raise TransientError("The system does not answer. Try again in a few minutes.")
