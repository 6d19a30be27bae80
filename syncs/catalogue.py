"""The integrations this product offers. A new one is a package under ``syncs/integrations`` and no other line."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncs.attention.causes import Cause
    from syncs.engine.flow import FlowDefinition


@dataclass(frozen=True, slots=True)
class Integration:
    """Two connectors and the flows between them, in the order in which they run.

    ``totals(source, destination, sync[, only])`` reads both sides for the reconciliation: two of its ``Totals``, of the
    records ``only`` names by flow, or of all. ``causes`` puts the error codes of its flows in words.
    """

    key: str
    label: str
    summary: str
    source: str
    destination: str
    flows: tuple[FlowDefinition, ...]
    every_minutes: int
    totals: Callable[..., Any]
    causes: Mapping[str, Cause] = field(default_factory=dict)

    @property
    def two_way(self) -> bool:
        return any(flow.reverse for flow in self.flows)

    def flow(self, key: str) -> FlowDefinition:
        return next(flow for flow in self.flows if flow.key == key)


@cache
def _integrations() -> Mapping[str, Integration]:
    from syncs import integrations

    found = {}
    packages = (module for module in pkgutil.iter_modules(integrations.__path__) if module.ispkg)
    for module in packages:
        integration = import_module(f"{integrations.__name__}.{module.name}").INTEGRATION
        found[integration.key] = integration
    return found


def get(key: str) -> Integration:
    """Raises ``KeyError`` for an unknown integration."""
    return _integrations()[key]


def all_integrations() -> list[Integration]:
    return list(_integrations().values())


def choices() -> list[tuple[str, str]]:
    """For the model field: a callable, so that a new integration makes no migration."""
    return [(integration.key, integration.label) for integration in all_integrations()]
