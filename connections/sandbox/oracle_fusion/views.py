"""The query parameters of a GET: which rows, which attributes, which children, which links."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..wire import Request
from . import q
from .compiler import ALWAYS, Compiler, Condition, both
from .errors import bad_request
from .resources import Node
from .switches import refused

DEFAULT_LIMIT = 25
COLLECTION_PARAMETERS = frozenset(
    {
        "limit",
        "offset",
        "totalResults",
        "orderBy",
        "fields",
        "expand",
        "onlyData",
        "links",
        "finder",
        "q",
        "effectiveDate",
        "dependency",
    }
)
ITEM_PARAMETERS = frozenset({"fields", "expand", "onlyData", "links", "effectiveDate", "dependency"})


@dataclass
class View:
    """What of a node is shown: attribute names in the caller's order, or None for all, and the children to go along."""

    node: Node
    names: list[str] | None = None
    children: dict[str, View] = field(default_factory=dict)


@dataclass
class Page:
    """One page of a collection: condition, order and position."""

    condition: Condition
    order: str
    limit: int
    offset: int
    total_wanted: bool
    asked: int


def read_view(node: Node, request: Request, switches: dict[str, Any]) -> View:
    """``fields`` or ``expand``; together, ``fields`` wins (documented)."""
    fields = request.param("fields")
    if fields is not None:
        return _fields(node, fields, switches)
    view = View(node)
    expand = request.param("expand")
    if expand:
        _expand(view, expand)
    return view


def _expand(view: View, text: str) -> None:
    if text == "all":
        _expand_all(view)
        return
    for path in text.split(","):
        current = view
        for name in path.strip().split("."):
            current = _enter(current, name, None)


def expanded(node: Node, paths: list[str]) -> View:
    """All attributes of a node, with the children the paths name."""
    view = View(node)
    if paths:
        _expand(view, ",".join(paths))
    return view


def _expand_all(view: View) -> None:
    for child in view.node.children:
        _expand_all(view.children.setdefault(child.name, View(child)))


def _enter(view: View, name: str, names: list[str] | None) -> View:
    child = view.node.child(name)
    if child is None:
        raise bad_request(f"The resource {view.node.name} has no child {name}.")
    return view.children.setdefault(name, View(child, names))


def _fields(node: Node, text: str, switches: dict[str, Any]) -> View:
    """``A,B`` or ``A,B;Child:C,D``; deeper children as ``Child.Nested:E`` (assumed, behind a switch)."""
    view = View(node, names=[])
    for index, part in enumerate(text.split(";")):
        path, colon, listed = part.partition(":")
        if not colon:
            if index:
                raise bad_request(f"The part {part} of fields names no child.")
            view.names = _names(node, path)
            continue
        steps = path.strip().split(".")
        if len(steps) > 1 and not switches["nested_fields"]:
            raise bad_request(f"The child {path} in fields is not valid.")
        current = view
        for name in steps:
            current = _enter(current, name, [])
        current.names = _names(current.node, listed)
    return view


def _names(node: Node, text: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in node.table.by_name:
            raise bad_request(f"The attribute {name} of fields is not valid for {node.name}.")
    return names


def read_page(node: Node, request: Request, switches: dict[str, Any], version: int, now: float) -> Page:
    """Condition, order and position of a collection GET. Raises 400 for anything the contract does not know."""
    compiler = Compiler(node, switches, version)
    asked = _whole(request, "limit", DEFAULT_LIMIT)
    if asked < 1:
        raise bad_request("The value of limit is not valid.")
    order = request.param("orderBy")
    return Page(
        condition=both(_query(compiler, request, switches, version), _finder(compiler, request, now)),
        order=compiler.order(order) if order else "t._shuffle",
        limit=min(asked, int(switches["max_limit"])),
        offset=_whole(request, "offset", 0),
        total_wanted=_flag(request, "totalResults"),
        asked=asked,
    )


def only_data(request: Request) -> bool:
    return _flag(request, "onlyData")


def wanted_links(request: Request) -> frozenset[str] | None:
    """Relations to keep, or None for all."""
    links = request.param("links")
    return None if links is None else frozenset(part.strip() for part in links.split(","))


def check_parameters(request: Request, allowed: frozenset[str]) -> None:
    for name in request.query:
        if name not in allowed:
            raise bad_request(f"URL request parameter {name} cannot be used in this context.")


def _query(compiler: Compiler, request: Request, switches: dict[str, Any], version: int) -> Condition:
    text = request.param("q")
    if text is None:
        return Condition(ALWAYS)
    try:
        return compiler.filter(q.parse(text, version, refused(switches), switches["strict_q"]))
    except q.QError as error:
        raise bad_request(f"The q expression is not valid: {error}.") from None


def _finder(compiler: Compiler, request: Request, now: float) -> Condition:
    text = request.param("finder")
    if text is None:
        return Condition(ALWAYS)
    name, _, listed = text.partition(";")
    finder = compiler.node.finder(name)
    if finder is None:
        raise bad_request(f"The finder {name} does not exist on {compiler.node.name}.")
    variables = {}
    for part in listed.split(",") if listed else ():
        variable, equals, value = part.partition("=")
        if not equals:
            raise bad_request(f"The variable {part} of the finder has no value.")
        variables[variable.strip()] = value.strip().strip("'\"")
    return compiler.finder(finder, variables, now)


def _whole(request: Request, name: str, default: int) -> int:
    text = request.param(name)
    if text is None:
        return default
    if not text.isdigit() or len(text) > 9:
        raise bad_request(f"The value {text} of {name} is not valid.")
    return int(text)


def _flag(request: Request, name: str) -> bool:
    text = request.param(name, "false")
    if text not in ("true", "false"):
        raise bad_request(f"The value {text} of {name} is not valid.")
    return text == "true"
