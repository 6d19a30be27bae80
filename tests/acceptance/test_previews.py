"""A preview foresees what the run then does, record by record, and no system notices that there was one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from audit.models import AuditEntry
from syncs.models import Preview, Run
from syncs.previewing import previews
from tests.acceptance.pairs.base import ACTOR, Pair
from tests.acceptance.stage import SETTLED, Stage

pytestmark = pytest.mark.either_database

Build = Callable[..., Stage]
Outcomes = dict[str, str]


def foresee(stage: Stage, settings: Any) -> tuple[Preview, Outcomes]:
    """Page by page, each by a client that knows nothing of the one before."""
    preview = previews.start(stage.sync, kind="run", proposal={}, actor=ACTOR)
    assert preview.rehearsal is not None
    usual, settings.SLICE_SECONDS = settings.SLICE_SECONDS, 0
    while previews.rehearse(preview.rehearsal.runs.get().pk):
        pass
    settings.SLICE_SECONDS = usual
    preview.refresh_from_db()
    assert preview.status == Preview.Status.READY, preview.error_text
    return preview, {f"{entry.flow}:{entry.source_key}": entry.outcome for entry in preview.entries.all()}


def became(stage: Stage, run: Run) -> Outcomes:
    """What the run did to each record it wrote, or has left unsettled."""
    told: Outcomes = {}
    entries = AuditEntry.objects.filter(run_id=run.pk, action__in=("write", "decide")).order_by("sequence")
    for flow, key, outcome in entries.values_list("flow", "source_ref", "outcome"):
        name = f"{flow}:{key}"
        told[name] = "created" if told.get(name) == "created" and outcome == "updated" else outcome
    unsettled = stage.records(run_id=run.pk, status__in=("waiting", "held", "rejected"))
    for flow, key, status in unsettled.values_list("flow__key", "source_key", "status"):
        told[f"{flow}:{key}"] = status
    return told


def test_a_preview_foresees_the_first_run_and_the_next_ones(build: Build, pair: Pair, settings: Any) -> None:
    stage = build()
    for happening in ((), pair.day):
        for step in happening:
            step(stage.sandbox)
        stage.sandbox.reset_stats()
        before = pair.dump(stage)
        preview, foreseen = foresee(stage, settings)
        assert sum(system["writes"] for system in stage.sandbox.stats()["systems"].values()) == 0
        assert pair.dump(stage) == before
        ended = stage.execute(previews.approve(preview, actor=ACTOR))
        assert ended.status in SETTLED, ended.error_text
        told = became(stage, ended)
        assert foreseen
        assert {one: (foreseen.get(one), told.get(one)) for one in foreseen.keys() ^ told.keys()} == {}
        assert {one: (outcome, told[one]) for one, outcome in foreseen.items() if told[one] != outcome} == {}
