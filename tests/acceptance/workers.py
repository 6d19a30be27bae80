"""Real worker processes that can be killed at a chosen request of the sandbox, and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from connections.sandbox import Sandbox
from connections.sandbox.stats import Call

MANAGE = str(Path(__file__).resolve().parent.parent.parent / "manage.py")
MARK = "ML_CONNECTOR_TEST_WORKERS"


def database_url() -> str:
    """The test's own database, as a child process wants it."""
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    user, password = config["USER"], f":{config['PASSWORD']}" if config["PASSWORD"] else ""
    return f"postgresql://{user}{password}@{config['HOST']}:{config['PORT'] or 5432}/{config['NAME']}"


class Workers:
    """``manage.py`` with ``arguments`` as a process tree. ``environment`` holds settings of the children."""

    def __init__(self, arguments: list[str], log: Path, **environment: Any) -> None:
        self.arguments = arguments
        self.log = log
        self.mark = uuid.uuid4().hex
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.acceptance.worker_settings",
            "DATABASE_URL": database_url(),
            "ALLOWED_PRIVATE_HOSTS": ",".join(settings.ALLOWED_PRIVATE_HOSTS),
            "QUEUE_POLL": "0.05",
            "LOG_LEVEL": "INFO",
            "PYTHONUNBUFFERED": "1",
            MARK: self.mark,
            **{name: str(value) for name, value in environment.items()},
        }
        self.root: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def start(self) -> None:
        self.kill_all()
        with self.log.open("ab") as log:
            self.root = subprocess.Popen(
                [sys.executable, MANAGE, *self.arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1

    def pids(self) -> list[int]:
        """All living processes of the tree, orphans too: they carry our mark in their environment."""
        needle = f"{MARK}={self.mark}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if needle in path.read_bytes() and not _is_zombie(path.parent):
                    found.append(int(path.parent.name))
        return sorted(found)

    @property
    def alive(self) -> bool:
        return self.root is not None and self.root.poll() is None

    def kill(self, pids: list[int]) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill_all(self) -> None:
        """Until nothing is left: what is killed may just have started another."""
        deadline = time.monotonic() + 10
        while pids := self.pids():
            assert time.monotonic() < deadline, f"these do not die: {pids}"
            self.kill(pids)
            if self.root is not None:
                self.root.poll()
            time.sleep(0.01)
        if self.root is not None:
            self.root.wait(10)
            self.root = None


def _is_zombie(process: Path) -> bool:
    return process.joinpath("stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"


class Trap:
    """Calls something at the nth request from now on, after it was applied and before its answer is sent."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._record = sandbox.recorder.add
        self._lock = threading.Lock()
        self._left = 0
        self._spring: Callable[[], None] | None = None
        self.seen = 0
        sandbox.recorder.add = self._add  # type: ignore[method-assign]

    def set(self, after: int, spring: Callable[[], None]) -> None:
        with self._lock:
            self._left, self._spring = after, spring

    def unset(self) -> None:
        with self._lock:
            self._spring = None

    def _add(self, call: Call) -> None:
        self._record(call)
        with self._lock:
            self.seen += 1
            self._left -= 1
            spring = self._spring if self._left <= 0 else None
            if spring is not None:
                self._spring = None
        if spring is not None:
            spring()


def eventually(condition: Callable[[], Any], seconds: float = 30, *, step: float = 0.02) -> None:
    for _ in waiting(seconds, step):
        if condition():
            return
    raise AssertionError(f"this did not come true in {seconds} seconds")


def waiting(seconds: float, step: float = 0.02) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(step)
