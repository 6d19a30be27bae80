"""Each refusal of HubSpot, in every form it is known in, and what it means for us."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connections.connectors.hubspot import search
from connections.connectors.hubspot.errors import explain, table, until_midnight
from connections.connectors.hubspot.ledgers import named_in
from connections.connectors.hubspot.search import changed_since, find
from connections.errors import (
    ConfigError,
    Conflict,
    ConnectorError,
    RateLimited,
    RecordError,
    StreamRefused,
    TransientError,
    UnexpectedError,
)
from connections.http import Failure

EMBEDDED = (
    'Property values were not valid: [{"isValid":false,"message":"no such","error":"PROPERTY_DOESNT_EXIST","name":"x"}]'
)
SCOPES = {"errors": [{"context": {"requiredGranularScopes": ["crm.objects.invoices.write"]}}]}


def judged(status: int, body: Any = None, **more: Any) -> ConnectorError:
    return table("Europe/Berlin").error(Failure(status, body=body, label="invoices", **more))


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (400, {"category": "VALIDATION_ERROR", "message": "bad"}, RecordError, "hubspot_invalid"),
        (400, None, RecordError, "hubspot_invalid"),
        (400, {"message": EMBEDDED}, StreamRefused, "hubspot_property_absent"),
        (400, {"errors": [{"code": "PROPERTY_DOESNT_EXIST"}]}, StreamRefused, "hubspot_property_absent"),
        (400, {"errors": [{"code": "CONFLICTING_UNIQUE_VALUE"}]}, Conflict, "hubspot_value_in_use"),
        (
            400,
            {"message": "Unable to perform update/upsert by non-unique 0-53 property"},
            StreamRefused,
            "hubspot_key_not_unique",
        ),
        (400, {"message": "Duplicate IDs found in batch input: [1]."}, UnexpectedError, "hubspot_doubled_ids"),
        (400, {"context": {"reason": ["INVOICE_TO_LINE_ITEM"]}}, RecordError, "hubspot_invoice_needs_lines"),
        (401, {"category": "INVALID_AUTHENTICATION"}, ConfigError, "hubspot_key_refused"),
        (401, None, ConfigError, "hubspot_key_refused"),
        (403, {"category": "MISSING_SCOPES", **SCOPES}, StreamRefused, "hubspot_scope_missing"),
        (403, None, StreamRefused, "hubspot_scope_missing"),
        (404, {"category": "OBJECT_NOT_FOUND"}, RecordError, "hubspot_gone"),
        (404, {"message": "resource not found"}, StreamRefused, "hubspot_no_such_path"),
        (409, {"message": "Contact already exists. Existing ID: 51"}, Conflict, "hubspot_email_in_use"),
        (409, {"message": "Property exists"}, Conflict, "hubspot_conflict"),
        (423, None, TransientError, "hubspot_locked"),
        (477, None, TransientError, "hubspot_moving"),
        (502, None, TransientError, "server_error"),
        (524, None, TransientError, "server_error"),
        (522, None, TransientError, "hubspot_network"),
    ],
)
def test_table(status: int, body: Any, error: type[ConnectorError], code: str) -> None:
    found = judged(status, body)
    assert (type(found), found.code) == (error, code)
    assert found.text


def test_a_missing_scope_is_named() -> None:
    error = judged(403, SCOPES)
    assert error.detail["scopes"] == ["crm.objects.invoices.write"]
    assert "crm.objects.invoices.write" in error.text


def test_an_absent_property_is_named_with_the_next_step() -> None:
    error = judged(400, {"message": EMBEDDED, "correlationId": "c-1"})
    assert error.detail["properties"] == ["x"]
    assert error.detail["correlationId"] == "c-1"
    assert "Prepare" in error.text


def test_the_existing_contact_is_handed_over() -> None:
    assert judged(409, {"message": "Contact already exists. Existing ID: 51"}).detail["existing_id"] == "51"


@pytest.mark.parametrize(
    ("policy", "retry_after", "wait"),
    [("TEN_SECONDLY_ROLLING", None, 10), ("SECONDLY", None, 1), ("", None, 10), ("TEN_SECONDLY_ROLLING", 3.0, 3)],
)
def test_429_waits_by_its_policy(policy: str, retry_after: float | None, wait: float) -> None:
    error = judged(429, {"policyName": policy} if policy else None, retry_after=retry_after)
    assert isinstance(error, RateLimited)
    assert error.retry_after == wait


def test_the_daily_limit_waits_for_the_midnight_of_the_account() -> None:
    error = judged(429, {"policyName": "DAILY", "errorType": "RATE_LIMIT"})
    assert error.code == "hubspot_daily_limit"
    assert isinstance(error, RateLimited)
    assert 0 < (error.retry_after or 0) <= 25 * 3600


@pytest.mark.parametrize(
    ("zone", "now", "hours"),
    [
        ("Europe/Berlin", datetime(2026, 11, 20, 12, tzinfo=UTC), 11),
        ("America/New_York", datetime(2026, 11, 20, 4, 30, tzinfo=UTC), 0.5),
        ("Europe/Berlin", datetime(2026, 10, 25, 0, 0, tzinfo=UTC), 23),
        ("not/a_zone", datetime(2026, 11, 20, 20, tzinfo=UTC), 4),
        ("", datetime(2026, 11, 20, 20, tzinfo=UTC), 4),
    ],
)
def test_midnight(zone: str, now: datetime, hours: float) -> None:
    assert until_midnight(zone, now) == hours * 3600


def test_network_trouble_stops_after_three_tries() -> None:
    third = judged(522, attempt=3)
    assert isinstance(third, TransientError)
    assert (third.retry_after or 0) >= 600


def test_an_error_inside_a_batch_is_judged_as_if_sent_alone() -> None:
    entry = {"status": "error", "category": "OBJECT_NOT_FOUND", "context": {"ids": ["9"], "objectWriteTraceId": ["t"]}}
    assert explain(table(""), entry, "invoices").code == "hubspot_gone"
    assert named_in(entry)[0] == "t"
    assert "9" in named_in(entry)


class Index:
    """A search index that honours filters, sort and limits."""

    def __init__(self, rows: list[tuple[int, int]]) -> None:
        self.rows = rows
        self.queries = 0

    def __call__(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        found = [row for row in self.rows if all(self._meets(row, one) for one in body["filterGroups"][0]["filters"])]
        found.sort(key=lambda row: row[0] if body["sorts"][0]["propertyName"] == "hs_object_id" else (row[1], -row[0]))
        start = int(body.get("after", 0))
        self.queries += start == 0
        assert start + body["limit"] <= search.ROWS_PER_QUERY
        page = found[start : start + body["limit"]]
        answer: dict[str, Any] = {"results": [self._record(*row) for row in page]}
        if start + len(page) < len(found):
            answer["paging"] = {"next": {"after": str(start + len(page))}}
        return answer

    def _meets(self, row: tuple[int, int], condition: dict[str, Any]) -> bool:
        have = row[0] if condition["propertyName"] == "hs_object_id" else row[1]
        want = int(condition["value"])
        return {"GTE": have >= want, "EQ": have == want, "GT": have > want}[condition["operator"]]

    def _record(self, number: int, changed: int) -> dict[str, Any]:
        stamp = datetime.fromtimestamp(changed / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"id": str(number), "properties": {"hs_lastmodifieddate": stamp}}


@pytest.mark.parametrize("stamps", [1, 2, 7, 260])
def test_more_changes_than_a_query_returns_are_all_found_once(monkeypatch: pytest.MonkeyPatch, stamps: int) -> None:
    monkeypatch.setattr(search, "ROWS_PER_QUERY", 100)
    monkeypatch.setattr(search, "ROWS_PER_PAGE", 10)
    start = 1_790_000_000_000
    index = Index([(number + 1, start + number * stamps // 260 * 10) for number in range(260)])
    since = datetime.fromtimestamp(start / 1000, UTC)
    found = [record["id"] for page in changed_since(index, "invoices", since, ["hs_number"]) for record in page]
    assert len(found) == 260
    assert len(set(found)) == 260


def test_find_splits_values_so_that_no_query_is_too_long_and_ignores_capitals() -> None:
    bodies: list[dict[str, Any]] = []

    def ask(kind: str, body: dict[str, Any]) -> dict[str, Any]:
        assert len(json.dumps(body)) <= 3000
        bodies.append(body)
        values = body["filterGroups"][0]["filters"][0]["values"]
        return {"results": [{"id": value, "properties": {"name": value.upper()}} for value in values if "7" in value]}

    names = [f"Çompany Number {number} of a Rather Long Name" for number in range(300)]
    found = find(ask, "companies", "name", names, ["domain"])
    assert list(found) == names
    assert all(bool(records) == ("7" in name) for name, records in found.items())
    assert all(value == value.lower() for body in bodies for value in body["filterGroups"][0]["filters"][0]["values"])
