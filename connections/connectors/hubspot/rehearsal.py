"""HubSpot's verbs without any effect: what would become of a write is found out by reading."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from connections.connectors.base import Document, Done
from connections.errors import ConnectorError
from connections.http import Call, Door, ErrorTable
from connections.rehearsal import Bound, Memory, is_made_up, real

from .batches import refuse_doubles
from .client import OBJECTS_PER_CALL, HubSpotClient, Pair
from .errors import explain
from .ledgers import ObjectRow

READING = ("/search", "/batch/read")
EMAIL = "email"
KEY = "fusion_id"


def only_reads(call: Call) -> bool:
    return call.method == "GET" or (call.method == "POST" and call.url.endswith(READING))


class HubSpotRehearsal(HubSpotClient):
    """``_named``: the records that got a value of a property by which records are found, (kind, property, value) -> ID:
    our key on an adopted record, an e-mail. ``_keys`` are the keys of those that have an e-mail."""

    def __init__(self, door: Door, bound: Bound, *, version: str, errors: ErrorTable) -> None:
        super().__init__(door, version=version, errors=errors)
        self._table = errors
        self._memory = Memory(bound)
        self._named: dict[tuple[str, str, str], str] = {}
        self._keys: dict[str, str] = {}

    # Writing ---------------------------------------------------------------------------------------------------------

    def upsert(
        self, kind: str, rows: Sequence[ObjectRow], *, key_property: str = KEY
    ) -> dict[str, Done | ConnectorError]:
        keys = [key for key, _ in rows]
        refuse_doubles(keys)
        found = self.read(kind, keys, key_property=key_property, properties=[key_property])
        there = {key: str(record["id"]) for key, record in found.items()}
        return {key: self._put(kind, key, there.get(key, ""), values) for key, values in rows}

    def update(self, kind: str, rows: Sequence[ObjectRow]) -> dict[str, Done | ConnectorError]:
        ids = [id_ for id_, _ in rows]
        refuse_doubles(ids)
        now = {**{id_: id_ for id_ in ids if is_made_up(id_)}, **self._now(kind, real(ids))}
        gone = explain(self._table, {"category": "OBJECT_NOT_FOUND"}, kind)
        return {
            id_: self._put(kind, str(values.get(KEY) or ""), now[id_], values) if id_ in now else gone
            for id_, values in rows
        }

    def create(
        self, kind: str, rows: Sequence[ObjectRow], *, key_property: str = KEY
    ) -> dict[str, Done | ConnectorError]:
        refuse_doubles([key for key, _ in rows])
        return {key: self._put(kind, key, "", values) for key, values in rows}

    def archive(self, kind: str, ids: Sequence[str]) -> dict[str, ConnectorError]:
        return {}

    def associate(
        self, from_kind: str, to_kind: str, pairs: Sequence[Pair], type_id: int
    ) -> dict[Pair, ConnectorError]:
        return {}

    def dissociate(self, from_kind: str, to_kind: str, pairs: Sequence[Pair]) -> dict[Pair, ConnectorError]:
        return {}

    # Reading ---------------------------------------------------------------------------------------------------------

    def associations(self, from_kind: str, to_kind: str, ids: Sequence[str]) -> dict[str, list[str]]:
        """What would be created has none as far as HubSpot knows."""
        return {**{id_: [] for id_ in ids}, **super().associations(from_kind, to_kind, real(ids))}

    def read(
        self, kind: str, ids: Sequence[str], *, key_property: str | None = None, properties: Sequence[str]
    ) -> dict[str, Document]:
        """Of what would be written, only that by which it is found."""
        if key_property is None:
            return super().read(kind, real(ids), properties=properties)
        found = super().read(kind, ids, key_property=key_property, properties=properties)
        missing = [value for value in ids if value not in found]
        there = {value: self._named[at] for value in missing if (at := (kind, key_property, value)) in self._named}
        if key_property == KEY:
            there = {**self._memory.there(kind, missing), **there}
        for value, id_ in there.items():
            found[value] = {"id": id_, "properties": {KEY: self._keys.get(id_), key_property: value}}
        return found

    # Helpers ---------------------------------------------------------------------------------------------------------

    def _put(self, kind: str, key: str, there: str, values: Document) -> Done | ConnectorError:
        email = str(values.get(EMAIL) or "")
        if email and not _is_address(email):
            refusal = {"category": "VALIDATION_ERROR", "message": f"the e-mail {email} is not a valid address."}
            return explain(self._table, refusal, kind)
        done = Done(there or self._memory.create(kind, key), created=not there)
        if there and values.get(KEY):
            self._named[kind, KEY, key] = there
        if email:
            self._named[kind, EMAIL, email] = done.id
            self._keys[done.id] = key
        return done

    def _now(self, kind: str, ids: Sequence[str]) -> dict[str, str]:
        """Each ID -> the one its record has now: a merged record answers under the ID of the one it was merged into."""
        wanted = set(ids)
        answered = [str(record["id"]) for record in self._asked(kind, ids)]
        found = {id_: id_ for id_ in answered if id_ in wanted}
        for id_ in wanted - found.keys() if len(answered) > len(found) else ():
            for record in self._asked(kind, [id_]):
                found[id_] = str(record["id"])
        return found

    def _asked(self, kind: str, ids: Sequence[str]) -> list[Document]:
        answers: list[Document] = []
        head: Document = {"properties": ["hs_object_id"], "propertiesWithHistory": []}
        inputs: list[Document] = [{"id": id_} for id_ in ids]
        self._ask(kind, self.paths.objects(kind, "/batch/read"), inputs, OBJECTS_PER_CALL, head, answers.append)
        return answers


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
