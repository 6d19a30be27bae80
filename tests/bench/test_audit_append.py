"""What the trail costs: 10,000 entries in pages of 1,000, beside the driver's own insert of the same rows."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from audit import services, storage
from audit.models import AuditHead
from audit.services import Entry
from mlconnector.tenants.models import Tenant

PAGES, SIZE = 10, 1000
pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]


def entries(page: int) -> list[Entry]:
    return [
        Entry(
            "write",
            "synced",
            sync_id=1,
            run_id=2,
            flow="invoices",
            source_ref=f"30000000{page}{n:04d}",
            source_version="2026-03-04T05:06:07.890+00:00",
            destination_ref=f"hubspot:invoices:5512{page}{n:04d}",
            detail=f'{{"sent":{{"hs_title":"INV-{n}","hs_currency":"USD","fusion_amount":"1200.50","fusion_id":"{n}"}},'
            '"before":{},"after":{"fusion_status":"Complete","fusion_balance_due":"1200.50"}}',
        )
        for n in range(SIZE)
    ]


def measure(work: Callable[[int], object]) -> tuple[float, float]:
    """Microseconds per row: wall, CPU of this process."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    for page in range(PAGES):
        work(page)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall / (PAGES * SIZE) * 1e6, cpu / (PAGES * SIZE) * 1e6


def test_appending_costs_little_beside_the_driver(capsys: pytest.CaptureFixture[str]) -> None:
    tenant, other = Tenant.objects.create(name="Bench"), Tenant.objects.create(name="Bare")
    pages = [entries(page) for page in range(PAGES)]
    at = services.timezone.now()
    previous, rows = "", []
    for page in range(PAGES):
        chained, previous = services._chain(other.pk, page * SIZE, previous, at, pages[page])
        rows.append(chained)
    AuditHead.objects.create(tenant=other)

    def bare(page: int) -> None:
        with transaction.atomic():
            storage.insert(connection, rows[page])

    def append(page: int) -> None:
        with transaction.atomic():
            services.append(tenant.pk, pages[page])

    driver, whole = measure(bare), measure(append)
    start = time.perf_counter()
    assert services.verify(tenant.pk).checked == PAGES * SIZE
    verifying = (time.perf_counter() - start) / (PAGES * SIZE) * 1e6
    with capsys.disabled():
        print(
            f"\n{connection.vendor}: append {whole[0]:.1f} us/row wall, {whole[1]:.1f} us CPU; insert alone "
            f"{driver[0]:.1f} wall, {driver[1]:.1f} CPU; verify {verifying:.1f}"
        )
    assert whole[1] - driver[1] < 15
