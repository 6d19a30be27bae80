"""Finds connectors: each package below this one that registers a class. A new connector is a folder, nothing else."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connections.connectors.base import Connector

_found: dict[str, Connector] = {}


def register(connector: type[Connector]) -> type[Connector]:
    """Class decorator: makes the connector known by its ``key``."""
    instance = connector()
    _found[instance.key] = instance
    return connector


@cache
def _discover() -> None:
    package = importlib.import_module("connections.connectors")
    for module in pkgutil.iter_modules(package.__path__):
        name = f"{package.__name__}.{module.name}.connector"
        if module.ispkg and importlib.util.find_spec(name) is not None:
            importlib.import_module(name)


def get(key: str) -> Connector:
    """The connector with this key. Raises ``KeyError`` naming those there are."""
    _discover()
    try:
        return _found[key]
    except KeyError:
        raise KeyError(f"no connector {key!r}; there are: {', '.join(sorted(_found))}") from None


def all() -> list[Connector]:
    _discover()
    return sorted(_found.values(), key=lambda connector: connector.label)


def choices() -> list[tuple[str, str]]:
    return [(connector.key, connector.label) for connector in all()]
