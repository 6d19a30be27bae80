"""The imitated Salesforce, driven by a well-known client: it must not notice the difference."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce as Client
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_soql

from tests.contract.sandbox_salesforce import Organization, org

__all__ = ["org"]


class Plain(HTTPAdapter):
    """The client speaks https only: send what it says over http."""

    def send(self, request: Any, *arguments: Any, **more: Any) -> Any:
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, *arguments, **more)


@pytest.fixture
def client(org: Organization) -> Client:
    session = requests.Session()
    session.mount("https://", Plain())
    return Client(instance_url=org.server.url, session_id=org.login(), version="66.0", session=session)


def test_records(client: Client) -> None:
    made = client.Account.create({"Name": "O'Neil"})
    assert made["success"] is True
    assert client.Account.update(made["id"], {"Fax": "1"}) == 204
    assert client.Account.upsert("Fusion_Id__c/C-1", {"Name": "B"}) == 201
    assert client.Account.get_by_custom_id("Fusion_Id__c", "C-1")["Name"] == "B"
    found = client.query(format_soql("SELECT Id, Fax FROM Account WHERE Name = {}", "O'Neil"))
    assert (found["totalSize"], found["records"][0]["Fax"]) == (1, "1")
    assert client.Account.delete(made["id"]) == 204
    assert client.query_all("SELECT Id FROM Account", include_deleted=True)["totalSize"] == 2
    with pytest.raises(SalesforceResourceNotFound):
        client.Account.get(made["id"])
    with pytest.raises(SalesforceMalformedRequest):
        client.query("SELECT Nope FROM Account")


def test_describe_and_limits(client: Client) -> None:
    assert {"Account", "Fusion_Invoice__c"} <= {each["name"] for each in client.describe()["sobjects"]}
    assert any(each["name"] == "Fusion_Id__c" for each in client.Account.describe()["fields"])
    assert client.limits()["DailyApiRequests"]["Max"] == 100_000
    assert client.api_usage["api-usage"].total == 100_000


def test_bulk(client: Client) -> None:
    rows = [{"Fusion_Id__c": str(number), "Name": f"N{number}"} for number in range(3)]
    job = client.bulk2.Account.upsert(records=rows, external_id_field="Fusion_Id__c", wait=0)
    assert job[0]["numberRecordsProcessed"] == 3
    assert client.bulk2.Account.get_successful_records(job[0]["job_id"]).count("\n") == 4


def test_an_ended_session_is_recognised(org: Organization, client: Client) -> None:
    org.clock.advance(8_000)
    with pytest.raises(SalesforceExpiredSession):
        client.limits()
