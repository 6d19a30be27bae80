"""Values as Fusion sends them and as documents hold them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connections.connectors.base import Document


def flag(value: Any) -> bool:
    """Fusion's flags are booleans, in places text."""
    return str(value).lower() in ("true", "y", "yes")


def word(value: Any) -> str | None:
    """Free text of Fusion, with single blanks: Salesforce would not keep others."""
    return " ".join(str(value).split()) or None if value is not None else None


def by(name: str, rows: Iterable[Document]) -> dict[str, list[Document]]:
    """Rows by the text of an attribute."""
    found: dict[str, list[Document]] = {}
    for row in rows:
        found.setdefault(str(row.get(name)), []).append(row)
    return found
