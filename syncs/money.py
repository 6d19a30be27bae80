"""Exact money: Decimal, its currency, and that currency's minor unit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache
from typing import Any

from iso4217 import Currency

from connections.errors import MappingError


@cache
def minor_unit(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 for USD, 1 for JPY, 0.001 for KWD. Raises ``MappingError`` if unknown."""
    try:
        exponent = Currency(currency).exponent
    except ValueError:
        raise MappingError(
            f"“{currency}” is not an ISO 4217 currency. Correct the currency in the source.", code="unknown_currency"
        ) from None
    return Decimal(1).scaleb(-(exponent or 0))


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(minor_unit(currency), ROUND_HALF_UP)


def decimal(value: Any) -> Decimal | None:
    """A number from the wire (number, text or Decimal); None stays None, since missing is not zero."""
    if value is None or value == "":
        return None
    try:
        return value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        raise MappingError(f"“{value}” is not a number. Correct it in the source.", code="bad_number") from None


def amount_or_none(value: Any) -> Decimal | None:
    """For lists: what cannot be read as a number is left out."""
    try:
        return decimal(value)
    except MappingError:
        return None


def text(amount: Decimal) -> str:
    """Plain digits, never an exponent."""
    return format(amount, "f")


def exact(amount: Decimal, currency: str) -> str:
    """With the decimals of the currency, more only where they are needed: the same text however the number came."""
    in_minor_units = rounded(amount, currency)
    return text(in_minor_units) if in_minor_units == amount else plain(amount)


def tidy(amount: Decimal, currency: str) -> Decimal:
    """With the currency's decimals, more only where there are more; without a currency that is known, as it is."""
    try:
        return Decimal(exact(amount, currency))
    except MappingError:
        return Decimal(plain(amount))


def plain(number: Decimal) -> str:
    """Without superfluous zeros: 4.0 and 4.00 are both '4'."""
    return text(number.normalize()) if number else "0"


def json_number(value: Decimal) -> int | float | str:
    """JSON's own where one keeps the value exactly, else text."""
    if value == value.to_integral_value():
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == value else text(value)
