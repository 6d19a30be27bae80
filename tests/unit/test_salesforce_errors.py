"""Each documented refusal has its class, its code and a text that names the next step."""

from __future__ import annotations

from typing import Any

import pytest

from connections.connectors.salesforce import errors
from connections.connectors.salesforce.errors import ROW_TABLE, TABLE, TOKEN_TABLE, explain
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
from connections.faults import Failure

ID = "0015500001AbCdEAAV"


def whole(status: int, code: str, message: str = "") -> ConnectorError:
    return TABLE.error(Failure(status, body=[{"errorCode": code, "message": message}], label="Account"))


def row(code: str, message: str = "", **more: Any) -> ConnectorError:
    entry = {"success": False, "errors": [{"statusCode": code, "message": message, "fields": [], **more}]}
    return explain(entry, "Account")


@pytest.mark.parametrize(
    ("status", "code", "message", "error", "names"),
    [
        (300, "", "", Conflict, "salesforce_several"),
        (400, "INVALID_FIELD", "No such column 'X__c' on entity 'Account'.", StreamRefused, "salesforce_field_absent"),
        (400, "INVALID_TYPE", "sObject type 'X' is not supported.", StreamRefused, "salesforce_object_absent"),
        (400, "MALFORMED_QUERY", "unexpected token", StreamRefused, "salesforce_query"),
        (400, "INVALID_QUERY_LOCATOR", "invalid query locator", TransientError, "salesforce_cursor_lost"),
        (400, "QUERY_TIMEOUT", "took too long", TransientError, "salesforce_query_timeout"),
        (400, "JSON_PARSER_ERROR", "Cannot deserialize", RecordError, "salesforce_invalid"),
        (400, "NEVER_SEEN", "?", StreamRefused, "salesforce_refused"),
        (401, "INVALID_SESSION_ID", "Session expired or invalid", ConfigError, "salesforce_session"),
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", RateLimited, "salesforce_daily_limit"),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", RateLimited, "rate_limited"),
        (403, "INSUFFICIENT_ACCESS", "no", StreamRefused, "salesforce_forbidden"),
        (403, "API_DISABLED_FOR_ORG", "no", ConfigError, "salesforce_api_off"),
        (404, "NOT_FOUND", "The requested resource does not exist", StreamRefused, "salesforce_not_found"),
        (405, "METHOD_NOT_ALLOWED", "", UnexpectedError, "method_refused"),
        (409, "", "", Conflict, "salesforce_conflict"),
        (410, "", "", ConfigError, "salesforce_version_retired"),
        (414, "", "", UnexpectedError, "salesforce_url_too_long"),
        (415, "", "", UnexpectedError, "media_refused"),
        (420, "", "", ConfigError, "salesforce_wrong_domain"),
        (431, "", "", UnexpectedError, "salesforce_url_too_long"),
        (500, "UNKNOWN_EXCEPTION", "An unexpected error occurred.", TransientError, "server_error"),
        (500, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", TransientError, "salesforce_locked"),
        (503, "SERVER_UNAVAILABLE", "", TransientError, "salesforce_unavailable"),
    ],
)
def test_a_whole_request(status: int, code: str, message: str, error: type, names: str) -> None:
    found = whole(status, code, message)
    assert (type(found), found.code) == (error, names)
    assert len(found.text) > 30


@pytest.mark.parametrize(
    ("code", "message", "error", "names"),
    [
        ("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", RecordError, "salesforce_required_field"),
        ("INVALID_FIELD", "No such column 'X__c' on sobject of type Account", StreamRefused, "salesforce_field_absent"),
        (
            "INVALID_FIELD",
            "Foreign key external ID: C-1 not found for field Fusion_Id__c in entity Account",
            RecordError,
            "salesforce_parent_absent",
        ),
        ("DUPLICATE_VALUE", f"X duplicates value on record with id: {ID}", Conflict, "salesforce_value_in_use"),
        ("DUPLICATE_VALUE", "Duplicate external id specified: 7", UnexpectedError, "salesforce_doubled_keys"),
        ("DUPLICATE_EXTERNAL_ID", "Duplicate external id specified: 7", UnexpectedError, "salesforce_doubled_keys"),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Fill in Region.", RecordError, "salesforce_validation_rule"),
        ("STRING_TOO_LONG", "Name: data value too large: x (max length=80)", RecordError, "salesforce_too_long"),
        ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value", RecordError, "salesforce_picklist"),
        ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", RecordError, "salesforce_stale_id"),
        ("MALFORMED_ID", "Account ID: id value of incorrect type: x", RecordError, "salesforce_stale_id"),
        ("ENTITY_IS_DELETED", "entity is deleted", RecordError, "salesforce_deleted"),
        ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", TransientError, "salesforce_locked"),
        ("ENTITY_IS_LOCKED", "the entity is locked", RecordError, "salesforce_approval_lock"),
        ("ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back", TransientError, "salesforce_halted"),
        ("PROCESSING_HALTED", "", TransientError, "salesforce_halted"),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create", RecordError, "salesforce_field_not_writable"),
        ("INSUFFICIENT_ACCESS_OR_READONLY", "no", RecordError, "salesforce_record_rights"),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "trigger X", RecordError, "salesforce_trigger"),
        ("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded", ConfigError, "salesforce_storage_full"),
        ("INVALID_CURRENCY_ISO", "bad currency", RecordError, "salesforce_invalid"),
        ("NEVER_SEEN", "?", RecordError, "salesforce_invalid"),
    ],
)  # fmt: skip
def test_a_row_of_a_collection(code: str, message: str, error: type, names: str) -> None:
    found = row(code, message)
    assert (type(found), found.code) == (error, names)


