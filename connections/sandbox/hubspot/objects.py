"""Single records: list, create, read, change, archive, merge.

Source: the object guides below https://developers.hubspot.com/docs/api-reference/latest/crm/objects/.
"""

from __future__ import annotations

import base64
import sqlite3
from typing import Any
from urllib.parse import urlencode

from connections.sandbox.http import Response

from .association_types import ASSOCIATION_TYPES
from .calls import Call, record_id, whole_number
from .errors import invalid, invalid_properties, not_found, unknown_property
from .kinds import Kind, find_kind
from .portal import Portal
from .records import Record
from .writing import Change, Writer, archive

DEFAULT_LIMIT = 10


def given_properties(item: dict[str, Any]) -> dict[str, Any]:
    """The properties of an input."""
    properties = item.get("properties", {})
    if not isinstance(properties, dict):
        raise invalid("properties must be an object")
    return properties


def check_key(portal: Portal, kind: Kind, name: str, *, upsert: bool = False) -> None:
    """Refuse a key property that does not exist or is not unique."""
    if name == "hs_object_id" and not upsert:
        return
    definition = portal.definitions.get(kind, name)
    if definition is None:
        raise invalid_properties([unknown_property(name)])
    refused = definition.custom and portal.switches["unique_refused"].get(kind.name)
    if not definition.unique or refused == "upsert":
        action = "update/upsert"
        raise invalid(f'Unable to perform {action} by non-unique {kind.type_id} property "{name}"', whole=True)


def find(portal: Portal, kind: Kind, name: str | None, values: list[str], archived: bool = False) -> dict[str, Record]:
    """Records by the value asked for, by id or by a unique property."""
    if name in (None, "", "hs_object_id"):
        by_id = portal.records.get(kind, (record_id(value) for value in values), archived)
        return {value: by_id[key] for value in values if (key := record_id(value)) in by_id}
    holders = portal.records.holders(kind, str(name), values, archived)
    records = portal.records.get(kind, holders.values(), archived)
    found = {}
    for value in values:
        holder = holders.get(portal.records.fold(str(name), value))
        if holder in records:
            found[value] = records[holder]
    return found


def _find_one(portal: Portal, call: Call, archived: bool = False) -> Record:
    name = call.request.param("idProperty")
    if name:
        check_key(portal, call.kind, name)
    found = find(portal, call.kind, name, [call.parts["id"]], archived)
    if not found:
        raise not_found()
    return next(iter(found.values()))


def with_associations(portal: Portal, kind: Kind, records: list[Record], names: list[str]) -> dict[int, dict[str, Any]]:
    """The ``associations`` block per record, for the types asked for."""
    blocks: dict[int, dict[str, Any]] = {record.id: {} for record in records}
    for name in names:
        target = find_kind(name)
        if target is None:
            raise invalid(f"Unable to infer object type from: {name}")
        for record in records:
            typed = portal.associations.typed(kind, record.id, target, 0, portal.switches["association_page"])
            results = [
                {"id": str(to_id), "type": _type_name(kind, target, type_id)}
                for to_id, type_ids in typed.items()
                for type_id in type_ids
            ]
            if results:
                blocks[record.id][target.name] = {"results": results}
    return blocks


def _type_name(source: Kind, target: Kind, type_id: int) -> str:
    stem = f"{source.label}_to_{target.label}".lower()
    label = ASSOCIATION_TYPES[type_id].label
    return f"{stem}_{label.lower().replace(' ', '_')}" if label else stem


def _views(portal: Portal, call: Call, records: list[Record]) -> list[dict[str, Any]]:
    names, wanted = call.names("properties"), call.names("associations")
    views = [record.view(call.kind, names) for record in records]
    if wanted:
        blocks = with_associations(portal, call.kind, records, wanted)
        for record, view in zip(records, views, strict=True):
            if blocks[record.id]:
                view["associations"] = blocks[record.id]
    return views


def _cursor(last: int) -> str:
    return base64.urlsafe_b64encode(str(last).encode()).decode().rstrip("=")


