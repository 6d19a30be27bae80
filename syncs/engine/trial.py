"""One row mapped outside of a run, for people who want to see what would be delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connections.connectors.base import Row
from syncs.engine.checkpoint import start_of
from syncs.engine.flow import FlowDefinition, MapContext, Mapped
from syncs.engine.own_fields import OwnFields
from syncs.engine.recognise import load_targets
from syncs.models import Flow


def mapped(
    flow: Flow, definition: FlowDefinition, row: Row, *, capabilities: Mapping[str, Any], confirmed: bool = False
) -> Mapped:
    """An enriched row as the flow would deliver it now. ``capabilities``: of the destination. Raises like ``map``."""
    flow_ids = dict(flow.sync.flows.values_list("key", "pk"))
    context = MapContext(
        options={option.name: option.default for option in definition.options} | flow.options,
        capabilities=capabilities,
        targets=load_targets(flow_ids, list(definition.references(row))),
        since=start_of(flow.sync),
        confirmed=confirmed,
    )
    found = definition.map(row, context)
    OwnFields(definition.table, flow.mapping_overrides).put(found.document, row.data)
    return found
