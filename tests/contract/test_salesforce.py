"""The Salesforce connector over real HTTP: signing in, the test of a connection, and preparing an org."""

from __future__ import annotations

from typing import Any

import pytest

from connections.connectors.salesforce.prepare import ACCESS
from connections.connectors.salesforce.schema import KINDS
from connections.errors import ConfigError, RateLimited, StreamRefused
from connections.sandbox.salesforce import DEMO_CREDENTIALS as DEMO
from connections.sandbox.salesforce import Salesforce
from connections.sandbox.store import Store
from tests.contract.salesforce_stage import KEYS, SALESFORCE, Org, bare, org

__all__ = ["bare", "org"]
OWN = {key for key, kind in KINDS.items() if not kind.standard}


def failed(given: Org) -> Any:
    (step,) = [step for step in given.check().steps if step.outcome == "failed"]
    return step


@pytest.fixture
def org_of_the_sandbox() -> Any:
    """As its tests have it, prepared by itself."""
    system = Salesforce(Store(), lambda: 1_795_000_000.0)
    system.prepare()
    return system.org


# Check and prepare


def test_a_new_org_is_checked_prepared_and_ready(bare: Org) -> None:
    before = bare.check()
    assert before.ok
    assert {step.key for step in before.steps if step.key.startswith("object.") and step.outcome == "warning"} == {
        f"object.{key}" for key in KINDS
    }
    assert sorted(bare.missing()) == sorted(KEYS)
    assert {each.group for each in SALESFORCE.missing(bare.access)} >= {"Objects", "Fields on Accounts", "Permissions"}
    assert all("Setup →" in each.by_hand for each in SALESFORCE.missing(bare.access))

    assert {step.outcome for step in bare.prepare()} == {"ok"}

    assert bare.missing() == []
    report = bare.check()
    assert {step.outcome for step in report.steps if step.key.startswith("object.")} == {"ok"}
    found = report.capabilities
    assert found["relationships"] == {
        "opportunity": "OpportunityLineItems",
        "purchase_order": "Purchase_Order_Lines__r",
    }
    assert "Fusion_Id__c" in found["writable"]["account"]
    assert found["lengths"]["account"]["Name"] == 255
    assert found["options"]["account.Type"]
    assert not found["multi_currency"]
    assert 0 < found["allowance"]["left"] < found["allowance"]["limit"]


def test_what_prepare_makes_is_what_the_sandbox_suggests(bare: Org, org_of_the_sandbox: Any) -> None:
    bare.prepare()
    made, suggested = bare.org.schema, org_of_the_sandbox.schema
    for kind in KINDS.values():
        for field in kind.fields:
            one, other = (schema[kind.object.lower()].get(field.name) for schema in (made, suggested))
            assert (one.type, one.unique, one.refs) == (other.type, other.unique, other.refs), field.name
            if field.decimals is not None:
                assert (one.precision, one.scale) == (other.precision, other.scale), field.name


def test_preparing_again_changes_nothing_and_parts_can_be_chosen(bare: Org) -> None:
    steps = SALESFORCE.prepare(bare.access, ["account.Fusion_Id__c", ACCESS])
    assert [step.outcome for step in steps] == ["ok", "failed"]  # the rest is still missing
    assert "account.Fusion_Id__c" not in bare.missing()
    bare.prepare()
    assert {step.outcome for step in SALESFORCE.prepare(bare.access, sorted(OWN))} == {"ok"}
    assert bare.missing() == []


def test_statuses_of_a_deployment_may_be_texts(bare: Org) -> None:
    bare.switch(deploy_strings=True)
    assert {step.outcome for step in bare.prepare()} == {"ok"}


def test_an_org_that_refuses_gets_the_way_by_hand(bare: Org) -> None:
    bare.switch(may_deploy=False)
    steps = bare.prepare()
    assert {step.outcome for step in steps} == {"failed"}
    (invoice,) = [step for step in steps if step.key == "invoice"]
    assert "Object Manager" in invoice.advice
    assert "Fusion_Invoice__c: Fusion_Id__c, text of 80, external id, unique" in invoice.advice


def test_objects_of_other_names_are_created_under_these(bare: Org) -> None:
    bare.configure(invoice_object="Bill__c", field_names="invoice.Balance__c = Open__c")
    assert {step.outcome for step in bare.prepare()} == {"ok"}
    bare.check()
    bare.client().upsert("invoice", [("1", {"Balance__c": 5})])
    (record,) = bare.records("invoice", "Balance__c", "Fusion_Id__c")
    assert (record["Balance__c"], record["Fusion_Id__c"]) == (5, "1")
    assert bare.client().query("SELECT Open__c FROM Bill__c")[0]["Open__c"] == 5


def test_a_standard_object_the_org_lacks_is_not_offered_but_named(bare: Org) -> None:
    bare.configure(invoice_object="NoSuchObject")
    assert "invoice" not in bare.missing()
    assert failed(bare).key == "object.invoice"


