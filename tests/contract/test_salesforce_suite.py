"""The Salesforce connector under the suite of all connectors."""

from typing import Any

from tests.contract.salesforce_stage import SECRETS, SETTINGS, grow, small_pages
from tests.contract.suite import ConnectorSuite, Reads, Stage, Writes


class SalesforceStage(Stage):
    connector = system = "salesforce"
    stream, path, grow, small_pages = "accounts", "/query|/composite/sobjects", grow, small_pages
    addresses, settings, secrets = {"my_domain_url": "org"}, SETTINGS, SECRETS

    def write(self, client: Any, keys: list[str]) -> Any:
        return client.upsert("invoice", [(key, {"Number__c": key}) for key in keys])

    def written(self) -> list[str]:
        return sorted(
            row["Fusion_Id__c"] for rows in self.client().records("invoice", ["Fusion_Id__c"]) for row in rows
        )


class TestSalesforce(Reads, Writes, ConnectorSuite):
    stage = SalesforceStage
