from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError

from mlconnector import queue
from mlconnector.management.commands import worker
from mlconnector.processes import Child

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    monkeypatch.setattr(worker.connections, "close_all", lambda: None)
    monkeypatch.setattr(worker, "close_old_connections", lambda: None)
    child = Child(queue.MAIN, [sys.executable, "-c", "import time; time.sleep(60)"], log=tmp_path / "log")
    worker._start(child)
    yield child
    child.kill()


def pid(child: Child) -> int:
    assert child.process
    return child.process.pid


def test_a_start_asks_for_a_beat_at_once(cluster: Child) -> None:
    assert queue.waiting(queue.MAIN) == 1


def test_a_queue_that_died_is_started_again(cluster: Child) -> None:
    first = pid(cluster)
    cluster.kill()
    worker._look_after(cluster)
    assert cluster.exit_code is None
    assert pid(cluster) != first


def test_a_silent_queue_is_killed_and_started_again(cluster: Child) -> None:
    first = pid(cluster)
    cluster.started -= queue.SILENT_AFTER.total_seconds() + 1
    worker._look_after(cluster)
    assert pid(cluster) != first


def test_a_young_queue_has_time_to_speak(cluster: Child) -> None:
    first = pid(cluster)
    worker._look_after(cluster)
    assert pid(cluster) == first


def test_a_queue_that_beats_is_left_alone(cluster: Child) -> None:
    first = pid(cluster)
    cluster.started -= queue.SILENT_AFTER.total_seconds() + 1
    queue.sign_of_life(busy=False)
    worker._look_after(cluster)
    assert pid(cluster) == first


def test_an_absent_database_proves_nothing(cluster: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("gone")

    first = pid(cluster)
    cluster.started -= queue.SILENT_AFTER.total_seconds() + 1
    monkeypatch.setattr(queue, "alive", refuse)
    worker._look_after(cluster)
    assert pid(cluster) == first
