"""sObject Collections: up to 200 rows in one call, each with its own result (source: REST API guide)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from connections.sandbox.http import Response

from .calls import Call, truth
from .compiler import Compiler
from .errors import Refusal, RowError, not_found, rolled_back
from .query import render
from .records import saved
from .schema import SObject
from .soql import Name, Query
from .writing import Context, Saved, Writer, fields_of, key_field

MAX_ROWS = 200
MAX_READ = 2_000
MAX_CHUNKS = 10
Action = Callable[[], Saved]


class _Undo(Exception):
    """Takes the transaction back."""


def _writer(call: Call) -> Writer:
    switches = call.org.switches
    allow_save = call.allow_save and switches["duplicate_header_on_collections"]
    return Writer(call.org, Context(call.owner, allow_save, switches["reparent_by_external_id"]))


def _records(call: Call) -> tuple[list[dict[str, Any]], bool]:
    body = call.body()
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise Refusal(400, "JSON_PARSER_ERROR", "records must be a list of objects")
    if len(records) > MAX_ROWS:
        message = f"record limit reached. cannot submit more than {MAX_ROWS} records in this operation"
        raise Refusal(400, "EXCEEDED_MAX_SIZE_REQUEST", message)
    return records, truth(body.get("allOrNone", False))


def _type(record: dict[str, Any]) -> str:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str):
        raise Refusal(400, "INVALID_FIELD", "Each record needs attributes with a type")
    return name


def _chunked(call: Call, records: list[dict[str, Any]]) -> list[SObject]:
    """The object of each row; neighbours of one type are a chunk, ten at most."""
    names = [_type(record) for record in records]
    chunks = sum(1 for at, name in enumerate(names) if at == 0 or names[at - 1].lower() != name.lower())
    if chunks > MAX_CHUNKS:
        message = "Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce chunking."
        raise Refusal(400, "LIMIT_EXCEEDED", message)
    found = []
    for name in names:
        sobject = call.org.visible().get(name.lower())
        if sobject is None:
            raise Refusal(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        found.append(sobject)
    return found


def run(work: Writer, actions: list[Action | RowError], *, all_or_none: bool, created: bool) -> list[dict[str, Any]]:
    """Do the rows in order; their results in the same order."""
    results: list[Saved | RowError] = []
    try:
        with work.transaction():
            results.extend(_one(action) for action in actions)
            failed = any(isinstance(each, RowError) for each in results)
            group = work.org.switches["group_failure"] and _refused_by_rule(work, results)
            if failed and (all_or_none or group):
                raise _Undo
    except _Undo:
        work.org.rights_changed()
        culprit = next(each for each in results if isinstance(each, RowError))
        spared = rolled_back() if all_or_none else culprit
        results = [each if isinstance(each, RowError) else spared for each in results]
    return [_result(each, created) for each in results]


def _refused_by_rule(work: Writer, results: list[Saved | RowError]) -> bool:
    codes = {rule["code"] for rule in work.org.switches["refuse_rows"]}
    return any(isinstance(each, RowError) and each.code in codes for each in results)


def _one(action: Action | RowError) -> Saved | RowError:
    if isinstance(action, RowError):
        return action
    try:
        return action()
    except RowError as error:
        return error


def _result(each: Saved | RowError, created: bool) -> dict[str, Any]:
    if isinstance(each, RowError):
        return {"success": False, "errors": [each.entry()]}
    return saved(each, created=each.created) if created else saved(each)


def upsert(call: Call) -> Response:
    """One type, one external id; two rows of the same key in one call both fail."""
    sobject = call.sobject()
    key = key_field(call.org, sobject, call.parts["field"])
    records, all_or_none = _records(call)
    if any(_type(record).lower() != sobject.name.lower() for record in records):
        raise Refusal(400, "INVALID_TYPE", f"All records must be of type {sobject.name}")
    if key.name != "Id" and any(name.lower() == "id" for record in records for name in record):
        raise Refusal(400, "INVALID_FIELD", "cannot specify Id in an upsert by external id", ["Id"])
    work = _writer(call)
    values = [_value(record, key.name) for record in records]
    folded = [str(value) if key.case_sensitive else str(value).upper() for value in values]
    targets: list[tuple[SObject, str | None, dict[str, Any]]] = []
    actions: list[Action | RowError] = []
    for record, value, text in zip(records, values, folded, strict=True):
        body = {name: each for name, each in fields_of(record).items() if name.lower() != key.name.lower()}
        if value not in (None, "") and folded.count(text) > 1:
            message = f"Duplicate external id specified: {value}"
            actions.append(RowError(call.org.switches["doubled_key_code"], message, [key.name]))
            continue
        found = call.org.rows.find(sobject, key, value) if value not in (None, "") else []
        targets.append((sobject, found[0] if found else None, body))
        actions.append(partial(work.upsert, sobject, key, value, body))
    work.hold(targets)
    return Response(200, run(work, actions, all_or_none=all_or_none, created=True))


def _value(record: dict[str, Any], name: str) -> Any:
    return next((value for given, value in record.items() if given.lower() == name.lower()), None)


def create(call: Call) -> Response:
    records, all_or_none = _records(call)
    sobjects, work = _chunked(call, records), _writer(call)
    bodies = [fields_of(record) for record in records]
    work.hold([(sobject, None, body) for sobject, body in zip(sobjects, bodies, strict=True)])
    actions: list[Action | RowError] = [
        partial(work.create, sobject, body) for sobject, body in zip(sobjects, bodies, strict=True)
    ]
    return Response(200, run(work, actions, all_or_none=all_or_none, created=False))


def update(call: Call) -> Response:
    records, all_or_none = _records(call)
    sobjects, work = _chunked(call, records), _writer(call)
    keys = [str(_value(record, "id") or "") for record in records]
    bodies = [{n: v for n, v in fields_of(record).items() if n.lower() != "id"} for record in records]
    triples = list(zip(sobjects, keys, bodies, strict=True))
    work.hold(triples)
    actions: list[Action | RowError] = [partial(work.update, sobject, key, body) for sobject, key, body in triples]
    return Response(200, run(work, actions, all_or_none=all_or_none, created=False))


def delete(call: Call) -> Response:
    ids = [key for key in (call.request.param("ids") or "").split(",") if key]
    if not ids or len(ids) > MAX_ROWS:
        raise Refusal(400, "EXCEEDED_MAX_SIZE_REQUEST", "between 1 and 200 ids are wanted")
    by_prefix = {sobject.prefix: sobject for sobject in call.org.visible().values()}
    work = _writer(call)
    pairs = [(by_prefix.get(key[:3]), key) for key in ids]
    work.hold([(sobject, key, {}) for sobject, key in pairs if sobject])
    actions: list[Action | RowError] = [
        partial(_delete, work, sobject, key) if sobject else RowError("MALFORMED_ID", f"malformed id {key}")
        for sobject, key in pairs
    ]
    return Response(200, run(work, actions, all_or_none=call.flag("allOrNone"), created=False))


def _delete(work: Writer, sobject: SObject, key: str) -> Saved:
    work.delete(sobject, key)
    return Saved(key, False)


def read(call: Call) -> Response:
    """Rows by id in the order asked, null for an unknown one; POST takes 2,000, GET what fits the address."""
    sobject, org = call.sobject(), call.org
    if call.request.method == "POST":
        body = call.body()
        ids, names = body.get("ids", []), body.get("fields", [])
    else:
        ids, names = ((call.request.param(name) or "").split(",") for name in ("ids", "fields"))
    if not isinstance(ids, list) or len(ids) > MAX_READ:
        raise Refusal(400, "EXCEEDED_MAX_SIZE_REQUEST", f"at most {MAX_READ} ids are wanted")
    if not isinstance(names, list) or not names:
        raise not_found("fields are missing")
    compiler = Compiler(org, Query(""), sobject)
    for name in names:
        compiler.select(Name(str(name), 0))
    with org.store.lock:
        found = render(org, compiler, [str(key) for key in ids], call.base)
        rows = [found.get(str(key)) if org.rows.get(str(key)) else None for key in ids]
    return Response(200, rows, write=False)
