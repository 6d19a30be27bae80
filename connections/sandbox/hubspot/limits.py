"""Rate limits: a true rolling window, searches per second, calls per day.

Source: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines. A refused call is not counted
against the window. Association calls count in a window of their own and in the common one.
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connections.sandbox.store import Store

from .errors import Refusal

WINDOW = 10.0
DAILY_BY_TIER = {100: 250_000, 190: 625_000, 250: 1_625_000}
ASSOCIATIONS_BY_TIER = {100: 100, 190: 150, 250: 200}
WORDS = {"DAILY": "daily", "TEN_SECONDLY_ROLLING": "ten_secondly_rolling", "SECONDLY": "secondly"}


class _Window:
    """Instants of the calls let through within a rolling span of seconds."""

    def __init__(self, span: float) -> None:
        self.span = span
        self.calls: deque[float] = deque()

    def used(self, now: float) -> int:
        while self.calls and self.calls[0] <= now - self.span:
            self.calls.popleft()
        return len(self.calls)


class Limits:
    """Counts calls and refuses those beyond a limit. The daily counts survive a restart, to within twenty calls."""

    def __init__(self, store: Store, clock: Callable[[], float], switches: Mapping[str, Any]) -> None:
        self._store, self._clock, self._switches = store, clock, switches
        self._lock = threading.Lock()
        self._common, self._associations, self._search = _Window(WINDOW), _Window(WINDOW), _Window(1.0)
        self._day = self.today()
        self._daily = {name: self._stored(name) for name in ("all", "associations")}

    # -- the day ---------------------------------------------------------------------------------------------------

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._switches["time_zone"])

    def today(self) -> str:
        """The date in the account's time zone; the daily counts restart with it."""
        return datetime.fromtimestamp(self._clock(), UTC).astimezone(self._zone()).date().isoformat()

    def resets_at(self) -> float:
        """The next midnight in the account's time zone."""
        local = datetime.fromtimestamp(self._clock(), UTC).astimezone(self._zone())
        return datetime.combine(local.date() + timedelta(days=1), time(), self._zone()).timestamp()

    def _stored(self, name: str) -> int:
        row = self._store.one("SELECT value FROM hubspot_counters WHERE name = ?", (f"day:{self._day}:{name}",))
        return int(row[0]) if row else 0

    def _turn_day(self) -> None:
        today = self.today()
        if today != self._day:
            self._day, self._daily = today, {"all": 0, "associations": 0}

    def flush(self) -> None:
        """Write the daily counts down."""
        with self._store.transaction() as cursor:
            cursor.executemany(
                "INSERT OR REPLACE INTO hubspot_counters VALUES (?, ?)",
                [(f"day:{self._day}:{name}", value) for name, value in self._daily.items()],
            )

    @property
    def daily_limit(self) -> int:
        """Calls a day."""
        chosen = self._switches["daily_limit"]
        return int(chosen if chosen is not None else DAILY_BY_TIER.get(self._switches["tier"], 1_000_000))

    @property
    def used_today(self) -> int:
        """Calls counted today."""
        with self._lock:
            self._turn_day()
            return self._daily["all"]

    # -- one call --------------------------------------------------------------------------------------------------

    def admit(self, *, search: bool, association: bool) -> dict[str, str]:
        """Count a call and give its limit headers. Raises :class:`Refusal` with 429."""
        with self._lock:
            now = self._clock()
            self._turn_day()
            self._check(now, search, association)
            for window in self._windows(search, association):
                window.calls.append(now)
            self._daily["all"] += 1
            self._daily["associations"] += association
            headers = {} if search else self._headers(now)
            flush = self._daily["all"] % 20 == 0
        if flush:
            self.flush()
        return headers

    def _windows(self, search: bool, association: bool) -> list[_Window]:
        if search:
            return [self._search]
        return [self._common, self._associations] if association else [self._common]

    def _check(self, now: float, search: bool, association: bool) -> None:
        if self._daily["all"] >= self.daily_limit:
            raise self._refusal("DAILY", now, search)
        if association and self._daily["associations"] >= self._switches["association_daily_limit"]:
            raise self._refusal("DAILY", now, search)
        if search:
            allowed = self._switches["search_per_second"]
            if allowed is not None and self._search.used(now) >= allowed:
                raise self._refusal("SECONDLY", now, search)
            return
        tier = self._switches["tier"]
        if tier is not None and self._common.used(now) >= tier:
            raise self._refusal("TEN_SECONDLY_ROLLING", now, search)
        per_window = self._switches["association_tier"]
        if per_window is None:
            per_window = ASSOCIATIONS_BY_TIER.get(tier)
        if association and per_window is not None and self._associations.used(now) >= per_window:
            raise self._refusal("TEN_SECONDLY_ROLLING", now, search)

    def _refusal(self, policy: str, now: float, search: bool) -> Refusal:
        headers = {} if search else self._headers(now)
        if self._switches["retry_after"] is not None:
            headers["Retry-After"] = str(self._switches["retry_after"])
        return Refusal(
            429,
            None,
            f"You have reached your {WORDS[policy]} limit.",
            extra={"errorType": "RATE_LIMIT", "policyName": policy, "requestId": str(uuid.uuid4())},
            headers=headers,
        )

    def _headers(self, now: float) -> dict[str, str]:
        if not self._switches["limit_headers"]:
            return {}
        prefix = "X-HubSpot-RateLimit-"
        headers = {
            f"{prefix}Daily": str(self.daily_limit),
            f"{prefix}Daily-Remaining": str(max(0, self.daily_limit - self._daily["all"])),
        }
        tier = self._switches["tier"]
        if tier is not None:
            left = str(max(0, tier - self._common.used(now)))
            headers |= {
                f"{prefix}Interval-Milliseconds": "10000",
                f"{prefix}Max": str(tier),
                f"{prefix}Remaining": left,
                f"{prefix}Secondly": str(max(1, tier // 10)),
                f"{prefix}Secondly-Remaining": str(max(1, tier // 10)),
            }
        return headers
