"""The page of ours on which a cause is put right, as a link for whoever may open it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from mlconnector.pages import TenantRequest
from mlconnector.tenants.permissions import Action, allowed
from syncs import catalogue
from syncs.attention.causes import Fix
from syncs.models import Flow
from syncs.record_selectors import CauseGroup

PAGES: dict[Fix, tuple[str, str, Action]] = {
    Fix.OPTIONS: ("syncs:flow", "Open the options", Action.CONFIGURE),
    Fix.MAPPING: ("syncs:mapping", "Open the mapping", Action.CONFIGURE),
    Fix.MATCHES: ("syncs:matches", "Answer the questions", Action.VIEW),
    Fix.SOURCE: ("connections:detail", "Open the connection", Action.VIEW),
    Fix.DESTINATION: ("connections:detail", "Open the connection", Action.VIEW),
    Fix.PREPARE: ("connections:prepare", "Prepare the connection", Action.CONFIGURE),
}


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    label: str


def link_to_fix(request: TenantRequest, group: CauseGroup) -> Link | None:
    """None where it is put right elsewhere, or by others."""
    fix = group.cause.fix
    if fix is None:
        return None
    name, label, action = PAGES[fix]
    if not allowed(request.role, action):
        return None
    return Link(reverse(name, args=_arguments(fix, group.flow, group.cause.fix_flow)), label)


def _arguments(fix: Fix, flow: Flow, other: str) -> list[Any]:
    sync = flow.sync
    reverse_flow = catalogue.get(sync.integration).flow(flow.key).reverse
    source, destination = (
        (sync.destination_id, sync.source_id) if reverse_flow else (sync.source_id, sync.destination_id)
    )
    arguments: dict[Fix, list[Any]] = {
        Fix.OPTIONS: [sync.pk, other or flow.key],
        Fix.MAPPING: [sync.pk, other or flow.key],
        Fix.MATCHES: [],
        Fix.SOURCE: [source],
        Fix.DESTINATION: [destination],
        Fix.PREPARE: [destination],
    }
    return arguments[fix]
