"""HubSpot's verbs: batches that are as large as HubSpot takes, and every record of them accounted for.

Keys and ids are text. Types are HubSpot's names: companies, contacts, invoices, line_items, commerce_payments. A call
never returns with a record unaccounted for; what concerns a whole type (a scope, an absent property) or the whole
connection is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from connections import http
from connections.connectors.base import Document, Done
from connections.errors import ConfigError, ConnectorError, RecordError, UnexpectedError
from connections.http import Answer, Call, Door, ErrorTable

from .batches import deliver, refuse_doubles
from .errors import explain
from .ledgers import ObjectLedger, ObjectRow, QuietLedger, ReadingLedger, pair_of, pairs_meant
from .paths import Paths
from .search import Pace, advance, after_of, changed_since, find

Pair = tuple[str, str]

OBJECTS_PER_CALL = 100
PAIRS_PER_CALL = 2000
ASSOCIATIONS_READ_PER_CALL = 1000
LEAST_PER_PAGE = 10
RETRIES_OF_AN_INPUT = 3
SECONDS_BETWEEN = 2.0


class HubSpotClient:
    def __init__(self, door: Door, *, version: str, errors: ErrorTable) -> None:
        self.door = door
        self.paths = Paths(version)
        self._errors = errors
        self._pace = Pace()

    @property
    def calls(self) -> int:
        """HTTP calls made so far."""
        return self.door.calls

    # Writing ---------------------------------------------------------------------------------------------------------

    def upsert(
        self, kind: str, rows: Sequence[ObjectRow], *, key_property: str = "fusion_id"
    ) -> dict[str, Done | ConnectorError]:
        """Creates or updates by our unique property; safe to repeat. Rows are (key, properties)."""

        def body_of(batch: Sequence[ObjectRow]) -> Document:
            return {
                "inputs": [
                    {"idProperty": key_property, "id": key, "properties": values, "objectWriteTraceId": key}
                    for key, values in batch
                ]
            }

        ledger = self._ledger(kind, key_property, created=None, repeatable=True)
        return self._write(kind, "upsert", rows, body_of, ledger)

    def update(self, kind: str, rows: Sequence[ObjectRow]) -> dict[str, Done | ConnectorError]:
        """Changes records by their id. Rows are (id, properties). ``Done.id`` differs where a merge gave a new id."""

        def body_of(batch: Sequence[ObjectRow]) -> Document:
            return {"inputs": [{"id": id_, "properties": values, "objectWriteTraceId": id_} for id_, values in batch]}

        ledger = self._ledger(kind, None, created=False, repeatable=True)
        return self._write(kind, "update", rows, body_of, ledger)

    def create(
        self, kind: str, rows: Sequence[ObjectRow], *, key_property: str = "fusion_id"
    ) -> dict[str, Done | ConnectorError]:
        """Creates without a unique property: never repeated after a lost answer.

        Rows are (key, properties); the properties hold the key too, for by it a result is recognised.

        Nothing is raised, so that what was created is never forgotten: a row whose outcome is unknown holds
        ``OutcomeUnknown`` (look for it with ``find`` before trying again), a row not tried holds what stopped the rest.
        """

        def body_of(batch: Sequence[ObjectRow]) -> Document:
            return {
                "inputs": [
                    {"properties": values, "associations": [], "objectWriteTraceId": key} for key, values in batch
                ]
            }

        refuse_doubles([row[0] for row in rows])
        ledger = self._ledger(kind, key_property, created=True, repeatable=False)
        try:
            url = self.paths.objects(kind, "/batch/create")
            self._deliver(kind, url, rows, OBJECTS_PER_CALL, body_of, ledger, idempotent=False)
        except ConnectorError as error:
            for row in rows:
                ledger.outcome.setdefault(row[0], error)
        return ledger.outcome

    def archive(self, kind: str, ids: Sequence[str]) -> dict[str, ConnectorError]:
        """Puts records into the bin; already gone is fine. Returns the failures only."""
        refuse_doubles(ids)
        url = self.paths.objects(kind, "/batch/archive")
        ledger = QuietLedger(str, lambda entry: explain(self._errors, entry, kind))
        self._deliver(
            kind, url, ids, OBJECTS_PER_CALL, lambda batch: {"inputs": [{"id": id_} for id_ in batch]}, ledger
        )
        return {id_: error for id_, error in ledger.failed.items() if error.code != "hubspot_gone"}

    # Associations ----------------------------------------------------------------------------------------------------

    def associate(
        self, from_kind: str, to_kind: str, pairs: Sequence[Pair], type_id: int
    ) -> dict[Pair, ConnectorError]:
        """Associates (from id, to id) with HubSpot's own type id; safe to repeat. Returns the failures only."""
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]

        def body_of(batch: Sequence[Pair]) -> Document:
            return {"inputs": [{"from": {"id": one}, "to": {"id": other}, "types": types} for one, other in batch]}

        return self._write_pairs(from_kind, to_kind, "create", pairs, body_of)

    def dissociate(self, from_kind: str, to_kind: str, pairs: Sequence[Pair]) -> dict[Pair, ConnectorError]:
        """Removes every association between the two records; already gone is fine. Returns the failures only."""

        def body_of(batch: Sequence[Pair]) -> Document:
            return {"inputs": [{"from": {"id": one}, "to": [{"id": other}]} for one, other in batch]}

        failed = self._write_pairs(from_kind, to_kind, "archive", pairs, body_of)
        return {pair: error for pair, error in failed.items() if error.code != "hubspot_gone"}

    def associations(self, from_kind: str, to_kind: str, ids: Sequence[str]) -> dict[str, list[str]]:
        """The ids associated with each record; an empty list where there are none or the record is gone."""
        found: dict[str, list[str]] = {id_: [] for id_ in ids}
        inputs: list[Document] = [{"id": id_} for id_ in found]
        url = self.paths.associations(from_kind, to_kind, "read")
        seen: set[tuple[str, str]] = set()
        while inputs:
            more: list[Document] = []

            def note(result: Document, more: list[Document] = more) -> None:
                id_ = str(result["from"]["id"])
                found.setdefault(id_, []).extend(str(to["toObjectId"]) for to in result.get("to") or ())
                if after := after_of(result):
                    advance(seen, id_, after)
                    more.append({"id": id_, "after": after})

            self._ask(from_kind, url, inputs, ASSOCIATIONS_READ_PER_CALL, {}, note)
            inputs = more
        return found

    # Reading ---------------------------------------------------------------------------------------------------------

    def read(
        self, kind: str, ids: Sequence[str], *, key_property: str | None = None, properties: Sequence[str]
    ) -> dict[str, Document]:
        """Records by id, or by ``key_property``; missing ones are left out. Never late, unlike a search."""
        fold: Callable[[str], str] = str.lower if key_property == "email" else str
        wanted = {fold(id_): id_ for id_ in ids}
        asked = list(properties)
        if key_property and key_property not in asked:
            asked.append(key_property)
        head: Document = {"properties": asked, "propertiesWithHistory": []}
        if key_property:
            head["idProperty"] = key_property
        found: dict[str, Document] = {}

        def note(record: Document) -> None:
            key = record["properties"].get(key_property) if key_property else record["id"]
            if (name := wanted.get(fold(key or ""))) is not None:
                found[name] = record

        inputs = [{"id": id_} for id_ in wanted.values()]
        self._ask(kind, self.paths.objects(kind, "/batch/read"), inputs, OBJECTS_PER_CALL, head, note)
        return found

    def holding(self, kind: str, ids: Iterable[str], fields: Iterable[str]) -> dict[str, Document]:
        """The properties of the records with these ids; archived ones are left out."""
        found = self.read(kind, list(ids), properties=list(fields))
        return {id_: dict(record["properties"]) for id_, record in found.items()}

    def records(self, kind: str, properties: Sequence[str], *, archived: bool = False) -> Iterator[list[Document]]:
        """Every record of a type, in pages of 100."""
        params: Document = {"limit": OBJECTS_PER_CALL, "properties": ",".join(properties)}
        if archived:
            params["archived"] = "true"
        seen: set[tuple[str, str]] = set()
        while True:
            try:
                body = self.door.send(Call("GET", self.paths.objects(kind), params=params, label=kind)).body
            except RecordError:
                if params["limit"] <= LEAST_PER_PAGE:
                    raise
                params = {**params, "limit": params["limit"] // 2}  # the largest page is not documented
                continue
            yield body.get("results") or []
            after = after_of(body)
            if not after:
                return
            advance(seen, kind, after)
            params = {**params, "after": after}

    def changed_since(self, kind: str, instant: datetime, properties: Sequence[str]) -> Iterator[list[Document]]:
        """Records changed at or after ``instant``, oldest change first: seconds late, never archived ones."""
        return changed_since(self._search, kind, instant, properties)

    def find(
        self, kind: str, property_name: str, values: Sequence[str], properties: Sequence[str] = ()
    ) -> dict[str, list[Document]]:
        """Records by the exact value of any text property, capitals aside; every value is a key. Seconds late."""
        return find(self._search, kind, property_name, values, properties)

    def property_definitions(self, kind: str) -> list[Document]:
        body = self.door.send(Call("GET", self.paths.properties(kind), label=kind)).body
        return list(body.get("results") or [])

    def account(self) -> Document:
        """``portalId, timeZone, companyCurrency, additionalCurrencies, ...``; any valid key may ask."""
        return dict(self.door.send(Call("GET", self.paths.account(), label="account details")).body)

    # Helpers ---------------------------------------------------------------------------------------------------------

    def _ledger(self, kind: str, key_property: str | None, *, created: bool | None, repeatable: bool) -> ObjectLedger:
        def read_back(strangers: list[Document]) -> list[Document]:
            if key_property is None:
                return strangers
            ids = {result["id"]: result for result in strangers}
            found = self.read(kind, list(ids), properties=[key_property])
            return [{**ids[id_], "properties": record["properties"]} for id_, record in found.items()]

        return ObjectLedger(
            key_property,
            lambda entry: explain(self._errors, entry, kind),
            read_back,
            created=created,
            repeatable=repeatable,
        )

    def _write(
        self,
        kind: str,
        verb: str,
        rows: Sequence[ObjectRow],
        body_of: Callable[[Sequence[ObjectRow]], Document],
        ledger: ObjectLedger,
    ) -> dict[str, Done | ConnectorError]:
        refuse_doubles([row[0] for row in rows])
        url = self.paths.objects(kind, f"/batch/{verb}")
        self._deliver(kind, url, rows, OBJECTS_PER_CALL, body_of, ledger)
        for _ in range(RETRIES_OF_AN_INPUT):
            passing = ledger.forget_passing()
            if not passing:
                break
            self.door.access.tick()
            http.pause(SECONDS_BETWEEN)
            again = [row for row in rows if row[0] in passing]
            self._deliver(kind, url, again, OBJECTS_PER_CALL, body_of, ledger)
        for key in ledger.failed:
            if isinstance(error := ledger.outcome[key], ConfigError | UnexpectedError):
                raise error
        return ledger.outcome

    def _write_pairs(
        self,
        from_kind: str,
        to_kind: str,
        verb: str,
        pairs: Sequence[Pair],
        body_of: Callable[[Sequence[Pair]], Document],
    ) -> dict[Pair, ConnectorError]:
        refuse_doubles(pairs)
        ledger = QuietLedger(
            lambda pair: pair, lambda entry: explain(self._errors, entry, from_kind), found=pair_of, meant=pairs_meant
        )
        url = self.paths.associations(from_kind, to_kind, verb)
        # One call after the other: a company stands in many pairs, and two writes to one record at once are refused.
        self._deliver(from_kind, url, pairs, PAIRS_PER_CALL, body_of, ledger, parallel=False)
        return ledger.failed

    def _deliver(
        self,
        kind: str,
        url: str,
        rows: Sequence[Any],
        size: int,
        body_of: Callable[[Any], Document],
        ledger: Any,
        *,
        idempotent: bool = True,
        parallel: bool = True,
    ) -> None:
        def exchange(batches: list[Sequence[Any]]) -> Iterator[tuple[int, Any]]:
            calls = (Call("POST", url, json=body_of(batch), idempotent=idempotent, label=kind) for batch in batches)
            for index, answer in self._send_all(calls, parallel):
                yield index, answer if isinstance(answer, ConnectorError) else answer.body

        deliver(rows, size, exchange, ledger)

    def _send_all(self, calls: Iterable[Call], parallel: bool) -> Iterator[tuple[int, Answer | ConnectorError]]:
        if parallel:
            yield from self.door.send_many(calls)
            return
        for index, call in enumerate(calls):
            for _, answer in self.door.send_many([call]):
                yield index, answer

    def _ask(
        self,
        kind: str,
        url: str,
        inputs: Sequence[Document],
        size: int,
        head: Document,
        note: Callable[[Document], None],
    ) -> None:
        ledger = ReadingLedger(note, lambda entry: explain(self._errors, entry, kind))
        self._deliver(kind, url, inputs, size, lambda batch: {**head, "inputs": batch}, ledger)

    def _search(self, kind: str, body: Document) -> Document:
        self._pace.wait()
        call = Call("POST", self.paths.objects(kind, "/search"), json=body, idempotent=True, label=kind)
        return self.door.send(call).body or {}
