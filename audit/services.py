"""Writing to the trail, and proving that nobody rewrote it.

Each tenant's entries form a chain: numbers without a gap, and a hash over the entry and the hash before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from audit import storage
from audit.models import AuditEntry, AuditHead

_SEPARATOR = "\x1f"
_PAGE = 5000
# The order in which an entry's fields are hashed, behind the hash before it. Never change it.
HASHED = (
    "actor",
    "action",
    "outcome",
    "sync_id",
    "run_id",
    "flow",
    "source_ref",
    "source_version",
    "destination_ref",
    "error_code",
    "detail",
)
_SEPARATORS_IN_BODY = len(HASHED) - 1


class Entry(NamedTuple):
    """One line of the trail. ``detail`` is compact JSON text, made by ``encode``."""

    action: str
    outcome: str
    actor: str = "worker"
    sync_id: int | None = None
    run_id: int | None = None
    flow: str = ""
    source_ref: str = ""
    source_version: str = ""
    destination_ref: str = ""
    error_code: str = ""
    detail: str = "{}"


_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=str)


def encode(detail: dict[str, Any]) -> str:
    """Compact JSON text; Decimals, dates and the like as text."""
    return _ENCODER.encode(detail)


def append(tenant_id: int, entries: Sequence[Entry], at: datetime | None = None) -> int:
    """Adds the entries to the tenant's chain, inside the caller's transaction: they stand or fall with what they
    tell of. Returns the number of the last one. The head stays locked until that transaction ends."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("audit.append belongs inside the transaction it tells of.")
    sequence, previous = _lock_head(tenant_id)
    if not entries:
        return sequence
    at = (at or timezone.now()).astimezone(UTC)
    rows, previous = _chain(tenant_id, sequence, previous, at, entries)
    storage.insert(connection, rows)
    sequence += len(rows)
    AuditHead.objects.filter(tenant_id=tenant_id).update(sequence=sequence, hash=previous)
    return sequence


def _lock_head(tenant_id: int) -> tuple[int, str]:
    heads = AuditHead.objects.select_for_update().filter(tenant_id=tenant_id).values_list("sequence", "hash")
    head = heads.first()
    if head is None:
        AuditHead.objects.bulk_create([AuditHead(tenant_id=tenant_id)], ignore_conflicts=True)
        head = heads.get()
    return head


def _chain(
    tenant_id: int, sequence: int, previous: str, at: datetime, entries: Iterable[Entry]
) -> tuple[list[storage.StoredRow], str]:
    rows: list[storage.StoredRow] = []
    row: tuple[Any, ...]
    add, sha256, start = rows.append, hashlib.sha256, _start_of_hash(tenant_id, at)
    for entry in entries:
        action, outcome, actor, sync_id, run_id, flow, source, version, destination, code, detail = entry
        # Cut to the columns first, so that what is hashed is what will be read back.
        actor, action, outcome, flow = actor[:120], action[:40], outcome[:20], flow[:40]
        source, version, destination, code = source[:120], version[:64], destination[:120], code[:60]
        row = (actor, action, outcome, sync_id, run_id, flow, source, version, destination, code, detail)
        sync, run = "" if sync_id is None else sync_id, "" if run_id is None else run_id
        body = (
            f"{actor}\x1f{action}\x1f{outcome}\x1f{sync}\x1f{run}\x1f{flow}\x1f{source}\x1f{version}\x1f"
            f"{destination}\x1f{code}\x1f{detail}"
        )
        if body.count(_SEPARATOR) != _SEPARATORS_IN_BODY or "\x00" in body or not _storable(body):
            row = tuple(_cleaned(field) for field in row)
            body = _body(row)
        sequence += 1
        digest = sha256(f"{start}{sequence}\x1f{previous}\x1f{body}".encode()).hexdigest()
        add((tenant_id, sequence, at, *row, previous, digest))
        previous = digest
    return rows, previous


