"""Creating and changing records: one pipeline for single calls and batches.

All inputs of a call are checked and written in one transaction. Where partial success is asked for, a bad input is set
aside; otherwise it refuses the whole call and nothing is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .association_types import ASSOCIATION_TYPES, CATEGORY, CONTACT_TO_COMPANY
from .associations import Link
from .commerce import Commerce, add_defaults
from .errors import Problem, Refusal, conflicting, invalid, invalid_properties, missing_properties, unknown_property
from .kinds import COMPANY, CONTACT, INVOICE, LINE_ITEM, PAYMENT, Kind
from .portal import Portal
from .records import Record
from .values import normalise

ENFORCING_VERSION = "2026-09"


@dataclass(slots=True)
class Change:
    """One input: what is given, which record it meets, and what came of it.

    ``plain_create`` tells a create from an upsert that finds no record.
    """

    given: dict[str, Any]
    old: Record | None = None
    trace: str | None = None
    associations: list[Any] = field(default_factory=list)
    plain_create: bool = False
    refusal: Refusal | None = None
    values: dict[str, str] = field(default_factory=dict)
    links: list[tuple[int, int]] = field(default_factory=list)
    new: Record | None = None

    def view(self, kind: Kind) -> dict[str, Any]:
        """The written record as answered: default properties and those that were given."""
        return self.new.view(kind, self.given) if self.new else {}


class Writer:
    """Applies changes to records of one type, through one version of the API."""

    def __init__(self, portal: Portal, kind: Kind, version: str) -> None:
        self._portal, self._kind, self._version = portal, kind, version
        self._commerce = Commerce(portal)

    def apply(self, cursor: sqlite3.Cursor, changes: list[Change], *, partial: bool) -> list[Change]:
        """Write the good ones and return them; each bad one has its ``refusal``. Raises it unless ``partial``."""
        self._each(changes, self._prepare, partial)
        self._check_unique(_good(changes), partial)
        self._check_targets(_good(changes), partial)
        good = _good(changes)
        self._save(cursor, good)
        self._associate(cursor, good)
        self._follow(cursor, good)
        return good

    def _each(self, changes: Iterable[Change], check: Callable[[Change], None], partial: bool) -> None:
        for change in changes:
            if change.refusal is None:
                try:
                    check(change)
                except Refusal as refusal:
                    change.refusal = refusal
            if change.refusal and (change.refusal.whole or not partial):
                raise change.refusal

    # -- one input -------------------------------------------------------------------------------------------------

    def _prepare(self, change: Change) -> None:
        """Check one input by itself and work out the new values."""
        old = change.old.properties if change.old else {}
        given = self._normalise(change.given, old)
        values = {**old, **given}
        if change.old is None:
            add_defaults(self._kind, values, self._portal.clock())
        values = {name: value for name, value in values.items() if value != ""}
        if change.old is None:
            if self._kind is COMPANY and not (values.get("name") or values.get("domain")):
                raise missing_properties("COMPANY", ["name", "domain"], "A company needs a name or a domain.")
            self._commerce.check_create(self._kind, given, values)
        else:
            self._commerce.check_update(self._kind, change.old, given, values)
        if self._version == ENFORCING_VERSION:
            self._check_required(change, values)
        change.values = values
        change.links = self._inline_links(change.associations)

    def _normalise(self, given: dict[str, Any], old: dict[str, str]) -> dict[str, str]:
        portal, problems, values = self._portal, [], {}
        known, switches = portal.definitions, portal.switches
        live = known.of(self._kind)
        for name, raw in given.items():
            definition = live.get(name)
            try:
                if definition is None:
                    raise unknown_property(name)
                if (definition.read_only or definition.calculated) and known.is_read_only(self._kind, definition):
                    message = f'"{name}" is a read only property; its value cannot be set.'
                    raise Problem(name, "READ_ONLY_VALUE", message)
                values[name] = normalise(definition, raw, known, switches, old.get(name, ""))
            except Problem as problem:
                problems.append(problem)
        if problems:
            raise invalid_properties(problems)
        return values

    def _check_required(self, change: Change, values: dict[str, str]) -> None:
        """Rules the account's administrators set; version 2026-09 and later enforce them on writes."""
        switches, name = self._portal.switches, self._kind.name
        required = list(switches["required_properties"].get(name, ())) if change.old is None else []
        for rule in switches["conditional_required"].get(name, ()):
            if all(values.get(key) == value for key, value in rule["when"].items()):
                required += rule["require"]
        missing = [key for key in required if not values.get(key)]
        if missing:
            raise missing_properties(self._kind.label, missing)

    def _inline_links(self, associations: list[Any]) -> list[tuple[int, int]]:
        """Pairs of target id and association type, checked for direction."""
        links = []
        for association in associations:
            try:
                target = int(association["to"]["id"])
                specs = [(spec["associationCategory"], int(spec["associationTypeId"])) for spec in association["types"]]
            except (TypeError, KeyError, ValueError):
                raise invalid("An association needs to.id and types with category and type id.") from None
            for category, type_id in specs:
                known = ASSOCIATION_TYPES.get(type_id)
                if category != CATEGORY or known is None or known.source is not self._kind:
                    raise invalid(f"{category} association type {type_id} does not start at {self._kind.label}.")
                links.append((target, type_id))
        return links

    # -- all inputs together ---------------------------------------------------------------------------------------

    def _check_unique(self, changes: list[Change], partial: bool) -> None:
        """No two records share a value of a unique property."""
        records = self._portal.records
        for name in self._portal.definitions.unique_names(self._kind):
            claims = [c for c in changes if self._claims(c, name)]
            if not claims:
                continue
            wanted = [change.values[name] for change in claims]
            holders = records.holders(self._kind, name, wanted)
            if self._portal.switches["archived_holds_unique"]:
                holders = records.holders(self._kind, name, wanted, archived=True) | holders
            self._each(claims, lambda change, n=name, h=holders: self._claim(change, n, h), partial)  # type: ignore[misc]

    def _claims(self, change: Change, name: str) -> bool:
        value = change.values.get(name)
        return bool(value) and (change.old is None or change.old.properties.get(name) != value)

    def _claim(self, change: Change, name: str, holders: dict[str, int]) -> None:
        """Take a value for a record; ``holders`` also learns what new records of this very call took (as 0)."""
        value = change.values[name]
        folded = self._portal.records.fold(name, value)
        holder = holders.get(folded)
        if holder is None or (change.old is not None and holder == change.old.id):
            holders[folded] = change.old.id if change.old else 0
            return
        if self._kind is CONTACT and name == "email" and (change.plain_create or self._email_conflict_is_409()):
            raise Refusal(409, "CONFLICT", f"Contact already exists. Existing ID: {holder}", whole=True)
        raise invalid_properties([conflicting(name, value, holder)])

    def _email_conflict_is_409(self) -> bool:
        return int(self._portal.switches["email_conflict_on_update"]) == 409

    def _check_targets(self, changes: list[Change], partial: bool) -> None:
        """Inline associations point to existing records only."""
        wanted: dict[int, set[int]] = {}
        for change in changes:
            for target, type_id in change.links:
                wanted.setdefault(ASSOCIATION_TYPES[type_id].target.code, set()).add(target)
        if not wanted:
            return
        kinds = {each.target.code: each.target for each in ASSOCIATION_TYPES.values()}
        present = {code: self._portal.records.present(kinds[code], ids) for code, ids in wanted.items()}

        def check(change: Change) -> None:
            for target, type_id in change.links:
                kind = ASSOCIATION_TYPES[type_id].target
                if target not in present[kind.code]:
                    raise invalid(f"{kind.label} {target} does not exist.", context={"ids": [str(target)]})

        self._each(changes, check, partial)

    # -- writing ---------------------------------------------------------------------------------------------------

    def _save(self, cursor: sqlite3.Cursor, changes: list[Change]) -> None:
        portal, kind = self._portal, self._kind
        now = portal.clock()
        unique = portal.definitions.unique_names(kind)
        next_id = portal.records.next_id(kind)
        created, updated = [], []
        for change in changes:
            if change.old is None:
                change.new = Record(next_id, change.values, now, now)
                created.append(change.new)
                next_id += 1
            else:
                change.new = Record(change.old.id, change.values, change.old.created, now)
                updated.append((change.old, change.new))
        portal.records.insert(cursor, kind, created, unique)
        portal.records.update(cursor, kind, updated, unique)

    def _associate(self, cursor: sqlite3.Cursor, changes: list[Change]) -> None:
        links = [
            Link(change.new.id, target, ASSOCIATION_TYPES[type_id])
            for change in changes
            if change.new
            for target, type_id in change.links
        ]
        if links:
            make_links(self._portal, cursor, links)

    def _follow(self, cursor: sqlite3.Cursor, changes: list[Change]) -> None:
        """What HubSpot does by itself after a write, and the records as they are then."""
        written = [change.new.id for change in changes if change.new]
        if self._kind is INVOICE:
            for change in changes:
                if change.new:
                    self._commerce.opened(cursor, change.old, change.new)
        if self._kind is CONTACT and self._portal.switches["attach_by_domain"]:
            attach_by_domain(self._portal, cursor, [c.new for c in changes if c.new and c.old is None])
        settled = self._commerce.follow(cursor, self._kind, written)
        for change in changes:
            if change.new:
                change.new = settled.get(change.new.id, change.new)


