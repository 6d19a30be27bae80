"""How flows and questions of who is who look on pages."""

from __future__ import annotations

from collections.abc import Sequence

from django import template

from syncs import record_selectors
from syncs.models import Flow

register = template.Library()


@register.filter
def flow_label(flow: Flow) -> str:
    return record_selectors.flow_label(flow)


@register.filter
def side_by_side(choices: Sequence[record_selectors.Choice]) -> list[tuple[str, str, list[str]]]:
    """Field, our value and the value of each choice in turn, for fields that anyone fills."""
    ours: dict[str, str] = {}
    for choice in choices:
        for one in choice.compared:
            ours[one["field"]] = ours.get(one["field"]) or one["ours"]
    theirs = [{one["field"]: one["theirs"] for one in choice.compared} for choice in choices]
    rows = [(field, said, [values.get(field, "") for values in theirs]) for field, said in ours.items()]
    return [row for row in rows if row[1] or any(row[2])]
