"""Salesforce's verbs. Kinds and fields are ours (``schema.KINDS``); a name that is none of them is passed on as it is.

Keys are text. Every read and every write may be repeated. A write never returns with a row unaccounted for; what
concerns a whole object (a missing field, a right) or the whole connection is raised.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connections.connectors.base import Access, Document, Done, Page, Position, Row
from connections.errors import ConnectorError, TransientError, UnexpectedError
from connections.http import Answer, Call

from . import soql, writing
from .batches import refuse_doubles
from .line import OrgDoor
from .schema import Schema
from .soql import STAMP
from .streams import RESOURCES, Lines, Resource
from .values import is_id, short

CLIENT_NAME = "ml-connector"
ROWS_PER_QUERY = 2000


class SalesforceClient:
    """Implements ``Source``."""

    def __init__(self, door: OrgDoor, access: Access) -> None:
        config = access.config
        self.door = door
        self.access = access
        self.schema = Schema(config)
        self.version = config.get("api_version") or "v66.0"
        self.bulk_above = int(config.get("bulk_above") or 2000)
        self._size = int(config.get("page_size") or ROWS_PER_QUERY)
        self._included: dict[str, list[str]] = {}
        self._headers = {"Sforce-Call-Options": f"client={CLIENT_NAME}"}
        self.write_headers = {**self._headers, "Sforce-Auto-Assign": "FALSE", "Sforce-Mru": "updateMru=false"}
        if config.get("duplicates") == "allow":
            self.write_headers[writing.DUPLICATE_HEADER] = "allowSave=true"

    @property
    def calls(self) -> int:
        """HTTP calls made so far."""
        return self.door.calls

    # Source ----------------------------------------------------------------------------------------------------------

    def server_now(self) -> datetime:
        """By the Date header of the last answer; costs a call only where there was none yet."""
        if self.door.clock is None:
            self.get("", label="the API")
        if self.door.clock is None:
            raise TransientError("Salesforce did not tell its time. It is tried again by itself.", code="no_date")
        told, at = self.door.clock
        now: datetime = told + timedelta(seconds=time.monotonic() - at + 1)
        return now.replace(microsecond=0)

    def can_filter_on_cursor(self, stream: str) -> bool:
        return True

    def walk(self, stream: str, *, since: datetime | None, until: datetime, after: Position | None) -> Iterator[Page]:
        """Pages by keyset on (SystemModstamp, Id): each is a query of its own behind the last row, so that a row that
        moves meanwhile shifts nothing. ``total`` is counted for a whole reading only."""
        resource = RESOURCES[stream]
        conditions = [self._where(resource), *soql.window(since, until)]
        total = self._count(resource, conditions) if since is None and after is None else None
        while True:
            asked = conditions if after is None else [*conditions, soql.behind(after)]
            before = self.door.calls
            text = self._select(resource, asked, f"ORDER BY {STAMP}, Id LIMIT {self._size}")
            rows = self._rows(resource, text)
            if rows:
                places: list[Position] = [[row.version, row.key] for row in rows]
                if after is not None and places[-1] == after:
                    raise UnexpectedError("Salesforce repeats a page. Tell support.", code="salesforce_no_progress")
                after = places[-1]
                yield Page(rows, places, self.door.calls - before, total)
            if len(rows) < self._size:
                return
            total = None

    def fetch(self, stream: str, keys: Sequence[str]) -> list[Row]:
        """Rows by Id, whether or not they still meet the stream's condition: a reopened opportunity is found."""
        resource = RESOURCES[stream]
        found: list[Row] = []
        for part in soql.portions([key for key in dict.fromkeys(keys) if is_id(key)]):
            found += self._rows(resource, self._select(resource, [soql.any_of("Id", part)]))
        return found

    def include(self, stream: str, names: Iterable[str]) -> None:
        """Fields of the object itself that this org is known to have."""
        self._included[stream] = sorted(names)

    def meeting(self, stream: str, keys: Sequence[str]) -> set[str]:
        """Of the rows with these Ids, those that meet the stream's condition now."""
        resource = RESOURCES[stream]
        name = self.schema.object_of(resource.kind)
        found: set[str] = set()
        for part in soql.portions([key for key in dict.fromkeys(keys) if is_id(key)]):
            text = soql.select(["Id"], name, [self._where(resource), soql.any_of("Id", part)])
            found |= {str(record["Id"]) for record in self.query(text, label=name)}
        return found

    def deleted(self, kind: str, *, since: datetime, until: datetime) -> Iterator[list[Document]]:
        """Deleted records still in the bin, oldest first: ``Id``, our key, the stamp; ``MasterRecordId`` of an account
        names the one it was merged into. What was purged is not shown: compare keys after fifteen days."""
        fields = ["Id", STAMP, *filter(None, [self.schema.key(kind)])]
        if kind == "account":
            fields.append("MasterRecordId")
        return self._pages(kind, fields, ["IsDeleted = true", *soql.window(since, until)], resource="queryAll")

    def masters(self, ids: Iterable[str]) -> dict[str, str]:
        """Of accounts that were deleted: their Id -> the Id of the one each was merged into, at the end of all merges;
        "" where there is none, since it or that one was just deleted. Those that are there, or purged, are left out."""
        asked = list(dict.fromkeys(ids))
        steps: dict[str, str] = {}
        unknown = asked
        while unknown:
            found = self._merged_into(unknown)
            steps |= found
            unknown = [key for key in found.values() if key and short(key) not in steps]
        return {key: _end(steps, key) for key in asked if short(key) in steps}

    # Reading ---------------------------------------------------------------------------------------------------------

    def records(self, kind: str, fields: Sequence[str], conditions: Sequence[str] = ()) -> Iterator[list[Document]]:
        """Every record of a kind, in pages, ``Id`` and stamp always among its fields."""
        return self._pages(kind, [*dict.fromkeys(["Id", STAMP, *fields])], conditions)

    def changed_since(self, kind: str, instant: datetime, fields: Sequence[str]) -> Iterator[list[Document]]:
        return self.records(kind, fields, [f"{STAMP} >= {soql.instant(instant)}"])

    def find(
        self, kind: str, field: str, values: Iterable[str], fields: Sequence[str] = ()
    ) -> dict[str, list[Document]]:
        """Records by the exact value of a field, capitals aside as everywhere in Salesforce; every value is a key."""
        found: dict[str, list[Document]] = {value: [] for value in values if value}
        folded: dict[str, list[str]] = {}
        for value in found:
            folded.setdefault(value.casefold(), []).append(value)
        asked = list(dict.fromkeys(["Id", field, *fields]))
        for part in soql.portions(list(found)):
            condition = soql.any_of(self.schema.field(kind, field), part)
            text = soql.select(self._names(kind, asked), self.schema.object_of(kind), [condition])
            for record in self.query(text, label=self.schema.object_of(kind)):
                ours = self.schema.back(kind, record)
                for value in folded.get(str(_at(ours, field) or "").casefold(), ()):
                    found[value].append(ours)
        return found

    def read(self, kind: str, keys: Iterable[str], *, fields: Sequence[str] = ()) -> dict[str, Document]:
        """Records by our key; missing ones are left out. The key is unique in the org."""
        found = self.find(kind, self.schema.key(kind), keys, fields)
        return {key: records[0] for key, records in found.items() if records}

    def holding(self, kind: str, ids: Iterable[str], fields: Iterable[str]) -> dict[str, Document]:
        """The fields of the records with these Ids; deleted ones are left out."""
        found = self.find(kind, "Id", ids, list(fields))
        return {id_: records[0] for id_, records in found.items() if records}

    def describe(self, name: str) -> Document:
        """An object of the org, by its own name. Raises ``StreamRefused`` where it is absent or hidden."""
        body = self.get(f"/sobjects/{name}/describe", label=name).body
        return dict(body)

    def query(self, text: str, *, label: str = "", resource: str = "query") -> list[Document]:
        """All records of a query, however many answers they take."""
        body = self.get(f"/{resource}", {"q": text}, label).body
        records: list[Document] = []
        while True:
            records += body.get("records") or []
            following = body.get("nextRecordsUrl")
            if body.get("done", True) or not following:
                return records
            body = self._follow(following, label)

    def get(self, path: str, params: Mapping[str, Any] | None = None, label: str = "") -> Answer:
        call = Call("GET", self.path(path), params=params, headers=self._headers, label=label, decimals=True)
        return self.door.send(call)

    def path(self, rest: str) -> str:
        return f"/services/data/{self.version}{rest}"

    # Writing ---------------------------------------------------------------------------------------------------------

    def upsert(
        self,
        kind: str,
        rows: Sequence[tuple[str, Document]],
        *,
        parent: str | None = None,
        way: str | None = None,
    ) -> dict[str, Done | ConnectorError]:
        """Creates or updates by our key. Rows are (key, values); ``parent`` names the field or relation whose record is
        locked along, so that rows of one parent are never in two calls at once. ``way``: collections, composite or
        bulk; without it the number of rows and the calls left decide."""
        refuse_doubles([key.casefold() for key, _ in rows])
        return writing.upsert(self, kind, rows, parent, way)

    def update(
        self, kind: str, rows: Sequence[tuple[str, Document]], *, parent: str | None = None
    ) -> dict[str, Done | ConnectorError]:
        """Changes records by their Id. Rows are (Id, values)."""
        refuse_doubles([id_ for id_, _ in rows])
        return writing.update(self, kind, rows, parent)

    def delete(self, kind: str, ids: Sequence[str]) -> dict[str, ConnectorError]:
        """Puts records into the bin; already there is fine. Returns the failures only."""
        refuse_doubles(ids)
        return writing.delete(self, kind, ids)

    # Helpers ---------------------------------------------------------------------------------------------------------

    def _where(self, resource: Resource) -> str:
        set_ = self.access.config.get(resource.setting) or ""
        return f"({set_})" if set_ else resource.condition

    def _select(self, resource: Resource, conditions: Sequence[str], tail: str = "") -> str:
        known = self.access.capabilities.get("fields", {}).get(resource.kind)
        wanted = [*resource.optional, *self._included.get(resource.stream.name, ())]
        optional = [name for name in wanted if known is not None and name in known]
        fields = self._names(resource.kind, dict.fromkeys([*resource.fields, *optional]))
        if resource.lines is not None:
            lines = resource.lines
            inner = soql.select(self._names(lines.kind, lines.fields), self._relationship(resource.kind, lines))
            fields.append(f"({inner})")
        return soql.select(fields, self.schema.object_of(resource.kind), conditions, tail)

    def _merged_into(self, ids: Sequence[str]) -> dict[str, str]:
        """One step of ``masters``, by the short Id."""
        found: dict[str, str] = {}
        name = self.schema.object_of("account")
        for part in soql.portions([key for key in dict.fromkeys(ids) if is_id(key)]):
            text = soql.select(["Id", "MasterRecordId"], name, [soql.any_of("Id", part), "IsDeleted = true"])
            for record in self.query(text, label=name, resource="queryAll"):
                found[short(str(record["Id"]))] = str(record.get("MasterRecordId") or "")
        return found

    def _names(self, kind: str, fields: Iterable[str]) -> list[str]:
        return [self.schema.field(kind, name) for name in fields]

    def _relationship(self, kind: str, lines: Lines) -> str:
        return str(self.access.capabilities.get("relationships", {}).get(kind) or lines.relationship)

    def _count(self, resource: Resource, conditions: Sequence[str]) -> int | None:
        text = soql.select(["COUNT()"], self.schema.object_of(resource.kind), conditions)
        body = self.get(f"/{resource.verb}", {"q": text}, resource.stream.label).body
        size = body.get("totalSize")
        return int(size) if size is not None else None

    def _rows(self, resource: Resource, text: str) -> list[Row]:
        rows = []
        for record in self.query(text, label=self.schema.object_of(resource.kind), resource=resource.verb):
            data = self.schema.back(resource.kind, record)
            if resource.lines is not None:
                lines = resource.lines
                nested = data.pop(self._relationship(resource.kind, lines), None)
                data[lines.name] = sorted(self._children(lines, nested), key=_line_order)
            rows.append(Row(str(data["Id"]), str(data[STAMP]), data))
        return rows

    def _children(self, lines: Lines, nested: Any) -> list[Document]:
        """A child list is null, whole, or goes on in answers of its own."""
        records: list[Document] = []
        while nested:
            records += nested.get("records") or []
            following = nested.get("nextRecordsUrl")
            nested = None if nested.get("done", True) or not following else self._follow(following, lines.kind)
        return [self.schema.back(lines.kind, record) for record in records]

    def _follow(self, address: str, label: str) -> Document:
        call = Call("GET", address, headers=self._headers, label=label, decimals=True)
        return dict(self.door.send(call).body)

    def _pages(
        self, kind: str, fields: Sequence[str], conditions: Sequence[str], resource: str = "query"
    ) -> Iterator[list[Document]]:
        after: Position | None = None
        names = self._names(kind, fields)
        while True:
            asked = list(conditions) if after is None else [*conditions, soql.behind(after)]
            tail = f"ORDER BY {STAMP}, Id LIMIT {self._size}"
            text = soql.select(names, self.schema.object_of(kind), asked, tail)
            records = self.query(text, label=self.schema.object_of(kind), resource=resource)
            if records:
                after = [records[-1][STAMP], records[-1]["Id"]]
                yield [self.schema.back(kind, record) for record in records]
            if len(records) < self._size:
                return


def _end(steps: Mapping[str, str], key: str) -> str:
    """Where merges lead from a deleted account."""
    while key and short(key) in steps:
        key = steps[short(key)]
    return key


def _line_order(line: Document) -> tuple[bool, Any, str]:
    order = line.get("SortOrder")
    return order is None, order if order is not None else 0, str(line["Id"])


def _at(record: Mapping[str, Any], path: str) -> Any:
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
