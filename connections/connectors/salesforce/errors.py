"""What each refusal of Salesforce means for us: tables over the default table of every connector.

Three envelopes are turned into codes: an array of ``errorCode`` for a whole request, ``statusCode`` for one row of a
collection, and an object with ``error`` from the token endpoint. A few refusals share a code and differ in a fixed
phrase; such a phrase is a code of its own here, and only codes are looked up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connections.connectors.base import Document
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
from connections.faults import ErrorTable, Failure, Rule, Verdict

SYSTEM = "Salesforce"
EXISTING = re.compile(r"\b[a-zA-Z0-9]{18}\b|\b[a-zA-Z0-9]{15}\b")
DAILY_WAIT, CONCURRENT_WAIT = 900.0, 30.0
STATUSES = (400, 403, 404, 409, 500)
"""Under which a code of a whole request is known to come; a row of a collection counts as 400."""

PHRASES = (
    ("This session is not valid for use with the REST API", "SESSION_NOT_FOR_REST"),
    ("Connected app is not attached to Agent", "APP_NOT_ATTACHED"),
    ("Foreign key external ID", "PARENT_ABSENT"),
    ("ConcurrentPerOrgLongTxn", "CONCURRENT_LIMIT"),
    ("Duplicate external id specified", "DOUBLED_KEY"),
    ("no client credentials user enabled", "NO_RUN_AS_USER"),
    ("request not supported on this domain", "WRONG_DOMAIN"),
    ("not admin approved", "NOT_APPROVED"),
)
NO_EXPIRY = frozenset({"SESSION_NOT_FOR_REST", "APP_NOT_ATTACHED"})
"""401s a new login does not help against."""


def entries_of(body: Any) -> list[Mapping[str, Any]]:
    """The errors of a body, whichever envelope they came in."""
    found = body if isinstance(body, list) else [body]
    entries: list[Mapping[str, Any]] = []
    for entry in found:
        if isinstance(entry, Mapping):
            inner = entry.get("errors")
            entries += [one for one in inner if isinstance(one, Mapping)] if isinstance(inner, list) else [entry]
    return entries


def codes_of(failure: Failure) -> list[str]:
    entries = entries_of(failure.body)
    words = " ".join(_words_of(entry) for entry in entries).lower()
    codes = [code for phrase, code in PHRASES if phrase.lower() in words]
    for entry in entries:
        codes += [str(entry[name]) for name in ("errorCode", "statusCode", "error") if entry.get(name)]
    return list(dict.fromkeys(codes))


def _words_of(entry: Mapping[str, Any]) -> str:
    return str(entry.get("message") or entry.get("error_description") or "")


def message_of(failure: Failure) -> str:
    """Salesforce's own words, with the fields they concern."""
    parts = []
    for entry in entries_of(failure.body):
        words = _words_of(entry)
        named = [str(name) for name in entry.get("fields") or () if str(name) not in words]
        parts.append(f"{words} ({', '.join(named)})" if named else words)
    return "; ".join(dict.fromkeys(filter(None, parts))) or f"HTTP {failure.status}"


def detail_of(failure: Failure) -> Document:
    entries = entries_of(failure.body)
    fields = [str(name) for entry in entries for name in entry.get("fields") or ()]
    return {"message": message_of(failure), **({"fields": list(dict.fromkeys(fields))} if fields else {})}


def _ids_in(failure: Failure) -> list[str]:
    ids = EXISTING.findall(message_of(failure))
    for entry in entries_of(failure.body):
        ids += _match_ids(entry.get("duplicateResult") or entry.get("duplicateResut"))
    return list(dict.fromkeys(ids))


def _match_ids(node: Any) -> list[str]:
    if isinstance(node, Mapping):
        own = [str(node["Id"])] if isinstance(node.get("Id"), str) else []
        return own + [found for value in node.values() for found in _match_ids(value)]
    if isinstance(node, list):
        return [found for value in node for found in _match_ids(value)]
    return []


