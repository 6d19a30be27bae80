"""An order's two sides as they stand: the other way round, and in the words of the order."""

from __future__ import annotations

import pytest

from syncs import both_sides
from syncs.both_sides import AGREES, SOURCE_CHANGED, BothSides
from syncs.models import Record
from tests.acceptance.orders_scene import (
    _orders_only,
    account,
    counts,
    deal,
    pair,
    people,
    product,
    purchase,
    stage,
)
from tests.acceptance.stage import Stage

pytestmark = pytest.mark.either_database

__all__ = ["_orders_only", "pair", "stage"]


def look(stage: Stage, key: str) -> BothSides:
    return both_sides.look(Record.objects.for_tenant(stage.tenant).get(source_key=key))


def lines(both: BothSides, standing: str) -> dict[str, tuple[str, str]]:
    return {
        f"{section.label}, {line.name}": (str(line.ours), str(line.theirs))
        for section in both.sections
        for line in section.lines
        if line.standing == standing
    }


def test_an_order_agrees_until_its_opportunity_is_changed(stage: Stage) -> None:
    won = deal(stage, account(stage))
    raised = purchase(stage, account(stage, supplier=True))
    assert counts(stage, "opportunities") == {"read": 1, "created": 1}
    for key, facts in (
        (won, {"Line: AS100, quantity": ("2", "2")}),
        (raised, {"Line: AS100, price": ("12.5", "12.5")}),
    ):
        both = look(stage, key)
        assert (both.source.label, both.destination.label) == ("Salesforce", "Oracle Fusion Cloud ERP")
        assert both.agree
        assert facts.items() <= lines(both, AGREES).items()
    people(stage).edit("OpportunityLineItem", product(stage, won), {"Quantity": 5.0})
    changed = look(stage, won)
    assert lines(changed, SOURCE_CHANGED)["Line: AS100, quantity"] == ("5", "2")
    assert Record.objects.for_tenant(stage.tenant).get(source_key=raised).reference.startswith("US-")
