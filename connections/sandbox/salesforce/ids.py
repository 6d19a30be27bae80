"""Record ids: 15 case-sensitive characters and three that hold the case of each of them."""

from __future__ import annotations

import re

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")


def base62(number: int, width: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return text.rjust(width, "0")


def checksum(fifteen: str) -> str:
    """One character for each five: bit n is set where the nth of them is an upper-case letter."""
    parts = (fifteen[start : start + 5] for start in (0, 5, 10))
    return "".join(_CHECK[sum(1 << place for place, c in enumerate(part) if "A" <= c <= "Z")] for part in parts)


def make_id(prefix: str, number: int) -> str:
    """The id of the ``number``th record of the object with this three-character prefix."""
    fifteen = f"{prefix}5g0{base62(number, 9)}"
    return fifteen + checksum(fifteen)


def full_id(text: str) -> str | None:
    """The 18-character form of an id, or None where the text has not the shape of one."""
    if not isinstance(text, str) or not _SHAPE.fullmatch(text):
        return None
    if len(text) == 15:
        return text + checksum(text)
    return text if text[15:] == checksum(text[:15]) else None
