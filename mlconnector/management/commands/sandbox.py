from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connections.sandbox import Sandbox
from connections.sandbox.sandbox import SYSTEMS


class Command(BaseCommand):
    help = "Runs the imitated systems on loopback ports until Ctrl-C. Their control page changes data and adds faults."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--path", default="var/sandbox.sqlite3", help="File that keeps the rows, or :memory:.")
        parser.add_argument("--seed", default="demo", choices=["demo", "small", "empty"])
        parser.add_argument(
            "--ports", default="", help="NAME=PORT, comma-separated: oracle_fusion.pod=9101,control=9100"
        )

        parser.add_argument(
            "--mail", type=Path, help="Folder with the product's mail, to be shown on the control page."
        )

    def handle(self, *args: Any, path: str, seed: str, ports: str, mail: Path | None, **options: Any) -> None:
        try:
            sandbox = Sandbox(path=path, seed=seed, ports=parse_ports(ports), mail=mail)
            sandbox.start()
        except OSError as error:
            raise CommandError(f"The sandbox could not start: {error}. Name other ports with --ports.") from error
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        try:
            for (system, port), server in sorted(sandbox.servers.items()):
                self.stdout.write(f"{system}.{port}\t{server.url}")
            for name in sorted(sandbox.systems):
                for what, value in credentials(name).items():
                    self.stdout.write(f"{name} {what}\t{value}")
            self.stdout.flush()
            stop.wait()
        finally:
            sandbox.stop()


def credentials(system: str) -> dict[str, str]:
    """What to enter in a connection to a sandboxed system. Known to everybody: they open nothing else."""
    module, _ = SYSTEMS[system]
    found: dict[str, str] = import_module(module).DEMO_CREDENTIALS
    return found


def parse_ports(text: str) -> dict[str, int]:
    ports: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        name, _, number = part.partition("=")
        if not number.isdigit():
            raise CommandError(f"Not understood: {part!r}. Write NAME=PORT.")
        ports[name.strip()] = int(number)
    return ports
