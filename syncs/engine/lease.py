"""One worker per run. A worker that stops beating loses its run to another, which goes on from the checkpoint."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import uuid4

from django.conf import settings
from django.db.models import Case, F, IntegerField, Q, When
from django.utils import timezone

from syncs.models import Run


class LeaseLost(Exception):
    """Another worker has taken the run over. Nothing more may be stored by this one."""


class Cancelled(Exception):
    """A person asked the run to stop."""


class Lease:
    def __init__(self, run_id: int, token: str) -> None:
        self.run_id = run_id
        self.token = token
        self.cancel_requested = False
        self._next_beat = 0.0

    @classmethod
    def claim(cls, run_id: int) -> Lease | None:
        """The run, if it is queued, was put down, or its worker has gone silent; otherwise None."""
        now = timezone.now()
        silent = now - timedelta(seconds=settings.LEASE_SECONDS)
        free = Q(status=Run.Status.QUEUED) | Q(status=Run.Status.RUNNING) & (Q(lease="") | Q(heartbeat_at__lt=silent))
        token = uuid4().hex
        runs = Run.objects.across_tenants().filter(free, pk=run_id)
        taken = Case(When(status=Run.Status.RUNNING, lease__gt="", then=1), default=0, output_field=IntegerField())
        if not runs.update(takeovers=F("takeovers") + taken, lease=token, heartbeat_at=now, status=Run.Status.RUNNING):
            return None
        Run.objects.across_tenants().filter(pk=run_id, started_at=None).update(started_at=now)
        return cls(run_id, token)

    def confirm(self) -> None:
        """Fences a transaction: raises ``LeaseLost`` if the run is no longer ours, else locks its row and beats."""
        mine = Run.objects.across_tenants().filter(pk=self.run_id, lease=self.token, status=Run.Status.RUNNING)
        if not mine.update(heartbeat_at=timezone.now()):
            raise LeaseLost

    def beat(self) -> None:
        """Called often; touches the database only when due, and learns there of a wish to cancel."""
        if time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + settings.LEASE_SECONDS / 6
        self.confirm()
        self.cancel_requested = Run.objects.across_tenants().filter(pk=self.run_id, cancel_requested=True).exists()

    def stop_if_cancelled(self) -> None:
        self.beat()
        if self.cancel_requested:
            raise Cancelled

    def release(self) -> None:
        """Puts the run down, still running, for whichever worker claims it next."""
        Run.objects.across_tenants().filter(pk=self.run_id, lease=self.token).update(lease="")
