"""Several requests in one: composite, batch, tree and graph (source: REST API guide, composite resources)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote

from connections.sandbox.http import Headers, Request, Response

from .calls import Call, truth
from .errors import Refusal, RowError
from .records import writer
from .writing import fields_of

MAX_PARTS = 25
MAX_HEAVY = 5
MAX_TREE = 200
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)((?:\.\w+|\[\d+\])*)\}")
_HALTED = "The transaction was rolled back since another operation in the same transaction failed."
Dispatch = Callable[[Call, Request], Response]


class _Undo(Exception):
    """Takes the transaction back."""


def inner_request(method: str, url: str, body: Any, headers: dict[str, Any]) -> Request:
    path, _, raw = url.partition("?")
    content = b"" if body is None else json.dumps(body).encode()
    query = parse_qs(raw, keep_blank_values=True) if raw else {}
    return Request(method.upper(), unquote(path), query, raw, Headers({n: str(v) for n, v in headers.items()}), content)


def _resolve(value: Any, known: dict[str, Any]) -> Any:
    """Put results of earlier requests where ``@{reference.path}`` stands."""
    if isinstance(value, dict):
        return {name: _resolve(each, known) for name, each in value.items()}
    if isinstance(value, list):
        return [_resolve(each, known) for each in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _lookup(whole, known)
    return _REFERENCE.sub(lambda found: str(_lookup(found, known)), value)


def _lookup(found: re.Match[str], known: dict[str, Any]) -> Any:
    place = known.get(found[1])
    try:
        for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", found[2]):
            place = place[int(index)] if index else place[name]  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        place = None
    if place is None:
        message = f"Invalid reference specified. No value for {found[1]}{found[2]} found in {found[1]}"
        raise Refusal(400, "PROCESSING_HALTED", message)
    return place


def _checked(call: Call, body: dict[str, Any]) -> list[dict[str, Any]]:
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not parts:
        raise Refusal(400, "JSON_PARSER_ERROR", "compositeRequest is missing")
    if len(parts) > MAX_PARTS:
        raise Refusal(400, "LIMIT_EXCEEDED", f"The limit is {MAX_PARTS} subrequests, {len(parts)} were sent")
    heavy = sum(1 for part in parts if re.search(r"/query|/composite/sobjects", str(part.get("url", ""))))
    if heavy > MAX_HEAVY:
        raise Refusal(400, "LIMIT_EXCEEDED", f"at most {MAX_HEAVY} subrequests may be queries or collections")
    names = [str(part.get("referenceId", "")) for part in parts]
    if len(set(names)) != len(names) or not all(names):
        raise Refusal(400, "INVALID_INPUT", "every subrequest needs a referenceId of its own")
    return parts


def composite(call: Call, dispatch: Dispatch) -> Response:
    """Up to 25 requests in order, one call; with allOrNone the others say PROCESSING_HALTED."""
    body = call.body()
    parts = _checked(call, body)
    answers, _ = _series(call, dispatch, parts, all_or_none=truth(body.get("allOrNone", False)))
    return Response(200, {"compositeResponse": answers})


def _series(
    call: Call, dispatch: Dispatch, parts: list[dict[str, Any]], *, all_or_none: bool
) -> tuple[list[dict[str, Any]], bool]:
    """Run requests in order; their answers, and whether all went well."""
    answers: list[dict[str, Any]] = []
    known: dict[str, Any] = {}
    failed_at: int | None = None
    try:
        with call.org.store.transaction() if all_or_none else call.org.store.lock:
            for at, part in enumerate(parts):
                response = _step(call, dispatch, part, known)
                answers.append(_answer(response, part))
                if response.status < 300:
                    known[str(part["referenceId"])] = response.body
                elif failed_at is None:
                    failed_at = at
                    if all_or_none:
                        raise _Undo
    except _Undo:
        call.org.rights_changed()
        halted = Refusal(400, "PROCESSING_HALTED", _HALTED).response()
        bad = answers[-1]
        answers = [bad if at == failed_at else _answer(halted, part) for at, part in enumerate(parts)]
    return answers, failed_at is None


def _step(call: Call, dispatch: Dispatch, part: dict[str, Any], known: dict[str, Any]) -> Response:
    try:
        url, body = _resolve(part.get("url", ""), known), _resolve(part.get("body"), known)
        headers = dict(part.get("httpHeaders") or {})
        return dispatch(call, inner_request(str(part.get("method", "")), url, body, headers))
    except Refusal as refusal:
        return refusal.response()
    except RowError as error:
        return error.refusal().response()


def _answer(response: Response, part: dict[str, Any]) -> dict[str, Any]:
    return {
        "body": response.body,
        "httpHeaders": response.headers,
        "httpStatusCode": response.status,
        "referenceId": part.get("referenceId"),
    }


def graph(call: Call, dispatch: Dispatch) -> Response:
    """Graphs of requests, each of them done whole or not at all."""
    graphs = call.body().get("graphs")
    if not isinstance(graphs, list) or not graphs or len(graphs) > 75:
        raise Refusal(400, "LIMIT_EXCEEDED", "between 1 and 75 graphs are wanted")
    if sum(len(each.get("compositeRequest", [])) for each in graphs) > 500:
        raise Refusal(400, "LIMIT_EXCEEDED", "at most 500 nodes are wanted")
    shown = []
    for each in graphs:
        answers, good = _series(call, dispatch, each["compositeRequest"], all_or_none=True)
        shown.append(
            {"graphId": each["graphId"], "graphResponse": {"compositeResponse": answers}, "isSuccessful": good}
        )
    return Response(200, {"graphs": shown})


def batch(call: Call, dispatch: Dispatch) -> Response:
    """Up to 25 independent requests; each counts as a call. haltOnError stops the rest with 412."""
    body = call.body()
    parts = body.get("batchRequests")
    if not isinstance(parts, list) or not 1 <= len(parts) <= MAX_PARTS:
        raise Refusal(400, "LIMIT_EXCEEDED", f"between 1 and {MAX_PARTS} requests are wanted")
    call.org.usage.admit(len(parts) - 1)  # the call itself was counted
    results: list[dict[str, Any]] = []
    failed = False
    for part in parts:
        if failed and truth(body.get("haltOnError", False)):
            halted = Refusal(412, "BATCH_PROCESSING_HALTED", "Batch processing halted per request")
            results.append({"statusCode": 412, "result": halted.body()})
            continue
        url = str(part.get("url", ""))
        address = url if url.startswith("/services/") else f"/services/data/{url.lstrip('/')}"
        step = {"url": address, "method": part.get("method"), "body": part.get("richInput")}
        response = _step(call, dispatch, step, {})
        failed = failed or response.status >= 300
        results.append({"statusCode": response.status, "result": response.body})
    return Response(200, {"hasErrors": failed, "results": results})


def tree(call: Call) -> Response:
    """Records with their children, inserted whole or not at all; a failure names the bad reference only."""
    records = call.body().get("records")
    if not isinstance(records, list) or not records:
        raise Refusal(400, "JSON_PARSER_ERROR", "records is missing")
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    try:
        with call.org.store.transaction():
            for record in records:
                _plant(call, record, None, results, errors)
            if errors:
                raise _Undo
    except _Undo:
        return Response(400, {"hasErrors": True, "results": errors})
    return Response(201, {"hasErrors": False, "results": results})


def _plant(
    call: Call,
    record: dict[str, Any],
    parent: tuple[str, str] | None,
    results: list[dict[str, Any]],
    errors: list[dict[str, Any]],
) -> None:
    attributes = record.get("attributes") or {}
    sobject = call.org.visible().get(str(attributes.get("type", "")).lower())
    reference = attributes.get("referenceId")
    if sobject is None or not reference:
        raise Refusal(400, "INVALID_INPUT", "every record needs attributes with type and referenceId")
    if len(results) >= MAX_TREE:
        raise Refusal(400, "LIMIT_EXCEEDED", f"at most {MAX_TREE} records in a tree")
    blocks = {name: value for name, value in fields_of(record).items() if isinstance(value, dict)}
    children = {name: block for name, block in blocks.items() if isinstance(block.get("records"), list)}
    body = {name: value for name, value in fields_of(record).items() if name not in children}
    if parent:
        field = next((f for f in sobject.fields.values() if f.children == parent[0]), None)
        if field is None:
            raise Refusal(400, "INVALID_FIELD", f"No such relation '{parent[0]}'")
        body[field.name] = parent[1]
    try:
        done = writer(call).create(sobject, body)
    except RowError as error:
        errors.append({"referenceId": reference, "errors": [error.entry()]})
        return
    results.append({"referenceId": reference, "id": done.id})
    for name, block in children.items():
        for child in block["records"]:
            _plant(call, child, (name, done.id), results, errors)
