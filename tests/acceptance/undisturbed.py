"""What an undisturbed run leaves behind, and whether a disturbed one left the same."""

from __future__ import annotations

from typing import Any

from audit.models import AuditEntry
from audit.services import verify
from syncs.engine.run import settled_count
from syncs.models import FlowRun, Record
from tests.acceptance.pairs import of
from tests.acceptance.pairs.base import State
from tests.acceptance.stage import Stage


def state(stage: Stage, *, trace: bool = False) -> State:
    """Everything that must be the same: what was written, without its ids, and what we know of every record.

    ``trace``: only what is the same although things happened at another point of the sync.
    """
    pair = of(stage)
    dump = pair.dump(stage)
    return {**(pair.trace(dump) if trace else dump), "records": records(stage)}


def records(stage: Stage) -> dict[str, tuple[Any, ...]]:
    return {
        f"{record.flow.key}:{record.source_key}": (
            record.status,
            record.error_code,
            record.waits_for,
            record.title,
            record.amount,
            record.currency,
            record.watch,
            record.next_attempt_at,
        )
        for record in stage.records().select_related("flow")
    }


def story(stage: Stage) -> State:
    """First sync, a day's events, second sync."""
    stage.finish()
    for step in of(stage).day:
        step(stage.sandbox)
    stage.finish()
    assert_sound(stage)
    return state(stage)


def assert_same(expected: State, stage: Stage) -> None:
    """The story ends as it does where nothing disturbs it."""
    parted = differences(expected, story(stage))
    assert parted == [], "\n".join(parted[:30])


def differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Where two states part, one line each: readable where pytest's own comparison of large dictionaries is not."""
    if isinstance(expected, dict) and isinstance(found, dict):
        lines = []
        for key in sorted(expected.keys() | found.keys()):
            if key not in found:
                lines.append(f"{path}/{key}: missing")
            elif key not in expected:
                lines.append(f"{path}/{key}: too much: {found[key]!r:.300}")
            else:
                lines += differences(expected[key], found[key], f"{path}/{key}")
        return lines
    return [] if expected == found else [f"{path}: {expected!r:.300} became {found!r:.300}"]


def assert_sound(stage: Stage) -> None:
    """What holds after anything: nothing double, orphaned or unbound; counts add up; the trail has no gap."""
    pair = of(stage)
    pair.assert_sound(stage)
    _assert_bound_once(stage, pair.held(stage))
    for flow_run in FlowRun.objects.for_tenant(stage.tenant).filter(run__status__in=["succeeded", "partial"]):
        assert flow_run.read == settled_count(flow_run), f"{flow_run.flow.key} of run {flow_run.run_id} lost rows"
    _assert_trail(stage)


def _assert_bound_once(stage: Stage, held: dict[str, dict[str, str]]) -> None:
    """Each key of ours stands on one record, and our records are bound to exactly those."""
    for what, ours in held.items():
        assert len(ours) == len(set(ours.values())), f"doubled {what}"
    for flow in stage.sync.flows.values_list("key", flat=True):
        bound = dict(stage.records(flow).exclude(destination_id="").values_list("source_key", "destination_id"))
        lost = {key: id_ for key, id_ in bound.items() if held[flow].get(id_) != key}
        assert lost == {}, f"{flow} that do not stand under our key where they are bound"
        stray = {id_: key for id_, key in held[flow].items() if bound.get(key) != id_}
        assert stray == {}, f"{flow} under our key that nothing is bound to"
        synced = set(stage.records(flow, status=Record.Status.SYNCED).values_list("source_key", flat=True))
        assert synced <= bound.keys()


def _assert_trail(stage: Stage) -> None:
    verification = verify(stage.tenant.pk)
    assert verification.ok, verification
    entries = AuditEntry.objects.filter(tenant=stage.tenant).order_by("sequence")
    assert list(entries.values_list("sequence", flat=True)) == list(range(1, entries.count() + 1))
    written = set(entries.filter(action="write").values_list("flow", "source_ref"))
    delivered = set(stage.records().exclude(destination_id="").values_list("flow__key", "source_key"))
    assert sorted(delivered - written) == [], "delivered without a trail"
    ended = set(entries.filter(action="run").values_list("run_id", flat=True))
    assert set(stage.sync.runs.exclude(finished_at=None).values_list("pk", flat=True)) <= ended
