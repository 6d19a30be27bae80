"""Batches of up to 100 records: create, read, update, upsert, archive.

Sources: https://developers.hubspot.com/docs/api-reference/error-handling (partial success by ``objectWriteTraceId``)
and the object guides. ``status`` stays COMPLETE although inputs failed; results come in any order.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from connections.sandbox.http import Response

from .calls import Call, doubled, inputs_of, record_id, status_for
from .errors import Refusal, duplicate_ids, invalid
from .kinds import Kind
from .objects import check_key, find, given_properties
from .portal import Portal
from .records import Record
from .values import iso
from .writing import Change, Writer, archive

MOST = 100


def answer(portal: Portal, call: Call, plain: int, results: list[Any], errors: list[Any], started: float) -> Response:
    """The common body of a batch."""
    body: dict[str, Any] = {
        "status": "COMPLETE",
        "results": portal.shuffled(results),
        "startedAt": iso(started),
        "completedAt": iso(portal.clock()),
    }
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return Response(status_for(call, portal, plain, errors), body)


def _trace(item: dict[str, Any]) -> str | None:
    trace = item.get("objectWriteTraceId")
    return None if trace in (None, "") else str(trace)


def _is_partial(inputs: list[dict[str, Any]]) -> bool:
    """Partial success needs a trace id of its own on every input."""
    traces = [_trace(item) for item in inputs]
    return None not in traces and len(set(traces)) == len(traces)


def _key(item: dict[str, Any]) -> str:
    value = item.get("id")
    if not isinstance(value, str) or not value:
        raise invalid("Every input needs an id, as text.", whole=True)
    return value


def _check_doubled(portal: Portal, kind: Kind, keys: list[tuple[str, str]]) -> None:
    """Ids given twice refuse the whole request."""
    folded = [portal.records.fold(name, value) + "\0" + name for name, value in keys]
    twice = set(doubled(folded))
    if twice:
        raise duplicate_ids(
            dict.fromkeys(value for (_, value), text in zip(keys, folded, strict=True) if text in twice)
        )


def create(portal: Portal, call: Call) -> Response:
    """Create records; without trace ids one bad input refuses all of them."""
    started, inputs = portal.clock(), inputs_of(call.body(), MOST)
    changes = [
        Change(
            given_properties(item), trace=_trace(item), associations=item.get("associations") or [], plain_create=True
        )
        for item in inputs
    ]
    return _write(portal, call, changes, _is_partial(inputs), 201, started)


def update(portal: Portal, call: Call) -> Response:
    """Change records by id or unique property."""
    return _change(portal, call, upsert=False)


def upsert(portal: Portal, call: Call) -> Response:
    """Change records by a unique property, or create them."""
    return _change(portal, call, upsert=True)


def _change(portal: Portal, call: Call, *, upsert: bool) -> Response:
    started, inputs = portal.clock(), inputs_of(call.body(), MOST)
    keys = [(_id_property(item, upsert), _key(item)) for item in inputs]
    for name in dict.fromkeys(name for name, _ in keys):
        check_key(portal, call.kind, name, upsert=upsert)
    if any(item.get("associations") for item in inputs):
        raise invalid("Associations are not accepted here.", whole=True)
    _check_doubled(portal, call.kind, keys)
    partial = _is_partial(inputs) and not (upsert and any(name == "email" for name, _ in keys))
    with portal.writing(call.kind, keys), portal.store.transaction():
        found = _lookup(portal, call.kind, keys)
        portal.check_locked(call.kind, [record.id for record in found.values()])
        build = _upsert_change if upsert else _update_change
        changes = [build(call.kind, item, key, found.get(key)) for item, key in zip(inputs, keys, strict=True)]
        _check_same_record(changes, keys)
        return _write(portal, call, changes, partial, 200, started, upsert=upsert)


def _id_property(item: dict[str, Any], upsert: bool) -> str:
    name = item.get("idProperty") or ""
    if upsert and not name:
        raise invalid("Every input of an upsert needs idProperty.", whole=True)
    return str(name or "hs_object_id")


def _lookup(portal: Portal, kind: Kind, keys: list[tuple[str, str]]) -> dict[tuple[str, str], Record]:
    by_name: dict[str, list[str]] = defaultdict(list)
    for name, value in keys:
        by_name[name].append(value)
    return {
        (name, value): record
        for name, values in by_name.items()
        for value, record in find(portal, kind, name, values).items()
    }


def _check_same_record(changes: list[Change], keys: list[tuple[str, str]]) -> None:
    """One record under two keys is a doubled id too."""
    twice = set(doubled(str(change.old.id) for change in changes if change.old))
    if twice:
        raise duplicate_ids(
            value
            for change, (_, value) in zip(changes, keys, strict=True)
            if change.old and str(change.old.id) in twice
        )


def _update_change(kind: Kind, item: dict[str, Any], key: tuple[str, str], record: Record | None) -> Change:
    change = Change(given_properties(item), old=record, trace=_trace(item))
    if record is None:
        change.refusal = Refusal(400, "OBJECT_NOT_FOUND", _missing_text(kind), context={"ids": [key[1]]})
    return change


def _upsert_change(kind: Kind, item: dict[str, Any], key: tuple[str, str], record: Record | None) -> Change:
    name, value = key
    given = {name: value} | given_properties(item)
    change = Change(given, old=record, trace=_trace(item))
    if str(given[name]).casefold() != value.casefold():
        change.refusal = invalid(f'"{name}" in the properties differs from the id of the input')
    return change


def _missing_text(kind: Kind) -> str:
    return f"Could not get some {kind.label} objects, they may be deleted or not exist. Check that ids are valid."


def _write(
    portal: Portal,
    call: Call,
    changes: list[Change],
    partial: bool,
    plain: int,
    started: float,
    *,
    upsert: bool = False,
) -> Response:
    with portal.store.transaction() as cursor:
        good = Writer(portal, call.kind, call.version).apply(cursor, changes, partial=partial)
    results = [_result(portal, call.kind, change, upsert) for change in good]
    errors = [change.refusal.entry(change.trace) for change in changes if change.refusal]
    return answer(portal, call, plain, results, errors, started)


def _result(portal: Portal, kind: Kind, change: Change, upsert: bool) -> dict[str, Any]:
    view = change.view(kind)
    if upsert:
        view["new"] = change.old is None
    if change.trace and portal.switches["echo_trace_id"]:
        view["objectWriteTraceId"] = change.trace
    return view


def read(portal: Portal, call: Call) -> Response:
    """Read records by id or unique property; those that are missing stand in one error, 207."""
    started, body = portal.clock(), call.body()
    inputs = inputs_of(body, MOST)
    name = str(body.get("idProperty") or "hs_object_id")
    check_key(portal, call.kind, name)
    keys = [_key(item) for item in inputs]
    _check_doubled(portal, call.kind, [(name, key) for key in keys])
    properties = body.get("properties") or []
    if not isinstance(properties, list):
        raise invalid("properties must be a list")
    found = find(portal, call.kind, name, keys, call.flag("archived"))
    results = [record.view(call.kind, properties) for record in found.values()]
    missing = [key for key in keys if key not in found]
    errors = []
    if missing:
        errors = [Refusal(404, "OBJECT_NOT_FOUND", _missing_text(call.kind), context={"ids": missing}).entry()]
    return answer(portal, call, 200, results, errors, started)


def archive_batch(portal: Portal, call: Call) -> Response:
    """Archive records by id; those already gone are no error."""
    keys = [_key(item) for item in inputs_of(call.body(), MOST)]
    _check_doubled(portal, call.kind, [("hs_object_id", key) for key in keys])
    with portal.writing(call.kind, [("hs_object_id", key) for key in keys]), portal.store.transaction() as cursor:
        present = sorted(portal.records.present(call.kind, (record_id(key) for key in keys)))
        portal.check_locked(call.kind, present)
        archive(portal, cursor, call.kind, present)
    return Response(204)
