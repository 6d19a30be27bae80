"""Delivering documents to HubSpot: by our unique property where the account allows one, else by our own map of IDs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from connections.connectors.base import Document, Done
from connections.errors import ConnectorError
from syncs.engine.flow import Item, WriteContext
from syncs.engine.standing import Path, Place, place

KEY = "fusion_id"
OURS = "fusion_"
Rows = Mapping[str, tuple[Document, str]]
"""Source key → (properties, the HubSpot ID as far as it is known)."""


def put(context: WriteContext, kind: str, rows: Rows, doubtful: Iterable[str] = ()) -> dict[str, Done | ConnectorError]:
    """Creates or updates each row and returns its result. Safe to repeat.

    ``doubtful`` are keys whose earlier create may have been applied without our learning of it; they matter only where
    the account has no unique property, and are looked up before they are created.
    """
    cleaned = {key: clean(context, kind, properties) for key, (properties, _) in rows.items()}
    if not rows:
        return {}
    if has_unique_key(context, kind):
        results: dict[str, Done | ConnectorError] = context.destination.upsert(
            kind, list(cleaned.items()), key_property=KEY
        )
        return results
    return _put_by_map(context, kind, rows, cleaned, doubtful)


def has_unique_key(context: WriteContext, kind: str) -> bool:
    return bool(context.capabilities.get("unique", {}).get(kind, True))


def clean(context: WriteContext, kind: str, properties: Document) -> Document:
    fitting = writable(context.capabilities, kind, properties)
    if not context.own.get(kind):
        return fitting
    return {name: value for name, value in properties.items() if name in fitting or name in context.own[kind]}


def writable(capabilities: Mapping[str, Any], kind: str, properties: Document) -> Document:
    """Leaves out standard properties that this account does not have or lets nobody write."""
    known = capabilities.get("properties", {}).get(kind)
    if not known:
        return properties
    return {name: value for name, value in properties.items() if name.startswith(OURS) or name in known}


def there(path: Path, label: str, kind: str, id_: Any, properties: Document, capabilities: Mapping[str, Any]) -> Place:
    """Where properties of a document stand in HubSpot."""
    return place(path, label, kind, id_, writable(capabilities, kind, properties))


def _put_by_map(
    context: WriteContext, kind: str, rows: Rows, cleaned: Mapping[str, Document], doubtful: Iterable[str]
) -> dict[str, Done | ConnectorError]:
    known = {key: id_ for key, (_, id_) in rows.items() if id_}
    asked = [key for key in doubtful if key in rows and key not in known]
    for key, found in (context.destination.find(kind, KEY, asked, [KEY]) if asked else {}).items():
        if found:
            known[key] = str(found[0]["id"])
    results: dict[str, Done | ConnectorError] = {}
    key_of = {id_: key for key, id_ in known.items()}
    if known:
        updates = context.destination.update(kind, [(id_, cleaned[key]) for key, id_ in known.items()])
        results.update((key_of[id_], result) for id_, result in updates.items())
    gone = [key for key, result in results.items() if getattr(result, "code", "") == "hubspot_gone"]
    new = [key for key in rows if key not in known] + gone
    if new:
        results.update(context.destination.create(kind, [(key, {**cleaned[key], KEY: key}) for key in new]))
    return results


def intend(
    context: WriteContext,
    items: Sequence[Item],
    kinds: Iterable[str],
    adds: Callable[[Item], bool] = lambda item: False,
) -> set[str]:
    """Stores the intent to create where one of ``kinds`` has no unique property; returns the doubtful source keys.

    ``adds`` tells of an item delivered before whether this write creates more for it. Doubtful is every record whose
    last attempt did not end well, whatever its error: a part of it may have been created without our learning of it.
    """
    if all(has_unique_key(context, kind) for kind in kinds):
        return set()
    context.store.intend([item for item in items if not item.trusted or adds(item)])
    return {item.row.key for item in items if item.state and not item.trusted}


def associate_new(
    context: WriteContext, from_kind: str, to_kind: str, type_id: int, pairs: Mapping[tuple[str, str], Item]
) -> None:
    """Associates the pairs; a refused pair fails its item."""
    if not pairs:
        return
    failures = context.destination.associate(from_kind, to_kind, list(pairs), type_id)
    _fail(failures, pairs)


def dissociate_old(context: WriteContext, from_kind: str, to_kind: str, pairs: Mapping[tuple[str, str], Item]) -> None:
    if not pairs:
        return
    _fail(context.destination.dissociate(from_kind, to_kind, list(pairs)), pairs)


def _fail(failures: Mapping[tuple[str, str], ConnectorError], pairs: Mapping[tuple[str, str], Item]) -> None:
    """The first error of an item is the one a person should read."""
    for pair, error in failures.items():
        if pairs[pair].error is None:
            pairs[pair].failed(error)


def without_empty(new: Document, old: Mapping[str, str]) -> Document:
    """Missing is not empty: only what we delivered earlier is cleared, never what people entered in HubSpot."""
    return {name: value for name, value in new.items() if value != "" or old.get(name)}
