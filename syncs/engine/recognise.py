"""Step 2: which of the rows just read are new or changed. One query a page, no mapping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connections.connectors.base import Row
from syncs.engine.flow import FlowDefinition, Reference, State, Target, digest, encode
from syncs.models import Record


def source_hash(row: Row) -> str:
    """A row's fingerprint. A stamp alone is not enough: two changes can share one."""
    return digest(encode(row.data))


def load_states(flow_id: int, keys: Iterable[str]) -> dict[str, State]:
    rows = Record.objects.across_tenants().filter(flow_id=flow_id, source_key__in=list(keys))
    return {row[0]: State._make(row) for row in rows.values_list(*State._fields)}


def is_settled(state: State, row_hash: str, mapping_version: str) -> bool:
    """True if the last attempt was at exactly this row under exactly this mapping, or a person set the row aside."""
    if state.source_hash != row_hash:
        return False
    return bool(state.set_aside) or (state.mapping_version == mapping_version and state.next_attempt_at is None)


def is_confirmed(state: State | None, definition: FlowDefinition, options: Mapping[str, Any]) -> bool:
    """By a person, or by having gone further before one was to be asked."""
    if state is None or state.confirmed_at or not definition.confirmed_here(options):
        return bool(state and state.confirmed_at)
    return definition.went_further(state.delivered())


def load_targets(flow_ids: dict[str, int], references: Sequence[Reference]) -> dict[Reference, Target]:
    """The referenced records, as far as they are known, one query per flow referred to."""
    wanted: dict[str, set[str]] = {}
    for flow_key, source_key in references:
        wanted.setdefault(flow_key, set()).add(source_key)
    targets: dict[Reference, Target] = {}
    for flow_key, keys in wanted.items():
        for key, state in load_states(flow_ids[flow_key], keys).items():
            targets[flow_key, key] = Target(state.destination_id, state.status, state.delivered().get("ids", {}))
    return targets
