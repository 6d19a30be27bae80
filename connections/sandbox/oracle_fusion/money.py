"""Currencies of the seeded ledger: minor units and rates."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

LEDGER = "USD"
EXPONENTS = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3}
RATES = {
    "USD": Decimal(1),
    "EUR": Decimal("1.08"),
    "GBP": Decimal("1.27"),
    "JPY": Decimal("0.0067"),
    "KWD": Decimal("3.25"),
}
UNITS = {
    "USD": "US Operations",
    "EUR": "EU Operations",
    "GBP": "UK Operations",
    "JPY": "JP Operations",
    "KWD": "GCC Operations",
}
_QUANTA = {currency: Decimal(1).scaleb(-exponent) for currency, exponent in EXPONENTS.items()}


def minor(amount: Decimal | int, currency: str) -> Decimal:
    """The amount rounded to the currency's minor units."""
    return Decimal(amount).quantize(_QUANTA[currency], ROUND_HALF_UP)


def in_ledger(amount: Decimal, currency: str) -> Decimal:
    """The amount in the ledger's currency."""
    return minor(amount * RATES[currency], LEDGER)
