"""How previews are worked out: by slices and workers that die, on copies that go when it is done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.module_loading import import_string

from mlconnector.tenants.models import Tenant
from syncs import dispatch
from syncs.engine.store import FlowStore
from syncs.models import CandidateKey, Preview, Run, Sync
from syncs.names.matching import Identity
from syncs.previewing import copying, previews, rehearsal
from tests.db.preview_scene import WHO, entries, finish, moved_on, rehearse
from tests.doubles import World, install, sync_between

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    install(monkeypatch, world)
    return world


@pytest.fixture
def sync(world: World, tenant: Tenant) -> Sync:
    return sync_between(tenant)


@pytest.fixture
def mixed(world: World, sync: Sync) -> Sync:
    return moved_on(world, sync)


def test_it_is_worked_out_in_as_many_slices_as_it_takes(
    world: World, mixed: Sync, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rehearse(mixed, "options", flow="things", options={})
    monkeypatch.setattr(copying, "CHUNK", 2)
    monkeypatch.setattr(rehearsal, "MARKED_AT_ONCE", 2)
    settings.SLICE_SECONDS = 0
    sliced = rehearse(mixed, "options", flow="things", options={})
    assert entries(sliced) == entries(whole)
    assert sliced.totals == whole.totals


def test_a_worker_killed_while_copying_is_taken_over(
    world: World, mixed: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every step of the preparation once."""
    expected = entries(rehearse(mixed))
    monkeypatch.setattr(copying, "CHUNK", 3)
    preview = previews.start(mixed, kind="run", proposal={}, actor=WHO)
    assert preview.rehearsal is not None
    run = preview.rehearsal.runs.get()
    real, kills = rehearsal.copy_rows, iter(range(100))

    def killed(*args: Any) -> Any:
        copied = real(*args)
        if next(kills) % 2 == 0:
            raise KeyboardInterrupt
        return copied

    monkeypatch.setattr(rehearsal, "copy_rows", killed)
    while True:
        Run.objects.across_tenants().filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
        try:
            previews.rehearse(run.pk)
        except KeyboardInterrupt:
            continue
        break
    preview.refresh_from_db()
    assert preview.status == Preview.Status.READY
    assert entries(preview) == expected


def test_candidates_are_copied_with_their_keys(mixed: Sync) -> None:
    flow = mixed.flows.get(key="things")
    store = FlowStore(flow, 1, "")
    store.save_candidates([("501", "", Identity("Acme")), ("502", "", Identity("Umbra"))])
    preview = previews.start(mixed, kind="run", proposal={}, actor=WHO)
    finish(preview)
    assert preview.rehearsal is not None
    copy = preview.rehearsal.flows.get(key="things")
    keys = CandidateKey.objects.across_tenants()
    theirs = set(keys.filter(flow=copy).values_list("key", "candidate__destination_id"))
    assert theirs == set(keys.filter(flow=flow).values_list("key", "candidate__destination_id"))
    assert len(theirs) > 2
    assert not keys.filter(flow=copy, candidate__flow=flow).exists()
    previews.clear(copy.sync_id)
    assert not keys.filter(flow_id=copy.pk).exists()


def test_a_copy_the_queue_forgot_is_taken_away_by_the_clock(mixed: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(dispatch, "enqueue_clearing", asked.append)
    preview = rehearse(mixed)
    asked.clear()
    previews.tick()
    assert asked == []
    Run.objects.across_tenants().filter(sync=preview.rehearsal).update(finished_at=timezone.now() - timedelta(hours=1))
    previews.tick()
    assert asked == [preview.rehearsal_id]


def test_a_copy_is_not_taken_away_while_it_runs(mixed: Sync) -> None:
    preview = previews.start(mixed, kind="run", proposal={}, actor=WHO)
    assert preview.rehearsal_id is not None
    previews.clear(preview.rehearsal_id)
    finish(preview)
    assert preview.status == Preview.Status.READY


def test_no_copy_is_ever_taken_for_the_sync_itself(mixed: Sync) -> None:
    with pytest.raises(ValueError, match="no copy"):
        copying.delete_copy(mixed)


def test_its_runs_go_to_the_queue_of_long_ones(mixed: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(dispatch, "async_task", lambda name, *args, cluster, **_: sent.append((name, cluster)))
    rehearse(mixed)
    assert sent == [("syncs.tasks.rehearse", "backfill"), ("syncs.tasks.clear_rehearsal", "backfill")]
    assert all(callable(import_string(name)) for name, _ in sent)


def test_its_page_follows_it(mixed: Sync, settings: Any, signed_in: Any, viewer: Any) -> None:
    settings.SLICE_SECONDS = 0
    preview = previews.start(mixed, kind="run", proposal={}, actor=WHO)
    assert preview.rehearsal is not None
    run, client = preview.rehearsal.runs.get(), signed_in(viewer)
    said = []
    while previews.rehearse(run.pk):
        said.append(client.get(f"/previews/{preview.pk}/").content.decode())
    assert "Getting ready" in said[0]
    assert 'aria-label="Things"' in said[-1]
    assert "Would be created" in client.get(f"/previews/{preview.pk}/").content.decode()
