"""The duplicate rule on Account: alert passes with the header, block does not (source: duplicate rule header)."""

from __future__ import annotations

from typing import Any

from .errors import RowError
from .org import Org
from .rows import NAME_KEY, Row, normal

_EVIDENCE = ("BillingCity", "BillingPostalCode", "Phone", "Website")


def check(org: Org, row: Row, old: Row | None, *, allow_save: bool) -> None:
    """Raise DUPLICATES_DETECTED where another Account has the same name and one more thing in common."""
    rule = org.switches["duplicate_rule"]
    if row.object != "Account" or rule == "off" or (rule == "alert" and allow_save):
        return
    compared = ("Name", *_EVIDENCE)
    if old is not None and all(row.doc.get(name) == old.doc.get(name) for name in compared):
        return
    found = [key for key in _candidates(org, row) if key != row.id]
    if found:
        raise RowError("DUPLICATES_DETECTED", "Use one of these records?", extra=_result(org, rule, found))


def _candidates(org: Org, row: Row) -> list[str]:
    """Live accounts with the same normalised name and some evidence in common."""
    sql = "SELECT id FROM salesforce_keys WHERE object = 'Account' AND field = ? AND value = ? ORDER BY id"
    named = [org.rows.get(found[0]) for found in org.store.query(sql, (NAME_KEY, normal(str(row.doc["Name"]))))]
    return [
        other.id
        for other in named
        if other and any(other.doc.get(name) and other.doc.get(name) == row.doc.get(name) for name in _EVIDENCE)
    ]


def _result(org: Org, rule: str, found: list[str]) -> dict[str, Any]:
    if not org.switches["duplicate_result_body"]:
        return {}
    records = [
        {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": _short(key)}
        for key in found
    ]
    return {
        "duplicateResult": {
            "allowSave": rule == "alert",
            "duplicateRule": "Standard_Account_Duplicate_Rule",
            "duplicateRuleEntityType": "Account",
            "errorMessage": "Use one of these records?",
            "matchResults": [
                {
                    "entityType": "Account",
                    "errors": [],
                    "matchEngine": "FuzzyMatchEngine",
                    "matchRecords": records,
                    "rule": "Standard_Account_Match_Rule_v1_0",
                    "size": len(records),
                    "success": True,
                }
            ],
        }
    }


def _short(key: str) -> dict[str, Any]:
    return {"attributes": {"type": "Account", "url": f"/services/data/v66.0/sobjects/Account/{key}"}, "Id": key}