def _start_of_hash(tenant_id: int, at: datetime) -> str:
    return f"{tenant_id}\x1f{at.isoformat(timespec='microseconds')}\x1f"


def _body(fields: Iterable[Any]) -> str:
    return _SEPARATOR.join("" if field is None else str(field) for field in fields)


def _storable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _cleaned(field: Any) -> Any:
    """Without what no column or hash can take, and vendors' texts may hold all the same: our separator, the zero
    character, halves of surrogate pairs."""
    if not isinstance(field, str):
        return field
    return field.translate({ord(_SEPARATOR): " ", 0: " "}).encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Verification:
    ok: bool
    checked: int
    first_bad_sequence: int | None
    text: str
    head: str = ""


class _Break(Exception):
    """The chain is broken; carries the answer."""

    def __init__(self, checked: int, sequence: int, text: str) -> None:
        self.verification = Verification(False, checked, sequence, text)


def verify(
    tenant_id: int, *, anchor: tuple[int, str] | None = None, progress: Callable[[int], None] = lambda _: None
) -> Verification:
    """Walks the whole chain. ``anchor`` is a (sequence, hash) noted elsewhere earlier: with it, a rewriting of the
    whole chain from some point on is found too. ``progress`` is told now and then how many entries are checked."""
    try:
        checked, previous = _walk(tenant_id, 0, "", anchor, progress)
        with transaction.atomic():
            # What was appended meanwhile is walked under the lock, so that the end can be compared with its head.
            head = AuditHead.objects.select_for_update().filter(tenant_id=tenant_id).first()
            checked, previous = _walk(tenant_id, checked, previous, anchor)
            _compare_end(head, checked, previous, anchor)
    except _Break as found:
        return found.verification
    return Verification(True, checked, None, f"{checked} entries, unbroken.", previous)


def _walk(
    tenant_id: int,
    checked: int,
    previous: str,
    anchor: tuple[int, str] | None,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[int, str]:
    for sequence, stored_previous, stored_hash, at, body in _stored(tenant_id, checked):
        if sequence != checked + 1:
            raise _Break(checked, checked + 1, f"Entry {checked + 1} is missing.")
        if stored_previous != previous:
            raise _Break(checked, sequence, f"Entry {sequence} does not follow the entry before it.")
        text = f"{_start_of_hash(tenant_id, at)}{sequence}\x1f{previous}\x1f{body}"
        if hashlib.sha256(text.encode()).hexdigest() != stored_hash:
            raise _Break(checked, sequence, f"Entry {sequence} was changed.")
        if anchor and anchor[0] == sequence and anchor[1] != stored_hash:
            raise _Break(checked, sequence, f"Entry {sequence} is not the one that was noted earlier.")
        checked, previous = sequence, stored_hash
        if checked % _PAGE == 0:
            progress(checked)
    return checked, previous


def _compare_end(head: AuditHead | None, checked: int, previous: str, anchor: tuple[int, str] | None) -> None:
    expected = max(head.sequence if head else 0, anchor[0] if anchor else 0)
    if checked < expected:
        raise _Break(checked, checked + 1, f"Entries {checked + 1} to {expected} are missing.")
    if (head.sequence, head.hash) != (checked, previous) if head else checked:
        raise _Break(checked, checked, "The end of the chain is not the one that was noted with it.")


def _stored(tenant_id: int, last: int) -> Iterator[tuple[int, str, str, datetime, str]]:
    """Entries in order, page by page, each page one short query: appending goes on meanwhile."""
    while True:
        page = list(
            AuditEntry.objects.filter(tenant_id=tenant_id, sequence__gt=last)
            .order_by("sequence")
            .values_list("sequence", "previous_hash", "hash", "at", *HASHED)[:_PAGE]
        )
        for sequence, previous, stored_hash, at, *fields in page:
            yield sequence, previous, stored_hash, at.astimezone(UTC), _body(fields)
        if len(page) < _PAGE:
            return
        last = page[-1][0]
