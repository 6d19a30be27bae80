"""What people do in HubSpot's own screens, past the rules of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .association_types import ASSOCIATION_TYPES, plain_type
from .associations import Link
from .commerce import Commerce
from .kinds import INVOICE, PAYMENT, Kind, find_kind
from .objects import find, merge
from .portal import Portal
from .records import Record
from .writing import archive, make_links


class People:
    """Business events. A record is named by its id or, like ``fusion_id=300000000000001``, by a unique property."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def _kind(self, name: str) -> Kind:
        kind = find_kind(name)
        if kind is None:
            raise ValueError(f"unknown object type {name!r}")
        return kind

    def _record(self, kind: Kind, key: str | int) -> Record:
        name, _, value = str(key).rpartition("=")
        found = find(self._portal, kind, name, [value])
        if not found:
            raise ValueError(f"there is no record {key} among the {kind.name}")
        return next(iter(found.values()))

    def events(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """What can be started by name from outside, with JSON arguments; each returns the ids it touched."""
        return {
            "hubspot_record_deleted": lambda type, key: {"id": self.delete(type, key)},
            "hubspot_record_edited": lambda type, key, properties: {"id": self.edit(type, key, properties)},
            "hubspot_records_merged": lambda type, keep, lose: {"id": self.merge(type, keep, lose)},
            "hubspot_invoice_status": lambda key, status: {"id": self.set_invoice_status(key, status)},
            "hubspot_payment_recorded": lambda key, amount: {"id": self.record_payment(key, str(amount))},
        }

    def delete(self, type: str, key: str | int) -> str:
        """Someone deletes a record; its id. An invoice takes its line items along, whatever its status."""
        kind = self._kind(type)
        with self._portal.store.transaction() as cursor:
            record = self._record(kind, key)
            archive(self._portal, cursor, kind, [record.id], checked=False)
        return str(record.id)

    def edit(self, type: str, key: str | int, properties: dict[str, str]) -> str:
        """Someone changes properties; empty text clears one. Nothing is validated, but invoices follow."""
        kind, portal = self._kind(type), self._portal
        with portal.store.transaction() as cursor:
            old = self._record(kind, key)
            values = {name: value for name, value in (old.properties | properties).items() if value != ""}
            new = Record(old.id, values, old.created, portal.clock())
            portal.records.update(cursor, kind, [(old, new)], portal.definitions.unique_names(kind))
            if kind is INVOICE:
                Commerce(portal).opened(cursor, old, new)
            Commerce(portal).follow(cursor, kind, [old.id])
        return str(old.id)

    def set_invoice_status(self, key: str | int, status: str) -> str:
        """Someone sets the status of an invoice by hand: draft, open, paid or voided."""
        return self.edit(INVOICE.name, key, {"hs_invoice_status": status})

    def merge(self, type: str, keep: str | int, lose: str | int) -> str:
        """Someone merges two records; the id of what is left, which may be new."""
        kind = self._kind(type)
        first, second = self._record(kind, keep), self._record(kind, lose)
        if first.id == second.id:
            raise ValueError("a record cannot be merged with itself")
        return str(merge(self._portal, kind, first.id, second.id).id)

    def create(self, type: str, properties: dict[str, str]) -> str:
        """Someone creates a record; its id. Nothing is validated."""
        kind, portal = self._kind(type), self._portal
        with portal.store.transaction() as cursor:
            now = portal.clock()
            record = Record(portal.records.next_id(kind), dict(properties), now, now)
            portal.records.insert(cursor, kind, [record], portal.definitions.unique_names(kind))
        return str(record.id)

    def associate(self, type: str, key: str | int, to_type: str, to_key: str | int, type_id: int | None = None) -> None:
        """Someone associates two records."""
        source, target = self._kind(type), self._kind(to_type)
        kind = ASSOCIATION_TYPES[type_id] if type_id else plain_type(source, target)
        if kind is None:
            raise ValueError(f"no association from {type} to {to_type}")
        with self._portal.store.transaction() as cursor:
            link = Link(self._record(source, key).id, self._record(target, to_key).id, kind)
            make_links(self._portal, cursor, [link])

    def record_payment(self, invoice: str | int, amount: str, **properties: str) -> str:
        """Someone records a succeeded payment on an invoice; the payment's id."""
        currency = self._record(INVOICE, invoice).properties["hs_currency"]
        values: dict[str, Any] = {
            "hs_initial_amount": amount,
            "hs_latest_status": "succeeded",
            "hs_currency_code": currency,
            "hs_processor_type": "none",
        }
        payment = self.create(PAYMENT.name, values | properties)
        self.associate(INVOICE.name, self._record(INVOICE, invoice).id, PAYMENT.name, payment)
        return payment
