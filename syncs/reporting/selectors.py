"""Reading reconciliations for pages and downloads: figures by month, what differs by keyset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Sum, Value, When

from mlconnector.tenants.models import Tenant
from syncs import catalogue
from syncs.models import Report, ReportLine, Sync
from syncs.reporting.reconciliation import Comparison, summed
from syncs.selectors import direction

PER_PAGE = 50
PAGE_OF_DOWNLOAD = 1000
EARLIER_SHOWN = 24
UNDATED = "undated"
MISSING, EXTRA, DIFFERS = "missing", "extra", "differs"


@dataclass(slots=True)
class Month:
    """``key`` is like 2026-11, empty for records without a date."""

    key: str
    rows: list[Comparison] = field(default_factory=list)
    differences: int = 0

    @property
    def slug(self) -> str:
        return self.key or UNDATED

    @property
    def title(self) -> str:
        return month_title(self.key)

    @property
    def differing(self) -> list[Comparison]:
        return [row for row in self.rows if not row.equal]

    def counted(self, what: str) -> list[Comparison]:
        return [row for row in self.rows if row.what == what]


@dataclass(slots=True)
class Group:
    """Differing records of one kind and currency that share side, status and cause."""

    what: str
    currency: str
    side: str
    status: str
    code: str
    aside: bool
    number: int
    source_total: Decimal
    destination_total: Decimal


@dataclass(slots=True)
class LinePage:
    lines: list[ReportLine]
    after: int | None


def month_title(key: str) -> str:
    return f"{date.fromisoformat(f'{key}-01'):%B %Y}" if key else "Without a date"


def reports_of(tenant: Tenant) -> QuerySet[Report]:
    """Newest first, without their figures."""
    return Report.objects.for_tenant(tenant).filter(sync__rehearsal=False).defer("figures").order_by("-pk")


def report_of(tenant: Tenant, pk: int) -> Report:
    """Raises ``Report.DoesNotExist`` for another tenant's."""
    hidden = [f"sync__{side}__{name}" for side in ("source", "destination") for name in ("secrets", "token")]
    found = Report.objects.for_tenant(tenant).filter(sync__rehearsal=False)
    return found.select_related("sync__source", "sync__destination").defer(*hidden).get(pk=pk)


def sides(report: Report) -> tuple[str, str]:
    """What source and destination are called."""
    return direction(catalogue.get(report.sync.integration))


def newest_of(sync: Sync) -> Any:
    """The newest report of a sync, or None; ``differs`` on it tells whether it has lines."""
    lines = ReportLine.objects.across_tenants().filter(report=OuterRef("pk"))
    return sync.reports.annotate(differs=Exists(lines)).order_by("-pk").defer("figures").first()


def earlier(report: Report) -> list[Report]:
    others = report.sync.reports.exclude(pk=report.pk).defer("figures").order_by("-pk")
    return list(others[:EARLIER_SHOWN])


def comparisons(report: Report) -> list[Comparison]:
    return [
        Comparison(
            row["what"],
            row["month"],
            row["currency"],
            row["source_count"],
            Decimal(row["source_total"]),
            row["destination_count"],
            Decimal(row["destination_total"]),
        )
        for row in report.figures.get("rows", [])
    ]


def months(report: Report) -> list[Month]:
    """Newest first, what has no date at the end."""
    found: dict[str, Month] = {}
    for row in comparisons(report):
        found.setdefault(row.month, Month(row.month)).rows.append(row)
    numbers = report.lines.order_by().values_list("month").annotate(number=Count("pk"))
    for month, number in numbers:
        found.setdefault(month, Month(month)).differences = number
    return sorted(found.values(), key=lambda one: one.key, reverse=True)


def month_of_report(report: Report, key: str) -> Month:
    month = Month(key, [row for row in comparisons(report) if row.month == key])
    month.differences = lines(report, key).count()
    return month


def overall(report: Report) -> list[Comparison]:
    return summed(comparisons(report))


def left_out(report: Report, month: str | None = None) -> list[dict[str, Any]]:
    """``what``, ``rule`` and ``count``, summed over the months where none is given."""
    found: dict[tuple[str, str], int] = {}
    for row in report.figures.get("left_out", []):
        if month is None or row["month"] == month:
            place = row["what"], row["rule"]
            found[place] = found.get(place, 0) + row["count"]
    return [{"what": what, "rule": rule, "count": count} for (what, rule), count in sorted(found.items())]


def lines(report: Report, month: str | None = None, what: str = "") -> QuerySet[ReportLine]:
    """Named by what there is, since the index of lines starts with it."""
    kinds = [what] if what else sorted({row["what"] for row in report.figures.get("rows", [])})
    found = report.lines.filter(what__in=kinds)
    return found if month is None else found.filter(month=month)


def line_page(
    report: Report, month: str, what: str = "", *, after: int | None = None, size: int = PER_PAGE
) -> LinePage:
    rows = list(_after(lines(report, month, what), after)[: size + 1])
    return LinePage(rows[:size], rows[size - 1].pk if len(rows) > size else None)


def all_lines(report: Report, month: str | None = None) -> Iterator[ReportLine]:
    after: int | None = None
    while page := list(_after(lines(report, month), after)[:PAGE_OF_DOWNLOAD]):
        yield from page
        after = page[-1].pk


def _after(found: QuerySet[ReportLine], after: int | None) -> QuerySet[ReportLine]:
    if after is not None:
        found = found.filter(pk__gt=after)
    return found.select_related("record__flow").defer("record__payload").order_by("pk")


def groups(report: Report, month: str | None = None) -> list[Group]:
    """What the differences are made of, the largest first; one query."""
    rows = (
        lines(report, month)
        .annotate(
            side=Case(
                When(destination_amount=None, then=Value(MISSING)),
                When(source_amount=None, then=Value(EXTRA)),
                default=Value(DIFFERS),
            ),
            aside=Case(When(Q(record__set_aside__isnull=False), then=Value(True)), default=Value(False)),
        )
        .values("what", "currency", "side", "record__status", "record__error_code", "aside")
        .annotate(number=Count("pk"), ours=Sum("source_amount"), theirs=Sum("destination_amount"))
        .order_by("-number", "what", "currency")
    )
    return [
        Group(
            row["what"],
            row["currency"],
            row["side"],
            row["record__status"] or "",
            row["record__error_code"] or "",
            row["aside"],
            row["number"],
            row["ours"] or Decimal(0),
            row["theirs"] or Decimal(0),
        )
        for row in rows
    ]
