"""The HubSpot connector under the suite of all connectors."""

from typing import Any

from connections.sandbox.hubspot import DEMO_CREDENTIALS as DEMO
from tests.contract.suite import ConnectorSuite, Stage, Writes


class HubSpotStage(Stage):
    connector = system = "hubspot"
    addresses, settings = {"base_url": "api"}, {"tier": "unlimited"}
    secrets = {"access_token": DEMO["access_token"]}
    path, static = "companies.*/batch/upsert", True

    def write(self, client: Any, keys: list[str]) -> Any:
        return client.upsert("companies", [(key, {"fusion_id": key, "name": key}) for key in keys])

    def written(self) -> list[str]:
        pages = self.client().records("companies", ["fusion_id"])
        return sorted(key for page in pages for row in page if (key := row["properties"].get("fusion_id")))


class TestHubSpot(Writes, ConnectorSuite):
    stage = HubSpotStage
