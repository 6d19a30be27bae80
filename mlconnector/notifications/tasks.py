"""What the queue calls."""

from __future__ import annotations

from mlconnector.notifications import services


def tick() -> None:
    """Once a minute."""
    services.notice()
    services.deliver_due()


def purge() -> None:
    """Once a day."""
    services.purge()
