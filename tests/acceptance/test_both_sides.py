"""A record's two sides as they stand, against the systems themselves: who changed what since it was delivered."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from syncs import both_sides
from syncs.both_sides import DESTINATION_CHANGED, BothSides
from syncs.models import Record
from tests.acceptance.pairs.base import Pair
from tests.acceptance.stage import Stage

pytestmark = pytest.mark.either_database

EDITS = {
    "fusion_hubspot": ("invoices", "fusion_status"),
    "fusion_salesforce": ("Fusion_Invoice__c", "Status__c"),
}
"""What a person finds the invoice under, and a field that person writes into."""


def look(record: Record) -> BothSides:
    return both_sides.look(Record.objects.for_tenant(record.flow.sync.tenant_id).get(pk=record.pk))


def marked(both: BothSides, standing: str) -> list[tuple[str, Any, Any]]:
    return [
        (line.name, line.delivered, line.theirs)
        for section in both.sections
        for line in section.lines
        if line.standing == standing
    ]


def edit(stage: Stage, pair: Pair, record: Record, value: str | None) -> None:
    """Somebody writes into the invoice, or, with None, deletes it."""
    kind, name = EDITS[pair.integration]
    people = stage.sandbox.systems[stage.destination.connector].people
    if value is None:
        people.delete(kind, record.destination_id)
    else:
        people.edit(kind, record.destination_id, {name: value})


def test_what_is_delivered_agrees_until_somebody_changes_it(stage_of: Callable[..., Stage], pair: Pair) -> None:
    stage = stage_of("small")
    stage.settle()
    stage.sandbox.reset_stats()
    for flow in stage.sync.flows.order_by("pk"):
        for record in flow.records.filter(status=Record.Status.SYNCED).order_by("pk")[:3]:
            both = look(record)
            assert both.sections, flow.key
            assert both.agree, (flow.key, record.title, both)
    invoice = stage.records("invoices", status=Record.Status.SYNCED).order_by("pk")[0]
    edit(stage, pair, invoice, "By hand")
    changed = look(invoice)
    assert not changed.agree
    assert marked(changed, DESTINATION_CHANGED) == [(EDITS[pair.integration][1], line_of(invoice, pair), "By hand")]
    edit(stage, pair, invoice, None)
    gone = look(invoice)
    assert (gone.source.there, gone.destination.there) == (True, False)
    assert "not there any more" in gone.destination.text
    wrote = [call for call in stage.sandbox.recorder.calls if call.method in ("PATCH", "PUT", "DELETE")]
    assert not wrote


def line_of(record: Record, pair: Pair) -> str:
    return str(json.loads(record.payload)["document"]["invoice"][EDITS[pair.integration][1]])
