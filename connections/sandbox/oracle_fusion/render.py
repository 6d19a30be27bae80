"""Rows to JSON text: stored fragments, links and children joined as strings, without decoding a document."""

# Names in SQL come from the attribute tables, values are always parameters.
# ruff: noqa: S608

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from ..store import Store
from .attributes import Table
from .encoding import SEPARATOR, big_integers_as_strings
from .keys import opaque_key
from .resources import Node
from .views import View

COLLECTION_CHILDREN_FROM = 3
STRING_IDS_FROM = 9
_SLOT = "\x00"
_MARK = "\x01"


@dataclass(frozen=True)
class Style:
    """How documents of one answer look."""

    version: int
    links: frozenset[str] | None  # None: all relations
    only_data: bool
    child_limit: int
    hash_keys: bool


class Renderer:
    """Renders the rows of one answer."""

    def __init__(self, store: Store, style: Style) -> None:
        self.store = store
        self.style = style

    def items(self, view: View, rows: list[Any], base: str, parent: str | None = None) -> list[str]:
        """One JSON object a row. ``base`` is the address of the collection; rows have _id, doc and key."""
        pick = _picker(view.node.table, view.names)
        children = [self._children(child, rows, base, view.node) for child in view.children.values()]
        links = None if self.style.only_data else LinkTemplate(view.node, base, parent, self.style.links)
        strings = self.style.version >= STRING_IDS_FROM
        answers = []
        for index, row in enumerate(rows):
            text = pick(row["doc"])
            if strings:
                text = big_integers_as_strings(text)
            parts = [text] if text else []
            parts += [child[index] for child in children]
            if links:
                parts.append(links.fill(self.key(view.node, row), row["_id"], row["doc"]))
            answers.append("{" + ",\n".join(parts) + "}")
        return answers

    def key(self, node: Node, row: Any) -> str:
        if node.key is None or (node.may_be_hashed and self.style.hash_keys):
            return opaque_key(row["_id"])
        return str(row["_id"] if node.key == node.table.identity else row["key"])

    def _children(self, view: View, rows: list[Any], base: str, parent: Node) -> list[str]:
        """The member for one child resource, one text a parent row."""
        groups = self._grouped(view.node, rows)
        answers = []
        for row in rows:
            own = groups.get(row["_id"], [])
            shown = own[: self.style.child_limit]
            parent_address = f"{base}/{self.key(parent, row)}"
            address = f"{parent_address}/child/{view.node.name}"
            items = self.items(view, shown, address, parent_address)
            answers.append(f'"{view.node.name}":{self._child_body(view.node, items, len(own), address)}')
        return answers

    def _child_body(self, node: Node, items: list[str], total: int, address: str) -> str:
        """Bare arrays below framework version 3, collection objects from then on (docs.oracle.com, Set the REST
        Framework Version)."""
        listed = "[" + ",\n".join(items) + "]"
        if self.style.version < COLLECTION_CHILDREN_FROM:
            return listed
        more = "true" if total > len(items) else "false"
        body = f'{{"items":{listed},"count":{len(items)},"hasMore":{more},"limit":{self.style.child_limit},"offset":0'
        if self.style.only_data:
            return body + "}"
        return f'{body},"links":[{collection_link(node, address)}]}}'

    def _grouped(self, node: Node, rows: list[Any]) -> dict[int, list[Any]]:
        if not rows:
            return {}
        marks = ",".join("?" * len(rows))
        sql = (
            f"SELECT {select_columns(node)}, t.{node.parent} AS parent FROM {node.table.sql} t "
            f"WHERE t.{node.parent} IN ({marks})"
        )
        if node.where:
            sql += f" AND {node.where}"
        groups: dict[int, list[Any]] = defaultdict(list)
        for child in self.store.query(f"{sql} ORDER BY t.{node.parent}, t._id", [row["_id"] for row in rows]):
            groups[child["parent"]].append(child)
        return groups


def select_columns(node: Node) -> str:
    """The columns rendering needs."""
    if node.key is None or node.key == node.table.identity:
        return "t._id AS _id, t.doc AS doc"
    return f't._id AS _id, t.doc AS doc, t."{node.key}" AS key'


def _picker(table: Table, names: list[str] | None) -> Any:
    if names is None:
        return lambda text: text
    places = [table.positions[name] for name in names]

    def pick(text: str) -> str:
        fragments = text.split(SEPARATOR)
        return SEPARATOR.join([fragments[place] for place in places])

    return pick


def collection_link(node: Node, address: str) -> str:
    return f'{{"rel":"self","href":"{address}","name":"{node.name}","kind":"collection"}}'


class LinkTemplate:
    """The links of an item, written once a page with slots for the key and the change indicator."""

    def __init__(self, node: Node, base: str, parent: str | None, wanted: frozenset[str] | None) -> None:
        href = f"{base}/{_SLOT}"
        links = []
        if wanted is None or "self" in wanted:
            links.append(
                f'{{"rel":"self","href":"{href}","name":"{node.name}","kind":"item",'
                f'"properties":{{"changeIndicator":"{_MARK}"}}}}'
            )
        if wanted is None or "canonical" in wanted:
            links.append(f'{{"rel":"canonical","href":"{href}","name":"{node.name}","kind":"item"}}')
        if parent and (wanted is None or "parent" in wanted):
            name = parent.rsplit("/", 2)[-2]
            links.append(f'{{"rel":"parent","href":"{parent}","name":"{name}","kind":"item"}}')
        if wanted is None or "child" in wanted:
            links += [
                f'{{"rel":"child","href":"{href}/child/{child.name}","name":"{child.name}","kind":"collection"}}'
                for child in node.children
            ]
        self._text = '"links":[' + ",".join(links) + "]"

    def fill(self, key: str, row_id: int, document: str) -> str:
        text = self._text.replace(_SLOT, key)
        return text.replace(_MARK, change_indicator(row_id, document)) if _MARK in text else text


def change_indicator(row_id: int, document: str) -> str:
    """An opaque mark that differs whenever the row does; also the ETag (reported by integrators)."""
    return f"ACED0005{row_id & 0xFFFFFFFF:08X}{crc32(document.encode()):08X}"
