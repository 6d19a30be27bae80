"""The imitated HubSpot: who may call, which versions answer, and how often."""

from __future__ import annotations

import threading
import uuid

import pytest

from connections.sandbox.hubspot import SWITCHES, HubSpot
from connections.sandbox.store import Store
from tests.contract.sandbox_hubspot import NOON, TOKEN, Account, account, upsert

__all__ = ["account"]

OBJECTS = "/crm/objects/2026-09"


@pytest.mark.parametrize("header", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer"])
def test_a_wrong_token_is_401(account: Account, header: str | None) -> None:
    account.session.headers.pop("Authorization")
    answer = account.send("GET", "/account-info/v3/details", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.json()["category"] == "INVALID_AUTHENTICATION"
    assert answer.json()["message"].startswith("Authentication credentials not found.")
    uuid.UUID(answer.json()["correlationId"])


def test_the_category_of_a_401_can_be_the_other_one(account: Account) -> None:
    account.switch(tokens=[], authentication_category="EXPIRED_AUTHENTICATION")
    assert account.refused("GET", f"{OBJECTS}/companies", status=401)["category"] == "EXPIRED_AUTHENTICATION"


def test_both_tokens_work_during_a_rotation_and_one_may_expire(account: Account) -> None:
    account.switch(tokens=[TOKEN, "pat-na1-next"])
    account.ok("GET", "/account-info/v3/details")
    account.hubspot.expire_token(type("R", (), {"headers": {"authorization": f"Bearer {TOKEN}"}})())
    account.refused("GET", "/account-info/v3/details", status=401)
    assert account.send("GET", "/account-info/v3/details", headers={"Authorization": "Bearer pat-na1-next"}).ok


@pytest.mark.parametrize(
    ("method", "path", "body", "needed"),
    [
        ("GET", f"{OBJECTS}/companies", None, ["crm.objects.companies.read"]),
        ("GET", f"{OBJECTS}/0-101", None, ["crm.objects.commercepayments.read"]),
        ("POST", f"{OBJECTS}/invoices", {"properties": {}}, ["crm.objects.invoices.write"]),
        ("POST", f"{OBJECTS}/line_items", {"properties": {}}, ["crm.objects.line_items.write", "e-commerce"]),
        ("GET", "/crm/properties/2026-09/contacts", None, ["crm.objects.contacts.read"]),
        ("POST", "/crm/properties/2026-09/line_items", {}, ["e-commerce"]),
        ("POST", "/crm/properties/2026-09/invoices/groups", {}, ["crm.schemas.invoices.write"]),
        ("GET", "/tax-rates/v1/tax-rates", None, ["tax_rates.read"]),
    ],
)
def test_a_missing_scope_is_named(account: Account, method: str, path: str, body: object, needed: list[str]) -> None:
    account.switch(granted_scopes=[])
    error = account.refused(method, path, body, status=403)
    assert error["category"] == "MISSING_SCOPES"
    assert error["errors"][0]["context"]["requiredGranularScopes"] == needed
    assert error["links"]["scopes"]


def test_one_of_two_alternative_scopes_is_enough(account: Account) -> None:
    account.switch(granted_scopes=["e-commerce"])
    account.ok("GET", f"{OBJECTS}/line_items")


@pytest.mark.parametrize(("order", "status"), [("scopes", 403), ("properties", 400)])
def test_the_order_of_scope_and_property_checks_can_be_turned(account: Account, order: str, status: int) -> None:
    account.switch(granted_scopes=[], check_order=order)
    body = {"inputs": [upsert("1", no_such_property="x")]}
    error = account.refused("POST", f"{OBJECTS}/companies/batch/upsert", body, status)
    assert ("PROPERTY_DOESNT_EXIST" in error["message"]) is (status == 400)


def test_account_details_need_no_scope(account: Account) -> None:
    account.switch(granted_scopes=[])
    for version in ("v3", "2026-03", "2026-09"):
        details = account.ok("GET", f"/account-info/{version}/details")
        assert details["companyCurrency"] == "USD"
        assert details["additionalCurrencies"] == ["EUR", "GBP", "JPY", "KWD"]
        assert details["utcOffset"] == "-05:00"
        assert details["utcOffsetMilliseconds"] == -18_000_000


def test_token_information_lists_the_scopes(account: Account) -> None:
    path = "/oauth/v2/private-apps/get/access-token-info"
    assert "crm.objects.invoices.write" in account.ok("POST", path, {"tokenKey": TOKEN})["scopes"]
    account.refused("POST", path, {"tokenKey": "unknown"}, 404)
    account.switch(token_info=False)
    account.refused("POST", path, {"tokenKey": TOKEN}, 404)


def test_daily_usage_counts_and_may_be_refused(account: Account) -> None:
    account.switch(tier=100)
    account.ok("GET", "/account-info/v3/details")
    usage = account.ok("GET", "/account-info/v3/api-usage/daily/private-apps")["results"][0]
    assert (usage["usageLimit"], usage["currentUsage"], usage["fetchStatus"]) == (250_000, 2, "SUCCESS")
    assert usage["resetsAt"].endswith("T05:00:00Z")
    account.switch(daily_usage=False)
    account.refused("GET", "/account-info/v3/api-usage/daily/private-apps", status=403)


def test_tax_rates_are_listed(account: Account) -> None:
    assert account.ok("GET", "/tax-rates/v1/tax-rates")["results"][0]["id"]


@pytest.mark.parametrize(
    "path",
    [
        "/crm/v3/objects/companies",
        "/crm/objects/2026-03/companies",
        "/crm/objects/2026-09/0-2",
        "/crm/v3/properties/0-2",
        "/crm/properties/2026-09/companies",
        "/crm/v4/associations/contacts/companies/labels",
        "/crm/associations/2026-09/0-1/0-2/labels",
        "/crm/limits/v3/custom-properties",
        "/crm/v3/limits/custom-properties",
        "/crm/limits/2026-09/custom-properties",
    ],
)
def test_known_versions_answer_by_name_and_by_type_id(account: Account, path: str) -> None:
    account.ok("GET", path)


@pytest.mark.parametrize(
    "path",
    [
        "/crm/objects/2027-03/companies",
        "/crm/objects/2026-06/companies",
        "/crm/v4/objects/companies",
        "/crm/v2/objects/companies",
        "/crm/v3/associations/contacts/companies/labels",
        "/crm/v4/properties/companies",
        "/account-info/v4/details",
        "/crm/nothing",
    ],
)
def test_a_version_or_path_that_does_not_exist_is_404(account: Account, path: str) -> None:
    account.refused("GET", path, status=404)


def test_a_numbered_version_may_be_switched_off(account: Account) -> None:
    account.switch(retired_versions=["v3"])
    account.refused("GET", "/crm/v3/objects/companies", status=404)
    account.ok("GET", f"{OBJECTS}/companies")


def test_an_unknown_object_type_is_400(account: Account) -> None:
    assert "Unable to infer object type" in account.refused("GET", f"{OBJECTS}/widgets")["message"]


def test_a_body_that_is_no_json_is_400(account: Account) -> None:
    for data in (b"{", b"[]", b""):
        assert account.send("POST", f"{OBJECTS}/companies", data=data).status_code == 400


def test_a_long_url_is_414(account: Account) -> None:
    account.refused("GET", f"{OBJECTS}/companies?properties={'x' * 9000}", status=414)


def test_a_moving_account_is_477_with_seconds_to_wait(account: Account) -> None:
    account.switch(moving=3600)
    answer = account.send("GET", f"{OBJECTS}/companies")
    assert (answer.status_code, answer.headers["Retry-After"]) == (477, "3600")


# -- limits --------------------------------------------------------------------------------------------------------


def test_the_ten_second_window_rolls(account: Account) -> None:
    account.switch(tier=100)
    for _ in range(60):
        account.ok("GET", "/account-info/v3/details")
    account.clock.advance(6)
    for _ in range(40):
        last = account.send("GET", "/account-info/v3/details")
    assert last.headers["X-HubSpot-RateLimit-Max"] == "100"
    assert last.headers["X-HubSpot-RateLimit-Remaining"] == "0"
    assert last.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    error = account.refused("GET", "/account-info/v3/details", status=429)
    assert error["policyName"] == "TEN_SECONDLY_ROLLING"
    assert error["message"] == "You have reached your ten_secondly_rolling limit."
    assert error["errorType"] == "RATE_LIMIT"
    assert "category" not in error
    account.clock.advance(4)
    assert account.send("GET", "/account-info/v3/details").headers["X-HubSpot-RateLimit-Remaining"] == "59"


def test_retry_after_comes_by_switch_only(account: Account) -> None:
    account.switch(daily_limit=0)
    answer = account.send("GET", "/account-info/v3/details")
    assert (answer.status_code, "Retry-After" in answer.headers) == (429, False)
    account.switch(retry_after=7)
    assert account.send("GET", "/account-info/v3/details").headers["Retry-After"] == "7"


def test_the_daily_limit_ends_at_midnight_of_the_account(account: Account) -> None:
    account.switch(daily_limit=2)
    first = account.send("GET", "/account-info/v3/details")
    assert first.headers["X-HubSpot-RateLimit-Daily"] == "2"
    assert first.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "1"
    account.ok("GET", "/account-info/v3/details")
    error = account.refused("GET", "/account-info/v3/details", status=429)
    assert (error["policyName"], error["message"]) == ("DAILY", "You have reached your daily limit.")
    seconds = account.hubspot.portal.limits.resets_at() - NOON
    account.clock.advance(seconds - 1)
    account.refused("GET", "/account-info/v3/details", status=429)
    account.clock.advance(1)
    account.ok("GET", "/account-info/v3/details")


def test_searches_have_their_own_limit_and_no_headers(account: Account) -> None:
    account.switch(tier=100, search_per_second=5)
    for _ in range(5):
        answer = account.send("POST", f"{OBJECTS}/companies/search", {})
        assert not [name for name in answer.headers if name.startswith("X-HubSpot-RateLimit")]
    error = account.refused("POST", f"{OBJECTS}/companies/search", {}, 429)
    assert (error["policyName"], error["message"]) == ("SECONDLY", "You have reached your secondly limit.")
    answer = account.send("GET", "/account-info/v3/details")
    assert answer.headers["X-HubSpot-RateLimit-Remaining"] == "99", "searches do not count in the rolling window"
    account.clock.advance(1)
    account.ok("POST", f"{OBJECTS}/companies/search", {})


def test_associations_have_limits_of_their_own(account: Account) -> None:
    path = "/crm/associations/2026-09/contacts/companies/labels"
    account.switch(tier=190, association_tier=2)
    account.ok("GET", path)
    account.ok("GET", path)
    assert account.refused("GET", path, status=429)["policyName"] == "TEN_SECONDLY_ROLLING"
    account.ok("GET", "/account-info/v3/details")
    account.switch(association_tier=None, association_daily_limit=2)
    assert account.refused("GET", path, status=429)["policyName"] == "DAILY"


def test_limit_headers_can_be_left_out(account: Account) -> None:
    account.switch(tier=190, limit_headers=False)
    answer = account.send("GET", "/account-info/v3/details")
    assert not [name for name in answer.headers if name.startswith("X-HubSpot-RateLimit")]


def test_many_threads_never_get_more_than_the_window(account: Account) -> None:
    account.switch(tier=100)
    statuses: list[int] = []

    def many() -> None:
        statuses.extend(account.send("GET", "/account-info/v3/details").status_code for _ in range(30))

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (statuses.count(200), statuses.count(429)) == (100, 20)


# -- locks ---------------------------------------------------------------------------------------------------------


def test_a_locked_record_is_423_for_writes_only(account: Account) -> None:
    key = account.create("companies", name="Acme", fusion_id="1")
    account.switch(locked={"companies": [key]})
    account.refused("PATCH", f"{OBJECTS}/companies/{key}", {"properties": {"name": "x"}}, 423)
    account.refused("DELETE", f"{OBJECTS}/companies/{key}", status=423)
    account.refused("POST", f"{OBJECTS}/companies/batch/upsert", {"inputs": [upsert("1", name="x")]}, 423)
    assert account.get("companies", key, "name")["name"] == "Acme"


@pytest.mark.parametrize(("lock", "expected"), [(True, [200, 423]), (False, [200, 200])])
def test_two_parallel_writes_of_one_record(account: Account, lock: bool, expected: list[int]) -> None:
    account.switch(write_seconds=0.2, parallel_lock=lock)
    statuses: list[int] = []

    def write() -> None:
        body = {"inputs": [upsert("1", name="Acme")]}
        statuses.append(account.send("POST", f"{OBJECTS}/companies/batch/upsert", body).status_code)

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == expected


def test_every_switch_has_a_meaning_and_starts_at_its_default() -> None:
    hubspot = HubSpot(Store(), lambda: NOON)
    assert hubspot.switches == {switch.name: switch.default for switch in SWITCHES}
    assert all(switch.meaning for switch in SWITCHES)
