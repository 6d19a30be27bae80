"""The HubSpot connector over real HTTP, against an account that behaves in each of the ways HubSpot may."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connections import http
from connections.connectors import registry
from connections.connectors.base import CheckReport, Done
from connections.connectors.hubspot.client import HubSpotClient
from connections.connectors.hubspot.properties import KINDS, WANTED
from connections.errors import (
    ConfigError,
    Conflict,
    OutcomeUnknown,
    RateLimited,
    RecordError,
    StreamRefused,
    TransientError,
)
from connections.sandbox.sandbox import Sandbox
from tests.stub import checked

HUBSPOT = registry.get("hubspot")
KEYS = [wanted.key for wanted in WANTED]
TOKEN = "pat-na1-canary-7d1f0c52-aaaa-bbbb"
INVOICE = {"hs_currency": "USD", "hs_invoice_billable": "false"}


class StubAccess:
    """A connection without a database: no limit, no shared token."""

    connection_id = 1

    def __init__(self, address: str, **config: str) -> None:
        self.config = {"base_url": address, "tier": "unlimited", **config}
        self.secrets = {"access_token": TOKEN}
        self.capabilities: dict[str, Any] = {}

    def tick(self) -> None: ...


class Account:
    """The sandbox's HubSpot and a connection to it."""

    def __init__(self, sandbox: Sandbox, settings: Any) -> None:
        self.sandbox = sandbox
        address = sandbox.url("hubspot")
        settings.ALLOWED_PRIVATE_HOSTS = [address.removeprefix("http://")]
        self.access: Any = StubAccess(address)

    def switch(self, **values: Any) -> None:
        self.sandbox.set_switches("hubspot", values)

    def fault(self, kind: str, path: str, **values: Any) -> None:
        self.sandbox.faults.add(kind, system="hubspot", path=path, **values)

    def check(self) -> CheckReport:
        report = checked(HUBSPOT, self.access)
        self.access.capabilities = report.capabilities
        return report

    def client(self, **config: str) -> HubSpotClient:
        self.access.config.update(config)
        client: HubSpotClient = HUBSPOT.client(self.access)
        return client

    def names(self, kind: str, property_name: str = "fusion_id") -> list[str]:
        """That property of every record there is, sorted."""
        pages = self.client().records(kind, [property_name])
        return sorted(record["properties"][property_name] or "" for page in pages for record in page)


