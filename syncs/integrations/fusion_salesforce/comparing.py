"""What of an order a person would call the order, and how two of them differ, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from syncs.money import amount_or_none, plain

Facts = Mapping[str, Any]
"""Label → text. ``lines``: key → label → text, ``name`` among them. A label that one side lacks is not compared."""
LINES = "lines"
NAME = "name"
MOST_NAMED = 6


def figure(value: Any) -> str:
    """A number as it is compared: 5, 5.0 and "5.00" are the same."""
    number = amount_or_none(value)
    return "none" if number is None else plain(number)


def day(value: Any) -> str:
    return str(value)[:10] if value else "none"


def total(amounts: list[Any]) -> str:
    return plain(sum((amount_or_none(amount) or Decimal(0) for amount in amounts), Decimal(0)))


def differences(old: Facts, new: Facts) -> list[str]:
    """In words, old → new; empty if they agree. Long lists are cut: a person opens the record anyway."""
    found = [*_labels(old, new, ""), *_lines(old[LINES], new[LINES])]
    more = len(found) - MOST_NAMED
    return found if more <= 0 else [*found[:MOST_NAMED], f"and {more} more"]


def _labels(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for label in new:
        if label not in (LINES, NAME) and label in old and old[label] != new[label]:
            yield f"{prefix}{label} {old[label]} → {new[label]}"


def _lines(old: Mapping[str, Facts], new: Mapping[str, Facts]) -> Iterator[str]:
    for key, line in new.items():
        if key not in old:
            yield f"{_product(line)} added"
        elif old[key][NAME] != line[NAME]:
            yield f"{_product(old[key])} → {_product(line)}"
        else:
            yield from _labels(old[key], line, f"{line[NAME]}: ")
    for key, line in old.items():
        if key not in new:
            yield f"{_product(line)} removed"


def _product(line: Facts) -> str:
    return f"{line[NAME]} × {line['quantity']}"
