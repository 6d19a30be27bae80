"""What a preview may be asked about: how each kind of proposal is checked, tried on a copy, and carried out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from mlconnector.tenants.permissions import Action
from syncs import catalogue, services
from syncs.engine.flow import HELD, FlowDefinition
from syncs.mapping import mappings
from syncs.models import Flow, Preview, Record, Run, Sync
from syncs.options import clean_options, lacking

Given = Mapping[str, Any]
MOST_RECORDS = 5000
NOTHING_LEFT = "There is nothing left to send through again."


class Proposal(ABC):
    """``only_due``: records are not looked for in the systems, only those due are sent through."""

    only_due = False
    action: Action = Action.RUN
    """What a role must allow for carrying it out."""

    @abstractmethod
    def clean(self, sync: Sync, given: Given) -> dict[str, Any]:
        """What is kept of it (JSON). Raises ``ValidationError`` for what could not be carried out."""

    def try_on(self, copy: Sync, proposal: Given) -> None:  # noqa: B027 - most change none
        """Changes the settings of the copy."""

    def due(self, sync: Sync, proposal: Given) -> QuerySet[Record]:
        """The records of the sync, or of its copy, that are read again because of it."""
        return records_of(sync).none()

    @abstractmethod
    def carry_out(self, sync: Sync, proposal: Given, actor: str) -> Run:
        """By the services people use without a preview."""


class NextRun(Proposal):
    def clean(self, sync: Sync, given: Given) -> dict[str, Any]:
        return {}

    def carry_out(self, sync: Sync, proposal: Given, actor: str) -> Run:
        if sync.paused and not sync.runs.exists():
            services.resume(sync, actor=actor)
        return services.run_now(sync, actor=actor)


class FlowChange(Proposal):
    """A change of one flow's settings: it is named by ``flow``, and all its records are mapped again."""

    action = Action.CONFIGURE

    def due(self, sync: Sync, proposal: Given) -> QuerySet[Record]:
        return records_of(sync).filter(flow__key=proposal["flow"]).exclude(status=HELD)

    def carry_out(self, sync: Sync, proposal: Given, actor: str) -> Run:
        self.save(flow_of(sync, proposal), proposal, actor)
        return services.run_now(sync, actor=actor)

    @abstractmethod
    def save(self, flow: Flow, proposal: Given, actor: str) -> None: ...


class ChangedOptions(FlowChange):
    def clean(self, sync: Sync, given: Given) -> dict[str, Any]:
        flow = flow_of(sync, given)
        options = clean_options(_definition(flow), given.get("options") or {})
        if flow.enabled and (missing := lacking(_definition(flow), flow.options | options)):
            raise ValidationError({option.name: f"{option.label}: fill this in first." for option in missing})
        return {"flow": flow.key, "options": options}

    def try_on(self, copy: Sync, proposal: Given) -> None:
        flow = flow_of(copy, proposal)
        flow.options = flow.options | proposal["options"]
        flow.save(update_fields=["options"])

    def save(self, flow: Flow, proposal: Given, actor: str) -> None:
        services.set_flow(flow, actor=actor, options=proposal["options"])


class ChangedMapping(FlowChange):
    def clean(self, sync: Sync, given: Given) -> dict[str, Any]:
        flow = flow_of(sync, given)
        return {"flow": flow.key, "overrides": mappings.clean(flow, given.get("overrides") or {})}

    def try_on(self, copy: Sync, proposal: Given) -> None:
        flow = flow_of(copy, proposal)
        flow.mapping_overrides = proposal["overrides"]
        flow.save(update_fields=["mapping_overrides"])

    def save(self, flow: Flow, proposal: Given, actor: str) -> None:
        mappings.save(flow, proposal["overrides"], actor=actor)


class Replay(Proposal):
    """Of certain records (``records``, kept as ``keys`` by flow, which a copy shares), of a cause in a flow (``cause``,
    ``flow``), or of what a run did (``run``)."""

    only_due = True
    action = Action.REPLAY

    def clean(self, sync: Sync, given: Given) -> dict[str, Any]:
        wanted = {name: given[name] for name in ("keys", "cause", "flow", "run") if given.get(name)}
        if "records" in given:
            wanted["keys"] = _keys(sync, given["records"])
        if not self.due(sync, wanted).exists():
            raise ValidationError(NOTHING_LEFT)
        return wanted

    def due(self, sync: Sync, proposal: Given) -> QuerySet[Record]:
        if "keys" in proposal:
            chosen = Q(pk=None)
            for flow, keys in proposal["keys"].items():
                chosen |= Q(flow__key=flow, source_key__in=keys)
            return records_of(sync).filter(chosen)
        if "run" in proposal:
            return records_of(sync).filter(run_id=proposal["run"])
        return services.by_cause(sync, proposal.get("cause", ""), proposal.get("flow", ""))

    def carry_out(self, sync: Sync, proposal: Given, actor: str) -> Run:
        cause = str(proposal.get("cause") or "")
        _, run = services.replay(self.due(sync, proposal), sync=sync, actor=actor, cause=cause)
        if run is None:
            raise ValidationError(NOTHING_LEFT)
        return run


KINDS: Mapping[str, Proposal] = {
    Preview.Kind.RUN: NextRun(),
    Preview.Kind.OPTIONS: ChangedOptions(),
    Preview.Kind.MAPPING: ChangedMapping(),
    Preview.Kind.REPLAY: Replay(),
}


def records_of(sync: Sync) -> QuerySet[Record]:
    return Record.objects.across_tenants().filter(flow__sync=sync)


def flow_of(sync: Sync, proposal: Given) -> Flow:
    flow = Flow.objects.across_tenants().filter(sync=sync, key=str(proposal.get("flow") or "")).first()
    if flow is None:
        raise ValidationError({"flow": "There is no such flow."})
    return flow


def _keys(sync: Sync, ids: Sequence[int]) -> dict[str, list[str]]:
    if len(ids) > MOST_RECORDS:
        raise ValidationError(f"Choose at most {MOST_RECORDS:,} records at once.")
    keys: dict[str, list[str]] = {}
    for flow, key in records_of(sync).filter(pk__in=ids).values_list("flow__key", "source_key"):
        keys.setdefault(flow, []).append(key)
    return keys


def _definition(flow: Flow) -> FlowDefinition:
    return catalogue.get(flow.sync.integration).flow(flow.key)
