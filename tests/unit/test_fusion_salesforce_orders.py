"""What opportunities and purchase orders become in Fusion, and the writer against systems that lose answers.

The rows of the golden files hold what ``enrich`` adds, too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from connections.connectors.base import Document, Done, Row
from connections.errors import (
    ConnectorError,
    OutcomeUnknown,
    StreamRefused,
    TransientError,
)
from syncs.engine import settle
from syncs.engine.flow import Item, Mapped, State, Store, WriteContext
from syncs.integrations.fusion_salesforce.comparing import differences, figure
from syncs.integrations.fusion_salesforce.opportunities import Opportunities
from syncs.integrations.fusion_salesforce.order_causes import ORDER_CAUSES
from syncs.integrations.fusion_salesforce.orders import OrderFlow
from syncs.integrations.fusion_salesforce.purchase_orders import PurchaseOrders, references
from syncs.money import json_number
from tests.unit.golden_files import FOLDER, GoldenFiles, load

FLOWS: dict[str, OrderFlow] = {flow.key: flow for flow in (Opportunities(), PurchaseOrders())}
GOLDEN = GoldenFiles(
    "fusion_salesforce",
    FLOWS.values(),
    optional=[f"{key}.{part}" for key in FLOWS for part in ("order", "state", "withdrawn")],
)


@pytest.mark.parametrize("path", GOLDEN.files, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    GOLDEN.check(path)


def test_every_field_of_an_order_is_filled_in_at_least_one_golden_file() -> None:
    assert GOLDEN.unfilled() == set()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("opportunity", ("Line extension 2026001", Decimal(801), "USD")),
        ("opportunity_currency_not_set", ("Line extension 2026001", Decimal(801), "")),
        ("purchase_order_all_settings", ("PO-00000001", Decimal("125.1875"), "")),
        ("purchase_order_line_without_price", ("PO-00000001", None, "USD")),
    ],
)
def test_a_list_shows_name_and_amount(name: str, expected: tuple[Any, ...]) -> None:
    case = load(FOLDER / "fusion_salesforce" / f"{name}.json")
    assert FLOWS[case["flow"]].summary(Row(case["key"], "", case["row"]))[:3] == expected


def test_an_amount_without_a_currency_is_in_the_one_of_the_options() -> None:
    for flow in FLOWS.values():
        assert flow.usual_currency({"default_currency": "USD"}) == "USD"
        assert flow.usual_currency({"default_currency": None}) == ""


# Numbers and words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "sent"),
    [("2.0", 2), ("0.5", 0.5), ("19.99", 19.99), ("123456789012345.123456", "123456789012345.123456"), ("1E+3", 1000)],
)
def test_numbers_are_sent_exactly(given: str, sent: object) -> None:
    found = json_number(Decimal(given))
    assert (found, type(found)) == (sent, type(sent))
    assert Decimal(json.dumps(found).strip('"')) == Decimal(given)


def test_differences_are_told_in_words_and_not_all_of_them() -> None:
    pump, kit = {"name": "AS100", "quantity": "2", "amount": "99"}, {"name": "AS205", "quantity": "1"}
    old = {"customer": "1", "amount": "99", "lines": {"a": pump, "b": kit}}
    assert differences(old, {**old, "lines": {"a": {**pump, "amount": figure("99.00")}, "b": kit}}) == []
    new = {"customer": "2", "lines": {"a": {**pump, "quantity": "3"}, "b": {**kit, "name": "CT400"}, "c": kit}}
    assert differences(old, new) == [
        "customer 1 → 2",
        "AS100: quantity 2 → 3",
        "AS205 × 1 → CT400 × 1",
        "AS205 × 1 added",
    ]
    many = {str(place): kit for place in range(9)}
    assert differences({"lines": {}}, {"lines": many})[-2:] == ["AS205 × 1 added", "and 3 more"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"ReferenceNumber": "a05fs0000000001AAA", "Description": "Pumps [a05fs0000000001AAA]"},
            ["a05fs0000000001AAA"],
        ),
        ({"ReferenceNumber": None, "Description": "Copy [a05fs0000000001AAA] [x]"}, ["a05fs0000000001AAA"]),
        ({"ReferenceNumber": "PO 7", "Description": None}, ["PO 7"]),
        ({"ReferenceNumber": None, "Description": None}, []),
    ],
)
def test_our_reference_is_found_in_what_fusion_tells(data: dict[str, Any], expected: list[str]) -> None:
    assert references(Row("1", "", data)) == expected


def test_nothing_is_made_that_could_not_be_shown() -> None:
    with pytest.raises(StreamRefused, match=r"Fusion_Error__c\), so none is made. Run Prepare"):
        FLOWS["opportunities"].enrich(
            [Row("006", "", dict.fromkeys(list(FLOWS["opportunities"].shows.values())[:-1]))],
            source=None,
            destination=None,
        )


def test_every_code_is_put_in_words() -> None:
    told = {code for path in GOLDEN.files if (code := load(path)["expected"].get("code"))}
    assert told - {"unknown_currency"} <= set(ORDER_CAUSES)
    for flow in FLOWS.values():
        assert {flow.changed, flow.taken_back} <= set(ORDER_CAUSES)


# Writing --------------------------------------------------------------------------------------------------------------


@dataclass
class Systems:
    """Both systems as the writer sees them. ``answers`` is what Fusion says to each create, in order."""

    answers: list[Document | ConnectorError]
    there: dict[str, Document] = field(default_factory=dict)
    lost: bool = False
    created: list[str] = field(default_factory=list)
    shown: list[Document] = field(default_factory=list)
    intents: list[str] = field(default_factory=list)
    capabilities: dict[str, Any] = field(default_factory=lambda: {"lengths": {"opportunity": {"Fusion_Error__c": 20}}})

    @property
    def door(self) -> Any:
        return SimpleNamespace(access=SimpleNamespace(connection_id=1))

    @property
    def access(self) -> Any:
        return SimpleNamespace(capabilities=self.capabilities)

    def intend(self, items: Sequence[Item]) -> None:
        self.intents += [item.row.key for item in items]

    def create_orders(self, rows: Sequence[tuple[str, Document]]) -> dict[str, Document | ConnectorError]:
        assert self.intents[-len(rows) :] == [key for key, _ in rows]
        self.created += [key for key, _ in rows]
        return {key: self.answers.pop(0) for key, _ in rows}

    def orders(self, system: str, ids: Sequence[str]) -> dict[str, Document]:
        if self.lost:
            raise TransientError("Fusion is down.")
        return {key: self.there[key] for key in ids if key in self.there}

    def update(self, kind: str, rows: Sequence[tuple[str, Document]]) -> dict[str, Done | ConnectorError]:
        self.shown += [values for _, values in rows]
        return {key: Done(key, created=False) for key, _ in rows}

    def context(self, at: datetime) -> WriteContext:
        options = {option.name: option.default for option in FLOWS["opportunities"].options}
        return WriteContext(self, self, options, {}, cast(Store, self), at)


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HEADER = {"HeaderId": 7, "SourceTransactionSystem": "SFDC", "SourceTransactionId": "006", "StatusCode": "DOO_DRAFT"}


def won(state: State | None = None) -> Item:
    case = json.loads((FOLDER / "fusion_salesforce" / "opportunity.json").read_text())
    item = Item(Row("006", "v1", {}), state)
    item.describe(Mapped(case["expected"]["document"]))
    return item


def test_a_lost_answer_is_looked_up_at_once() -> None:
    systems = Systems([OutcomeUnknown("Cut.")], {"006": HEADER})
    item = won()
    FLOWS["opportunities"].write([item], systems.context(NOON))
    assert (item.status, item.created, item.destination_id) == ("synced", True, "7")
    assert systems.shown == [{"Fusion_Order_Key__c": "SFDC:006", "Fusion_Order_Status__c": "DOO_DRAFT"}]


@pytest.mark.parametrize("lost", [False, True])
def test_what_is_not_found_is_given_time(lost: bool) -> None:
    """Also where Fusion cannot be asked: the others of the batch must still be told."""
    systems = Systems([OutcomeUnknown("Cut.")], lost=lost)
    item = won()
    FLOWS["opportunities"].write([item], systems.context(NOON))
    assert (item.status, item.error and item.error.code) == ("waiting", "outcome_unknown")
    assert item.retry_at is not None
    assert item.retry_at >= NOON + timedelta(minutes=6)
    payload = json.dumps({"document": item.document, "ids": item.ids})
    state = settle.NOTHING._replace(error_code="outcome_unknown", payload=payload)
    soon, late = won(state), won(state)
    FLOWS["opportunities"].write([soon], systems.context(NOON + timedelta(minutes=5)))
    assert (soon.status, systems.created) == ("waiting", ["006"])
    systems.answers.append(HEADER)
    FLOWS["opportunities"].write([late], systems.context(NOON + timedelta(minutes=6)))
    assert (late.status, late.created, systems.created) == ("synced", True, ["006", "006"])


def test_what_fusion_says_of_an_order_is_cut_to_the_field_and_written_once() -> None:
    systems = Systems([{**HEADER, "MessageText": "The customer's credit is\nnot enough."}])
    item = won()
    FLOWS["opportunities"].write([item], systems.context(NOON))
    assert systems.shown[0]["Fusion_Error__c"] == "The customer's credi"
    payload = json.dumps({"document": item.document, "ids": item.ids})
    again = won(settle.NOTHING._replace(destination_id="7", payload_hash=item.payload_hash, payload=payload))
    again.describe(Mapped({**item.document, "closed": "moved"}))
    FLOWS["opportunities"].write([again], systems.context(NOON))
    assert (again.status, again.quiet, len(systems.shown), systems.created) == ("synced", True, 1, ["006"])
