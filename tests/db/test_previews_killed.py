"""Previews whose worker dies at any step, and workspaces that are deleted while one is worked out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.services import Entry, append
from mlconnector.tenants import closing
from mlconnector.tenants.models import Tenant
from syncs import erasure
from syncs.engine.lease import Lease
from syncs.models import Candidate, Preview, PreviewEntry, Record, Run, Sync
from syncs.previewing import previews
from tests.db.preview_scene import WHO, entries, everything, finish, moved_on, numbers, rehearse
from tests.doubles import World, install, sync_between

pytestmark = pytest.mark.either_database


class Killed(BaseException):
    """What no handler catches, as little as SIGKILL."""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    install(monkeypatch, world)
    return world


@pytest.fixture
def moved(world: World, tenant: Tenant) -> Sync:
    return moved_on(world, sync_between(tenant))


def killed_at(step: int, monkeypatch: pytest.MonkeyPatch, run_id: int) -> bool:
    """Whether the worker lived to see that step."""
    confirm, steps = Lease.confirm, iter(range(1000))

    def counted(lease: Lease) -> None:
        if next(steps) == step:
            raise Killed
        confirm(lease)

    with monkeypatch.context() as patched:
        patched.setattr(Lease, "confirm", counted)
        try:
            previews.rehearse(run_id)
        except Killed:
            return True
    return False


def found(preview: Preview) -> tuple[Any, Any]:
    """All but how many rows were read and left alone: a page that was read twice counts twice there."""
    return entries(preview), {outcome: number for outcome, number in numbers(preview).items() if outcome != "unchanged"}


def test_a_preview_goes_on_wherever_its_worker_died(world: World, moved: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything(moved)
    expected = found(rehearse(moved))
    step, died = 0, True
    while died:
        preview = previews.start(moved, kind="run", proposal={}, actor=WHO)
        assert preview.rehearsal is not None
        run_id = preview.rehearsal.runs.get().pk
        died = killed_at(step, monkeypatch, run_id)
        silent = timezone.now() - timedelta(hours=1)
        Run.objects.across_tenants().filter(pk=run_id).update(heartbeat_at=silent)
        if died:
            finish(preview)
        preview.refresh_from_db()
        assert preview.status == Preview.Status.READY, step
        assert found(preview) == expected, step
        step += 1
    assert step > 5
    assert everything(moved)[:5] == before[:5]


def test_a_copy_goes_though_its_clearing_is_killed(world: World, moved: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    preview = rehearse(moved)
    copy = preview.rehearsal_id
    assert copy is not None

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    for model in (Candidate, Record, Run):
        with monkeypatch.context() as patched:
            patched.setattr(model.objects, "across_tenants", killed)
            with pytest.raises(Killed):
                previews.clear(copy)
        assert Sync.objects.across_tenants().filter(pk=copy).exists()
    previews.clear(copy)
    assert not Sync.objects.across_tenants().filter(pk=copy).exists()
    preview.refresh_from_db()
    assert (preview.status, preview.rehearsal_id) == (Preview.Status.READY, None)


def test_a_workspace_deleted_during_a_preview_leaves_nothing(
    world: World, moved: Sync, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    preview = previews.start(moved, kind="run", proposal={}, actor=WHO)
    assert preview.rehearsal is not None
    run_id = preview.rehearsal.runs.get().pk
    assert killed_at(4, monkeypatch, run_id)
    append(tenant.pk, [Entry("trail.exported", "done", actor=WHO, source_ref="trail")])
    closing.close(tenant, actor=WHO, typed_name=tenant.name)
    assert not erasure.erase_closed()
    Run.objects.across_tenants().filter(pk=run_id).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    while previews.rehearse(run_id):
        pass
    assert erasure.erase_closed()
    for model in (Sync, Run, Record, Preview, PreviewEntry):
        assert not model.objects.across_tenants().exists(), model
