"""``/{resource}/describe``: which attributes exist and which can be filtered. The exact layout is not published in
detail.
"""

from __future__ import annotations

from typing import Any

from .compiler import Compiler
from .errors import FusionError
from .resources import Node
from .writing import Writable

_TYPES = {"s": "string", "i": "integer", "n": "number", "b": "boolean", "d": "date", "t": "datetime"}
_METHODS = {"POST": "create", "PATCH": "update", "DELETE": "delete"}


def describe(node: Node, switches: dict[str, Any], address: str, writable: Writable | None = None) -> dict[str, Any]:
    """``writable``: what this user may do to the resource besides reading it."""
    return {"Resources": {node.name: _description(node, switches, address, writable)}}


def _description(
    node: Node, switches: dict[str, Any], address: str, writable: Writable | None = None
) -> dict[str, Any]:
    compiler = Compiler(node, switches, 4)
    return {
        "discrColumnType": False,
        "title": node.name,
        "attributes": [
            {
                "name": attribute.name,
                "type": _TYPES[attribute.type],
                "updatable": False,
                "mandatory": False,
                "queryable": _queryable(compiler, attribute.name),
            }
            for attribute in node.table.attributes
        ],
        "collection": {
            "rangeSize": 25,
            "finders": [
                {"name": finder.name, "attributes": [{"name": name} for name in finder.variables]}
                for finder in node.finders
            ],
            "links": [{"rel": "self", "href": address, "name": "self"}],
            "actions": _actions(writable, "collection"),
        },
        "item": {"actions": _actions(writable, "item")},
        "children": {
            child.name: _description(child, switches, f"{address}/{{id}}/child/{child.name}") for child in node.children
        },
        "links": [{"rel": "self", "href": f"{address}/describe", "name": "self", "kind": "describe"}],
    }


def _actions(writable: Writable | None, place: str) -> list[dict[str, str]]:
    actions = [{"name": "get", "method": "GET"}]
    if writable:
        actions += [{"name": _METHODS[method], "method": method} for method in sorted(writable.methods(place))]
    if writable and place == "item":
        actions += [{"name": name, "method": "POST"} for name in sorted(writable.actions)]
    return actions


def _queryable(compiler: Compiler, name: str) -> bool:
    try:
        compiler.attribute(name)
    except FusionError:
        return False
    return True
