from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.conf import settings
from django.core import checks
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django_q.models import Schedule

from audit import triggers
from mlconnector import queue
from mlconnector.checks import encryption_keys


class Finding(NamedTuple):
    what: str
    ok: bool
    text: str
    next_step: str = ""


class Command(BaseCommand):
    help = "Looks at what this installation needs to work, and names the next step where something is missing."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for finding in examine():
            failed += not finding.ok
            mark = self.style.SUCCESS("ok  ") if finding.ok else self.style.ERROR("FAIL")
            self.stdout.write(f"{mark} {finding.what}: {finding.text}")
            if not finding.ok:
                self.stdout.write(f"     next: {finding.next_step}")
        if failed:
            raise CommandError(f"{failed} to look after.")


def examine() -> Iterator[Finding]:
    """Later questions make no sense without the earlier ones, so a failing database ends the list."""
    yield _keys()
    yield _settings()
    for look in (_database, _migrations):
        finding = look()
        yield finding
        if not finding.ok:
            return
    rest: tuple[Callable[[], Finding], ...] = (_trail, _schedules, _worker, _backlog)
    for look in rest:
        yield look()


def _keys() -> Finding:
    problems = encryption_keys()
    text = "; ".join(problem.msg for problem in problems) or f"{len(settings.FERNET_KEYS)} in use"
    step = "put FERNET_KEYS into the environment or .env; make a key with: " + str(
        next((problem.hint for problem in problems if problem.hint), "")
    )
    return Finding("encryption keys", not problems, text, step)


def _settings() -> Finding:
    errors = [message for message in checks.run_checks() if message.is_serious()]
    text = "; ".join(message.msg for message in errors) or "system checks pass"
    return Finding("settings", not errors, text, "manage.py check tells more; then correct the environment")


def _database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return Finding("database", False, str(error).strip(), "start the database, or correct DATABASE_URL")
    return Finding("database", True, f"{connection.vendor} answers")


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    text = f"{len(plan)} not applied" if plan else "all applied"
    return Finding("migrations", not plan, text, "manage.py migrate")


def _trail() -> Finding:
    there = triggers.installed(connection)
    text = "append-only triggers stand" if there else "append-only triggers are missing"
    step = "manage.py migrate audit 0001 --fake, manage.py migrate audit, then manage.py audit_verify"
    return Finding("audit trail", there, text, step)


def _schedules() -> Finding:
    there = Schedule.objects.filter(func="syncs.tasks.tick").exists()
    text = "the clock is set" if there else "nothing would ever start"
    return Finding("schedule", there, text, "manage.py worker (it sets the clock when it starts)")


def _worker() -> Finding:
    silent = [name for name in (queue.MAIN, queue.BACKFILL) if not queue.alive(name)]
    text = f"no sign of life from {', '.join(silent)}" if silent else "both queues move"
    return Finding("worker", not silent, text, "manage.py worker (it restarts a queue that is stuck)")


def _backlog() -> Finding:
    waiting = queue.waiting(queue.MAIN)
    crowded = waiting > 100 * queue.workers_of(queue.MAIN)
    return Finding("backlog", not crowded, f"{waiting} tasks wait", "raise QUEUE_WORKERS, or start a second worker")
