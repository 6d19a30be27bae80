"""What the mapping page shows: the standard rows with real labels and an example, a tenant's own rows, and versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connections.connectors import registry
from connections.connectors.base import Field
from mlconnector.templatetags.shown import words
from syncs.engine.expressions import BadExpression
from syncs.engine.own_fields import value_of
from syncs.engine.table import Line, Section, own_sections
from syncs.mapping import mappings, schemas
from syncs.mapping.schemas import Sample, Schema
from syncs.models import Flow, MappingVersion

DEEPEST = 3
MOST_ATTRIBUTES = 250
VERSIONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ShownLine:
    """``label`` is what the destination calls the field, "" where that is not known. ``sources`` in words."""

    line: Line
    label: str
    sources: list[str]
    example: Any


@dataclass(frozen=True, slots=True)
class ShownSection:
    section: Section
    origin: str
    target: str
    lines: list[ShownLine]
    schema: Schema

    @property
    def choices(self) -> list[Field]:
        """The fields that a tenant may fill."""
        ours = self.section.fields
        return [field for field in self.schema.fields if field.writable and field.name not in ours]


@dataclass(frozen=True, slots=True)
class Attribute:
    """A place in the example record, as an expression says it."""

    expression: str
    value: Any
    label: str = ""


@dataclass(frozen=True, slots=True)
class ShownVersion:
    version: MappingVersion
    changes: list[tuple[str, str, str]]
    current: bool


@dataclass(frozen=True, slots=True)
class MappingPage:
    """``complete``: both systems have been asked, whatever they answered."""

    sections: list[ShownSection]
    attributes: list[Attribute]
    sample: Sample
    source: Schema
    origin: str
    target: str
    complete: bool

    @property
    def own(self) -> list[ShownSection]:
        return [each for each in self.sections if each.section.own]

    @property
    def problems(self) -> list[str]:
        """Why something cannot be shown, in the systems' words."""
        texts = [self.source.text, *(each.schema.text for each in self.sections), self.sample.text]
        return list(dict.fromkeys(text for text in texts if text))


def page_of(flow: Flow, *, ask: bool) -> MappingPage:
    """Without ``ask`` what was asked lately is shown, and nobody waits."""
    definition = mappings.definition_of(flow)
    origin, target = (registry.get(end.connector).label for end in schemas.ends(flow))
    source = schemas.source_fields(flow, ask=ask)
    sample = schemas.sample_of(flow, ask=ask)
    sections = [_section(flow, each, source, sample, (origin, target), ask=ask) for each in definition.table]
    complete = source.asked and sample.asked and all(each.schema.asked for each in sections)
    attributes = list(_attributes(sample, source, added=not definition.reverse))
    return MappingPage(sections, attributes, sample, source, origin, target, complete)


def _section(
    flow: Flow, section: Section, source: Schema, sample: Sample, names: tuple[str, str], *, ask: bool
) -> ShownSection:
    schema = schemas.fields_of(flow, section, ask=ask)
    origin, target = names[::-1] if section.back else names
    document = section.shown(sample.document)
    known = Schema() if section.back else source
    lines = [_line(each, schema, known, document.get(each.to)) for each in section.lines]
    return ShownSection(section, origin, target, lines, schema)


def _line(line: Line, schema: Schema, source: Schema, example: Any) -> ShownLine:
    field = schema.named(line.to)
    names = [name for name in line.source.split(", ") if name]
    plain = None if isinstance(example, dict | list) else example
    return ShownLine(line, field.label if field else "", [_called(name, source) for name in names], plain)


def _called(name: str, source: Schema) -> str:
    """What the source calls an attribute, else its name in words."""
    field = source.named(name)
    return field.label if field and field.label != name else words(name.rpartition(".")[2])


def _attributes(sample: Sample, source: Schema, *, added: bool) -> Iterator[Attribute]:
    """What may stand in an expression: all that the example holds, and what else the source has.

    ``added``: also what the flow read besides the record. What orders add stands in the destination: it is no source.
    """
    labels = {field.name: field.label for field in source.fields}
    found = {place: value for place, value in _places(sample.row, "", 0) if added or not place.startswith("_")}
    for expression in sorted({**found, **labels}, key=lambda name: (name[0] == "_", name.casefold()))[:MOST_ATTRIBUTES]:
        yield Attribute(expression, found.get(expression), labels.get(expression, ""))


def _places(row: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Of lists the first: the others hold the same attributes."""
    for name, value in row.items():
        inner = f"{prefix}{name}"
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            value, inner = value[0], f"{inner}[0]"
        if isinstance(value, Mapping):
            if depth < DEEPEST:
                yield from _places(value, f"{inner}.", depth + 1)
        elif not isinstance(value, list) and not name.startswith("_"):  # those are notes of the flow's own
            yield inner, value


def example_of(row: Mapping[str, Any], sample: Sample) -> tuple[Any, str]:
    """The value a row gives for the example record, or why it gives none."""
    if "from" in row and not sample.row:
        return None, ""
    try:
        return value_of(row, sample.row), ""
    except BadExpression as wrong:
        return None, str(wrong)


def versions_of(flow: Flow) -> list[ShownVersion]:
    """The newest first, each with what it changed."""
    found = list(mappings.versions(flow)[: VERSIONS_SHOWN + 1])
    before = [*(each.overrides for each in found[1:]), mappings.NO_FIELDS]
    shown = zip(found, before, strict=False)
    return [
        ShownVersion(each, mappings.difference(older, each.overrides), current=place == 0)
        for place, (each, older) in enumerate(shown)
    ][:VERSIONS_SHOWN]


def labels_of(flow: Flow) -> dict[str, str]:
    """Place → label of the parts that take fields of one's own."""
    return {place: section.label for place, section in own_sections(mappings.definition_of(flow).table).items()}
