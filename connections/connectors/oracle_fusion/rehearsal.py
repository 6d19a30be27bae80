"""Fusion's verbs without any effect. An order that would be made is answered as Fusion answers a new draft."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from connections.connectors.base import Access, Document
from connections.errors import ConnectorError
from connections.http import Call, Door
from connections.rehearsal import is_made_up, made_up

from .client import FusionClient
from .writing import NewRow

SALES_ORDERS, PURCHASE_ORDERS = "sales_orders", "draft_purchase_orders"
SUBMITTED = {"_draft": False, "Status": "Pending approval", "StatusCode": "PENDING APPROVAL"}


def only_reads(call: Call) -> bool:
    return call.method == "GET"


class FusionRehearsal(FusionClient):
    def __init__(self, door: Door, access: Access) -> None:
        super().__init__(door, access)
        self._drafted: dict[str, dict[str, Document]] = {SALES_ORDERS: {}, PURCHASE_ORDERS: {}}

    def create_orders(self, rows: Sequence[NewRow]) -> dict[str, Document | ConnectorError]:
        return self._draft(SALES_ORDERS, "HeaderId", rows)

    def orders(self, system: str, ids: Sequence[str]) -> dict[str, Document]:
        return {**self._drafts(SALES_ORDERS, ids), **super().orders(system, ids)}

    def create_purchase_orders(self, rows: Sequence[NewRow]) -> dict[str, Document | ConnectorError]:
        return self._draft(PURCHASE_ORDERS, "POHeaderId", rows)

    def submit_purchase_orders(self, ids: Mapping[str, str]) -> dict[str, ConnectorError | None]:
        for key in self._drafts(PURCHASE_ORDERS, ids):
            self._drafted[PURCHASE_ORDERS][key] |= SUBMITTED
        return dict.fromkeys(ids)

    def purchase_orders(self, references: Sequence[str], since: datetime | None = None) -> dict[str, Document]:
        return {**self._drafts(PURCHASE_ORDERS, references), **super().purchase_orders(references, since)}

    def related(
        self, stream: str, attribute: str, values: Iterable[str | int], expand: str | None = None
    ) -> list[Document]:
        """Fusion is not asked for what would be created."""
        asked = [value for value in values if not is_made_up(str(value))]
        return super().related(stream, attribute, asked, expand) if asked else []

    def _draft(self, stream: str, id_field: str, rows: Sequence[NewRow]) -> dict[str, Document | ConnectorError]:
        answers: dict[str, Document | ConnectorError] = {}
        for key, values in rows:
            state = {id_field: made_up(stream, key), "Status": "Incomplete", "StatusCode": "INCOMPLETE"}
            drafted = {**values, **state, "_draft": True}
            self._drafted[stream][key] = drafted
            answers[key] = dict(drafted)
        return answers

    def _drafts(self, stream: str, keys: Iterable[str]) -> dict[str, Document]:
        drafted = self._drafted[stream]
        return {key: dict(drafted[key]) for key in keys if key in drafted}
