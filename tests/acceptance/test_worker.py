"""The worker as operators start it: real processes on a database file of their own."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes under /proc")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "db.sqlite3"


@pytest.fixture
def worker(database: Path, project_root: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "mlconnector.settings",
        "DATABASE_URL": f"sqlite:///{database}",
    }
    manage = [sys.executable, str(project_root / "manage.py")]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], env=env, check=True)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([*manage, "worker", "--grace", "5"], env=env, stderr=log)
    yield process
    process.kill()
    process.wait(5)
    eventually(lambda: not users_of(database))


def users_of(database: Path) -> list[str]:
    """Processes that were started for this database."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if str(database).encode() in environment.read_bytes():
                found.append(environment.parent.name)
    return found


def rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(database, timeout=20)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def eventually(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this never came true"
        time.sleep(0.1)


def clusters(parent: int) -> dict[int, str]:
    """The queues' main processes: pid by queue name."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    found = {}
    for pid in children:
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:  # it just ended
            continue
        name = next((line[15:].decode() for line in environment if line.startswith(b"Q_CLUSTER_NAME=")), "")
        found[int(pid)] = name
    return found


def group(leader: int) -> list[int]:
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[2]) == leader and fields[0] != "Z":
            members.append(int(stat.parent.name))
    return members


def test_both_queues_work_are_brought_back_and_end_in_order(worker: subprocess.Popen[bytes], database: Path) -> None:
    def beating() -> set[object]:
        return {name for (name,) in rows(database, "SELECT queue FROM mlconnector_heartbeat WHERE NOT busy")}

    eventually(lambda: beating() == {"ml-connector", "backfill"})
    assert {name for (name,) in rows(database, "SELECT name FROM django_q_schedule")} >= {"tick", "beat", "purge"}
    before = clusters(worker.pid)
    assert sorted(before.values()) == ["backfill", "ml-connector"]
    main = next(pid for pid, name in before.items() if name == "ml-connector")

    os.kill(main, signal.SIGKILL)
    eventually(lambda: sorted(clusters(worker.pid).values()) == ["backfill", "ml-connector"] and not group(main))
    after = clusters(worker.pid)
    assert main not in after
    seen = rows(database, "SELECT max(at) FROM mlconnector_heartbeat WHERE queue = 'ml-connector'")
    eventually(lambda: rows(database, "SELECT max(at) FROM mlconnector_heartbeat WHERE queue = 'ml-connector'") > seen)

    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    assert [pid for leader in after for pid in group(leader)] == []


def test_nothing_goes_on_when_all_that_watch_over_it_are_killed(
    worker: subprocess.Popen[bytes], database: Path
) -> None:
    eventually(lambda: len(rows(database, "SELECT DISTINCT queue FROM mlconnector_heartbeat")) == 2)
    leaders = clusters(worker.pid)
    worker.kill()
    for leader in leaders:
        os.kill(leader, signal.SIGKILL)
    eventually(lambda: not users_of(database), seconds=5)
