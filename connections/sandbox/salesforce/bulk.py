"""Bulk API 2.0 ingest: jobs, CSV in, CSV out (source: api-asynch guide)."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from typing import Any

from connections.sandbox.http import Response

from .calls import Call
from .errors import Refusal, RowError, Unreadable, not_found
from .multipart import parts_of
from .schema import NUMERIC, Field, SObject
from .writing import Context, Writer, key_field

DELIMITERS = {"COMMA": ",", "TAB": "\t", "SEMICOLON": ";", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
OPERATIONS = frozenset({"insert", "update", "upsert", "delete"})
MAX_MULTIPART = 100_000
WRONG_ENDING = "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {}"


@dataclass(slots=True)
class Job:
    """One ingest job and what became of its rows."""

    id: str
    settings: dict[str, Any]
    created: str
    state: str = "Open"
    data: bytes = b""
    polls: int = 0
    header: list[str] = field(default_factory=list)
    good: list[list[str]] = field(default_factory=list)
    bad: list[list[str]] = field(default_factory=list)
    unprocessed: list[list[str]] = field(default_factory=list)
    error: str = ""


def _jobs(call: Call) -> dict[str, Job]:
    jobs: dict[str, Job] = call.org.jobs
    return jobs


def _job(call: Call) -> Job:
    found = _jobs(call).get(call.parts["id"])
    if found is None:
        raise not_found()
    return found


def _shown(call: Call, job: Job, *, full: bool = True) -> dict[str, Any]:
    processing = job.state == "JobComplete" and job.polls < call.org.switches["bulk_polls"]
    body = job.settings | {
        "id": job.id,
        "createdById": call.org.user,
        "createdDate": job.created,
        "systemModstamp": call.org.now(),
        "state": "InProgress" if processing else job.state,
        "concurrencyMode": "Parallel",
        "apiVersion": call.number,
        "jobType": "V2Ingest",
        "contentUrl": f"services/data/v{call.version}/jobs/ingest/{job.id}/batches",
    }
    if not full:
        return body
    done = not processing and job.state in ("JobComplete", "Failed")
    return body | {
        "retries": 0,
        "totalProcessingTime": 12 if done else 0,
        "apiActiveProcessingTime": 9 if done else 0,
        "apexProcessingTime": 0,
        "numberRecordsProcessed": len(job.good) + len(job.bad) if done else 0,
        "numberRecordsFailed": len(job.bad) if done else 0,
        **({"errorMessage": job.error} if job.error else {}),
    }


def create(call: Call) -> Response:
    """A new job; in one multipart call it may bring up to 100,000 characters of rows along."""
    content = b""
    if "multipart" in str(call.request.headers.get("content-type", "")):
        parts = parts_of(call.request)
        body, content = json.loads(parts.get("job", b"{}")), parts.get("content", b"")
        if len(content) > MAX_MULTIPART:
            raise Refusal(400, "CONTENT_TOO_LARGE", "a multipart job takes at most 100,000 characters")
    else:
        body = call.body()
    if body.get("operation") not in OPERATIONS:
        raise Refusal(400, "INVALIDOPERATION", f"unknown operation {body.get('operation')}")
    sobject = call.org.visible().get(str(body.get("object", "")).lower())
    if sobject is None:
        raise Refusal(400, "INVALIDENTITY", f"Entity '{body.get('object')}' is not supported by the Bulk API.")
    settings = {
        "object": sobject.name,
        "operation": body["operation"],
        "contentType": body.get("contentType", "CSV"),
        "lineEnding": body.get("lineEnding", "LF"),
        "columnDelimiter": body.get("columnDelimiter", "COMMA"),
    }
    if settings["columnDelimiter"] not in DELIMITERS or settings["lineEnding"] not in ("LF", "CRLF"):
        raise Refusal(400, "INVALIDJOB", "unknown columnDelimiter or lineEnding")
    if body["operation"] == "upsert":
        key = sobject.get(str(body.get("externalIdFieldName", "")))
        if key is None or not (key.external_id or key.name == "Id"):
            given = body.get("externalIdFieldName")
            message = f"Field name provided, {given} does not match an External ID, Id, or indexed field"
            raise Refusal(400, "INVALIDJOB", f"InvalidJob : {message} for {sobject.name}")
        settings["externalIdFieldName"] = key.name
    with call.org.store.transaction():
        job = Job(call.org.rows.next_id("750"), settings, call.org.now())
    _jobs(call)[job.id] = job
    if content:
        job.data = content
        _process(call, job)
        return Response(200, _shown(call, job, full=False) | {"state": "UploadComplete"})
    return Response(200, _shown(call, job, full=False))


def upload(call: Call) -> Response:
    """The rows, once: 201 without a body."""
    job = _job(call)
    if job.state != "Open" or job.data:
        raise Refusal(400, "INVALIDJOBSTATE", "only an open job without data takes an upload")
    if "csv" not in str(call.request.headers.get("content-type", "")):
        raise Refusal(400, "INVALID_CONTENT_TYPE", "text/csv is wanted")
    job.data = call.request.body
    return Response(201)


def change(call: Call) -> Response:
    """UploadComplete starts the work, Aborted ends it."""
    job, state = _job(call), call.body().get("state")
    if job.state != "Open" or state not in ("UploadComplete", "Aborted"):
        raise Refusal(400, "INVALIDJOBSTATE", f"a job in state {job.state} cannot become {state}")
    if state == "Aborted":
        job.state = "Aborted"
        return Response(200, _shown(call, job, full=False))
    _process(call, job)
    return Response(200, _shown(call, job, full=False) | {"state": "UploadComplete"})


def read(call: Call) -> Response:
    job = _job(call)
    body = _shown(call, job)
    job.polls += 1
    return Response(200, body)


def listing(call: Call) -> Response:
    records = [_shown(call, job, full=False) for job in _jobs(call).values()]
    return Response(200, {"done": True, "nextRecordsUrl": None, "records": records})


def delete(call: Call) -> Response:
    job = _job(call)
    if job.state == "Open":
        raise Refusal(400, "INVALIDJOBSTATE", "an open job is aborted before it is deleted")
    del _jobs(call)[job.id]
    return Response(204)


def results(call: Call) -> Response:
    """Rows by outcome; their order is not that of the upload."""
    job, kind = _job(call), call.parts["kind"].lower()
    outcomes: dict[str, tuple[list[list[str]], list[str]]] = {
        "successfulresults": (job.good, ["sf__Id", "sf__Created"]),
        "failedresults": (job.bad, ["sf__Id", "sf__Error"]),
        "unprocessedrecords": (job.unprocessed, []),
    }
    rows, extra = outcomes[kind]
    out = io.StringIO()
    ending = "\n" if job.settings["lineEnding"] == "LF" else "\r\n"
    delimiter = DELIMITERS[job.settings["columnDelimiter"]]
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator=ending)
    writer.writerow([*extra, *job.header])
    writer.writerows(reversed(rows))
    return Response(200, out.getvalue(), content_type="text/csv")


# -- processing ------------------------------------------------------------------------------------------------------


def _process(call: Call, job: Job) -> None:
    """Do the work at once; the state tells of it only after a few polls."""
    text = job.data.decode("utf-8-sig", "replace")
    crlf = "\r\n" in text
    if text.strip() and crlf != (job.settings["lineEnding"] == "CRLF"):
        job.state, job.error = "Failed", WRONG_ENDING.format(job.settings["lineEnding"])
        return
    rows = list(csv.reader(io.StringIO(text), delimiter=DELIMITERS[job.settings["columnDelimiter"]]))
    sobject = call.org.visible()[job.settings["object"].lower()]
    job.header = rows[0] if rows else []
    unknown = [name for name in job.header if not _known(sobject, name)]
    if unknown:
        job.state, job.error = "Failed", f"InvalidBatch : Field name not found : {unknown[0]}"
        job.unprocessed = rows[1:]
        return
    work = Writer(call.org, Context(call.owner))
    for start in range(1, len(rows), 200):
        pairs = [(row, _body(sobject, job.header, row)) for row in rows[start : start + 200]]
        work.hold([(sobject, None, body) for _, body in pairs])
        with call.org.store.transaction():
            for row, body in pairs:
                _row(call, job, work, sobject, row, body)
    job.state = "JobComplete"


def _known(sobject: SObject, name: str) -> bool:
    return sobject.by_relationship(name.partition(".")[0]) is not None if "." in name else sobject.get(name) is not None


def _body(sobject: SObject, header: list[str], row: list[str]) -> dict[str, Any]:
    """A row as JSON would say it: an empty cell says nothing, #N/A is null."""
    body: dict[str, Any] = {}
    for name, text in zip(header, row, strict=False):
        if text == "":
            continue
        relationship, dot, key = name.rpartition(".")
        if dot:
            body[relationship.rpartition(":")[2]] = {key: None if text == "#N/A" else text}
            continue
        each = sobject.get(name)
        body[name] = None if text == "#N/A" else _value(each, text)
    return body


