"""Oracle Fusion's answers as errors of the tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connections.errors import (
    ConfigError,
    Conflict,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    RecordError,
    StreamRefused,
    TransientError,
    UnexpectedError,
)
from connections.faults import TEXT_LIMIT, ErrorTable, Failure, Rule

SYSTEM = "Oracle Fusion"
SIGN_IN_AGAIN = frozenset({401, 301, 302, 303, 307, 308})
"""Some paths answer an expired token with a redirect to the login page."""
CHANGED_MEANWHILE = "JBO-25014"


class Refused(RecordError):
    """HTTP 400: on a filtered read, this pod does not take the question as it was put."""

    code = "fusion_refused"


class NotVisible(RecordError):
    """HTTP 404: absent, or hidden by data security. Never a proof of deletion."""

    code = "fusion_not_visible"


def cut_short(name: str) -> TransientError:
    """``hasMore`` with no rows, where going on without them would miss something unnoticed."""
    text = "Oracle Fusion cut a list short. It is tried again by itself."
    return TransientError(text, code="fusion_cut_list", detail={"call": name})


_SIGN_IN = Rule(
    ConfigError,
    "fusion_sign_in",
    "{system} does not let this user in. The Fusion user must be named exactly like the client ID (or user name and "
    "password must be right) and hold the job roles. Correct it and test again.",
)
_CHANGED = Rule(Conflict, "fusion_changed_meanwhile", "{label} was changed in {system} meanwhile. Replay it.")


def _codes(failure: Failure) -> Iterator[str]:
    body = failure.body
    if not isinstance(body, dict):
        return
    for part in (*_details(body), body):
        code = part.get("o:errorCode")
        if code:
            yield str(code)


def _details(body: dict[str, Any]) -> list[dict[str, Any]]:
    details = body.get("o:errorDetails")
    return [part for part in details if isinstance(part, dict)] if isinstance(details, list) else []


def _message(failure: Failure) -> str:
    body = failure.body
    if not isinstance(body, dict):
        return f"HTTP {failure.status}"
    texts = [str(part["detail"]) for part in (*_details(body), body) if part.get("detail")]
    return " ".join(dict.fromkeys(texts)) or str(body.get("title") or f"HTTP {failure.status}")


def _said(failure: Failure) -> list[str]:
    """Every text of the body with the place it is about, the general one only where it adds something."""
    body = failure.body
    if not isinstance(body, dict):
        return []
    general = rest = _sentence(body)
    said = []
    for part in _details(body):
        text, place = _sentence(part), str(part.get("o:errorPath") or "").strip("/")
        rest = rest.replace(text, "")
        if text:
            said.append(f"{text} ({place})" if place and place not in text else text)
    if any(letter.isalnum() for letter in rest):
        said.append(general)
    return list(dict.fromkeys(said))


def _sentence(part: Mapping[str, Any]) -> str:
    return str(part.get("detail") or "").strip().rstrip(".")


def _detail(failure: Failure) -> Mapping[str, Any]:
    told = {"message": _message(failure)[:1000], "trace": failure.headers.get("X-ORACLE-DMS-ECID", "")}
    said = _said(failure)
    return {**told, "said": said} if said else told


TABLE = ErrorTable(
    SYSTEM,
    {
        400: Rule(Refused, "fusion_refused", "{system} refused {label}: {message}"),
        (400, CHANGED_MEANWHILE): _CHANGED,
        **dict.fromkeys(SIGN_IN_AGAIN, _SIGN_IN),
        403: Rule(
            StreamRefused,
            "fusion_no_privilege",
            "The Fusion user may not read {label}. Give its role the privilege to view {label}, then test again.",
        ),
        404: Rule(
            NotVisible, "fusion_not_visible", "{system} does not show {label}: absent, or hidden from this user."
        ),
        409: _CHANGED,
        412: _CHANGED,
        415: Rule(UnexpectedError, "fusion_media_type", "{system} does not take {label} in this form. Tell support."),
        429: Rule(
            RateLimited, "fusion_throttled", "{system} asks for fewer calls. The rest follows by itself.", wait=30
        ),
        500: Rule(TransientError, "fusion_internal", "{system} had an internal error on {label}. It is tried again."),
    },
    codes=_codes,
    message=_message,
    detail=_detail,
)


@dataclass(frozen=True, slots=True)
class Deed:
    """What is written, in the words of an error text: "create", "this sales order", "sales orders"."""

    verb: str
    one: str
    many: str


def of_a_write(error: ConnectorError, deed: Deed) -> ConnectorError:
    """The same error for somebody whose order it was; the table speaks of reading."""
    if isinstance(error, Refused):
        words = "; ".join(error.detail.get("said") or [str(error.detail.get("message", ""))])
        text = (
            f"Oracle Fusion refused to {deed.verb} {deed.one}: {words}. Correct what it names, in the record or in "
            "Fusion's set-up, then replay it."
        )
        return Refused(text[:TEXT_LIMIT], code=error.code, detail=error.detail)
    if isinstance(error, OutcomeUnknown) and error.detail.get("said"):
        text = (
            f"Oracle Fusion had an internal error when it was to {deed.verb} {deed.one}: "
            f"{'; '.join(error.detail['said'])}. It is asked whether that was done before anything is sent again."
        )
        return OutcomeUnknown(text[:TEXT_LIMIT], code=error.code, detail=error.detail, retry_after=error.retry_after)
    if isinstance(error, NotVisible):
        text = (
            f"Oracle Fusion did not {deed.verb} {deed.one}: something it names is not there, or hidden from the Fusion "
            "user. Check that user's access to the business unit, then replay it."
        )
        return NotVisible(text, code=error.code, detail=error.detail)
    if isinstance(error, StreamRefused):
        text = (
            f"The Fusion user may not {deed.verb} {deed.many}. Give it a job role with the privilege to {deed.verb} "
            f"{deed.many}, then test the connection again."
        )
        return StreamRefused(text, code=error.code, detail=error.detail)
    return error


def _oauth_code(failure: Failure) -> Iterator[str]:
    if isinstance(failure.body, dict) and failure.body.get("error"):
        yield str(failure.body["error"])


def _identity(code: str, text: str) -> Rule:
    return Rule(ConfigError, code, text)


_CLIENT = _identity("fusion_client", "The identity domain does not know this client ID or secret: {message}")
_SCOPE = _identity("fusion_scope", "The identity domain does not grant this scope: {message}")
_GRANT = _identity("fusion_grant", "The application may not use client credentials; allow that grant: {message}")
_HOST = _identity("fusion_token_url", "The token address is not an identity domain (HTTP {status}). Correct it.")
_ANY = _identity("fusion_token", "The identity domain refused to sign in; check client ID, secret and scope: {message}")

IDENTITY_TABLE = ErrorTable(
    "The identity domain",
    {
        400: _ANY,
        401: _CLIENT,
        403: _ANY,
        404: _HOST,
        405: _HOST,
        **dict.fromkeys((301, 302, 303, 307, 308), _HOST),
        **{
            (status, code): rule
            for status in (400, 401, 403)
            for code, rule in {
                "invalid_client": _CLIENT,
                "invalid_scope": _SCOPE,
                "unauthorized_client": _GRANT,
                "unsupported_grant_type": _GRANT,
            }.items()
        },
    },
    codes=_oauth_code,
)
