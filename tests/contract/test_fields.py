"""What connectors say of the fields of an account, and how fields are read that no flow needs by itself."""

from __future__ import annotations

from typing import Any

from connections.connectors.base import Field
from connections.sandbox import Sandbox
from connections.sandbox.oracle_fusion.attributes import INVOICE_FLEXFIELDS
from tests.contract.fusion_stage import FUSION, Pod, pod
from tests.contract.salesforce_stage import SALESFORCE, Org, bare, org
from tests.contract.test_hubspot_suite import HubSpotStage

__all__ = ["bare", "org", "pod"]


def by_name(fields: list[Field]) -> dict[str, Field]:
    return {field.name: field for field in fields}


def test_fusion_names_its_attributes_and_those_a_company_added(pod: Pod) -> None:
    fields = by_name(FUSION.fields(pod.access, "invoices"))
    assert (fields["TransactionNumber"].type, fields["EnteredAmount"].type) == ("text", "number")
    assert fields["DueDate"].type == "date"
    assert fields["receivablesInvoiceDFF[0].costCenter"].type == "text"
    assert not any(field.writable for field in fields.values())


def test_a_pod_that_describes_nothing_is_known_by_a_row(pod: Pod) -> None:
    pod.event("fill", customers=1, invoices=1, lines=1)
    pod.switch(describe=False)
    assert "TransactionNumber" in by_name(FUSION.fields(pod.access, "invoices"))


def test_flexfields_come_where_they_are_asked_for(pod: Pod) -> None:
    pod.event("fill", customers=1, invoices=3, lines=1)
    records = pod.sandbox.systems["oracle_fusion"].ledger.records
    key = min(pod.ids())
    records.put(INVOICE_FLEXFIELDS, {"_id": 1, "_invoice": int(key), "CustomerTrxId": int(key), "costCenter": "4711"})
    client = pod.client()
    assert "receivablesInvoiceDFF" not in pod.rows(client=client)[0].data
    client.include("invoices", ["receivablesInvoiceDFF", "costCenter", "TransactionNumber"])
    walked = {row.key: row.data["receivablesInvoiceDFF"] for row in pod.rows(client=client)}
    assert walked[key][0]["costCenter"] == "4711"
    assert sum(map(len, walked.values())) == 1
    assert client.fetch("invoices", [key])[0].data["receivablesInvoiceDFF"] == walked[key]


def test_salesforce_names_fields_as_flows_do_with_what_they_take(org: Org) -> None:
    org.check()
    fields = by_name(SALESFORCE.fields(org.access, "account"))
    assert (fields["Name"].type, fields["Name"].length, fields["Name"].required) == ("text", 255, True)
    assert fields["NumberOfEmployees"].type == "number"
    assert ("Vendor", "Vendor") in fields["Type"].options
    assert not fields["CreatedDate"].writable
    assert by_name(SALESFORCE.fields(org.access, "opportunities")).keys() >= {"Description", "Fusion_Order_Number__c"}


def test_what_salesforce_got_since_its_last_test_is_learnt(org: Org) -> None:
    org.check()
    known = org.access.capabilities
    known["fields"]["account"].remove("Description")
    SALESFORCE.fields(org.access, "account")
    assert "Description" in org.access.capabilities["fields"]["account"]


def test_fields_of_opportunities_come_where_they_are_asked_for(org: Org) -> None:
    org.check()
    account = org.people.create("Account", {"Name": "Brightwater"})
    values = {"Name": "Deal", "StageName": "Closed Won", "CloseDate": "2026-01-31", "AccountId": account}
    org.people.create("Opportunity", {**values, "Description": "PO-4711"})
    client = org.client()
    client.include("opportunities", ["Description", "Name", "lines", "Nowhere__c"])
    page = next(client.walk("opportunities", since=None, until=client.server_now(), after=None))
    assert page.rows[0].data["Description"] == "PO-4711"
    assert "Description" not in org.rows("opportunities")[0].data


def test_hubspot_names_properties_with_their_options_and_learns_new_ones(settings: Any) -> None:
    with Sandbox(seed="small", systems=("hubspot",)) as sandbox:
        settings.ALLOWED_PRIVATE_HOSTS = [sandbox.url("hubspot").removeprefix("http://")]
        stage = HubSpotStage(sandbox)
        stage.access.capabilities["properties"]["companies"].remove("city")
        fields = by_name(stage.kind.fields(stage.access, "companies"))  # type: ignore[arg-type]
        assert (fields["city"].type, fields["city"].writable) == ("text", True)
        assert fields["industry"].type == "choice"
        assert fields["industry"].options
        assert not fields["hs_lastmodifieddate"].writable
        assert "city" in stage.access.capabilities["properties"]["companies"]
