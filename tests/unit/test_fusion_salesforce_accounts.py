"""Customers and suppliers to Accounts: golden files for the mapping, and what is read out of their attributes.

Golden files are a source row with what ``enrich`` added, and the document, error or rule that must come out. Write a
new file without ``expected`` and run with ``UPDATE_GOLDEN=1`` to have it filled in; then read it.
"""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connections.connectors.base import Row
from connections.errors import MappingError
from syncs.engine.flow import MapContext, Skip, Target
from syncs.integrations import fusion_parties as parties
from syncs.integrations.fusion_salesforce.accounts import ACCOUNT_CAUSES, AccountFlow, listed_option
from syncs.integrations.fusion_salesforce.customers import Customers, customer_keys
from syncs.integrations.fusion_salesforce.suppliers import Suppliers, ends_later, main_address, phone
from syncs.names.matching import Identity

FOLDER = Path(__file__).parent / "golden" / "fusion_salesforce"
FLOWS: dict[str, AccountFlow] = {flow.key: flow for flow in (Customers(), Suppliers())}
FILES = sorted([*FOLDER.glob("customer*.json"), *FOLDER.glob("supplier*.json")])


def outcome(case: dict[str, Any]) -> dict[str, Any]:
    flow = FLOWS[case["flow"]]
    row = Row(case["key"], "", case["row"])
    options = {option.name: option.default for option in flow.options} | case.get("options", {})
    targets = {
        (kind, key): Target(target["id"], target.get("status", "synced"), {})
        for kind, group in case.get("targets", {}).items()
        for key, target in group.items()
    }
    assert set(targets) <= set(flow.references(row)), "what is not referred to is not loaded"
    summary = flow.summary(row)
    found: dict[str, Any] = {"title": summary.title, "match_key": summary.match_key}
    try:
        mapped = flow.map(row, MapContext(options, case.get("capabilities", {}), targets))
        found |= {"document": mapped.document, "watch": mapped.watch}
    except Skip as skip:
        found["rule"] = skip.rule
    except MappingError as error:
        found |= {"code": error.code, "text": error.text}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    case: dict[str, Any] = json.loads(path.read_text())
    found = json.loads(json.dumps(outcome(case)))
    if os.environ.get("UPDATE_GOLDEN") and "expected" not in case:
        path.write_text(json.dumps(case | {"expected": found}, indent=2, ensure_ascii=False) + "\n")
        case = json.loads(path.read_text())
    assert found == case.get("expected")


def test_every_field_of_an_account_is_filled_in_at_least_one_golden_file() -> None:
    documents = [json.loads(path.read_text())["expected"].get("document", {}) for path in FILES]
    for part in ("account", "identity"):
        values = [item for document in documents for item in document.get(part, {}).items()]
        assert {name for name, _ in values} - {name for name, value in values if value} == set()
    known = {name for document in documents for name in document.get("identity", {})}
    assert known == set(Identity.__dataclass_fields__)


def test_every_cause_can_occur() -> None:
    """The other codes are the writer's, whose tests look for them."""
    mapped = {json.loads(path.read_text())["expected"].get("code") for path in FILES} - {None}
    assert mapped == {"no_name", "no_party"}
    assert mapped < set(ACCOUNT_CAUSES)


def test_what_an_account_is_keyed_by() -> None:
    assert Customers().party(Row("300000000000101", "", {})) == "300000000000101"
    assert Suppliers().party(Row("5", "", {"SupplierPartyId": 300000000000601})) == "300000000000601"
    assert customer_keys(Row("7", "", {"CustomerId": 300000000000101})) == ["300000000000101"]
    assert customer_keys(Row("7", "", {"CustomerId": None})) == []


def test_numbers_are_never_cut_in_two() -> None:
    numbers = parties.in_order(["1002", "999", None, " 1001 ", "999"])
    assert numbers == ["999", "1001", "1002"]
    assert parties.joined(numbers, None) == "999, 1001, 1002"
    assert parties.joined(numbers, 15) == "999, 1001, 1002"
    assert parties.joined(numbers, 14) == "999, 1001, …"
    assert parties.joined(numbers, 11) == "999, 1001"
    assert parties.joined(numbers, 3) == "999"
    assert parties.joined(["40001"], 4) is None
    assert parties.joined([], 80) is None


def test_a_sum_of_nothing_is_not_zero() -> None:
    assert parties.total([None, ""]) is None
    assert parties.total([None, "0.00"]) == 0
    assert parties.total(["100.10", 20, Decimal("-0.05")]) == Decimal("120.05")
    assert parties.total(["n/a", "1"]) == 1


@pytest.mark.parametrize(
    ("said", "word"), [("A", "Active"), ("i", "Inactive"), ("INACTIVE", "Inactive"), ("Merged", "Merged"), (None, None)]
)
def test_status_in_words(said: str | None, word: str | None) -> None:
    assert parties.status_word(said) == word


def test_a_picklist_is_never_given_a_new_value() -> None:
    org = {"options": {"account.Type": ["Customer - Direct", "Vendor"]}}
    assert listed_option(org, "Type", ("Customer",)) is None
    assert listed_option(org, "Type", ("Supplier", "vendor")) == "Vendor"
    assert listed_option({}, "Type", ("Customer",)) is None


def test_the_address_of_a_supplier() -> None:
    ordering = {"SupplierAddressId": 9, "AddressPurposeOrderingFlag": "Y"}
    paying = {"SupplierAddressId": 3, "AddressPurposeRemitToFlag": True}
    oldest = {"SupplierAddressId": 2}
    closed = {"SupplierAddressId": 1, "AddressPurposeOrderingFlag": True, "Status": "INACTIVE"}
    assert main_address({"addresses": [closed, oldest, paying, ordering]}) is ordering
    assert main_address({"addresses": [closed, oldest, paying]}) is paying
    assert main_address({"addresses": [closed, oldest]}) is oldest
    assert main_address({"addresses": [closed]}) is closed
    assert main_address({}) == {}


def test_a_phone_number_in_parts() -> None:
    assert phone({"PhoneCountryCode": "+44", "PhoneAreaCode": "161", "PhoneNumber": "4960000"}) == "+44 161 4960000"
    assert phone({"PhoneNumber": "4960000"}) == "4960000"
    assert phone({"PhoneCountryCode": "44", "PhoneAreaCode": "161"}) is None


def test_a_last_day_to_come_is_watched() -> None:
    assert ends_later({"InactiveDate": "2027-01-01", "_today": "2026-11-22"})
    assert not ends_later({"InactiveDate": "2026-11-22", "_today": "2026-11-22"})
    assert not ends_later({"InactiveDate": "4712-12-31", "_today": "2026-11-22"})
    assert not ends_later({"InactiveDate": None, "_today": "2026-11-22"})
