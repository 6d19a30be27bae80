"""What the tests of the Fusion connector share: a pod with a ledger, and a connection to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from connections.connectors import registry
from connections.connectors.base import Document, Page, Position, Row
from connections.connectors.oracle_fusion.client import FusionClient
from connections.sandbox import Sandbox
from connections.sandbox.oracle_fusion import DEMO_CREDENTIALS as DEMO
from tests.stub import StubAccess, checked

FUSION = registry.get("oracle_fusion")


class Pod:
    """The sandbox's Fusion. ``client`` makes a new one, with what ``check`` found if it ran."""

    def __init__(self, sandbox: Sandbox, settings: Any) -> None:
        self.sandbox = sandbox
        self.addresses = [sandbox.url("oracle_fusion", port) for port in ("pod", "identity")]
        settings.ALLOWED_PRIVATE_HOSTS = [address.removeprefix("http://") for address in self.addresses]
        self.access = StubAccess(FUSION.clean(self.settings()), {"client_secret": DEMO["client_secret"]})

    def settings(self, **changes: str) -> dict[str, str]:
        pod, identity = self.addresses
        given = {"pod_url": pod, "token_url": identity, "client_id": DEMO["client_id"], "scope": DEMO["scope"]}
        return given | changes

    def configure(self, **changes: str) -> None:
        self.access.config = FUSION.clean(self.settings(**changes))

    def client(self) -> FusionClient:
        made: FusionClient = FUSION.client(self.access)
        return made

    def check(self) -> dict[str, str]:
        report = checked(FUSION, self.access)
        self.access.capabilities = report.capabilities
        return {step.key: step.outcome for step in report.steps}

    def switch(self, **values: Any) -> None:
        self.sandbox.set_switches("oracle_fusion", values)

    def fault(self, kind: str, **values: Any) -> Any:
        return self.sandbox.faults.add(kind, **{"system": "oracle_fusion", "port": "pod", **values})

    def event(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        return self.sandbox.world.run(name, arguments)

    def pages(
        self,
        stream: str = "invoices",
        since: datetime | None = None,
        after: Position | None = None,
        client: FusionClient | None = None,
    ) -> Iterator[Page]:
        client = client or self.client()
        # Rows of an event follow each other by a millisecond, so the last ones lie ahead of the clock.
        until = client.server_now() + timedelta(minutes=1)
        return client.walk(stream, since=since, until=until, after=after)

    def rows(self, stream: str = "invoices", **options: Any) -> list[Row]:
        return [row for page in self.pages(stream, **options) for row in page.rows]

    def table(self, name: str) -> dict[str, dict[str, Any]]:
        """All rows of a table of the pod's ledger by key."""
        rows: dict[str, dict[str, Any]] = self.sandbox.systems["oracle_fusion"].dump()[name]
        return rows

    def ids(self, table: str = "invoices") -> set[str]:
        return set(self.table(table))

    def order(self, key: str, **changes: Any) -> tuple[str, Document]:
        """A sales order of the first customer for five pumps."""
        line = {"SourceTransactionLineId": "1", "SourceTransactionLineNumber": "1", "SourceTransactionScheduleId": "1"}
        line |= {"SourceScheduleNumber": "1", "ProductNumber": "AS100", "OrderedQuantity": 5, "OrderedUOMCode": "Ea"}
        return key, {
            "SourceTransactionSystem": "SFDC",
            "SourceTransactionId": key,
            "SourceTransactionNumber": key,
            "BusinessUnitName": "US Operations",
            "BuyingPartyNumber": next(iter(self.table("organizations").values()))["PartyNumber"],
            "TransactionTypeCode": "STD",
            "TransactionalCurrencyCode": "USD",
            "SubmittedFlag": False,
            "lines": [line],
            **changes,
        }

    def purchase(self, reference: str, **changes: Any) -> tuple[str, Document]:
        """A draft for two pumps from the last supplier."""
        distribution = {"DistributionNumber": 1, "Quantity": 2, "DeliverToLocation": "Headquarters"}
        schedule = {"ScheduleNumber": 1, "Quantity": 2, "ShipToLocation": "Headquarters"}
        line = {"LineNumber": 1, "LineType": "Goods", "Item": "AS100", "Quantity": 2, "UOMCode": "Ea", "Price": 10.5}
        return reference, {
            "ProcurementBU": "US Operations",
            "Supplier": list(self.table("suppliers").values())[-1]["Supplier"],
            "SupplierSite": "MAIN",
            "BuyerEmail": "ellen.marsh@pod.example",
            "CurrencyCode": "USD",
            "ReferenceNumber": reference,
            "Description": f"Pumps [{reference}]",
            "lines": [{**line, "schedules": [{**schedule, "distributions": [distribution]}]}],
            **changes,
        }


@pytest.fixture
def pod(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pod]:
    """An empty ledger with ten customers. Waiting costs no time."""
    monkeypatch.setattr("connections.http.pause", lambda seconds: None)
    with Sandbox(seed="empty", systems=("oracle_fusion",)) as sandbox:
        sandbox.world.run("fill", {"customers": 10, "invoices": 0})
        yield Pod(sandbox, settings)


__all__ = ["FUSION", "Pod", "pod"]