def attach_by_domain(portal: Portal, cursor: sqlite3.Cursor, contacts: list[Record]) -> None:
    """Associate new contacts with the companies of their e-mail domain, which an account may have switched on."""
    domains = {contact.id: contact.properties.get("email", "").rpartition("@")[2] for contact in contacts}
    for company in portal.records.everything(COMPANY, "AND json_extract(doc, '$.domain') IS NOT NULL"):
        members = [key for key, domain in domains.items() if domain == company.properties["domain"].lower()]
        make_links(portal, cursor, [Link(key, company.id, ASSOCIATION_TYPES[CONTACT_TO_COMPANY]) for key in members])


def make_links(portal: Portal, cursor: sqlite3.Cursor, links: list[Link]) -> None:
    """Make associations and let invoices and payments follow."""
    portal.associations.create(cursor, links, portal.clock())
    follow_links(portal, cursor, links)


def follow_links(portal: Portal, cursor: sqlite3.Cursor, links: list[Link]) -> None:
    """Amounts, payment states and counts that hang on associations made or removed."""
    lines = [link for link in links if link.type.joins(INVOICE, LINE_ITEM)]
    paid = [link for link in links if link.type.joins(INVOICE, PAYMENT)]
    invoices = {link.source if link.type.source is INVOICE else link.target for link in lines + paid}
    payments = {link.source if link.type.source is PAYMENT else link.target for link in paid}
    commerce = Commerce(portal)
    if invoices:
        commerce.settle(cursor, invoices)
    if payments:
        commerce.count_invoices(cursor, payments)


def archive(portal: Portal, cursor: sqlite3.Cursor, kind: Kind, ids: list[int], *, checked: bool = True) -> None:
    """Put records into the bin; an invoice takes its line items along. ``checked`` applies the delete rules."""
    if kind is INVOICE:
        if checked:
            Commerce(portal).check_delete(portal.records.get(kind, ids).values())
        found = portal.associations.targets(kind, ids, LINE_ITEM)
        lines = sorted({line for lines in found.values() for line in lines})
        if lines:
            archive(portal, cursor, LINE_ITEM, lines)
    parents = portal.associations.targets(kind, ids, INVOICE) if kind in (LINE_ITEM, PAYMENT) else {}
    for record_id in ids:
        portal.associations.drop_record(cursor, kind, record_id)
    portal.records.archive(cursor, kind, ids)
    if parents:
        Commerce(portal).settle(cursor, {invoice for invoices in parents.values() for invoice in invoices})


def _good(changes: Iterable[Change]) -> list[Change]:
    return [change for change in changes if change.refusal is None]
