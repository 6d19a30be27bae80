"""When runs start: claims due syncs fairly, recovers runs whose worker went silent, and puts run IDs in the queue."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone
from django_q.tasks import async_task

from connections import checkups
from connections.models import Checkup, Connection
from mlconnector.queue import BACKFILL, MAIN
from syncs.models import Run, Sync

BATCH = 100
JITTER = 0.1


def enqueue(run: Run) -> None:
    """Puts a run's ID, and nothing else, in the queue once the present transaction is committed."""
    Run.objects.across_tenants().filter(pk=run.pk).update(enqueued_at=timezone.now())
    rehearsal = run.sync.rehearsal
    task = "syncs.tasks.rehearse" if rehearsal else "syncs.tasks.execute_run"
    queue = BACKFILL if rehearsal or run.backfill_from else MAIN
    transaction.on_commit(lambda: async_task(task, run.pk, cluster=queue, group=f"run-{run.pk}"))


def enqueue_clearing(copy_id: int) -> None:
    """Has the copy of a preview taken away once the present transaction is committed."""
    transaction.on_commit(lambda: async_task("syncs.tasks.clear_rehearsal", copy_id, cluster=BACKFILL))


def tick() -> int:
    """Once a minute: recovers, has connections tested, then starts what is due. Returns how many runs it put in the
    queue."""
    recovered = recover()
    checkups.start_due(suspects=suspects())
    return recovered + start_due()


def suspects() -> set[int]:
    """Connections of syncs whose last run failed, not tested since: their next run waits for that test."""
    last_end = Run.objects.across_tenants().filter(sync=OuterRef("pk")).order_by("-pk").values("finished_at")[:1]
    failing = Sync.objects.across_tenants().filter(paused=False, rehearsal=False, failures__gt=0)
    found: set[int] = set()
    for sync in failing.annotate(ended=Subquery(last_end)).select_related("source", "destination"):
        for side in (sync.source, sync.destination):
            if sync.ended is not None and (side.checked_at is None or side.checked_at < sync.ended):
                found.add(side.pk)
    return found


def recover(now: datetime | None = None) -> int:
    """Runs whose worker stopped beating, and queued ones that the queue has lost, go back in the queue."""
    now = now or timezone.now()
    silent = now - timedelta(seconds=settings.LEASE_SECONDS)
    lost = now - timedelta(seconds=settings.LEASE_SECONDS * 5)
    gone = Q(status=Run.Status.RUNNING, heartbeat_at__lt=silent) & (Q(enqueued_at__lt=silent) | Q(enqueued_at=None))
    forgotten = Q(status=Run.Status.QUEUED) & (Q(enqueued_at__lt=lost) | Q(enqueued_at=None, created_at__lt=lost))
    runs = list(Run.objects.across_tenants().filter(gone | forgotten).select_related("sync")[:BATCH])
    for run in runs:
        with transaction.atomic():
            enqueue(run)
    return len(runs)


def start_due(now: datetime | None = None) -> int:
    """Claims due syncs in batches, the tenants in turn, and queues a run of each."""
    now = now or timezone.now()
    started = 0
    while True:
        with transaction.atomic():
            syncs = _claim(now)
            for sync in _in_turn(syncs):
                started += _start(sync, now)
        if len(syncs) < BATCH:
            return started


def _claim(now: datetime) -> list[Sync]:
    """Due syncs whose connections may be used; locked until the transaction ends, those locked elsewhere left out."""
    broken = Q(source__status=Connection.Status.BROKEN) | Q(destination__status=Connection.Status.BROKEN)
    resting = Q(source__held_until__gt=now) | Q(destination__held_until__gt=now)
    under_test = Checkup.objects.across_tenants().filter(checkups.active(now)).values("pk")
    doubted = Q(failures__gt=0) & (Q(source__in=under_test) | Q(destination__in=under_test))
    due = Sync.objects.across_tenants().filter(paused=False, next_run_at__lte=now)
    due = due.exclude(broken).exclude(resting).exclude(doubted)
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True, of=("self",))
    return list(due.order_by("next_run_at", "pk")[:BATCH])


def _in_turn(syncs: list[Sync]) -> list[Sync]:
    """One of each tenant, then the second of each, so that no tenant's many syncs delay another's few."""
    turns: dict[int, int] = {}
    ranked: list[tuple[int, int, Sync]] = []
    for sync in syncs:
        turns[sync.tenant_id] = turns.get(sync.tenant_id, 0) + 1
        ranked.append((turns[sync.tenant_id], len(ranked), sync))
    return [sync for _, _, sync in sorted(ranked, key=lambda entry: entry[:2])]


def _start(sync: Sync, now: datetime) -> int:
    """The next time first: on SQLite, which cannot skip locked rows, this conditional update is the claim."""
    wait = timedelta(minutes=sync.every_minutes) * random.uniform(1 - JITTER, 1 + JITTER)
    claimed = Sync.objects.across_tenants().filter(pk=sync.pk, next_run_at=sync.next_run_at)
    if not claimed.update(next_run_at=now + wait):
        return 0
    if sync.runs.filter(status__in=Run.ACTIVE).exists():
        return 0
    run = Run.objects.create(sync=sync, trigger=Run.Trigger.SCHEDULE, requested_by="schedule")
    enqueue(run)
    return 1
