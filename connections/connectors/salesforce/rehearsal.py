"""Salesforce's verbs without any effect: what would become of a write is found out by reading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connections.connectors.base import Access, Document, Done, Row
from connections.errors import ConnectorError
from connections.http import Call
from connections.rehearsal import Bound, Memory, is_made_up, key_of, real

from .batches import refuse_doubles
from .client import SalesforceClient
from .errors import explain
from .line import OrgDoor
from .streams import Resource

ACCOUNTS = {"AccountId": "Account", "Supplier__c": "Supplier__r"}
"""Lookups to an Account -> what a row shows of it."""
GONE = {"statusCode": "ENTITY_IS_DELETED", "message": "entity is deleted"}


def only_reads(call: Call) -> bool:
    return call.method == "GET"


class SalesforceRehearsal(SalesforceClient):
    def __init__(self, door: OrgDoor, access: Access, bound: Bound) -> None:
        super().__init__(door, access)
        self._memory = Memory(bound)
        self._bound = bound
        self._adopted: dict[str, str] = {}

    # Writing ---------------------------------------------------------------------------------------------------------

    def upsert(
        self,
        kind: str,
        rows: Sequence[tuple[str, Document]],
        *,
        parent: str | None = None,
        way: str | None = None,
    ) -> dict[str, Done | ConnectorError]:
        keys = [key for key, _ in rows]
        refuse_doubles([key.casefold() for key in keys])
        there = {key: str(record["Id"]) for key, record in self.read(kind, keys).items()}
        return {key: Done(there.get(key) or self._memory.create(kind, key), created=key not in there) for key in keys}

    def update(
        self, kind: str, rows: Sequence[tuple[str, Document]], *, parent: str | None = None
    ) -> dict[str, Done | ConnectorError]:
        ids = [id_ for id_, _ in rows]
        refuse_doubles(ids)
        there = self.find(kind, "Id", ids)
        outcome: dict[str, Done | ConnectorError] = {}
        for id_, values in rows:
            if not there[id_]:
                outcome[id_] = explain(GONE, self.schema.object_of(kind))
                continue
            outcome[id_] = Done(id_, created=False)
            if kind == "account" and (key := values.get(self.schema.key(kind))):
                self._adopted[id_] = str(key)
        return outcome

    def delete(self, kind: str, ids: Sequence[str]) -> dict[str, ConnectorError]:
        return {}

    # Reading ---------------------------------------------------------------------------------------------------------

    def find(
        self, kind: str, field: str, values: Iterable[str], fields: Sequence[str] = ()
    ) -> dict[str, list[Document]]:
        """Of what would be created, Id and key alone; nothing in the org leads to it."""
        wanted = [value for value in values if value]
        found = super().find(kind, field, real(wanted), fields)
        for id_ in filter(is_made_up, wanted):
            found[id_] = [{"Id": id_, self.schema.key(kind): key_of(id_)}] if field == "Id" else []
        return found

    def read(self, kind: str, keys: Iterable[str], *, fields: Sequence[str] = ()) -> dict[str, Document]:
        wanted = list(keys)
        found = super().read(kind, wanted, fields=fields)
        missing = [key for key in wanted if key not in found]
        for key, id_ in self._memory.there(kind, missing).items():
            found[key] = {"Id": id_, self.schema.key(kind): key}
        return found

    def _rows(self, resource: Resource, text: str) -> list[Row]:
        """Accounts show the key that would have been put on them."""
        rows = super()._rows(resource, text)
        name = self.schema.key("account")
        keyless: dict[str, list[Document]] = {}
        for row in rows:
            for lookup, relation in ACCOUNTS.items():
                account = row.data.get(relation)
                if isinstance(account, dict) and not account.get(name):
                    keyless.setdefault(str(row.data[lookup]), []).append(account)
        keys = {**self._bound(list(keyless)), **self._adopted} if keyless else {}
        for id_, accounts in keyless.items():
            for account in accounts:
                account[name] = keys.get(id_)
        return rows
