"""The attributes of a resource: by ``describe``, whose layout is not published, and by what a real row holds.

Custom attributes and descriptive flexfields are there too: those of CRM objects among the others, those of ERP objects
in children of their own (docs.oracle.com, Financials REST: receivablesInvoiceDFF, receivablesInvoiceGdf and others).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connections.connectors.base import Document, Field
from connections.errors import StreamRefused

from .client import FusionClient
from .errors import NotVisible, Refused
from .rows import unpack
from .streams import FLEXFIELDS, Resource

TYPES = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "date-time": "datetime",
}


def fields(client: FusionClient, stream: str) -> list[Field]:
    resource = client.resource(stream)
    described = {field.name: field for field in _described(client, resource)}
    row = {} if described else _row(client, resource)
    return [*described.values(), *(_seen(name, value) for name, value in row.items() if name not in described)]


def _described(client: FusionClient, resource: Resource) -> Iterator[Field]:
    try:
        body = client.get(f"{client.path(resource)}/describe", {}, f"{resource.name} describe").body
    except (Refused, NotVisible):
        return
    described = _of(body, resource.name)
    yield from (_field(each) for each in _attributes(described))
    children = described.get("children")
    for name, child in (children if isinstance(children, dict) else {}).items():
        if name.endswith(FLEXFIELDS) and isinstance(child, dict):
            yield from (_field(each, f"{name}[0].") for each in _attributes(child))


def _of(node: Any, name: str) -> Document:
    """The description of a resource, wherever it stands."""
    if not isinstance(node, dict):
        return {}
    if isinstance(node.get(name), dict):
        return dict(node[name])
    return next((found for part in node.values() if (found := _of(part, name))), {})


def _attributes(described: Document) -> list[Document]:
    listed = described.get("attributes")
    return [each for each in listed if isinstance(each, dict) and each.get("name")] if isinstance(listed, list) else []


def _field(described: Document, prefix: str = "") -> Field:
    name = str(described["name"])
    return Field(
        name=prefix + name,
        label=str(described.get("title") or "") or name,
        type=TYPES.get(str(described.get("type") or "").lower(), ""),
        writable=False,
        required=bool(described.get("mandatory")),
    )


def _row(client: FusionClient, resource: Resource) -> Document:
    params = {"limit": 1, "onlyData": "true"}
    try:
        rows, _ = unpack(client.get(client.path(resource), params, resource.name).body, 1)
    except (Refused, NotVisible) as error:
        raise StreamRefused(error.text, code=error.code, detail=error.detail) from None
    return rows[0] if rows else {}


def _seen(name: str, value: Any) -> Field:
    return Field(name, name, "text" if isinstance(value, str) else "", writable=False)
