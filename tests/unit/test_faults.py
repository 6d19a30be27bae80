"""From an HTTP answer to an error of the tree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from connections import errors
from connections.connectors.oracle_fusion.errors import IDENTITY_TABLE, TABLE
from connections.faults import ErrorTable, Failure, Rule, back_off, retry_after


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, errors.ConfigError), (400, errors.RecordError), (401, errors.ConfigError), (403, errors.StreamRefused),
        (404, errors.RecordError), (409, errors.Conflict), (418, errors.UnexpectedError), (422, errors.RecordError),
        (429, errors.RateLimited), (500, errors.TransientError), (503, errors.TransientError),
        (599, errors.TransientError),
    ],
)  # fmt: skip
def test_every_status_has_a_class_and_a_text_for_the_tenant(status: int, kind: type[errors.ConnectorError]) -> None:
    error = ErrorTable("Ledger").error(Failure(status, label="invoices"))
    assert type(error) is kind
    assert error.text
    assert "{" not in error.text
    assert error.detail["status"] == status


def test_the_vendor_code_goes_before_the_status_and_the_connector_before_the_default() -> None:
    rows: Any = {
        400: Rule(errors.RecordError, "plain", "Plain."),
        (400, "X1"): Rule(errors.Conflict, "special", "Special: {message}"),
        409: lambda failure: errors.RecordError("Own.", code="own"),
    }
    table = ErrorTable("Ledger", rows, codes=lambda failure: failure.body["codes"])
    assert table.error(Failure(400, body={"codes": []})).code == "plain"
    special = table.error(Failure(400, body={"codes": ["X0", "X1"], "detail": "twice {braces}"}))
    assert (special.code, special.text) == ("special", "Special: twice {braces}")
    assert special.detail["vendor_codes"] == ["X0", "X1"]
    assert table.error(Failure(409, body={"codes": []})).code == "own"


@pytest.mark.parametrize("body", [None, [], {}, {"o:errorDetails": None}, {"o:errorDetails": [None, {}]}, "text"])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 415, 429, 500, 503])
def test_an_error_body_of_any_shape_is_taken(status: int, body: Any) -> None:
    assert TABLE.error(Failure(status, body=body, label="receivablesInvoices")).text
    assert IDENTITY_TABLE.error(Failure(status, body=body)).text


def test_every_detail_of_fusion_is_told() -> None:
    body = {
        "title": "Bad Request",
        "status": "400",
        "o:errorDetails": [
            {"detail": "Quantity is wrong.", "o:errorCode": "27014"},
            {"detail": "Price is missing.", "o:errorCode": "AR-855641"},
        ],
    }
    error = TABLE.error(Failure(400, body=body, label="orders"))
    assert "Quantity is wrong. Price is missing." in error.text
    assert error.detail["vendor_codes"] == ["27014", "AR-855641"]
    body["o:errorDetails"] = [{"o:errorCode": "JBO-25014"}]
    assert type(TABLE.error(Failure(400, body=body))) is errors.Conflict


def test_retry_after_is_a_number_or_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30))
    assert retry_after({"Retry-After": "12"}) == 12
    assert retry_after({"Retry-After": later}) == pytest.approx(30, abs=2)
    assert retry_after({"Retry-After": "soon"}) is None
    assert retry_after({}) is None


def test_waits_double_up_to_ten_minutes() -> None:
    assert [back_off(30, attempt) for attempt in (1, 2, 3, 9)] == [30, 60, 120, 600]
