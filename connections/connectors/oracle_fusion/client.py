"""A pod. The only place that knows Fusion's addresses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from connections.connectors.base import Access, Document, Page, Position, Row
from connections.errors import ConnectorError, StreamRefused, TransientError
from connections.http import Answer, Call, Door, Pending

from . import dialect as d
from . import lookup, writing
from .errors import NotVisible, Refused, cut_short
from .probe import Probe
from .rows import Address, Cut, Tidy, keep, unpack
from .scan import Scan
from .streams import CUSTOMERS, FLEXFIELDS, ON_DEMAND, RESOURCES, Child, Resource

WINDOW_DAYS = 180
Conditions = Callable[[d.Dialect], Iterable[str]]
"""The filters that put a question in a dialect, one call each; an empty one asks for every row."""


class FusionClient:
    """Implements ``Source``, whose calls are safe to repeat, and creates orders, which is not."""

    def __init__(self, door: Door, access: Access, *, hopeful: bool = False) -> None:
        """``hopeful`` forgets what an earlier check found out: the new one starts from nothing."""
        config = access.config
        self._access = access
        self._capabilities: Mapping[str, Any] = {} if hopeful else access.capabilities
        self.door = door
        self._size = int(config.get("page_size") or 500)
        self._days = int(config.get("window_days") or WINDOW_DAYS)
        version = self._capabilities.get("framework_version") or config.get("framework_version") or "4"
        self._headers = {
            "REST-Framework-Version": str(version),
            "Accept": "application/json, application/vnd.oracle.adf.error+json",
        }
        self._release = config.get("api_version") or "11.13.18.05"
        self._customers = CUSTOMERS[config.get("customers_resource") or "accounts"]
        self._dialects: dict[str, d.Dialect] = {}
        self._included: dict[str, tuple[Child, ...]] = {}
        self._clock: tuple[Answer, float] | None = None
        door.observe = self._observe

    @property
    def calls(self) -> int:
        return self.door.calls

    # Source

    def server_now(self) -> datetime:
        """By the Date header of the last answer; costs a call only where there was none yet."""
        if self._clock is None:
            self.get("/fscmRestApi/resources", {}, "the list of releases")
        if self._clock is None or (told := self._clock[0].server_time) is None:
            raise TransientError("Oracle Fusion did not tell its time. It is tried again by itself.", code="no_date")
        since = time.monotonic() - self._clock[1]
        return (told + timedelta(seconds=since + 1)).replace(microsecond=0)

    def can_filter_on_cursor(self, stream: str) -> bool:
        return self.dialect(self.resource(stream)).filters

    def walk(self, stream: str, *, since: datetime | None, until: datetime, after: Position | None) -> Iterator[Page]:
        """Pages in scan order. The next page is under way while the caller works on this one."""
        resource = self.resource(stream)
        scan = Scan(resource, self.dialect(resource), since=since, until=until, after=after, days=self._days)
        first = True
        pending: Pending | None = self._ask(scan, first)
        while pending is not None:
            try:
                answer = pending.result()
            except Refused as refusal:
                scan = scan.adapted(self.lower(resource, refusal))
                pending = self._ask(scan, first)
                continue
            except NotVisible as missing:
                raise StreamRefused(missing.text, code=missing.code, detail=missing.detail) from None
            total = answer.body.get("totalResults") if first and isinstance(answer.body, dict) else None
            rows, places = scan.take(*unpack(answer.body, self._size), self._size)
            first = False
            pending = self._ask(scan, first) if scan.open else None
            if rows:
                calls = answer.attempts + self._complete(resource, rows)
                yield Page(keep(resource, rows), places, calls, total)

    def fetch(self, stream: str, keys: Sequence[str]) -> list[Row]:
        resource = self.resource(stream)
        return keep(resource, self.related(stream, resource.key, keys))

    def related(
        self, stream: str, attribute: str, values: Iterable[str | int], expand: str | None = None
    ) -> list[Document]:
        """Rows whose ``attribute`` is one of ``values``. ``expand`` replaces the stream's children ("" for none)."""
        resource = self.resource(stream)
        wanted = list(dict.fromkeys(values))
        children = resource.children if expand is None else _children(resource, expand)
        expand = resource.expand if expand is None else expand
        try:
            found = self.ask(resource, lambda dialect: d.equals(attribute, wanted, dialect), expand)
        except StreamRefused as refused:
            if refused.code != NotVisible.code:
                raise
            return []  # an object this pod does not have has no related rows
        self._complete(resource, found, children)
        return found

    def include(self, stream: str, names: Iterable[str]) -> None:
        """All attributes come anyway; flexfields are children and come where they are asked for."""
        self._included[stream] = tuple(Child(name, "") for name in sorted(names) if name.endswith(FLEXFIELDS))

    # Orders

    def create_orders(self, rows: Sequence[writing.NewRow]) -> dict[str, Document | ConnectorError]:
        """Sales orders by our key (SourceTransactionId), as answered, each with what became of it.

        ``OutcomeUnknown``: it may be there; ask ``orders`` before sending it again. ``TransientError``: it is not.
        Raises what concerns all of them, such as ``StreamRefused``, where nothing is known of any.
        """
        return writing.create_orders(self, rows)

    def orders(self, system: str, ids: Sequence[str]) -> dict[str, Document]:
        """The newest version of each order of a source system, by SourceTransactionId; unknown ones are left out."""
        return lookup.orders(self, system, ids)

    def create_purchase_orders(self, rows: Sequence[writing.NewRow]) -> dict[str, Document | ConnectorError]:
        """Draft purchase orders by our key; like ``create_orders``, with ``purchase_orders`` to ask."""
        return writing.create_drafts(self, rows)

    def submit_purchase_orders(self, ids: Mapping[str, str]) -> dict[str, ConnectorError | None]:
        """Submits the drafts with these POHeaderIds, by our key. One that is an order already counts as submitted."""
        return writing.submit_drafts(self, ids)

    def purchase_orders(self, references: Sequence[str], since: datetime | None = None) -> dict[str, Document]:
        """The draft or order that carries each of our references, with ``_draft`` telling which; others are left out.

        ``since``: before any of them was first sent. It bounds what is read where the pod cannot search texts.
        """
        return lookup.purchase_orders(self, references, since)

    # Questions

    def ask(self, resource: Resource, conditions: Conditions, expand: str = "") -> list[Document]:
        """Rows as they arrive, links included, all of them: what is not among them does not exist for this user.

        Put again in the dialect that is left where the pod refuses it. Raises what leaves an answer incomplete.
        """
        shape = self._shape(resource, expand)
        try:
            return self._asked(resource, list(conditions(self.dialect(resource))), shape)
        except Refused as refusal:
            lowered = self.lower(resource, refusal)  # raises where an attribute itself is refused
            return self._asked(resource, list(conditions(lowered)), shape)

    def address(self, resource: Resource, row: Document) -> str:
        """The path of a row, by its self link where the key may be opaque."""
        if not resource.hashed:
            return f"{self.path(resource)}/{quote(str(row[resource.address]), safe='')}"
        for link in row.get("links") or ():
            if link.get("rel") == "self":
                return _own_path(str(link["href"]), self.path(resource))
        return f"{self.path(resource)}/{quote(str(row[resource.address]), safe='')}"

    def resource(self, stream: str) -> Resource:
        resource = self._customers if stream == "customers" else RESOURCES[stream]
        further = self._included.get(stream, ())
        return replace(resource, children=(*resource.children, *further)) if further else resource

    def dialect(self, resource: Resource) -> d.Dialect:
        if resource.name not in self._dialects:
            self._dialects[resource.name] = d.dialect_of(resource, self._capabilities)
        return self._dialects[resource.name]

    def lower(self, resource: Resource, refusal: Refused) -> d.Dialect:
        """After a 400: finds out what this pod takes and goes on in that. Raises where nothing was learnt."""
        before = self.dialect(resource)
        learnt = Probe(self, resource).lowered(before)
        if learnt == before:
            raise StreamRefused(refusal.text, code=refusal.code, detail=refusal.detail) from None
        self._dialects[resource.name] = learnt
        known = self._access.capabilities.get("dialects") or {}
        self._access.learn("dialects", {**known, resource.name: learnt.stored()})
        return learnt

    def get(self, path: str, params: dict[str, Any], label: str) -> Answer:
        return self.door.send(self._call(path, params, label))

    def path(self, resource: Resource) -> str:
        return self.path_of(resource.root, resource.name)

    def path_of(self, root: str, name: str) -> str:
        return f"/{root}/resources/{self._release}/{name}"

    def post_call(self, path: str, body: bytes, media: str, label: str) -> Call:
        """A write. Not idempotent: an answer that is lost leaves the outcome unknown."""
        headers = {**self._headers, "Content-Type": media}
        return Call("POST", path, data=body, headers=headers, label=label, decimals=True)

    def use_framework(self, version: str) -> None:
        """ "" sends no version: the pod's default."""
        self._headers = {**self._headers, "REST-Framework-Version": version}
        if not version:
            del self._headers["REST-Framework-Version"]

    def _observe(self, answer: Answer) -> None:
        self._clock = (Answer(answer.status, answer.headers, None), time.monotonic())

    def _call(self, path: str, params: dict[str, Any], label: str) -> Call:
        return Call("GET", path, params=params, headers=self._headers, label=label, decimals=True)

    def _ask(self, scan: Scan, first: bool) -> Pending:
        resource = scan.resource
        params = {**scan.parameters(), **self._shape(resource, resource.expand), "limit": self._size}
        if first:
            params["totalResults"] = "true"
        return self.door.start(self._call(self.path(resource), params, resource.called))

    @staticmethod
    def _shape(resource: Resource, expand: str) -> dict[str, Any]:
        # Links are most of an answer; only where the key may be opaque is one of them needed.
        links = {"links": "self"} if resource.hashed else {"onlyData": "true"}
        return {"expand": expand or None, **links}

    def _asked(self, resource: Resource, filters: list[str], shape: dict[str, Any]) -> list[Document]:
        behind: dict[int, str] = {}
        found: list[Document] = []
        queue = list(range(len(filters)))
        while queue:
            calls = [self._chunk(resource, filters[place], behind.get(place), shape) for place in queue]
            again = []
            for index, answer in self.door.send_many(calls):
                rows, more = _rows_of(answer, self._size)
                found += rows
                if more and not rows:
                    raise cut_short(resource.name)
                if rows and (more or len(rows) >= self._size - 1):
                    behind[queue[index]] = str(rows[-1][resource.key])
                    again.append(queue[index])
            queue = again
        return found

    def _chunk(self, resource: Resource, condition: str, key: str | None, shape: dict[str, Any]) -> Call:
        further = f"{resource.key} > {d.literal(resource.key, key)}" if key is not None else ""
        condition = f"({condition}) and {further}" if condition and further else condition or further
        params = {"q": condition or None, "orderBy": d.key_order(resource.key), **shape, "limit": self._size}
        return self._call(self.path(resource), params, resource.called)

    # Children

    def _complete(self, resource: Resource, rows: list[Document], children: tuple[Child, ...] | None = None) -> int:
        """Fetches what was cut off of child lists and tidies the rows. Returns the calls that took."""
        children = resource.children if children is None else children
        tidy = Tidy()
        tidy.rows(resource.name, rows, children, lambda row: self.address(resource, row))
        return self._refill(tidy.cuts) if tidy.cuts else 0

    def _refill(self, cuts: list[Cut]) -> int:
        """Child collections page by page, by key, all of them in parallel."""
        whole: list[list[Document]] = [[] for _ in cuts]
        queue, calls = list(range(len(cuts))), 0
        while queue:
            answers = self.door.send_many([self._child_call(cuts[place], whole[place]) for place in queue])
            again = []
            for index, answer in answers:
                place = queue[index]
                rows, more = _child_rows(answer, self._size)
                calls += 1
                whole[place] += rows
                if more and rows:
                    again.append(place)
            queue = again
        for cut, rows in zip(cuts, whole, strict=True):
            tidy = Tidy()
            tidy.rows(cut.child.name, rows, cut.child.children, _below(cut))
            cut.owner[cut.child.name] = rows
            calls += self._refill(tidy.cuts) if tidy.cuts else 0
        return calls

    def _child_call(self, cut: Cut, have: list[Document]) -> Call:
        params: dict[str, Any] = {"limit": self._size, "onlyData": "true"}
        params["expand"] = ",".join(child.name for child in cut.child.children) or None
        if cut.child.key.endswith("Id"):
            params["orderBy"] = d.key_order(cut.child.key)
            if have:
                params["q"] = f"{cut.child.key} > {have[-1][cut.child.key]}"
        else:  # without a filterable key there is only counting
            params["offset"] = len(have) or None
        return self._call(cut.path, params, cut.child.name)