def _value_in_use(failure: Failure) -> ConnectorError:
    ids = [one for one in _ids_in(failure) if any(letter.isdigit() for letter in one)]
    named = f" ({ids[0]})" if ids else ""
    text = f"Another Salesforce record{named} holds this key or unique value: {message_of(failure)}"
    return Conflict(text, code="salesforce_value_in_use", detail={"existing_ids": ids})


def _duplicates(failure: Failure) -> ConnectorError:
    text = (
        "A duplicate rule of the org takes this record for one that is there already. Bind it to that record, or let "
        f"the connection save in spite of alerting rules: {message_of(failure)}"
    )
    return Conflict(text, code="salesforce_duplicates", detail={"candidate_ids": _ids_in(failure)})


def _limit(failure: Failure) -> ConnectorError:
    text = "Salesforce's calls for 24 hours are used up, for all apps of the org. Goes on by itself when some are free."
    return RateLimited(text, code="salesforce_daily_limit", retry_after=failure.retry_after or DAILY_WAIT)


def _concurrent(failure: Failure) -> ConnectorError:
    text = "Too many long calls run in the Salesforce org at once. Nothing to do: the sync waits."
    return RateLimited(text, code="rate_limited", retry_after=failure.retry_after or CONCURRENT_WAIT)


_PREPARE = "Run Prepare, or assign the permission set Fusion_Sync to the Run-As user, and test again."
_REJECTED = Rule(RecordError, "salesforce_invalid", "Salesforce refuses this record: {message}")
_TEST = "Test the connection: it names what is missing."

LOCKED = Rule(
    TransientError, "salesforce_locked", "Another change holds the record in Salesforce. Tried again: {message}", 1.0
)
HALTED = Rule(TransientError, "salesforce_halted", "Salesforce left this record out because of another. Sent again.")

