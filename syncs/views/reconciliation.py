"""Do both sides agree? Month by month, the records behind each difference, and downloads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse

from mlconnector.pages import TenantRequest, act, number
from mlconnector.spreadsheet import csv_download
from mlconnector.tenants.middleware import needs
from mlconnector.tenants.permissions import Action
from syncs import selectors
from syncs.models import Report, ReportLine
from syncs.money import tidy
from syncs.reporting import reports, words
from syncs.reporting import selectors as found
from syncs.reporting.reconciliation import Comparison
from syncs.views.found import sync_named

FIGURES = ("what", "month", "currency", "source count", "source total", "destination count", "destination total",
           "difference in count", "difference in total")  # fmt: skip
LINES = ("what", "month", "currency", "record", "source ID", "destination ID", "source amount", "destination amount",
         "difference", "state", "reason")  # fmt: skip


@needs(Action.VIEW)
def index(request: TenantRequest) -> HttpResponse:
    """The newest of each sync; with a single sync, that one at once."""
    syncs = list(selectors.syncs_of(request.tenant))
    newest = [(sync, found.newest_of(sync)) for sync in syncs]
    if len(newest) == 1 and newest[0][1] is not None:
        return _report(request, found.report_of(request.tenant, newest[0][1].pk))
    return render(request, "syncs/reconciliation.html", {"newest": newest})


@needs(Action.RUN)
def start(request: TenantRequest, sync_id: int) -> HttpResponse:
    sync = sync_named(request, sync_id)
    return act(
        request,
        lambda: reports.start(sync, actor=request.actor),
        back=reverse("syncs:reconciliation"),
        done=lambda report: (
            "Both systems are being read. It may take a while with many records; this page follows it.",
            reverse("syncs:report", args=[report.pk]),
        ),
    )


@needs(Action.VIEW)
def report(request: TenantRequest, report_id: int) -> HttpResponse:
    """Asked by htmx every few seconds while it is being made, it answers with the live part alone."""
    return _report(request, report_named(request, report_id))


def report_named(request: TenantRequest, pk: int) -> Report:
    try:
        return found.report_of(request.tenant, pk)
    except Report.DoesNotExist:
        raise Http404 from None


def _report(request: TenantRequest, report: Report) -> HttpResponse:
    context = _context(report)
    if report.status == Report.Status.READY:
        overall = words.ordered(found.overall(report))
        context |= {
            "overall": overall,
            "kinds": [what for what in dict.fromkeys(row.what for row in overall) if what not in words.SUMS],
            "sentence": words.sentence("All months", overall, found.groups(report), context["there"]),
            "months": found.months(report),
            "left_out": _left_out(report, None),
        }
    context["earlier"] = found.earlier(report)
    return render(request, "syncs/report_live.html" if request.htmx else "syncs/report.html", context)


def _context(report: Report) -> dict[str, Any]:
    here, there = found.sides(report)
    return {"report": report, "sync": report.sync, "here": here, "there": there}


def _left_out(report: Report, month: str | None) -> list[tuple[int, str, str]]:
    return [
        (row["count"], words.one_or_many(row["what"], row["count"]), words.rule(row["rule"]))
        for row in found.left_out(report, month)
    ]


@needs(Action.VIEW)
def month(request: TenantRequest, report_id: int, month: str) -> HttpResponse:
    """The month-end view of one period."""
    report = report_named(request, report_id)
    key = "" if month == found.UNDATED else month
    shown = found.month_of_report(report, key)
    if not shown.rows:
        raise Http404
    rows, context = words.ordered(shown.rows), _context(report)
    kinds = list(dict.fromkeys(row.what for row in rows))
    what = request.GET.get("what", "")
    what = what if what in kinds else ""
    page = found.line_page(report, key, what, after=number(request.GET.get("after")))
    context |= {
        "month": shown,
        "rows": rows,
        "kinds": kinds,
        "what": what,
        "sentence": words.sentence(shown.title, rows, found.groups(report, key), context["there"]),
        "left_out": _left_out(report, key),
        "lines": [_shown(line, report, context) for line in page.lines],
        "after": page.after,
    }
    return render(request, "syncs/report_month.html", context)


def _shown(line: ReportLine, report: Report, context: dict[str, Any]) -> dict[str, Any]:
    return {
        "line": line,
        "state": words.state(line, context["here"], context["there"]),
        "reason": words.reason(line, report),
    }


@needs(Action.VIEW)
def export(request: TenantRequest, report_id: int) -> StreamingHttpResponse:
    """``rows=lines`` for the records behind the differences, else the figures; ``month`` for one month alone."""
    report = report_named(request, report_id)
    given = request.GET.get("month")
    key = "" if given == found.UNDATED else given
    if key is not None and key not in {row.month for row in found.comparisons(report)}:
        raise Http404
    lines = request.GET.get("rows") == "lines"
    rows = _line_rows(report, key) if lines else _figure_rows(report, key)
    name = f"reconciliation-{report.created_at:%Y-%m-%d}{f'-{given}' if key is not None else ''}"
    return csv_download(rows, f"{name}-differences" if lines else name)


def _figure_rows(report: Report, month: str | None) -> Iterator[tuple[Any, ...]]:
    yield FIGURES
    rows = [row for row in found.comparisons(report) if month is None or row.month == month]
    for row in sorted(words.ordered(rows), key=lambda row: row.month):
        yield _figure_row(row)


def _figure_row(row: Comparison) -> tuple[Any, ...]:
    return (
        row.what,
        row.month,
        row.currency,
        row.source_count,
        tidy(row.source_total, row.currency),
        row.destination_count,
        tidy(row.destination_total, row.currency),
        row.count_difference,
        tidy(row.total_difference, row.currency),
    )


def _line_rows(report: Report, month: str | None) -> Iterator[tuple[Any, ...]]:
    yield LINES
    here, there = found.sides(report)
    for line in found.all_lines(report, month):
        yield (
            line.what,
            line.month,
            line.currency,
            line.title,
            line.source_key,
            line.destination_id,
            *(
                None if amount is None else tidy(amount, line.currency)
                for amount in (line.source_amount, line.destination_amount, line.difference)
            ),
            words.state(line, here, there),
            words.reason(line, report),
        )
