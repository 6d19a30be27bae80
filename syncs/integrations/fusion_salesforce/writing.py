"""Delivering documents to Salesforce: in the fields this org has, and no more of them than changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from connections.connectors.base import Document, Done
from connections.connectors.salesforce.schema import KINDS
from connections.connectors.salesforce.values import short
from connections.errors import ConnectorError
from syncs.engine.flow import WriteContext
from syncs.engine.standing import Path, Place, place

KEY = "Fusion_Id__c"
SUFFIX_OF_OURS = "__c"
STALE = frozenset({"salesforce_stale_id", "salesforce_deleted"})
"""What Salesforce says of a row that refers to a record which was deleted, or merged into another."""
NUMBERS = {kind.key: {field.name for field in kind.fields if field.decimals is not None} for kind in KINDS.values()}
"""Fields of ours that hold numbers: documents keep them as text, so that they are stored and compared exactly."""


def fit(capabilities: Mapping[str, Any], kind: str, values: Document, delivered: Mapping[str, Any]) -> Document:
    """What may be sent of ``values`` (None: nothing is known).

    Missing is not empty: a field is cleared only if we filled it earlier (``delivered``), never what people entered.
    Standard fields the org lacks or lets nobody write are left out; of ours that are missing, Salesforce's refusal
    tells to prepare the org. Text is cut to the field's length, numbers of ours become numbers.
    """
    writable = capabilities.get("writable", {}).get(kind)
    lengths = capabilities.get("lengths", {}).get(kind, {})
    sent: Document = {}
    for name, value in values.items():
        if value is None and delivered.get(name) is None:
            continue
        if writable and name not in writable and not name.endswith(SUFFIX_OF_OURS):
            continue
        longest = lengths.get(name)
        if isinstance(value, str) and name in NUMBERS.get(kind, ()):
            sent[name] = Decimal(value)
        else:
            sent[name] = value[:longest] if longest and isinstance(value, str) else value
    return sent


def taken(context: WriteContext, kind: str) -> Mapping[str, Any]:
    """What the org takes. A tenant's own fields are sent in any case: Salesforce says what is wrong with them."""
    capabilities, own = context.capabilities, context.own.get(kind, ())
    writable = capabilities.get("writable", {})
    if not own or not writable.get(kind):
        return capabilities
    return {**capabilities, "writable": {**writable, kind: [*writable[kind], *own]}}


def there(path: Path, label: str, kind: str, id_: Any, values: Document, capabilities: Mapping[str, Any]) -> Place:
    """Where values of a document stand in Salesforce."""
    return place(path, label, kind, id_, values, lengths=capabilities.get("lengths", {}).get(kind, {}))


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to be delivered: all it shall hold, and what was delivered of it earlier.

    ``id`` is its Salesforce Id as far as known. ``sure``: it surely holds ``before``. Otherwise anything we ever wrote
    may stand there, once there was an attempt (``tried``).
    """

    values: Document
    before: Mapping[str, Any]
    id: str = ""
    sure: bool = False
    tried: bool = False

    def whole(self, capabilities: Mapping[str, Any], kind: str) -> Document:
        filled = dict.fromkeys(self.values, "") if self.tried and not self.sure else self.before
        return fit(capabilities, kind, self.values, filled)

    def changed(self, capabilities: Mapping[str, Any], kind: str, always: str) -> Document:
        """``always`` is sent along: rows are kept apart by the record it names."""
        if not self.sure:
            return self.whole(capabilities, kind)
        news = {name: self.values[name] for name in self.values if self.values[name] != self.before.get(name)}
        return fit(capabilities, kind, {always: self.values.get(always), **news}, self.before)


@dataclass(frozen=True, slots=True)
class Put:
    """What became of a row. ``renewed``: what we knew is gone, and a record without any past stands in its place."""

    result: Done | ConnectorError
    sent: Document
    renewed: bool = False


def put(context: WriteContext, kind: str, rows: Mapping[str, Outgoing], *, parent: str) -> dict[str, Put]:
    """Creates or updates by our key, of what surely stands there only what changed. Safe to repeat.

    A record that was deleted meanwhile is made anew by such an update, and is then sent whole. ``parent`` is the field
    whose record Salesforce locks along.
    """
    if not rows:
        return {}
    takes = taken(context, kind)
    sent = {key: row.changed(takes, kind, parent) for key, row in rows.items()}
    results = context.destination.upsert(kind, list(sent.items()), parent=parent)
    found = {key: Put(results[key], sent[key], _renewed(rows[key], results[key])) for key in rows}
    partly = [key for key in rows if found[key].renewed and rows[key].sure]
    if partly:
        again = {key: replace(rows[key], before={}).whole(takes, kind) for key in partly}
        for key, result in context.destination.upsert(kind, list(again.items()), parent=parent).items():
            done = replace(result, created=True) if isinstance(result, Done) else result
            found[key] = Put(done, again[key], renewed=True)
    return found


def _renewed(row: Outgoing, result: Done | ConnectorError) -> bool:
    if isinstance(result, ConnectorError):
        return False
    return result.created or bool(row.id and short(row.id) != short(result.id))
