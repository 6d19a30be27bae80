"""The line to an org: the product's door, taught that bulk results are CSV, that two kinds of 401 are final, and that
each answer says how many calls of the day are used.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

import requests

from connections.connectors.base import Access, allowance
from connections.errors import RateLimited
from connections.exchange import Limits, Outcome, Request, Wire
from connections.faults import Failure
from connections.http import MEGABYTE, Answer, Authorizer, Door, ErrorTable

from .errors import DAILY_WAIT, NO_EXPIRY, codes_of

TIMEOUT = (10.0, 180.0)
MAX_BYTES = 128 * MEGABYTE
MAX_SECONDS = 620.0
USAGE = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")


class Room:
    """Calls left of the day. ``reserve`` percent of them are kept for the people of the org."""

    def __init__(self, reserve: int = 10) -> None:
        self._reserve = reserve
        self.used: int | None = None
        self.most: int | None = None

    def note(self, headers: Mapping[str, str]) -> None:
        if found := USAGE.search(headers.get("Sforce-Limit-Info") or ""):
            self.used, self.most = int(found.group(1)), int(found.group(2))

    @property
    def left(self) -> int | None:
        """Calls we may still make; None while nobody has said."""
        if self.used is None or not self.most:
            return None
        return max(0, self.most * (100 - self._reserve) // 100 - self.used)

    def check(self) -> None:
        """Raises ``RateLimited`` where the next call would come out of the reserve."""
        if self.left != 0:
            return
        text = (
            f"{self.used:,} of {self.most:,} Salesforce calls of the last 24 hours are used; the rest is kept for the "
            "people of the org. Goes on by itself. A smaller reserve can be set in the connection."
        )
        raise RateLimited(text, code="salesforce_reserve", retry_after=DAILY_WAIT)


class OrgWire(Wire):
    """``final`` is set by a 401 that a new login does not cure."""

    def __init__(self, limits: Limits, parallel: int) -> None:
        super().__init__(limits, parallel)
        self.final = threading.Event()

    def exchange(self, request: Request, decimals: bool) -> Outcome:
        outcome = super().exchange(request, decimals)
        if outcome.status == 401 and NO_EXPIRY.intersection(codes_of(Failure(401, body=outcome.body))):
            self.final.set()
        return outcome

    def _read(self, answer: requests.Response, started: float) -> bytes:
        """CSV becomes a JSON string: bodies are parsed as JSON further on."""
        raw = super()._read(answer, started)
        if raw and answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/csv":
            return json.dumps(raw.decode("utf-8-sig")).encode()
        return raw


class OrgDoor(Door):
    """``clock`` is the last Date seen and when."""

    def __init__(
        self,
        base_url: str,
        *,
        access: Access,
        errors: ErrorTable,
        authorize: Authorizer | None = None,
        parallel: int = 4,
        room: Room | None = None,
    ) -> None:
        super().__init__(
            base_url, access=access, errors=errors, authorize=authorize, parallel=parallel, observe=self._see
        )
        self.wire: OrgWire = OrgWire(Limits(TIMEOUT, MAX_BYTES, MAX_SECONDS), parallel)
        self.room = room or Room()
        self.clock: tuple[Any, float] | None = None

    def _see(self, answer: Answer) -> None:
        self.room.note(answer.headers)
        if self.room.used is not None and self.room.most:
            self.allowance = allowance(self.room.most - self.room.used, self.room.most)
        if answer.server_time is not None:
            self.clock = (answer.server_time, time.monotonic())
