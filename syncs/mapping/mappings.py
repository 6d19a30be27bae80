"""A tenant's own fields in the mapping of a flow: checked against the destination's schema, kept version by version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max, QuerySet

from connections.connectors.base import Field
from syncs import catalogue, services
from syncs.engine import expressions
from syncs.engine.expressions import BadExpression
from syncs.engine.flow import FlowDefinition
from syncs.engine.own_fields import fitted, section_of, storable
from syncs.engine.table import Section, own_sections
from syncs.mapping import schemas
from syncs.models import Flow, MappingVersion

MOST_FIELDS = 50
MOST_OPTIONS = 500
LONGEST_CONSTANT = 2000
GIVEN = ("to", "in", "from", "value")
FOUND_OUT = ("label", "type", "length", "options")
NO_FIELDS: dict[str, Any] = {"fields": []}
Look = Callable[[Section], Sequence[Field]]


class RowErrors(ValidationError):
    """What is wrong with the rows of a mapping: ``rows`` by number from 0, then by ``to``, ``from`` or ``value``."""

    def __init__(self, rows: Mapping[int, Mapping[str, str]]) -> None:
        self.rows = rows
        super().__init__(
            {f"fields.{number}.{name}": text for number, errors in rows.items() for name, text in errors.items()}
        )


def definition_of(flow: Flow) -> FlowDefinition:
    return catalogue.get(flow.sync.integration).flow(flow.key)


def clean(flow: Flow, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides as they are stored, each with what the destination says of its field. Raises ``ValidationError``
    by row.

    A destination that does not say which fields it has stops nobody: then only the form of the rows is checked.
    """
    return _checked(flow, overrides, lambda section: schemas.fields_of(flow, section).fields)


