"""Single records, describe and change lists (source: REST API guide, sObject resources)."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from connections.sandbox.http import Response

from .calls import Call
from .compiler import Compiler
from .errors import Refusal, not_found
from .ids import full_id
from .query import render
from .rows import stamp_of
from .schema import SObject, describe_field
from .soql import Name, Query
from .values import parse_datetime
from .writing import Context, Saved, Writer, key_field, looks_like_file

DAY = 86_400


def writer(call: Call) -> Writer:
    return Writer(call.org, Context(call.owner, call.allow_save))


def saved(result: Saved, *, created: bool | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"id": result.id, "success": True, "errors": []}
    return body if created is None else body | {"created": created}


# -- one record ------------------------------------------------------------------------------------------------------


def create(call: Call) -> Response:
    sobject, body, work = call.sobject(), call.body(), writer(call)
    work.hold([(sobject, None, body)])
    with work.transaction():
        result = work.create(sobject, body)
    return Response(201, saved(result), {"Location": call.url(sobject.name, result.id)})


def read(call: Call) -> Response:
    """All visible fields, or those asked for."""
    return _read(call, call.sobject(), _key(call))


def read_by_key(call: Call) -> Response:
    sobject = call.sobject()
    found = _by_key(call, sobject)
    if len(found) > 1:
        return Response(300, [call.url(sobject.name, key) for key in found])
    return _read(call, sobject, found[0])


def _by_key(call: Call, sobject: SObject) -> list[str]:
    each = key_field(call.org, sobject, call.parts["field"])
    if looks_like_file(call.parts["value"]):
        raise not_found()
    found = call.org.rows.find(sobject, each, call.parts["value"])
    if not found:
        raise not_found()
    return found


def _key(call: Call) -> str:
    key = full_id(call.parts["id"])
    if key is None or key[:3] != call.sobject().prefix:
        raise not_found("Provided external ID field does not exist or is not accessible: " + call.parts["id"])
    return key


def _read(call: Call, sobject: SObject, key: str) -> Response:
    org = call.org
    names = [name for text in call.request.query.get("fields", []) for name in text.split(",") if name]
    query = Query("")
    compiler = Compiler(org, query, sobject)
    for name in names or [each.name for each in sobject.fields.values()]:
        compiler.select(Name(name, 0))
    row = org.rows.get(key)
    if row is None:
        raise not_found()
    with org.store.lock:
        body = render(org, compiler, [key], call.base)[key]
    headers = {"ETag": f'"{row.stamp}"'} if sobject.name == "Account" else {}
    return Response(200, body, headers)


def update(call: Call) -> Response:
    """204; an Account row may be guarded by If-Match (source: REST API guide, conditional requests)."""
    sobject, key, body, work = call.sobject(), _key(call), call.body(), writer(call)
    row = call.org.rows.get(key)
    wanted = call.request.headers.get("if-match")
    if wanted and sobject.name == "Account" and row and wanted not in (f'"{row.stamp}"', row.stamp, "*"):
        raise Refusal(412, "PRECONDITION_FAILED", "The record has changed since it was read")
    if any(name.lower() == "id" for name in body):
        raise Refusal(400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.", ["Id"])
    work.hold([(sobject, key, body)])
    with work.transaction():
        work.update(sobject, key, body)
    return Response(204)


def upsert(call: Call) -> Response:
    """201 created, 200 changed (204 before version 46), 300 where the key is not unique: then nothing is written."""
    sobject, value, body, work = call.sobject(), call.parts["value"], call.body(), writer(call)
    each = key_field(call.org, sobject, call.parts["field"])
    if looks_like_file(value):
        raise not_found()
    if any(name.lower() == each.name.lower() for name in body):
        message = f"The {each.name} field should not be specified in the sobject data."
        raise Refusal(400, "INVALID_FIELD", message, [each.name])
    found = call.org.rows.find(sobject, each, value)
    if len(found) > 1:
        return Response(300, [call.url(sobject.name, key) for key in found], write=False)
    work.hold([(sobject, found[0] if found else None, body)])
    with work.transaction():
        result = work.upsert(sobject, each, value, body, update_only=call.flag("updateOnly"))
    if call.number < 46 and not result.created:
        return Response(204)
    return Response(201 if result.created else 200, saved(result, created=result.created))


def delete(call: Call) -> Response:
    sobject, key, work = call.sobject(), _key(call), writer(call)
    work.hold([(sobject, key, {})])
    with work.transaction():
        work.delete(sobject, key)
    return Response(204)


def delete_by_key(call: Call) -> Response:
    sobject, work = call.sobject(), writer(call)
    key = _by_key(call, sobject)[0]
    work.hold([(sobject, key, {})])
    with work.transaction():
        work.delete(sobject, key)
    return Response(204)


# -- describe --------------------------------------------------------------------------------------------------------


def _summary(call: Call, sobject: SObject) -> dict[str, Any]:
    base = f"{call.base}/sobjects/{sobject.name}"
    return {
        "name": sobject.name,
        "label": sobject.label,
        "labelPlural": sobject.label + "s",
        "keyPrefix": sobject.prefix,
        "custom": sobject.custom,
        "createable": sobject.createable,
        "updateable": sobject.updateable,
        "deletable": sobject.deletable,
        "queryable": True,
        "replicateable": True,
        "urls": {"sobject": base, "describe": f"{base}/describe", "rowTemplate": f"{base}/{{ID}}"},
    }


def describe_global(call: Call) -> Response:
    listed = [_summary(call, sobject) for sobject in call.org.visible().values()]
    return Response(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})


def basic(call: Call) -> Response:
    return Response(200, {"objectDescribe": _summary(call, call.sobject()), "recentItems": []})


def describe(call: Call) -> Response:
    """Everything the user may see of an object; 304 where it has not changed since."""
    org, sobject = call.org, call.sobject()
    changed = float(org.rows.meta("schema_changed", 0))
    since = call.request.headers.get("if-modified-since")
    if since:
        try:
            if parsedate_to_datetime(since).timestamp() >= changed:
                return Response(304)
        except (TypeError, ValueError):
            pass
    say = org.switches["describe_external_id"]
    body = _summary(call, sobject)
    body["fields"] = [
        describe_field(each, each.restricted or org.restricted(sobject.name, each.name), say)
        for each in sobject.fields.values()
    ]
    body["recordTypeInfos"] = [
        {"active": True, "available": True, "defaultRecordTypeMapping": True, "master": True, "name": "Master",
         "developerName": "Master", "recordTypeId": "012000000000000AAA"}
    ]  # fmt: skip
    body["childRelationships"] = [
        {"childSObject": other.name, "field": each.name, "relationshipName": each.children}
        for other in org.visible().values()
        for each in other.fields.values()
        if sobject.name in each.refs
    ]
    return Response(200, body)


# -- change lists ----------------------------------------------------------------------------------------------------


def _moment(call: Call, name: str) -> float:
    text = (call.request.param(name) or "").replace(" ", "+")
    parsed = parse_datetime(text)
    if parsed is None:
        raise Refusal(400, "INVALID_REPLICATION_DATE", f"{name} is not a dateTime: {text}")
    return float(calendar.timegm(datetime.strptime(parsed[:19], "%Y-%m-%dT%H:%M:%S").timetuple()))


def _window(call: Call, days: int, least: int) -> tuple[str, str]:
    start, end = _moment(call, "start"), _moment(call, "end")
    if end - start <= least:
        raise Refusal(400, "INVALID_REPLICATION_DATE", f"end must be more than {least} seconds after start")
    if start < call.org.clock() - days * DAY:
        raise Refusal(400, "INVALID_REPLICATION_DATE", f"start is more than {days} days back")
    return stamp_of(start), stamp_of(end)


def updated(call: Call) -> Response:
    """Ids of rows whose SystemModstamp lies in the window, 30 days back (source: sobject-get-updated)."""
    sobject = call.sobject()
    start, end = _window(call, 30, 0)
    sql = "SELECT id FROM salesforce_rows WHERE object = ? AND deleted = 0 AND stamp >= ? AND stamp < ? ORDER BY stamp"
    ids = [row[0] for row in call.org.store.query(sql, (sobject.name, start, end))]
    return Response(200, {"ids": ids, "latestDateCovered": end})


def deleted(call: Call) -> Response:
    """Rows deleted in the window, 15 days back (source: sobject-get-deleted)."""
    sobject = call.sobject()
    start, end = _window(call, 15, 60)
    sql = "SELECT id, stamp FROM salesforce_rows WHERE object = ? AND deleted = 1 AND stamp >= ? AND stamp < ?"
    rows = call.org.store.query(sql + " ORDER BY stamp", (sobject.name, start, end))
    body = {
        "deletedRecords": [{"id": row[0], "deletedDate": row[1]} for row in rows],
        "earliestDateAvailable": stamp_of(datetime.fromtimestamp(call.org.clock(), UTC).timestamp() - 15 * DAY),
        "latestDateCovered": end,
    }
    return Response(200, body)