CODES: dict[str, Verdict] = {
    "REQUIRED_FIELD_MISSING": Rule(
        RecordError,
        "salesforce_required_field",
        "Salesforce wants a field that is empty: {message} Fill it in the source or in the mapping.",
    ),
    "INVALID_FIELD": Rule(
        StreamRefused,
        "salesforce_field_absent",
        "A field of {label} is not there or not visible in Salesforce: {message} " + _PREPARE,
    ),
    "PARENT_ABSENT": Rule(
        RecordError,
        "salesforce_parent_absent",
        "The record this one belongs to is not in Salesforce yet. It follows when that is there: {message}",
    ),
    "INVALID_TYPE": Rule(
        StreamRefused, "salesforce_object_absent", "Salesforce has no {label}, or hides it from this user. " + _PREPARE
    ),
    "NOT_FOUND": Rule(
        StreamRefused,
        "salesforce_not_found",
        "Salesforce does not know {label} or its key field, or hides it from the Run-As user. " + _PREPARE,
    ),
    "DUPLICATE_VALUE": _value_in_use,
    "DUPLICATE_EXTERNAL_ID": _value_in_use,
    "DOUBLED_KEY": Rule(
        UnexpectedError, "salesforce_doubled_keys", "A call named a key twice: {message} Tell support."
    ),
    "DUPLICATES_DETECTED": _duplicates,
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": Rule(
        RecordError,
        "salesforce_validation_rule",
        "A validation rule of the org refuses this record: {message} Correct the source, or ask the Salesforce "
        "administrator to exempt the Run-As user from that rule.",
    ),
    "STRING_TOO_LONG": Rule(
        RecordError, "salesforce_too_long", "A value is longer than its field in Salesforce: {message} Shorten it."
    ),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": Rule(
        RecordError,
        "salesforce_picklist",
        "The picklist in Salesforce does not have this value: {message} Add it there, or map it to another.",
    ),
    "INVALID_CROSS_REFERENCE_KEY": Rule(
        RecordError,
        "salesforce_stale_id",
        "A Salesforce id in this record is no longer valid: {message} It is looked up again on the next run.",
    ),
    "ENTITY_IS_DELETED": Rule(
        RecordError, "salesforce_deleted", "The record is in Salesforce's recycle bin. Restore it there, then replay."
    ),
    "UNABLE_TO_LOCK_ROW": LOCKED,
    "ENTITY_IS_LOCKED": Rule(
        RecordError,
        "salesforce_approval_lock",
        "An approval in Salesforce locks this record: {message} Finish the approval, then replay.",
    ),
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": HALTED,
    "PROCESSING_HALTED": HALTED,
    "BATCH_PROCESSING_HALTED": HALTED,
    "INVALID_FIELD_FOR_INSERT_UPDATE": Rule(
        RecordError,
        "salesforce_field_not_writable",
        "Salesforce lets nobody write this field on this record: {message} Take it out of the mapping.",
    ),
    "INSUFFICIENT_ACCESS_OR_READONLY": Rule(
        RecordError,
        "salesforce_record_rights",
        "The Run-As user may not change this record: {message} Share it with that user, or change its owner.",
    ),
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": Rule(
        RecordError,
        "salesforce_trigger",
        "A trigger or flow of the org failed on this record: {message} Ask the Salesforce administrator.",
    ),
    "STORAGE_LIMIT_EXCEEDED": Rule(
        ConfigError, "salesforce_storage_full", "The Salesforce org is full. Free storage there, then resume."
    ),
    "JSON_PARSER_ERROR": _REJECTED,  # one value of the wrong kind refuses all rows of a call
    "REQUEST_LIMIT_EXCEEDED": _limit,
    "CONCURRENT_LIMIT": _concurrent,
    "API_DISABLED_FOR_ORG": Rule(
        ConfigError,
        "salesforce_api_off",
        "The org or the Run-As user has no API access. Its administrator turns it on (permission “API Enabled”).",
    ),
    "INVALID_QUERY_LOCATOR": Rule(
        TransientError, "salesforce_cursor_lost", "Salesforce forgot where a query stood. It is asked again."
    ),
    "QUERY_TIMEOUT": Rule(TransientError, "salesforce_query_timeout", "A query took Salesforce too long. Tried again."),
    "MALFORMED_QUERY": Rule(
        StreamRefused, "salesforce_query", "Salesforce does not understand a query of {label}: {message} " + _TEST
    ),
    "SERVER_UNAVAILABLE": Rule(
        TransientError, "salesforce_unavailable", "Salesforce is down for a moment. Tried again."
    ),
}
CODES["MALFORMED_ID"] = CODES["INVALID_CROSS_REFERENCE_KEY"]

_SIGN_IN = "Correct it in the connection and test again."
BY_STATUS: dict[int | tuple[int, str], Verdict] = {
    300: Rule(
        Conflict,
        "salesforce_several",
        "Several Salesforce records carry this external id. Merge them, and make the key field unique.",
    ),
    401: Rule(
        ConfigError,
        "salesforce_session",
        "Salesforce does not accept a token it has just given. Check API access of the Run-As user and the app's IP "
        "relaxation.",
    ),
    (401, "SESSION_NOT_FOR_REST"): Rule(
        ConfigError,
        "salesforce_not_for_rest",
        "Salesforce's token is not valid for its REST API. Give the app the scope “Manage user data via APIs (api)”.",
    ),
    (401, "APP_NOT_ATTACHED"): Rule(
        ConfigError,
        "salesforce_app_not_attached",
        "Salesforce takes the app for one of an agent. Use an external client app of its own for this connection.",
    ),
    403: Rule(StreamRefused, "salesforce_forbidden", "The Run-As user may not use {label}: {message} " + _PREPARE),
    404: CODES["NOT_FOUND"],
    409: Rule(Conflict, "salesforce_conflict", "Salesforce reports a conflict on this record: {message} Replay it."),
    410: Rule(
        ConfigError,
        "salesforce_version_retired",
        "Salesforce has retired the API version of this connection. Choose a newer one in the connection.",
    ),
    414: Rule(UnexpectedError, "salesforce_url_too_long", "A call to Salesforce was too long. Tell support."),
    420: Rule(
        ConfigError,
        "salesforce_wrong_domain",
        "Salesforce does not know this host. Check the My Domain address (Setup → My Domain).",
    ),
    428: Rule(UnexpectedError, "salesforce_precondition", "Salesforce wants a condition on {label}. Tell support."),
    431: Rule(UnexpectedError, "salesforce_url_too_long", "A call to Salesforce was too long. Tell support."),
    (503, "SERVER_UNAVAILABLE"): CODES["SERVER_UNAVAILABLE"],
}
ROWS: dict[int | tuple[int, str], Verdict] = {
    **{(status, code): verdict for code, verdict in CODES.items() for status in STATUSES},
    **BY_STATUS,
}
_UNKNOWN_CODE = Rule(StreamRefused, "salesforce_refused", "Salesforce refuses calls on {label}: {message} " + _TEST)

