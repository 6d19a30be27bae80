"""Calls on associations: default and labelled, in batches and one by one.

Source: https://developers.hubspot.com/docs/api-reference/legacy/crm/associations/associate-records/guide. Batches take
at most 2,000 inputs for writing and 1,000 for reading.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from connections.sandbox.http import Response

from .association_types import ASSOCIATION_TYPES, CATEGORY, AssociationType, plain_type, types_between
from .associations import Link
from .batches import answer
from .calls import Call, inputs_of, record_id, whole_number
from .errors import Refusal, invalid, no_such_resource, not_found
from .kinds import Kind
from .portal import Portal
from .writing import follow_links, make_links

MOST_WRITTEN = 2_000
MOST_READ = 1_000


def _ends(item: dict[str, Any]) -> tuple[int, int]:
    try:
        return record_id(item["from"]["id"]), record_id(item["to"]["id"])
    except (TypeError, KeyError):
        raise invalid("Every input needs from.id and to.id.") from None


def _types(specs: object, source: Kind, target: Kind) -> list[AssociationType]:
    """The named association types; one of another direction is refused."""
    if not isinstance(specs, list) or not specs:
        raise invalid("types must name at least one association type")
    found = []
    for spec in specs:
        category = spec.get("associationCategory") if isinstance(spec, dict) else None
        known = ASSOCIATION_TYPES.get(record_id(spec.get("associationTypeId"))) if isinstance(spec, dict) else None
        if category != CATEGORY or known is None or known.source is not source or known.target is not target:
            raise invalid(f"{spec} is not an association type from {source.label} to {target.label}")
        found.append(known)
    return found


def _default_type(source: Kind, target: Kind) -> AssociationType:
    found = plain_type(source, target)
    if found is None:
        raise invalid(f"There is no default association from {source.label} to {target.label}")
    return found


def _split_missing(
    portal: Portal, source: Kind, target: Kind, pairs: list[tuple[int, int]]
) -> tuple[list[bool], list[dict[str, Any]]]:
    """Whether each pair exists on both sides, and one error for every side with missing records."""
    sources = portal.records.present(source, (a for a, _ in pairs))
    targets = portal.records.present(target, (b for _, b in pairs))
    lost = [(source, {a for a, _ in pairs} - sources), (target, {b for _, b in pairs} - targets)]
    errors = [
        Refusal(
            404,
            "OBJECT_NOT_FOUND",
            f"Could not get some {kind.label} objects, they may be deleted or not exist.",
            context={"ids": [str(key) for key in sorted(ids)]},
        ).entry()
        for kind, ids in lost
        if ids
    ]
    return [a in sources and b in targets for a, b in pairs], errors


def _shown(link: Link) -> dict[str, Any]:
    return {
        "from": {"id": str(link.source)},
        "to": {"id": str(link.target)},
        "associationSpec": {"associationCategory": CATEGORY, "associationTypeId": link.type.id},
    }


def create_default(portal: Portal, call: Call) -> Response:
    """Associate pairs with the plain type; repeating succeeds."""
    source, target = call.kinds
    started, pairs = portal.clock(), [_ends(item) for item in inputs_of(call.body(), MOST_WRITTEN)]
    kind = _default_type(source, target)
    with portal.store.transaction() as cursor:
        good, errors = _split_missing(portal, source, target, pairs)
        links = [Link(a, b, kind) for (a, b), fine in zip(pairs, good, strict=True) if fine]
        make_links(portal, cursor, links)
    return answer(portal, call, 200, [_shown(link) for link in links], errors, started)


def put_default(portal: Portal, call: Call) -> Response:
    """Associate one pair with the plain type."""
    source, target = call.kinds
    started = portal.clock()
    a, b = _path_ends(portal, call, source, target)
    link = Link(a, b, _default_type(source, target))
    with portal.store.transaction() as cursor:
        make_links(portal, cursor, [link])
    return answer(portal, call, 200, [_shown(link)], [], started)


def _path_ends(portal: Portal, call: Call, source: Kind, target: Kind) -> tuple[int, int]:
    a, b = record_id(call.parts["id"]), record_id(call.parts["to_id"])
    if not portal.records.present(source, [a]) or not portal.records.present(target, [b]):
        raise not_found()
    return a, b


def _labelled(pair: tuple[int, int], types: list[AssociationType], source: Kind, target: Kind) -> dict[str, Any]:
    return {
        "fromObjectTypeId": source.type_id,
        "fromObjectId": str(pair[0]),
        "toObjectTypeId": target.type_id,
        "toObjectId": str(pair[1]),
        "labels": [kind.label for kind in types if kind.label],
    }


def create_batch(portal: Portal, call: Call) -> Response:
    """Associate pairs by type ids."""
    source, target = call.kinds
    started, inputs = portal.clock(), inputs_of(call.body(), MOST_WRITTEN)
    pairs = [_ends(item) for item in inputs]
    types = [_types(item.get("types"), source, target) for item in inputs]
    with portal.store.transaction() as cursor:
        good, errors = _split_missing(portal, source, target, pairs)
        kept = [(pair, kinds) for pair, kinds, fine in zip(pairs, types, good, strict=True) if fine]
        make_links(portal, cursor, [Link(a, b, kind) for (a, b), kinds in kept for kind in kinds])
    results = [_labelled(pair, kinds, source, target) for pair, kinds in kept]
    return answer(portal, call, 201, results, errors, started)


def put_single(portal: Portal, call: Call) -> Response:
    """Associate one pair by type ids; the body is the list of types."""
    source, target = call.kinds
    a, b = _path_ends(portal, call, source, target)
    try:
        types = _types(call.request.json(), source, target)
    except ValueError:
        raise invalid("Invalid input JSON: a list of association types is expected.") from None
    with portal.store.transaction() as cursor:
        make_links(portal, cursor, [Link(a, b, kind) for kind in types])
    return Response(201, _labelled((a, b), types, source, target))


def read_batch(portal: Portal, call: Call) -> Response:
    """Associated records of many records, a page each."""
    source, target = call.kinds
    started, inputs = portal.clock(), inputs_of(call.body(), MOST_READ)
    ids = [record_id(item.get("id")) for item in inputs]
    present = portal.records.present(source, ids)
    empty = portal.switches["empty_association_reads"] == "empty"
    results = []
    for item, key in zip(inputs, ids, strict=True):
        if key in present:
            page = _page(portal, source, key, target, item.get("after"), portal.switches["association_page"])
            if page["results"] or empty:
                paging = {"paging": page["paging"]} if "paging" in page else {}
                results.append({"from": {"id": str(key)}, "to": page["results"]} | paging)
    missing = [str(item.get("id")) for item, key in zip(inputs, ids, strict=True) if key not in present]
    errors = []
    if missing:
        text = f"Could not get some {source.label} objects, they may be deleted or not exist."
        errors = [Refusal(404, "OBJECT_NOT_FOUND", text, context={"ids": missing}).entry()]
    return answer(portal, call, 200, results, errors, started)


def _page(portal: Portal, source: Kind, key: int, target: Kind, after: object, limit: int) -> dict[str, Any]:
    typed = portal.associations.typed(source, key, target, record_id(after) if after else 0, limit + 1)
    shown = list(typed)[:limit]
    numeric = portal.switches["numeric_association_ids"]
    page: dict[str, Any] = {
        "results": [
            {
                "toObjectId": to_id if numeric else str(to_id),
                "associationTypes": [
                    {"category": CATEGORY, "typeId": type_id, "label": ASSOCIATION_TYPES[type_id].label}
                    for type_id in typed[to_id]
                ],
            }
            for to_id in shown
        ]
    }
    if len(typed) > limit:
        page["paging"] = {"next": {"after": str(shown[-1]), "link": f"?after={shown[-1]}"}}
    return page


def read_single(portal: Portal, call: Call) -> Response:
    """Associated records of one record; the numbered version only, unless switched on."""
    if call.dated and not portal.switches["dated_single_association_read"]:
        raise no_such_resource()
    source, target = call.kinds
    key = record_id(call.parts["id"])
    if not portal.records.present(source, [key]):
        raise not_found()
    most = portal.switches["association_page"]
    limit = whole_number(call.request.param("limit"), most, most)
    return Response(200, _page(portal, source, key, target, call.request.param("after"), limit))


def _remove(portal: Portal, cursor: sqlite3.Cursor, source: Kind, target: Kind, pairs: list[tuple[int, int]]) -> None:
    portal.associations.remove(cursor, source, target, pairs)
    kind = types_between(source, target)[:1]
    if kind:
        follow_links(portal, cursor, [Link(a, b, kind[0]) for a, b in pairs])


def delete_single(portal: Portal, call: Call) -> Response:
    """Take every association of one pair away."""
    source, target = call.kinds
    with portal.store.transaction() as cursor:
        _remove(portal, cursor, source, target, [(record_id(call.parts["id"]), record_id(call.parts["to_id"]))])
    return Response(204)


def archive_batch(portal: Portal, call: Call) -> Response:
    """Take associations away: 204 in the numbered version, 200 in the dated ones."""
    source, target = call.kinds
    started, pairs = portal.clock(), []
    for item in inputs_of(call.body(), MOST_WRITTEN):
        try:
            pairs += [(record_id(item["from"]["id"]), record_id(to["id"])) for to in item["to"]]
        except (TypeError, KeyError):
            raise invalid("Every input needs from.id and a list of to ids.") from None
    with portal.store.transaction() as cursor:
        _remove(portal, cursor, source, target, pairs)
    return answer(portal, call, 200, [], [], started) if call.dated else Response(204)


def archive_labels(portal: Portal, call: Call) -> Response:
    """Take single types away and leave the others."""
    source, target = call.kinds
    started, inputs = portal.clock(), inputs_of(call.body(), MOST_WRITTEN)
    links = [Link(*_ends(item), kind) for item in inputs for kind in _types(item.get("types"), source, target)]
    with portal.store.transaction() as cursor:
        portal.associations.remove_links(cursor, links)
        follow_links(portal, cursor, links)
    return answer(portal, call, 200, [], [], started) if call.dated else Response(204)


def labels(portal: Portal, call: Call) -> Response:
    """Association types from one object type to another."""
    del portal
    source, target = call.kinds
    found = [{"category": CATEGORY, "typeId": kind.id, "label": kind.label} for kind in types_between(source, target)]
    return Response(200, {"results": found})
