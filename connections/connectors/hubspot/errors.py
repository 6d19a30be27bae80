"""What each refusal of HubSpot means for us: one table, over the default table of every connector.

The vendor's code stands in many places (contract: every field of an error body is optional), and some refusals have
none but a fixed phrase; ``codes_of`` turns all of them into codes, and only codes are looked up.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

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

PHRASES = (
    ("INVOICE_TO_LINE_ITEM", "INVOICE_TO_LINE_ITEM"),
    ("Duplicate IDs found in batch input", "DUPLICATE_IDS"),
    ("by non-unique", "NON_UNIQUE_PROPERTY"),
    ("Contact already exists", "CONTACT_EXISTS"),
)
"""Fixed phrases of refusals that carry no code of their own, and the code we give them."""

STATUS_OF = {"OBJECT_NOT_FOUND": 404, "CONFLICT": 409, "MISSING_SCOPES": 403, "RATE_LIMITS": 429, "RATE_LIMIT": 429}
"""The status an error inside a batch would have had alone. Anything else is a 400."""

EXISTING = re.compile(r"Existing ID: (\d+)")
EMBEDDED = re.compile(r"\[.*\]", re.DOTALL)


def codes_of(failure: Failure) -> list[str]:
    """Vendor codes of an error body, the most telling first."""
    body = _mapping(failure.body)
    text = json.dumps(body)
    codes = [code for phrase, code in PHRASES if phrase in text]
    codes += [str(entry.get("code") or entry.get("error") or "") for entry in property_errors(body)]
    codes += [str(body.get(name) or "") for name in ("subCategory", "category", "policyName", "errorType")]
    return [code for code in dict.fromkeys(codes) if code]


def property_errors(body: Mapping[str, Any]) -> list[Document]:
    """Errors of single properties: from ``errors[]``, or from the JSON text inside ``message``."""
    errors = [entry for entry in body.get("errors") or () if isinstance(entry, dict)]
    found = EMBEDDED.search(str(body.get("message") or ""))
    if found:
        with contextlib.suppress(ValueError):
            errors += [entry for entry in json.loads(found.group()) if isinstance(entry, dict)]
    return errors


def message_of(failure: Failure) -> str:
    """The vendor's words, the telling part only: of each bad property its own sentence."""
    body = _mapping(failure.body)
    parts = [str(entry.get("message") or "") for entry in property_errors(body)]
    return "; ".join(dict.fromkeys(filter(None, parts))) or str(body.get("message") or "")


def detail_of(failure: Failure) -> Document:
    """For operators: the mark HubSpot's support asks for, and its unshortened words."""
    body = _mapping(failure.body)
    return {name: body[name] for name in ("correlationId", "message") if body.get(name)}


def property_names(body: Mapping[str, Any]) -> list[str]:
    names: list[str] = []
    for entry in property_errors(body):
        context = entry.get("context") or {}
        named = context.get("propertyName") or context.get("name") or entry.get("name") or []
        names += [named] if isinstance(named, str) else named
    return list(dict.fromkeys(names))


def required_scopes(body: Mapping[str, Any]) -> list[str]:
    """The scopes HubSpot asks for, wherever it says so."""
    scopes: list[str] = []
    for entry in (body, *property_errors(body)):
        context = entry.get("context") or {}
        for name in ("requiredGranularScopes", "requiredScopes"):
            value = context.get(name) or []
            scopes += [value] if isinstance(value, str) else value
    return list(dict.fromkeys(scopes))


def _scope_missing(failure: Failure) -> ConnectorError:
    scopes = required_scopes(_mapping(failure.body))
    named = ", ".join(scopes) or f"those for {failure.label or 'this object'}"
    text = f"The HubSpot key may not do this. Add these scopes to the key, then test the connection again: {named}."
    return StreamRefused(text, code="hubspot_scope_missing", detail={"scopes": scopes})


def _property_absent(failure: Failure) -> ConnectorError:
    names = property_names(_mapping(failure.body))
    text = (
        f"HubSpot has no property {', '.join(names) or '(not named)'} on {failure.label or 'this object'}. "
        "Open the connection, test it again, then run Prepare."
    )
    return StreamRefused(text, code="hubspot_property_absent", detail={"properties": names})


def _contact_exists(failure: Failure) -> ConnectorError:
    found = EXISTING.search(str(_mapping(failure.body).get("message") or ""))
    existing = found.group(1) if found else ""
    text = f"Another HubSpot contact{' (' + existing + ')' if existing else ''} already uses this e-mail address."
    return Conflict(text, code="hubspot_email_in_use", detail={"existing_id": existing})


