"""Fusion's customers and suppliers as every integration reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from syncs.money import amount_or_none

ACTIVE, INACTIVE = "Active", "Inactive"
_STATUSES = {"A": ACTIVE, "ACTIVE": ACTIVE, "I": INACTIVE, "INACTIVE": INACTIVE}


def first(data: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """The first attribute that says something, as text; accounts and hubOrganizations name the same things apart."""
    return next((text for name in names if (text := said(data.get(name)))), None)


def said(value: Any) -> str | None:
    """A value as text; None where nothing is said."""
    return str(value).strip() or None if value is not None else None


def customer_name(data: Mapping[str, Any]) -> str:
    return first(data, ("OrganizationName", "PartyUniqueName")) or ""


def street(data: Mapping[str, Any]) -> list[str]:
    """The lines of an address that are filled in; hubOrganizations say Address1, all others AddressLine1."""
    lines = (first(data, (f"AddressLine{number}", f"Address{number}")) for number in (1, 2, 3, 4))
    return [line for line in lines if line]


def status_word(value: Any) -> str | None:
    """Fusion's status in words. What is neither active nor inactive stays as it is said."""
    text = said(value)
    return text and _STATUSES.get(text.upper(), text)


def total(values: Iterable[Any]) -> Decimal | None:
    """None where nothing is said: missing is not zero."""
    known = [amount for value in values if (amount := amount_or_none(value)) is not None]
    return sum(known, Decimal(0)) if known else None


def in_order(numbers: Iterable[Any]) -> list[str]:
    """Numbers people know a party by, each once; '9' before '10'."""
    return sorted({text for number in numbers if (text := said(number))}, key=lambda text: (len(text), text))


def joined(numbers: Iterable[str], longest: int | None) -> str | None:
    """'1001, 1002'. What does not fit is left out as a whole: half a number would be another one."""
    text = ""
    for number in numbers:
        longer = f"{text}, {number}" if text else number
        if longest and len(longer) > longest:
            return f"{text}, …" if text and len(text) + 3 <= longest else text or None
        text = longer
    return text or None
