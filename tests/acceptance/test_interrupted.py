"""A worker dies when everything is delivered and nothing is noted of it. Killed ones meet that moment by chance, here
every flow meets it, with new records and with changed ones: in the end all is as if nothing had happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from syncs import catalogue
from syncs.engine.execution import FlowExecution
from syncs.engine.flow import Item
from syncs.models import Run
from tests.acceptance.pairs import PAIRS
from tests.acceptance.pairs.base import Pair, State
from tests.acceptance.stage import Stage
from tests.acceptance.undisturbed import assert_same, assert_sound, differences, state

pytestmark = pytest.mark.either_database

Build = Callable[..., Stage]
FLOWS = [
    pytest.param(pair, flow.key, id=f"{pair}-{flow.key}")
    for pair in PAIRS
    for flow in catalogue.get(pair.integration).flows
]


class Died(Exception):
    pass


def die(stage: Stage, flow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends between what a flow wrote and what it would have noted."""
    settle = FlowExecution._settle

    def instead(self: FlowExecution, stream: str | None, items: Sequence[Item]) -> None:
        if self.flow.key == flow and any(item.sent for item in items):
            raise Died
        settle(self, stream, items)

    with monkeypatch.context() as patch:
        patch.setattr(FlowExecution, "_settle", instead)
        assert stage.run().status == Run.Status.FAILED


@pytest.mark.parametrize(("pair", "flow"), FLOWS)
def test_with_new_records(undisturbed: State, build: Build, flow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = build()
    die(stage, flow, monkeypatch)
    assert_same(undisturbed, stage)


@pytest.mark.parametrize(("pair", "flow"), FLOWS)
def test_with_changed_ones(
    undisturbed: State, build: Build, pair: Pair, flow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = build()
    stage.finish()
    for step in pair.day:
        step(stage.sandbox)
    die(stage, flow, monkeypatch)
    stage.finish()
    assert_sound(stage)
    assert differences(undisturbed, state(stage)) == []
