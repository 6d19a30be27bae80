"""POST, PATCH, DELETE and actions: content types, bodies, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..wire import Request
from .errors import FusionError, bad_request, not_found
from .ledger import Ledger
from .purchase_orders import ACTIONS, PurchaseOrders
from .sales_orders import SalesOrders

ITEM_TYPES = frozenset({"application/json", "application/vnd.oracle.adf.resourceitem+json"})
ACTION_TYPES = frozenset({"application/vnd.oracle.adf.action+json"})
UNREADABLE = "27521"


@dataclass(frozen=True)
class Writable:
    """What can be done to a resource besides reading it: methods on the collection and on an item, and actions."""

    create: Callable[[Mapping[str, Any]], int]
    change: Callable[[int, Mapping[str, Any]], None] | None = None
    delete: Callable[[int], None] | None = None
    act: Callable[[str, int, Mapping[str, Any]], Any] | None = None
    actions: frozenset[str] = frozenset()

    def methods(self, place: str) -> frozenset[str]:
        """``place``: "collection" or "item"."""
        if place == "collection":
            return frozenset({"POST"})
        return frozenset(
            name for name, offered in (("PATCH", self.change), ("DELETE", self.delete)) if offered is not None
        )


class Writing:
    """The resources that can be written, by name."""

    def __init__(self, ledger: Ledger, switches: Mapping[str, Any]) -> None:
        self.sales_orders = SalesOrders(ledger, switches)
        self.purchase_orders = PurchaseOrders(ledger, switches)
        purchases = self.purchase_orders
        self.resources = {
            "salesOrdersForOrderHub": Writable(self.sales_orders.create),
            "draftPurchaseOrders": Writable(
                purchases.create, purchases.change, purchases.delete, purchases.act, frozenset(ACTIONS)
            ),
        }


def check_type(request: Request, allowed: frozenset[str]) -> None:
    """Raises 415 for a content type that is not documented for this kind of call."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in allowed:
        raise FusionError(415, f"The content type {given or 'of the request'} is not supported.")


def read_body(request: Request, *, empty: bool = False) -> dict[str, Any]:
    """The body as an object, decimals kept exact. ``empty``: no body stands for no values."""
    if empty and not request.body.strip():
        return {}
    try:
        body = json.loads(request.body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise bad_request("The request body cannot be parsed.", UNREADABLE)
    return body


def _no_number(text: str) -> Any:
    raise ValueError(text)


def check_upsert(request: Request) -> None:
    """Finding and changing instead of creating is published as a header; its effect here is not, so it is refused."""
    if request.headers.get("upsert-mode", "false").lower() != "false":
        raise bad_request("Upsert-Mode is not supported by this resource.")


def check_unchanged(request: Request, etag: str) -> None:
    """Raises 412 where the caller names another state of the row than it has."""
    wanted = request.headers.get("if-match")
    if wanted not in (None, "*", etag, etag.strip('"')):
        raise FusionError(412, "The resource item was changed by another user.", "JBO-25014")


def action_of(rest: list[str], actions: frozenset[str]) -> str:
    """The name of ``{key}/action/{name}``. Raises 404."""
    if len(rest) != 3 or rest[1] != "action" or rest[2] not in actions:
        raise not_found()
    return rest[2]


def created_children(body: Mapping[str, Any]) -> list[str]:
    """Paths of the children that were sent along, as an expansion names them."""
    found = []
    for name, value in body.items():
        if isinstance(value, list):
            found.append(name)
            deeper = {path for each in value if isinstance(each, dict) for path in created_children(each)}
            found += [f"{name}.{path}" for path in sorted(deeper)]
    return found
