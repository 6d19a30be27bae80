"""What a run does to the world besides moving records: its clients, its trail, its verdicts on connections, its end.

A rehearsal does all of these otherwise (``syncs.previewing.rehearsal``); reading, recognising, mapping, writing and
settling are the same code for both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from audit import services as audit
from connections import services as connections
from connections.access import StoredAccess
from connections.connectors import registry
from connections.errors import ConnectorError
from connections.models import Connection
from syncs.engine import settle
from syncs.engine.flow import Item
from syncs.engine.lease import Lease
from syncs.models import Run


class Effects:
    """Those of a run that is meant."""

    rehearsal = False

    def __init__(self, run: Run, lease: Lease) -> None:
        if run.sync.rehearsal != self.rehearsal:
            raise ValueError(f"Run {run.pk} is {'' if run.sync.rehearsal else 'not '}a rehearsal.")
        self.run, self.lease, self.sync = run, lease, run.sync

    def begin(self, deadline: Callable[[], bool]) -> None:
        """Called before anything is read, in each slice."""

    def client(self, connection: Connection, access: StoredAccess) -> Any:
        return registry.get(connection.connector).client(access)

    def tell(self, flow_key: str, items: Sequence[Item], at: datetime) -> None:
        """Puts down what became of these records, in the caller's transaction. Quiet ones leave no trace."""
        loud = [item for item in items if not item.quiet]
        lines = settle.trail(self.sync.pk, self.run.pk, flow_key, loud, "worker")
        audit.append(self.sync.tenant_id, lines, at=at)

    def hold(self, connection: Connection, until: datetime, text: str) -> None:
        connections.hold(connection, until, text)

    def mark_broken(self, connection: Connection, error: ConnectorError) -> None:
        connections.mark_broken(connection, error)

    def end(self, status: str, *, code: str = "", text: str = "", detail: Any = None) -> None:
        """Ends the run and sets when its sync runs next: soon again after a failure, later with each one in a row."""
        now = timezone.now()
        close(self.run, status, now, code=code, text=text)
        sync = self.sync
        failed = status == Run.Status.FAILED
        sync.failures = sync.failures + 1 if failed else 0
        changes: dict[str, Any] = {"failures": sync.failures}
        if failed:
            wait = min(2 ** (sync.failures - 1), sync.every_minutes)
            changes["next_run_at"] = now + timedelta(minutes=wait)
        type(sync).objects.across_tenants().filter(pk=sync.pk).update(**changes)
        entry = audit.Entry(
            action="run",
            outcome=status,
            sync_id=sync.pk,
            run_id=self.run.pk,
            error_code=code,
            detail=audit.encode({"text": text, "detail": detail or {}}),
        )
        audit.append(sync.tenant_id, [entry], at=now)


def close(run: Run, status: str, at: datetime, *, code: str, text: str) -> None:
    Run.objects.across_tenants().filter(pk=run.pk).update(
        status=status, finished_at=at, lease="", error_code=code, error_text=text
    )
    run.status = status