@pytest.fixture
def bare(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account as HubSpot gives it, without our properties. Waiting costs no time."""
    monkeypatch.setattr(http, "pause", lambda seconds: None)
    switches = {"tier": None, "search_per_second": None, "tokens": [TOKEN]}
    with Sandbox(seed="empty", systems=("hubspot",), switches={"hubspot": switches}) as sandbox:
        yield Account(sandbox, settings)


@pytest.fixture
def account(bare: Account) -> Account:
    HUBSPOT.prepare(bare.access, KEYS)
    return bare


def outcomes(report: CheckReport) -> dict[str, str]:
    return {step.key: step.outcome for step in report.steps}


def rows(count: int, **properties: str) -> list[tuple[str, dict[str, str]]]:
    return [(str(300000000000 + number), {**INVOICE, **properties}) for number in range(count)]


# Check and prepare


def test_a_new_account_is_checked_prepared_and_ready(bare: Account) -> None:
    report = bare.check()
    assert report.ok
    assert {key for key, outcome in outcomes(report).items() if outcome == "warning"} == {
        f"properties.{k}" for k in KINDS
    }
    assert [each.key for each in HUBSPOT.missing(bare.access)] == KEYS
    assert all(each.group and each.by_hand for each in HUBSPOT.missing(bare.access))

    steps = HUBSPOT.prepare(bare.access, KEYS)

    assert {step.outcome for step in steps} == {"ok"}
    assert HUBSPOT.missing(bare.access) == []
    report = bare.check()
    assert set(outcomes(report).values()) == {"ok"}
    found = report.capabilities
    assert found["unique"] == dict.fromkeys(KINDS, True)
    assert found["currencies"] == ["USD", "EUR", "GBP", "JPY", "KWD"]
    assert found["time_zone"] == "America/New_York"
    assert 0 < found["allowance"]["left"] < found["allowance"]["limit"]
    assert found["portal_id"] in report.account
    assert "fusion_id" in found["properties"]["invoices"]
    assert "hs_object_id" not in found["properties"]["invoices"]
    assert found["options"]["companies.industry"]


def test_preparing_again_changes_nothing(account: Account) -> None:
    before = [account.client().property_definitions(kind) for kind in KINDS]
    assert {step.outcome for step in HUBSPOT.prepare(account.access, KEYS)} == {"ok"}
    assert [account.client().property_definitions(kind) for kind in KINDS] == before


def test_the_check_writes_nothing(account: Account) -> None:
    account.check()
    assert all(account.names(kind, "hs_object_id") == [] for kind in KINDS)


def test_a_wrong_key_is_said_at_once(account: Account) -> None:
    account.access.secrets = {"access_token": "pat-na1-another"}
    report = account.check()
    assert outcomes(report) == {"sign_in": "failed"}
    assert "Service keys" in report.steps[0].text


@pytest.mark.parametrize("order", ["scopes", "properties"])
@pytest.mark.parametrize("token_info", [True, False])
def test_missing_scopes_are_named(account: Account, order: str, token_info: bool) -> None:
    lacking = {"crm.objects.invoices.write", "crm.objects.contacts.read"}
    granted = [scope for scope in account.sandbox.systems["hubspot"].switches["granted_scopes"] if scope not in lacking]
    account.switch(granted_scopes=granted, check_order=order, token_info=token_info)
    report = account.check()
    text = " ".join(step.text for step in report.steps if step.outcome == "failed")
    assert "crm.objects.contacts.read" in text
    if token_info or order == "scopes":
        assert "crm.objects.invoices.write" in text
    assert "companies" not in text


def test_an_account_without_payments_may_do_all_the_rest(account: Account) -> None:
    granted = account.sandbox.systems["hubspot"].switches["granted_scopes"]
    account.switch(granted_scopes=[scope for scope in granted if "commercepayments" not in scope])
    report = account.check()
    assert report.ok
    assert outcomes(report)["read.commerce_payments"] == "warning"
    assert "invoices" in report.capabilities["unique"]


@pytest.mark.parametrize("way", ["silent", "refuse", "upsert"])
def test_a_type_without_unique_properties_is_found_out_and_written_by_map(bare: Account, way: str) -> None:
    bare.switch(unique_refused={"invoices": way})
    HUBSPOT.prepare(bare.access, KEYS)
    report = bare.check()
    assert report.ok
    assert report.capabilities["unique"] == {**dict.fromkeys(KINDS, True), "invoices": False}
    client = bare.client()
    with pytest.raises(StreamRefused) as refused:
        client.upsert("invoices", rows(3))
    assert refused.value.code == "hubspot_key_not_unique"

    created = client.create("invoices", [(key, {**values, "fusion_id": key}) for key, values in rows(120)])
    assert all(isinstance(done, Done) and done.created for done in created.values())
    updated = client.update("invoices", [(done.id, {"fusion_number": key}) for key, done in created.items()])  # type: ignore[union-attr]
    assert all(isinstance(done, Done) and not done.created for done in updated.values())
    assert bare.names("invoices", "fusion_number") == sorted(created)


# Writing


@pytest.mark.parametrize("version", ["2026-09", "2026-03", "v3"])
@pytest.mark.parametrize("switches", [{}, {"shuffle": False}, {"dated_multi_status": True}, {"echo_trace_id": True}])
def test_bad_records_are_rejected_alone(account: Account, version: str, switches: dict[str, Any]) -> None:
    account.switch(**switches)
    client = account.client(api_version=version)
    wanted = rows(230)
    for number in (0, 99, 100, 207):
        wanted[number][1]["fusion_amount"] = "12,5"
    before = client.calls
    outcome = client.upsert("invoices", wanted)
    assert client.calls - before == 3
    bad = {key for key, what in outcome.items() if isinstance(what, RecordError)}
    assert bad == {wanted[number][0] for number in (0, 99, 100, 207)}
    assert account.names("invoices") == [key for key, _ in wanted if key not in bad]
    again = client.upsert("invoices", [row for row in wanted if row[0] not in bad])
    assert all(isinstance(done, Done) and not done.created for done in again.values())


def test_a_thousand_rows_are_ten_calls(account: Account) -> None:
    client = account.client()
    client.upsert("invoices", rows(1000))
    assert client.calls == 10


def test_a_contact_whose_email_is_taken_is_rejected_alone_with_its_holder(account: Account) -> None:
    client = account.client()
    holder = client.create("contacts", [("0", {"email": "Ada@Example.com", "fusion_id": "0"})])["0"]
    assert isinstance(holder, Done)
    new = [(str(n), {"email": f"p{n}@example.com", "fusion_id": str(n)}) for n in range(1, 60)]
    outcome = client.create("contacts", [*new, ("60", {"email": "ada@example.com"})])
    error = outcome.pop("60")
    assert isinstance(error, Conflict)
    assert error.detail["existing_id"] == holder.id
    assert all(isinstance(done, Done) for done in outcome.values())
    assert len(account.names("contacts", "email")) == 60


@pytest.mark.parametrize("status", [400, 409])
def test_an_email_conflict_on_upsert_is_rejected_alone(account: Account, status: int) -> None:
    account.switch(email_conflict_on_update=status)
    client = account.client()
    client.upsert("contacts", [("a", {"email": "ada@example.com"})])
    outcome = client.upsert(
        "contacts", [(str(n), {"email": f"p{n}@example.com"}) for n in range(9)] + [("b", {"email": "ada@example.com"})]
    )
    assert isinstance(outcome.pop("b"), Conflict)
    assert all(isinstance(done, Done) for done in outcome.values())


def test_an_upsert_by_email_finds_the_contact_whatever_the_capitals(account: Account) -> None:
    client = account.client()
    first = client.upsert("contacts", [("Ada@Example.com", {"lastname": "L"})], key_property="email")["Ada@Example.com"]
    second = client.upsert("contacts", [("ADA@example.com", {"fusion_id": "7"})], key_property="email")[
        "ADA@example.com"
    ]
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert (first.id, second.created) == (second.id, False)
    assert list(
        client.read("contacts", ["aDa@example.com", "x@y.example"], key_property="email", properties=["email"])
    ) == ["aDa@example.com"]


def test_an_absent_property_stops_the_flow_instead_of_rejecting_every_record(bare: Account) -> None:
    with pytest.raises(StreamRefused) as refused:
        bare.client().upsert("invoices", rows(150, fusion_number="1"))
    assert refused.value.code == "hubspot_property_absent"
    assert "Prepare" in refused.value.text
    HUBSPOT.prepare(bare.access, KEYS)
    with pytest.raises(StreamRefused) as refused:
        bare.client().upsert("invoices", [*rows(5), ("9", {**INVOICE, "no_such": "1"})])
    assert refused.value.detail["properties"] == ["no_such"]


def test_updates_of_records_that_are_gone_are_told_apart(account: Account) -> None:
    client = account.client()
    ids = [done.id for done in client.upsert("invoices", rows(5)).values() if isinstance(done, Done)]
    assert client.archive("invoices", ids[:2]) == {}
    assert client.archive("invoices", ids[:3]) == {}
    outcome = client.update("invoices", [(id_, {"hs_comments": "x"}) for id_ in ids])
    assert [getattr(outcome[id_], "code", "done") for id_ in ids] == ["hubspot_gone"] * 3 + ["done"] * 2
    assert set(client.read("invoices", ids, properties=[])) == set(ids[3:])


def test_required_properties_of_the_account_reject_the_record_by_name(account: Account) -> None:
    account.switch(required_properties={"invoices": ["hs_purchase_order_number"]})
    outcome = account.client().upsert("invoices", [*rows(2), ("1", {**INVOICE, "hs_purchase_order_number": "P"})])
    assert isinstance(outcome.pop("1"), Done)
    assert all("hs_purchase_order_number" in error.text for error in outcome.values() if isinstance(error, RecordError))
    assert len(outcome) == 2


# Associations


@pytest.mark.parametrize("version", ["2026-09", "v3"])
def test_associations_are_made_read_and_removed_in_bulk(account: Account, version: str) -> None:
    account.switch(association_page=50, numeric_association_ids=version == "v3")
    client = account.client(api_version=version)
    companies = [
        done.id for done in client.upsert("companies", [("1", {"name": "A"})]).values() if isinstance(done, Done)
    ]
    invoices = [done.id for done in client.upsert("invoices", rows(2100)).values() if isinstance(done, Done)]
    pairs = [(invoice, companies[0]) for invoice in invoices]
    before = client.calls
    assert client.associate("invoices", "companies", pairs, 179) == {}
    assert client.calls - before == 2
    assert client.associate("invoices", "companies", pairs[:10], 179) == {}
    before = client.calls
    assert client.associations("invoices", "companies", [*invoices, "999"]) == {
        **dict.fromkeys(invoices, companies),
        "999": [],
    }
    assert client.calls - before == 3
    assert sorted(client.associations("companies", "invoices", companies)[companies[0]]) == sorted(invoices)
    assert client.dissociate("invoices", "companies", pairs[:5]) == {}
    assert client.associations("invoices", "companies", invoices[:6])[invoices[0]] == []


def test_a_pair_that_cannot_be_associated_fails_alone(account: Account) -> None:
    client = account.client()
    company = client.upsert("companies", [("1", {"name": "A"})])["1"]
    assert isinstance(company, Done)
    ids = [done.id for done in client.upsert("invoices", rows(30)).values() if isinstance(done, Done)]
    failed = client.associate("invoices", "companies", [*((id_, company.id) for id_ in ids), ("999", company.id)], 179)
    assert list(failed) == [("999", company.id)]
    assert all(found == [company.id] for found in client.associations("invoices", "companies", ids).values())


# Reading


def test_lists_searches_and_finds(account: Account) -> None:
    account.switch(search_lag=3600.0)
    client = account.client()
    client.upsert("companies", [(str(n), {"name": f"Ünïon {n}"}) for n in range(250)])
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert client.find("companies", "name", ["Ünïon 7"]) == {"Ünïon 7": []}
    assert list(client.changed_since("companies", since, ["name"])) == [[]]
    assert [len(page) for page in client.records("companies", ["name"])] == [100, 100, 50]
    account.switch(search_lag=0.0)
    found = client.find("companies", "name", ["ünïon 7", "Ünïon 249", "Nobody"], ["fusion_id"])
    assert [len(found[name]) for name in ("ünïon 7", "Ünïon 249", "Nobody")] == [1, 1, 0]
    assert found["ünïon 7"][0]["properties"]["fusion_id"] == "7"
    pages = list(client.changed_since("companies", since, ["name"]))
    assert sorted(len(page) for page in pages) == [50, 200]


def test_a_smaller_largest_page_is_found_out(account: Account) -> None:
    account.client().upsert("companies", [(str(n), {"name": "A"}) for n in range(60)])
    account.switch(list_limit=50)
    assert len(account.names("companies")) == 60


# Failing

WRITES = "/invoices/batch/upsert"
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "429": ("status", {"status": 429, "body": {"errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}}),
    "429 with Retry-After": ("status", {"status": 429, "headers": {"Retry-After": "2"}}),
    "423": ("status", {"status": 423}),
    "500 applied": ("status", {"status": 500, "apply": True}),
    "524": ("status", {"status": 524}),
    "html": ("html", {"status": 502}),
    "html as success": ("html", {"status": 200}),
    "broken json": ("broken_json", {}),
    "cut before": ("cut_before", {}),
    "cut after": ("cut_after", {}),
    "cut body": ("cut_body", {}),
    "401 although the key is right": ("status", {"status": 401, "times": 1}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_passing_fault_ends_in_the_same_state(account: Account, name: str) -> None:
    kind, values = FAULTS[name]
    account.fault(kind, WRITES, **{"every": 2, "times": 3, **values})
    outcome = account.client().upsert("invoices", rows(450))
    assert all(isinstance(done, Done) for done in outcome.values())
    assert account.names("invoices") == [key for key, _ in rows(450)]


def test_a_lost_answer_to_a_create_is_unknown_and_never_repeated(account: Account) -> None:
    account.fault("cut_after", "/invoices/batch/create", times=1)
    client = account.client(concurrency="1")
    outcome = client.create("invoices", [(key, {**values, "fusion_id": key}) for key, values in rows(150)])
    doubtful = [key for key, what in outcome.items() if isinstance(what, OutcomeUnknown)]
    assert len(doubtful) == 100
    found = client.find("invoices", "fusion_id", doubtful)
    assert all(len(records) == 1 for records in found.values())
    assert len(account.names("invoices")) == 150


def test_a_revoked_key_is_verified_once_and_then_final(account: Account) -> None:
    client = account.client()
    account.switch(tokens=["pat-na1-the-new-one"])
    account.sandbox.reset_stats()
    with pytest.raises(ConfigError) as refused:
        client.upsert("invoices", rows(10))
    assert refused.value.code == "hubspot_key_refused"
    assert TOKEN not in repr((refused.value, refused.value.detail))
    assert len(account.sandbox.recorder.calls) == 2


def test_the_daily_limit_is_not_waited_for(account: Account) -> None:
    account.check()
    client = account.client()
    account.switch(daily_limit=1)
    started = time.monotonic()
    with pytest.raises(RateLimited) as refused:
        client.upsert("invoices", rows(10))
    assert refused.value.code == "hubspot_daily_limit"
    assert 0 < (refused.value.retry_after or 0) <= 25 * 3600
    assert time.monotonic() - started < 5


def test_an_account_that_is_moving_says_how_long(account: Account) -> None:
    account.switch(moving=7200)
    with pytest.raises(TransientError) as moving:
        account.client().upsert("invoices", rows(1))
    assert (moving.value.code, moving.value.retry_after) == ("hubspot_moving", 7200)


def test_a_scope_taken_away_stops_the_flow_by_name(account: Account) -> None:
    granted = account.sandbox.systems["hubspot"].switches["granted_scopes"]
    account.switch(granted_scopes=[scope for scope in granted if scope != "crm.objects.invoices.write"])
    with pytest.raises(StreamRefused, match=r"crm\.objects\.invoices\.write"):
        account.client().upsert("invoices", rows(1))


def test_a_version_that_is_gone_is_no_missing_record(account: Account) -> None:
    account.switch(retired_versions=["v3"])
    with pytest.raises(StreamRefused) as refused:
        account.client(api_version="v3").upsert("invoices", rows(1))
    assert refused.value.code == "hubspot_no_such_path"


def test_settings_are_cleaned_and_refused_by_field() -> None:
    assert HUBSPOT.clean({"base_url": " api.hubapi.com/crm/ "})["base_url"] == "https://api.hubapi.com"
    assert HUBSPOT.clean({})["tier"] == "free"
    with pytest.raises(ValueError) as refused:
        HUBSPOT.clean({"concurrency": "99", "base_url": "https://u:p@h"})
    assert set(refused.value.args[0]) == {"concurrency", "base_url"}
