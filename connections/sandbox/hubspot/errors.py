"""Refusals in the published error form.

Source: https://developers.hubspot.com/docs/api-reference/error-handling. Every field of the body is optional there;
each answer here carries a correlation id of its own.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from connections.sandbox.http import Response

DOCS = "https://developers.hubspot.com/docs"


class Refusal(Exception):
    """One refused call, or one refused input of a batch.

    ``whole`` marks a refusal that takes the whole batch down whatever trace ids were sent.
    """

    def __init__(
        self,
        status: int,
        category: str | None,
        message: str,
        *,
        errors: Iterable[Mapping[str, Any]] = (),
        context: Mapping[str, list[str]] | None = None,
        links: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        whole: bool = False,
    ) -> None:
        super().__init__(message)
        self.status, self.category, self.message = status, category, message
        self.errors = [dict(error) for error in errors]
        self.context = dict(context or {})
        self.links = dict(links or {})
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})
        self.whole = whole

    def response(self) -> Response:
        """The answer to the whole call."""
        body: dict[str, Any] = {"status": "error", "message": self.message, "correlationId": str(uuid.uuid4())}
        optional = {"category": self.category, "errors": self.errors, "context": self.context, "links": self.links}
        body.update({name: value for name, value in optional.items() if value})
        return Response(status=self.status, body=body | self.extra, headers=self.headers)

    def entry(self, trace: str | None = None) -> dict[str, Any]:
        """One element of ``errors`` in the answer to a batch."""
        context = dict(self.context)
        if trace is not None:
            context["objectWriteTraceId"] = [trace]
        return {
            "status": "error",
            "category": self.category or "VALIDATION_ERROR",
            "message": self.message,
            "context": context,
            "errors": self.errors,
            "links": self.links,
        }


class Problem(Exception):
    """One property value that will not do."""

    def __init__(self, name: str, code: str, message: str) -> None:
        super().__init__(message)
        self.name, self.code, self.message = name, code, message


def invalid(message: str, **more: Any) -> Refusal:
    """400 VALIDATION_ERROR."""
    return Refusal(400, "VALIDATION_ERROR", message, **more)


def invalid_properties(problems: Iterable[Problem]) -> Refusal:
    """400 in the published form: JSON text inside the message, the same codes again in ``errors``."""
    listed = list(problems)
    inner = [{"isValid": False, "message": p.message, "error": p.code, "name": p.name} for p in listed]
    return invalid(
        f"Property values were not valid: {json.dumps(inner, ensure_ascii=False)}",
        errors=[{"message": p.message, "code": p.code, "context": {"propertyName": [p.name]}} for p in listed],
    )


def unknown_property(name: str) -> Problem:
    """A property that is not defined for the type."""
    return Problem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')


def conflicting(name: str, value: str, holder: int) -> Problem:
    """A unique value that another record holds."""
    return Problem(name, "CONFLICTING_UNIQUE_VALUE", f'Record {holder} already has the value "{value}" for "{name}"')


def missing_properties(label: str, names: Iterable[str], message: str | None = None) -> Refusal:
    """400 for required properties, each of them named."""
    listed = list(names)
    return invalid(
        message or f"Error creating {label}. Some required properties were not set.",
        errors=[
            {"message": f'"{name}" is required', "code": "REQUIRED_PROPERTY", "context": {"propertyName": [name]}}
            for name in listed
        ],
        context={"properties": listed},
    )


def not_found(message: str = "Object not found.  objectId are usually numeric.") -> Refusal:
    """404 for one record: never there, archived or merged away."""
    return Refusal(404, "OBJECT_NOT_FOUND", message)


def no_such_resource() -> Refusal:
    """404 for a path or version that does not exist."""
    return Refusal(404, None, "resource not found")


def missing_scopes(scopes: Iterable[str]) -> Refusal:
    """403, naming exactly the scopes of which one is needed."""
    return Refusal(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. "
        "Read more about required scopes here: https://developers.hubspot.com/scopes.",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": list(scopes)},
            }
        ],
        links={"scopes": "https://developers.hubspot.com/scopes"},
    )


def locked(name: str) -> Refusal:
    """423: the record is locked by heavy writing; the client waits two seconds."""
    return Refusal(423, None, f"{name} is locked by another write. Wait at least two seconds and try again.")


def duplicate_ids(values: Iterable[str]) -> Refusal:
    """400 for ids given twice in one batch; refuses all of it, trace ids or not."""
    listed = list(values)
    return invalid(
        f"Duplicate IDs found in batch input: [{', '.join(listed)}]. IDs must be unique",
        context={"ids": listed},
        whole=True,
    )
