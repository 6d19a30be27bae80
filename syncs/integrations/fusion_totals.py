"""What a reconciliation reads of Fusion's receivables, the same for every destination."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from connections.connectors.base import Row
from syncs.engine.checkpoint import start_of
from syncs.integrations.fusion_receivables import invoice_number, receipt_number
from syncs.models import Sync
from syncs.reporting.reconciliation import Origin, month_of


def rows(source: Any, sync: Sync, stream: str, keys: Collection[str] | None) -> Iterator[Row]:
    """Those with these keys; all, without. What was last changed before the sync's start date is not mirrored."""
    if keys is not None:
        yield from source.fetch(stream, list(keys))
        return
    since = start_of(sync) if sync.start_date else None
    for page in source.walk(stream, since=since, until=source.server_now(), after=None):
        yield from page.rows


def invoice_origin(row: Row, flow: str = "invoices") -> Origin:
    day = row.data.get("TransactionDate") or row.data.get("BillingDate")
    return Origin(flow, row.key, month_of(day), invoice_number(row))


def receipt_origin(row: Row) -> Origin:
    return Origin("payments", row.key, month_of(row.data.get("ReceiptDate")), receipt_number(row))
