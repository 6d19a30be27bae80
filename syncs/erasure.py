"""Deleting what hangs on syncs, in bounded steps: a sync may hold hundreds of thousands of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django_q.tasks import async_task

from audit.services import Entry, append
from connections.closing import delete_connections
from connections.models import Connection
from mlconnector.queue import BACKFILL
from mlconnector.tenants.models import Tenant
from syncs.models import (
    Candidate,
    CandidateKey,
    Flow,
    FlowRun,
    MappingVersion,
    Preview,
    PreviewEntry,
    Record,
    Report,
    ReportLine,
    Run,
    Sync,
)

CHUNK = 1000


def stop_everything(sender: Any, *, tenant_id: int, actor: str, **_: Any) -> None:
    """The workspace closes: nothing starts any more, and what is under way ends at its next safe point."""
    now = timezone.now()
    Sync.objects.across_tenants().filter(tenant_id=tenant_id).update(paused=True, next_run_at=None)
    runs = Run.objects.across_tenants().filter(sync__tenant_id=tenant_id)
    runs.filter(status=Run.Status.QUEUED).update(status=Run.Status.CANCELLED, finished_at=now)
    runs.filter(status=Run.Status.RUNNING).update(cancel_requested=True)
    reports = Report.objects.across_tenants().filter(sync__tenant_id=tenant_id, status=Report.Status.RUNNING)
    reports.update(status=Report.Status.FAILED, finished_at=now)
    transaction.on_commit(lambda: async_task("syncs.tasks.upkeep", cluster=BACKFILL, group="upkeep"))


def erase_closed() -> bool:
    """Goes on deleting what closed workspaces left behind. Returns whether nothing is left.

    A workspace whose run has not ended yet is left for the next time: its worker still writes down what it did.
    """
    left = False
    syncs = Sync.objects.across_tenants().filter(tenant=OuterRef("pk"))
    connections = Connection.objects.across_tenants().filter(tenant=OuterRef("pk"))
    for tenant in Tenant.objects.exclude(closed_at=None).filter(Exists(syncs) | Exists(connections)):
        if Run.objects.across_tenants().filter(sync__tenant=tenant, status__in=Run.ACTIVE).exists():
            left = True
            continue
        for sync in Sync.objects.across_tenants().filter(tenant=tenant).order_by("pk"):
            erase_sync(sync)
        with transaction.atomic():
            if delete_connections(tenant.pk):
                append(tenant.pk, [Entry("tenant.erased", "done")])
    return not left


def erase_sync(sync: Sync) -> None:
    """The sync and all that hangs on it. A kill in the middle leaves a part, and the next call goes on with it."""
    for rows in _hanging_on(sync):
        in_chunks(rows)
    sync.delete()


def _hanging_on(sync: Sync) -> Iterator[QuerySet[Any]]:
    """Leaves first, so that no step takes more along than it names."""
    yield ReportLine.objects.across_tenants().filter(report__sync=sync)
    yield Report.objects.across_tenants().filter(sync=sync)
    yield PreviewEntry.objects.across_tenants().filter(preview__sync=sync)
    yield Preview.objects.across_tenants().filter(sync=sync)
    yield FlowRun.objects.across_tenants().filter(run__sync=sync)
    yield Run.objects.across_tenants().filter(sync=sync)
    yield CandidateKey.objects.across_tenants().filter(flow__sync=sync)
    yield Candidate.objects.across_tenants().filter(flow__sync=sync)
    yield MappingVersion.objects.across_tenants().filter(flow__sync=sync)
    yield Record.objects.across_tenants().filter(flow__sync=sync)
    yield Flow.objects.across_tenants().filter(sync=sync)


def in_chunks(rows: QuerySet[Any]) -> int:
    """Deletes the rows by short transactions, so that nobody waits for them. Returns how many went."""
    gone = 0
    while page := list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        rows.filter(pk__in=page).delete()
        gone += len(page)
    return gone
