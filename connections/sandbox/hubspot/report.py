"""The state as tests compare it: records by their unique key, without ids and times."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from .kinds import BY_CODE, CONTACT, INVOICE, KINDS, LINE_ITEM, Kind
from .portal import Portal
from .records import Record

DEFAULTED_DATES = ("hs_invoice_date", "hs_due_date")


def _keys(portal: Portal, kind: Kind, records: list[Record]) -> dict[int, str]:
    """A key per record: its first unique value, its e-mail, or else its own properties as text, numbered."""
    unique = [each.name for each in portal.definitions.custom(kind) if each.unique]
    unique += ["email"] if kind is CONTACT else []
    keys: dict[int, str] = {}
    seen: Counter[str] = Counter()
    for record in records:
        key = next((f"{name}={record.properties[name]}" for name in unique if record.properties.get(name)), None)
        if key is None:
            key = "~" + json.dumps(record.properties, sort_keys=True, ensure_ascii=False)
            seen[key] += 1
            key += f"#{seen[key]}" if seen[key] > 1 else ""
        keys[record.id] = key
    return keys


def dump(portal: Portal, without: frozenset[str]) -> dict[str, Any]:
    """Everything that two equal accounts share: records, associations by key, bin, violations, counts, definitions."""
    with portal.store.transaction():
        live = {kind: portal.records.everything(kind) for kind in KINDS}
        keys = {kind.code: _keys(portal, kind, records) for kind, records in live.items()}
        linked = _associations(portal, keys)
        return {
            kind.name: {
                keys[kind.code][record.id]: {
                    "properties": {n: v for n, v in sorted(record.properties.items()) if n not in without},
                    "associations": linked.get((kind.code, record.id), {}),
                }
                for record in records
            }
            for kind, records in live.items()
        } | {
            "archived": {kind.name: _archived(portal, kind) for kind in KINDS},
            "properties": {kind.name: sorted(each.name for each in portal.definitions.custom(kind)) for kind in KINDS},
            "violations": violations(portal),
            "orphans": sorted(keys[LINE_ITEM.code][record.id] for record in _orphans(portal)),
            "mails_sent": portal.counter("mails_sent"),
        }


def _associations(portal: Portal, keys: dict[int, dict[int, str]]) -> dict[tuple[int, int], dict[str, Any]]:
    rows = portal.store.query("SELECT from_kind, from_id, to_kind, to_id, type FROM hubspot_associations")
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for from_kind, from_id, to_kind, to_id, type_id in rows:
        key = keys[to_kind].get(to_id)
        if key is not None:
            block = found.setdefault((from_kind, from_id), {}).setdefault(BY_CODE[to_kind].name, {})
            block.setdefault(key, []).append(type_id)
    return {
        record: {name: dict(sorted(targets.items())) for name, targets in sorted(blocks.items())}
        for record, blocks in found.items()
    }


def _archived(portal: Portal, kind: Kind) -> list[str]:
    rows = portal.store.query(
        "SELECT id, doc, created, updated FROM hubspot_records WHERE kind = ? AND archived_at IS NOT NULL", (kind.code,)
    )
    records = [Record(row[0], json.loads(row[1]), row[2], row[3]) for row in rows]
    return sorted(_keys(portal, kind, records).values())


def violations(portal: Portal) -> list[dict[str, Any]]:
    """Broken rules that are flagged rather than refused."""
    rows = portal.store.query("SELECT rule, kind, id, detail FROM hubspot_violations ORDER BY rule, kind, id, detail")
    return [
        {"rule": rule, "type": BY_CODE[kind].name, "id": str(key), "parents": detail.split(",")}
        for rule, kind, key, detail in rows
    ]


def _orphans(portal: Portal) -> list[Record]:
    return portal.records.everything(
        LINE_ITEM,
        "AND id NOT IN (SELECT from_id FROM hubspot_associations WHERE from_kind = ? AND to_kind = ?)",
        (LINE_ITEM.code, INVOICE.code),
    )


def orphans(portal: Portal) -> list[dict[str, Any]]:
    """Line items without an invoice."""
    return [{"id": str(record.id), "properties": record.properties} for record in _orphans(portal)]


def stats(portal: Portal) -> dict[str, Any]:
    """Counts: records and archived records per type, mails, calls of today."""
    rows = portal.store.query(
        "SELECT kind, archived_at IS NOT NULL, count(*) FROM hubspot_records GROUP BY kind, archived_at IS NOT NULL"
    )
    counted = {(kind, archived): number for kind, archived, number in rows}
    return {
        "records": {kind.name: counted.get((kind.code, 0), 0) for kind in KINDS},
        "archived": {kind.name: counted.get((kind.code, 1), 0) for kind in KINDS},
        "mails_sent": portal.counter("mails_sent"),
        "calls_today": portal.limits.used_today,
    }
