"""A tenant's world for tests: through the services where there is one, rows where the engine writes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit import services as audit
from connections.models import Connection, TokenLock
from mlconnector.tenants.models import Tenant
from syncs import services
from syncs.engine.flow import encode
from syncs.models import Candidate, Flow, FlowRun, Preview, PreviewEntry, Record, Report, Run, Sync
from syncs.previewing import previews

CANARY = "canary-5up3r-s3cr3t-value"
FUSION_STEPS = (
    {"key": "sign_in", "label": "Signed in", "outcome": "ok", "text": "As ml.integration.", "advice": ""},
    {"key": "read.invoices", "label": "May read invoices", "outcome": "ok", "text": "", "advice": ""},
    {
        "key": "clock",
        "label": "Clocks agree",
        "outcome": "warning",
        "text": "This server's clock and Fusion's are 140 seconds apart.",
        "advice": "Ask your operator to set the clock.",
    },
)


def connection(tenant: Tenant, connector: str, name: str, **values: Any) -> Connection:
    """Tested and healthy unless said otherwise. Every secret holds the canary."""
    if connector == "oracle_fusion":
        config = {
            "pod_url": "https://fa-meridian.fa.us2.oraclecloud.com",
            "auth": "basic",
            "username": "ml.integration",
        }
        secrets = {"password": CANARY, "client_secret": CANARY}
    else:
        config, secrets = {"tier": "professional", "base_url": "https://api.hubapi.com"}, {"access_token": CANARY}
    fields: dict[str, Any] = {
        "status": Connection.Status.HEALTHY,
        "checked_at": timezone.now() - timedelta(hours=3),
        "check_report": list(FUSION_STEPS),
        "account": "HubSpot 4815162 (STANDARD)" if connector == "hubspot" else "ml.integration",
        "token": {"access_token": CANARY},
    }
    made = Connection.objects.create(
        tenant=tenant, connector=connector, name=name, config=config, secrets=secrets, **{**fields, **values}
    )
    TokenLock.objects.create(connection=made)
    return made


def sync(tenant: Tenant, *, name: str = "Fusion to HubSpot", started: bool = True) -> Sync:
    """With both connections and all flows."""
    made = services.create_sync(
        tenant,
        integration="fusion_hubspot",
        source=connection(tenant, "oracle_fusion", f"{name}: Fusion"),
        destination=connection(tenant, "hubspot", f"{name}: HubSpot"),
        actor="member:owner@meridian.example",
        name=name,
    )
    if started:
        services.resume(made, actor="member:owner@meridian.example")
        Sync.objects.for_tenant(tenant).filter(pk=made.pk).update(next_run_at=timezone.now() + timedelta(minutes=7))
        made.refresh_from_db()
    return made


def flow(of: Sync, key: str = "invoices") -> Flow:
    return of.flows.get(key=key)


def record(of: Flow, source_key: str, **values: Any) -> Record:
    fields: dict[str, Any] = {
        "status": Record.Status.SYNCED,
        "title": f"INV-{source_key}",
        "source_version": "2025-11-20T09:14:03+00:00",
        "updated_at": timezone.now() - timedelta(minutes=12),
        "attempts": 1,
    }
    return Record.objects.create(flow=of, source_key=source_key, **{**fields, **values})


def draft(of: Flow, source_key: str, amount: str = "1250.00", currency: str = "EUR") -> Record:
    return record(
        of,
        source_key,
        destination_id=f"9{source_key}",
        amount=Decimal(amount),
        currency=currency,
        watch=True,
        unconfirmed=True,
        payload=encode({"document": {"invoice": {}, "status": "draft"}, "ids": {"status": "draft"}}),
    )


def run(of: Sync, status: str = Run.Status.SUCCEEDED, *, ago: timedelta = timedelta(minutes=3), **values: Any) -> Run:
    started = timezone.now() - ago
    ended = status not in Run.ACTIVE
    made = Run.objects.create(
        sync=of,
        **{
            "trigger": Run.Trigger.SCHEDULE,
            "requested_by": "schedule",
            "status": status,
            "started_at": None if status == Run.Status.QUEUED else started,
            "finished_at": started + timedelta(seconds=95) if ended else None,
            **values,
        },
    )
    Run.objects.for_tenant(of.tenant_id).filter(pk=made.pk).update(created_at=started)
    made.refresh_from_db()
    return made


def flow_run(of: Run, key: str, **counts: int | None) -> FlowRun:
    numbers = {"read": sum(number or 0 for name, number in counts.items() if name != "expected"), **counts}
    return FlowRun.objects.create(run=of, flow=of.sync.flows.get(key=key), **numbers)


def entries(of: Sync, *lines: audit.Entry) -> None:
    with transaction.atomic():
        audit.append(of.tenant_id, lines)


def attempt(of: Record, outcome: str, detail: dict[str, Any], *, run_id: int | None = None, code: str = "") -> None:
    """One line of the trail, as the engine writes it."""
    entry = audit.Entry(
        action="write" if "sent" in detail else "decide",
        outcome=outcome,
        sync_id=of.flow.sync_id,
        run_id=run_id,
        flow=of.flow.key,
        source_ref=of.source_key,
        source_version=of.source_version,
        destination_ref=of.destination_id,
        error_code=code,
        detail=audit.encode(detail),
    )
    entries(of.flow.sync, entry)


INVOICE = {
    "hs_currency": "EUR",
    "hs_invoice_date": "2025-11-18T00:00:00Z",
    "hs_due_date": "2025-12-18T00:00:00Z",
    "hs_number": "INV-300001",
    "hs_amount_billed": "1190.00",
    "fusion_status": "Complete",
    "fusion_balance_due": "1190.00",
    "hs_invoice_billable": "false",
    "hs_comments": "",
}
LINES = {
    "300001-1": {"name": "Consulting, October", "quantity": "8", "price": "125.00", "fusion_tax_amount": "190.00"},
    "300001-2": {"name": "Travel", "quantity": "1", "price": "0.00", "fusion_tax_amount": "0.00"},
}
NAMES = (
    "Kestrel Logistics GmbH",
    "Núñez & Söhne",
    "Blue Harbour Foods Ltd",
    "東京精密株式会社",
    "Ardent Metalworks Inc.",
)


def busy_month(tenant: Tenant) -> Sync:
    """A sync in the middle of its life: all statuses, runs of every result, one under way, drafts and a question."""
    made = sync(tenant)
    _flows(made)
    run(
        made,
        Run.Status.CANCELLED,
        ago=timedelta(days=3),
        trigger=Run.Trigger.PERSON,
        requested_by="member:ann@m.example",
    )
    run(
        made,
        Run.Status.FAILED,
        ago=timedelta(days=2),
        error_code="transient",
        error_text="HubSpot did not answer for five minutes. The next run goes on from here.",
    )
    last = run(made, Run.Status.PARTIAL, ago=timedelta(minutes=14))
    flow_run(last, "customers", created=4, updated=1, unchanged=36, held=1, source_calls=2, destination_calls=3)
    flow_run(last, "invoices", created=212, updated=18, unchanged=40, waiting=3, rejected=4, skipped=6, source_calls=4)
    flow_run(last, "payments", created=57, unchanged=11, waiting=2, source_calls=3, destination_calls=2)
    _records(made, last)
    return made


def _flows(made: Sync) -> None:
    services.set_flow(flow(made), actor="member:owner@meridian.example", options={"confirmation": "here"})


def active_run(of: Sync) -> Run:
    begun = timezone.now() - timedelta(seconds=48)
    read = {"customers": begun, "invoices": begun + timedelta(seconds=8)}
    progress = {
        "scanned": ["customers"],
        "began": {key: at.isoformat() for key, at in read.items()},
        "ended": {"customers": read["invoices"].isoformat()},
    }
    made = run(of, Run.Status.RUNNING, ago=timedelta(seconds=48), progress=progress)
    flow_run(made, "customers", created=14, unchanged=61, source_calls=2, destination_calls=4)
    flow_run(
        made, "invoices", created=3200, waiting=12, rejected=2, expected=9400, source_calls=13, destination_calls=120
    )
    return made


def _records(made: Sync, last: Run) -> None:
    invoices, customers, payments = flow(made), flow(made, "customers"), flow(made, "payments")
    for number, name in enumerate(NAMES):
        record(customers, f"10000{number}", title=name, destination_id=f"77{number}", match_key=name.lower())
    _question(customers)
    _invoice_story(invoices, last)
    for number, (amount, currency) in enumerate((("980.50", "EUR"), ("120000", "JPY"), ("77.125", "KWD"))):
        draft(invoices, f"3001{number}", amount, currency)
    _troubled(invoices, payments, last)


def _question(customers: Flow) -> None:
    held = record(
        customers,
        "100099",
        title="Acme Corp.",
        status=Record.Status.HELD,
        error_code="match_ambiguous",
        error_text="2 records of the destination fit 'Acme Corp.'. Choose the one that belongs to this record, or "
        "create a new one.",
        match_key="acme",
    )
    for id_, title, city in (("501", "ACME Corporation", "Chicago"), ("502", "Acme Inc", "Lyon")):
        Candidate.objects.create(
            flow=customers, destination_id=id_, match_key="acme", title=title, evidence={"city": city}
        )
    attempt(held, "held", {"text": held.error_text}, code=held.error_code)


def _invoice_story(invoices: Flow, last: Run) -> None:
    told = record(
        invoices,
        "300001",
        title="INV-300001",
        destination_id="9300001",
        amount=Decimal("1190.00"),
        currency="EUR",
        attempts=3,
        run_id=last.pk,
        confirmed_at=timezone.now() - timedelta(hours=1),
        confirmed_by="member:finance@meridian.example",
    )
    attempt(
        told,
        "waiting",
        {"text": "The customer “Kestrel Logistics GmbH” is not in HubSpot yet."},
        code="customer_missing",
    )
    sent = {"invoice": INVOICE, "lines": LINES, "status": "draft"}
    attempt(told, "created", {"answer": {"invoice": "9300001", "status": "draft"}, "sent": sent}, run_id=last.pk)
    paid = {"answer": {"invoice": "9300001"}, "sent": {"invoice": {"fusion_balance_due": "0.00"}}}
    change = {"before": {"invoice": {"fusion_balance_due": "1190.00"}, "status": "open"},
              "after": {"invoice": {"fusion_balance_due": "0.00"}, "status": "paid"}}  # fmt: skip
    attempt(told, "updated", {**paid, **change}, run_id=last.pk)


def _troubled(invoices: Flow, payments: Flow, last: Run) -> None:
    rejected: Sequence[tuple[str, str, str, str, str]] = (
        ("30020", "4410.00", "EUR", "total_differs", "Fusion says 4410.00 EUR, but lines, tax and freight add up to "
         "4400.00 EUR. Correct it in Fusion; the change is read by itself."),
        ("30021", "910.00", "USD", "total_differs", "Fusion says 910.00 USD, but lines add up to 901.00 USD."),
        ("30022", "55000", "CLP", "currency_missing", "The HubSpot account does not have the currency CLP. Add it in "
         "HubSpot under Settings › Account defaults › Currency, test the connection again, then replay."),
    )  # fmt: skip
    for key, amount, currency, code, text in rejected:
        made = record(
            invoices, key, status=Record.Status.REJECTED, error_code=code, error_text=text,
            amount=Decimal(amount), currency=currency, run_id=last.pk,
        )  # fmt: skip
        attempt(made, "rejected", {"text": text}, run_id=last.pk, code=code)
    record(
        payments,
        "70001",
        title="RCPT-70001",
        status=Record.Status.WAITING,
        error_code="invoice_missing",
        error_text="The invoice INV-30020 that this receipt pays is not in HubSpot yet. The payment goes by itself "
        "once the invoice is there.",
        waits_for="invoices:30020",
        amount=Decimal("4410.00"),
        currency="EUR",
        run_id=last.pk,
    )
    record(invoices, "30030", title="CM-88", status=Record.Status.SKIPPED, amount=Decimal("-120.00"), currency="EUR")


def preview(of: Sync, status: str = Preview.Status.READY, **values: Any) -> Preview:
    """Of the next run: an invoice would be created, another updated, a third rejected."""
    totals = {
        "customers": {"unchanged": {"number": 41, "money": {}}},
        "invoices": {
            "created": {"number": 1, "money": {"EUR": "4410"}},
            "updated": {"number": 1, "money": {"EUR": "1190"}},
            "unchanged": {"number": 212, "money": {}},
            "rejected": {"number": 1, "money": {"USD": "910"}},
        },
    }
    fields: dict[str, Any] = {"kind": Preview.Kind.RUN, "requested_by": "member:finance@meridian.example"}
    if status != Preview.Status.RUNNING:
        fields |= {"finished_at": timezone.now(), "totals": totals, "based_on": previews.settings_digest(of)}
    made = Preview.objects.create(sync=of, status=status, **{**fields, **values})
    change = {"before": {"invoice": {"hs_invoice_status": "open"}}, "after": {"invoice": {"hs_invoice_status": "paid"}}}
    foreseen: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
        ("30099", "created", "4410.00", "EUR", {"sent": {"invoice": INVOICE, "lines": LINES}}),
        ("300001", "updated", "1190.00", "EUR", change),
        ("30021", "rejected", "910.00", "USD", {"text": "Fusion says 910.00 USD, but lines add up to 901.00 USD."}),
    )
    PreviewEntry.objects.bulk_create(
        PreviewEntry(
            preview=made, flow="invoices", source_key=key, title=f"INV-{key}", outcome=outcome,
            amount=Decimal(amount), currency=currency, detail=encode(detail),
        )
        for key, outcome, amount, currency, detail in foreseen
    )  # fmt: skip
    return made


def report(of: Sync, **values: Any) -> Report:
    """October with an invoice that is missing on the other side, September in order."""
    missing = of.flows.get(key="invoices").records.filter(status=Record.Status.REJECTED).order_by("pk").first()
    rows = [
        ("invoices", "2026-10", "EUR", 1204, "1240000.00", 1203, "1235590.00"),
        ("open balance", "2026-10", "EUR", 1204, "80000.00", 1204, "80000.00"),
        ("payments", "2026-10", "EUR", 980, "990000.00", 980, "990000.00"),
        ("invoices", "2026-09", "EUR", 7, "700.00", 7, "700.00"),
        ("invoices", "2026-09", "JPY", 1, "120000", 1, "120000"),
    ]
    names = ("what", "month", "currency", "source_count", "source_total", "destination_count", "destination_total")
    figures = {
        "rows": [dict(zip(names, row, strict=True)) for row in rows],
        "left_out": [{"what": "invoices", "rule": "credit", "month": "2026-10", "count": 12}],
        "differences": 1,
    }
    fields: dict[str, Any] = {
        "status": Report.Status.READY,
        "requested_by": "member:finance@meridian.example",
        "started_at": timezone.now(),
        "finished_at": timezone.now(),
        "figures": figures,
    }
    made = Report.objects.create(sync=of, **{**fields, **values})
    made.lines.create(
        what="invoices",
        month="2026-10",
        currency="EUR",
        source_key="30020",
        title="INV-30020",
        source_amount=Decimal("4410.00"),
        record=missing,
    )
    return made
