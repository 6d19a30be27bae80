"""query, queryAll and their cursors (source: REST API guide, Query)."""

# Placeholders only; names in SQL come from the compiler.
# ruff: noqa: S608

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from connections.sandbox.http import Response

from .calls import Call
from .compiler import Compiler
from .errors import Refusal
from .org import Org
from .schema import NUMERIC, Field, SObject
from .soql import Name, Query, located, malformed, parse

CURSOR_LIFE = 2 * 86_400
MAX_CURSORS = 200
MAX_CHILDREN = 20
MAX_PARENTS = 55


@dataclass(slots=True)
class _Child:
    """A sub-select: the field that refers to the parent, and its own query."""

    relationship: str
    key: Field
    compiler: Compiler


@dataclass(slots=True)
class Cursor:
    """The rows of one query, in order, and how each is rendered."""

    ids: list[str]
    compiler: Compiler
    children: list[_Child]
    batch: int
    base: str
    opened: float


def run(call: Call, *, everything: bool) -> Response:
    """Answer a query."""
    org = call.org
    text = call.request.param("q")
    if text is None:
        raise malformed("SOQL query is required")
    query = parse(text)
    sobject = org.visible().get(query.source.text.lower())
    if sobject is None:
        raise _unknown_type(query, query.source)
    compiler = Compiler(org, query, sobject, everything=everything)
    with org.store.lock:
        if query.count:
            return _count(org, compiler)
        children = _select(org, compiler)
        ids = [row[0] for row in org.store.query(*compiler.ids())]
        cursor = Cursor(ids, compiler, children, _batch(call, compiler), call.base, org.clock())
        return Response(200, _page(org, cursor, 0, ""))


def more(call: Call) -> Response:
    """The next page of a cursor."""
    org, locator = call.org, call.parts["locator"]
    name, _, start = locator.rpartition("-")
    cursor = org.cursors.get(name)
    if cursor is None or not start.isdigit() or int(start) >= len(cursor.ids):
        raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    if org.clock() - cursor.opened > CURSOR_LIFE:
        raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    with org.store.lock:
        return Response(200, _page(org, cursor, int(start), name))


def _unknown_type(query: Query, name: Name) -> Refusal:
    message = (
        f"sObject type '{name.text}' is not supported. If you are attempting to use a custom object, be sure to append "
        "the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
    )
    return Refusal(400, "INVALID_TYPE", located(query.text, name.at, message))


def _count(org: Org, compiler: Compiler) -> Response:
    sql, parameters = compiler.ids()
    total = org.store.query(f"SELECT count(*) FROM ({sql})", parameters)[0][0]
    body: dict[str, Any] = {"totalSize": total, "done": True}
    return Response(200, body | ({"records": []} if org.switches["count_records"] == "empty" else {}))


def _select(org: Org, compiler: Compiler) -> list[_Child]:
    """Resolve everything that is selected; the sub-selects."""
    children = []
    for each in compiler.query.fields:
        if isinstance(each, Query):
            children.append(_child(org, compiler, each))
        else:
            compiler.select(each)
    if len(children) > MAX_CHILDREN or len(compiler.joins) > MAX_PARENTS:
        raise malformed("too many relationships in one query")
    return children


def _child(org: Org, compiler: Compiler, query: Query) -> _Child:
    wanted = query.source.text.lower()
    for sobject in org.visible().values():
        for each in sobject.fields.values():
            points_here = compiler.sobject.name in each.refs and each.children
            if points_here and each.children and each.children.lower() == wanted:
                inner = Compiler(org, query, sobject, everything=compiler.everything)
                for name in query.fields:
                    inner.select(name)
                return _Child(each.children, each, inner)
    message = (
        f"Didn't understand relationship '{query.source.text}' in FROM part of query call. If you are attempting to "
        "use a custom relationship, be sure to append the '__r' after the custom relationship name."
    )
    raise Refusal(400, "INVALID_TYPE", located(query.text, query.source.at, message))


def _batch(call: Call, compiler: Compiler) -> int:
    """Rows per page: 2000, what the header asks for, or 200 with two long texts selected."""
    found = re.search(r"batchSize=(\d+)", str(call.request.headers.get("sforce-query-options", "")), re.IGNORECASE)
    size = min(2000, max(200, int(found[1]))) if found else 2000
    long_texts = sum(1 for c in compiler.columns if c.field.type == "textarea" and c.field.length > 255)
    return min(size, 200) if long_texts > 1 else size


