"""Finding orders again by our own references: many to a call, and nothing taken for found that is not ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from connections.connectors.base import Document

from . import dialect as d
from .rows import bare
from .streams import CREATED, Resource

if TYPE_CHECKING:
    from .client import FusionClient

REFERENCE = "SourceTransactionId"
EARLIER = timedelta(days=1)
"""How long before the first attempt an order may seem created, whatever the zone a pod compares dates in."""
FEW = 20
"""So many references are searched one by one where the pod refuses ``or``; for more, what was created is read."""
_WORD = re.compile(r"[^\s\[\](){}<>,;|]+")


def orders(client: FusionClient, system: str, ids: Sequence[str]) -> dict[str, Document]:
    wanted = list(dict.fromkeys(ids))
    ours = f"SourceTransactionSystem = {d.literal('SourceTransactionSystem', system)}"
    rows = client.ask(
        client.resource("sales_orders"),
        lambda dialect: (f"{ours} and ({part})" for part in d.equals(REFERENCE, wanted, dialect)),
    )
    asked = set(wanted)
    newest: dict[str, Document] = {}
    for row in sorted((row for row in rows if row.get("SourceTransactionSystem") == system), key=_version):
        if row.get(REFERENCE) in asked:
            newest[row[REFERENCE]] = bare(row)
    return newest


def _version(row: Document) -> tuple[int, int]:
    return int(row.get("SourceTransactionRevisionNumber") or 0), int(row["HeaderId"])


def purchase_orders(client: FusionClient, references: Sequence[str], since: datetime | None) -> dict[str, Document]:
    """Drafts are asked for first: one that is submitted meanwhile is then found among the orders."""
    wanted = list(dict.fromkeys(references))
    ours = set(wanted)
    found: dict[str, dict[int, Document]] = {}
    for stream in ("draft_purchase_orders", "purchase_orders") if wanted else ():
        draft = stream == "draft_purchase_orders"
        for row in _candidates(client, client.resource(stream), wanted, since):
            for reference in _carried(row) & ours:
                # A change to an order is a draft again, under the same id: the order counts.
                found.setdefault(reference, {})[int(row["POHeaderId"])] = {**bare(row), "_draft": draft}
    return {reference: _ours(reference, rows) for reference, rows in found.items()}


def by_id(client: FusionClient, stream: str, ids: Iterable[str]) -> dict[str, Document]:
    """The purchase orders or drafts with these POHeaderIds, links included."""
    resource = client.resource(stream)
    wanted = list(dict.fromkeys(ids))
    rows = client.ask(resource, lambda dialect: d.equals(resource.key, wanted, dialect)) if wanted else []
    return {str(row[resource.key]): row for row in rows}


def _candidates(
    client: FusionClient, resource: Resource, references: Sequence[str], since: datetime | None
) -> list[Document]:
    def conditions(dialect: d.Dialect) -> Iterable[str]:
        if dialect.like and (dialect.either or len(references) <= FEW):
            return d.chunked(d.holding, str(resource.text), references, joins=dialect.either)
        return [f"{CREATED} >= {d.stamp_literal(since - EARLIER, dialect.form)}" if since else ""]

    return client.ask(resource, conditions)


def _carried(row: Document) -> set[str]:
    """What may be a reference of ours. A filter on text may be ignored, or take one for the beginning of another."""
    words = {word.strip(".:'\"") for word in _WORD.findall(str(row.get("Description") or ""))}
    return words | {str(row.get("ReferenceNumber") or "")}


def _ours(reference: str, rows: dict[int, Document]) -> Document:
    """A copy that somebody made carries our reference too; the one we created is older."""
    exact = [id_ for id_, row in rows.items() if row.get("ReferenceNumber") == reference]
    return rows[min(exact or rows)]
