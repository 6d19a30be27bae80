"""The one error tree. A class says what to do; a code names the cause; the text tells the tenant the next step.

``ConfigError``      pause the connection, tell the tenant what to change
``TransientError``   back off and try again (``RateLimited``, ``OutcomeUnknown``)
``RecordError``      reject this record, go on (``MappingError``, ``Conflict``, ``DependencyMissing`` waits)
``UnexpectedError``  fail the run, alert
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class ConnectorError(Exception):
    """Base of the tree.

    ``code`` is stable and may be grouped by; ``text`` is for the tenant and names the next step; ``detail`` is for
    operators: status, vendor codes, correlation id. None of them ever holds a secret.
    """

    code = "unexpected"
    connection_id: int | None = None
    """Whose fault it is, where a caller has said so with ``blame``."""

    def __init__(self, text: str, *, code: str | None = None, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code or type(self).code
        self.detail: dict[str, Any] = dict(detail or {})


@contextmanager
def blame(connection_id: int) -> Iterator[None]:
    """What is raised inside comes from this connection, unless an inner block has named another."""
    try:
        yield
    except ConnectorError as error:
        if error.connection_id is None:
            error.connection_id = connection_id
        raise


class ConfigError(ConnectorError):
    """Nothing will work until the tenant changes a setting, a role or a scope."""

    code = "config"


class StreamRefused(ConfigError):
    """One object may not be read or written; the others may. Stops the flow, not the connection."""

    code = "stream_refused"


class TransientError(ConnectorError):
    """Likely to pass by itself. ``retry_after`` is in seconds, where the vendor said so."""

    code = "transient"

    def __init__(
        self,
        text: str,
        *,
        code: str | None = None,
        detail: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(text, code=code, detail=detail)
        self.retry_after = retry_after


class RateLimited(TransientError):
    code = "rate_limited"


class OutcomeUnknown(TransientError):
    """A write may or may not have been applied: ask the system before writing again."""

    code = "outcome_unknown"


class RecordError(ConnectorError):
    """This record cannot be delivered as it is; all others can."""

    code = "record"


class MappingError(RecordError):
    code = "mapping"


class Conflict(RecordError):
    """More than one record of the other system fits, or another record holds our key."""

    code = "conflict"


class DependencyMissing(RecordError):
    """A referenced record is not there yet: the record waits. ``waits_for`` is (flow key, source key)."""

    code = "dependency_missing"

    def __init__(
        self,
        text: str,
        *,
        waits_for: tuple[str, str],
        code: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(text, code=code, detail=detail)
        self.waits_for = waits_for


class UnexpectedError(ConnectorError):
    code = "unexpected"