def _not_found(failure: Failure) -> ConnectorError:
    if "OBJECT_NOT_FOUND" in codes_of(failure):
        text = "HubSpot no longer has this record: it was archived or merged. It is looked up again by its key."
        return RecordError(text, code="hubspot_gone")
    text = "HubSpot does not know this address. Check the base address and the API version of the connection."
    return StreamRefused(text, code="hubspot_no_such_path")


def _moving(failure: Failure) -> ConnectorError:
    text = "HubSpot is moving this account to another data centre. Nothing to do: the sync goes on afterwards."
    return TransientError(text, code="hubspot_moving", retry_after=failure.retry_after or 3600.0)


def _network(failure: Failure) -> ConnectorError:
    """Three tries are enough for these; the long wait makes the door give up and the run say so."""
    text = f"HubSpot's network answers {failure.status}. See status.hubspot.com; the sync tries again by itself."
    wait = 600.0 if failure.attempt >= 3 else failure.retry_after
    return TransientError(text, code="hubspot_network", retry_after=wait)


def until_midnight(time_zone: str, now: datetime | None = None) -> float:
    """Seconds until the daily limit restarts: the next midnight of the account. An unknown zone counts as UTC."""
    try:
        zone = ZoneInfo(time_zone or "UTC")
    except (ValueError, LookupError, OSError):
        zone = ZoneInfo("UTC")
    local = (now or timezone.now()).astimezone(zone)
    midnight = datetime.combine(local.date() + timedelta(days=1), time(), zone)
    return midnight.timestamp() - local.timestamp()


def _throttled(time_zone: str, failure: Failure) -> ConnectorError:
    policy = str(_mapping(failure.body).get("policyName") or "").upper()
    if policy == "DAILY":
        text = "HubSpot's daily limit of calls is used up, for all apps of the account. Goes on at its midnight."
        wait = failure.retry_after or until_midnight(time_zone)
        return RateLimited(text, code="hubspot_daily_limit", retry_after=wait)
    wait = 1.0 if policy == "SECONDLY" else 10.0
    text = "HubSpot asks for fewer calls. Nothing to do: the sync waits."
    return RateLimited(text, code="rate_limited", retry_after=failure.retry_after or wait)


def _mapping(body: Any) -> Mapping[str, Any]:
    return body if isinstance(body, dict) else {}


ROWS: dict[int | tuple[int, str], Verdict] = {
    (400, "PROPERTY_DOESNT_EXIST"): _property_absent,
    (400, "NON_UNIQUE_PROPERTY"): Rule(
        StreamRefused,
        "hubspot_key_not_unique",
        "HubSpot does not treat our key property of {label} as unique. Test the connection again: the sync then keeps "
        "its own list of record ids.",
    ),
    (400, "CONFLICTING_UNIQUE_VALUE"): Rule(
        Conflict, "hubspot_value_in_use", "Another HubSpot record, perhaps an archived one, holds this key: {message}"
    ),
    (400, "CONTACT_EXISTS"): _contact_exists,
    (400, "INVOICE_TO_LINE_ITEM"): Rule(
        RecordError,
        "hubspot_invoice_needs_lines",
        "HubSpot opens an invoice only with a contact and a line item associated. They are associated, then it is "
        "tried again.",
    ),
    (400, "DUPLICATE_IDS"): Rule(UnexpectedError, "hubspot_doubled_ids", "A batch named a record twice: {message}"),
    400: Rule(RecordError, "hubspot_invalid", "HubSpot refuses this record: {message}"),
    401: Rule(
        ConfigError,
        "hubspot_key_refused",
        "HubSpot does not accept the key: it is wrong, was revoked or has expired. Make a new one under Development → "
        "Keys → Service keys and replace it in the connection.",
    ),
    403: _scope_missing,
    404: _not_found,
    (409, "CONTACT_EXISTS"): _contact_exists,
    409: Rule(Conflict, "hubspot_conflict", "HubSpot already has such a record: {message}"),
    414: Rule(UnexpectedError, "hubspot_url_too_long", "A request to HubSpot was too long."),
    423: Rule(TransientError, "hubspot_locked", "HubSpot has locked the record for a moment.", wait=2.0),
    477: _moving,
    522: _network,
    525: _network,
    526: _network,
}


def table(time_zone: str) -> ErrorTable:
    """The table for an account; its time zone tells when the daily limit restarts."""
    rows = {**ROWS, 429: lambda failure: _throttled(time_zone, failure)}
    return ErrorTable("HubSpot", rows, codes=codes_of, message=message_of, detail=detail_of)


def explain(errors: ErrorTable, entry: Document, label: str) -> ConnectorError:
    """The error that one input of a batch would have been, had it been sent alone."""
    category = str(entry.get("category") or "").upper()
    return errors.error(Failure(STATUS_OF.get(category, 400), body=entry, label=label))
