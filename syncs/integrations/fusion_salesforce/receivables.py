"""What invoices, credit memos and payments share in Salesforce: amounts, currency, and the Account they are on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connections.connectors.base import Document
from connections.errors import DependencyMissing
from syncs.engine.flow import FlowDefinition, Item, Reference
from syncs.engine.standing import Place
from syncs.integrations.fusion_salesforce.parts import Layout
from syncs.integrations.fusion_salesforce.writing import STALE, there
from syncs.money import exact

SALESFORCE = "Salesforce"
FEW, MANY = 2, 10
LOOK_AGAIN = timedelta(hours=6)
"""What was deleted may be restored without anything else happening."""


class Receivables(FlowDefinition):
    """Documents of finance, each on the Account of its customer. ``one`` is what texts call one."""

    one: str
    layout: Layout

    def write_unit(self, expected: int, usual: int) -> int:
        """Jobs of the Bulk API cost the same calls for any number of rows: 10,000 at a time by default."""
        return MANY * usual if expected > FEW * usual else usual

    def touched(self, item: Item) -> Iterable[Reference]:
        """The customer's open balance moves with the document's."""
        yield from item.mapped.touches
        if item.document and self.moves_balance(item):
            yield "customers", item.document["customer"]

    def places(self, document: Document, ids: Document, capabilities: Mapping[str, Any]) -> Iterable[Place]:
        if not document:
            return
        layout = self.layout
        kind, parts = layout.kind, ids.get(layout.parts, {})
        yield there((kind,), self.one.capitalize(), kind, ids.get(kind), document[kind], capabilities)
        for key, part in document[layout.parts].items():
            path, name = (layout.parts, key), layout.name(part)
            yield there(path, name, layout.part_kind, parts.get(key), part, capabilities)

    def moves_balance(self, item: Item) -> bool:
        before = item.delivered.get("document", {}).get("balance")
        return bool(item.error) or item.document["balance"] != before

    def wait_for_accounts(self, items: Iterable[Item], now: datetime) -> None:
        """Records that were refused because of their Account go once the customer has one again."""
        for item in items:
            if item.error is not None and item.error.code in STALE:
                item.failed(
                    DependencyMissing(
                        f"The Account of this customer was deleted or merged in Salesforce. The {self.one} goes by "
                        "itself once the customer has an Account again; if the customer is held, decide about it "
                        "first.",
                        waits_for=("customers", item.document["customer"]),
                        code="account_gone",
                        detail=item.error.detail,
                    )
                )
                item.retry_at = now + LOOK_AGAIN


def money(amount: Decimal | None, currency: str) -> str | None:
    """Exact, as text: with the decimals of its currency, more only where there are more."""
    return None if amount is None else exact(amount, currency)


def iso_code(currency: str, capabilities: Mapping[str, Any]) -> Document:
    """Orgs with one currency lack this field, and take every amount for one in theirs."""
    return {"CurrencyIsoCode": currency} if capabilities.get("multi_currency") else {}
