"""Server time of every page of a tenant with a million entries in its trail and 200,000 records, on PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from audit.selectors import PATIENCE_SECONDS
from syncs.models import Record
from tests import factories
from tests.bench.crowd import RECORDS, crowd
from tests.db.test_pages_permissions import ADDRESSES, SignIn, url, world

__all__ = ["world"]

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]
TIMES = 5
MOST = 100.0
"""Milliseconds."""
QUESTIONS = {
    "syncs:records": ("q=INV-150000", "q=INV-15", "q=nothing+like+it", "status=rejected", "cause=total_differs"),
    "syncs:attention": ("mine=yes",),
    "audit:trail": (
        "text=400150000",
        "text=total_differs",
        "text=nothing+like+it",
        "text=owner@meridian.example",
        "since=2026-02-01&until=2026-02-03",
        "outcome=created",
        "action=decide",
        "actor=worker",
        "before=400000",
    ),
}
"""What is asked of lists besides their first page."""
LISTS = ("/", *(f"/api/v1/{name}/" for name in ("connections", "syncs", "runs", "records", "reconciliations", "audit")))
OPERATORS = tuple(f"/admin/{name}/" for name in ("syncs/sync", "syncs/record", "syncs/run", "audit/auditentry"))
PATIENT = {"audit:trail text=nothing+like+it": PATIENCE_SECONDS * 1000}
"""A search through the whole trail gives up after so long, and says how far it came."""


def pages(world: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((address, address) for address in LISTS)
    for name, names in ADDRESSES:
        address = url(name, names, world)
        yield name, address
        for question in QUESTIONS.get(name, ()):
            yield f"{name} {question}", f"{address}?{question}"


@dataclass
class Cost:
    """Of one answer: its status; milliseconds until it is there (where it is streamed, until its first part is), of
    processor, and in the database; questions to the database."""

    status: int
    took: float
    worked: float
    asked: float
    questions: int


def ask(client: Client, address: str) -> Cost:
    spent: list[float] = []

    def timed(execute: Any, *arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            spent.append(time.perf_counter() - began)

    began, worked = time.perf_counter(), time.process_time()
    with connection.execute_wrapper(timed):
        answer = client.get(address)
        if answer.streaming:
            next(iter(answer.streaming_content))
    took, worked = time.perf_counter() - began, time.process_time() - worked
    answer.close()
    return Cost(answer.status_code, took * 1000, worked * 1000, sum(spent) * 1000, len(spent))


def median(costs: list[Cost]) -> Cost:
    return sorted(costs, key=lambda cost: cost.took)[len(costs) // 2]


def test_no_page_takes_long(
    world: dict[str, Any],
    tenant: Any,
    owner: Any,
    operator: Any,
    signed_in: SignIn,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert connection.vendor == "postgresql", "give TEST_DATABASE_URL"
    first = Record.objects.for_tenant(tenant).get(pk=world["record_id"]).flow.sync
    second = factories.sync(tenant, name="Subsidiary to HubSpot")
    crowd(tenant, [first, second], preview_id=world["preview_id"], report_id=world["report_id"])
    assert Record.objects.for_tenant(tenant).count() > RECORDS
    owners, operators = signed_in(owner), signed_in(operator)
    asked = [(owners, *page) for page in pages(world)] + [(operators, address, address) for address in OPERATORS]
    found = {}
    for client, name, address in asked:
        if ask(client, address).status == 200:
            found[name] = median([ask(client, address) for _ in range(TIMES)])
    with capsys.disabled():
        print(f"\n{len(found)} pages, milliseconds on the server, median of {TIMES}")
        print("   whole  processor  database  questions")
        for name, cost in sorted(found.items(), key=lambda one: -one[1].took):
            print(f"{cost.took:8.1f} {cost.worked:10.1f} {cost.asked:9.1f} {cost.questions:10}  {name}")
    slow = [name for name, cost in found.items() if cost.took > MOST + PATIENT.get(name, 0)]
    assert slow == []
    assert len(found) > 40