def test_both_envelopes_of_a_404_are_read() -> None:
    body = {"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}
    assert TABLE.error(Failure(404, body=body)).code == TABLE.error(Failure(404, body=[body])).code


def test_the_administrators_own_words_and_the_field_are_shown() -> None:
    found = row("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Region is wanted.", fields=["Region__c"])
    assert "Region is wanted." in found.text
    assert found.detail["fields"] == ["Region__c"]


def test_the_record_that_holds_a_value_and_duplicate_candidates_are_named() -> None:
    held = row("DUPLICATE_VALUE", f"duplicate value found: F__c duplicates value on record with id: {ID}")
    assert held.detail["existing_ids"] == [ID]
    assert ID in held.text
    result = {"matchResults": [{"matchRecords": [{"record": {"Id": ID}}]}]}
    found = row("DUPLICATES_DETECTED", "Use one of these records?", duplicateResult=result)
    assert isinstance(found, Conflict)
    assert found.detail["candidate_ids"] == [ID]
    assert row("DUPLICATES_DETECTED", "Use one of these records?").detail["candidate_ids"] == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("This session is not valid for use with the REST API", "salesforce_not_for_rest"),
        ("Connected app is not attached to Agent", "salesforce_app_not_attached"),
    ],
)
def test_two_401s_are_no_expiry(message: str, code: str) -> None:
    found = whole(401, "INVALID_SESSION_ID", message)
    assert (type(found), found.code) == (ConfigError, code)
    failure = Failure(401, body=[{"errorCode": "INVALID_SESSION_ID", "message": message}])
    assert errors.NO_EXPIRY.intersection(errors.codes_of(failure))


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize(
    ("error", "description", "code", "hint"),
    [
        ("invalid_grant", "no client credentials user enabled", "salesforce_no_run_as", "Run As"),
        ("invalid_grant", "request not supported on this domain", "salesforce_wrong_domain", "My Domain"),
        ("invalid_grant", "user is not admin approved to access this app", "salesforce_not_approved", "permission set"),
        ("invalid_grant", "authentication failure", "salesforce_sign_in", "authentication failure"),
        ("invalid_client", "invalid client credentials", "salesforce_secret", "secret"),
        ("invalid_client_id", "client identifier invalid", "salesforce_client_id", "ten minutes"),
        ("unsupported_grant_type", "grant type not supported", "salesforce_flow_off", "flow"),
        ("inactive_user", "user inactive", "salesforce_inactive", "Activate"),
        ("inactive_org", "organization inactive", "salesforce_inactive", "Ask"),
        ("never_seen", "hm", "salesforce_sign_in", "hm"),
    ],
)
def test_refused_sign_ins_name_the_cause(status: int, error: str, description: str, code: str, hint: str) -> None:
    found = TOKEN_TABLE.error(Failure(status, body={"error": error, "error_description": description}))
    assert isinstance(found, ConfigError)
    assert found.code == code
    assert hint.lower() in found.text.lower() or code == "salesforce_inactive"


def test_waits_for_the_limits() -> None:
    daily = whole(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    short = whole(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.")
    assert (daily.retry_after, short.retry_after) == (900.0, 30.0)  # type: ignore[attr-defined]


def test_every_text_can_be_filled_in() -> None:
    for table in (TABLE, ROW_TABLE, TOKEN_TABLE):
        for key in table._rows:
            status = key if isinstance(key, int) else key[0]
            code = "" if isinstance(key, int) else key[1]
            body = [{"errorCode": code, "message": "{braces} stay", "error": code}]
            assert table.error(Failure(status, body=body, label="Account")).text