def test_hidden_and_read_only_things_are_found(org: Org) -> None:
    org.switch(object_access={"Account": "read"})
    step = failed(org)
    assert step.key == "object.account"
    assert "createable" in step.text
    org.switch(object_access={"OpportunityLineItem": "none"})
    assert org.outcomes()["read.OpportunityLineItem"] == "warning"


def test_a_wrong_condition_is_found_by_the_test(org: Org) -> None:
    org.configure(purchase_order_condition="Approved = yes")
    assert failed(org).key == "condition"


def test_versions_are_checked_and_retired_ones_explained(bare: Org) -> None:
    bare.configure(api_version="99")
    step = failed(bare)
    assert "v99.0" in step.text
    assert "v66.0" in step.text
    bare.configure(api_version="30")
    with pytest.raises(ConfigError, match="retired"):
        bare.client().describe("Account")


def test_an_unknown_host_is_a_wrong_address(bare: Org) -> None:
    bare.switch(unknown_host=True)
    assert "My Domain" in failed(bare).text


def test_little_room_is_a_warning_and_the_reserve_does_not_stop_a_test(org: Org) -> None:
    used = org.org.usage.used()
    org.switch(daily_limit=used + 16)
    assert org.outcomes()["daily"] == "warning"


# Signing in


def test_each_refused_sign_in_names_its_cause(bare: Org) -> None:
    causes = {
        "no_run_as_user": "Run-As",
        "wrong_domain": "My Domain",
        "not_approved": "permission set",
        "authentication_failure": "authentication failure",
        "bad_secret": "secret",
        "bad_client": "key",
        "flow_disabled": "client credentials flow",
        "inactive_user": "inactive",
        "inactive_org": "switched off",
    }
    for failure, words in causes.items():
        bare.switch(token_failure=failure)
        step = failed(bare)
        assert step.key == "sign_in"
        assert words in step.text


def test_a_wrong_secret_may_be_a_401(bare: Org) -> None:
    bare.switch(invalid_client_status=401)
    bare.access.secrets = {"client_secret": "wrong-secret"}
    assert "secret is wrong" in failed(bare).text


def test_the_test_leaves_the_shared_token_alone(org: Org) -> None:
    org.client().describe("Account")
    before = (org.access.stored, org.access.refreshes)
    org.check()
    assert (org.access.stored, org.access.refreshes) == before


def test_an_idle_token_is_renewed_once(org: Org) -> None:
    client = org.client()
    client.describe("Account")
    refreshes = org.access.refreshes
    org.sandbox.clock.advance(121 * 60)
    client.describe("Account")
    org.client().describe("Account")
    assert org.access.refreshes == refreshes + 1


@pytest.mark.parametrize(
    ("refusal", "code"), [("rest", "salesforce_not_for_rest"), ("app", "salesforce_app_not_attached")]
)
def test_two_kinds_of_401_are_final(org: Org, refusal: str, code: str) -> None:
    client = org.client()
    client.describe("Account")
    refreshes = org.access.refreshes
    org.switch(session_refusal=refusal)
    with pytest.raises(ConfigError) as caught:
        client.describe("Account")
    assert (caught.value.code, org.access.refreshes) == (code, refreshes)


def test_an_instance_elsewhere_gets_no_token(bare: Org) -> None:
    bare.switch(instance_url="https://evil.example")
    with pytest.raises(ConfigError) as caught:
        bare.client().describe("Account")
    assert caught.value.code == "salesforce_foreign_host"
    assert bare.access.stored is None


# Limits


def test_the_reserve_of_calls_is_kept(org: Org) -> None:
    org.configure(reserve="50")
    org.switch(daily_limit=org.org.usage.used() * 2 + 4)
    client = org.client()
    client.describe("Account")
    client.describe("Account")
    with pytest.raises(RateLimited) as caught:
        client.describe("Account")
    assert caught.value.code == "salesforce_reserve"
    assert caught.value.retry_after == 900


@pytest.mark.parametrize(("switches", "wait"), [({"daily_limit": 0}, 900), ({"concurrent_limit_hit": True}, 30)])
def test_used_up_limits_say_how_long_to_wait(org: Org, switches: dict[str, Any], wait: float) -> None:
    org.switch(**switches)
    with pytest.raises(RateLimited) as caught:
        org.client().describe("Account")
    assert caught.value.retry_after == wait


@pytest.mark.parametrize("bare_object", [True, False])
def test_an_absent_object_stops_the_flow_only(org: Org, bare_object: bool) -> None:
    org.switch(not_found_object=bare_object)
    with pytest.raises(StreamRefused):
        org.client().describe("Nothing__c")


def test_basic_settings_of_the_demo(bare: Org) -> None:
    assert SALESFORCE.hosts(bare.access.config) == [bare.address]
    assert bare.access.config["client_id"] == DEMO["client_id"]
