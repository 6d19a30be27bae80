"""Faults an operator or a test can switch on: what breaks, where, when and how often.

A rule says which requests it matches and what happens to them. Kinds:

=============  ===========================================================================================
status         answer ``status`` with ``body`` and ``headers`` (429 with or without Retry-After, 500, 503 ...)
html           answer an HTML error page with ``status`` (200 too: proxies do that)
redirect       answer 302 to ``location`` (a login page)
broken_json    apply the request, then answer only half of the body as if it were whole
cut_before     close the connection; the request is not applied
cut_after      apply the request, then close the connection without an answer
cut_body       apply the request, announce the whole body, send half of it and close
slow           wait ``delay`` seconds before answering; with ``drip`` send the body in that many slices meanwhile
expire_token   the token used becomes invalid, so this request and those after it get the system's own 401
page_shift     run the business event ``event`` just before the page is read
late_commit    run the business event ``event`` after the page was read, before it is sent
=============  ===========================================================================================

``status``, ``html`` and ``redirect`` do not apply the request unless ``apply`` is true (an error after the work was
done).
"""

from __future__ import annotations

import itertools
import random
import re
import threading
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .wire import Request

KINDS = (
    "status",
    "html",
    "redirect",
    "broken_json",
    "cut_before",
    "cut_after",
    "cut_body",
    "slow",
    "expire_token",
    "page_shift",
    "late_commit",
)
ANSWERS = frozenset({"status", "html", "redirect"})


class FaultError(ValueError):
    """A rule that cannot mean anything, with the reason."""


@dataclass
class Fault:
    """One rule. ``None`` in a matching field matches everything."""

    kind: str
    system: str | None = None
    port: str | None = None
    method: str | None = None
    path: str | None = None  # regular expression, searched in path?query
    header: str | None = None  # substring of any "name: value" line
    contains: str | None = None  # substring of the request body
    after: int = 0  # let the first n matches pass
    times: int | None = None  # fire at most n times
    every: int | None = None  # fire at every nth match only
    probability: float | None = None  # fire with this chance, drawn from a generator seeded with ``seed``
    seed: int = 0
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    location: str = "https://login.example.com/oam/server/obrareq.cgi"
    apply: bool = False
    delay: float = 0.0
    drip: int = 0
    event: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    id: int = 0
    matched: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise FaultError(f"unknown kind {self.kind!r}: choose one of {', '.join(KINDS)}")
        try:
            self._pattern = re.compile(self.path) if self.path else None
        except re.error as error:
            raise FaultError(f"path is not a regular expression: {error}") from None
        self._random = random.Random(self.seed)
        self._needle = self.contains.encode() if self.contains else None

    def matches(self, system: str, port: str, request: Request) -> bool:
        if self.system not in (None, system) or self.port not in (None, port):
            return False
        if self.method and self.method.upper() != request.method:
            return False
        if self._pattern and not self._pattern.search(request.target):
            return False
        if self._needle and self._needle not in request.body:
            return False
        if self.header:
            return any(self.header.lower() in f"{name}: {value}".lower() for name, value in request.headers.items())
        return True

    def due(self) -> bool:
        """Count one match and say whether the rule fires on it."""
        self.matched += 1
        counted = self.matched - self.after
        if counted <= 0 or (self.times is not None and self.fired >= self.times):
            return False
        if self.every and counted % self.every:
            return False
        if self.probability is not None and self._random.random() >= self.probability:
            return False
        self.fired += 1
        return True


class Faults:
    """The rules in force, in the order they were added."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._lock = threading.Lock()
        self._ids = itertools.count(1)

    def add(self, kind: str, **settings: Any) -> Fault:
        """Add a rule; see :class:`Fault` for the settings. Raises :class:`FaultError`."""
        known = {item.name for item in fields(Fault)} - {"id", "matched", "fired", "kind"}
        unknown = sorted(set(settings) - known)
        if unknown:
            raise FaultError(f"unknown setting {', '.join(unknown)}")
        rule = Fault(kind, **settings)
        with self._lock:
            rule.id = next(self._ids)
            self._rules.append(rule)
        return rule

    def remove(self, rule_id: int) -> bool:
        with self._lock:
            kept = [rule for rule in self._rules if rule.id != rule_id]
            removed = len(kept) != len(self._rules)
            self._rules = kept
        return removed

    def clear(self) -> None:
        with self._lock:
            self._rules = []

    def rules(self) -> list[dict[str, Any]]:
        """Every rule as plain JSON, with how often it matched and fired."""
        with self._lock:
            return [asdict(rule) for rule in self._rules]

    def fired(self, system: str, port: str, request: Request) -> list[Fault]:
        """The rules that fire on this request. Costs nothing when there are no rules."""
        if not self._rules:
            return []
        with self._lock:
            return [rule for rule in self._rules if rule.matches(system, port, request) and rule.due()]
