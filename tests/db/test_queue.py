from __future__ import annotations

import os
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import Failure, Schedule
from django_q.signals import post_execute_in_worker, pre_execute

from mlconnector import queue
from mlconnector.management.commands.doctor import examine
from mlconnector.models import Heartbeat

pytestmark = pytest.mark.django_db
OTHER_HOST, GONE = "elsewhere", 2**22 + 1


def beat(age: timedelta, *, busy: bool = False, pid: int = 1, host: str = OTHER_HOST, name: str = queue.MAIN) -> None:
    Heartbeat.objects.create(queue=name, host=host, pid=pid, at=timezone.now() - age, busy=busy)


def test_no_sign_of_life_is_no_life() -> None:
    assert not queue.alive()


def test_a_recent_beat_is_life_in_that_queue_only() -> None:
    beat(timedelta(minutes=1))
    assert queue.alive(queue.MAIN)
    assert not queue.alive(queue.BACKFILL)


def test_silence_of_idle_workers_is_death() -> None:
    beat(timedelta(minutes=4), pid=1)
    beat(timedelta(minutes=4), pid=2, busy=True)
    assert not queue.alive()


def test_silence_is_excused_while_every_worker_is_busy() -> None:
    beat(timedelta(minutes=10), pid=1, busy=True)
    beat(timedelta(minutes=9), pid=2, busy=True)
    assert queue.alive()


def test_but_not_longer_than_a_task_may_take() -> None:
    age = timedelta(seconds=settings.Q_CLUSTER["timeout"]) + queue.SILENT_AFTER + timedelta(seconds=1)
    beat(age, pid=1, busy=True)
    beat(age, pid=2, busy=True)
    assert not queue.alive()


def test_a_busy_process_that_is_gone_does_not_count() -> None:
    beat(timedelta(minutes=10), pid=GONE, busy=True, host=queue._HOST)
    beat(timedelta(minutes=10), pid=os.getpid(), busy=True, host=queue._HOST)
    assert not queue.alive()


def test_workers_leave_a_sign_before_and_after_each_task() -> None:
    pre_execute.send(sender="django_q", func=None, task={})
    assert Heartbeat.objects.get(pid=os.getpid()).busy
    post_execute_in_worker.send(sender="django_q", func=None, task={})
    assert not Heartbeat.objects.get(pid=os.getpid()).busy
    assert queue.alive()


def test_schedules_are_set_once_and_corrected() -> None:
    queue.ensure_schedules()
    names = sorted(Schedule.objects.values_list("name", flat=True))
    Schedule.objects.filter(name="tick").update(minutes=99)
    queue.ensure_schedules()
    assert sorted(Schedule.objects.values_list("name", flat=True)) == names
    assert len(set(names)) == len(names)
    tick = Schedule.objects.get(name="tick")
    assert (tick.func, tick.minutes, tick.cluster, tick.repeats) == ("syncs.tasks.tick", 1, queue.MAIN, -1)


def test_old_failures_and_signs_are_cleared_away() -> None:
    now = timezone.now()
    for age in (1, 30):
        stopped = now - timedelta(days=age)
        Failure.objects.create(id=str(age), name="x", func="x", started=stopped, stopped=stopped, success=False)
    beat(timedelta(days=2), pid=1)
    beat(timedelta(minutes=1), pid=2)
    assert queue.purge() == 2
    assert Failure.objects.count() == Heartbeat.objects.count() == 1


def test_doctor_names_the_next_step() -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="2 to look after"):
        call_command("doctor", stdout=out)
    text = out.getvalue()
    assert "FAIL schedule: nothing would ever start" in text
    assert "FAIL worker: no sign of life from ml-connector, backfill\n     next: manage.py worker" in text


def test_doctor_is_content_when_all_is_well() -> None:
    queue.ensure_schedules()
    beat(timedelta(seconds=1), pid=1)
    beat(timedelta(seconds=1), pid=2, name=queue.BACKFILL)
    call_command("doctor", stdout=StringIO())
    assert [finding.what for finding in examine()] == [
        "encryption keys",
        "settings",
        "database",
        "migrations",
        "audit trail",
        "schedule",
        "worker",
        "backlog",
    ]
