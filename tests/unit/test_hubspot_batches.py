"""Whatever HubSpot does with a batch, exactly the bad records are rejected and all others are written, once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connections import http
from connections.connectors.base import Done
from connections.connectors.hubspot import client as client_module
from connections.connectors.hubspot.client import HubSpotClient
from connections.connectors.hubspot.errors import table
from connections.errors import ConnectorError, OutcomeUnknown, RecordError, TransientError
from connections.http import Answer, Call, Failure

ERRORS = table("")


class Account:
    """An account in memory, answering in one of the ways HubSpot is known or feared to answer."""

    def __init__(self, bad: set[str], partial: str = "named", echo: str = "key", seed: int = 0) -> None:
        self.bad, self.partial, self.echo = bad, partial, echo
        self.shuffle = random.Random(seed).shuffle
        self.written: Counter[str] = Counter()
        self.key_of: dict[str, str] = {}
        self.calls = self.sent = 0
        self.errors, self.access = ERRORS, self

    def tick(self) -> None: ...

    def send(self, call: Call) -> Answer:
        ((_, answer),) = self.send_many([call])
        if isinstance(answer, ConnectorError):
            raise answer
        return answer

    def send_many(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer | ConnectorError]]:
        for index, call in enumerate(calls):
            self.calls += 1
            yield index, self._answer(call)

    def _answer(self, call: Call) -> Answer | ConnectorError:
        inputs = call.json["inputs"]
        assert 0 < len(inputs) <= 100
        if call.url.endswith("/read"):
            found = [each["id"] for each in inputs if each["id"] in self.key_of]
            return Answer(200, {}, {"results": [{"id": i, "properties": {"fusion_id": self.key_of[i]}} for i in found]})
        self.sent += 1
        bad = [each for each in inputs if each["objectWriteTraceId"] in self.bad]
        if bad and self.partial == "whole":
            return ERRORS.error(Failure(400, body={"message": "bad", "category": "VALIDATION_ERROR"}))
        results = [self._write(each["objectWriteTraceId"]) for each in inputs if each not in bad]
        self.shuffle(results)
        return Answer(
            200, {}, {"status": "COMPLETE", "results": results, "errors": [self._error(each) for each in bad]}
        )

    def _write(self, key: str) -> dict[str, Any]:
        self.written[key] += 1
        self.key_of[f"r{key}"] = key
        result: dict[str, Any] = {"id": f"r{key}", "properties": {}, "new": True}
        if self.echo == "key":
            result["properties"] = {"fusion_id": key}
        if self.echo == "trace":
            result["objectWriteTraceId"] = key
        return result

    def _error(self, item: dict[str, Any]) -> dict[str, Any]:
        error: dict[str, Any] = {"status": "error", "message": "bad"}
        if self.partial == "named":
            error["context"] = {"objectWriteTraceId": [item["objectWriteTraceId"]]}
        return error


def make(account: Account) -> HubSpotClient:
    return HubSpotClient(account, version="2026-09", errors=ERRORS)  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None)
@given(
    count=st.integers(0, 250),
    bad=st.sets(st.integers(0, 249), max_size=40),
    partial=st.sampled_from(["named", "nameless", "whole"]),
    echo=st.sampled_from(["key", "trace", "nothing"]),
    verb=st.sampled_from(["upsert", "create"]),
    seed=st.integers(0, 9),
)
def test_bad_records_are_rejected_alone(
    count: int, bad: set[int], partial: str, echo: str, verb: str, seed: int
) -> None:
    keys = [str(number) for number in range(count)]
    guilty = {str(number) for number in bad if number < count}
    account = Account(guilty, partial, echo, seed)

    outcome = getattr(make(account), verb)("invoices", [(key, {"hs_currency": "USD"}) for key in keys])

    assert set(outcome) == set(keys)
    assert {key for key, what in outcome.items() if isinstance(what, RecordError)} == guilty
    assert all(outcome[key].id == f"r{key}" for key in keys if key not in guilty)
    assert account.written == Counter(key for key in keys if key not in guilty)
    batches = -(-count // 100)
    assert account.sent <= batches + 16 * len(guilty)
    assert account.calls <= 2 * account.sent
    if not guilty and echo != "nothing":
        assert account.calls == batches


def test_a_key_given_twice_is_refused_before_anything_is_sent() -> None:
    account = Account(set())
    with pytest.raises(ValueError, match="more than once"):
        make(account).upsert("companies", [("1", {}), ("2", {}), ("1", {})])
    assert account.calls == 0


def test_emails_are_matched_whatever_their_capitals() -> None:
    class Lowering(Account):
        def _write(self, key: str) -> dict[str, Any]:
            return {"id": "7", "properties": {"email": key.lower()}, "new": False}

    outcome = make(Lowering(set())).upsert("contacts", [("Ada@Example.COM", {})], key_property="email")
    assert outcome == {"Ada@Example.COM": Done("7", False, {"email": "ada@example.com"})}


def test_a_create_that_says_nothing_about_a_record_is_unknown_not_repeated() -> None:
    class Silent(Account):
        def _write(self, key: str) -> dict[str, Any]:
            self.written[key] += 1
            return {"id": "", "properties": {"fusion_id": "other"}}

    account = Silent(set())
    outcome = make(account).create("invoices", [("1", {}), ("2", {})])
    assert {type(what) for what in outcome.values()} == {OutcomeUnknown}
    assert account.written == Counter({"1": 1, "2": 1})


def test_a_create_whose_answer_was_lost_is_not_sent_again() -> None:
    class Lost(Account):
        def _answer(self, call: Call) -> Answer | ConnectorError:
            super()._answer(call)
            return OutcomeUnknown("cut")

    account = Lost(set())
    outcome = make(account).create("invoices", [(str(number), {}) for number in range(150)])
    assert {type(what) for what in outcome.values()} == {OutcomeUnknown}
    assert set(account.written.values()) == {1}
    assert account.calls == 2


def test_an_upsert_answered_with_nothing_at_all_ends_as_unknown() -> None:
    class Mute(Account):
        def _answer(self, call: Call) -> Answer:
            return Answer(200, {}, {"status": "PENDING"})

    outcome = make(Mute(set())).upsert("invoices", [(str(number), {}) for number in range(10)])
    assert {type(what) for what in outcome.values()} == {OutcomeUnknown}


def test_a_create_that_stops_midway_keeps_what_was_created() -> None:
    class Stopping(Account):
        def send_many(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer | ConnectorError]]:
            for index, call in enumerate(calls):
                if index == 1:
                    raise TransientError("HubSpot is away.")
                yield index, self._answer(call)

    outcome = make(Stopping(set())).create("invoices", [(str(number), {}) for number in range(250)])
    assert [isinstance(outcome[str(number)], Done) for number in (0, 99, 100, 249)] == [True, True, False, False]


def test_an_input_that_was_locked_is_sent_again_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(http, "pause", waits.append)

    class Locked(Account):
        def _error(self, item: dict[str, Any]) -> dict[str, Any]:
            self.bad = set()
            return {"category": "RATE_LIMITS", "context": {"objectWriteTraceId": [item["objectWriteTraceId"]]}}

    account = Locked({"5"})
    outcome = make(account).upsert("invoices", [(str(number), {}) for number in range(10)])
    assert all(isinstance(what, Done) for what in outcome.values())
    assert account.written == Counter(map(str, range(10)))
    assert waits == [client_module.SECONDS_BETWEEN]


def test_associations_go_two_thousand_a_call_and_failures_are_named() -> None:
    class Pairs(Account):
        def _answer(self, call: Call) -> Answer:
            sizes.append(len(call.json["inputs"]))
            pairs = [(each["from"]["id"], each["to"]["id"]) for each in call.json["inputs"]]
            results = [{"from": {"id": one}, "to": {"id": to}} for one, to in pairs if one != "13"]
            errors = [{"category": "OBJECT_NOT_FOUND", "context": {}} for one, _ in pairs if one == "13"]
            return Answer(207, {}, {"results": results, "errors": errors})

    sizes: list[int] = []
    failed = make(Pairs(set())).associate("invoices", "line_items", [(str(n), f"l{n}") for n in range(2500)], 409)
    assert list(failed) == [("13", "l13")]
    assert sizes == [2000, 500]