TABLE = ErrorTable(SYSTEM, {**ROWS, 400: _UNKNOWN_CODE}, codes=codes_of, message=message_of, detail=detail_of)
"""For whole requests: what nobody knows stops the flow."""

ROW_TABLE = ErrorTable(SYSTEM, {**ROWS, 400: _REJECTED}, codes=codes_of, message=message_of, detail=detail_of)
"""For single rows: what nobody knows rejects the row."""


def _sign_in(code: str, text: str) -> Rule:
    return Rule(ConfigError, code, text)


TOKEN_CODES: dict[str, Verdict] = {
    "NO_RUN_AS_USER": _sign_in(
        "salesforce_no_run_as",
        "The app has no Run-As user. In Salesforce: External Client App Manager → the app → Policies → Client "
        "Credentials Flow → Run As: the user name (not the e-mail address).",
    ),
    "WRONG_DOMAIN": _sign_in(
        "salesforce_wrong_domain",
        "This address does not offer the sign-in. Enter the org's own My Domain address (Setup → My Domain), not "
        "login.salesforce.com or test.salesforce.com.",
    ),
    "NOT_APPROVED": _sign_in(
        "salesforce_not_approved", "The Run-As user may not use the app. Assign the app's permission set to that user."
    ),
    "invalid_grant": _sign_in(
        "salesforce_sign_in", "Salesforce refuses the sign-in: {message}. Check the app's Run-As user and policies."
    ),
    "invalid_client": _sign_in(
        "salesforce_secret", "The consumer secret is wrong. Copy it again from the app's OAuth settings. " + _SIGN_IN
    ),
    "invalid_client_id": _sign_in(
        "salesforce_client_id",
        "The consumer key is wrong, or the app is younger than ten minutes. Wait, or copy it again from the app.",
    ),
    "unsupported_grant_type": _sign_in(
        "salesforce_flow_off",
        "The client credentials flow is off. Turn it on in the app's OAuth settings and under its policies.",
    ),
    "inactive_user": _sign_in("salesforce_inactive", "The Run-As user is inactive. Activate it, or choose another."),
    "inactive_org": _sign_in("salesforce_inactive", "The Salesforce org is switched off. Ask its administrator."),
}
_NO_TOKEN = _sign_in("salesforce_sign_in", "Salesforce refuses the sign-in: {message}. Check key, secret and address.")

TOKEN_TABLE = ErrorTable(
    SYSTEM,
    {
        **{(status, code): verdict for code, verdict in TOKEN_CODES.items() for status in (400, 401, 403)},
        **dict.fromkeys((400, 401, 403), _NO_TOKEN),
        404: TOKEN_CODES["WRONG_DOMAIN"],
        420: BY_STATUS[420],
    },
    codes=codes_of,
    message=message_of,
    detail=detail_of,
)


def explain(entry: Any, label: str) -> ConnectorError:
    """The error of one row of a collection."""
    return ROW_TABLE.error(Failure(400, body=entry, label=label))
