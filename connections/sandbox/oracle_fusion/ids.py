"""Ids as a pod that changed its number range shows them: 15 digits at first, 18 digits later."""

from __future__ import annotations

from .records import Records

SHORT_IDS = 90
_SHORT = 300_000_000_000_000
_LONG = 100_000_000_000_000_000
KINDS = (
    "party",
    "address",
    "contact_point",
    "usage",
    "relationship",
    "classification",
    "account",
    "site",
    "invoice",
    "line",
    "tax",
    "installment",
    "receipt",
    "application",
    "memo",
    "remittance",
    "supplier",
    "supplier_address",
    "supplier_contact",
    "supplier_site",
    "purchase_order",
    "po_line",
    "po_schedule",
    "po_distribution",
    "sales_order",
    "order_line",
    "order_party",
    "order_charge",
    "order_component",
    "order_total",
)


class Ids:
    """Hands out ids; ascending within a kind, never the same for two kinds, remembered in the store."""

    def __init__(self, records: Records) -> None:
        self.records = records

    def one(self, kind: str) -> int:
        return self.many(kind, 1)[0]

    def many(self, kind: str, count: int) -> list[int]:
        first = self.records.sequence(kind, 1, count)
        place = KINDS.index(kind)
        return [_identity(place, number) for number in range(first, first + count)]

    def number(self, name: str, start: int, count: int = 1) -> int:
        """The first of ``count`` consecutive numbers for documents people read, such as invoice numbers."""
        return self.records.sequence(f"number.{name}", start, count)


def _identity(place: int, number: int) -> int:
    if number <= SHORT_IDS:
        return _SHORT + place * 10_000_000 + number
    return _LONG + place * 1_000_000_000 + number
