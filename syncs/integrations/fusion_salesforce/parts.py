"""Delivers records that have parts of their own: invoices with their lines, payments with what goes to each invoice.

The record goes first: where Salesforce refuses it, no part of it is sent, so that none stands alone. A part that is
refused rejects the whole record, and its next attempt sends everything again. Every step may be repeated.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connections.connectors.base import Document
from connections.errors import ConnectorError
from syncs.engine.flow import Item, WriteContext
from syncs.integrations.fusion_salesforce.writing import KEY, Outgoing, Put, put

ACCOUNT = "Account__c"
"""Every record leads to the Account of its customer, and Salesforce locks that along."""


@dataclass(slots=True)
class Draft:
    """An item under way, with what was delivered of it before.

    ``part_ids`` are the Ids of all its parts that stand in Salesforce, by our keys; ``sure``: what was delivered before
    surely stands there.
    """

    item: Item
    document: Document
    ids: Document
    id: str = ""
    sure: bool = False
    created: bool = False
    part_ids: dict[str, str] = field(default_factory=dict)
    sent: Document = field(default_factory=dict)


class Layout(ABC):
    """Where things stand in a document: the record under the name of its ``kind``, its parts under ``parts``.

    ``parent`` is the lookup of a part whose record Salesforce locks along. ``searched`` is the field by which parts are
    found that we lost sight of. ``facts`` are what other flows want to know of a delivered record: they are taken from
    the document and kept with its Ids.
    """

    kind: str
    parts: str
    part_kind: str
    parent: str
    searched: str
    facts: tuple[str, ...] = ()

    def links(self, draft: Draft) -> Document:
        """What leads from a part to its record, where the document cannot know it."""
        return {}

    @abstractmethod
    def search(self, draft: Draft) -> str:
        """The value of ``searched``."""

    @abstractmethod
    def owns(self, draft: Draft, key: str) -> bool:
        """Whether a part that was found so is one of its own."""

    @abstractmethod
    def name(self, part: Mapping[str, Any]) -> str:
        """What people call a part."""


def deliver(items: Sequence[Item], context: WriteContext, layout: Layout) -> None:
    drafts = [_draft(item) for item in items]
    drafts = _put_records(drafts, context, layout)
    _find_parts([draft for draft in drafts if not draft.sure and not draft.created], context, layout)
    _put_parts(drafts, context, layout)
    _delete_vanished(drafts, context, layout)
    for draft in drafts:
        _conclude(draft, layout)


def _draft(item: Item) -> Draft:
    delivered = item.delivered
    return Draft(item, delivered.get("document", {}), delivered.get("ids", {}), sure=item.trusted)


def _put_records(drafts: Sequence[Draft], context: WriteContext, layout: Layout) -> list[Draft]:
    """Returns those that stand in Salesforce now."""
    rows = {
        draft.item.row.key: Outgoing(
            draft.item.document[layout.kind],
            draft.document.get(layout.kind, {}),
            draft.ids.get(layout.kind, ""),
            sure=draft.sure,
            tried=draft.item.state is not None,
        )
        for draft in drafts
    }
    puts = put(context, layout.kind, rows, parent=ACCOUNT)
    return [draft for draft in drafts if _noted(draft, puts[draft.item.row.key], layout)]


def _noted(draft: Draft, done: Put, layout: Layout) -> bool:
    if isinstance(done.result, ConnectorError):
        draft.item.failed(done.result)
        return False
    draft.id, draft.created = done.result.id, done.result.created
    draft.sure = draft.sure and not done.renewed
    draft.part_ids = dict(draft.ids.get(layout.parts, {}))
    draft.sent = {layout.kind: done.sent, layout.parts: {}}
    return True


def _find_parts(drafts: Sequence[Draft], context: WriteContext, layout: Layout) -> None:
    """Of records that stood there already, written before a crash, by an earlier installation, or only half."""
    if not drafts:
        return
    wanted = {draft.item.row.key: layout.search(draft) for draft in drafts}
    found = context.destination.find(layout.part_kind, layout.searched, wanted.values(), [KEY])
    for draft in drafts:
        records = {str(record[KEY] or ""): str(record["Id"]) for record in found.get(wanted[draft.item.row.key], ())}
        draft.part_ids = {key: id_ for key, id_ in records.items() if layout.owns(draft, key)}


def _put_parts(drafts: Sequence[Draft], context: WriteContext, layout: Layout) -> None:
    rows: dict[str, Outgoing] = {}
    owner: dict[str, Draft] = {}
    for draft in drafts:
        before = draft.document.get(layout.parts, {})
        links = layout.links(draft)
        for key, values in draft.item.document[layout.parts].items():
            sure = draft.sure and key in draft.part_ids and key in before
            if sure and values == before[key]:
                continue
            known, id_ = before.get(key, {}), draft.part_ids.get(key, "")
            rows[key] = Outgoing(values | links, known | links, id_, sure=sure, tried=bool(id_))
            owner[key] = draft
    for key, done in put(context, layout.part_kind, rows, parent=layout.parent).items():
        draft = owner[key]
        draft.sent[layout.parts][key] = done.sent
        if isinstance(done.result, ConnectorError):
            _refuse(draft, done.result, layout.name(draft.item.document[layout.parts][key]))
        else:
            draft.part_ids[key] = done.result.id


def _delete_vanished(drafts: Sequence[Draft], context: WriteContext, layout: Layout) -> None:
    """Also of records that were refused a part: what is gone from the source is gone."""
    gone = {
        id_: (draft, key)
        for draft in drafts
        for key, id_ in draft.part_ids.items()
        if key not in draft.item.document[layout.parts]
    }
    if not gone:
        return
    failures = context.destination.delete(layout.part_kind, list(gone))
    for id_, (draft, key) in gone.items():
        if id_ in failures:
            _refuse(draft, failures[id_], layout.name(draft.document.get(layout.parts, {}).get(key, {})))
        else:
            del draft.part_ids[key]
            draft.sent.setdefault("deleted", []).append(key)


def _refuse(draft: Draft, error: ConnectorError, name: str) -> None:
    """The first error of an item is the one a person should read."""
    if draft.item.error is None:
        named = copy.copy(error)
        named.text = f"{name}: {error.text}"
        draft.item.failed(named)


def _conclude(draft: Draft, layout: Layout) -> None:
    item = draft.item
    facts = {name: item.document.get(name) for name in layout.facts}
    ids = {layout.kind: draft.id, layout.parts: draft.part_ids, **facts}
    item.sent = draft.sent
    item.answer |= {layout.kind: draft.id}
    item.destination_id, item.ids, item.created = draft.id, ids, draft.created
    if not item.status:
        item.synced(draft.id, ids, created=draft.created)
