"""Refusals in the published forms.

A whole request is refused with an array of ``message`` and ``errorCode``, a row of a collection with ``statusCode``
(source: REST API guide, status-codes-and-error-responses and SObject Collections).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connections.sandbox.http import Response


class Refusal(Exception):
    """A refused call."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: Iterable[str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.fields = None if fields is None else list(fields)
        self.headers, self.extra = dict(headers or {}), dict(extra or {})

    def body(self) -> list[dict[str, Any]]:
        entry: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            entry["fields"] = self.fields
        return [entry | self.extra]

    def response(self) -> Response:
        return Response(self.status, self.body(), dict(self.headers))


class RowError(Exception):
    """One refused row. ``status`` is what the call answers where the row is the whole call."""

    def __init__(
        self,
        code: str,
        message: str,
        fields: Iterable[str] = (),
        *,
        status: int = 400,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.fields = code, message, list(fields)
        self.status, self.extra = status, dict(extra or {})

    def entry(self) -> dict[str, Any]:
        """One element of ``errors`` in the result of a row."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields} | self.extra

    def refusal(self) -> Refusal:
        return Refusal(self.status, self.code, self.message, self.fields, extra=self.extra)


class Unreadable(Refusal):
    """A value that does not fit the type of its field: the body cannot be parsed, whatever else is in it."""

    def __init__(self, kind: str, value: Any) -> None:
        token = {str: "VALUE_STRING", bool: "VALUE_TRUE", dict: "START_OBJECT", list: "START_ARRAY"}
        shape = token.get(type(value), "VALUE_NUMBER")
        message = (
            f"Cannot deserialize instance of {kind} from {shape} value {value} or request may be missing a required "
            "field at [line:1, column:1]"
        )
        super().__init__(400, "JSON_PARSER_ERROR", message)


def not_found(message: str = "The requested resource does not exist") -> Refusal:
    """404: a wrong address, an object or key field unknown or not granted, a record gone."""
    return Refusal(404, "NOT_FOUND", message)


def invalid_session() -> Refusal:
    """401 of a token that timed out, was revoked or never existed."""
    return Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")


def no_such_column(name: str, entity: str) -> RowError:
    """A field that is not there or hidden by field-level security: the two cannot be told apart."""
    return RowError("INVALID_FIELD", f"No such column '{name}' on sobject of type {entity}")


def required_missing(names: Iterable[str]) -> RowError:
    listed = list(names)
    return RowError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(listed)}]", listed)


def lock_failed(key: str) -> RowError:
    return RowError("UNABLE_TO_LOCK_ROW", f"unable to obtain exclusive access to this record or 1 records: {key}")


def rolled_back() -> RowError:
    """The row was good; another one of its request was not."""
    return RowError(
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "Record rolled back because not all records were valid and the request was using AllOrNone header",
    )
