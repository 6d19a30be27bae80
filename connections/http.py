"""The only door to the network.

The calling thread schedules, waits, keeps the budget and its lease; pool threads do nothing but the raw exchange.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings
from requests.adapters import HTTPAdapter

from connections import batch
from connections.errors import ConfigError, ConnectorError, UnexpectedError
from connections.exchange import Break, Limits, Outcome, Secret, Wire
from connections.faults import ErrorTable, Failure, Rule
from connections.transport import AddressRefused, check_url

if TYPE_CHECKING:
    from connections.budget import Budget
    from connections.connectors.base import Access

__all__ = [
    "Answer",
    "Authorizer",
    "Call",
    "Door",
    "ErrorTable",
    "Failure",
    "Pending",
    "Rule",
    "Secret",
    "Static",
    "pause",
]

logger = logging.getLogger(__name__)
MEGABYTE = 1 << 20
SHORTEST_SECRET = 6
UNAUTHORIZED = frozenset({401})
NOT_ALLOWED = "A preview was about to change something in the other system. Nothing was sent. Tell support."


def pause(seconds: float) -> None:
    """Every wait of the door goes through here, so that tests need none."""
    time.sleep(seconds)


@dataclass(slots=True)
class Call:
    """One request. ``url`` is a path below the door's base address, or absolute on the same origin.

    ``json`` or ``data`` (form fields, or bytes) is the body. ``idempotent`` says that repeating does no harm: true for
    every GET. ``label`` names the object in error texts. ``decimals`` reads JSON fractions as Decimal.
    """

    method: str
    url: str
    params: Mapping[str, Any] | None = field(default=None, repr=False)
    json: Any = field(default=None, repr=False)
    data: Mapping[str, Any] | bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    idempotent: bool = False
    label: str = ""
    decimals: bool = False

    @property
    def repeatable(self) -> bool:
        return self.idempotent or self.method in ("GET", "HEAD")


@dataclass(slots=True)
class Answer:
    """A success. ``headers`` ignore case; ``body`` is the parsed JSON or None; ``attempts`` counts the exchanges."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    attempts: int = 1

    @property
    def server_time(self) -> datetime | None:
        """The Date header: the remote clock in whole seconds, aware UTC."""
        try:
            return parsedate_to_datetime(self.headers["Date"]).astimezone(UTC)
        except (KeyError, ValueError):
            return None


class Authorizer(Protocol):
    """Signs calls. Both methods run in the calling thread and may use ``Access``."""

    def headers(self) -> Mapping[str, str]:
        """Headers of the next call, values as ``Secret``; the same object until the credential changes."""

    def known(self) -> Iterable[str]:
        """Header values at hand, without any call: they are cut out of error texts."""

    def renew(self) -> bool:
        """Called after a 401 with the current headers. True: there are new ones, repeat once."""


