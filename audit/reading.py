"""An entry of the trail as people read it: a sentence, tables of fields, and the words of whoever answered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from audit.models import AuditEntry

SENTENCES = {
    ("write", "created"): "Created in the destination",
    ("write", "updated"): "Updated in the destination",
    ("write", "rejected"): "Refused",
    ("write", "waiting"): "Could not be finished yet",
    ("write", "held"): "Held for a decision",
    ("decide", "skipped"): "Left out",
    ("decide", "waiting"): "Waits for something else",
    ("decide", "held"): "Held for a decision",
    ("decide", "rejected"): "Rejected before it was sent",
    ("decide", "decided"): "A person chose the match",
    ("decide", "updated"): "Already as it should be",
    ("decide", "created"): "Taken over",
    ("confirm", "confirmed"): "Confirmed by finance",
    ("undecide", "done"): "An answer about a match was taken back",
    ("set_aside", "ignored"): "Taken off the list: ignored",
    ("set_aside", "done"): "Taken off the list: done by hand",
    ("take_back", "done"): "Put back on the list",
    ("assign", "done"): "Given to a member",
    ("replay", "done"): "Records were sent through again",
    ("run", "succeeded"): "Run ended: all done",
    ("run", "partial"): "Run ended: some records need attention",
    ("run", "failed"): "Run stopped by a problem",
    ("run", "cancelled"): "Run was cancelled",
    ("run.request", "done"): "Run started",
    ("run.cancel", "done"): "Cancelling was asked for",
    ("sync.create", "done"): "Sync created",
    ("sync.update", "done"): "Sync settings changed",
    ("sync.pause", "done"): "Sync paused",
    ("sync.resume", "done"): "Sync started",
    ("flow.update", "done"): "Flow settings changed",
    ("mapping.change", "done"): "Mapping changed",
    ("preview.start", "done"): "Preview started",
    ("preview.approve", "done"): "Preview approved",
    ("preview.discard", "done"): "Preview discarded",
    ("reconciliation.request", "done"): "Reconciliation started",
    ("reconciliation", "agrees"): "Both systems were compared: they agree",
    ("reconciliation", "differs"): "Both systems were compared: they differ",
    ("connection.created", "done"): "Connection added",
    ("connection.changed", "done"): "Connection changed",
    ("connection.deleted", "done"): "Connection deleted",
    ("connection.tested", "ok"): "Connection tested: all passed",
    ("connection.tested", "failed"): "Connection tested: a check failed",
    ("connection.prepared", "ok"): "Account prepared",
    ("connection.prepared", "failed"): "Preparing the account failed",
    ("connection.held", "done"): "Connection rests for a while",
    ("connection.broken", "failed"): "Connection stopped working",
    ("connection.healed", "ok"): "Connection works again",
    ("tenant.created", "done"): "Workspace created",
    ("tenant.changed", "done"): "Workspace settings changed",
    ("tenant.handed_over", "done"): "Workspace handed over to another owner",
    ("tenant.closed", "done"): "Workspace deleted",
    ("tenant.erased", "done"): "The deleted workspace’s records and connections are gone",
    ("connection.destroyed", "done"): "Credentials destroyed",
    ("trail.exported", "done"): "Audit trail downloaded",
    ("trail.exported", "part"): "Part of the audit trail downloaded",
    ("member.invited", "done"): "Member invited",
    ("member.invitation_withdrawn", "done"): "Invitation withdrawn",
    ("member.joined", "done"): "Member joined",
    ("member.role_changed", "done"): "Role changed",
    ("member.removed", "done"): "Member removed",
    ("notification.added", "done"): "Notifications set up",
    ("notification.changed", "done"): "Notifications changed",
    ("notification.deleted", "done"): "Notifications removed",
    ("api_key.created", "done"): "API key created",
    ("api_key.revoked", "done"): "API key revoked",
}
KNOWN_PARTS = {"sent", "answer", "before", "after", "text", "rule"}


@dataclass(frozen=True, slots=True)
class Change:
    path: tuple[str, ...]
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Table:
    """Fields that belong together, under the names of the objects they lie in."""

    path: tuple[str, ...]
    rows: list[tuple[str, Any]]


@dataclass(slots=True)
class Reading:
    entry: AuditEntry
    sentence: str
    text: str = ""
    sent: list[Table] = field(default_factory=list)
    answer: list[Table] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    notes: list[Table] = field(default_factory=list)
    raw: str = ""


def _rule_of(detail: dict[str, Any]) -> object:
    """Why a rule leaves a record out."""
    answer = detail.get("answer")
    return answer.get("text") if detail.get("rule") and isinstance(answer, dict) else None


def read(entry: AuditEntry) -> Reading:
    detail = _parsed(entry.detail)
    notes = {key: value for key, value in detail.items() if key not in KNOWN_PARTS and value not in ({}, [], "", None)}
    return Reading(
        entry,
        sentence_of(entry.action, entry.outcome),
        text=str(detail.get("text") or _rule_of(detail) or ""),
        sent=list(tables(detail.get("sent"))),
        answer=list(tables(detail.get("answer"))),
        changes=list(changes(detail.get("before"), detail.get("after"))),
        notes=list(tables(notes)),
        raw=json.dumps(detail, indent=2, ensure_ascii=False) if detail else "",
    )


def sentence_of(action: str, outcome: str) -> str:
    words = action.replace("_", " ").replace(".", " ").capitalize()
    return SENTENCES.get((action, outcome)) or (words if outcome in ("done", "ok") else f"{words}: {outcome}")


def _parsed(text: str) -> dict[str, Any]:
    try:
        detail = json.loads(text)
    except ValueError:
        return {"text": text}
    return detail if isinstance(detail, dict) else {"value": detail}


def tables(document: Any, path: tuple[str, ...] = ()) -> Iterator[Table]:
    """A nested document as flat tables, in its own order: the plain fields of each object, then what lies in it."""
    if document in (None, {}, [], ""):
        return
    if not isinstance(document, dict):
        yield Table(path, [("", _flat(document))])
        return
    plain = [(key, _flat(value)) for key, value in document.items() if not _nested(value)]
    if plain:
        yield Table(path, plain)
    for key, value in document.items():
        if not _nested(value):
            continue
        for name, part in _parts(key, value):
            yield from tables(part, (*path, *name))


def _nested(value: Any) -> bool:
    return (isinstance(value, dict) and bool(value)) or (
        isinstance(value, list) and any(isinstance(part, dict) for part in value)
    )


def _parts(key: str, value: Any) -> Iterable[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        return [((key,), value)]
    return [((key, str(number)), part) for number, part in enumerate(value, 1)]


def _flat(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return "" if value == {} else value


def changes(before: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[Change]:
    """Field by field what was and what is, at the deepest level where both are objects."""
    if isinstance(before, dict) or isinstance(after, dict):
        # What is no object on one side is absent there: each field of the other side came or went.
        old = before if isinstance(before, dict) else {}
        new = after if isinstance(after, dict) else {}
        for key in {**old, **new}:
            yield from changes(old.get(key), new.get(key), (*path, key))
    elif before != after:
        yield Change(path, _flat(before), _flat(after))
