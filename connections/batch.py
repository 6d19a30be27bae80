"""The door's scheduler: which call goes when, what is repeated, and what is final. Runs in the calling thread."""

from __future__ import annotations

import heapq
import itertools
import logging
import queue
import random
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connections import http
from connections.errors import (
    ConfigError,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    RecordError,
    TransientError,
    UnexpectedError,
)
from connections.exchange import Break, Outcome
from connections.faults import Failure, back_off, retry_after

if TYPE_CHECKING:
    from connections.http import Answer, Call, Door

logger = logging.getLogger(__name__)
TICK = 2.0
FIRST_WAIT = 0.5
REGROW = 0.1
_APPLIED_MAYBE = frozenset({408, *range(500, 600)})


@dataclass(slots=True)
class Flight:
    """A call on its way, over all its attempts."""

    index: int
    call: Call
    attempt: int = 0
    waited: float = 0.0
    renewed: bool = False
    slot: int | None = None
    signed: Mapping[str, str] = field(default_factory=dict, repr=False)
    url: str | None = None
    body: bytes | None = field(default=None, repr=False)
    kind: Mapping[str, str] = field(default_factory=dict)


class Batch:
    """Calls sent through one door in parallel, each repeated on its own terms."""

    def __init__(self, door: Door, calls: Iterable[Call]) -> None:
        self._door = door
        self._calls = enumerate(calls)
        self._done: queue.SimpleQueue[tuple[Flight, Outcome]] = queue.SimpleQueue()
        self._flying: dict[int, Flight] = {}
        self._ready: list[Flight] = []
        self._later: list[tuple[float, int, Flight]] = []
        self._order = itertools.count()
        self._slot_at = 0.0
        self._fatal: ConnectorError | None = None

    def run(self) -> Iterator[tuple[int, Answer | ConnectorError]]:
        while True:
            self.fill()
            if not self._flying:
                if self._fatal is not None or not (self._ready or self._later):
                    break
                self._idle()
                continue
            landed = self._land()
            if landed is not None:
                yield landed
        if self._fatal is not None:
            raise self._fatal

    def fill(self) -> None:
        """Starts what may start now."""
        door = self._door
        while self._fatal is None and len(self._flying) < max(1, int(door.width)):
            self._wake()
            flight = self._ready.pop() if self._ready else self._next()
            if flight is None:
                return
            if door.budget is not None and not self._take_slot(flight):
                self._ready.append(flight)
                return
            self._start(flight)

    def _next(self) -> Flight | None:
        for index, call in self._calls:
            return Flight(index, call)
        return None

    def _start(self, flight: Flight) -> None:
        try:
            self._door.access.tick()
            flight.attempt += 1
            self._door.begin(flight, self._arrived)
        except ConnectorError as error:  # signing in failed, or the owner wants to stop
            self._give_back(flight)
            self._fatal = self._clean(error)
            return
        self._flying[flight.index] = flight

    def _arrived(self, flight: Flight, outcome: Outcome) -> None:
        self._done.put((flight, outcome))

    # Waiting

    def _wake(self) -> None:
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            self._ready.append(heapq.heappop(self._later)[2])

    def _take_slot(self, flight: Flight) -> bool:
        budget = self._door.budget
        if budget is None or flight.slot is not None:
            return True
        flight.slot, wait = budget.take()
        if flight.slot is None and wait > 0:
            self._slot_at = time.monotonic() + wait
        return flight.slot is not None or wait <= 0

    def _idle(self) -> None:
        """Nothing is in flight: sleep until the next call is due, ticking."""
        if self._ready:
            remaining = self._slot_at - time.monotonic()
        else:
            due, _, flight = heapq.heappop(self._later)
            remaining = due - time.monotonic()
            self._ready.append(flight)
        while remaining > 0:
            step = min(TICK, remaining)
            http.pause(step)
            self._door.access.tick()
            remaining -= step

    def _land(self) -> tuple[int, Answer | ConnectorError] | None:
        try:
            flight, outcome = self._done.get(timeout=self._patience())
        except queue.Empty:
            self._door.access.tick()
            if self._door.budget is not None:
                self._door.budget.hold([flight.slot for flight in self._flying.values() if flight.slot is not None])
            return None
        del self._flying[flight.index]
        self._give_back(flight)
        if outcome.broken is None and 200 <= outcome.status < 300:
            return flight.index, self._success(flight, outcome)
        return self._failure(flight, outcome)

    def _patience(self) -> float:
        due = [TICK]
        now = time.monotonic()
        if self._later:
            due.append(self._later[0][0] - now)
        if self._ready and self._slot_at > now:
            due.append(self._slot_at - now)
        return max(0.0, min(due))

    def _give_back(self, flight: Flight) -> None:
        if flight.slot is not None and self._door.budget is not None:
            self._door.budget.give(flight.slot)
            flight.slot = None

    # Judging

    def _success(self, flight: Flight, outcome: Outcome) -> Answer:
        door = self._door
        door.width = min(float(door.parallel), door.width + REGROW)
        answer = http.Answer(outcome.status, outcome.headers, outcome.body, flight.attempt)
        if door.observe is not None:
            door.observe(answer)
        return answer

    def _failure(self, flight: Flight, outcome: Outcome) -> tuple[int, Answer | ConnectorError] | None:
        if outcome.broken is None and outcome.status in self._door.expired and self._signed_again(flight):
            self._ready.append(flight)
            return None
        error, base = self._judge(flight, outcome)
        if isinstance(error, RateLimited):
            self._door.width = max(1.0, self._door.width / 2)
        if isinstance(error, TransientError) and not isinstance(error, OutcomeUnknown):
            wait = self._wait(flight, error, base)
            if wait is not None:
                logger.info("%s: %s, attempt %d, again in %.1f s", flight.call.label, error.code, flight.attempt, wait)
                flight.waited += wait
                heapq.heappush(self._later, (time.monotonic() + wait, next(self._order), flight))
                return None
        error = self._clean(error)
        if isinstance(error, RecordError | OutcomeUnknown):
            return flight.index, error
        self._fatal = self._fatal or error
        return None

    def _signed_again(self, flight: Flight) -> bool:
        authorize = self._door.authorize
        if authorize is None or flight.renewed:
            return False
        flight.renewed = True
        try:
            # Another call of this door may have renewed while this one was under way.
            return authorize.headers() is not flight.signed or authorize.renew()
        except ConnectorError as error:
            self._fatal = self._fatal or self._clean(error)
            return False

    def _judge(self, flight: Flight, outcome: Outcome) -> tuple[ConnectorError, float | None]:
        if outcome.broken is not None:
            return self._broken(flight, outcome, outcome.broken), None
        wait = retry_after(outcome.headers)
        label = flight.call.label
        failure = Failure(outcome.status, outcome.headers, outcome.body, label, flight.attempt, wait)
        error, base = self._door.errors.judge(failure)
        unsure = outcome.status in _APPLIED_MAYBE and not flight.call.repeatable
        if unsure and isinstance(error, TransientError) and not isinstance(error, RateLimited):
            error = self._unknown(flight, error.detail)
        return error, base

    def _broken(self, flight: Flight, outcome: Outcome, kind: Break) -> ConnectorError:
        system = self._door.errors.system
        detail: dict[str, Any] = {"call": flight.call.label, "cause": outcome.text}
        if outcome.status:
            detail["status"] = outcome.status
        if not kind.safe and kind is not Break.TOO_LARGE and not flight.call.repeatable:
            return self._unknown(flight, {**detail, "code": kind.value})
        error, text = _BREAKS[kind]
        return error(text.format(system=system, cause=outcome.text), code=kind.value, detail=detail)

    def _unknown(self, flight: Flight, detail: Mapping[str, Any]) -> OutcomeUnknown:
        text = (
            f"{self._door.errors.system} gave no usable answer to a write. It is asked before anything is sent again."
        )
        return OutcomeUnknown(text, detail=detail)

    def _wait(self, flight: Flight, error: TransientError, base: float | None) -> float | None:
        """Seconds until the next attempt, or None when the call is given up."""
        door = self._door
        if self._fatal is not None or flight.attempt > door.max_retries:
            return None
        if error.retry_after is not None:
            wait = error.retry_after + random.uniform(0, min(1.0, error.retry_after / 10))
        else:
            wait = back_off(base or FIRST_WAIT, flight.attempt) * random.uniform(0.5, 1) * self._door.scale
        return wait if flight.waited + wait <= door.max_wait else None

    def _clean(self, error: ConnectorError) -> ConnectorError:
        """Vendors echo what they were sent; no credential may leave with an error."""
        secrets = self._door.secrets()
        error.text = _without(error.text, secrets)
        error.args = (error.text,)
        error.detail = _without(error.detail, secrets)
        return error


