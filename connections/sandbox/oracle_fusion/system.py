"""The pod and its identity domain: routing, refusals, reading and writing."""

# Names in SQL come from the attribute tables, values are always parameters.
# ruff: noqa: S608

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..store import Store
from ..wire import Request, Response
from . import report
from . import switches as switch_table
from .auth import TOKEN_PATH, Identity
from .compiler import ALWAYS, Condition
from .describe import describe
from .enterprise import OFFERED
from .errors import FusionError, bad_request, error_response, not_found
from .happenings import Happenings
from .keys import row_of
from .ledger import Ledger
from .records import Records, quoted
from .render import Renderer, Style, change_indicator, collection_link, select_columns
from .resources import RESOURCES, ROOTS, Node
from .views import (
    COLLECTION_PARAMETERS,
    ITEM_PARAMETERS,
    Page,
    View,
    check_parameters,
    expanded,
    only_data,
    read_page,
    read_view,
    wanted_links,
)
from .writing import (
    ACTION_TYPES,
    ITEM_TYPES,
    Writable,
    Writing,
    action_of,
    check_type,
    check_unchanged,
    check_upsert,
    created_children,
    read_body,
)

RELEASE = "11.13.18.05"
VERSIONS = (RELEASE, "latest")
CHANGING_ACTIONS = frozenset({"submit", "withdraw"})
_EVERYTHING = Condition(ALWAYS)


@dataclass(frozen=True)
class Call:
    """One admitted request to the pod: the framework version in force and the pod's time."""

    request: Request
    version: int
    now: float


