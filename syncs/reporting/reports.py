"""Reconciliations as reports: asked for by a person or by the first days of a month, made in the background, kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django_q.tasks import async_task

from audit import services as audit
from connections.errors import ConnectorError
from connections.models import Connection
from mlconnector.queue import BACKFILL
from mlconnector.times import zone_called
from syncs import services
from syncs.models import Record, Report, ReportLine, Sync
from syncs.money import text
from syncs.reporting.reconciliation import Comparison, Difference, Reconciliation, reconcile

log = structlog.get_logger(__name__)
SCHEDULE = "schedule"
LONGEST = timedelta(hours=6)
"""Reading two systems with some hundred thousand records takes an hour; nothing takes this long and still moves."""
CHUNK = 1000
MONTHLY_DAYS, MONTHLY_HOUR = 5, 3
MONTHLY_AT_ONCE = 5
TRY_AGAIN = timedelta(hours=12)
STOPPED = "The worker that made this reconciliation stopped before the end. Start it again."
UNEXPECTED = "An unexpected error stopped this reconciliation. Our operators have been told. Start it again later."


class ReportLost(Exception):
    """Nobody waits for this report any more."""


def start(sync: Sync, *, actor: str) -> Report:
    """A new report on its way, or the one that is. Raises ``ValidationError`` while a connection is broken."""
    services.refuse_broken(sync)
    try:
        with transaction.atomic():
            report = Report.objects.create(sync=sync, requested_by=actor, heartbeat_at=timezone.now())
            services.note(sync, "reconciliation.request", actor, {"report": report.pk})
            _enqueue(report.pk)
    except IntegrityError:
        running = sync.reports.filter(status=Report.Status.RUNNING).first()
        if running is None:
            raise ValidationError("A reconciliation has just ended. Look at it first.") from None
        return running
    return report


def _enqueue(report_id: int) -> None:
    transaction.on_commit(
        lambda: async_task(
            "syncs.tasks.make_report",
            report_id,
            cluster=BACKFILL,
            group=f"report-{report_id}",
            timeout=int(LONGEST.total_seconds()),
        )
    )


def make(report_id: int, sign_of_life: Callable[[], None] = lambda: None) -> None:
    """What a worker does with a report. Does nothing if another worker has had it in hand."""
    now = timezone.now()
    waiting = Report.objects.across_tenants().filter(pk=report_id, status=Report.Status.RUNNING, started_at=None)
    if not waiting.update(started_at=now, heartbeat_at=now):
        return
    reports = Report.objects.across_tenants().select_related("sync__source", "sync__destination")
    report = reports.get(pk=report_id)
    try:
        beat = _beat(report_id, sign_of_life)
        _keep(report, reconcile(report.sync, beat), beat)
    except ReportLost:
        log.info("report given up", report=report_id)
    except ConnectorError as error:
        _fail([report_id], error.text)
    except Exception:
        log.exception("report failed", report=report_id)
        _fail([report_id], UNEXPECTED)


def _beat(report_id: int, sign_of_life: Callable[[], None]) -> Callable[[], None]:
    """Called often; touches the database only when due. Raises ``ReportLost`` when the report was given up."""
    due = 0.0

    def beat() -> None:
        nonlocal due
        if time.monotonic() < due:
            return
        if not _running(report_id).update(heartbeat_at=timezone.now()):
            raise ReportLost
        sign_of_life()
        due = time.monotonic() + settings.LEASE_SECONDS / 6

    return beat


def _running(*report_ids: int) -> Any:
    return Report.objects.across_tenants().filter(pk__in=report_ids, status=Report.Status.RUNNING)


def _fail(report_ids: Sequence[int], said: str) -> int:
    changed: int = _running(*report_ids).update(
        status=Report.Status.FAILED, error_text=said, finished_at=timezone.now()
    )
    return changed


# Keeping --------------------------------------------------------------------------------------------------------------


def _keep(report: Report, found: Reconciliation, beat: Callable[[], None]) -> None:
    """Its lines first, little by little: only a report that is ready shows any."""
    sync = report.sync
    for chunk in _chunks(found.differences):
        beat()
        ReportLine.objects.bulk_create(_lines(report, chunk))
    with transaction.atomic():
        ready = {"status": Report.Status.READY, "finished_at": timezone.now(), "figures": _figures(found)}
        if not _running(report.pk).update(**ready):
            raise ReportLost
        outcome = "agrees" if found.equal else "differs"
        detail = {"report": report.pk, "records": len(found.differences)}
        entry = audit.Entry("reconciliation", outcome, sync_id=sync.pk, detail=audit.encode(detail))
        audit.append(sync.tenant_id, [entry])


def _figures(found: Reconciliation) -> dict[str, Any]:
    return {
        "rows": [_figure(row) for row in found.months],
        "left_out": [
            {"what": one.what, "rule": one.rule, "month": one.month, "count": one.count} for one in found.left_out
        ],
        "differences": len(found.differences),
    }


def _figure(row: Comparison) -> dict[str, Any]:
    return {
        "what": row.what,
        "month": row.month,
        "currency": row.currency,
        "source_count": row.source_count,
        "source_total": text(row.source_total),
        "destination_count": row.destination_count,
        "destination_total": text(row.destination_total),
    }


def _chunks(differences: Iterable[Difference]) -> Iterator[list[Difference]]:
    rest = iter(differences)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _lines(report: Report, chunk: Sequence[Difference]) -> list[ReportLine]:
    records = _records(report.sync, chunk)
    return [_line(report, one, records.get((one.origin.flow, one.origin.key))) for one in chunk]


def _line(report: Report, one: Difference, record_id: int | None) -> ReportLine:
    """``elsewhere`` leaves its key or ID on the line, though the amount is not of this month and currency."""
    source, destination = one.source or one.elsewhere, one.destination or one.elsewhere
    return ReportLine(
        report=report,
        what=one.what,
        month=one.month,
        currency=one.currency,
        source_key=source.origin.key[:80] if source else "",
        destination_id=destination.origin.id[:80] if destination else "",
        title=(one.origin.title or one.origin.key)[:255],
        source_amount=one.source.total if one.source else None,
        destination_amount=one.destination.total if one.destination else None,
        record_id=record_id,
    )


def _records(sync: Sync, chunk: Sequence[Difference]) -> dict[tuple[str, str], int]:
    """(flow, source key) → record. One query per flow."""
    wanted: dict[str, set[str]] = {}
    for one in chunk:
        wanted.setdefault(one.origin.flow, set()).add(one.origin.key)
    found = {}
    for flow in sync.flows.filter(key__in=wanted):
        rows = Record.objects.across_tenants().filter(flow=flow, source_key__in=wanted[flow.key])
        found.update({(flow.key, key): pk for key, pk in rows.values_list("source_key", "pk")})
    return found


# By the clock ---------------------------------------------------------------------------------------------------------


def tick(now: datetime | None = None) -> int:
    """Once a minute: gives up dead reports, queues lost ones again, starts the monthly ones. Returns how many moved."""
    now = now or timezone.now()
    return recover(now) + start_monthly(now)


def recover(now: datetime) -> int:
    silent, lost = (now - timedelta(seconds=settings.LEASE_SECONDS * times) for times in (1, 5))
    running = Report.objects.across_tenants().filter(status=Report.Status.RUNNING)
    dead = list(running.filter(started_at__isnull=False, heartbeat_at__lt=silent).values_list("pk", flat=True))
    failed = _fail(dead, STOPPED) if dead else 0
    again = list(running.filter(started_at=None, heartbeat_at__lt=lost).values_list("pk", flat=True))
    for pk in again:
        with transaction.atomic():
            _running(pk).update(heartbeat_at=now)
            _enqueue(pk)
    return failed + len(again)


def start_monthly(now: datetime) -> int:
    """One report of each sync that runs, in the first nights of each month as its workspace counts them."""
    if now.day > MONTHLY_DAYS:
        return 0
    started = 0
    for sync in _without_monthly(now)[:MONTHLY_AT_ONCE]:
        local = now.astimezone(zone_called(sync.tenant.time_zone))
        if local.day <= MONTHLY_DAYS and local.hour >= MONTHLY_HOUR:
            with suppress(ValidationError):  # a connection broke just now; the next night tries again
                start(sync, actor=SCHEDULE)
                started += 1
    return started


def _without_monthly(now: datetime) -> Any:
    """Syncs on their schedule without a report of these days; one that failed is tried again half a day later."""
    monthly = Report.objects.across_tenants().filter(sync=OuterRef("pk"), requested_by=SCHEDULE)
    done = monthly.filter(created_at__gt=now - timedelta(days=MONTHLY_DAYS + 1)).exclude(status=Report.Status.FAILED)
    broken = Q(source__status=Connection.Status.BROKEN) | Q(destination__status=Connection.Status.BROKEN)
    return (
        Sync.objects.across_tenants()
        .filter(paused=False, rehearsal=False, tenant__closed_at=None)
        .exclude(broken)
        .exclude(Exists(done))
        .exclude(Exists(monthly.filter(created_at__gt=now - TRY_AGAIN)))
        .exclude(Exists(Report.objects.across_tenants().filter(sync=OuterRef("pk"), status=Report.Status.RUNNING)))
        .select_related("tenant", "source", "destination")
        .order_by("pk")
    )