class Static:
    """An authorizer whose headers never change."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = {name: Secret(value) for name, value in headers.items()}

    def headers(self) -> Mapping[str, str]:
        return self._headers

    def known(self) -> Iterable[str]:
        return self._headers.values()

    def renew(self) -> bool:
        return False


class Pending:
    """A call under way. ``result`` waits, retries where needed, and raises what ``Door.send`` would raise."""

    def __init__(self, work: batch.Batch) -> None:
        self._work = work

    def result(self) -> Answer:
        for _, answer in self._work.run():
            if isinstance(answer, ConnectorError):
                raise answer
            return answer
        raise UnexpectedError("A call ended without an answer. Tell support.", code="no_answer")


class Door:
    """All HTTP of one connection to one base address.

    ``timeout`` is (connect, read) in seconds, ``max_seconds`` the whole exchange; ``parallel`` the exchanges at once,
    halved by each 429 and growing back; ``expired`` the statuses that mean "sign in again"; ``observe`` sees every
    success in the calling thread. Raises ``ConfigError`` for an address that may not be called.
    """

    def __init__(
        self,
        base_url: str,
        *,
        access: Access,
        errors: ErrorTable,
        authorize: Authorizer | None = None,
        budget: Budget | None = None,
        timeout: tuple[float, float] = (10, 60),
        parallel: int = 4,
        max_bytes: int = 64 * MEGABYTE,
        max_seconds: float = 300,
        expired: frozenset[int] = UNAUTHORIZED,
        observe: Callable[[Answer], None] | None = None,
        adapter: HTTPAdapter | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        try:
            check_url(self.base_url)
        except AddressRefused as refusal:
            raise ConfigError(str(refusal), code=Break.REFUSED.value) from None
        self.access, self.errors, self.authorize, self.budget = access, errors, authorize, budget
        self.expired, self.observe = expired, observe
        self.parallel = parallel
        self.width = float(parallel)
        self.calls = 0
        self.allowance: Mapping[str, Any] | None = None
        """What is left of the day's calls, where the vendor tells (``connectors.base.allowance``)."""
        self.max_retries: int = settings.HTTP_MAX_RETRIES
        self.max_wait: float = settings.HTTP_MAX_WAIT
        self.scale: float = getattr(settings, "HTTP_BACKOFF_SCALE", 1.0)
        self.wire = Wire(Limits(timeout, max_bytes, max_seconds), parallel, adapter)
        self._allowed: Callable[[Call], bool] | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Door {self.base_url}>"

    def __enter__(self) -> Door:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Drops pooled connections and threads. The door may be used again."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
        self.wire.close()

    def only(self, allowed: Callable[[Call], bool]) -> Self:
        """Refuses all other calls from now on: what is only tried must never change anything."""
        self._allowed = allowed
        return self

    def send(self, call: Call) -> Answer:
        """The answer of a call, after retries. Raises from ``connections.errors``."""
        return Pending(batch.Batch(self, [call])).result()

    def start(self, call: Call) -> Pending:
        """Begins a call and returns at once: the exchange runs while the caller does something else."""
        work = batch.Batch(self, [call])
        work.fill()
        return Pending(work)

    def send_many(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer | ConnectorError]]:
        """Sends in parallel and yields (index, answer) as they complete.

        A call's own failure (``RecordError``, ``OutcomeUnknown``) is yielded. Any other stops the sending; what is in
        flight is still yielded, then it is raised. ``calls`` is consumed no faster than it can be sent.
        """
        return batch.Batch(self, calls).run()

    def begin(self, flight: batch.Flight, done: Callable[[batch.Flight, Outcome], None]) -> None:
        """Starts the exchange of a flight in a pool thread, which hands the outcome to ``done``."""
        call = flight.call
        if self._allowed is not None and not self._allowed(call):
            raise UnexpectedError(NOT_ALLOWED, code="preview_would_write")
        flight.signed = self.authorize.headers() if self.authorize else {}
        if flight.url is None:
            flight.url, flight.body, flight.kind = self._url(call), *_encode(call)
        request = self.wire.prepare(
            call.method, flight.url, (flight.kind, call.headers or {}, flight.signed), flight.body
        )
        with self._lock:
            self.calls += 1
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.parallel, thread_name_prefix="door")
        self._pool.submit(_exchange, self.wire, request, flight, done)

    def secrets(self) -> list[str]:
        """What must not be found in an error: stored secrets and what they were turned into."""
        found = [value for value in self.access.secrets.values() if isinstance(value, str)]
        if self.authorize is not None:
            found += [value.rpartition(" ")[2] for value in self.authorize.known()]
        found += [quote(value, safe="") for value in found]
        return [value for value in found if len(value) >= SHORTEST_SECRET]

    def _url(self, call: Call) -> str:
        url = call.url
        if not url.startswith("/"):
            self._same_origin(url)
        else:
            url = self.base_url + url
        if not call.params:
            return url
        given = {name: value for name, value in call.params.items() if value is not None}
        return f"{url}{'&' if '?' in url else '?'}{urlencode(given, quote_via=quote, safe='')}"

    def _same_origin(self, url: str) -> None:
        """Credentials go to the door's own origin only; vendors write the default port or leave it out."""
        asked, own = urlsplit(url), urlsplit(self.base_url)
        default = {"https": 443, "http": 80}
        if (asked.scheme, asked.hostname, asked.port or default.get(asked.scheme)) != (
            own.scheme,
            own.hostname,
            own.port or default.get(own.scheme),
        ):
            raise UnexpectedError(
                "An answer pointed to another host; it was not called. Tell support.", code="foreign_host"
            )


def _exchange(wire: Wire, request: Any, flight: batch.Flight, done: Callable[[batch.Flight, Outcome], None]) -> None:
    try:
        outcome = wire.exchange(request, flight.call.decimals)
    except BaseException as error:  # the waiting thread must always hear of it
        outcome = Outcome(broken=Break.DEFECT, text=type(error).__name__)
    done(flight, outcome)


def _encode(call: Call) -> tuple[bytes | None, Mapping[str, str]]:
    if call.json is not None:
        text = json.dumps(call.json, ensure_ascii=False, separators=(",", ":"))
        return text.encode(), {"Content-Type": "application/json"}
    if isinstance(call.data, Mapping):
        return urlencode(call.data).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    if call.data is not None:
        return call.data, {}
    return (b"" if call.method in ("POST", "PUT", "PATCH") else None), {}
