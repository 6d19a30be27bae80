"""What the queue calls. Each only calls a service."""

from __future__ import annotations

from syncs import dispatch, services


def tick() -> None:
    """Once a minute."""
    dispatch.tick()


def execute_run(run_id: int) -> None:
    services.execute_and_go_on(run_id)
