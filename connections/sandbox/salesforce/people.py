"""What people do in Salesforce's own screens, past the rules of the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from . import rules
from .ids import full_id
from .org import Org
from .rows import Row
from .schema import SObject


class People:
    """Their verbs. A record is named by its id or, like ``Fusion_Id__c=C-1``, by the value of a field."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def _sobject(self, name: str) -> SObject:
        found = self._org.schema.get(name.lower())
        if found is None:
            raise ValueError(f"unknown object {name!r}")
        return found

    def find(self, type: str, key: str) -> Row:
        """One live record. Raises ``ValueError``."""
        sobject = self._sobject(type)
        name, equals, value = str(key).partition("=")
        if not equals:
            found = self._org.rows.get(full_id(name) or "")
            if found and found.object == sobject.name:
                return found
        for row in self._org.rows.many(sobject.name) if equals else ():
            if str(row.value(name)) == value:
                return row
        raise ValueError(f"there is no {sobject.name} {key}")

    def create(self, type: str, fields: dict[str, Any]) -> str:
        """Someone enters a record; its id. Only what the platform fills in itself is added."""
        org, sobject = self._org, self._sobject(type)
        with org.store.transaction() as cursor:
            now = org.now()
            row = Row("", sobject.name, rules.defaults(org, sobject) | fields, now, now, now)
            rules.before_create(org, row, fields)
            row.id = org.rows.next_id(sobject.prefix)
            row.doc |= {"CreatedById": org.user, "LastModifiedById": org.user} | rules.auto_name(org, sobject)
            org.rows.insert(cursor, sobject, row)
            rules.after_write(org, cursor, row, None)
        return row.id

    def edit(self, type: str, key: str, fields: dict[str, Any]) -> str:
        """Someone changes fields. Nothing is validated, but the platform follows."""
        org, sobject = self._org, self._sobject(type)
        with org.store.transaction() as cursor:
            old = self.find(type, key)
            row = Row(old.id, old.object, old.doc | fields, old.created, org.now(), org.now())
            rules.before_update(org, row, old, fields)
            org.rows.update(cursor, sobject, row)
            rules.after_write(org, cursor, row, old)
        return row.id

    def delete(self, type: str, key: str) -> str:
        """Someone puts a record into the bin."""
        with self._org.store.transaction() as cursor:
            row = self.find(type, key)
            rules.put_away(self._org, cursor, row)
        return row.id

    def win(self, key: str, stage: str = "Closed Won") -> str:
        """Sales closes an opportunity today."""
        today = datetime.fromtimestamp(self._org.clock(), UTC).date().isoformat()
        return self.edit("Opportunity", key, {"StageName": stage, "CloseDate": today})

    def merge(self, keep: str, lose: str) -> str:
        """Someone merges two accounts: what hangs on the loser moves, and the loser is deleted with MasterRecordId."""
        org = self._org
        with org.store.transaction() as cursor:
            winner, loser = self.find("Account", keep), self.find("Account", lose)
            if winner.id == loser.id:
                raise ValueError("a record cannot be merged with itself")
            now = org.now()
            for kind, field, child_id in org.rows.pointing_at(loser.id):
                child = org.rows.get(child_id)
                if child:
                    child.doc[field] = winner.id
                    child.modified = child.stamp = now
                    org.rows.update(cursor, org.schema[kind.lower()], child)
            rules.put_away(org, cursor, loser, master=winner.id)
            winner.modified = winner.stamp = now
            org.rows.update(cursor, org.schema["account"], winner)
        return winner.id
