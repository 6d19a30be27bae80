"""Tokens, versions, headers, limits and the shape of requests of the imitated Salesforce."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import pytest
import requests

from connections.sandbox.salesforce import SWITCHES
from connections.sandbox.salesforce.auth import FAILURES
from connections.sandbox.salesforce.ids import checksum, full_id, make_id
from tests.contract.sandbox_salesforce import DATA, FORM, Organization, org

__all__ = ["org"]


def token(org: Organization, path: str = "token", **more: object) -> requests.Response:
    address = f"{org.server.url}/services/oauth2/{path}"
    return requests.post(address, timeout=10, **({"data": FORM} | more))  # type: ignore[arg-type]


def test_a_token_by_form_or_basic(org: Organization) -> None:
    answer = token(org)
    body = answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(body) == {"access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at"}
    assert (body["instance_url"], body["token_type"]) == (org.server.url, "Bearer")
    assert len(body["issued_at"]) == 13
    basic = token(org, data={"grant_type": FORM["grant_type"]}, auth=(FORM["client_id"], FORM["client_secret"]))
    assert basic.status_code == 200
    org.switch(instance_url="https://moved.example")
    assert token(org).json()["instance_url"] == "https://moved.example"


def test_token_failures_are_objects(org: Organization) -> None:
    wrong = token(org, data=FORM | {"client_secret": "no"})
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_client")
    assert token(org, data=FORM | {"client_id": "no"}).json()["error"] == "invalid_client_id"
    assert token(org, data=FORM | {"grant_type": "password"}).json()["error"] == "unsupported_grant_type"
    org.switch(invalid_client_status=401)
    assert token(org, data=FORM | {"client_secret": "no"}).status_code == 401
    for name, (error, description) in FAILURES.items():
        org.switch(token_failure=name)
        assert token(org).json() == {"error": error, "error_description": description}


def test_a_session_ends_by_inactivity_only(org: Organization) -> None:
    for _ in range(3):
        org.clock.advance(7_000)
        org.ok("GET", "/sobjects")
    org.clock.advance(7_201)
    error = org.refused("GET", "/sobjects", status=401)
    assert error == {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    org.login()
    for name, text in (("rest", "not valid for use with the REST API"), ("app", "not attached to Agent")):
        org.switch(session_refusal=name)
        assert text in org.refused("GET", "/sobjects", status=401)["message"]


def test_introspection_and_revocation(org: Organization) -> None:
    access = org.login()
    seen = token(org, "introspect", data=FORM | {"token": access}).json()
    assert (seen["active"], seen["exp"] - seen["iat"]) == (True, 7_200)
    assert token(org, "revoke", data={"token": access}).status_code == 200
    assert token(org, "introspect", data=FORM | {"token": access}).json() == {"active": False}
    org.refused("GET", "/sobjects", status=401)
    assert token(org, "revoke", data={"token": access}).status_code == 400


def test_versions(org: Organization) -> None:
    listed = requests.get(f"{org.server.url}/services/data/", timeout=10).json()
    assert listed[-1] == {"label": "Spring '26", "url": DATA, "version": "66.0"}
    assert org.refused("GET", "/services/data/v29.0/sobjects", status=410)["errorCode"] == "UNSUPPORTED_API_VERSION"
    org.refused("GET", "/services/data/v99.0/sobjects", status=404)
    assert org.send("GET", "/services/data/v35.0/sobjects").headers["Warning"].startswith("299 -")
    assert "Warning" not in org.send("GET", "/sobjects").headers


def test_the_shape_of_requests(org: Organization) -> None:
    pretty = org.send("GET", "/sobjects/", headers={"X-PrettyPrint": "1"})
    assert "\n  " in pretty.text
    assert pretty.headers["Content-Encoding"] == "gzip"
    packed = gzip.compress(json.dumps({"Name": "Zipped"}).encode())
    address, kind = f"{org.server.url}{DATA}/sobjects/Account/", {"Content-Type": "application/json"}
    zipped = org.session.post(address, data=packed, headers=kind | {"Content-Encoding": "gzip"}, timeout=10)

    def chunks() -> Iterator[bytes]:
        yield b'{"Name":'
        yield b'"Chunked"}'

    assert zipped.status_code == 201
    assert org.session.post(address, data=chunks(), headers=kind, timeout=10).status_code == 201
    assert org.names("Name IN ('Zipped', 'Chunked')") == ["Chunked", "Zipped"]
    assert org.refused("GET", "/nope", status=404)["errorCode"] == "NOT_FOUND"
    assert org.refused("PUT", "/sobjects/Account", status=405)["errorCode"] == "METHOD_NOT_ALLOWED"
    broken = org.session.post(address, data=b"{", headers=kind, timeout=10)
    assert broken.json()[0]["errorCode"] == "JSON_PARSER_ERROR"
    assert org.send("GET", "/query", params={"q": "x" * 17_000}).status_code == 414
    assert org.send("GET", "/sobjects", headers={"X-Long": "x" * 17_000}).status_code == 431
    org.switch(unknown_host=True)
    assert org.send("GET", "/sobjects").status_code == 420


def test_calls_are_counted_over_a_day(org: Organization) -> None:
    org.switch(daily_limit=3, per_app_usage=True)
    header = org.send("GET", "/sobjects").headers["Sforce-Limit-Info"]
    assert header == "api-usage=1/3; per-app-api-usage=1/3(appName=Fusion Sync)"
    assert org.ok("GET", "/limits")["DailyApiRequests"] == {"Max": 3, "Remaining": 1}
    org.switch(limits_resource=False)
    org.refused("GET", "/limits", status=403)
    error = org.refused("GET", "/sobjects", status=403)
    assert error == {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    org.clock.advance(86_460)
    org.login()
    org.ok("GET", "/sobjects")
    org.switch(concurrent_limit_hit=True)
    assert org.refused("GET", "/sobjects", status=403)["message"] == "ConcurrentPerOrgLongTxn Limit exceeded."


def test_ids_carry_their_case() -> None:
    assert full_id("001D000000IqhSL") == "001D000000IqhSLIAZ"
    assert checksum("005500000000001") == "AAA"
    made = make_id("001", 12_345_678)
    assert len(made) == 18
    assert full_id(made) == made
    assert full_id(made[:15]) == made
    assert full_id(made[:17] + ("A" if made[17] != "A" else "B")) is None


def test_switches_say_what_they_do(org: Organization) -> None:
    assert len({switch.name for switch in SWITCHES}) == len(SWITCHES)
    assert all(switch.meaning for switch in SWITCHES)


def test_a_token_can_be_expired_from_outside(org: Organization) -> None:
    org.server.faults.add("expire_token", times=1)
    assert org.refused("GET", "/sobjects", status=401)["errorCode"] == "INVALID_SESSION_ID"


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/sobjects/Account/Fusion_Id__c/C-1", "/sobjects/Account/Fusion_Id__c/{value}"),
        ("/sobjects/Account/0015g0000000001AAA", "/sobjects/Account/{id}"),
        ("/sobjects/Account/describe/", "/sobjects/Account/describe"),
        ("/query/01g5g0000000001AAA-2000", "/query/{id}"),
    ],
)
def test_routes_for_the_statistics(org: Organization, path: str, route: str) -> None:
    assert org.salesforce.route("org", DATA + path) == DATA + route