def _page(org: Org, cursor: Cursor, start: int, name: str) -> dict[str, Any]:
    ids = cursor.ids[start : start + cursor.batch]
    rows = render(org, cursor.compiler, ids, cursor.base)
    for child in cursor.children:
        _attach(org, child, rows, cursor.base)
    end = start + cursor.batch
    page: dict[str, Any] = {"totalSize": len(cursor.ids), "done": end >= len(cursor.ids)}
    if not page["done"]:
        page["nextRecordsUrl"] = f"{cursor.base}/query/{name or _keep(org, cursor)}-{end}"
    return page | {"records": [rows[key] for key in ids if key in rows]}


def _keep(org: Org, cursor: Cursor) -> str:
    with org.store.transaction():
        name = org.rows.next_id("01g")
    while len(org.cursors) >= MAX_CURSORS:
        org.cursors.pop(next(iter(org.cursors)))
    org.cursors[name] = cursor
    return name


def render(org: Org, compiler: Compiler, ids: list[str], base: str) -> dict[str, dict[str, Any]]:
    sql = f"SELECT {', '.join(compiler.selected)} {compiler.source()} WHERE t.id IN (SELECT value FROM json_each(?))"
    found = {}
    for row in org.store.query(sql, (json.dumps(ids),)):
        found[row[0]] = _record(compiler, row, base)
    return found


def _record(compiler: Compiler, row: Any, base: str) -> dict[str, Any]:
    record = _start(compiler.sobject, row[0], base)
    for column in compiler.columns:
        place: dict[str, Any] | None = record
        for depth in range(1, len(column.path) + 1):
            path = column.path[:depth]
            key = row[compiler.parents[path]]
            if place is None or key is None:
                if place is not None:
                    place[path[-1]] = None
                place = None
                break
            if place.get(path[-1]) is None:
                place[path[-1]] = _start(compiler.joins[path][1], key, base)
            place = place[path[-1]]
        if place is not None:
            place[column.field.name] = shown(column.field, row[column.index])
    return record


def _start(sobject: SObject, key: str, base: str) -> dict[str, Any]:
    return {"attributes": {"type": sobject.name, "url": f"{base}/sobjects/{sobject.name}/{key}"}}


def shown(each: Field, value: Any) -> Any:
    """A stored value as it is returned."""
    if each.type == "boolean":
        return bool(value)
    if each.type == "address" and value is not None:
        parts = json.loads(value)
        return parts if any(parts.values()) else None
    if each.type in NUMERIC and each.type != "int" and value is not None:
        return float(value)
    return value


def _attach(org: Org, child: _Child, rows: dict[str, dict[str, Any]], base: str) -> None:
    """Put the children under their parents; no children is null, not an empty list."""
    compiler, key = child.compiler, child.key
    restrict = (
        " AND t.id IN (SELECT id FROM salesforce_keys WHERE object = ? AND field = ? "
        "AND value IN (SELECT value FROM json_each(?)))"
    )
    sql, values = compiler.ids(restrict, (compiler.sobject.name, key.name, json.dumps(list(rows))))
    ids = [row[0] for row in org.store.query(sql, values)]
    parents = {
        row[0]: row[1]
        for row in org.store.query(
            f"SELECT id, json_extract(doc, '$.{key.name}') FROM salesforce_rows "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(ids),),
        )
    }
    grouped: dict[str, list[str]] = {}
    for each in ids:
        grouped.setdefault(parents[each], []).append(each)
    records = render(org, compiler, ids, base)
    start, limit = compiler.query.offset, compiler.query.limit
    size = org.switches["child_page_size"]
    for parent, record in rows.items():
        mine = grouped.get(parent, [])[start:]
        mine = mine if limit is None else mine[:limit]
        record[child.relationship] = _list(org, compiler, mine, records, base, size) if mine else None


def _list(
    org: Org, compiler: Compiler, mine: list[str], records: dict[str, dict[str, Any]], base: str, size: int | None
) -> dict[str, Any]:
    if size is None or len(mine) <= size:
        return {"totalSize": len(mine), "done": True, "records": [records[key] for key in mine]}
    cursor = Cursor(mine, compiler, [], size, base, org.clock())
    return _page(org, cursor, 0, "")