def _below(cut: Cut) -> Address:
    return lambda row: f"{cut.path}/{row[cut.child.key]}"


def _children(resource: Resource, expand: str) -> tuple[Child, ...]:
    known = ON_DEMAND | {child.name: child for child in resource.children}
    return tuple(known.get(name, Child(name, "")) for name in expand.split(",") if name)


def _rows_of(answer: Answer | ConnectorError, asked: int) -> tuple[list[Document], bool]:
    if isinstance(answer, NotVisible):
        raise StreamRefused(answer.text, code=answer.code, detail=answer.detail)
    if isinstance(answer, ConnectorError):
        raise answer
    return unpack(answer.body, asked)


def _child_rows(answer: Answer | ConnectorError, asked: int) -> tuple[list[Document], bool]:
    """A child list that cannot be completed is never taken for a short one."""
    if isinstance(answer, NotVisible):
        text = "A document vanished from Oracle Fusion while it was read. It is tried again by itself."
        raise TransientError(text, code="fusion_vanished", detail=answer.detail)
    if isinstance(answer, Refused):
        raise StreamRefused(answer.text, code=answer.code, detail=answer.detail)
    return _rows_of(answer, asked)


def _own_path(href: str, expected: str) -> str:
    """The path of a link. Host and port are the vendor's affair: the door only ever calls its own."""
    path = urlsplit(href).path
    return path if path.startswith(expected + "/") else expected
