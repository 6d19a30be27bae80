"""The sandbox's own clock: the machine's, plus an offset that tests and people can move."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Seconds since 1970, callable like ``time.time``. All stamps and ``Date`` headers come from here."""

    def __init__(self, base: Callable[[], float] = time.time) -> None:
        self.base = base
        self.offset = 0.0

    def __call__(self) -> float:
        return self.base() + self.offset

    def advance(self, seconds: float) -> None:
        """Move the clock on, for example past the end of a token."""
        self.offset += seconds
