"""From an HTTP answer to an error of the tree: a table per connector over the table every system shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from connections.errors import (
    ConfigError,
    Conflict,
    ConnectorError,
    RateLimited,
    RecordError,
    StreamRefused,
    TransientError,
    UnexpectedError,
)

TEXT_LIMIT = 2000
LONGEST_WAIT = 600.0


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is not a success. ``body`` is the parsed JSON, or None; ``retry_after`` is in seconds."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Any = field(default=None, repr=False)
    label: str = ""
    attempt: int = 1
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of an error table. ``text`` may name {label}, {system}, {status} and {message} (the vendor's words).

    ``wait`` is the first back-off in seconds of a transient error, doubled each time; None takes the door's.
    """

    error: type[ConnectorError]
    code: str
    text: str
    wait: float | None = None


Verdict = Rule | Callable[[Failure], ConnectorError]
Rows = Mapping[int | tuple[int, str], Verdict]

_LATER = "{system} is not available at the moment (HTTP {status}). It is tried again by itself."
DEFAULTS: dict[int, Rule] = {
    400: Rule(RecordError, "bad_request", "{system} refused {label}: {message}"),
    401: Rule(ConfigError, "unauthorized", "{system} does not accept the credentials. Enter them again and test."),
    403: Rule(StreamRefused, "forbidden", "The account may not use {label} in {system}. Ask its administrator."),
    404: Rule(RecordError, "not_found", "{system} does not show {label}: it is absent or hidden from this account."),
    405: Rule(UnexpectedError, "method_refused", "{system} does not offer this call on {label}. Tell support."),
    406: Rule(UnexpectedError, "media_refused", "{system} cannot answer {label} in this form. Tell support."),
    408: Rule(TransientError, "server_timeout", _LATER),
    409: Rule(Conflict, "conflict", "{system} reports a conflict on {label}: {message}"),
    410: Rule(RecordError, "gone", "{system} no longer has {label}."),
    412: Rule(Conflict, "changed_meanwhile", "{label} was changed in {system} meanwhile. Replay it."),
    413: Rule(RecordError, "too_large", "{label} is larger than {system} takes."),
    415: Rule(UnexpectedError, "media_refused", "{system} does not take {label} in this form. Tell support."),
    422: Rule(RecordError, "invalid", "{system} refused {label}: {message}"),
    423: Rule(TransientError, "locked", "{label} is locked in {system}. It is tried again by itself.", wait=2.0),
    425: Rule(TransientError, "too_early", _LATER),
    429: Rule(RateLimited, "rate_limited", "{system} asks for fewer calls. The rest follows by itself."),
}
_REDIRECT = Rule(ConfigError, "redirected", "{system} sends {label} elsewhere (HTTP {status}). Check the address.")
_SERVER = Rule(TransientError, "server_error", _LATER)
_OTHER = Rule(UnexpectedError, "unexpected_status", "{system} answered {label} with HTTP {status}. Tell support.")


def no_codes(failure: Failure) -> Iterable[str]:
    return ()


def plain_message(failure: Failure) -> str:
    body = failure.body
    if isinstance(body, dict):
        for name in ("detail", "message", "error_description", "title", "error"):
            if isinstance(body.get(name), str) and body[name]:
                return str(body[name])
    return f"HTTP {failure.status}"


def no_detail(failure: Failure) -> Mapping[str, Any]:
    return {}


class ErrorTable:
    """Rows of one connector, looked up by (status, vendor code), then status, then in the shared table.

    ``codes`` finds the vendor's codes in an error body, best first; ``message`` its words for a person; ``detail`` what
    operators want to keep (a correlation id).
    """

    def __init__(
        self,
        system: str,
        rows: Rows | None = None,
        *,
        codes: Callable[[Failure], Iterable[str]] = no_codes,
        message: Callable[[Failure], str] = plain_message,
        detail: Callable[[Failure], Mapping[str, Any]] = no_detail,
    ) -> None:
        self.system = system
        self._rows = dict(rows or {})
        self._codes = codes
        self._message = message
        self._detail = detail

    def judge(self, failure: Failure) -> tuple[ConnectorError, float | None]:
        """The error to raise, and the first back-off in seconds where a rule sets one."""
        verdict = self._find(failure)
        if not isinstance(verdict, Rule):
            return self._complete(verdict(failure), failure), None
        error = verdict.error(self._words(verdict, failure), code=verdict.code)
        return self._complete(error, failure), verdict.wait

    def error(self, failure: Failure) -> ConnectorError:
        return self.judge(failure)[0]

    def _find(self, failure: Failure) -> Verdict:
        status = failure.status
        for code in self._codes(failure):
            if (status, code) in self._rows:
                return self._rows[status, code]
        if status in self._rows:
            return self._rows[status]
        if status in DEFAULTS:
            return DEFAULTS[status]
        if 300 <= status < 400:
            return _REDIRECT
        return _SERVER if status >= 500 else _OTHER

    def _words(self, rule: Rule, failure: Failure) -> str:
        message = self._message(failure) if "{message}" in rule.text else ""
        label = failure.label or "this call"
        return rule.text.format(label=label, system=self.system, status=failure.status, message=message)[:TEXT_LIMIT]

    def _complete(self, error: ConnectorError, failure: Failure) -> ConnectorError:
        error.detail = {"status": failure.status, "call": failure.label, **self._detail(failure), **error.detail}
        codes = list(self._codes(failure))
        if codes:
            error.detail.setdefault("vendor_codes", codes)
        if isinstance(error, TransientError) and error.retry_after is None:
            error.retry_after = failure.retry_after
        return error


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from a Retry-After header: a number or a date; None where absent or unreadable."""
    value = headers.get("Retry-After")
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def back_off(base: float, attempt: int) -> float:
    """Doubling wait before the next attempt; ``attempt`` counts from 1."""
    return float(min(base * 2 ** (attempt - 1), LONGEST_WAIT))
