"""Writing rows: the way that suits their number and the calls left, and every row's outcome by its key."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connections import http
from connections.connectors.base import Document, Done
from connections.errors import (
    ConfigError,
    ConnectorError,
    OutcomeUnknown,
    RecordError,
    StreamRefused,
    TransientError,
    UnexpectedError,
)
from connections.http import Call

from . import bulk
from .batches import chunks, deliver, pack
from .errors import TABLE, explain
from .values import plain

if TYPE_CHECKING:
    from .client import SalesforceClient

WriteRow = tuple[str, Document]
Outcomes = dict[str, Done | ConnectorError]
Body = Callable[[Sequence[WriteRow]], tuple[str, str, Document]]
"""(method, path below the version, body) of the call that writes these rows."""

COLLECTIONS, COMPOSITE, BULK = "collections", "composite", "bulk"
DUPLICATE_HEADER = "Sforce-Duplicate-Rule-Header"
ROWS_PER_CALL = 200
PARTS_PER_COMPOSITE = 5
TIGHT = 1000
"""With fewer calls than this left of the day, composite packs five collections into one."""
BULK_CALLS = 10
RETRIES_OF_A_ROW = 5
FIRST_PAUSE = 1.0
ALIKE_TO_STOP = 20
OF_THE_USER = frozenset({"salesforce_record_rights"})
OF_A_GROUP = frozenset({"salesforce_trigger"})
"""A trigger that throws fails all rows that were in its hands; the others go through when sent without the bad one."""
MOST_SPLITS = 24
"""A flow that fails on everything must not use up the calls of the day."""
UNSAID = "Salesforce did not say what became of this record. It is sent again on the next run."


def choose(rows: int, left: int | None, bulk_above: int) -> str:
    """The way for so many rows when so many calls of the day are left (None: not known)."""
    calls = -(-rows // ROWS_PER_CALL)
    if rows > bulk_above:
        return BULK
    if left is None or (left > TIGHT and left > 2 * calls) or calls < 2:
        return COLLECTIONS
    return BULK if -(-calls // PARTS_PER_COMPOSITE) > BULK_CALLS else COMPOSITE


def upsert(
    client: SalesforceClient, kind: str, rows: Sequence[WriteRow], parent: str | None, way: str | None
) -> Outcomes:
    schema = client.schema
    name, key_field = schema.object_of(kind), schema.field(kind, schema.key(kind))
    full = [(key, {**schema.out(kind, values), key_field: key}) for key, values in rows]
    family = schema.field(kind, parent) if parent else None
    ledger = WriteLedger(name, created=None)
    way = way or choose(len(rows), client.door.room.left, client.bulk_above)

    def body_of(batch: Sequence[WriteRow]) -> tuple[str, str, Document]:
        records = [{"attributes": {"type": name}, **values} for _, values in batch]
        return "PATCH", f"/composite/sobjects/{name}/{key_field}", {"allOrNone": False, "records": records}

    if way == BULK:
        fit = [row for row in full if bulk.fits(row[1])]
        ledger.outcome.update(bulk.upsert(client, name, key_field, _sorted(fit, family)))
        ledger.failed = [key for key, found in ledger.outcome.items() if isinstance(found, ConnectorError)]
        rest = [row for row in full if row[0] not in ledger.outcome]
        outcome = _write(client, rest, full, body_of, ledger, family, COLLECTIONS)
    else:
        outcome = _write(client, full, full, body_of, ledger, family, way)
    if DUPLICATE_HEADER in client.write_headers:
        _save_singly(client, name, key_field, full, outcome)
    return outcome


def _save_singly(
    client: SalesforceClient, name: str, key_field: str, rows: Sequence[WriteRow], outcome: Outcomes
) -> None:
    """Whether the header that passes alerting duplicate rules acts on collections is not known; alone it does."""
    for key, values in rows:
        found = outcome[key]
        if not isinstance(found, ConnectorError) or found.code != "salesforce_duplicates":
            continue
        body = {field: value for field, value in values.items() if field != key_field}
        call = _call(client, "PATCH", f"/sobjects/{name}/{key_field}/{quote(key, safe='')}", body)
        try:
            answer = client.door.send(call)
        except RecordError as error:
            outcome[key] = error
        else:
            told = answer.body or {}
            outcome[key] = Done(str(told.get("id") or ""), bool(told.get("created")))


def update(client: SalesforceClient, kind: str, rows: Sequence[WriteRow], parent: str | None) -> Outcomes:
    name = client.schema.object_of(kind)
    full = [(id_, client.schema.out(kind, values)) for id_, values in rows]
    family = client.schema.field(kind, parent) if parent else None

    def body_of(batch: Sequence[WriteRow]) -> tuple[str, str, Document]:
        records = [{"attributes": {"type": name}, "id": id_, **values} for id_, values in batch]
        return "PATCH", "/composite/sobjects", {"allOrNone": False, "records": records}

    return _write(client, full, full, body_of, WriteLedger(name, created=False), family, COLLECTIONS)


def delete(client: SalesforceClient, kind: str, ids: Sequence[str]) -> dict[str, ConnectorError]:
    name = client.schema.object_of(kind)
    rows: list[WriteRow] = [(id_, {}) for id_ in ids]

    def body_of(batch: Sequence[WriteRow]) -> tuple[str, str, Document]:
        return "DELETE", f"/composite/sobjects?ids={','.join(id_ for id_, _ in batch)}&allOrNone=false", {}

    outcome = _write(client, rows, rows, body_of, WriteLedger(name, created=False), None, COLLECTIONS)
    gone = {"salesforce_deleted", "salesforce_stale_id"}
    return {id_: each for id_, each in outcome.items() if isinstance(each, ConnectorError) and each.code not in gone}


class WriteLedger:
    """What became of each row, by its key. Collections promise their results in the order of the rows."""

    def __init__(self, label: str, *, created: bool | None) -> None:
        self.outcome: Outcomes = {}
        self.failed: list[str] = []
        self._label = label
        self._created = created
        self._splits = MOST_SPLITS

    def judge(self, batch: Sequence[WriteRow], answer: Any) -> list[WriteRow]:
        """``answer``: one result a row, or the error of the part of a composite call the row was in."""
        results = answer if isinstance(answer, list) and len(answer) == len(batch) else [None] * len(batch)
        errors = [self._error(result) for result in results]
        again: list[WriteRow] = []
        for told in chunks(list(zip(batch, results, errors, strict=True)), ROWS_PER_CALL):
            if len(told) > 1 and self._splits and all(error and error.code in OF_A_GROUP for _, _, error in told):
                self._splits -= 1
                again += [row for row, _, _ in told]
            else:
                again += self._note(told, alone=len(batch) == 1)
        return again

    def _note(self, told: Sequence[tuple[WriteRow, Any, ConnectorError | None]], *, alone: bool) -> list[WriteRow]:
        """Of a refused part, and of a row nothing was said about, nobody knows yet: they go again, if not alone."""
        again = []
        for row, result, error in told:
            if error is None:
                self.outcome[row[0]] = self._done(result)
            elif not alone and (result is None or isinstance(result, RecordError)):
                again.append(row)
            else:
                self.reject(row, error)
        return again

    def reject(self, row: WriteRow, error: ConnectorError) -> None:
        self.outcome[row[0]] = error
        self.failed.append(row[0])

    def forget_passing(self) -> set[str]:
        """The keys whose failure is likely to pass by itself; they are open again."""
        passing = {key for key in self.failed if _may_pass(self.outcome[key])}
        self.failed = [key for key in self.failed if key not in passing]
        return passing

    def conclude(self) -> Outcomes:
        """Raises what concerns more than single rows."""
        alike = 0
        for key in self.failed:
            error = self.outcome[key]
            if isinstance(error, ConfigError | UnexpectedError):
                raise error
            alike += isinstance(error, ConnectorError) and error.code in OF_THE_USER
        if alike >= ALIKE_TO_STOP and alike == len(self.outcome):
            text = f"The Run-As user may change no record of {self._label}. Give it edit rights and share the records."
            raise StreamRefused(text, code="salesforce_no_rights")
        return self.outcome

    def _error(self, result: Any) -> ConnectorError | None:
        if isinstance(result, ConnectorError):
            return result
        if not isinstance(result, Mapping):
            return OutcomeUnknown(UNSAID)
        return None if result.get("success") else explain(result, self._label)

    def _done(self, result: Mapping[str, Any]) -> Done:
        created = bool(result.get("created")) if self._created is None else self._created
        return Done(str(result.get("id") or ""), created)


def _may_pass(error: Done | ConnectorError) -> bool:
    return isinstance(error, TransientError) and not isinstance(error, OutcomeUnknown)


def _write(
    client: SalesforceClient,
    rows: Sequence[WriteRow],
    every: Sequence[WriteRow],
    body_of: Body,
    ledger: WriteLedger,
    family: str | None,
    way: str,
) -> Outcomes:
    """Sends ``rows``; whatever of ``every`` failed for a passing reason follows, after a pause."""
    size = ROWS_PER_CALL * (PARTS_PER_COMPOSITE if way == COMPOSITE else 1)

    def exchange(batches: list[list[WriteRow]]) -> Iterator[tuple[int, Any]]:
        sender = _composite if way == COMPOSITE else _collections
        return sender(client, batches, body_of)

    deliver(pack(_sorted(rows, family), size, _parent_of(family)), exchange, ledger)
    for attempt in range(RETRIES_OF_A_ROW):
        passing = ledger.forget_passing()
        if not passing:
            break
        client.access.tick()
        http.pause(FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.5))
        again = [row for row in every if row[0] in passing]
        deliver(pack(again, ROWS_PER_CALL, _parent_of(family)), exchange, ledger)
    return ledger.conclude()


def _collections(
    client: SalesforceClient, batches: Iterable[Sequence[WriteRow]], body_of: Body
) -> Iterator[tuple[int, Any]]:
    for index, answer in client.door.send_many(_call(client, *body_of(batch)) for batch in batches):
        yield index, answer if isinstance(answer, ConnectorError) else answer.body


def _composite(
    client: SalesforceClient, batches: Iterable[Sequence[WriteRow]], body_of: Body
) -> Iterator[tuple[int, Any]]:
    """Up to five collections in one call. They run one after the other, so they may share parents."""
    parts = [chunks(batch, ROWS_PER_CALL) for batch in batches]

    def request(part: Sequence[WriteRow], number: int) -> Document:
        method, path, body = body_of(part)
        return {"method": method, "url": client.path(path), "referenceId": f"part{number}", "body": body}

    calls = (
        _call(
            client,
            "POST",
            "/composite",
            {"allOrNone": False, "compositeRequest": [request(part, number) for number, part in enumerate(batch)]},
        )
        for batch in parts
    )
    for index, answer in client.door.send_many(calls):
        if isinstance(answer, ConnectorError):
            yield index, answer
            continue
        told = {each.get("referenceId"): each for each in (answer.body or {}).get("compositeResponse") or ()}
        results: list[Any] = []
        for number, part in enumerate(parts[index]):
            results += _part_results(told.get(f"part{number}"), len(part))
        yield index, results


def _part_results(response: Mapping[str, Any] | None, count: int) -> list[Any]:
    if response is None:
        return [None] * count
    status, body = int(response.get("httpStatusCode") or 0), response.get("body")
    if status == 200 and isinstance(body, list) and len(body) == count:
        return body
    return [TABLE.error(http.Failure(status or 400, body=body, label="a part of a call"))] * count


def _call(client: SalesforceClient, method: str, path: str, body: Document) -> Call:
    headers = {**client.write_headers, "Content-Type": "application/json"}
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=plain).encode() if body else None
    label = path.partition("?")[0].partition("sobjects")[2].strip("/").partition("/")[0] or "records"
    return Call(method, client.path(path), data=data, headers=headers, idempotent=True, label=label)


def _parent_of(family: str | None) -> Callable[[WriteRow], Hashable | None]:
    def parent_of(row: WriteRow) -> Hashable | None:
        value = row[1].get(family) if family else None
        return json.dumps(value, sort_keys=True, default=str) if isinstance(value, Mapping) else value

    return parent_of


def _sorted(rows: Sequence[WriteRow], family: str | None) -> Sequence[WriteRow]:
    """By parent: those of one stand together, and so in few transactions."""
    parent_of = _parent_of(family)
    return sorted(rows, key=lambda row: str(parent_of(row) or "")) if family else rows
