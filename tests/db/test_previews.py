"""Previews: they tell what a run would do, they change nothing, and what is approved is what was looked at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from audit.models import AuditEntry
from connections.errors import ConfigError, TransientError
from connections.models import Connection
from mlconnector.tenants.models import Tenant
from syncs import services
from syncs.engine.flow import Item, Reference
from syncs.engine.lease import Lease
from syncs.models import Preview, PreviewEntry, Record, Run, Sync
from syncs.previewing import previews
from tests import factories
from tests.db.preview_scene import WHO, entries, everything, finish, moved_on, numbers, rehearse, run
from tests.doubles import Parts, Things, World, install, offer, sync_between

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


def test_a_preview_tells_what_the_run_then_does(world: World, mixed: Sync) -> None:
    preview = rehearse(mixed)
    assert preview.status == Preview.Status.READY
    foreseen = entries(preview)
    assert foreseen == {
        "things:t0": "updated",
        "things:new": "created",
        "things:skip": "skipped",
        "things:bad2": "rejected",
        "things:bad": "rejected",
        "parts:p1": "waiting",
    }
    assert numbers(preview) == {"updated": 1, "created": 1, "skipped": 1, "rejected": 2, "unchanged": 5}
    approved = previews.approve(preview, actor=WHO)
    while services.execute(approved.pk):
        pass
    lines = AuditEntry.objects.filter(run_id=approved.pk, action__in=("write", "decide"))
    told = {f"{flow}:{key}": outcome for flow, key, outcome in lines.values_list("flow", "source_ref", "outcome")}
    assert told == {key: outcome for key, outcome in foreseen.items() if key not in ("things:bad", "parts:p1")}


def test_a_preview_changes_nothing(world: World, mixed: Sync) -> None:
    before, written, trail = everything(mixed), dict(world.destination.documents), AuditEntry.objects.count()
    rehearse(mixed)
    assert everything(mixed) == before
    assert world.destination.documents == written
    actions = AuditEntry.objects.order_by("-sequence").values_list("action", flat=True)
    assert list(actions)[: AuditEntry.objects.count() - trail] == ["preview.start"]


def test_its_copy_is_seen_by_nobody_and_goes_when_it_is_done(world: World, mixed: Sync) -> None:
    preview = previews.start(mixed, kind="run", proposal={}, actor=WHO)
    tenant = mixed.tenant_id
    assert list(Sync.objects.for_tenant(tenant)) == [mixed]
    copy = Sync.objects.across_tenants().get(pk=preview.rehearsal_id)
    assert copy.created_at == mixed.created_at  # from when on it counts, where it has no start date
    finish(preview)
    assert Record.objects.for_tenant(tenant).count() * 2 < Record.objects.across_tenants().count() + 5
    previews.clear(preview.rehearsal_id)
    preview.refresh_from_db()
    assert preview.rehearsal is None
    assert Sync.objects.across_tenants().count() == 1
    assert Record.objects.across_tenants().count() == Record.objects.for_tenant(tenant).count()
    assert preview.entries.count() == 6


def test_a_line_holds_what_was_and_what_would_be(world: World, mixed: Sync) -> None:
    preview = rehearse(mixed)
    entry = preview.entries.get(source_key="t0")
    assert '"before":{"name":"thing 0"}' in entry.detail
    assert '"after":{"name":"renamed"}' in entry.detail
    assert entry.title == "renamed"


def test_a_run_that_is_meant_is_never_made_on_a_copy(mixed: Sync) -> None:
    preview = previews.start(mixed, kind="run", proposal={}, actor=WHO)
    assert preview.rehearsal is not None
    rehearsed = preview.rehearsal.runs.get()
    with pytest.raises(ValueError, match="rehearsal"):
        services.execute(rehearsed.pk)
    meant = services.run_now(mixed, actor=WHO, enqueue=False)
    with pytest.raises(ValueError, match="rehearsal"):
        previews.rehearse(meant.pk)


def test_only_one_at_a_time(mixed: Sync) -> None:
    preview = previews.start(mixed, kind="run", proposal={}, actor=WHO)
    with pytest.raises(ValidationError, match="already"):
        previews.start(mixed, kind="run", proposal={}, actor=WHO)
    previews.discard(preview, actor=WHO)
    previews.start(mixed, kind="run", proposal={}, actor=WHO)


def test_none_while_a_connection_is_broken(mixed: Sync) -> None:
    Connection.objects.across_tenants().filter(pk=mixed.source_id).update(status="broken", status_text="No.")
    with pytest.raises(ValidationError, match="needs attention"):
        previews.start(mixed, kind="run", proposal={}, actor=WHO)


@pytest.mark.parametrize(
    "error", [ConfigError("The key is refused."), TransientError("It rests.", retry_after=7200), RuntimeError("oops")]
)
def test_one_that_fails_says_why_and_harms_no_connection(world: World, mixed: Sync, error: Any) -> None:
    before = everything(mixed)
    world.source.fail_at_call[world.source.door.calls + 1] = error
    preview = rehearse(mixed)
    assert preview.status == Preview.Status.FAILED
    assert preview.error_text
    assert everything(mixed) == before


def test_discarding_stops_it(mixed: Sync) -> None:
    preview = previews.start(mixed, kind="run", proposal={}, actor=WHO)
    assert preview.rehearsal is not None
    lease = Lease.claim(preview.rehearsal.runs.get().pk)
    assert lease is not None
    previews.discard(preview, actor=WHO)
    lease.release()
    finish(preview)
    assert preview.status == Preview.Status.DISCARDED
    assert preview.rehearsal.runs.get().status == Run.Status.CANCELLED
    with pytest.raises(ValidationError, match="discarded"):
        previews.approve(preview, actor=WHO)


class Touching(Parts):
    """Each has its thing read again."""

    def touched(self, item: Item) -> list[Reference]:
        return [("things", item.document["of"].removeprefix("id-"))]


@pytest.mark.parametrize("before", ["", "first"])
def test_a_record_that_is_written_twice_has_one_line(
    world: World, sync: Sync, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an invoice that goes out as open, and is paid once its payment is there."""
    sides = {"memory_source": world.source, "memory_destination": world.destination}
    offer(monkeypatch, "memory", sides, (Things(), Touching()))
    if before:
        world.source.put("things", "t1", 1, name=before)
        run(sync)
    world.source.put("things", "t1", 5, name="second")
    world.source.put("parts", "p1", 6, name="part", of="t1")
    pages = iter(range(100))

    def meanwhile(_: int) -> None:
        if next(pages) == 1:
            world.source.put("things", "t1", 5, name="third")

    world.source.before_page = meanwhile
    preview = rehearse(sync)
    entry = preview.entries.get(flow="things")
    assert numbers(preview) == {"updated" if before else "created": 1}
    assert "second" not in entry.detail
    assert "third" in entry.detail
    assert '"before":{"name":"first"}' in entry.detail if before else '"before"' not in entry.detail


