"""The org: its rows, its schema as the Run-As user sees it, the calls of the day and the rows being written."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from connections.sandbox.store import Store

from .errors import Refusal
from .ids import make_id
from .rows import Row, Rows, stamp_of
from .schema import SObject, from_json, to_json
from .standard import standard_objects
from .switches import defaults

ORG_ID = make_id("00D", 1)
DAY = 86_400


class Org:
    """What every handler works on. ``schema`` is all there is, ``visible()`` what the user may see of it."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self.store, self.clock = store, clock
        self.switches: dict[str, Any] = defaults()
        self.rows = Rows(store)
        self.schema = standard_objects()
        self.schema.update({name: from_json(each) for name, each in self.rows.meta("schema", {}).items()})
        self.usage = Usage(self)
        self.locks = Locks()
        self.sessions: dict[str, float] = {}
        self.cursors: dict[str, Any] = {}
        self.jobs: dict[str, Any] = {}
        self.deployments: dict[str, Any] = {}
        self.rights_version = 0
        self._visible: tuple[Any, dict[str, SObject]] = (None, {})
        if self.rows.meta("user") is None:
            self._found()

    def _found(self) -> None:
        """The organization and its two people: the administrator and the user the app runs as."""
        stamp = stamp_of(self.clock() - 500 * DAY)
        with self.store.transaction() as cursor:
            company = Row(ORG_ID, "Organization", {"Name": "Larkfield Trading", "OrganizationType": "Team Edition"})
            admin = Row(self.rows.next_id("005"), "User", _user("Ada", "Admin"))
            runner = Row(self.rows.next_id("005"), "User", _user("Integration", "User"))
            for row in (company, admin, runner):
                row.created = row.modified = row.stamp = stamp
                self.rows.insert(cursor, self.schema[row.object.lower()], row)
            self.rows.remember("user", runner.id)

    def now(self) -> str:
        return stamp_of(self.clock())

    @property
    def user(self) -> str:
        """Id of the user the app runs as."""
        return str(self.rows.meta("user"))

    # -- schema ------------------------------------------------------------------------------------------------------

    def save_schema(self, changed: Iterable[SObject]) -> None:
        """Take over changed objects. Nothing new is visible before it is granted."""
        changed = list(changed)
        with self.store.transaction() as cursor:
            self.schema |= {each.name.lower(): each for each in changed}
            kept = {name: to_json(each) for name, each in self.schema.items() if _is_changed(each)}
            self.rows.remember("schema", kept)
            self.rows.remember("schema_changed", self.clock())
            self.rows.reindex(cursor, changed)
        self.rights_changed()

    def rights_changed(self) -> None:
        self.rights_version += 1

    def visible(self) -> dict[str, SObject]:
        """Objects and fields the user may see: custom ones only where an assigned permission set grants them
        (source: metadata-api/PermissionSet).
        """
        s = self.switches
        rights = repr((s["hidden_fields"], s["object_access"], s["multi_currency"], s["person_accounts"]))
        key = (self.rights_version, rights)
        if self._visible[0] != key:
            self._visible = (key, self._see())
        return self._visible[1]

    def _see(self) -> dict[str, SObject]:
        with self.store.lock:
            mine = {
                row.doc["PermissionSetId"]
                for row in self.rows.many("PermissionSetAssignment")
                if row.doc["AssigneeId"] == self.user
            }
            objects = [row.doc for row in self.rows.many("ObjectPermissions") if row.doc["ParentId"] in mine]
            fields = [row.doc for row in self.rows.many("FieldPermissions") if row.doc["ParentId"] in mine]
        readable = {doc["Field"].lower() for doc in fields if doc.get("PermissionsRead")}
        editable = {doc["Field"].lower() for doc in fields if doc.get("PermissionsEdit")}
        hidden = {name.lower() for name in self.switches["hidden_fields"]}
        found: dict[str, SObject] = {}
        for name, sobject in self.schema.items():
            granted = self._object_rights(sobject, objects)
            if granted is None:
                continue
            kept = []
            for each in sobject.fields.values():
                full = f"{name}.{each.name.lower()}"
                always = not each.custom or each.required or each.master
                if full in hidden or (each.needs and not self.switches[each.needs]):
                    continue
                if always or full in editable:
                    kept.append(each)
                elif full in readable:
                    kept.append(replace(each, createable=False, updateable=False))
            create, edit, delete = granted
            seen = sobject.with_fields(kept)
            found[name] = replace(seen, createable=create, updateable=edit, deletable=delete)
        return found

    def _object_rights(self, sobject: SObject, grants: list[dict[str, Any]]) -> tuple[bool, bool, bool] | None:
        """Create, edit, delete; None where the object may not even be read."""
        if not sobject.custom:
            access = self.switches["object_access"].get(sobject.name, "all")
            writable = access == "all" and sobject.name not in ("User", "Organization")
            return None if access == "none" else (writable, writable, writable)
        mine = [doc for doc in grants if doc["SobjectType"].lower() == sobject.name.lower()]
        if not any(doc.get("PermissionsRead") for doc in mine):
            return None
        kinds = ("PermissionsCreate", "PermissionsEdit", "PermissionsDelete")
        create, edit, delete = (any(doc.get(kind) for doc in mine) for kind in kinds)
        return create, edit, delete

    def restricted(self, object_name: str, field_name: str) -> bool:
        return f"{object_name}.{field_name}" in self.switches["restricted_picklists"]


