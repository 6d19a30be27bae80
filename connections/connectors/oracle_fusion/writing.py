"""Creating orders. No key makes a second POST harmless: none is sent before the first is accounted for.

What is sent twice was surely not applied the first time: a 429, a 401, a line that never stood. Everything else without
a usable answer is ``OutcomeUnknown``, and whoever stored the intent asks by the order's own reference.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connections.connectors.base import Document
from connections.errors import ConnectorError, OutcomeUnknown, RecordError, TransientError
from connections.http import Answer, Call

from . import lookup
from .errors import Deed, NotVisible, of_a_write
from .rows import bare

if TYPE_CHECKING:
    from .client import FusionClient

NewRow = tuple[str, Document]
"""(our key, the document to create)."""
Outcomes = dict[str, Answer | ConnectorError]

ITEM = "application/vnd.oracle.adf.resourceitem+json"
ACTION = "application/vnd.oracle.adf.action+json"
ORDER = Deed("create", "this sales order", "sales orders")
DRAFT = Deed("create", "this purchase order", "purchase orders")
SUBMISSION = Deed("submit", "this purchase order", "purchase orders")
SUBMIT: Document = {"validateBeforeSubmitFlag": True}
SAID_NOTHING = (
    "Oracle Fusion took {one} but did not say under which number. It is looked up before anything is sent again."
)
UNSENT = "This was not sent, because Oracle Fusion stopped taking {many}: {text} It follows with the next run."
GONE = (
    "Oracle Fusion shows this purchase order neither as a draft nor as an order. Look for it there: it was deleted, or "
    "the Fusion user has lost access to its business unit."
)


@dataclass(frozen=True, slots=True)
class Action:
    """One call on behalf of our key."""

    key: str
    path: str
    body: bytes
    media: str


def create_orders(client: FusionClient, rows: Sequence[NewRow]) -> dict[str, Document | ConnectorError]:
    outcome = _created(client, rows, "sales_orders", ORDER)
    outcome.update(_there_already(client, rows, outcome))
    return outcome


def create_drafts(client: FusionClient, rows: Sequence[NewRow]) -> dict[str, Document | ConnectorError]:
    outcome = _created(client, rows, "draft_purchase_orders", DRAFT)
    return {
        key: found if isinstance(found, ConnectorError) else {**found, "_draft": True} for key, found in outcome.items()
    }


def submit_drafts(client: FusionClient, ids: Mapping[str, str]) -> dict[str, ConnectorError | None]:
    """Opaque addresses go stale: a draft that is not where it was said to be is looked up once more."""
    outcome: dict[str, ConnectorError | None] = {}
    lost = _submitted(client, ids, outcome)
    try:
        _submitted(client, lost, outcome)
    except ConnectorError:
        return outcome  # what was submitted must be told
    return outcome


def _created(
    client: FusionClient, rows: Sequence[NewRow], stream: str, deed: Deed
) -> dict[str, Document | ConnectorError]:
    resource = client.resource(stream)
    path = client.path(resource)
    outcome: dict[str, Document | ConnectorError] = {}
    for key, answer in _sent(client, [Action(key, path, encode(values), ITEM) for key, values in rows], deed).items():
        if isinstance(answer, ConnectorError):
            outcome[key] = answer
        elif isinstance(answer.body, dict) and answer.body.get(resource.key):
            outcome[key] = bare(answer.body)
        else:
            outcome[key] = OutcomeUnknown(SAID_NOTHING.format(one=deed.one), detail={"status": answer.status})
    return outcome


def _there_already(
    client: FusionClient, rows: Sequence[NewRow], outcome: Mapping[str, Document | ConnectorError]
) -> dict[str, Document]:
    """Orders refused because they exist. How Fusion says so is not published, so all refused ones are asked for."""
    refused: dict[str, list[str]] = defaultdict(list)
    for key, values in rows:
        system = values.get("SourceTransactionSystem")
        if system and isinstance(outcome[key], RecordError):
            refused[str(system)].append(key)
    found: dict[str, Document] = {}
    try:
        for system, keys in refused.items():
            found |= lookup.orders(client, system, keys)
    except ConnectorError:
        return found  # what was created must be told; the refusals stand as they are
    return found


def _submitted(
    client: FusionClient, ids: Mapping[str, str], outcome: dict[str, ConnectorError | None]
) -> dict[str, str]:
    """Returns those to be looked up again."""
    resource = client.resource("draft_purchase_orders")
    drafts = lookup.by_id(client, "draft_purchase_orders", ids.values())
    others = lookup.by_id(client, "purchase_orders", [id_ for id_ in ids.values() if id_ not in drafts])
    actions = []
    for key, id_ in ids.items():
        if id_ in drafts:
            path = f"{client.address(resource, drafts[id_])}/action/submit"
            actions.append(Action(key, path, encode(SUBMIT), ACTION))
        else:
            outcome[key] = None if id_ in others else NotVisible(GONE)
    again = {}
    for key, answer in _sent(client, actions, SUBMISSION).items():
        outcome[key] = answer if isinstance(answer, ConnectorError) else None
        if isinstance(answer, NotVisible):
            again[key] = ids[key]
    return again


def _sent(client: FusionClient, actions: Sequence[Action], deed: Deed) -> Outcomes:
    """One call a record, in parallel. Stopped half-way, it tells what became of the first; the rest were not sent."""
    calls: list[Call] = [client.post_call(each.path, each.body, each.media, deed.many) for each in actions]
    outcome: Outcomes = {}
    try:
        for index, answer in client.door.send_many(calls):
            told = of_a_write(answer, deed) if isinstance(answer, ConnectorError) else answer
            outcome[actions[index].key] = told
    except ConnectorError as error:
        error = of_a_write(error, deed)
        if not outcome:
            raise error from None
        text = UNSENT.format(many=deed.many, text=error.text)
        unsent = TransientError(text, code=error.code, detail=error.detail, retry_after=_wait(error))
        for each in actions:
            outcome.setdefault(each.key, unsent)
    return outcome


def _wait(error: ConnectorError) -> float | None:
    return error.retry_after if isinstance(error, TransientError) else None


def encode(document: Document) -> bytes:
    """Numbers stay exact; a timestamp is sent in UTC, a business date as it is."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        number = float(value)
        return number if Decimal(repr(number)) == value else format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written to Oracle Fusion")