def test_a_record_that_is_looked_at_twice_is_counted_once(
    world: World, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = {"memory_source": world.source, "memory_destination": world.destination}
    offer(monkeypatch, "memory", sides, (Things(), Touching()))
    world.source.put("things", "t1", 5, name="one")
    world.source.put("parts", "p1", 6, name="part", of="t1")
    preview = rehearse(sync)
    assert numbers(preview) == {"created": 1}
    assert numbers(preview, "parts") == {"created": 1}


# Approving ------------------------------------------------------------------------------------------------------------


def test_approving_a_first_preview_starts_the_sync(world: World, sync: Sync) -> None:
    world.source.put("things", "t1", 1, name="one")
    preview = rehearse(sync)
    approved = previews.approve(preview, actor=WHO)
    sync.refresh_from_db()
    assert not sync.paused
    assert approved.status == Run.Status.QUEUED


def test_a_paused_sync_stays_paused(world: World, mixed: Sync) -> None:
    previews.approve(rehearse(mixed), actor=WHO)
    mixed.refresh_from_db()
    assert mixed.paused


def test_nobody_approves_twice(mixed: Sync) -> None:
    preview = rehearse(mixed)
    previews.approve(preview, actor=WHO)
    with pytest.raises(ValidationError, match="approved"):
        previews.approve(Preview.objects.across_tenants().get(pk=preview.pk), actor=WHO)


def test_what_changed_meanwhile_is_looked_at_again(mixed: Sync) -> None:
    preview = rehearse(mixed)
    services.set_flow(mixed.flows.get(key="parts"), actor=WHO, enabled=False)
    with pytest.raises(ValidationError, match="changed since"):
        previews.approve(preview, actor=WHO)
    preview.refresh_from_db()
    assert preview.status == Preview.Status.READY


def test_an_old_one_is_looked_at_again(mixed: Sync) -> None:
    preview = rehearse(mixed)
    Preview.objects.across_tenants().update(finished_at=timezone.now() - timedelta(hours=25))
    preview.refresh_from_db()
    with pytest.raises(ValidationError, match="day old"):
        previews.approve(preview, actor=WHO)


def test_only_the_newest_keep_their_lists(mixed: Sync) -> None:
    made = []
    for _ in range(previews.KEPT + 1):
        made.append(rehearse(mixed))
        previews.clear(made[-1].rehearsal_id)
    assert not made[0].entries.exists()
    assert made[1].entries.exists()
    assert PreviewEntry.objects.across_tenants().count() == 6 * previews.KEPT


# Proposals ------------------------------------------------------------------------------------------------------------


def test_a_replay_goes_through_the_chosen_records_alone(world: World, mixed: Sync) -> None:
    world.source.put("things", "bad", 7, name="good")
    bad = Record.objects.for_tenant(mixed.tenant_id).get(source_key="bad")
    preview = rehearse(mixed, "replay", records=[bad.pk])
    assert entries(preview) == {"things:bad": "created"}
    approved = previews.approve(preview, actor=WHO)
    assert approved.only_due
    while services.execute(approved.pk):
        pass
    bad.refresh_from_db()
    assert bad.status == Record.Status.SYNCED


def test_a_replay_by_cause(world: World, mixed: Sync) -> None:
    world.source.put("things", "bad", 7, name="good")
    assert entries(rehearse(mixed, "replay", cause="bad_name", flow="things")) == {"things:bad": "created"}
    with pytest.raises(ValidationError, match="nothing left"):
        previews.start(mixed, kind="replay", proposal={"cause": "no_such", "flow": "things"}, actor=WHO)


def test_records_of_another_sync_are_none_of_its_business(mixed: Sync, other_tenant_record: Record) -> None:
    with pytest.raises(ValidationError, match="nothing left"):
        previews.start(mixed, kind="replay", proposal={"records": [other_tenant_record.pk]}, actor=WHO)


@pytest.fixture
def other_tenant_record(other_tenant: Tenant) -> Record:
    return factories.record(factories.flow(factories.sync(other_tenant)), "1")
