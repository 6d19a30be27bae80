from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlconnector.processes import Child, stop_all

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print(child.pid, flush=True); time.sleep(60)",
]


def wait_for(condition: object, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_children_end_when_asked(tmp_path: Path) -> None:
    child = Child("one", SLEEPER, log=tmp_path / "log")
    child.start()
    assert wait_for(lambda: child.last_words() == "up")
    assert child.exit_code is None
    stop_all([child], grace=5)
    assert child.exit_code == -signal.SIGTERM


def test_those_who_will_not_are_killed_with_their_own_children(tmp_path: Path) -> None:
    child = Child("deaf", STUBBORN, log=tmp_path / "log")
    child.start()
    assert wait_for(lambda: child.last_words().isdigit())
    grandchild = int(child.last_words())
    stop_all([child], grace=0.3)
    assert child.exit_code == -signal.SIGKILL
    assert wait_for(lambda: not runs(grandchild))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the Linux kernel")
def test_children_do_not_outlive_a_killed_parent(tmp_path: Path, project_root: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from mlconnector.processes import Child;"
        "child = Child('x', [sys.executable, '-c', 'import time; time.sleep(60)'], "
        f"log=Path({str(tmp_path / 'log')!r}));"
        "child.start(); print(child.process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=project_root)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    assert runs(pid)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(5)
    parent.stdout.close()
    assert wait_for(lambda: not runs(pid))


def test_the_last_words_are_the_last_lines(tmp_path: Path) -> None:
    child = Child("talker", [sys.executable, "-c", "[print(n) for n in range(100)]"], log=tmp_path / "log")
    child.start()
    assert wait_for(lambda: child.exit_code == 0)
    assert child.last_words(3) == "97\n98\n99"