def _user(first: str, last: str) -> dict[str, Any]:
    address = f"{first}.{last}@larkfield.example".lower()
    name = {"FirstName": first, "LastName": last, "Name": f"{first} {last}"}
    return name | {"Username": address, "Email": address, "IsActive": True}


def _is_changed(sobject: SObject) -> bool:
    return sobject.custom or any(each.custom for each in sobject.fields.values())


class Usage:
    """Calls of the last 24 hours (source: salesforce-app-limits-cheatsheet)."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._calls: deque[list[float]] = deque()
        self._lock = threading.Lock()

    def used(self) -> int:
        with self._lock:
            edge = self._org.clock() - DAY
            while self._calls and self._calls[0][0] <= edge:
                self._calls.popleft()
            return int(sum(count for _, count in self._calls))

    def admit(self, number: int = 1) -> None:
        """Count calls, or refuse beyond the day's limit: 403 without Retry-After."""
        if self._org.switches["concurrent_limit_hit"]:
            raise Refusal(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.")
        if self.used() + number > self._org.switches["daily_limit"]:
            raise Refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        minute = self._org.clock() // 60 * 60
        with self._lock:
            if self._calls and self._calls[-1][0] == minute:
                self._calls[-1][1] += number
            else:
                self._calls.append([minute, number])

    def header(self) -> str:
        switches = self._org.switches
        text = f"api-usage={self.used()}/{switches['daily_limit']}"
        if switches["per_app_usage"]:
            text += f"; per-app-api-usage={self.used()}/{switches['daily_limit']}(appName=Fusion Sync)"
        return text


class Locks:
    """Rows that calls are writing just now. A call never waits: what another one holds is refused."""

    def __init__(self) -> None:
        self._held: dict[str, object] = {}
        self._lock = threading.Lock()

    def take(self, owner: object, keys: Iterable[str]) -> str | None:
        """Hold all of the keys, or none: then the first one that somebody else holds is returned."""
        wanted = sorted(set(keys))
        with self._lock:
            for key in wanted:
                holder = self._held.get(key)
                if holder is not None and holder is not owner:
                    return key
            for key in wanted:
                self._held[key] = owner
        return None

    def release(self, owner: object) -> None:
        with self._lock:
            self._held = {key: held for key, held in self._held.items() if held is not owner}
