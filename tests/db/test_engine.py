"""The engine's rules, each with a test that fails when the rule is broken. No vendor here."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from audit.models import AuditEntry
from audit.services import verify
from connections.connectors.base import allowance
from connections.errors import ConfigError, StreamRefused, TransientError
from mlconnector.tenants.models import Tenant
from syncs import services
from syncs.engine.lease import Lease, LeaseLost
from syncs.models import Flow, Record, Run, Sync
from tests.doubles import World, install, run, stamp, sync_between

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    install(monkeypatch, world)
    return world


@pytest.fixture
def sync(world: World, tenant: Tenant) -> Sync:
    return sync_between(tenant)


def counts(run: Run, flow: str = "things") -> dict[str, int]:
    flow_run = run.flow_runs.get(flow__key=flow)
    names = ("read", "created", "updated", "unchanged", "skipped", "waiting", "held", "rejected")
    return {name: getattr(flow_run, name) for name in names if getattr(flow_run, name)}


def statuses(sync: Sync) -> dict[str, str]:
    records = Record.objects.for_tenant(sync.tenant_id)
    return {f"{record.flow.key}:{record.source_key}": record.status for record in records.select_related("flow")}


def test_everything_arrives_once_and_a_second_run_writes_nothing(world: World, sync: Sync) -> None:
    for number in range(8):
        world.source.put("things", f"t{number}", number, name=f"thing {number}")
    first = run(sync)
    assert first.status == Run.Status.SUCCEEDED
    assert counts(first) == {"read": 8, "created": 8}
    entries = AuditEntry.objects.count()
    calls = world.source.door.calls
    second = run(sync)
    assert second.status == Run.Status.SUCCEEDED
    assert len(world.destination.written) == 8
    assert "created" not in counts(second)
    assert AuditEntry.objects.filter(run_id=second.pk, action="write").count() == 0
    assert AuditEntry.objects.count() == entries + 2  # the request and the end of the run
    assert world.source.door.calls - calls <= 2 * 2  # two streams


def test_only_the_changed_record_moves(world: World, sync: Sync) -> None:
    for number in range(8):
        world.source.put("things", f"t{number}", number, name=f"thing {number}")
    run(sync)
    world.destination.written.clear()
    world.source.put("things", "t3", 60, name="new name")
    assert counts(run(sync))["updated"] == 1
    assert world.destination.written == ["things:t3"]


def test_two_changes_under_one_stamp_are_both_seen(world: World, sync: Sync) -> None:
    world.source.put("things", "t", 5, name="one")
    run(sync)
    world.source.put("things", "t", 5, name="two")
    run(sync)
    assert world.destination.documents["things:t"] == {"name": "two"}


def test_a_moved_stamp_alone_writes_nothing(world: World, sync: Sync) -> None:
    world.source.put("things", "t", 5, name="one")
    run(sync)
    world.source.put("things", "t", 50, name="one")
    again = run(sync)
    assert world.destination.written == ["things:t"]
    assert counts(again) == {"read": 1, "unchanged": 1}


def scan_while_the_world_moves(world: World, sync: Sync) -> set[str]:
    """700 rows of one stamp; while they are read, the first ones change and so move behind the last."""
    world.source.page_size = 100
    for number in range(700):
        world.source.put("things", f"t{number:03}", 5, name="x")

    def touch(page: int) -> None:
        if 0 < page < 4:
            world.source.put("things", f"t{page:03}", 60 + page, name="y")

    world.source.before_page = touch
    run(sync)
    return {f"t{number:03}" for number in range(700)} - {key.split(":")[1] for key in world.destination.documents}


def test_rows_that_change_during_the_scan_push_none_out(world: World, sync: Sync) -> None:
    assert scan_while_the_world_moves(world, sync) == set()
    assert world.destination.documents["things:t002"] == {"name": "y"}


def test_paging_by_offset_would_lose_rows(world: World, sync: Sync) -> None:
    """Proves that the test above can fail."""
    world.source.by_offset = True
    assert scan_while_the_world_moves(world, sync) != set()


def test_a_row_committed_late_with_an_old_stamp_is_found_by_the_lookback(
    world: World, sync: Sync, settings: Any
) -> None:
    settings.LOOKBACK_SECONDS = 900
    world.source.put("things", "a", 100, name="a")
    run(sync)
    world.source.put("things", "late", 90, name="late")
    run(sync)
    assert statuses(sync)["things:late"] == "synced"


def test_a_reference_that_is_missing_waits_and_goes_by_itself(world: World, sync: Sync) -> None:
    world.source.put("parts", "p", 5, name="part", of="t")
    first = run(sync)
    assert first.status == Run.Status.PARTIAL
    assert statuses(sync) == {"parts:p": "waiting"}
    world.source.put("things", "t", 50, name="thing")
    second = run(sync)
    assert second.status == Run.Status.SUCCEEDED
    assert statuses(sync) == {"parts:p": "synced", "things:t": "synced"}


def test_one_bad_record_is_rejected_alone_and_the_run_says_partial(world: World, sync: Sync) -> None:
    for key, name in (("a", "fine"), ("b", "bad"), ("c", "skip"), ("d", "fine")):
        world.source.put("things", key, 5, name=name)
    world.destination.refuse.add("things:d")
    first = run(sync)
    assert first.status == Run.Status.PARTIAL
    assert counts(first) == {"read": 4, "created": 1, "skipped": 1, "rejected": 2}
    assert statuses(sync) == {
        "things:a": "synced",
        "things:b": "rejected",
        "things:c": "skipped",
        "things:d": "rejected",
    }
    again = run(sync)
    assert again.status == Run.Status.PARTIAL, "what is seen again and still not settled counts again"
    assert counts(again) == {"read": 4, "unchanged": 2, "rejected": 2}
    texts = {record.source_key: record.error_text for record in Record.objects.for_tenant(sync.tenant_id)}
    assert texts["b"] == "The name is bad. Change it."


def test_replay_delivers_what_was_refused_and_doubles_nothing(world: World, sync: Sync) -> None:
    world.source.put("things", "a", 5, name="fine")
    world.source.put("things", "d", 5, name="fine")
    world.destination.refuse.add("things:d")
    run(sync)
    world.destination.refuse.clear()
    rejected = services.by_cause(sync, "refused")
    marked, queued = services.replay(rejected, sync=sync, actor="member:t", cause="refused")
    assert (marked, queued is not None) == (1, True)
    assert queued is not None
    services.execute(queued.pk)
    assert statuses(sync)["things:d"] == "synced"
    marked, again = services.replay(services.of_run(queued), sync=sync, actor="member:t")
    assert again is not None
    services.execute(again.pk)
    assert counts(again) == {"read": 1, "unchanged": 1}
    assert world.destination.written.count("things:d") == 1


def test_a_replay_reads_the_source_again(world: World, sync: Sync) -> None:
    world.source.put("things", "d", 5, name="old")
    world.destination.refuse.add("things:d")
    run(sync)
    world.destination.refuse.clear()
    world.source.put("things", "d", 50, name="new")
    _, queued = services.replay(services.by_cause(sync, "refused"), sync=sync, actor="member:t")
    assert queued is not None
    services.execute(queued.pk)
    assert world.destination.documents["things:d"] == {"name": "new"}


class Killed(BaseException):
    """As sudden as a signal: nothing catches it."""


def test_a_worker_that_dies_is_taken_over_at_its_last_page(world: World, sync: Sync, settings: Any) -> None:
    settings.WRITE_UNIT = 3
    for number in range(12):
        world.source.put("things", f"t{number:02}", number, name="x")

    def die(call: int) -> None:
        if call == 3:
            raise Killed

    world.destination.before_write = die
    started = services.run_now(sync, actor="member:t", enqueue=False)
    with pytest.raises(Killed):
        services.execute(started.pk)
    world.destination.before_write = None
    flow = Flow.objects.for_tenant(sync.tenant_id).get(key="things")
    assert flow.checkpoint["things"]["scan"]["after"] == [stamp(5), "t05"]
    settings.LEASE_SECONDS = 0
    services.execute(started.pk)
    started.refresh_from_db()
    assert started.status == Run.Status.SUCCEEDED
    assert world.destination.written == [f"things:t{number:02}" for number in range(12)]
    assert counts(started)["created"] == 12
    assert verify(sync.tenant_id).ok


def test_a_worker_that_was_taken_over_can_store_nothing_more(world: World, sync: Sync, settings: Any) -> None:
    started = services.run_now(sync, actor="member:t", enqueue=False)
    settings.LEASE_SECONDS = 0
    first, second = Lease.claim(started.pk), Lease.claim(started.pk)
    assert first is not None
    assert second is not None
    with pytest.raises(LeaseLost):
        first.confirm()
    second.confirm()
    started.refresh_from_db()
    assert started.takeovers == 1


def test_what_is_left_of_the_day_is_kept_after_a_flow(world: World, sync: Sync) -> None:
    world.destination.door.allowance = allowance(120, 1000)
    run(sync)
    sync.source.refresh_from_db()
    sync.destination.refresh_from_db()
    assert "allowance" not in sync.source.capabilities
    assert sync.destination.capabilities["allowance"]["left"] == 120


def test_a_sync_runs_once_at_a_time(sync: Sync) -> None:
    first = services.run_now(sync, actor="member:t", enqueue=False)
    assert services.run_now(sync, actor="member:t", enqueue=False) == first
    assert Lease.claim(first.pk) is not None
    assert Lease.claim(first.pk) is None


def test_a_passing_failure_ends_the_run_and_the_next_one_goes_on(world: World, sync: Sync) -> None:
    services.resume(sync, actor="member:t")
    for number in range(8):
        world.source.put("things", f"t{number}", number, name="x")
    world.source.fail_at_call = {2: TransientError("The system does not answer. It is tried again by itself.")}
    failed = run(sync)
    assert failed.status == Run.Status.FAILED
    sync.refresh_from_db()
    assert sync.failures == 1
    assert sync.next_run_at is not None
    assert sync.next_run_at <= timezone.now() + timezone.timedelta(minutes=1)
    assert run(sync).status == Run.Status.SUCCEEDED
    assert len(world.destination.written) == 8
    sync.refresh_from_db()
    assert sync.failures == 0


def test_wrong_credentials_break_the_connection_and_stop_its_runs(world: World, sync: Sync) -> None:
    world.source.fail_at_call = {1: ConfigError("The key is wrong. Enter a new one.")}
    assert run(sync).status == Run.Status.FAILED
    sync.source.refresh_from_db()
    sync.destination.refresh_from_db()
    assert (sync.source.status, sync.destination.status) == ("broken", "untested")
    with pytest.raises(services.ValidationError, match="needs attention first"):
        services.run_now(sync, actor="member:t", enqueue=False)


def test_the_destination_is_blamed_for_what_it_refuses(world: World, sync: Sync) -> None:
    world.source.put("things", "t", 5, name="x")

    def refuse(call: int) -> None:
        raise ConfigError("The key is wrong. Enter a new one.")

    world.destination.before_write = refuse
    assert run(sync).status == Run.Status.FAILED
    sync.source.refresh_from_db()
    sync.destination.refresh_from_db()
    assert (sync.source.status, sync.destination.status) == ("untested", "broken")


def test_a_refused_stream_stops_its_flow_and_not_the_others(world: World, sync: Sync) -> None:
    world.source.put("things", "t", 5, name="x")
    world.source.put("parts", "p", 5, name="x", of="t")
    world.source.fail_at_call = {1: StreamRefused("Things may not be read. Add the role.")}
    first = run(sync)
    assert first.status == Run.Status.PARTIAL
    assert "Add the role" in first.error_text
    assert statuses(sync) == {"parts:p": "waiting"}


def test_a_cancelled_run_stops_and_the_next_one_goes_on(world: World, sync: Sync, settings: Any) -> None:
    settings.WRITE_UNIT = 3
    settings.LEASE_SECONDS = 0  # every beat looks
    for number in range(12):
        world.source.put("things", f"t{number:02}", number, name="x")
    started = services.run_now(sync, actor="member:t", enqueue=False)

    def cancel(call: int) -> None:
        if call == 2:
            services.cancel(Run.objects.across_tenants().get(pk=started.pk), actor="member:t")

    world.destination.before_write = cancel
    services.execute(started.pk)
    started.refresh_from_db()
    assert started.status == Run.Status.CANCELLED
    assert 0 < len(world.destination.written) < 12
    world.destination.before_write = None
    assert run(sync).status == Run.Status.SUCCEEDED
    assert sorted(world.destination.documents) == [f"things:t{number:02}" for number in range(12)]


def test_a_run_works_in_slices(world: World, sync: Sync, settings: Any) -> None:
    settings.SLICE_SECONDS = 0
    for number in range(8):
        world.source.put("things", f"t{number}", number, name="x")
    started = services.run_now(sync, actor="member:t", enqueue=False)
    slices = 1
    while services.execute(started.pk):
        slices += 1
    started.refresh_from_db()
    assert slices > 3
    assert started.status == Run.Status.SUCCEEDED
    assert len(world.destination.written) == 8


def test_batches_are_filled_over_page_borders(world: World, sync: Sync, settings: Any) -> None:
    settings.WRITE_UNIT = 4
    for number in range(10):
        world.source.put("things", f"t{number}", number, name="x")
    run(sync)
    assert world.destination.batches == [4, 4, 2]


def test_a_backfill_reads_again_from_a_date(world: World, sync: Sync) -> None:
    world.source.put("things", "old", 5, name="x")
    world.source.put("things", "new", 60 * 24 * 10, name="x")
    run(sync)
    again = run(sync, backfill_from=timezone.datetime(2026, 1, 1).date(), trigger=Run.Trigger.BACKFILL)
    assert counts(again) == {"read": 2, "unchanged": 2}


def test_a_stream_without_a_cursor_is_read_whole_at_first_and_weekly(world: World, sync: Sync) -> None:
    world.source.filters = False
    world.source.put("things", "old", 5, name="x")
    world.source.put("things", "new", 60 * 24 * 200, name="x")
    run(sync)
    assert set(world.destination.written) == {"things:old", "things:new"}
    world.source.put("things", "old", 6, name="changed long after")
    run(sync)
    assert world.destination.documents["things:old"] == {"name": "x"}, "outside the window"
    flow = sync.flows.get(key="things")
    flow.checkpoint["things"]["whole_at"] = "2026-01-01T00:00:00+00:00"
    flow.save(update_fields=["checkpoint"])
    run(sync)
    assert world.destination.documents["things:old"] == {"name": "changed long after"}


def test_a_backfill_never_skips_what_was_still_to_be_read(world: World, sync: Sync, settings: Any) -> None:
    settings.WRITE_UNIT = 3
    for number in range(12):
        world.source.put("things", f"t{number:02}", number, name="x")

    def fail(call: int) -> None:
        if call == 2:
            raise TransientError("The system does not answer.")

    world.destination.before_write = fail
    assert run(sync).status == Run.Status.FAILED
    world.destination.before_write = None
    run(sync, backfill_from=timezone.datetime(2026, 6, 1).date(), trigger=Run.Trigger.BACKFILL)
    assert len(world.destination.documents) == 12


def test_a_backfill_starts_at_its_date_though_a_scan_was_under_way(world: World, sync: Sync) -> None:
    world.source.put("things", "old", 5, name="x")
    world.source.put("things", "new", 60 * 24 * 10, name="x")
    run(sync)
    del world.destination.documents["things:old"]
    Record.objects.for_tenant(sync.tenant_id).filter(source_key="old").delete()
    world.source.fail_at_call = {world.source.door.calls + 1: TransientError("The system does not answer.")}
    assert run(sync).status == Run.Status.FAILED
    run(sync, backfill_from=timezone.datetime(2026, 1, 1).date(), trigger=Run.Trigger.BACKFILL)
    assert "things:old" in world.destination.documents


def test_a_source_that_suddenly_shows_nothing_changes_nothing(world: World, sync: Sync) -> None:
    for number in range(12):
        world.source.put("things", f"t{number:02}", number, name="x")
    run(sync)
    rows, world.source.rows = world.source.rows, {}
    _, queued = services.replay(Record.objects.for_tenant(sync.tenant_id), sync=sync, actor="member:t")
    assert queued is not None
    services.execute(queued.pk)
    queued.refresh_from_db()
    assert (queued.status, queued.error_code) == (Run.Status.PARTIAL, "source_hides_all")
    assert set(statuses(sync).values()) == {"synced"}
    world.source.rows = rows
    assert run(sync).status == Run.Status.SUCCEEDED


def test_a_record_that_vanished_from_the_source_is_held(world: World, sync: Sync) -> None:
    world.source.put("things", "t", 5, name="x")
    run(sync)
    del world.source.rows["things"]["t"]
    record = Record.objects.for_tenant(sync.tenant_id).filter(source_key="t")
    _, queued = services.replay(record, sync=sync, actor="member:t")
    assert queued is not None
    services.execute(queued.pk)
    assert statuses(sync) == {"things:t": "held"}
    assert record.get().error_code == "source_missing"


def test_a_mark_set_while_a_record_is_being_written_survives(world: World, sync: Sync) -> None:
    world.source.put("things", "t", 5, name="x")
    run(sync)
    record = Record.objects.for_tenant(sync.tenant_id).filter(source_key="t")
    world.source.put("things", "t", 50, name="y")
    world.destination.before_write = lambda _: record.update(next_attempt_at=timezone.now()) and None
    started = services.run_now(sync, actor="member:t", enqueue=False)
    services.execute(started.pk)
    # Read again at once in the same run, and found delivered.
    assert counts(started)["unchanged"] == 1
    assert record.get().next_attempt_at is None


def test_every_attempt_leaves_an_entry_with_before_and_after(world: World, sync: Sync) -> None:
    world.source.put("things", "t", 5, name="old")
    run(sync)
    world.source.put("things", "t", 50, name="new")
    run(sync)
    entries = AuditEntry.objects.filter(source_ref="t").order_by("sequence")
    assert [(entry.action, entry.outcome) for entry in entries] == [("write", "created"), ("write", "updated")]
    assert entries[1].detail == ('{"after":{"name":"new"},"before":{"name":"old"},"sent":{"name":"new"}}')
    assert verify(sync.tenant_id).ok


def test_a_busy_run_hears_of_a_wish_to_cancel(sync: Sync, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """However often its worker says that it is alive."""
    settings.LEASE_SECONDS = 60
    now = [100.0]
    monkeypatch.setattr("syncs.engine.lease.time.monotonic", lambda: now[0])
    lease = Lease.claim(services.run_now(sync, actor="member:t", enqueue=False).pk)
    assert lease is not None
    lease.beat()
    services.cancel(Run.objects.for_tenant(sync.tenant_id).get(), actor="member:t")
    for _ in range(4):
        now[0] += 3
        lease.confirm()
        lease.beat()
    assert lease.cancel_requested