def _checked(flow: Flow, overrides: Mapping[str, Any], look: Look | None) -> dict[str, Any]:
    """Without ``look`` nobody is asked, and what the rows say of their fields is kept."""
    rows = overrides.get("fields", []) if isinstance(overrides, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ValidationError({"fields": "Give a list of fields."})
    if len(rows) > MOST_FIELDS:
        raise ValidationError({"fields": f"At most {MOST_FIELDS} fields of your own fit in a flow."})
    sections = own_sections(definition_of(flow).table)
    if rows and not sections:
        raise ValidationError({"fields": "This flow takes no fields of your own."})
    errors: dict[int, dict[str, str]] = {}
    cleaned: list[dict[str, Any]] = []
    taken: set[tuple[str, str]] = set()
    for number, row in enumerate(rows):
        found, wrong = _row(sections, row, look)
        place = (found.get("in", ""), found.get("to", "").casefold())
        if "to" not in wrong and place in taken:
            wrong["to"] = "This field is filled by another row already."
        taken.add(place)
        cleaned.append(found)
        if wrong:
            errors[number] = wrong
    if errors:
        raise RowErrors(errors)
    return {"fields": cleaned}


def _row(
    sections: Mapping[str, Section], given: Mapping[str, Any], look: Look | None
) -> tuple[dict[str, Any], dict[str, str]]:
    kept = GIVEN if look else (*GIVEN, *FOUND_OUT)
    row = {name: _kept(given[name]) for name in kept if given.get(name) not in (None, "")}
    row["to"] = str(row.get("to", "")).strip()
    if row.get("in") == next(iter(sections)):
        del row["in"]
    wrong: dict[str, str] = {}
    section = section_of(sections, row)
    if section is None:
        return row, {"to": "This flow has no such part."}
    if text := _refused(section, row["to"]):
        wrong["to"] = text
    elif look and (fields := look(section)):
        wrong |= _take_over(row, row["to"], fields)
    if text := _filled(row):
        wrong["value" if "value" in row else "from"] = text
    return row, wrong


def _kept(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


def _refused(section: Section, name: str) -> str:
    if not name:
        return "Choose the field that is to be filled."
    if len(name) > 120:
        return "There is no field of so long a name."
    if name.casefold() in {field.casefold() for field in section.fields}:
        return "The product fills this field itself. Choose another."
    return ""


def _take_over(row: dict[str, Any], name: str, fields: Sequence[Field]) -> dict[str, str]:
    """Adds to the row what is known of its field; returns what speaks against it."""
    field = next((each for each in fields if each.name == name), None)
    if field is None:
        folded = name.casefold()
        alike = [each.name for each in fields if folded in (each.name.casefold(), each.label.casefold())]
        return {"to": f"There is no such field. Did you mean {alike[0]}?" if alike else "There is no such field there."}
    if not field.writable:
        return {"to": "This field cannot be written: the system fills it itself, or our user may not."}
    row["label"], row["type"] = field.label, field.type
    if field.length:
        row["length"] = field.length
    if field.type == "choice" and len(field.options) <= MOST_OPTIONS:
        row["options"] = [list(option) for option in field.options]
    return {}


def _filled(row: dict[str, Any]) -> str:
    """What is wrong with where a row's values come from."""
    if ("from" in row) == ("value" in row):
        return "Give either where the value comes from, or a value that is always the same."
    try:
        if "from" in row:
            row["from"] = str(row["from"]).strip()
            expressions.parsed(row["from"])
            return ""
        if isinstance(row["value"], dict | list) or len(str(row["value"])) > LONGEST_CONSTANT:
            return f"Give one value of at most {LONGEST_CONSTANT} characters."
        fitted(row["value"], row)
    except BadExpression as wrong:
        return str(wrong)
    return ""


def save(flow: Flow, overrides: Mapping[str, Any], *, actor: str) -> MappingVersion:
    """The flow's mapping from now on. What is there already is read again and gets the new fields with the next run;
    fields that are taken out of the mapping keep what stands in them.

    Nothing changes where the mapping is the same. ``overrides`` have been through ``clean``: nobody is asked again.
    Raises ``ValidationError`` by row.
    """
    cleaned = _checked(flow, overrides, None)
    before = flow.mapping_overrides or NO_FIELDS
    latest = versions(flow).first()
    if latest is not None and given(cleaned) == given(before):
        return latest
    with transaction.atomic():
        Flow.objects.across_tenants().select_for_update().get(pk=flow.pk)
        flow.mapping_overrides = cleaned
        flow.save(update_fields=["mapping_overrides"])
        number = (versions(flow).aggregate(last=Max("number"))["last"] or 0) + 1
        version = MappingVersion.objects.create(flow=flow, number=number, overrides=cleaned, changed_by=actor)
        services.read_all_again(flow)
        detail = {"version": number, "before": _said(before), "after": _said(cleaned)}
        services.note(flow.sync, "mapping.change", actor, detail, flow=flow.key)
    return version


def versions(flow: Flow) -> QuerySet[MappingVersion]:
    """The newest first."""
    return MappingVersion.objects.for_tenant(flow.sync.tenant_id).filter(flow=flow).order_by("-number")


def given(overrides: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows as people gave them, without what was found out about their fields."""
    return [{name: row[name] for name in GIVEN if name in row} for row in overrides.get("fields", ())]


def place_of(row: Mapping[str, Any]) -> str:
    return f"{row['in']}.{row['to']}" if row.get("in") else str(row["to"])


def source_of(row: Mapping[str, Any]) -> str:
    return str(row["from"]) if "from" in row else f"always “{row['value']}”"


def _said(overrides: Mapping[str, Any]) -> dict[str, str]:
    return {place_of(row): source_of(row) for row in overrides.get("fields", ())}


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(field, what filled it, what fills it) of every row that is not the same; "" for one that is not there."""
    old, new = _said(before), _said(after)
    names: Iterable[str] = dict.fromkeys([*old, *new])
    return [(name, old.get(name, ""), new.get(name, "")) for name in names if old.get(name) != new.get(name)]
