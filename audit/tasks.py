"""What the queue calls. Each only calls a service."""

from __future__ import annotations

from audit import proofs


def verify(check_id: int) -> None:
    proofs.carry_out(check_id)
