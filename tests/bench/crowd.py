"""Rows by the hundred thousand, made inside PostgreSQL in seconds."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Field, Model

from audit.models import AuditEntry, AuditHead
from mlconnector.tenants.models import Tenant
from syncs.models import Candidate, FlowRun, PreviewEntry, Record, ReportLine, Run, Sync

ENTRIES = 1_000_000
RECORDS = 200_000
RUNS = 300
LINES = 20_000
OPEN_ONE_IN = 50
"""One record in so many needs attention."""


def fill(model: type[Model], number: int, **expressions: str) -> None:
    """``number`` rows; ``expressions`` are SQL over ``n`` (from 1) by field, the others get their defaults."""
    columns, values, defaults = [], [], []
    for field in model._meta.concrete_fields:
        if field.primary_key:
            continue
        columns.append(connection.ops.quote_name(field.column))
        given = expressions.pop(field.name, None)
        values.append(given.replace("%", "%%") if given else "%s")
        defaults += [] if given else [_default(field)]
    assert not expressions, f"{model.__name__} has no {', '.join(expressions)}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) "
            f"SELECT {', '.join(values)} FROM generate_series(1, {number}) AS n",
            defaults,
        )


def _default(field: Field[Any, Any]) -> Any:
    return field.get_db_prep_save(field.get_default(), connection)


def crowd(tenant: Tenant, syncs: list[Sync], *, preview_id: int, report_id: int) -> None:
    """A large tenant's life: records, runs and the trail, spread evenly over its syncs and their flows."""
    flows = [flow for sync in syncs for flow in sync.flows.order_by("pk")]
    by_flow = _one_of([flow.pk for flow in flows])
    by_key, by_sync = _one_of([flow.key for flow in flows]), _one_of([flow.sync_id for flow in flows])
    for sync in syncs:
        _runs(sync)
    newest = _one_of([sync.runs.latest("pk").pk for sync in syncs])
    open_ = f"n % {OPEN_ONE_IN} = 0"
    cause = "(ARRAY['total_differs', 'currency_missing', 'invoice_missing', 'match_ambiguous'])[1 + n / 50 % 4]"
    fill(
        Record,
        RECORDS,
        flow=by_flow,
        source_key="(400000000 + n)::text",
        source_version="'2026-11-20T09:14:03+00:00'",
        destination_id=f"CASE WHEN {open_} THEN '' ELSE (900000000 + n)::text END",
        payload_hash="md5(n::text)",
        status=f"CASE WHEN {open_} THEN (ARRAY['waiting', 'held', 'rejected'])[1 + n / 50 % 3] ELSE 'synced' END",
        error_code=f"CASE WHEN {open_} THEN {cause} ELSE '' END",
        error_text=f"CASE WHEN {open_} THEN 'Fusion says one thing, the lines another.' ELSE '' END",
        attempts="1 + n % 3",
        unconfirmed="n % 40 = 1",
        match_key=f"CASE WHEN {by_key} = 'customers' THEN 'customer ' || n ELSE '' END",
        title="'INV-' || n",
        amount="n % 9973 + 0.25",
        currency="(ARRAY['USD', 'EUR', 'JPY'])[1 + n % 3]",
        payload="""'{"document": {"invoice": {"hs_number": "INV-' || n || '"}}, "ids": {"status": "draft"}}'""",
        run_id=newest,
        updated_at="now() - n * interval '1 minute'",
    )
    for flow in flows:
        fill(
            Candidate,
            LINES if flow.key == "customers" else 0,
            flow=str(flow.pk),
            destination_id="(950000000 + n)::text",
            match_key="'customer ' || n / 2",
            title="'Customer ' || n",
        )
    first = AuditHead.objects.get(tenant=tenant).sequence
    fill(
        AuditEntry,
        ENTRIES,
        tenant=str(tenant.pk),
        sequence=f"{first} + n",
        at=f"now() - ({ENTRIES} - n) * interval '25 seconds'",
        actor="CASE WHEN n % 5000 = 0 THEN 'member:owner@meridian.example' ELSE 'worker' END",
        action="CASE WHEN n % 20 = 0 THEN 'decide' ELSE 'write' END",
        outcome="CASE WHEN n % 20 = 0 THEN 'rejected' WHEN n % 3 = 0 THEN 'created' ELSE 'updated' END",
        sync_id=by_sync,
        run_id=newest,
        flow=by_key,
        source_ref=f"(400000000 + n % {RECORDS})::text",
        destination_ref=f"(900000000 + n % {RECORDS})::text",
        error_code="CASE WHEN n % 20 = 0 THEN 'total_differs' ELSE '' END",
        detail="""'{"sent":{"invoice":{"hs_number":"INV-' || n || '","fusion_balance_due":"1200.50"}}}'""",
        previous_hash="md5(n::text) || md5(n::text)",
        hash="md5((n + 1)::text) || md5((n + 1)::text)",
    )
    AuditHead.objects.filter(tenant=tenant).update(sequence=first + ENTRIES)
    fill(
        PreviewEntry,
        LINES,
        preview=str(preview_id),
        flow="'invoices'",
        source_key="(400000000 + n)::text",
        title="'INV-' || n",
        outcome="(ARRAY['created', 'updated', 'rejected'])[1 + n % 3]",
        amount="n % 9973 + 0.25",
        currency="'EUR'",
        detail="""'{"text": "Lines and total differ."}'""",
    )
    fill(
        ReportLine,
        LINES,
        report=str(report_id),
        what="'invoices'",
        month="'2026-10'",
        currency="'EUR'",
        source_key="(400000000 + n)::text",
        title="'INV-' || n",
        source_amount="n % 9973 + 0.25",
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _one_of(values: list[Any]) -> str:
    return f"(ARRAY[{', '.join(repr(value) for value in values)}])[1 + n % {len(values)}]"


def _runs(sync: Sync) -> None:
    ago = f"now() - ({RUNS} - n) * interval '10 minutes' - interval '1 hour'"
    fill(
        Run,
        RUNS,
        sync=str(sync.pk),
        trigger="'schedule'",
        requested_by="'schedule'",
        status="CASE WHEN n % 7 = 0 THEN 'partial' ELSE 'succeeded' END",
        created_at=ago,
        started_at=ago,
        finished_at=f"{ago} + interval '40 seconds'",
    )
    numbers = {"read": 60, "created": 40, "unchanged": 18, "rejected": 2}
    FlowRun.objects.bulk_create(
        FlowRun(run_id=run, flow=flow, **numbers)
        for run in sync.runs.exclude(flow_runs__isnull=False).values_list("pk", flat=True)
        for flow in sync.flows.all()
    )
