"""Fields that a tenant added to a mapping: checked values, put into documents. Pure.

``{"fields": [{"to": field, "from": expression} | {"to": field, "value": constant}]}``. Each may say ``in``, the part of
the document, where a flow has several; and what is known of the destination's field: ``type`` (``types`` below),
``length`` (most characters), ``options`` (pairs of value and label, in the destination's order) and ``label``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from connections.connectors.base import Document
from connections.errors import MappingError
from syncs.engine import expressions
from syncs.engine.expressions import BadExpression
from syncs.engine.table import Section, own_sections
from syncs.money import json_number, plain, text

YES, NO = {"true", "yes", "y", "1"}, {"false", "no", "n", "0"}
Spec = Mapping[str, Any]


class OwnFields:
    def __init__(self, table: tuple[Section, ...], overrides: Mapping[str, Any]) -> None:
        self._sections = own_sections(table)
        self._specs = [spec for spec in overrides.get("fields", ()) if self._is_free(spec)]

    def _is_free(self, spec: Spec) -> bool:
        """The product's own mapping goes first, should a new version of it write the same field."""
        section = section_of(self._sections, spec)
        return section is not None and spec["to"] not in section.fields

    @property
    def sources(self) -> set[str]:
        """The attributes that are needed of a source row."""
        return {name for spec in self._specs if "from" in spec for name in expressions.attributes(spec["from"])}

    @property
    def names(self) -> dict[str, set[str]]:
        """Kind of the destination → the fields added to it."""
        found: dict[str, set[str]] = {}
        for spec in self._specs:
            if section := section_of(self._sections, spec):
                found.setdefault(section.kind, set()).add(spec["to"])
        return found

    def put(self, document: Document, row: Mapping[str, Any]) -> None:
        """Raises ``MappingError`` naming the field whose value does not fit."""
        for spec in self._specs:
            section = section_of(self._sections, spec)
            fields = document.get(section.place) if section else None
            if section is None or not isinstance(fields, dict):
                continue
            value = self._value(spec, row, section)
            if value is not None or not section.offered:  # what is made once has nothing to be cleared
                fields[spec["to"]] = value

    @staticmethod
    def _value(spec: Spec, row: Mapping[str, Any], section: Section) -> Any:
        try:
            return written(value_of(spec, row), text_only=section.text)
        except BadExpression as wrong:
            raise MappingError(
                f"The field “{spec.get('label') or spec['to']}” of your own mapping cannot be filled. {wrong} "
                "Correct the record in the source, or change the mapping of this flow.",
                code="own_field",
            ) from None


def section_of(sections: Mapping[str, Section], spec: Spec) -> Section | None:
    return sections.get(spec["in"]) if spec.get("in") else next(iter(sections.values()), None)


def value_of(spec: Spec, row: Mapping[str, Any]) -> Any:
    """In the field's type; None where nothing is said. Raises ``BadExpression``."""
    found = expressions.evaluate(spec["from"], row) if "from" in spec else spec["value"]
    return fitted(found, spec)


def fitted(value: Any, spec: Spec) -> Any:
    """A value as the field takes it. Raises ``BadExpression`` saying why it does not."""
    if value is None or value == "":
        return None
    if isinstance(value, dict | list):
        raise BadExpression("There are several values, and the field takes one. Choose one, as with [0].")
    return types.get(spec.get("type", ""), _any)(value, spec)


def written(value: Any, *, text_only: bool) -> Any:
    """A value as it stands in a document: JSON's own, or text where the destination takes nothing else."""
    if text_only and isinstance(value, Decimal):
        return plain(value)
    if text_only:
        return "" if value is None else _as_text(value)
    return json_number(value) if isinstance(value, Decimal) else value


def _any(value: Any, spec: Spec) -> Any:
    if isinstance(value, str):
        return storable(value)
    return _number(value, spec) if isinstance(value, float | Decimal) else value


def _text(value: Any, spec: Spec) -> str:
    said, longest = _as_text(_any(value, spec)), spec.get("length")
    if longest and len(said) > longest:
        raise BadExpression(f"“{said[:40]}…” has {len(said)} characters, and the field takes {longest}.")
    return said


def _number(value: Any, spec: Spec) -> Decimal:
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        found = Decimal("NaN")
    if isinstance(value, bool) or not expressions.is_usual(found):
        raise BadExpression(f"“{_short(value)}” is not a number.")
    return found


def _date(value: Any, spec: Spec) -> str:
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError:
        raise BadExpression(f"“{_short(value)}” is not a date, such as 2026-10-31.") from None


def _datetime(value: Any, spec: Spec) -> str:
    """In UTC; a day alone is its midnight."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise BadExpression(f"“{_short(value)}” is not a date and time, such as 2026-10-31T08:00:00Z.") from None
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _boolean(value: Any, spec: Spec) -> bool:
    said = str(value).strip().lower()
    if said not in YES | NO:
        raise BadExpression(f"“{_short(value)}” is neither yes nor no.")
    return said in YES


def _choice(value: Any, spec: Spec) -> str:
    """By the option's value, else by its label, capitals aside."""
    options: dict[str, str] = dict(spec.get("options") or ())
    said = _as_text(_any(value, spec))
    if said in options or not options:
        return said
    folded = said.casefold()
    found = next((each for each, label in options.items() if folded in (each.casefold(), label.casefold())), None)
    if found is None:
        shown = ", ".join(list(options.values())[:8]) + (" and others" if len(options) > 8 else "")
        raise BadExpression(f"“{_short(said)}” is none of the field's choices: {shown}.")
    return found


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return text(value) if isinstance(value, Decimal) else storable(str(value)).strip()


def storable(said: str) -> str:
    """Without characters that no database keeps: an expression may spell them."""
    return said.replace("\0", "").encode(errors="ignore").decode()


def _short(value: Any) -> str:
    said = str(value)
    return said if len(said) <= 40 else f"{said[:40]}…"


types: Mapping[str, Callable[[Any, Spec], Any]] = {
    "text": _text,
    "number": _number,
    "date": _date,
    "datetime": _datetime,
    "boolean": _boolean,
    "choice": _choice,
}
