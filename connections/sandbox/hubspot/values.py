"""Which values a property takes and how they are kept.

Source: https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide. Values are text both ways; bare
numbers are tolerated in requests; ``""`` clears.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from .catalog import CURRENCY_PROPERTIES
from .definitions import Definition, Definitions
from .errors import Problem

MAX_TEXT = 65_536
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)\Z")
_WHOLE = re.compile(r"-?\d+\Z")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?Z\Z")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MS = 86_400_000


@lru_cache(maxsize=4096)
def iso(seconds: float) -> str:
    """An instant as HubSpot writes it: ISO-8601, UTC, milliseconds where there are any."""
    moment = _EPOCH + timedelta(milliseconds=round(seconds * 1000))
    return _iso(moment)


def _iso(moment: datetime) -> str:
    text = moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return f"{text.removesuffix('.000')}Z"


def milliseconds(text: str) -> int | None:
    """Epoch milliseconds of a stored or given date, instant or number; None if it is none of them."""
    try:
        if _WHOLE.match(text):
            return int(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // timedelta(milliseconds=1)


def plain(number: Decimal) -> str:
    """A number without exponent or needless zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_text(name: str, raw: Any, lenient: bool) -> str:
    """The text of a JSON value. Numbers are tolerated; anything else only where ``lenient``."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool) or raw is None:
        if lenient:
            return "" if raw is None else str(raw).lower()
    elif isinstance(raw, int | float):
        return plain(Decimal(repr(raw)))
    raise Problem(name, "INVALID_TYPE", f'The value of "{name}" must be text')


def _number(definition: Definition, text: str) -> str:
    if not _NUMBER.match(text):
        raise Problem(definition.name, "INVALID_NUMBER", f"{text} was not a valid number.")
    return text


def _boolean(definition: Definition, text: str) -> str:
    if text not in ("true", "false"):
        raise Problem(definition.name, "INVALID_BOOLEAN", f"{text} was not a valid boolean.")
    return text


def _bad_date(definition: Definition, text: str, what: str) -> Problem:
    return Problem(definition.name, "INVALID_DATE", f"{text} was not a valid {what}.")


def _moment(definition: Definition, text: str, what: str) -> datetime:
    try:
        if _WHOLE.match(text):
            return _EPOCH + timedelta(milliseconds=int(text))
        return datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise _bad_date(definition, text, what) from None


def _date(definition: Definition, text: str, strict: bool) -> str:
    if _DATE.match(text):
        return _moment(definition, text, "date").date().isoformat()
    if not _WHOLE.match(text) or (strict and int(text) % _DAY_MS):
        raise _bad_date(definition, text, "date: it is not at midnight UTC")
    return _moment(definition, text, "date").date().isoformat()


def _instant(definition: Definition, text: str) -> str:
    if not _WHOLE.match(text) and not _INSTANT.match(text):
        raise _bad_date(definition, text, "instant")
    return _iso(_moment(definition, text, "instant"))


def _options(definition: Definition, text: str, allowed: frozenset[str], before: str) -> str:
    chosen = text.split(";") if definition.several else [text]
    if definition.several and text.startswith(";"):
        chosen = [*filter(None, before.split(";")), *chosen[1:]]
    for value in chosen:
        if value not in allowed:
            raise Problem(
                definition.name,
                "INVALID_OPTION",
                f"{value} was not one of the allowed options: [{', '.join(sorted(allowed))}]",
            )
    return ";".join(dict.fromkeys(chosen))


def _currency(definition: Definition, text: str, known: Definitions, enforced: bool) -> str:
    if enforced and text not in known.currencies():
        raise Problem(
            definition.name,
            "INVALID_OPTION",
            f"{text} was not one of the allowed options: [{', '.join(known.currencies())}]",
        )
    if not re.match(r"[A-Z]{3}\Z", text):
        raise Problem(definition.name, "INVALID_OPTION", f"{text} is not a currency code")
    return text


def _text(definition: Definition, text: str) -> str:
    if len(text) > MAX_TEXT:
        raise Problem(definition.name, "VALUE_TOO_LONG", f"The value is longer than {MAX_TEXT} characters.")
    if definition.name == "email" and not definition.custom:
        text = text.strip().lower()
        if not _EMAIL.match(text):
            raise Problem("email", "INVALID_EMAIL", f"Email address {text} is invalid")
    return text


def normalise(definition: Definition, raw: Any, known: Definitions, switches: Mapping[str, Any], before: str) -> str:
    """The text to keep for a given value; ``""`` clears. Raises :class:`Problem`."""
    text = as_text(definition.name, raw, switches["lenient_values"])
    if definition.type in ("string", "phone_number"):
        return _text(definition, text) if text else ""
    text = text.strip(" ")
    if not text:
        return ""
    if definition.type == "number":
        return _number(definition, text)
    if definition.type == "bool":
        return _boolean(definition, text)
    if definition.type == "date":
        return _date(definition, text, switches["midnight_strict"])
    if definition.type == "datetime":
        return _instant(definition, text)
    if definition.name in CURRENCY_PROPERTIES and not definition.custom:
        return _currency(definition, text, known, switches["currencies_enforced"])
    return _options(definition, text, definition.values, before)
