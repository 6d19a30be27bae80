"""Values on their way in: what fits a field, and how it is kept."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .errors import RowError, Unreadable
from .ids import full_id
from .org import Org
from .rows import stamp_of
from .schema import NUMERIC, TEXTUAL, Field, SObject

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d{1,3})?(?:(Z)|([+-])(\d{2}):?(\d{2}))", re.IGNORECASE
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def parse_datetime(text: str) -> str | None:
    """A written or literal dateTime in the form it is returned in, or None."""
    found = _TIME.fullmatch(text)
    if not found:
        return None
    try:
        moment = datetime.fromisoformat(text[:19].upper()).replace(tzinfo=UTC)
    except ValueError:
        return None
    if found[8]:
        offset = timedelta(hours=int(found[9]), minutes=int(found[10]))
        moment = moment - offset if found[8] == "+" else moment + offset
    return stamp_of(moment.timestamp())


def parse_date(text: str) -> str | None:
    """A date as it is kept, or None."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def convert(org: Org, sobject: SObject, each: Field, value: Any) -> Any:
    """The value as it is kept. Raises ``RowError`` where the row is at fault and ``Unreadable`` where the body is."""
    if value is None or value == "":
        if each.required:
            raise RowError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{each.name}]", [each.name])
        return False if each.type == "boolean" else None
    if each.type in TEXTUAL:
        return _text(org, sobject, each, value)
    if each.type in NUMERIC:
        return _number(each, value)
    if each.type == "boolean":
        if not isinstance(value, bool):
            raise Unreadable("boolean", value)
        return value
    if each.type in ("date", "datetime"):
        parsed = (parse_date if each.type == "date" else parse_datetime)(value) if isinstance(value, str) else None
        if parsed is None:
            raise Unreadable(each.type, value)
        return parsed
    return _reference(org, each, value)


def _text(org: Org, sobject: SObject, each: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise Unreadable("string", value)
    label = each.label or each.name
    if len(value) > each.length:
        message = f"{label}: data value too large: {value} (max length={each.length})"
        raise RowError("STRING_TOO_LONG", message, [each.name])
    if each.name == "CurrencyIsoCode" and value not in org.switches["currencies"]:
        raise RowError("INVALID_CURRENCY_ISO", f"invalid currency: {value}", [each.name])
    if each.type == "email" and not _EMAIL.fullmatch(value):
        raise RowError("INVALID_EMAIL_ADDRESS", f"{label}: invalid email address: {value}", [each.name])
    if each.values and (each.restricted or org.restricted(sobject.name, each.name)):
        parts = value.split(";") if each.type == "multipicklist" else [value]
        if any(part.strip() not in each.values for part in parts):
            message = f"{label}: bad value for restricted picklist field: {value}"
            raise RowError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [each.name])
    return value.strip() if each.type != "textarea" else value


def _number(each: Field, value: Any) -> float | int:
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        number = float(value)
        if not math.isfinite(number):
            raise ValueError
    except ValueError:
        raise Unreadable(each.type if each.type == "int" else "double", value) from None
    if each.type == "int":
        if number != int(number):
            raise Unreadable("int", value)
        return int(number)
    if abs(number) >= 10 ** (each.precision - each.scale):
        message = f"{each.label or each.name}: value outside of valid range on numeric field: {value}"
        raise RowError("NUMBER_OUTSIDE_VALID_RANGE", message, [each.name])
    return rounded(value, each.scale)


def rounded(value: Any, scale: int) -> float:
    """Half up to the field's decimals, as the platform saves it. Too small a scale loses money without a word."""
    return float(Decimal(str(value)).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP))


def _reference(org: Org, each: Field, value: Any) -> str:
    """An id that is there, live and of the right object."""
    if not isinstance(value, str):
        raise Unreadable("reference", value)
    key = full_id(value)
    targets = [org.schema[name.lower()] for name in each.refs if name.lower() in org.schema]
    if key is None or key[:3] not in {target.prefix for target in targets}:
        label = each.label or each.name
        raise RowError("MALFORMED_ID", f"{label}: id value of incorrect type: {value}", [each.name])
    found = org.rows.get(key, deleted=True)
    if found is None:
        raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [each.name])
    if found.deleted:
        raise RowError("ENTITY_IS_DELETED", "entity is deleted", [each.name])
    return key
