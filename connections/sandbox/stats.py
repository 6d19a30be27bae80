"""What was asked of the sandbox: one small tuple a request, summed up on demand."""

from __future__ import annotations

import re
import threading
from collections import Counter, deque
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

WINDOW = 10.0
_OPAQUE = re.compile(r"\d[\d.]*|(?=[^/]*\d)[^/]{20,}|[^/]*[:@][^/]*")
_VERSION = re.compile(r"\d+(\.\d+)+|v\d+")


class Call(NamedTuple):
    """One request. ``at`` is a monotonic instant in seconds, ``status`` 0 where the connection was cut."""

    at: float
    system: str
    port: str
    method: str
    route: str
    status: int
    applied: bool
    write: bool


@lru_cache(maxsize=8192)
def route_template(path: str) -> str:
    """The path with identifiers taken out, so that calls of one kind count together."""
    return "/".join(_template(segment) for segment in path.split("/"))


def _template(segment: str) -> str:
    if _OPAQUE.fullmatch(segment) and not _VERSION.fullmatch(segment):
        return "{id}"
    return segment


@dataclass(frozen=True)
class _Totals:
    calls: Counter[str]
    statuses: Counter[str]
    writes: int
    throttled: int
    cut: int
    window: int


class Stats:
    """All requests since the last reset. Appending is one list operation, so it may stay on in a benchmark."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    def add(self, call: Call) -> None:
        self._calls.append(call)

    def reset(self) -> None:
        with self._lock:
            self._calls = []

    @property
    def calls(self) -> list[Call]:
        """A copy of every recorded call, oldest first."""
        return list(self._calls)

    def summary(self) -> dict[str, Any]:
        """Per system: calls by method and route, statuses, applied writes, 429s, the busiest ten seconds."""
        calls = self.calls
        systems = sorted({call.system for call in calls})
        return {"total": len(calls), "systems": {name: _summary(calls, name) for name in systems}}


def _summary(calls: list[Call], system: str) -> dict[str, Any]:
    mine = [call for call in calls if call.system == system]
    totals = _Totals(
        calls=Counter(f"{call.method} {call.route}" for call in mine),
        statuses=Counter(str(call.status) for call in mine),
        writes=sum(1 for call in mine if call.write),
        throttled=sum(1 for call in mine if call.status == 429),
        cut=sum(1 for call in mine if call.status == 0),
        window=busiest_window(call.at for call in mine),
    )
    return {
        "total": len(mine),
        "calls": dict(totals.calls.most_common()),
        "statuses": dict(sorted(totals.statuses.items())),
        "writes": totals.writes,
        "throttled": totals.throttled,
        "cut": totals.cut,
        "busiest_10_seconds": totals.window,
    }


def busiest_window(instants: Any, width: float = WINDOW) -> int:
    """The largest number of instants inside any half-open window of ``width`` seconds."""
    window: deque[float] = deque()
    largest = 0
    for at in sorted(instants):
        window.append(at)
        while at - window[0] >= width:
            window.popleft()
        largest = max(largest, len(window))
    return largest
