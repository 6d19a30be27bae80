"""What the tests of the API and the admin stand on: a tenant's keys, two connections, a sync and a few records."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from audit import services as audit
from connections.connectors import registry
from connections.connectors.base import CheckStep, Field, Preparation
from connections.models import Connection, TokenLock
from mlconnector.tenants.models import ApiKey, Role, Tenant
from syncs import both_sides, services
from syncs.models import Candidate, Flow, FlowRun, Preview, Record, Report, Run, Sync
from tests import factories

CANARY = "canary-5d1f-never-to-be-seen"


class Program(Client):
    """A test client that carries an API key."""

    def __init__(self, key: str = "") -> None:
        super().__init__(headers={"Authorization": f"Api-Key {key}"} if key else {})

    def send(self, method: str, path: str, body: Any = None) -> Any:
        text = "" if body is None else json.dumps(body)
        return self.generic(method, f"/api/v1{path}", text, content_type="application/json")

    def ask(self, path: str, **query: Any) -> Any:
        return self.get(f"/api/v1{path}", query)


def key_of(tenant: Tenant, role: str, **changes: Any) -> str:
    row, key = ApiKey.objects.create_key(tenant=tenant, name=f"{role} key", role=role)
    for name, value in changes.items():
        setattr(row, name, value)
    row.save()
    return str(key)


@dataclass
class House:
    """One tenant's things. ``rejected``, ``held`` and ``draft`` are invoices and a customer in these states."""

    tenant: Tenant
    source: Connection
    destination: Connection
    sync: Sync
    run: Run
    customers: Flow
    invoices: Flow
    synced: Record
    rejected: Record
    held: Record
    draft: Record
    report: Report
    preview: Preview

    def program(self, role: str = Role.ADMIN) -> Program:
        return Program(key_of(self.tenant, role))


def connect(tenant: Tenant, connector: str, name: str, config: dict[str, str], secrets: dict[str, str]) -> Connection:
    connection = Connection.objects.create(
        tenant=tenant,
        connector=connector,
        name=name,
        config=config,
        secrets=secrets,
        token={"access_token": CANARY},
        status=Connection.Status.HEALTHY,
    )
    TokenLock.objects.create(connection=connection)
    return connection


def build(tenant: Tenant) -> House:
    source = connect(
        tenant,
        "oracle_fusion",
        "Fusion",
        {"pod_url": "https://pod.example", "auth": "basic", "username": "integration"},
        {"password": CANARY},
    )
    destination = connect(tenant, "hubspot", "HubSpot", {"tier": "free"}, {"access_token": CANARY})
    sync = services.create_sync(
        tenant,
        integration="fusion_hubspot",
        source=source,
        destination=destination,
        actor="member:owner@meridian.example",
    )
    customers, invoices = sync.flows.get(key="customers"), sync.flows.get(key="invoices")
    invoices.options = {"confirmation": "here"}
    invoices.save(update_fields=["options"])
    now = timezone.now()
    run = Run.objects.create(
        sync=sync,
        trigger=Run.Trigger.SCHEDULE,
        requested_by="schedule",
        status=Run.Status.PARTIAL,
        started_at=now - timedelta(minutes=2),
        finished_at=now,
    )
    FlowRun.objects.create(run=run, flow=customers, read=2, created=1, held=1, expected=2, destination_calls=3)
    FlowRun.objects.create(run=run, flow=invoices, read=2, created=1, rejected=1, expected=2, destination_calls=3)
    Candidate.objects.create(flow=customers, destination_id="901", match_key="acme", title="ACME Corp")
    Candidate.objects.create(flow=customers, destination_id="902", match_key="acme", title="Acme Corporation")
    made = {
        "synced": _record(run, customers, "11", "synced", title="Birch & Co", destination_id="900"),
        "held": _record(
            run, customers, "12", "held", title="Acme Corp.", match_key="acme", error_code="match_ambiguous"
        ),
        "rejected": _record(
            run, invoices, "21", "rejected", title="INV-21", error_code="total_differs", amount="12.5", currency="USD"
        ),
        "draft": _record(
            run,
            invoices,
            "22",
            "synced",
            title="INV-22",
            amount="1000",
            currency="JPY",
            watch=True,
            unconfirmed=True,
            destination_id="950",
            payload='{"document":{"company":"900","status":"draft"},"ids":{"invoice":"950"}}',
        ),
    }
    _trail(run)
    return House(
        tenant,
        source,
        destination,
        sync,
        run,
        customers,
        invoices,
        **made,
        report=factories.report(sync),
        preview=factories.preview(sync),
    )


def _record(run: Run, flow: Flow, key: str, status: str, **fields: Any) -> Record:
    record = Record.objects.create(
        flow=flow, source_key=key, status=status, run_id=run.pk, updated_at=timezone.now(), attempts=1, **fields
    )
    record.refresh_from_db()
    return record


def _trail(run: Run) -> None:
    detail = audit.encode({"text": "Lines and total disagree: 12.50 and 12.40.", "before": {}, "after": {}})
    entries = [
        audit.Entry("write", "synced", sync_id=run.sync_id, run_id=run.pk, flow="invoices", source_ref="22"),
        audit.Entry(
            "write",
            "rejected",
            sync_id=run.sync_id,
            run_id=run.pk,
            flow="invoices",
            source_ref="21",
            error_code="total_differs",
            detail=detail,
        ),
    ]
    with transaction.atomic():
        audit.append(run.sync.tenant_id, entries)


SIGNED_IN = CheckStep("in", "Signed in", "ok")


def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connector answers as if its system were there and lacked one field."""
    for connector in registry.all():
        kind = type(connector)
        monkeypatch.setattr(kind, "check", lambda _self, _access, report: report.add(SIGNED_IN))
        monkeypatch.setattr(kind, "missing", lambda *_: [Preparation("one", "A field")])
        monkeypatch.setattr(kind, "prepare", lambda *_: [CheckStep("one", "A field", "ok")])
        monkeypatch.setattr(kind, "fields", lambda *_: [Field("tier", "Tier", "text", length=40)])
    monkeypatch.setattr(both_sides, "look", lambda record: SIDES)


SIDES = both_sides.BothSides(
    both_sides.Side("Oracle Fusion Cloud ERP", there=True),
    both_sides.Side("HubSpot", there=True),
    [both_sides.Section("Invoice", [both_sides.Line("hs_number", "INV-1", "INV-1", "INV-1")], compared=True)],
)


def end(run: Run | None) -> None:
    """Ends a run that a test has started, so that the next verb can start its own."""
    if run is not None:
        Run.objects.across_tenants().filter(pk=run.pk).update(status=Run.Status.SUCCEEDED, finished_at=timezone.now())