class OracleFusion:
    """Oracle Fusion Cloud ERP as far as the contract tells it: readable resources, and orders to write."""

    name = "oracle_fusion"
    ports = ("pod", "identity")
    offered = OFFERED

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self.clock = clock
        self.switches: dict[str, Any] = switch_table.defaults()
        self.records = Records(store)
        self.identity = Identity(store, clock, self.switches)
        self.ledger = Ledger(self.records, self.switches, clock)
        self.writing = Writing(self.ledger, self.switches)
        self.events = Happenings(self.ledger, self.writing).events()
        self._recent: deque[float] = deque()
        self._recent_lock = threading.Lock()

    def handle(self, port: str, request: Request) -> Response:
        """Answer one request on the identity host or on the pod."""
        if port == "identity":
            return (
                self.identity.token(request)
                if request.path == TOKEN_PATH
                else Response(404, "", content_type="text/html")
            )
        if not self.identity.admitted(request):
            return self.identity.refusal()
        throttled = self._throttled()
        if throttled:
            return throttled
        try:
            version = self._version(request)
        except FusionError as error:
            return error_response(error, request, int(self.switches["default_version"]))
        try:
            return self._pod(request, version)
        except FusionError as error:
            return error_response(error, request, version)

    def expire_token(self, request: Request) -> None:
        self.identity.expire(request)

    def dump(self) -> dict[str, Any]:
        """Every row of every table by id, and orders by the keys they were sent with."""
        orders = {
            "orders_by_key": report.sales_orders(self.records),
            "purchase_orders_by_reference": report.purchase_orders(self.records),
        }
        return {**self.records.dump(), **orders}

    # -- admission ------------------------------------------------------------------------------------------------

    def _throttled(self) -> Response | None:
        limit = self.switches["rate_limit"]
        if limit is None:
            return None
        now, window = time.monotonic(), float(self.switches["rate_window"])
        with self._recent_lock:
            while self._recent and now - self._recent[0] >= window:
                self._recent.popleft()
            if len(self._recent) < int(limit):
                self._recent.append(now)
                return None
            wait = window - (now - self._recent[0]) if self._recent else window
        headers = {"Retry-After": str(max(1, round(wait)))} if self.switches["retry_after"] else {}
        return Response(429, None, headers)

    def _version(self, request: Request) -> int:
        text = request.headers.get("rest-framework-version")
        if text is None:
            return int(self.switches["default_version"])
        if text not in map(str, self.switches["allowed_versions"]):
            raise bad_request(f"The REST-Framework-Version {text} is not valid.")
        return int(text)

    # -- routing --------------------------------------------------------------------------------------------------

    def _pod(self, request: Request, version: int) -> Response:
        segments = [segment for segment in request.path.split("/") if segment]
        if len(segments) < 2 or segments[0] not in ROOTS or segments[1] != "resources":
            raise not_found()
        origin = self._origin(request)
        if len(segments) == 2:
            return self._context_root(request, segments[0], origin)
        if segments[2] not in VERSIONS:
            raise not_found()
        base = f"{origin}/{'/'.join(segments[:3])}"
        if len(segments) == 3:
            raise not_found()
        node = RESOURCES[segments[0]].get(segments[3])
        if node is None:
            raise not_found()
        if node.name in self.switches["forbidden"]:
            raise FusionError(403, f"You are not authorized to view {node.name}.")
        call = Call(request, version, self.clock())
        if request.method not in ("GET", "HEAD"):
            return self._write(call, node, segments[4:], f"{base}/{node.name}")
        return self._resource(call, node, segments[4:], f"{base}/{node.name}")

    def _origin(self, request: Request) -> str:
        host = request.headers.get("host", "127.0.0.1")
        if self.switches["href_origin"] == "443":
            return f"https://{host.partition(':')[0]}:443"
        return f"http://{host if ':' in host else host + ':80'}"

    def _context_root(self, request: Request, root: str, origin: str) -> Response:
        """Versions, and the framework versions a caller may choose (docs.oracle.com, Set the REST Framework
        Version).
        """
        if request.method not in ("GET", "HEAD"):
            raise FusionError(405, "Only GET is offered here.")
        address = f"{origin}/{root}/resources"
        item = {
            "version": RELEASE,
            "isLatest": True,
            "adf:extension": {
                "defaultFrameworkVersion": str(self.switches["default_version"]),
                "allowedFrameworkVersions": [str(version) for version in self.switches["allowed_versions"]],
            },
            "links": [{"rel": "self", "href": f"{address}/{RELEASE}", "name": "self", "kind": "item"}],
        }
        links = [{"rel": "self", "href": address, "name": "self", "kind": "collection"}]
        return Response(200, {"items": [item], "links": links})

    def _resource(self, call: Call, node: Node, rest: list[str], address: str) -> Response:
        """Walk ``{key}/child/{name}`` down to the collection, item or description asked for."""
        hidden = node.name in self.switches["hidden"]
        parent_id, parent_address = None, None
        while True:
            if not rest:
                return self._collection(call, node, address, parent_id, parent_address, hidden)
            if rest == ["describe"] and parent_id is None:
                return self._describe(node, address)
            row = None if hidden else self._find(node, rest[0], parent_id)
            if row is None:
                raise not_found()
            if len(rest) == 1:
                return self._item(call, node, row, address, parent_address)
            child = node.child(rest[2]) if rest[1] == "child" and len(rest) > 2 else None
            if child is None:
                raise not_found()
            parent_id, parent_address = row["_id"], f"{address}/{rest[0]}"
            node, rest, address = child, rest[3:], f"{parent_address}/child/{child.name}"

    def _describe(self, node: Node, address: str) -> Response:
        if not self.switches["describe"]:
            raise not_found()
        allowed = node.name not in self.switches["write_forbidden"]
        writable = self.writing.resources.get(node.name) if allowed else None
        return Response(200, describe(node, self.switches, address, writable))

    # -- writing --------------------------------------------------------------------------------------------------

    def _write(self, call: Call, node: Node, rest: list[str], address: str) -> Response:
        """Create at the collection, change or delete an item, or run an action of it."""
        request, writable = call.request, self.writing.resources.get(node.name)
        if writable is None:
            raise FusionError(405, f"{request.method} is not offered by {node.name}.")
        if node.name in self.switches["write_forbidden"]:
            raise FusionError(403, f"You are not authorized to change {node.name}.")
        if request.method == "POST" and len(rest) > 1:
            return self._act(request, node, writable, rest)
        place = "item" if rest else "collection"
        if len(rest) > 1 or request.method not in writable.methods(place):
            raise FusionError(405, f"{request.method} is not offered by this {place} of {node.name}.")
        if not rest:
            return self._create(call, node, writable, address)
        if request.method == "DELETE" and writable.delete:
            with self.store.transaction():
                writable.delete(self._unchanged(request, node, rest[0]))
            return Response(204)
        check_type(request, ITEM_TYPES)
        with self.store.transaction():
            row_id = self._unchanged(request, node, rest[0])
            if writable.change:
                writable.change(row_id, read_body(request))
            return self._item(call, node, self._row(node, row_id), address, None)

    def _create(self, call: Call, node: Node, writable: Writable, address: str) -> Response:
        """The new item with the children that were sent along, as published samples show it."""
        check_type(call.request, ITEM_TYPES)
        check_upsert(call.request)
        body = read_body(call.request)
        with self.store.transaction():
            row = self._row(node, writable.create(body))
            view = expanded(node, created_children(body))
            text = self._renderer(call).items(view, [row], address, None)[0]
        headers = {"ETag": f'"{change_indicator(row["_id"], row["doc"])}"'}
        return Response(int(self.switches["create_status"]), text, headers, "application/json")

    def _act(self, request: Request, node: Node, writable: Writable, rest: list[str]) -> Response:
        name = action_of(rest, writable.actions)
        check_type(request, ACTION_TYPES)
        parameters = read_body(request, empty=True)
        with self.store.transaction():
            row_id = self._unchanged(request, node, rest[0])
            result = writable.act(name, row_id, parameters) if writable.act else None
        return Response(200, {"result": result}, write=name in CHANGING_ACTIONS)

    def _unchanged(self, request: Request, node: Node, key: str) -> int:
        """The row an URL key stands for, in the state the caller may have named. Raises 404 and 412."""
        row = None if node.name in self.switches["hidden"] else self._find(node, key, None)
        if row is None:
            raise not_found()
        check_unchanged(request, f'"{change_indicator(row["_id"], row["doc"])}"')
        return int(row["_id"])

    def _row(self, node: Node, row_id: int) -> Any:
        return self.store.one(f"SELECT {select_columns(node)} FROM {node.table.sql} t WHERE t._id = ?", (row_id,))

    # -- reading --------------------------------------------------------------------------------------------------

    def _collection(
        self, call: Call, node: Node, address: str, parent_id: int | None, parent_address: str | None, hidden: bool
    ) -> Response:
        check_parameters(call.request, COLLECTION_PARAMETERS)
        page = read_page(node, call.request, self.switches, call.version, call.now)
        view = read_view(node, call.request, self.switches)
        where, params = self._where(node, page, parent_id)
        with self.store.lock:  # the page and its children are one consistent picture
            rows = [] if hidden else self._rows(node, page, where, params)
            total = self._total(node, page, where, params, hidden) if page.total_wanted else None
            more = len(rows) > page.limit
            rows = rows[: page.limit]
            items = self._renderer(call).items(view, rows, address, parent_address)
        return Response(
            200, self._envelope(call, node, page, items, more, total, address), content_type="application/json"
        )

    def _where(self, node: Node, page: Page, parent_id: int | None) -> tuple[str, tuple[Any, ...]]:
        conditions, params = [page.condition.sql], page.condition.params
        if parent_id is not None:
            conditions.append(f"t.{node.parent} = ?")
            params = (*params, parent_id)
        if node.where:
            conditions.append(node.where)
        units = self.switches["visible_units"]
        if units is not None and "BusinessUnit" in node.table.by_name:
            conditions.append(
                f"json_extract('{{' || t.doc || '}}', '$.BusinessUnit') IN ({','.join('?' * len(units))})"
            )
            params = (*params, *units)
        return " AND ".join(f"({condition})" for condition in conditions), params

    def _rows(self, node: Node, page: Page, where: str, params: tuple[Any, ...]) -> list[Any]:
        sql = (
            f"SELECT {select_columns(node)} FROM {node.table.sql} t WHERE {where} "
            f"ORDER BY {page.order} LIMIT {page.limit + 1} OFFSET {page.offset}"
        )
        return self.store.query(sql, params)

    def _total(self, node: Node, page: Page, where: str, params: tuple[Any, ...], hidden: bool) -> int:
        if hidden:
            return 0
        row = self.store.one(f"SELECT COUNT(*) FROM {node.table.sql} t WHERE {where}", params)
        total = int(row[0]) if row else 0
        clamped_short = page.limit == 499 and page.asked > page.limit  # "500 giving 499 rows and a wrong total"
        return max(0, total - 1) if clamped_short else total

    def _envelope(
        self, call: Call, node: Node, page: Page, items: list[str], more: bool, total: int | None, address: str
    ) -> str:
        parts = []
        if items or self.switches["empty_items"]:
            parts.append('"items":[' + ",\n".join(items) + "]")
        if total is not None:
            parts.append(f'"totalResults":{total}')
        parts.append(f'"count":{len(items)},"hasMore":{json.dumps(more)},"limit":{page.limit},"offset":{page.offset}')
        links = wanted_links(call.request)
        if links is None or "self" in links:
            parts.append(f'"links":[{collection_link(node, address)}]')
        return "{" + ",".join(parts) + "}"

    def _renderer(self, call: Call) -> Renderer:
        style = Style(
            version=call.version,
            links=wanted_links(call.request),
            only_data=only_data(call.request),
            child_limit=int(self.switches["child_limit"]),
            hash_keys=self.switches["account_keys"] == "hash",
        )
        return Renderer(self.store, style)

    def _item(self, call: Call, node: Node, row: Any, address: str, parent_address: str | None) -> Response:
        check_parameters(call.request, ITEM_PARAMETERS)
        view: View = read_view(node, call.request, self.switches)
        with self.store.lock:
            text = self._renderer(call).items(view, [row], address, parent_address)[0]
        headers = {"ETag": f'"{change_indicator(row["_id"], row["doc"])}"'}
        return Response(200, text, headers, "application/json")

    def _find(self, node: Node, key: str, parent_id: int | None) -> Any:
        """The row an URL key stands for, the newest of several versions. A stale or foreign key is no row."""
        column, value = self._address(node, key)
        if value is None:
            return None
        page = Page(condition=_EVERYTHING, order="", limit=1, offset=0, total_wanted=False, asked=1)
        where, params = self._where(node, page, parent_id)
        sql = f"SELECT {select_columns(node)} FROM {node.table.sql} t WHERE {column} = ? AND {where}"
        return self.store.one(f"{sql} ORDER BY t._id DESC LIMIT 1", (value, *params))

    def _address(self, node: Node, key: str) -> tuple[str, Any]:
        if node.key is None or (node.may_be_hashed and self.switches["account_keys"] == "hash"):
            return "t._id", row_of(key)
        number = int(key) if key.isdigit() and len(key) < 19 else None
        if node.key == node.table.identity or (node.or_identity and number is not None):
            return "t._id", number
        return f"t.{quoted(node.key)}", key
