"""Clearing away what a workspace keeps for a time only: ended runs, previews, reconciliations. Never the trail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from mlconnector.tenants.models import Tenant
from syncs.erasure import in_chunks
from syncs.models import FlowRun, Preview, PreviewEntry, Report, ReportLine, Run


def purge(now: datetime | None = None) -> int:
    """Returns how many runs, previews and reconciliations went. The newest run and reconciliation of a sync stay."""
    now = now or timezone.now()
    terms = Tenant.objects.filter(closed_at=None).values_list("keep_days", flat=True).distinct().order_by("keep_days")
    return sum(_purge(days, now - timedelta(days=days)) for days in terms)


def _purge(keep_days: int, before: datetime) -> int:
    kept = {"sync__tenant__keep_days": keep_days}
    runs = (
        Run.objects.across_tenants()
        .filter(**kept, finished_at__lt=before)
        .exclude(status__in=Run.ACTIVE)
        .alias(newest=_newest(Run.objects.across_tenants()))
        .exclude(pk=F("newest"))
    )
    previews = (
        Preview.objects.across_tenants()
        .filter(**kept, created_at__lt=before, rehearsal=None)
        .exclude(status=Preview.Status.RUNNING)
    )
    reports = (
        Report.objects.across_tenants()
        .filter(**kept, created_at__lt=before)
        .exclude(status=Report.Status.RUNNING)
        .alias(newest=_newest(Report.objects.across_tenants().filter(status=Report.Status.READY)))
        .exclude(pk=F("newest"))
    )
    in_chunks(FlowRun.objects.across_tenants().filter(run__in=runs))
    in_chunks(PreviewEntry.objects.across_tenants().filter(preview__in=previews))
    in_chunks(ReportLine.objects.across_tenants().filter(report__in=reports))
    return in_chunks(runs) + in_chunks(previews) + in_chunks(reports)


def _newest(rows: QuerySet[Any]) -> Coalesce:
    """The newest of these of a row's own sync; 0 where there is none."""
    of_sync = rows.filter(sync=OuterRef("sync")).order_by().values("sync")
    return Coalesce(Subquery(of_sync.annotate(newest=Max("pk")).values("newest")), 0)
