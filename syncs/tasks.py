"""What the queue calls. Each only calls a service."""

from __future__ import annotations

from mlconnector.queue import sign_of_life
from syncs import dispatch, erasure, retention, services
from syncs.previewing import previews
from syncs.reporting import reports


def tick() -> None:
    """Once a minute."""
    dispatch.tick()
    previews.tick()
    reports.tick()


def execute_run(run_id: int) -> None:
    services.execute_and_go_on(run_id)


def rehearse(run_id: int) -> None:
    previews.rehearse_and_go_on(run_id)


def clear_rehearsal(sync_id: int) -> None:
    previews.clear(sync_id)


def upkeep() -> None:
    """Every ten minutes, and when a workspace was deleted."""
    erasure.erase_closed()
    retention.purge()


def make_report(report_id: int) -> None:
    reports.make(report_id, lambda: sign_of_life(busy=True))
