from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections, connections
from django_q.tasks import async_task

from mlconnector import queue
from mlconnector.processes import Child, Interrupted, interrupt_on_signals, stop_all

log = structlog.get_logger("mlconnector.worker")
LOOK_EVERY = 5.0


class Command(BaseCommand):
    help = (
        "Runs the queue's workers and watches over them: a queue that dies or falls silent is started again. "
        "SIGTERM lets running tasks finish for --grace seconds; what is cut off then is resumed by the next worker."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queue", action="append", choices=[queue.MAIN, queue.BACKFILL], help="Default: both.")
        parser.add_argument("--grace", type=float, default=30.0, help="Seconds for running tasks at the end.")

    def handle(self, *args: Any, grace: float, **options: Any) -> None:
        queue.ensure_schedules()
        children = [_cluster(name) for name in options["queue"] or [queue.MAIN, queue.BACKFILL]]
        interrupt_on_signals()
        try:
            for child in children:
                _start(child)
            while True:
                time.sleep(LOOK_EVERY)
                for child in children:
                    _look_after(child)
        except Interrupted as reason:
            log.info("worker.stopping", reason=str(reason))
        finally:
            stop_all(children, grace)


def _cluster(name: str) -> Child:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "run_queue", name]
    return Child(name, command, env={"Q_CLUSTER_NAME": name})


def _start(child: Child) -> None:
    connections.close_all()
    child.start()
    async_task("mlconnector.queue.beat", cluster=child.name)


def _look_after(child: Child) -> None:
    if child.exit_code is not None:
        log.error("worker.died", queue=child.name, exit_code=child.exit_code)
    elif child.age < queue.SILENT_AFTER.total_seconds() or _alive(child):
        return
    else:
        log.error("worker.silent", queue=child.name)
    child.kill()
    try:
        _start(child)
    except DatabaseError as error:
        log.error("worker.database", error=str(error))


def _alive(child: Child) -> bool:
    """While the database does not answer, nobody can tell, and restarting would not help."""
    try:
        close_old_connections()
        return queue.alive(child.name)
    except DatabaseError as error:
        log.error("worker.database", error=str(error))
        return True
