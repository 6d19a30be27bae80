"""``make demo`` as a new user meets it."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from mlconnector.demo_environment import PORTS
from tests.acceptance.test_worker import eventually, users_of

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes under /proc")


class Demo:
    def __init__(self, home: Path, root: Path, *arguments: str) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith("DEMO_")}
        env |= {"DEMO_HOME": str(home), "DJANGO_SETTINGS_MODULE": "mlconnector.settings"}
        # Demos of tests that run beside this one look for ports elsewhere.
        first = 20_000 + 500 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
        env |= {f"DEMO_PORT_{name}": str(first + 50 * place) for place, name in enumerate(PORTS)}
        self.home = home
        self.output = ""
        started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-u", str(root / "manage.py"), "demo", *arguments],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        eventually(lambda: "Ctrl-C ends all" in self.output or self.process.poll() is not None, 60)
        self.seconds = time.monotonic() - started

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line

    @property
    def address(self) -> str:
        return re.findall(r"running: (\S+)", self.output)[0]

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(self.home / "db.sqlite3", timeout=20)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def interrupt(self) -> int:
        """Ctrl-C, which a terminal sends to the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)
        code = self.process.wait(20)
        self.reader.join(5)
        return code

    def gone(self) -> bool:
        return not users_of(self.home)


@pytest.fixture
def start(tmp_path: Path, project_root: Path) -> Iterator[Callable[..., Demo]]:
    demos: list[Demo] = []

    def begin(*arguments: str) -> Demo:
        demos.append(Demo(tmp_path / "demo", project_root, *arguments))
        return demos[-1]

    yield begin
    for demo in demos:
        demo.process.kill()
        demo.process.wait(5)
    eventually(lambda: not users_of(tmp_path))


INTEGRATIONS = ["fusion_hubspot", "fusion_salesforce"]


def finished(demo: Demo) -> bool:
    """Whether each sync has ended a run."""
    rows = demo.rows(
        "SELECT DISTINCT s.integration FROM syncs_run r JOIN syncs_sync s ON s.id = r.sync_id "
        "WHERE r.status IN ('succeeded', 'partial') ORDER BY 1"
    )
    return [str(name) for (name,) in rows] == INTEGRATIONS


def synced(demo: Demo) -> dict[str, int]:
    """Records that are there, by integration."""
    rows = demo.rows(
        "SELECT s.integration, count(*) FROM syncs_record r JOIN syncs_flow f ON f.id = r.flow_id "
        "JOIN syncs_sync s ON s.id = f.sync_id WHERE r.status = 'synced' GROUP BY 1"
    )
    return {str(name): int(str(count)) for name, count in rows}


def test_one_command_shows_records_move_and_the_next_start_goes_on(start: Callable[..., Demo]) -> None:
    demo = start()
    assert "sign in as" in demo.output, demo.output
    with urllib.request.urlopen(f"{demo.address}/accounts/login/", timeout=10) as page:
        assert page.status == 200
    healthy = demo.rows("SELECT connector FROM connections_connection WHERE status = 'healthy' ORDER BY 1")
    assert healthy == [("hubspot",), ("oracle_fusion",), ("salesforce",)]
    whoever_signs_up_finds_the_mail_on_the_sandboxs_page(demo)
    eventually(lambda: finished(demo), 90)
    before = synced(demo)
    assert before["fusion_hubspot"] > 100
    assert demo.interrupt() == 0
    assert "goes on from here" in demo.output
    eventually(demo.gone, 10)

    again = start()
    password = re.compile(r"password +(\S+)")
    assert password.findall(again.output) == password.findall(demo.output)
    assert demo.rows("SELECT integration, paused FROM syncs_sync ORDER BY 1") == [(key, 0) for key in INTEGRATIONS]
    assert {key: count for key, count in synced(again).items() if count < before[key]} == {}
    os.kill(again.process.pid, signal.SIGKILL)
    eventually(again.gone, 20)

    afresh = start("--reset")
    assert password.findall(afresh.output) != password.findall(demo.output)


def whoever_signs_up_finds_the_mail_on_the_sandboxs_page(demo: Demo) -> None:
    visitor = requests.Session()
    token = {"csrfmiddlewaretoken": visitor.get(f"{demo.address}/accounts/signup/", timeout=10).cookies["csrftoken"]}
    account = {"email": "eva@try.example", "password1": "correct-horse-battery"}
    sent = visitor.post(f"{demo.address}/accounts/signup/", data={**token, **account}, timeout=10)
    mailbox = re.findall(r'href="(http://[^"]+)#mail"', sent.text)[0]
    (link,) = re.findall(r'href="(http://[^"]+/confirm-email/[^"]+)"', requests.get(mailbox, timeout=10).text)
    landed = visitor.post(link, data={"csrfmiddlewaretoken": visitor.cookies["csrftoken"]}, timeout=10)
    assert landed.url == f"{demo.address}/workspace/new/"


def test_what_stands_in_its_way_is_named_and_left_alone(start: Callable[..., Demo]) -> None:
    demo = start()
    a_second_demo_does_not_disturb_the_first(demo, start)
    a_part_that_dies_is_named_with_its_last_words(demo)
    a_taken_port_is_left_to_its_owner_and_the_next_start_takes_another(demo, start)


def a_second_demo_does_not_disturb_the_first(first: Demo, start: Callable[..., Demo]) -> None:
    second = start()
    assert second.process.wait(10) != 0
    assert f"running already: {first.address}" in second.output
    assert first.process.poll() is None


def a_part_that_dies_is_named_with_its_last_words(demo: Demo) -> None:
    (pid,) = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if path.parent.name in users_of(demo.home) and b"sandbox.sqlite3" in path.read_bytes()
    ]
    os.kill(pid, signal.SIGKILL)
    assert demo.process.wait(30) != 0
    demo.reader.join(5)
    assert "The sandbox ended (exit code -9). Its log says:" in demo.output
    eventually(demo.gone, 10)


def a_taken_port_is_left_to_its_owner_and_the_next_start_takes_another(
    before: Demo, start: Callable[..., Demo]
) -> None:
    port = int(before.address.rpartition(":")[2])
    ports = dict(re.findall(r"DEMO_PORT_(\w+)=(\d+)", (before.home / "env").read_text()))
    hubspot, salesforce = int(ports["HUBSPOT"]), int(ports["SALESFORCE"])
    with socket.socket() as one, socket.socket() as two, socket.socket() as three:
        for taken, number in ((one, port), (two, hubspot), (three, salesforce)):
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", number))
            taken.listen()
        moved = start()
        assert f"Port {port} is taken; using" in moved.output
        assert moved.address != before.address
        # The connections follow their sandbox.
        configs = dict(moved.rows("SELECT connector, config FROM connections_connection"))
        assert f":{hubspot}" not in str(configs["hubspot"])
        assert f":{salesforce}" not in str(configs["salesforce"])
