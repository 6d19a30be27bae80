"""A company's receivables in Fusion, and an org that shows them: what the tests of these flows share."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from audit.models import AuditEntry
from audit.services import verify
from connections.connectors.base import Row
from connections.errors import ConnectorError
from syncs import catalogue
from syncs.engine.flow import FlowDefinition, Item, MapContext, Mapped, Summary, WriteContext
from syncs.integrations.fusion_salesforce import INTEGRATION
from syncs.integrations.fusion_salesforce.credit_memos import CreditMemos
from syncs.integrations.fusion_salesforce.invoices import Invoices
from syncs.integrations.fusion_salesforce.payments import Payments
from syncs.integrations.fusion_salesforce.totals import totals
from syncs.models import Run
from syncs.reporting.reconciliation import reconcile
from tests.acceptance.pairs.base import Pair
from tests.acceptance.pairs.oracle_fusion import OracleFusion
from tests.acceptance.pairs.salesforce import Salesforce
from tests.acceptance.stage import Stage

Build = Callable[..., Stage]
Record = dict[str, Any]


class Customers(FlowDefinition):
    """Every customer becomes an Account of its own, and is asked for its name alone."""

    key, label, stream, version = "customers", "Customers", "customers", "1"

    def summary(self, row: Row) -> Summary:
        return Summary(str(row.data["OrganizationName"]))

    def map(self, row: Row, context: MapContext) -> Mapped:
        return Mapped({"Name": str(row.data["OrganizationName"])})

    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        rows = [(item.row.key, item.document) for item in items]
        results = context.destination.upsert("account", rows)
        for item in items:
            result = results[item.row.key]
            if isinstance(result, ConnectorError):
                item.failed(result)
            else:
                item.synced(result.id, {"account": result.id}, created=result.created)


class ReceivablesOnly(Pair):
    integration = "fusion_salesforce"
    source = OracleFusion()
    destination = Salesforce()


@pytest.fixture(autouse=True)
def only_receivables(monkeypatch: pytest.MonkeyPatch) -> None:
    flows = (Customers(), Invoices(), CreditMemos(), Payments())
    mine = replace(INTEGRATION, flows=flows, totals=totals)
    monkeypatch.setattr(catalogue, "_integrations", lambda: {mine.key: mine})
    monkeypatch.setattr("connections.http.pause", lambda seconds: None)


@pytest.fixture
def pair() -> Pair:
    return ReceivablesOnly()


@pytest.fixture
def stage(stage_of: Build) -> Stage:
    """After the first sync of a small company."""
    stage = stage_of("small")
    assert stage.run().status == Run.Status.SUCCEEDED, stage.problems()
    stage.sandbox.reset_stats()
    return stage


def salesforce(stage: Stage, object_name: str) -> dict[str, Record]:
    """All records of an object by our key."""
    found: dict[str, Record] = stage.sandbox.systems["salesforce"].dump()[object_name]
    return {key.removeprefix("Fusion_Id__c="): record for key, record in found.items()}


def invoice(stage: Stage, key: object) -> Record:
    return salesforce(stage, "Fusion_Invoice__c")[str(key)]


def lines_of(stage: Stage, key: object) -> dict[str, Record]:
    owner = f"Fusion_Id__c={key}"
    return {
        line: record
        for line, record in salesforce(stage, "Fusion_Invoice_Line__c").items()
        if record.get("Invoice__c") == owner
    }


def payments(stage: Stage, receipt: object) -> dict[str, Record]:
    """A receipt's record, and those of its parts by the invoice they go to."""
    found = salesforce(stage, "Fusion_Payment__c").items()
    return {key.partition(":")[2]: record for key, record in found if key.partition(":")[0] == str(receipt)}


def written(stage: Stage, run: Run) -> list[str]:
    return list(AuditEntry.objects.filter(run_id=run.pk, action="write").values_list("source_ref", flat=True))


def detail(run: Run, key: object) -> Record:
    """What the trail says of a record's last attempt in a run."""
    entry = AuditEntry.objects.filter(run_id=run.pk, source_ref=str(key)).latest("sequence")
    found: Record = json.loads(entry.detail)
    return found


def calls(stage: Stage) -> int:
    found: dict[str, int] = stage.sandbox.stats()["systems"].get("salesforce", {}).get("calls", {})
    return sum(found.values())


def consistent(stage: Stage) -> None:
    """What must hold after everything: no line without its invoice, an unbroken trail, equal sums."""
    assert all(record.get("Invoice__c") for record in salesforce(stage, "Fusion_Invoice_Line__c").values())
    assert verify(stage.tenant.pk).ok
    result = reconcile(stage.sync)
    assert result.equal, [row for row in result.comparisons if row.source_total != row.destination_total]


def an_open_invoice(stage: Stage) -> int:
    """The largest open one in dollars nothing of which was ever paid."""
    found = [
        (Decimal(str(record["Balance__c"])), key)
        for key, record in salesforce(stage, "Fusion_Invoice__c").items()
        if record["Status__c"] == "Open" and record["Currency_Code__c"] == "USD"
    ]
    return int(max(found)[1])