def _without(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "***")
        return value
    if isinstance(value, Mapping):
        return {name: _without(item, secrets) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without(item, secrets) for item in value]
    return value


_BREAKS: dict[Break, tuple[type[ConnectorError], str]] = {
    Break.REFUSED: (ConfigError, "The address of {system} may not be called: {cause} Correct it in the connection."),
    Break.UNSENDABLE: (ConfigError, "A credential for {system} holds characters that cannot be sent. Enter it again."),
    Break.CERTIFICATE: (ConfigError, "The certificate of {system} is not valid for this address. Check the address."),
    Break.UNKNOWN_HOST: (TransientError, "The host of {system} was not found. If this stays, check the address."),
    Break.UNREACHABLE: (TransientError, "{system} cannot be reached. If this stays, check the address."),
    Break.TIMEOUT: (TransientError, "{system} did not answer in time. It is tried again by itself."),
    Break.CUT: (TransientError, "The line to {system} was cut. It is tried again by itself."),
    Break.NOT_JSON: (TransientError, "{system} sent a page instead of data. It is tried again by itself."),
    Break.TOO_LARGE: (UnexpectedError, "An answer of {system} is too large. Tell support."),
    Break.DEFECT: (UnexpectedError, "A call to {system} failed inside this product ({cause}). Tell support."),
}
