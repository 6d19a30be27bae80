"""Refusals of the pod and the body they travel in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from ..wire import Request, Response

ERROR_TYPE = "application/vnd.oracle.adf.error+json"
STRUCTURED_FROM = 4


class Problem(NamedTuple):
    """One entry of ``o:errorDetails``."""

    detail: str
    code: str
    path: str


class FusionError(Exception):
    """A request is refused with this status; ``code`` and ``path`` go into ``o:errorDetails``, or ``problems`` where
    several things are wrong at once.
    """

    def __init__(
        self, status: int, detail: str, code: str = "", path: str = "", problems: Sequence[Problem] = ()
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code
        self.problems = tuple(problems) or (Problem(detail, code, path),)


def bad_request(detail: str, code: str = "27014", path: str = "") -> FusionError:
    return FusionError(400, detail, code, path)


def not_found(detail: str = "Not Found") -> FusionError:
    return FusionError(404, detail)


def error_response(error: FusionError, request: Request, version: int) -> Response:
    """The error body; plain text for an old framework version whose caller does not accept ADF's error type."""
    if version < STRUCTURED_FROM and ERROR_TYPE not in request.headers.get("accept", ""):
        return Response(error.status, error.detail, content_type="text/plain;charset=utf-8")
    body: dict[str, Any] = {
        "title": HTTPStatus(error.status).phrase,
        "status": str(error.status),
        "type": "http://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html",
        "detail": error.detail,
        "o:errorCode": error.code,
    }
    if version >= STRUCTURED_FROM:
        body["o:errorDetails"] = [
            {"detail": problem.detail, "o:errorCode": problem.code, "o:errorPath": problem.path}
            for problem in error.problems
        ]
    return Response(error.status, json.dumps(body, ensure_ascii=False), content_type=ERROR_TYPE)
