"""What the dashboard says of a sync over the days: what moved, how current it is, what calls are left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.models import Connection
from syncs.models import Flow, Run, Sync
from syncs.pulse import DAYS, HEIGHT, Pulse, allowance, pulses
from tests import factories

SignIn = Callable[[Any], Client]
TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.fixture
def sync(tenant: Any) -> Sync:
    return factories.sync(tenant)


def taken(tenant: Any, sync: Sync) -> Pulse:
    sync.refresh_from_db()
    return pulses(tenant, [sync])[sync.pk]


def moved(sync: Sync, at: datetime, **counts: int) -> None:
    run = factories.run(sync)
    Run.objects.for_tenant(sync.tenant_id).filter(pk=run.pk).update(created_at=at)
    factories.flow_run(run, "invoices", **counts)


def read_up_to(sync: Sync, **marks: datetime) -> None:
    streams = {"customers": "customers", "invoices": "invoices", "payments": "receipts"}
    for key, at in marks.items():
        checkpoint = {streams[key]: {"high": at.isoformat(), "current": at.isoformat()}}
        Flow.objects.for_tenant(sync.tenant_id).filter(sync=sync, key=key).update(checkpoint=checkpoint)


def test_a_day_is_that_of_the_workspace(tenant: Any, sync: Sync) -> None:
    tenant.time_zone = "Asia/Tokyo"
    tenant.save()
    today = timezone.now().astimezone(TOKYO).replace(hour=0, minute=30, second=0)
    moved(sync, today - timedelta(days=20), created=500)
    moved(sync, today - timedelta(days=2), created=30, updated=10, unchanged=99)
    moved(sync, today - timedelta(hours=1), created=7)
    moved(sync, today, created=1)
    bars = taken(tenant, sync).chart.bars
    assert len(bars) == DAYS
    assert [bar.moved for bar in bars[-3:]] == [40, 7, 1]
    assert sum(bar.moved for bar in bars) == 48
    assert (bars[-3].height, bars[-1].height, bars[0].height) == (HEIGHT, 2, 0)
    assert "48 in all" in taken(tenant, sync).chart.said


def test_nothing_moved_is_said(tenant: Any, sync: Sync) -> None:
    assert taken(tenant, sync).chart.said == "Nothing moved in the last 14 days."


def test_a_sync_is_as_current_as_the_flow_that_lags_most(tenant: Any, sync: Sync) -> None:
    now = timezone.now()
    read_up_to(sync, customers=now - timedelta(minutes=2), invoices=now - timedelta(minutes=5))
    assert taken(tenant, sync).current_to is None  # payments were never read to the end
    read_up_to(sync, payments=now - timedelta(hours=3))
    pulse = taken(tenant, sync)
    assert pulse.current_to == now - timedelta(hours=3)
    assert pulse.late
    Flow.objects.for_tenant(tenant).filter(sync=sync, key="payments").update(enabled=False)
    pulse = taken(tenant, sync)
    assert pulse.current_to == now - timedelta(minutes=5)
    assert not pulse.late


def test_the_dashboard_says_what_ends_soon_and_what_is_behind(
    tenant: Any, sync: Sync, signed_in: SignIn, viewer: Any
) -> None:
    client, now = signed_in(viewer), timezone.now()
    text = client.get(reverse("home")).content.decode()
    assert "Nothing needs you" in text
    assert "First run to come" in text
    factories.run(sync)
    soon = now.date() + timedelta(days=9)
    Connection.objects.for_tenant(tenant).filter(pk=sync.source_id).update(credentials_expire_on=soon)
    read_up_to(sync, customers=now - timedelta(hours=3), invoices=now, payments=now)
    text = client.get(reverse("home")).content.decode()
    for words in (f"its credentials end on {soon.day} {soon:%B}", "nothing was read for 3 h 0 min", "Late"):
        assert words in text


def test_a_paused_sync_is_not_late(tenant: Any, sync: Sync) -> None:
    long_ago = timezone.now() - timedelta(days=3)
    read_up_to(sync, customers=long_ago, invoices=long_ago, payments=long_ago)
    Sync.objects.for_tenant(tenant).filter(pk=sync.pk).update(paused=True)
    assert not taken(tenant, sync).late


def test_calls_left_are_shown_where_the_system_tells(tenant: Any, sync: Sync, signed_in: SignIn, viewer: Any) -> None:
    assert allowance(sync.source) is None
    said = {"allowance": {"left": 4120, "limit": 100_000, "period": "day", "at": timezone.now().isoformat()}}
    Connection.objects.for_tenant(tenant).filter(pk=sync.destination_id).update(capabilities=said)
    (found,) = taken(tenant, Sync.objects.for_tenant(tenant).get(pk=sync.pk)).allowances
    assert (found.left, found.limit, found.short) == (4120, 100_000, True)
    text = signed_in(viewer).get(reverse("home")).content.decode()
    for words in ("4,120 of 100,000", "Few left", 'role="img" aria-label="Nothing moved in the last 14 days."'):
        assert words in text