def _after(text: str | None) -> int:
    if not text:
        return 0
    try:
        return int(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        raise invalid("after is not a cursor of this list") from None


def list_records(portal: Portal, call: Call) -> Response:
    """A page of records, ascending by id; no ``paging`` at the end."""
    request = call.request
    limit = whole_number(request.param("limit"), DEFAULT_LIMIT, portal.switches["list_limit"])
    records = portal.records.page(call.kind, _after(request.param("after")), limit + 1, call.flag("archived"))
    body: dict[str, Any] = {"results": _views(portal, call, records[:limit])}
    if len(records) > limit:
        after = _cursor(records[limit - 1].id)
        query = {name: values[0] for name, values in request.query.items()} | {"after": after}
        host = request.headers.get("host", "api.hubapi.com")
        body["paging"] = {"next": {"after": after, "link": f"https://{host}{request.path}?{urlencode(query)}"}}
    return Response(200, body)


def create_record(portal: Portal, call: Call) -> Response:
    """A new record with optional inline associations."""
    body = call.body()
    change = Change(given_properties(body), associations=body.get("associations") or [], plain_create=True)
    with portal.store.transaction() as cursor:
        _apply_one(portal, call, cursor, change)
    return Response(201, change.view(call.kind))


def _apply_one(portal: Portal, call: Call, cursor: sqlite3.Cursor, change: Change) -> None:
    Writer(portal, call.kind, call.version).apply(cursor, [change], partial=False)


def read_record(portal: Portal, call: Call) -> Response:
    """One record by id or by a unique property; archived ones only where asked for."""
    record = _find_one(portal, call, call.flag("archived"))
    return Response(200, _views(portal, call, [record])[0])


def update_record(portal: Portal, call: Call) -> Response:
    """Change properties of one record; associations cannot be changed here."""
    body = call.body()
    if body.get("associations"):
        raise invalid("Associations cannot be changed by updating a record.")
    name = call.request.param("idProperty") or "hs_object_id"
    with portal.writing(call.kind, [(name, call.parts["id"])]), portal.store.transaction() as cursor:
        record = _find_one(portal, call)
        portal.check_locked(call.kind, [record.id])
        change = Change(given_properties(body), old=record)
        _apply_one(portal, call, cursor, change)
    return Response(200, change.view(call.kind))


def delete_record(portal: Portal, call: Call) -> Response:
    """Archive one record."""
    kind = call.kind
    with portal.writing(kind, [("hs_object_id", call.parts["id"])]), portal.store.transaction() as cursor:
        present = portal.records.present(kind, [record_id(call.parts["id"])])
        if not present and portal.switches["delete_missing_is_404"]:
            raise not_found()
        portal.check_locked(kind, present)
        archive(portal, cursor, kind, list(present))
    return Response(204)


def merge_records(portal: Portal, call: Call) -> Response:
    """Merge two companies or contacts."""
    body = call.body()
    keep, lose = record_id(body.get("primaryObjectId")), record_id(body.get("objectIdToMerge"))
    record = merge(portal, call.kind, keep, lose)
    return Response(200, record.view(call.kind, record.properties))


def merge(portal: Portal, kind: Kind, keep: int, lose: int) -> Record:
    """The merged record: the primary's values win, the other's fill gaps; a merge may give a new id.

    The loser's unique values are gone, as they cannot stand beside those of the primary.
    """
    if keep == lose:
        raise invalid("A record cannot be merged with itself.")
    with portal.store.transaction() as cursor:
        records = portal.records.get(kind, [keep, lose])
        if len(records) < 2:
            raise not_found()
        unique = portal.definitions.unique_names(kind)
        first, second = records[keep], records[lose]
        gaps = {name: value for name, value in second.properties.items() if name not in unique}
        values, now = gaps | first.properties, portal.clock()
        gone = [first, second] if portal.switches["merge_gives_new_id"] else [second]
        if len(gone) == 2:
            merged = Record(portal.records.next_id(kind), values, first.created, now)
            _release(portal, cursor, kind, gone, unique)
            portal.records.insert(cursor, kind, [merged], unique)
        else:
            merged = Record(first.id, values, first.created, now)
            _release(portal, cursor, kind, gone, unique)
            portal.records.update(cursor, kind, [(first, merged)], unique)
        for record in gone:
            portal.associations.move(cursor, kind, record.id, merged.id)
        portal.records.archive(cursor, kind, [record.id for record in gone])
    return merged


def _release(portal: Portal, cursor: sqlite3.Cursor, kind: Kind, records: list[Record], unique: list[str]) -> None:
    """Take the unique values off records that go."""
    pairs = []
    for record in records:
        values = {name: value for name, value in record.properties.items() if name not in unique}
        pairs.append((record, Record(record.id, values, record.created, record.updated)))
    portal.records.update(cursor, kind, pairs, unique)
