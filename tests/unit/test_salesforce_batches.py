"""Whatever Salesforce does with a batch, exactly the bad rows are rejected, all others are written, and rows of one
parent are never in two calls at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connections import http
from connections.connectors.base import Done
from connections.connectors.salesforce import writing
from connections.connectors.salesforce.batches import pack, refuse_doubles
from connections.connectors.salesforce.client import SalesforceClient
from connections.connectors.salesforce.errors import TABLE
from connections.connectors.salesforce.line import Room
from connections.errors import ConfigError, ConnectorError, RecordError, StreamRefused, TransientError
from connections.http import Answer, Call, Failure
from tests.stub import StubAccess

PART = "/composite/sobjects/Fusion_Invoice__c/Fusion_Id__c"


class Org:
    """An org in memory that notes which rows are under way at the same time."""

    def __init__(self, bad: set[str], way: str = "row", code: str = "FIELD_CUSTOM_VALIDATION_EXCEPTION") -> None:
        self.bad, self.way, self.code = bad, way, code
        self.written: Counter[str] = Counter()
        self.calls = 0
        self.room = Room()
        self.passing: Counter[str] = Counter()

    def send_many(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer | ConnectorError]]:
        sent = list(calls)
        bodies = [json.loads(call.data) for call in sent]  # type: ignore[arg-type]
        families = [{row.get("Account__c") for row in self._rows(body)} - {None} for body in bodies]
        assert sum(map(len, families)) == len(set().union(*families)), "one parent in two calls at once"
        for index, body in enumerate(bodies):
            self.calls += 1
            if "compositeRequest" in body:
                assert len(body["compositeRequest"]) <= 5
                yield index, Answer(200, {}, {"compositeResponse": [self._part(p) for p in body["compositeRequest"]]})
            else:
                status, found = self._write(body["records"])
                yield index, (Answer(200, {}, found) if status == 200 else TABLE.error(Failure(status, body=found)))

    def _rows(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        if "compositeRequest" in body:
            return [row for part in body["compositeRequest"] for row in part["body"]["records"]]
        return list(body["records"])

    def _part(self, part: dict[str, Any]) -> dict[str, Any]:
        assert part["url"].endswith(PART)
        status, body = self._write(part["body"]["records"])
        return {"httpStatusCode": status, "body": body, "referenceId": part["referenceId"]}

    def _write(self, rows: list[dict[str, Any]]) -> tuple[int, Any]:
        assert 0 < len(rows) <= 200
        keys = [row["Fusion_Id__c"] for row in rows]
        if self.way == "whole" and self.bad.intersection(keys):
            return 400, [{"errorCode": "JSON_PARSER_ERROR", "message": "Cannot deserialize instance of double"}]
        if self.way == "group" and self.bad.intersection(keys):
            return 200, [self._error("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY") for _ in keys]
        return 200, [self._result(key) for key in keys]

    def _result(self, key: str) -> dict[str, Any]:
        if self.passing[key] > 0:
            self.passing[key] -= 1
            return self._error("UNABLE_TO_LOCK_ROW")
        if key in self.bad:
            return self._error(self.code)
        self.written[key] += 1
        return {"id": f"a0{key}", "success": True, "created": self.written[key] == 1, "errors": []}

    @staticmethod
    def _error(code: str) -> dict[str, Any]:
        return {"success": False, "errors": [{"statusCode": code, "message": "bad", "fields": []}]}


def client(org: Org) -> SalesforceClient:
    return SalesforceClient(org, StubAccess())  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "pause", lambda seconds: None)


def rows(count: int, families: list[int] | None = None) -> list[tuple[str, dict[str, Any]]]:
    of = families or []
    return [(f"{n}", {"Account__c": f"001{of[n]}"} if n < len(of) else {}) for n in range(count)]


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 900),
    bad=st.sets(st.integers(0, 899), max_size=4),
    way=st.sampled_from(["row", "whole", "group"]),
    how=st.sampled_from([writing.COLLECTIONS, writing.COMPOSITE]),
    families=st.lists(st.integers(0, 3), max_size=900),
)
def test_only_bad_rows_are_rejected(count: int, bad: set[int], way: str, how: str, families: list[int]) -> None:
    wrong = {str(number) for number in bad if number < count}
    org = Org(wrong, way)
    given_rows = rows(count, families)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "MOST_SPLITS", 10_000)
        outcome = client(org).upsert("invoice", given_rows, parent="Account__c", way=how)
    assert set(outcome) == {key for key, _ in given_rows}
    assert {key for key, found in outcome.items() if isinstance(found, RecordError)} == wrong
    assert set(org.written) == set(outcome) - wrong
    assert all(times == 1 for times in org.written.values())
    assert all(isinstance(found, Done) and found.created for key, found in outcome.items() if key not in wrong)


def test_a_flow_that_fails_on_everything_does_not_use_up_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MOST_SPLITS", 24)
    org = Org({str(n) for n in range(1000)}, "group")
    outcome = client(org).upsert("invoice", rows(1000), way=writing.COLLECTIONS)
    assert all(isinstance(found, RecordError) for found in outcome.values())
    assert org.calls < 60


def test_a_locked_row_is_tried_again_and_at_last_left_for_later() -> None:
    org = Org(set())
    org.passing.update({"3": 2, "5": 99})
    outcome = client(org).upsert("invoice", rows(10))
    assert isinstance(outcome["3"], Done)
    assert isinstance(outcome["5"], TransientError)
    assert org.calls == 1 + writing.RETRIES_OF_A_ROW
    assert all(times == 1 for times in org.written.values())


def test_what_concerns_the_object_is_raised() -> None:
    with pytest.raises(StreamRefused, match="Run Prepare"):
        client(Org({"1"}, code="INVALID_FIELD")).upsert("invoice", rows(3))
    with pytest.raises(ConfigError, match="full"):
        client(Org({"1"}, code="STORAGE_LIMIT_EXCEEDED")).upsert("invoice", rows(3))


def test_twenty_refusals_of_rights_and_nothing_else_stop_the_flow() -> None:
    every = {str(n) for n in range(20)}
    with pytest.raises(StreamRefused, match="may change no record"):
        client(Org(every, code="INSUFFICIENT_ACCESS_OR_READONLY")).upsert("invoice", rows(20))
    outcome = client(Org(every, code="INSUFFICIENT_ACCESS_OR_READONLY")).upsert("invoice", rows(21))
    assert isinstance(outcome["20"], Done)


def test_calls_for_a_thousand_invoices_with_three_lines() -> None:
    invoices, lines = rows(1000, [n % 40 for n in range(1000)]), rows(3000, [n // 3 for n in range(3000)])
    for way, most in ((writing.COLLECTIONS, 22), (writing.COMPOSITE, 6)):
        org = Org(set())
        client(org).upsert("invoice", invoices, parent="Account__c", way=way)
        client(org).upsert("invoice", lines, parent="Account__c", way=way)
        assert org.calls <= most


@given(st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=600), st.integers(1, 50))
def test_packing_keeps_families_in_one_lane(parents: list[int | None], size: int) -> None:
    numbered = list(enumerate(parents))
    lanes = pack(numbered, size, lambda row: row[1])
    assert sorted(n for lane in lanes for batch in lane for n, _ in batch) == list(range(len(parents)))
    assert all(0 < len(batch) <= size for lane in lanes for batch in lane)
    homes = Counter(
        (parent, number) for number, lane in enumerate(lanes) for parent in {row[1] for b in lane for row in b}
    )
    assert all(sum(1 for parent, _ in homes if parent == each) == 1 for each in set(parents) - {None})


def test_a_key_twice_in_one_call_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="more than once"):
        client(Org(set())).upsert("invoice", [("a", {}), ("A", {})])
    refuse_doubles(["a", "b"])


@pytest.mark.parametrize(
    ("count", "left", "way"),
    [
        (200, None, writing.COLLECTIONS),
        (2000, None, writing.COLLECTIONS),
        (2001, None, writing.BULK),
        (2000, 50_000, writing.COLLECTIONS),
        (2000, 900, writing.COMPOSITE),
        (150, 10, writing.COLLECTIONS),
        (2001, 900, writing.BULK),
    ],
)
def test_rows_and_calls_left_choose_the_way(count: int, left: int | None, way: str) -> None:
    assert writing.choose(count, left, 2000) == way


def test_bulk_replaces_composite_where_even_that_is_too_much() -> None:
    assert writing.choose(20_000, 900, 50_000) == writing.BULK
