"""``manage.py run_sync SYNC``: one run in the foreground, through the same services as a worker."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date

from syncs import services
from syncs.engine.execution import FlowExecution
from syncs.models import Run, Sync

WIDTH = 30


class Command(BaseCommand):
    help = "Runs one sync now, here, with a progress bar."
    _shown = ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sync", help="the sync's number or name")
        parser.add_argument("--from", dest="start", help="read again everything changed since this day (YYYY-MM-DD)")

    def handle(self, *args: Any, **options: Any) -> None:
        sync = find_sync(options["sync"])
        start = parse_date(options["start"]) if options["start"] else None
        run = services.run_now(sync, actor="operator:command", backfill_from=start, enqueue=False)
        while services.execute(run.pk, self._progress):
            pass
        run.refresh_from_db()
        if run.status in Run.ACTIVE:
            raise CommandError(f"Run {run.pk} is being executed by another worker.")
        self._conclude(run)

    def _progress(self, execution: FlowExecution) -> None:
        flow_run = execution.flow_run
        flow_run.refresh_from_db()
        done = flow_run.read
        expected = max(flow_run.expected or 0, done)
        bar = "#" * (WIDTH * done // expected if expected else WIDTH)
        line = (
            f"{execution.definition.label:<12} [{bar:<{WIDTH}}] {done} read, {flow_run.created} created, "
            f"{flow_run.updated} updated, {flow_run.unchanged} unchanged, {flow_run.waiting} waiting, "
            f"{flow_run.held} held, {flow_run.rejected} rejected"
        )
        if line == self._shown:
            return
        self._shown = line
        live = sys.stdout.isatty()
        self.stdout.write(f"\r{line}" if live else line, ending="" if live else "\n")
        self.stdout.flush()

    def _conclude(self, run: Run) -> None:
        self.stdout.write("")
        text = f"Run {run.pk}: {run.get_status_display()}. {run.error_text}".strip()
        if run.status == Run.Status.FAILED:
            raise CommandError(text)
        self.stdout.write(text)


def find_sync(name: str) -> Sync:
    """By number or name. Raises ``CommandError`` naming the next step."""
    syncs = Sync.objects.across_tenants().filter(rehearsal=False).select_related("source", "destination", "tenant")
    found = syncs.filter(pk=int(name)) if name.isdigit() else syncs.filter(name=name)
    if len(found) != 1:
        known = ", ".join(f"{sync.pk} ({sync.name})" for sync in syncs.order_by("pk")[:20]) or "none yet"
        raise CommandError(
            f"{'No' if not found else 'More than one'} sync '{name}'. Give a number; there are: {known}."
        )
    return found[0]
