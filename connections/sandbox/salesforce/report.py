"""The state as tests compare it: rows by their unique key, without ids and times."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from .org import Org
from .rows import Row
from .schema import SObject

_LEFT_OUT = frozenset({"CreatedById", "LastModifiedById", "OwnerId", "LastStageChangeDate"})


def dump(org: Org) -> dict[str, Any]:
    """Rows of each object by key, references shown as the key of what they refer to; the bin; custom fields."""
    with org.store.transaction():
        rows = {sobject.name: org.rows.many(sobject.name) for sobject in org.schema.values()}
        keys = {row.id: key for name, listed in rows.items() for row, key in _keyed(org.schema[name.lower()], listed)}
        return {
            name: {keys[row.id]: _shown(org.schema[name.lower()], row, keys) for row in listed}
            for name, listed in rows.items()
        } | {
            "deleted": {
                name: sorted(key for _, key in _keyed(org.schema[name.lower()], org.rows.many(name, deleted=True)))
                for name in rows
            },
            "custom": {
                sobject.name: sorted(each.name for each in sobject.fields.values() if each.custom)
                for sobject in org.schema.values()
            },
        }


def _keyed(sobject: SObject, rows: list[Row]) -> list[tuple[Row, str]]:
    unique = [each.name for each in sobject.fields.values() if each.unique]
    seen: Counter[str] = Counter()
    found = []
    for row in rows:
        key = next((f"{name}={row.doc[name]}" for name in unique if row.doc.get(name)), None)
        if key is None:
            text = row.doc.get("Name") or json.dumps({n: v for n, v in row.doc.items() if not n.endswith("Id")})
            seen[text] += 1
            key = f"~{text}" + (f"#{seen[text]}" if seen[text] > 1 else "")
        found.append((row, key))
    return found


def _shown(sobject: SObject, row: Row, keys: dict[str, str]) -> dict[str, Any]:
    shown = {}
    for name, value in sorted(row.doc.items()):
        if value is None or name in _LEFT_OUT:
            continue
        each = sobject.get(name)
        shown[name] = keys.get(str(value), value) if each and each.type == "reference" else value
    return shown
