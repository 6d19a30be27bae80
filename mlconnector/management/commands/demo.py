from __future__ import annotations

import json
import logging
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from mlconnector.demo_environment import HOME, SANDBOX_PORTS, mail_folder
from mlconnector.processes import Child, Interrupted, interrupt_on_signals, stop_all

MANAGE = str(settings.BASE_DIR / "manage.py")
PATIENCE = 60.0


class Command(BaseCommand):
    help = (
        "Shows the product at work: starts the sandbox, the web server and the worker, and syncs real records between "
        "them. State and logs are kept in var/demo; --reset starts afresh. Ctrl-C ends everything."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reset", action="store_true", help="Forget the state of earlier demos first.")
        parser.add_argument(
            "--empty",
            action="store_true",
            help="Without the example workspace: sign up and connect the systems yourself.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not os.environ.get("DEMO_PASSWORD"):
            raise CommandError("Start it as: manage.py demo (or make demo).")
        logging.getLogger("django-q").setLevel(logging.WARNING)
        sandbox, web, worker = _sandbox(), _web(), _worker()
        running = [sandbox]
        interrupt_on_signals()
        try:
            sandbox.start()
            call_command("migrate", verbosity=0, interactive=False)
            running.append(web)
            web.start()
            _wait_for(sandbox, [demo_port(name) for name in SANDBOX_PORTS])
            if not options["empty"]:
                self._seed()
            running.append(worker)
            worker.start()
            _wait_for_page(web)
            self._welcome(empty=options["empty"])
            _watch(running)
        except Interrupted:
            self.stdout.write("\nEnding. Run it again and it goes on from here.")
        finally:
            stop_all(list(reversed(running)), grace=8.0)

    @staticmethod
    def _seed() -> None:
        from mlconnector.demo_data import seed

        seed(accounts())

    def _welcome(self, *, empty: bool) -> None:
        address = settings.BASE_URL
        member = (
            f"  sign in as   {os.environ['DEMO_EMAIL']}\n"
            f"  password     {os.environ['DEMO_PASSWORD']}\n\n"
            f"  admin        {address}/admin/\n"
        )
        newcomer = f"  sign up at   {address}/accounts/signup/\n"
        self.stdout.write(
            f"\nml-connector is running: {address}\n\n"
            f"{newcomer if empty else member}"
            f"  sandbox      http://127.0.0.1:{demo_port('CONTROL')}/  (change data, switch faults on)\n"
            f"  mail         http://127.0.0.1:{demo_port('CONTROL')}/#mail  (mail the product sends)\n"
            f"  logs         {HOME}/*.log\n"
            f"  commands     ENV_FILE={HOME}/env {sys.executable} manage.py reconcile 1\n\n"
            f"{'' if empty else 'The first syncs are under way. '}Ctrl-C ends all."
        )
        self.stdout.flush()


def demo_port(name: str) -> int:
    return int(os.environ[f"DEMO_PORT_{name}"])


def accounts() -> list[Any]:
    from connections.sandbox.hubspot.switches import defaults
    from connections.sandbox.oracle_fusion.auth import DEMO_CREDENTIALS
    from connections.sandbox.salesforce import DEMO_CREDENTIALS as APP
    from mlconnector.demo_data import Account

    here = "http://127.0.0.1:"
    fusion = Account(
        "oracle_fusion",
        "Oracle Fusion (sandbox)",
        {
            "pod_url": f"{here}{demo_port('FUSION_POD')}",
            "auth": "client_credentials",
            "token_url": f"{here}{demo_port('FUSION_IDENTITY')}/oauth2/v1/token",
            "client_id": DEMO_CREDENTIALS["client_id"],
            "scope": DEMO_CREDENTIALS["scope"],
        },
        {"client_secret": DEMO_CREDENTIALS["client_secret"]},
    )
    hubspot = Account(
        "hubspot",
        "HubSpot (sandbox)",
        {"base_url": f"{here}{demo_port('HUBSPOT')}", "tier": "professional"},
        {"access_token": next(iter(defaults()["tokens"]))},
    )
    salesforce = Account(
        "salesforce",
        "Salesforce (sandbox)",
        {"my_domain_url": f"{here}{demo_port('SALESFORCE')}", "client_id": APP["client_id"]},
        {"client_secret": APP["client_secret"]},
    )
    return [fusion, hubspot, salesforce]


def _sandbox() -> Child:
    ports = ",".join(f"{name}={demo_port(port)}" for port, name in SANDBOX_PORTS.items())
    command = [
        sys.executable, MANAGE, "sandbox",
        "--path", str(HOME / "sandbox.sqlite3"), "--ports", ports, "--mail", str(mail_folder()),
    ]  # fmt: skip
    return Child("sandbox", command, log=HOME / "sandbox.log")


def _web() -> Child:
    command = [
        sys.executable, "-m", "gunicorn", "mlconnector.wsgi",
        "--bind", f"127.0.0.1:{demo_port('WEB')}",
        "--workers", "1", "--threads", "8", "--graceful-timeout", "3", "--no-control-socket",
        "--chdir", str(settings.BASE_DIR),
    ]  # fmt: skip
    offered = {
        account.connector: {"name": account.name, "config": account.config, "secrets": account.secrets}
        for account in accounts()
    }
    return Child("web", command, log=HOME / "web.log", env={"SANDBOX_ACCOUNTS": json.dumps(offered)})


def _worker() -> Child:
    return Child("worker", [sys.executable, MANAGE, "worker", "--grace", "5"], log=HOME / "worker.log")


def _wait_for(child: Child, ports: list[int]) -> None:
    deadline = time.monotonic() + PATIENCE
    for port in ports:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                _demand_life(child, deadline)


def _wait_for_page(web: Child) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{demo_port('WEB')}/healthz", timeout=5).close()
            return
        except (OSError, urllib.error.URLError):
            _demand_life(web, deadline)


def _demand_life(child: Child, deadline: float) -> None:
    if child.exit_code is not None:
        raise _death(child)
    if time.monotonic() > deadline:
        raise CommandError(f"The {child.name} did not start in {PATIENCE:.0f} s.\n{child.last_words()}")
    time.sleep(0.05)


def _death(child: Child) -> CommandError:
    return CommandError(f"The {child.name} ended (exit code {child.exit_code}). Its log says:\n{child.last_words()}")


def _watch(children: list[Child]) -> None:
    """Until a signal comes; a child that dies ends the demo, with its last words."""
    while True:
        time.sleep(0.5)
        for child in children:
            if child.exit_code is not None:
                raise _death(child)
