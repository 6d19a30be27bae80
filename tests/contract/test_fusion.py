"""The Fusion connector under the suite of all connectors."""

from connections.sandbox.oracle_fusion import DEMO_CREDENTIALS as DEMO
from tests.contract.suite import ConnectorSuite, Reads, Stage


class FusionStage(Stage):
    connector = system = "oracle_fusion"
    addresses = {"pod_url": "pod", "token_url": "identity"}
    settings = {"client_id": DEMO["client_id"], "scope": DEMO["scope"]}
    secrets = {"client_secret": DEMO["client_secret"]}
    stream, path = "invoices", "receivablesInvoices"

    def grow(self, count: int) -> None:
        self.sandbox.world.run("invoices_arrive", {"count": count, "lines": 1, "same_stamp": True})

    def small_pages(self) -> None:
        self.access.config["page_size"] = "10"


class TestFusion(Reads, ConnectorSuite):
    stage = FusionStage
