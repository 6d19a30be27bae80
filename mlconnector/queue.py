"""The queue from outside: is it alive, what must always be scheduled, and what is cleared away.

A queue process killed while idle can hold django-q's read lock for ever: logs look healthy and nothing moves. So each
worker leaves a sign of life at the start and the end of every task, a task comes each minute, and ``manage.py
worker`` restarts a queue that went silent.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.dispatch import receiver
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import Failure, OrmQ, Schedule
from django_q.signals import post_execute_in_worker, pre_execute

from mlconnector.models import Heartbeat

MAIN = "ml-connector"
BACKFILL = "backfill"
SILENT_AFTER = timedelta(seconds=settings.QUEUE_SILENT_SECONDS)
_HOST = socket.gethostname()[:120]


def workers_of(queue: str) -> int:
    return int(settings.BACKFILL_WORKERS if queue == BACKFILL else settings.QUEUE_WORKERS)


@receiver(pre_execute)
def _started(sender: Any, **_: Any) -> None:
    sign_of_life(busy=True)


@receiver(post_execute_in_worker)
def _ended(sender: Any, **_: Any) -> None:
    sign_of_life(busy=False)


def sign_of_life(*, busy: bool) -> None:
    Heartbeat.objects.update_or_create(
        queue=Conf.CLUSTER_NAME, host=_HOST, pid=os.getpid(), defaults={"at": timezone.now(), "busy": busy}
    )


def beat() -> None:
    """The task that comes each minute. Its start and end are the sign of life."""


def alive(queue: str = MAIN, *, now: datetime | None = None) -> bool:
    """Whether the queue moves. While all its workers are busy with long tasks, no beat can get through, and silence
    means death only after a task's time limit."""
    now = now or timezone.now()
    rows = list(Heartbeat.objects.filter(queue=queue).order_by("-at")[:50])
    if not rows:
        return False
    if now - rows[0].at <= SILENT_AFTER:
        return True
    return _busy(rows, now) >= workers_of(queue)


def least_busy() -> str:
    """For short tasks that someone waits for: a queue with a worker at hand, or else the main one."""
    now = timezone.now()
    for queue in (MAIN, BACKFILL):
        rows = list(Heartbeat.objects.filter(queue=queue).order_by("-at")[:50])
        if alive(queue, now=now) and _busy(rows, now) < workers_of(queue):
            return queue
    return MAIN


def _busy(rows: list[Heartbeat], now: datetime) -> int:
    """How many of these workers are at a task."""
    limit = timedelta(seconds=settings.Q_CLUSTER["timeout"]) + SILENT_AFTER
    return sum(row.busy and now - row.at <= limit and not _gone(row) for row in rows)


def _gone(row: Heartbeat) -> bool:
    """Whether that process is known to have ended; of another host's processes nothing is known."""
    if row.host != _HOST:
        return False
    try:
        os.kill(row.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def ensure_schedules() -> None:
    """The rows without which nothing moves. Called by every start of a worker; repeating is harmless."""
    _schedule("beat", "mlconnector.queue.beat", MAIN, minutes=1)
    _schedule("beat backfill", "mlconnector.queue.beat", BACKFILL, minutes=1)
    _schedule("purge", "mlconnector.queue.purge", MAIN, minutes=24 * 60)
    _schedule("tick", "syncs.tasks.tick", MAIN, minutes=1)
    _schedule("notifications", "mlconnector.notifications.tasks.tick", MAIN, minutes=1)
    _schedule("notifications purge", "mlconnector.notifications.tasks.purge", BACKFILL, minutes=24 * 60)
    _schedule("upkeep", "syncs.tasks.upkeep", BACKFILL, minutes=10)


def _schedule(name: str, func: str, queue: str, *, minutes: int) -> None:
    wanted = {"func": func, "cluster": queue, "schedule_type": Schedule.MINUTES, "minutes": minutes, "repeats": -1}
    row, created = Schedule.objects.get_or_create(name=name, defaults=wanted)
    changed = {field for field, value in wanted.items() if getattr(row, field) != value}
    if not created and changed:
        for field in changed:
            setattr(row, field, wanted[field])
        row.save(update_fields=sorted(changed))


def purge(now: datetime | None = None) -> int:
    """Clears old failures of the queue and signs of life of processes long gone. Returns how many rows went."""
    now = now or timezone.now()
    failures: int
    failures, _ = Failure.objects.filter(stopped__lt=now - timedelta(days=settings.QUEUE_RESULT_DAYS)).delete()
    beats, _ = Heartbeat.objects.filter(at__lt=now - timedelta(days=1)).delete()
    return failures + beats


def waiting(queue: str = MAIN) -> int:
    """Tasks nobody has taken yet."""
    return int(OrmQ.objects.filter(key=queue, lock__lte=timezone.now()).count())
