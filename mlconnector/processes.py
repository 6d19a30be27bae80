"""Child processes that end with their parent, whatever happens to it, and leave their last words in a file."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1


def _end_with_parent(parent: int, number: signal.Signals) -> None:
    """Runs in the child. Linux only; elsewhere a killed parent leaves its children behind."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def kill_forks_with_this_process() -> None:
    """From now on whatever this process forks, and what that forks, is killed when its parent ends."""
    parent = 0

    def before() -> None:
        nonlocal parent
        parent = os.getpid()

    os.register_at_fork(before=before, after_in_child=lambda: _end_with_parent(parent, signal.SIGKILL))


class Child:
    """A program in a process group of its own, so that it and all its children can be ended together."""

    def __init__(
        self, name: str, command: Sequence[str], *, log: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.env = {**os.environ, **(env or {})}
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0

    def start(self) -> None:
        parent = os.getpid()
        output = self.log.open("ab") if self.log else None
        try:
            self.process = subprocess.Popen(
                self.command,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=True,
                preexec_fn=lambda: _end_with_parent(parent, signal.SIGTERM),
            )
        finally:
            if output:
                output.close()
        self.started = time.monotonic()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.process.poll() if self.process else 0

    @property
    def age(self) -> float:
        return time.monotonic() - self.started

    def signal(self, number: signal.Signals) -> None:
        """To the program itself, which knows how to end its own children."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """The whole group, at once, also when its leader is gone already."""
        if self.process:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)

    def last_words(self, lines: int = 15) -> str:
        if not self.log or not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 20_000))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def stop_all(children: Sequence[Child], grace: float) -> None:
    """Asks all to end, waits up to ``grace`` seconds in all, and kills what is left."""
    for child in children:
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + grace
    while any(child.exit_code is None for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    for child in children:
        child.kill()


class Interrupted(Exception):
    """SIGINT or SIGTERM arrived."""


def interrupt_on_signals() -> None:
    """From now on both signals raise ``Interrupted`` in the main thread, once; later ones are ignored."""

    def interrupt(number: int, _frame: object) -> None:
        for known in (signal.SIGINT, signal.SIGTERM):
            signal.signal(known, signal.SIG_IGN)
        raise Interrupted(signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
