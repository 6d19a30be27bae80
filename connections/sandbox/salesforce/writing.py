"""Creating, changing and deleting rows, with every check a row must pass."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from . import duplicates, rules
from .errors import Refusal, RowError, lock_failed, no_such_column, not_found, required_missing
from .ids import full_id
from .org import Org
from .rows import Row
from .schema import Field, SObject
from .values import convert


@dataclass(slots=True)
class Context:
    """What a call says about its writes. ``owner`` is who holds the locks."""

    owner: object
    allow_save: bool = False
    by_external_id: bool = True


@dataclass(slots=True)
class Saved:
    id: str
    created: bool


def fields_of(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "attributes"}


class Writer:
    """Writes rows of one call. Rows are checked before anything of them is written."""

    def __init__(self, org: Org, context: Context) -> None:
        self.org, self.context = org, context
        self.refused: set[str] = set()  # rows that somebody else holds

    # -- locks -----------------------------------------------------------------------------------------------------

    def hold(self, targets: Iterable[tuple[SObject, str | None, dict[str, Any]]]) -> None:
        """Take the rows and their parents for this call, then keep them as long as the switch says.

        Writing children locks the parent (source: api-asynch/organize-data-to-minimize-lock-contention).
        """
        for sobject, key, body in targets:
            keys = self._lock_keys(sobject, key, body)
            busy = self.org.locks.take(self.context.owner, keys) if self.org.switches["parallel_lock"] else None
            for held in keys:
                if held in self.org.switches["locked"] or held == busy:
                    self.refused.add(held)
        if self.org.switches["write_seconds"]:
            time.sleep(self.org.switches["write_seconds"])

    def _lock_keys(self, sobject: SObject, key: str | None, body: dict[str, Any]) -> list[str]:
        keys = [key] if key else []
        for name, value in body.items():
            each = sobject.get(name)
            found: str | None = None
            if each and each.type == "reference" and each.name != "OwnerId" and isinstance(value, str):
                found = full_id(value)
            elif isinstance(value, dict) and name != "attributes":
                with suppress(RowError, Refusal):
                    found = self._parent(sobject, name, value)[1]
            keys += [found] if found else []
        return keys

    def _check_lock(self, sobject: SObject, key: str | None, body: dict[str, Any]) -> None:
        switches = self.org.switches
        if switches["lock_failures"] > 0:
            switches["lock_failures"] -= 1
            raise lock_failed(key or "unknown")
        for held in self._lock_keys(sobject, key, body) if self.refused else ():
            if held in self.refused:
                raise lock_failed(held)

    # -- rows ------------------------------------------------------------------------------------------------------

    def create(self, sobject: SObject, body: dict[str, Any]) -> Saved:
        """A new row."""
        self._check_lock(sobject, None, body)
        if not sobject.createable:
            raise RowError("INSUFFICIENT_ACCESS_OR_READONLY", f"entity type {sobject.name} cannot be inserted")
        if any(name.lower() == "id" for name in body):
            raise RowError("INVALID_FIELD", "cannot specify Id in an insert call", ["Id"])
        self._check_refused(sobject, body)
        if self.org.switches["storage_full"]:
            raise RowError("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")
        full = self.org.schema[sobject.name.lower()]
        given = self._values(sobject, body, new=True)
        doc = rules.defaults(self.org, full) | given
        missing = [
            each.name
            for each in full.fields.values()
            if each.required and each.createable and doc.get(each.name) is None and not _auto(full, each)
        ]
        if missing:
            raise required_missing(missing)
        row = Row("", sobject.name, doc)
        rules.before_create(self.org, row, given)
        self._check(full, row, given, None)
        with self.org.store.transaction() as cursor:
            row.id = self.org.rows.next_id(sobject.prefix)
            row.created = row.modified = row.stamp = self.org.now()
            row.doc |= {"CreatedById": self.org.user, "LastModifiedById": self.org.user}
            row.doc |= rules.auto_name(self.org, full)
            self.org.rows.insert(cursor, full, row)
            rules.after_write(self.org, cursor, row, None)
        return Saved(row.id, True)

    def update(self, sobject: SObject, key: str, body: dict[str, Any]) -> Saved:
        """Change a row; an absent field stays as it is."""
        old = self._existing(sobject, key)
        self._check_lock(sobject, old.id, body)
        if not sobject.updateable:
            raise RowError("INSUFFICIENT_ACCESS_OR_READONLY", f"entity type {sobject.name} cannot be updated")
        self._check_refused(sobject, body)
        full = self.org.schema[sobject.name.lower()]
        given = self._values(sobject, body, new=False)
        row = Row(old.id, old.object, old.doc | given, old.created)
        rules.before_update(self.org, row, old, given)
        self._check(full, row, given, old)
        with self.org.store.transaction() as cursor:
            row.modified = row.stamp = self.org.now()
            row.doc["LastModifiedById"] = self.org.user
            self.org.rows.update(cursor, full, row)
            rules.after_write(self.org, cursor, row, old)
        return Saved(row.id, False)

    def delete(self, sobject: SObject, key: str) -> None:
        """Put a row into the bin, with what hangs on it."""
        old = self._existing(sobject, key)
        self._check_lock(sobject, old.id, {})
        if not sobject.deletable:
            raise RowError("INSUFFICIENT_ACCESS_OR_READONLY", f"entity type {sobject.name} cannot be deleted")
        with self.org.store.transaction() as cursor:
            rules.put_away(self.org, cursor, old)

    def upsert(
        self, sobject: SObject, key: Field, value: Any, body: dict[str, Any], *, update_only: bool = False
    ) -> Saved:
        """Change the row with this external id, or create it."""
        full = self.org.schema[sobject.name.lower()]
        if key.name == "Id":
            return self.update(sobject, str(value), body)
        if value is None or value == "":
            raise RowError("MISSING_ARGUMENT", f"{key.name} not specified", [key.name])
        found = self.org.rows.find(full, key, convert(self.org, full, key, value))
        if len(found) > 1:
            message = f"{key.name}: more than one record found for external id field: [{', '.join(found)}]"
            raise RowError("DUPLICATE_EXTERNAL_ID", message, [key.name])
        if found:
            return self.update(sobject, found[0], body)
        if update_only:
            raise RowError("NOT_FOUND", "Provided external ID does not match a record", [key.name], status=404)
        return self.create(sobject, body | {key.name: value})

    # -- checks ------------------------------------------------------------------------------------------------------

    def _existing(self, sobject: SObject, key: str) -> Row:
        full = full_id(key) if isinstance(key, str) else None
        if full is None or full[:3] != sobject.prefix:
            raise RowError("MALFORMED_ID", f"{sobject.label} ID: id value of incorrect type: {key}", ["Id"])
        found = self.org.rows.get(full, deleted=True)
        if found is None:
            raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404)
        if found.deleted:
            raise RowError("ENTITY_IS_DELETED", "entity is deleted", status=404)
        return found

    def _values(self, sobject: SObject, body: dict[str, Any], *, new: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in fields_of(body).items():
            if isinstance(value, dict):
                reference, key = self._parent(sobject, name, value)
                found[reference.name] = key
                continue
            each = sobject.get(name)
            if each is None:
                raise no_such_column(name, sobject.name)
            if each.name == "Id" and not new:
                continue
            if not (each.createable if new else each.updateable) or each.formula:
                message = (
                    f"Unable to create/update fields: {each.name}. Please check the security settings of this field "
                    "and verify that it is read/write for your profile or permission set."
                )
                raise RowError("INVALID_FIELD_FOR_INSERT_UPDATE", message, [each.name])
            if value is None and not self.org.switches["null_clears"]:
                continue
            found[each.name] = convert(self.org, sobject, each, value)
        return found

    def _parent(self, sobject: SObject, name: str, value: dict[str, Any]) -> tuple[Field, str]:
        """The parent named by its external id: ``"Account__r": {"Fusion_Id__c": "C-1"}``."""
        reference = sobject.by_relationship(name)
        keys = fields_of(value)
        if reference is None or len(keys) != 1 or not self.context.by_external_id:
            raise no_such_column(name, sobject.name)
        parent = self.org.visible().get(reference.refs[0].lower())
        key_name, key_value = next(iter(keys.items()))
        key = parent.get(key_name) if parent else None
        if parent is None or key is None or not key.external_id:
            raise no_such_column(key_name, parent.name if parent else reference.refs[0])
        found = self.org.rows.find(parent, key, convert(self.org, parent, key, key_value)) if key_value else []
        if not found:
            message = f"Foreign key external ID: {key_value} not found for field {key.name} in entity {parent.name}"
            raise RowError("INVALID_FIELD", message)
        if len(found) > 1:
            raise RowError("INVALID_FIELD", f"More than one record found for external id field: {key.name}")
        return reference, found[0]

    def _check_refused(self, sobject: SObject, body: dict[str, Any]) -> None:
        for rule in self.org.switches["refuse_rows"]:
            text = json.dumps(body, ensure_ascii=False)
            if rule.get("object", sobject.name) == sobject.name and rule.get("contains", "") in text:
                raise RowError(rule["code"], rule.get("message", "refused"))

    def _check(self, sobject: SObject, row: Row, given: dict[str, Any], old: Row | None) -> None:
        for name, value in given.items():
            each = sobject.get(name)
            if each and each.unique and value is not None:
                holders = [key for key in self.org.rows.find(sobject, each, value) if key != row.id]
                if holders:
                    message = f"duplicate value found: {each.name} duplicates value on record with id: {holders[0]}"
                    raise RowError("DUPLICATE_VALUE", message)
        if sobject.name == "PermissionSetAssignment":
            rules.check_assignment(self.org, row)
        rules.validate(self.org, row)
        duplicates.check(self.org, row, old, allow_save=self.context.allow_save)

    def transaction(self) -> Any:
        return self.org.store.transaction()


def _auto(sobject: SObject, each: Field) -> bool:
    return each.name == "Name" and sobject.auto_name


def key_field(org: Org, sobject: SObject, name: str) -> Field:
    """The external-id field named in a path: 404 where it is unknown, hidden or none."""
    each = sobject.get(name)
    if each is None or not (each.external_id or each.name == "Id"):
        raise not_found("Provided external ID field does not exist or is not accessible: " + name)
    if each.external_id and not each.unique and not org.switches["view_all"]:
        raise Refusal(403, "INSUFFICIENT_ACCESS", f"upsert by {each.name} needs View All Data: it is not unique")
    return each


def looks_like_file(value: str) -> bool:
    """A key that ends like a file name is taken for one in a path (contract 5.1)."""
    return bool(re.search(r"\.[A-Za-z]{2,5}$", value))
