"""Answers to questions of who is who: many at once, taken back, or undone after they were carried out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from audit import services as audit
from connections import services as connections
from connections.connectors import registry
from connections.errors import ConnectorError
from connections.models import Connection
from syncs import catalogue, services
from syncs.engine.binding import AMBIGUOUS, undone_question
from syncs.engine.flow import HELD, FlowDefinition, State, WriteContext
from syncs.engine.store import FlowStore
from syncs.models import Record, Run, Sync
from syncs.names.matching import Identity

PATIENCE_SECONDS = 20.0
PENDING, LEFT, ADOPTED, CREATED = "pending", "left_out", "adopted", "created"
Answers = Mapping[int, Mapping[str, Any]]
"""Record ID → the keywords of ``services.decide``."""


class Decided(NamedTuple):
    """How many answers were kept, the runs that carry them out, and why others were refused."""

    number: int
    runs: list[Run]
    refused: list[str]


def decide_all(records: Sequence[Record], answers: Answers, *, actor: str) -> Decided:
    """Keeps an answer for each record. What is refused is said and does not stop the others."""
    chosen = Counter(answers[record.pk].get("adopt") for record in records)
    for sync in {record.flow.sync_id: record.flow.sync for record in records}.values():
        services.refuse_broken(sync)
    syncs: dict[int, Sync] = {}
    refused: list[str] = []
    number = 0
    for record in records:
        answer = answers[record.pk]
        try:
            if answer.get("adopt") and chosen[answer["adopt"]] > 1:
                raise ValidationError("The same record was chosen twice. Choose it for one of them.")
            services.note_decision(record, actor=actor, **answer)
        except ValidationError as error:
            refused.append(f"{record}: {' '.join(error.messages)}")
        else:
            number += 1
            syncs[record.flow.sync_id] = record.flow.sync
    runs = [services.run_now(sync, actor=actor, only_due=True) for sync in syncs.values()]
    return Decided(number, runs, refused)


def stage(record: Record) -> str:
    """Where the answer about a record stands: pending, left_out, adopted or created; "" where none is in force."""
    decision = record.decision or {}
    if not decision or decision.get("ask"):
        return ""
    if record.destination_id:
        if decision.get("adopt"):
            return ADOPTED if decision["adopt"] == record.destination_id else ""
        return CREATED if decision.get("create") else ""
    if record.status == Record.Status.SKIPPED and decision.get("reject"):
        return LEFT
    return PENDING if record.next_attempt_at is not None else ""


def withdraw(record: Record, *, actor: str) -> str:
    """Takes an answer back and returns what that means. One that was carried out is undone where it can be."""
    undo = {PENDING: _take_back, LEFT: _ask_again, ADOPTED: _undo}.get(stage(record))
    if undo is None:
        raise ValidationError("There is no answer to take back.")
    return undo(record, actor)


def _take_back(record: Record, actor: str) -> str:
    open_answer = Record.objects.across_tenants().filter(pk=record.pk, destination_id="", updated_at=record.updated_at)
    with transaction.atomic():
        if not open_answer.update(decision=None, next_attempt_at=None):
            raise ValidationError("The answer is being carried out. Look again in a moment.")
        _note(record, actor, "Taken back before it was carried out.")
    return "The answer is taken back. The question is open again."


def _ask_again(record: Record, actor: str) -> str:
    services.replay(record.flow.records.filter(pk=record.pk), sync=record.flow.sync, actor=actor, ask_again=True)
    return "It is looked at again and asked about anew."


# Undoing a match ------------------------------------------------------------------------------------------------------


def _undo(record: Record, actor: str) -> str:
    """Takes our key off the record that was taken over, then asks anew. Safe to repeat if it is cut short between."""
    definition = catalogue.get(record.flow.sync.integration).flow(record.flow.key)
    _refuse_kin(record, definition)
    _refuse_while_running(record.flow.sync)
    theirs = _release(record, definition)
    text, candidates = undone_question(record.title, record.destination_id, theirs)
    decision = {"ask": True, "by": actor, "at": timezone.now().isoformat()}
    bound = Record.objects.across_tenants().filter(
        pk=record.pk, destination_id=record.destination_id, updated_at=record.updated_at
    )
    with transaction.atomic():
        # One that began since has loaded the record as it was, and puts our key there again.
        _refuse_while_running(record.flow.sync)
        if not bound.update(
            destination_id="",
            payload="",
            payload_hash="",
            status=HELD,
            error_code=AMBIGUOUS,
            error_text=text,
            candidates=candidates,
            decision=decision,
            next_attempt_at=None,
        ):
            raise ValidationError("A run has changed this record meanwhile. Undo it once more.")
        if theirs is not None:
            FlowStore(record.flow, 0, "").save_candidates([(record.destination_id, "", theirs)])
        _note(record, actor, "The match was undone: our key was taken off the record over there.")
    return "The match is undone. What was written to that record stays there; the question is open again."


def _refuse_while_running(sync: Sync) -> None:
    if sync.runs.filter(status__in=Run.ACTIVE).exists():
        raise ValidationError("A run is under way. Wait until it has ended, then undo the match.")


def _refuse_kin(record: Record, definition: FlowDefinition) -> None:
    sync = record.flow.sync
    kin = Record.objects.across_tenants().filter(
        flow__sync=sync, flow__key__in=definition.kin, destination_id=record.destination_id
    )
    if other := kin.select_related("flow").first():
        label = catalogue.get(sync.integration).flow(other.flow.key).label
        raise ValidationError(f"“{other}” ({label}) stands in the same record. Part the two in the destination itself.")


def _release(record: Record, definition: FlowDefinition) -> Identity | None:
    sync = record.flow.sync
    destination = sync.source if definition.reverse else sync.destination
    if destination.status == Connection.Status.BROKEN:
        raise ValidationError(f"The connection “{destination.name}” needs attention first: {destination.status_text}")
    access = connections.access_for(destination, connections.patience(PATIENCE_SECONDS))
    state = State._make(getattr(record, name) for name in State._fields)
    try:
        context = WriteContext(
            source=None,
            destination=registry.get(destination.connector).client(access),
            options={option.name: option.default for option in definition.options} | record.flow.options,
            capabilities=dict(destination.capabilities),
            store=FlowStore(record.flow, 0, ""),
            now=timezone.now(),
        )
        return definition.release(record.destination_id, record.source_key, state.delivered(), context)
    except ConnectorError as error:
        raise ValidationError(error.text) from None


def _note(record: Record, actor: str, text: str) -> None:
    entry = services.entry_of(
        record.flow.sync, "undecide", "done", actor, record, record.flow.key, audit.encode({"text": text})
    )
    audit.append(record.flow.sync.tenant_id, [entry])
