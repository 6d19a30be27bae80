"""What pages say of a mapping is what the mapping does: every field it can write is in its table, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from syncs import catalogue
from syncs.engine.flow import FlowDefinition
from syncs.engine.table import Section
from tests.unit.golden_files import FOLDER, load

BY_WRITERS = {
    "companies": {"fusion_id"},
    "contacts": {"fusion_id"},
    "invoices": {"fusion_id", "hs_invoice_status"},
    "line_items": {"fusion_id"},
    "commerce_payments": {"fusion_id"},
    "account": {"Fusion_Id__c", "Fusion_Role__c"},
    "invoice": {"Fusion_Id__c"},
    "invoice_line": {"Fusion_Id__c", "Invoice__c"},
    "payment": {"Fusion_Id__c"},
}
"""What no document holds: keys, and what is known only when it is written."""
FLOWS = [(integration.key, flow) for integration in catalogue.all_integrations() for flow in integration.flows]


def documents(integration: str, flow: str) -> Iterator[Any]:
    for path in sorted((FOLDER / integration).glob("*.json")):
        case = load(path)
        if case["flow"] == flow and "document" in case["expected"]:
            yield case["expected"]["document"]


def records(section: Section, document: Any) -> list[Any]:
    """All that a document holds of a section."""
    found = document
    for name in section.place.split("."):
        found = (found or {}).get(name)
    if not section.many:
        return [found] if found else []
    return list(found.values()) if isinstance(found, dict) else list(found or ())


@pytest.mark.parametrize(("integration", "flow"), FLOWS, ids=lambda each: getattr(each, "key", each))
def test_every_field_a_mapping_can_write_is_in_its_table_and_no_other(integration: str, flow: FlowDefinition) -> None:
    assert flow.table
    for section in flow.table:
        written = {
            name
            for document in documents(integration, flow.key)
            for each in records(section, document)
            for name in each
        }
        # A field of the document that stands in a section of its own is no field of this one.
        assert written | BY_WRITERS.get(section.kind, set()) == section.fields, section.place


@pytest.mark.parametrize(("integration", "flow"), FLOWS, ids=lambda each: getattr(each, "key", each))
def test_no_field_stands_twice_in_a_table(integration: str, flow: FlowDefinition) -> None:
    for section in flow.table:
        assert len(section.lines) == len(section.fields)


def test_every_flow_has_a_place_for_fields_of_ones_own() -> None:
    assert all(any(section.own for section in flow.table) for _, flow in FLOWS)
