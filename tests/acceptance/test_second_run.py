"""Where nothing happened, a run writes nothing and costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from audit.models import AuditEntry
from syncs import catalogue
from syncs.engine.flow import FlowDefinition
from tests.acceptance.pairs.base import Pair
from tests.acceptance.stage import SETTLED, Stage

Build = Callable[..., Stage]
CALLS_A_STREAM = 2


@pytest.fixture
def stage(stage_of: Build, pair: Pair) -> Stage:
    """After a first run and a day's events."""
    stage = stage_of("small")
    for step in pair.opening:
        step(stage.sandbox)
    stage.finish()
    for step in pair.busy:
        step(stage.sandbox)
    stage.finish()
    stage.sandbox.reset_stats()
    return stage


def streams(definition: FlowDefinition) -> dict[str, int]:
    """How many streams a flow reads: its own and those it watches, by side as the flow sees them."""
    watched = [watch.side for watch in definition.watches]
    return {"source": 1 + watched.count("source"), "destination": watched.count("destination")}


def writes(stage: Stage) -> int:
    return sum(system["writes"] for system in stage.sandbox.stats()["systems"].values())


def test_a_second_run_writes_nothing_and_costs_at_most_two_calls_a_stream(stage: Stage, pair: Pair) -> None:
    """Orders that were made show once more as changed, in both systems: the run that looks at them writes nothing
    either."""
    before = pair.dump(stage)
    if any(definition.reverse for definition in catalogue.get(pair.integration).flows):
        assert stage.run().status in SETTLED
        assert writes(stage) == 0, stage.sandbox.stats()
        stage.sandbox.reset_stats()
    again = stage.run()
    assert again.status in SETTLED
    for flow_run in again.flow_runs.select_related("flow"):
        definition = catalogue.get(pair.integration).flow(flow_run.flow.key)
        most = streams(definition)
        assert (flow_run.created, flow_run.updated) == (0, 0), definition.key
        assert flow_run.source_calls <= CALLS_A_STREAM * most["source"], definition.key
        assert flow_run.destination_calls <= CALLS_A_STREAM * most["destination"], definition.key
    assert writes(stage) == 0
    total = sum(system["total"] for system in stage.sandbox.stats()["systems"].values())
    read = sum(sum(streams(definition).values()) for definition in catalogue.get(pair.integration).flows)
    assert total <= CALLS_A_STREAM * read, stage.sandbox.stats()
    assert AuditEntry.objects.filter(run_id=again.pk, action="write").count() == 0
    assert pair.dump(stage) == before
