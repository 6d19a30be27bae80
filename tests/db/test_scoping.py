"""Querysets of tenants' models refuse to be evaluated before a tenant was named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Count, Prefetch
from django.shortcuts import get_object_or_404

from connections.models import Connection
from mlconnector.tenants.models import Tenant
from mlconnector.tenants.scoping import UnscopedQuery
from syncs.models import Flow, Run, Sync


@pytest.fixture
def sync(tenant: Tenant) -> Sync:
    ends = [Connection.objects.create(tenant=tenant, connector="hubspot", name=name) for name in ("a", "b")]
    sync = Sync.objects.create(tenant=tenant, integration="x", name="Books", source=ends[0], destination=ends[1])
    Flow.objects.bulk_create([Flow(sync=sync, key="customers"), Flow(sync=sync, key="invoices")])
    Run.objects.create(sync=sync, trigger="schedule")
    return sync


UNSCOPED: list[Callable[[], Any]] = [
    lambda: list(Sync.objects.all()),
    lambda: Sync.objects.filter(name="Books").first(),
    lambda: Sync.objects.get(name="Books"),
    lambda: Sync.objects.count(),
    lambda: Sync.objects.exists(),
    lambda: Sync.objects.filter(name="Books").exists(),
    lambda: bool(Sync.objects.all()),
    lambda: len(Sync.objects.all()),
    lambda: Sync.objects.all()[0],
    lambda: list(Sync.objects.values("name")),
    lambda: list(Sync.objects.values_list("name", flat=True)),
    lambda: list(Sync.objects.iterator()),
    lambda: Sync.objects.aiterator(),
    lambda: Sync.objects.in_bulk([1]),
    lambda: Sync.objects.aggregate(n=Count("id")),
    lambda: Sync.objects.update(name="mine"),
    lambda: Sync.objects.all().delete(),
    lambda: Sync.objects.latest("id"),
    lambda: Sync.objects.get_or_create(name="Books"),
    lambda: list(Sync.objects.raw("SELECT * FROM syncs_sync")),
    lambda: Sync.objects.explain(),
    lambda: list(Sync.objects.dates("created_at", "day")),
    lambda: list(Sync.objects.using("default")),
    lambda: Sync.objects.using("default").count(),
    lambda: list(Sync.objects.filter(name="a").union(Sync.objects.filter(name="b"))),
    lambda: get_object_or_404(Sync, name="Books"),
    lambda: list(Flow.objects.filter(sync__name="Books")),
    lambda: list(Flow.objects.select_related("sync").prefetch_related("records")),
]


@pytest.mark.parametrize("evaluate", UNSCOPED)
def test_a_query_without_a_tenant_is_refused(sync: Sync, evaluate: Callable[[], Any]) -> None:
    with pytest.raises(UnscopedQuery, match="for_tenant"):
        evaluate()


def test_a_tenant_sees_its_own_rows_only(sync: Sync, tenant: Tenant, other_tenant: Tenant) -> None:
    assert list(Sync.objects.for_tenant(tenant)) == [sync]
    assert Sync.objects.filter(name="Books").for_tenant(tenant.pk).get() == sync
    assert not Sync.objects.for_tenant(other_tenant).exists()
    assert Flow.objects.for_tenant(tenant).count() == 2
    assert Flow.objects.for_tenant(other_tenant.pk).filter(key="customers").count() == 0
    assert Run.objects.for_tenant(other_tenant).update(status="failed") == 0


def test_related_rows_need_no_tenant(sync: Sync, other_tenant: Tenant) -> None:
    assert sync.flows.count() == 2
    assert sync.flows.filter(key="customers").exists()
    assert list(sync.runs.values_list("trigger", flat=True)) == ["schedule"]
    assert sync.flows.for_tenant(other_tenant).count() == 0
    assert sync.source.source_syncs.get() == sync
    flow = sync.flows.first()
    assert flow is not None
    assert Flow.objects.across_tenants().get(pk=flow.pk).sync == sync


def test_prefetching_from_a_scoped_queryset_works(sync: Sync, tenant: Tenant) -> None:
    inner = Prefetch("flows", Flow.objects.filter(key="customers"), to_attr="customer_flows")
    for found in Sync.objects.for_tenant(tenant).prefetch_related("runs", inner, "source"):
        assert len(found.runs.all()) == 1
        assert len(found.customer_flows) == 1


def test_operators_say_that_they_mean_all(sync: Sync) -> None:
    assert Sync.objects.across_tenants().count() == 1
    assert Sync.objects.filter(name="Books").across_tenants().exists()


def test_rows_save_reload_validate_and_delete_as_ever(sync: Sync) -> None:
    sync.name = "Ledger"
    sync.full_clean(exclude=["integration", "start_date", "next_run_at"])
    sync.save(update_fields=["name"])
    sync.refresh_from_db()
    assert sync.name == "Ledger"
    sync.runs.all().delete()
    sync.delete()


def test_validation_finds_a_doubled_name(sync: Sync, tenant: Tenant) -> None:
    twin = Sync(tenant=tenant, integration="x", name="Books", source=sync.source, destination=sync.destination)
    with pytest.raises(Exception, match=r"already exists|violated"):
        twin.validate_constraints()


def test_nothing_is_always_allowed(db: None) -> None:
    assert list(Sync.objects.none()) == []
