"""Customers and suppliers of Oracle Fusion before the Accounts of an org: what their tests share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from audit.models import AuditEntry
from audit.services import verify
from connections.sandbox import Sandbox
from connections.sandbox.oracle_fusion.attributes import SUPPLIERS
from connections.sandbox.oracle_fusion.parties import NewCustomer
from connections.sandbox.oracle_fusion.procurement import NewSupplier, add_supplier, change_supplier
from connections.sandbox.salesforce.seeds import prepare
from mlconnector.tenants.models import Tenant
from syncs import catalogue, services
from syncs.integrations.fusion_salesforce import INTEGRATION
from syncs.integrations.fusion_salesforce.customers import Customers
from syncs.integrations.fusion_salesforce.suppliers import Suppliers
from syncs.models import Record, Run
from tests.acceptance.pairs.base import ACTOR, Pair
from tests.acceptance.pairs.oracle_fusion import OracleFusion
from tests.acceptance.pairs.salesforce import Salesforce
from tests.acceptance.stage import Stage, set_up

ALONE = replace(INTEGRATION, flows=(Customers(), Suppliers()))
KEY = "Fusion_Id__c"
Row = dict[str, Any]


class Accounts(Pair):
    integration = INTEGRATION.key
    source = OracleFusion()
    destination = Salesforce()


class Scene:
    """A finance system, an org, and the sync between them. ``build`` makes it; nothing was synced yet."""

    def __init__(self, sandbox: Sandbox, tenant: Tenant, **config: str) -> None:
        self.sandbox = sandbox
        self.ledger = sandbox.world.ledger
        self.org = sandbox.systems["salesforce"].org
        self.people = sandbox.systems["salesforce"].people
        prepare(self.org)
        self.stage: Stage = set_up(Accounts(), sandbox, tenant, destination=config)

    # what happens

    def customer(self, name: str, **more: Any) -> str:
        return str(self.ledger.parties.add(NewCustomer(name, **more), self.sandbox.world.now()).party_id)

    def supplier(self, name: str, **more: Any) -> str:
        party = more.pop("party", None)
        spec = NewSupplier(name, party_id=int(party) if party else None, **more)
        return str(add_supplier(self.ledger, spec, self.sandbox.world.now()))

    def becomes_customer(self, supplier: str, name: str, **more: Any) -> str:
        """The supplier's party is entered as a customer too; the party."""
        parties, spec = self.ledger.parties, NewCustomer(name, **more)
        customer = replace(parties.reserve(spec), party_id=int(self.party_of(supplier)))
        return str(parties.add(spec, self.sandbox.world.now(), customer).party_id)

    def party_of(self, supplier: str) -> str:
        return str(self.ledger.records.get(SUPPLIERS, int(supplier))["SupplierPartyId"])

    def customer_changes(self, party: str, **changes: Any) -> None:
        self.sandbox.clock.advance(1)
        self.sandbox.world.customer_changes(int(party), **changes)

    def supplier_changes(self, key: str, **changes: Any) -> None:
        self.sandbox.clock.advance(1)
        change_supplier(self.ledger, int(key), self.sandbox.world.now(), **changes)

    def account(self, name: str, **fields: Any) -> str:
        """Somebody in sales enters an Account; its Id."""
        return str(self.people.create("Account", {"Name": name, **fields}))

    def restore(self, id_: str) -> None:
        """Somebody takes an Account out of the recycle bin."""
        row = self.org.rows.get(id_, deleted=True)
        row.deleted = False
        with self.org.store.transaction() as cursor:
            self.org.rows.update(cursor, self.org.schema["account"], row)

    # what is there

    def accounts(self) -> list[Row]:
        return [{"Id": row.id, **row.doc} for row in self.org.rows.many("Account")]

    def of(self, party: str) -> Row:
        found = [row for row in self.accounts() if row.get(KEY) == party]
        assert len(found) == 1, found
        return found[0]

    def record(self, flow: str, key: str) -> Record:
        found: Record = self.stage.records(flow).get(source_key=key)
        return found

    def run(self) -> dict[str, dict[str, int]]:
        """One run; by flow, what became of records that were not as before. Its writes are counted from nothing."""
        self.sandbox.reset_stats()
        run = self.stage.run()
        assert run.status in (Run.Status.SUCCEEDED, Run.Status.PARTIAL), run.error_text
        assert verify(self.stage.tenant.pk).ok
        return {
            flow: {name: number for name, number in counts.items() if name not in ("read", "unchanged")}
            for flow, counts in self.stage.counts(run).items()
        }

    def writes(self) -> int:
        return int(self.sandbox.stats()["systems"].get("salesforce", {}).get("writes", 0))

    def settled(self) -> None:
        """Another run changes nothing: neither flow undoes what the other did."""
        trail = AuditEntry.objects.filter(action="write").count()
        self.run()
        assert self.writes() == 0
        assert AuditEntry.objects.filter(action="write").count() == trail

    def due(self, flow: str, key: str) -> None:
        """It is to be read again, as when a person replays it or an invoice was refused for want of its Account."""
        self.stage.records(flow, source_key=key).update(next_attempt_at=timezone.now())

    def replay(self, record: Record) -> None:
        _, run = services.replay(self.stage.records(record.flow.key, pk=record.pk), actor=ACTOR, sync=self.stage.sync)
        assert run is not None
        self.stage.execute(run)

    def decide(self, flow: str, key: str, **answer: Any) -> None:
        run = services.decide(self.record(flow, key), actor=ACTOR, **answer)
        assert run is not None
        self.stage.execute(run)


Build = Callable[..., Scene]


@pytest.fixture
def build(
    sandbox_of: Callable[..., Sandbox], transactional_db: None, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> Build:
    """These two flows alone, whatever else the integration has. Waiting costs no time."""
    monkeypatch.setattr("connections.http.pause", lambda seconds: None)
    known = dict(catalogue._integrations())
    monkeypatch.setattr(catalogue, "_integrations", lambda: known | {ALONE.key: ALONE})

    def build(seed: str = "empty", **config: str) -> Scene:
        return Scene(sandbox_of(seed, systems=("oracle_fusion", "salesforce")), tenant, **config)

    return build


@pytest.fixture
def scene(build: Build) -> Scene:
    return build()


__all__ = ["ACTOR", "KEY", "Build", "Scene", "build", "scene"]
