"""Bulk API 2.0: thousands of rows as CSV in a handful of calls. Results come in any order and are joined by our key."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connections import http
from connections.connectors.base import Document, Done
from connections.errors import ConnectorError, OutcomeUnknown, RecordError, StreamRefused, TransientError
from connections.http import Call

from .errors import explain
from .values import plain

if TYPE_CHECKING:
    from .client import SalesforceClient

NULL = "#N/A"
MOST_BYTES = 90_000_000
"""Of 100 MB an upload may have."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 20.0
PATIENCE = 3600.0
JOBS = "/jobs/ingest"
ENDED = frozenset({"JobComplete", "Failed", "Aborted"})
TRIES = 3
LEFT_OUT = "A bulk job ended without this record. It is sent again."


def fits(values: Mapping[str, Any]) -> bool:
    """Whether CSV can say it: the mark for null cannot stand for itself, and parents are named one level up."""
    return all(
        cell != NULL
        for value in values.values()
        for cell in (value.values() if isinstance(value, Mapping) else [value])
    ) and not any(
        isinstance(inner, Mapping)
        for value in values.values()
        if isinstance(value, Mapping)
        for inner in value.values()
    )


def flat(values: Mapping[str, Any]) -> dict[str, str]:
    """Columns and cells of a row. An empty cell would mean unchanged, so what is empty is null."""
    cells: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            cells.update({f"{name}.{inner}": _cell(each) for inner, each in value.items()})
        else:
            cells[name] = _cell(value)
    return cells


def _cell(value: Any) -> str:
    if value is None or value == "":
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return str(plain(value))
    # A line break of two characters would make the org take the whole upload for one of another kind.
    return str(value).replace("\r\n", "\n").replace("\r", "\n")


def write_csv(rows: Sequence[Mapping[str, str]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read_csv(body: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body or "", newline=""))) if isinstance(body, str) else []


def uploads(rows: Sequence[tuple[str, Document]]) -> Iterator[tuple[list[str], bytes]]:
    """(keys, CSV) of uploads that are small enough."""
    cells = [(key, flat(values)) for key, values in rows]
    start = size = 0
    for place, (_, row) in enumerate(cells):
        length = sum(len(value.encode()) + 8 for value in row.values())
        if size + length > MOST_BYTES and place > start:
            yield _upload(cells[start:place])
            start, size = place, 0
        size += length
    if cells[start:]:
        yield _upload(cells[start:])


def _upload(cells: Sequence[tuple[str, dict[str, str]]]) -> tuple[list[str], bytes]:
    return [key for key, _ in cells], write_csv([row for _, row in cells]).encode()


def upsert(
    client: SalesforceClient, name: str, key_field: str, rows: Sequence[tuple[str, Document]]
) -> dict[str, Done | ConnectorError]:
    """Every row's outcome; rows a job left out hold a ``TransientError`` and may be sent another way."""
    outcome: dict[str, Done | ConnectorError] = {}
    for keys, content in uploads(rows):
        job = _submit(client, name, key_field, content)
        _finish(client, job)
        outcome.update(_results(client, job, key_field, keys, name))
    return outcome


def _submit(client: SalesforceClient, name: str, key_field: str, content: bytes) -> str:
    """A job with its data. An upload whose answer was lost is given up with its job: nothing of it was processed."""
    request = {
        "object": name,
        "operation": "upsert",
        "externalIdFieldName": key_field,
        "contentType": "CSV",
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    }
    for attempt in range(TRIES):
        job = str(_send(client, "POST", JOBS, request, name)["id"])
        upload = Call(
            "PUT",
            client.path(f"{JOBS}/{job}/batches"),
            data=content,
            headers={**client.write_headers, "Content-Type": "text/csv; charset=UTF-8"},
            label=name,
        )
        try:
            client.door.send(upload)
            break
        except OutcomeUnknown:
            _close(client, job, "Aborted")
            if attempt == TRIES - 1:
                raise
    _close(client, job, "UploadComplete")
    return job


def _close(client: SalesforceClient, job: str, state: str) -> None:
    """Changing the state twice is refused: after a lost answer the job is asked what it is."""
    try:
        _send(client, "PATCH", f"{JOBS}/{job}", {"state": state}, "a bulk job")
    except (RecordError, StreamRefused):
        if _state(client, job)["state"] == "Open":
            raise


def _finish(client: SalesforceClient, job: str) -> None:
    """Waits until the job has ended. A failed one has results too."""
    wait, waited = FIRST_WAIT, 0.0
    while True:
        found = _state(client, job)
        if found["state"] in ENDED:
            return
        if waited > PATIENCE:
            text = "Salesforce has not finished a bulk job within an hour. It is looked at again."
            raise TransientError(text, code="salesforce_bulk_slow", detail={"job": job}, retry_after=900.0)
        client.access.tick()
        http.pause(wait)
        waited += wait
        wait = min(LONGEST_WAIT, wait * 1.5)


def _results(
    client: SalesforceClient, job: str, key_field: str, keys: Sequence[str], label: str
) -> dict[str, Done | ConnectorError]:
    sent = {key.casefold(): key for key in keys}
    outcome: dict[str, Done | ConnectorError] = {}
    for row in _table(client, job, "successfulResults"):
        if (key := sent.get((row.get(key_field) or "").casefold())) is not None:
            outcome[key] = Done(row.get("sf__Id") or "", (row.get("sf__Created") or "").lower() == "true")
    if len(outcome) == len(keys):
        return outcome
    for row in _table(client, job, "failedResults"):
        if (key := sent.get((row.get(key_field) or "").casefold())) is not None:
            outcome[key] = explain(_entry(row.get("sf__Error") or ""), label)
    for key in keys:
        outcome.setdefault(key, TransientError(LEFT_OUT, code="salesforce_left_out", detail={"job": job}))
    return outcome


def _entry(error: str) -> Document:
    """``CODE:message:fields --`` as one row of a collection would have said it."""
    code, _, message = error.partition(":")
    return {"errors": [{"statusCode": code.strip(), "message": message.strip().removesuffix("--").strip(" :")}]}


def _table(client: SalesforceClient, job: str, name: str) -> list[dict[str, str]]:
    path = client.path(f"{JOBS}/{job}/{name}/")
    return read_csv(client.door.send(Call("GET", path, headers={"Accept": "text/csv"}, label="a bulk job")).body)


def _state(client: SalesforceClient, job: str) -> Document:
    return dict(client.get(f"{JOBS}/{job}", label="a bulk job").body)


def _send(client: SalesforceClient, method: str, path: str, body: Document, label: str) -> Document:
    call = Call(method, client.path(path), json=body, headers=client.write_headers, idempotent=True, label=label)
    return dict(client.door.send(call).body or {})