def _value(each: Field | None, text: str) -> Any:
    if each is not None and each.type == "boolean" and text.lower() in ("true", "false", "1", "0"):
        return text.lower() in ("true", "1")
    if each is not None and each.type in NUMERIC:
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _row(call: Call, job: Job, work: Writer, sobject: SObject, row: list[str], body: dict[str, Any]) -> None:
    operation = job.settings["operation"]
    key = next((body.pop(name) for name in list(body) if name.lower() == "id"), "")
    try:
        if operation == "insert":
            done = work.create(sobject, body)
        elif operation == "update":
            done = work.update(sobject, key, body)
        elif operation == "delete":
            work.delete(sobject, key)
            job.good.append([key, "false", *row])
            return
        else:
            each = key_field(call.org, sobject, job.settings["externalIdFieldName"])
            value = key if each.name == "Id" else _take(body, each.name)
            done = work.upsert(sobject, each, value, body)
        job.good.append([done.id, "true" if done.created else "false", *row])
    except RowError as error:
        job.bad.append([key, f"{error.code}:{error.message}:{' '.join(error.fields)} --", *row])
    except Unreadable as error:
        job.bad.append([key, f"INVALID_TYPE_ON_FIELD_IN_RECORD:{error.message}:--", *row])


def _take(body: dict[str, Any], name: str) -> Any:
    return next((body.pop(given) for given in list(body) if given.lower() == name.lower()), None)
