"""Rows that share a stamp, move while they are read, or are committed late: each arrives exactly once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from audit.models import AuditEntry
from connections.connectors.oracle_fusion import client as fusion_client
from connections.connectors.oracle_fusion.scan import Scan
from tests.acceptance.pairs import FUSION_HUBSPOT, PAIRS, of
from tests.acceptance.pairs.base import Moving, Pair
from tests.acceptance.stage import SETTLED, Stage
from tests.acceptance.undisturbed import assert_sound

Build = Callable[..., Stage]
PAGE = 20
AGE = 600.0
"""Seconds: within what is read again by every run."""
MOVING = [pytest.param(pair, moving, id=f"{pair}-{moving.flow}") for pair in PAIRS for moving in pair.moving]


class ByOffset(Scan):
    """How pages are walked where nobody thought of it: counting rows that move under the count."""

    read = 0

    def parameters(self) -> dict[str, Any]:
        behind, self._after = self._after, None
        asked = {**super().parameters(), "offset": self.read or None}
        self._after = behind
        return asked

    def take(self, rows: Any, more: bool, asked: int) -> tuple[list[Any], list[Any]]:
        self.read += len(rows)
        fresh, places = super().take(rows, more, asked)
        self.open = more
        return fresh, places


@pytest.fixture
def stage(stage_of: Build, pair: Pair) -> Stage:
    """After a first run; read in pages of twenty rows from now on."""
    small = {side.system: {**side.timeless, "page_size": str(PAGE)} for side in pair.sides if side.narrow}
    first, second = (small.get(side.system, dict(side.timeless)) for side in pair.sides)
    stage = stage_of("small", source=first, destination=second)
    assert stage.finish().status in SETTLED
    return stage


def arrived(stage: Stage, moving: Moving) -> set[str]:
    """What the system written to holds. Fails if the trail knows of one that was created twice."""
    created = AuditEntry.objects.filter(tenant=stage.tenant, flow=moving.flow, action="write", outcome="created")
    keys = list(created.values_list("source_ref", flat=True))
    assert sorted(keys) == sorted(set(keys))
    held = set(of(stage).held(stage)[moving.flow].values())
    assert held == set(keys)
    return held


def run(stage: Stage) -> None:
    assert stage.run().status in SETTLED


@pytest.mark.parametrize(
    ("pair", "moving", "switches"),
    [
        pytest.param(pair, moving, switches, id=f"{pair}-{moving.flow}-{name}")
        for pair in PAIRS
        for moving in pair.moving
        for name, switches in {"filtered": {}, **moving.unfiltered}.items()
    ],
)
def test_many_rows_of_one_stamp_arrive_once(stage: Stage, moving: Moving, switches: dict[str, Any]) -> None:
    """With a filter by (stamp, key), and where the system refuses one."""
    before = arrived(stage, moving)
    stage.sandbox.set_switches(moving.system, switches)
    keys = moving.grow(stage.sandbox, 7 * PAGE, stage.sandbox.clock() - 60, 0)
    run(stage)
    assert arrived(stage, moving) == before | set(keys)
    assert len(set(keys)) == 7 * PAGE
    assert_sound(stage)


def shifting(stage: Stage, moving: Moving) -> set[str]:
    """Five pages of rows; while they are read, the oldest are changed and so move behind the last one."""
    keys = moving.grow(stage.sandbox, 5 * PAGE, stage.sandbox.clock() - AGE, 1)
    oldest = iter(keys)

    def shift() -> dict[str, Any]:
        moved = [key for key, _ in zip(oldest, range(PAGE // 2), strict=False)]
        moving.touch(stage.sandbox, moved)
        return {"moved": moved}

    system = stage.sandbox.systems[moving.system]
    system.events = {**getattr(system, "events", {}), "shift": shift}
    stage.sandbox.faults.add("page_shift", event="shift", after=1, times=4, system=moving.system, **moving.page)
    return set(keys)


@pytest.mark.parametrize(("pair", "moving"), MOVING)
def test_rows_that_move_during_the_scan_push_none_out(stage: Stage, moving: Moving) -> None:
    before = arrived(stage, moving)
    keys = shifting(stage, moving)
    run(stage)
    assert stage.sandbox.faults.rules()[0]["fired"] == 4
    run(stage)
    assert arrived(stage, moving) == before | keys
    assert_sound(stage)


@pytest.mark.parametrize(("pair", "moving"), [(FUSION_HUBSPOT, FUSION_HUBSPOT.moving[0])], ids=["fusion_hubspot"])
def test_paging_by_offset_would_lose_them(stage: Stage, moving: Moving, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that the test above can fail."""
    monkeypatch.setattr(fusion_client, "Scan", ByOffset)
    before = arrived(stage, moving)
    keys = shifting(stage, moving)
    run(stage)
    assert arrived(stage, moving) - before < keys


@pytest.mark.parametrize("during", [False, True], ids=["afterwards", "meanwhile"])
@pytest.mark.parametrize(("pair", "moving"), MOVING)
def test_a_row_committed_late_with_an_old_stamp_arrives_once(stage: Stage, moving: Moving, during: bool) -> None:
    """After a run, or behind the back of one: between two of its pages, with a stamp of the first."""
    before = arrived(stage, moving)
    keys = moving.grow(stage.sandbox, 2 * PAGE + 5, stage.sandbox.clock() - 60, 1)
    late: list[str] = []

    def commit() -> dict[str, Any]:
        late.extend(moving.grow(stage.sandbox, 1, stage.sandbox.clock() - AGE, 0))
        return {"late": late}

    if during:
        system = stage.sandbox.systems[moving.system]
        system.events = {**getattr(system, "events", {}), "commit": commit}
        stage.sandbox.faults.add("late_commit", event="commit", after=1, times=1, system=moving.system, **moving.page)
    run(stage)
    if not during:
        commit()
    assert len(late) == 1
    assert arrived(stage, moving) == before | set(keys)
    run(stage)
    assert arrived(stage, moving) == before | set(keys) | set(late)
    assert_sound(stage)
