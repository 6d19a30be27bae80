"""What the queue calls. Each only calls a service."""

from __future__ import annotations

from connections import checkups


def check_up(connection_id: int, token: str) -> None:
    checkups.execute(connection_id, token)
