from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from audit import services, triggers
from mlconnector.tenants.models import Tenant


class Command(BaseCommand):
    help = "Walks each tenant's chain of audit entries and exits non-zero if one was changed, removed or slipped in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", type=int, help="Only this tenant's number.")
        parser.add_argument("--anchor", help="SEQUENCE:HASH noted earlier; needs --tenant.")

    def handle(self, *args: Any, tenant: int | None, anchor: str | None, **options: Any) -> None:
        if anchor and tenant is None:
            raise CommandError("--anchor belongs to one tenant: add --tenant.")
        noted = _parse(anchor) if anchor else None
        tenants = Tenant.objects.order_by("id") if tenant is None else Tenant.objects.filter(pk=tenant)
        if tenant is not None and not tenants:
            raise CommandError(f"There is no tenant {tenant}.")
        broken = 0
        for row in tenants:
            result = services.verify(row.pk, anchor=noted)
            broken += not result.ok
            style = self.style.SUCCESS if result.ok else self.style.ERROR
            self.stdout.write(style(f"{row.pk} {row.name}: {result.text}"))
            if result.ok and result.checked:
                self.stdout.write(f"  anchor to note elsewhere: {result.checked}:{result.head}")
        if not triggers.installed(connection):
            raise CommandError("The triggers that keep the trail append-only are missing.")
        if broken:
            raise CommandError(f"{broken} of {len(tenants)} chains broken.")


def _parse(anchor: str) -> tuple[int, str]:
    sequence, _, noted = anchor.partition(":")
    if not sequence.isdigit() or len(noted) != 64:
        raise CommandError("--anchor looks like 1200:9f86d0... (a number, a colon, 64 hexadecimal digits).")
    return int(sequence), noted
