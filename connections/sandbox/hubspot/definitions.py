"""What properties exist: the account's own on top of the built-in ones, cached, stored in SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connections.sandbox.store import Store

from . import catalog
from .kinds import KINDS, Kind

TABLES = """
CREATE TABLE IF NOT EXISTS hubspot_properties (
    kind INTEGER, name TEXT, doc TEXT, archived_at REAL, PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hubspot_groups (
    kind INTEGER, name TEXT, label TEXT, PRIMARY KEY (kind, name)
) WITHOUT ROWID;
"""


@dataclass(slots=True)
class Definition:
    """One property. ``custom`` ones belong to the account, the others to HubSpot."""

    name: str
    type: str
    field_type: str
    group: str
    label: str
    custom: bool = False
    unique: bool = False
    read_only: bool = False
    calculated: bool = False
    description: str = ""
    options: list[dict[str, Any]] = field(default_factory=list)
    created_at: float = 0.0
    updated_at: float = 0.0
    archived_at: float | None = None
    values: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.values = frozenset(option["value"] for option in self.options)

    @property
    def several(self) -> bool:
        """Takes several values, separated by semicolons."""
        return self.field_type == "checkbox"


_FIELD_TYPE = {"bool": "booleancheckbox", "date": "date", "datetime": "date", "number": "number"}
_LABELS = {"hs_object_id": "Record ID"}


def _option(value: str, order: int) -> dict[str, Any]:
    label = value.replace("_", " ").title() if value.isupper() else value.replace("_", " ").capitalize()
    return {"label": label, "value": value, "displayOrder": order, "hidden": False}


def _built_in(kind: Kind, line: str) -> Definition:
    name, kind_of_value, *flags = line.split()
    options = catalog.OPTIONS.get((kind.name, name), [])
    field_type = "textarea" if "area" in flags else _FIELD_TYPE.get(kind_of_value, "text")
    if kind_of_value == "enumeration":
        field_type = "checkbox" if "multi" in flags else "select"
    return Definition(
        name=name,
        type=kind_of_value,
        field_type=field_type,
        group=kind.default_group,
        label=_LABELS.get(name) or name.removeprefix("hs_").replace("_", " ").capitalize(),
        unique="unique" in flags,
        read_only="ro" in flags,
        calculated="calc" in flags,
        options=[_option(value, order) for order, value in enumerate(options)],
    )


class Definitions:
    """All definitions of the account. Reading is from memory; writing goes through to SQLite."""

    def __init__(self, store: Store, switches: Mapping[str, Any]) -> None:
        self._store, self._switches = store, switches
        self._built_in = {
            kind.code: {
                d.name: d for d in (_built_in(kind, line) for line in catalog.TABLES[kind.name].split("\n") if line)
            }
            for kind in KINDS
        }
        self.reload()

    def reload(self) -> None:
        """Read the account's own definitions again."""
        live: dict[int, dict[str, Definition]] = {code: dict(known) for code, known in self._built_in.items()}
        self._archived: dict[int, dict[str, Definition]] = {code: {} for code in self._built_in}
        for code, doc, archived_at in self._store.query("SELECT kind, doc, archived_at FROM hubspot_properties"):
            definition = Definition(**json.loads(doc), custom=True, archived_at=archived_at)
            (live if archived_at is None else self._archived)[code][definition.name] = definition
        self._live = live

    def of(self, kind: Kind) -> dict[str, Definition]:
        """Live definitions by name."""
        return self._live[kind.code]

    def archived(self, kind: Kind) -> dict[str, Definition]:
        """Archived definitions by name."""
        return self._archived[kind.code]

    def get(self, kind: Kind, name: str) -> Definition | None:
        """One live definition."""
        return self._live[kind.code].get(name)

    def custom(self, kind: Kind) -> list[Definition]:
        """The account's own definitions."""
        return [definition for definition in self.of(kind).values() if definition.custom]

    def unique_names(self, kind: Kind) -> list[str]:
        """Properties whose values no two records share. E-mail of contacts is one of them."""
        return [name for name, definition in self._live[kind.code].items() if definition.unique]

    def is_read_only(self, kind: Kind, definition: Definition) -> bool:
        """Whether writing is refused; two built-in ones depend on a switch."""
        if definition.custom:
            return definition.calculated
        if definition.name == "amount" and kind.name == "line_items":
            return bool(self._switches["line_amount_read_only"])
        if definition.name == "hs_balance_due":
            return not self._switches["balance_due_writable"]
        return definition.read_only

    def options(self, definition: Definition) -> list[dict[str, Any]]:
        """The options shown; those of currency properties are the account's currencies."""
        if not definition.custom and definition.name in catalog.CURRENCY_PROPERTIES:
            return [
                {"label": code, "value": code, "displayOrder": order, "hidden": False}
                for order, code in enumerate(self.currencies())
            ]
        return definition.options

    def currencies(self) -> list[str]:
        """The account's currencies, its own first."""
        return [self._switches["company_currency"], *self._switches["additional_currencies"]]

    def save(self, cursor: sqlite3.Cursor, kind: Kind, definition: Definition) -> None:
        """Store one of the account's own definitions, new or changed."""
        names = (
            "name", "type", "field_type", "group", "label", "unique", "read_only", "calculated", "description",
            "options", "created_at", "updated_at",
        )  # fmt: skip
        doc = json.dumps({name: getattr(definition, name) for name in names}, ensure_ascii=False)
        cursor.execute(
            "INSERT OR REPLACE INTO hubspot_properties VALUES (?, ?, ?, ?)",
            (kind.code, definition.name, doc, definition.archived_at),
        )

    def groups(self, kind: Kind) -> dict[str, str]:
        """Label by group name, the built-in group included."""
        rows = self._store.query("SELECT name, label FROM hubspot_groups WHERE kind = ? ORDER BY name", (kind.code,))
        return {kind.default_group: kind.default_group.capitalize()} | {row["name"]: row["label"] for row in rows}

    def save_group(self, cursor: sqlite3.Cursor, kind: Kind, name: str, label: str) -> None:
        """Store a group of properties."""
        cursor.execute("INSERT INTO hubspot_groups VALUES (?, ?, ?)", (kind.code, name, label))
