"""``manage.py reconcile SYNC``: both sides' counts and sums per currency; exit code 1 on a difference."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from syncs.management.commands.run_sync import find_sync
from syncs.money import tidy
from syncs.reporting.reconciliation import reconcile, unsettled


class Command(BaseCommand):
    help = "Compares both systems of a sync; ends with an error if they differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sync", help="the sync's number or name")

    def handle(self, *args: Any, **options: Any) -> None:
        sync = find_sync(options["sync"])
        result = reconcile(sync)
        self.stdout.write(f"{'':<14}{'':<5}{'source':>9}{'sum':>20}{'destination':>13}{'sum':>20}")
        for row in result.comparisons:
            mark = "" if row.equal else "  differs"
            self.stdout.write(
                f"{row.what:<14}{row.currency:<5}{row.source_count:>9}{_shown(row.source_total, row.currency):>20}"
                f"{row.destination_count:>13}{_shown(row.destination_total, row.currency):>20}{mark}"
            )
        left_out: Counter[tuple[str, str]] = Counter()
        for one in result.left_out:
            left_out[one.what, one.rule] += one.count
        for (what, rule), count in left_out.items():
            self.stdout.write(f"Left out on purpose: {count} {what} ({rule}).")
        for group in unsettled(sync):
            total = "" if group.total is None else f", {_shown(group.total, group.currency)} {group.currency}".rstrip()
            self.stdout.write(f"Not delivered: {group.count} {group.flow} {group.status}, {group.cause}{total}.")
        if not result.equal:
            raise CommandError("The two sides differ. Look at the records that need attention, then reconcile again.")
        self.stdout.write("Both sides agree.")


def _shown(amount: Decimal, currency: str) -> str:
    return f"{tidy(amount, currency):,f}"
