"""The burst budget of a HubSpot account: three worker processes never exceed it, and use it to the full."""

from __future__ import annotations

import functools
import multiprocessing
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connections as databases

from connections.budget import Budget
from connections.connectors.hubspot import connector
from connections.sandbox import Sandbox
from connections.sandbox.hubspot import limits
from connections.sandbox.oracle_fusion.ids import KINDS
from connections.sandbox.stats import busiest_window
from mlconnector.tenants.models import Tenant
from syncs import services
from syncs.models import Run
from tests.acceptance.pairs import FUSION_HUBSPOT
from tests.acceptance.pairs.base import ACTOR
from tests.acceptance.stage import Stage
from tests.acceptance.workers import Workers, eventually

WORKERS = 3


@pytest.fixture
def three(
    sandbox_of: Callable[..., Sandbox], transactional_db: None, tenant: Tenant, settings: Any
) -> Callable[..., list[Stage]]:
    """Three pods with different invoices, and a sync of each into one HubSpot account by one connection."""

    def build(invoices: int, unit: int, tier: int) -> list[Stage]:
        settings.WRITE_UNIT = unit
        hosts: list[str] = []
        sandboxes = []
        for number in range(WORKERS):
            sandbox = sandbox_of("empty", systems=FUSION_HUBSPOT.systems)
            hosts += settings.ALLOWED_PRIVATE_HOSTS
            ids = sandbox.world.ledger.ids
            ids.number("bulk", 1, 1_000 * number + 1)  # names and e-mail addresses
            for kind in KINDS:
                ids.many(kind, 100_000 * number + 1)
            sandbox.world.fill(customers=5, invoices=invoices, lines=1)
            sandboxes.append(sandbox)
        settings.ALLOWED_PRIVATE_HOSTS = hosts
        shared = sandboxes[0]
        shared.set_switches("hubspot", {"tier": tier})
        destination = FUSION_HUBSPOT.destination.connect(tenant, shared, tier="free")
        FUSION_HUBSPOT.destination.ready(destination)
        return [_stage(sandbox, shared, tenant, destination, str(number)) for number, sandbox in enumerate(sandboxes)]

    return build


def _stage(sandbox: Sandbox, shared: Sandbox, tenant: Tenant, destination: Any, name: str) -> Stage:
    source = FUSION_HUBSPOT.source.connect(tenant, sandbox)
    source.name = name
    source.save()
    FUSION_HUBSPOT.source.ready(source)
    integration = FUSION_HUBSPOT.integration
    sync = services.create_sync(
        tenant, integration=integration, source=source, destination=destination, actor=ACTOR, name=name
    )
    return Stage(shared, tenant, source, destination, sync)


def check(stages: list[Stage], tier: int, window: float, *, used: float) -> None:
    """``used``: the least share of the budget, from the second window on."""
    for stage in stages:
        assert [run.status for run in stage.sync.runs.all()] == [Run.Status.SUCCEEDED], stage.problems()[:3]
    shared = stages[0].sandbox
    calls = [call for call in shared.recorder.calls if call.system == "hubspot"]
    assert [call for call in calls if call.status == 429] == []
    instants = [call.at for call in calls]
    assert busiest_window(instants, window) <= tier
    start, end = min(instants) + window, max(instants)
    assert end - start > 2 * window, "too short to tell"
    share = sum(at >= start for at in instants) / (tier * (end - start) / window)
    print(f"{len(calls)} calls in {end - start + window:.1f} s, {share:.0%} of the budget")
    assert share >= used
    dump = shared.systems["hubspot"].dump()
    assert len(dump["invoices"]) == sum(
        stage.records("invoices").filter(flow__sync=stage.sync).count() for stage in stages
    )
    assert dump["violations"] == dump["orphans"] == []


def _execute(run_id: int) -> None:
    """In a child process that shares nothing but the database."""
    try:
        while services.execute(run_id):
            pass
        databases.close_all()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def test_three_processes_share_the_budget(three: Callable[..., list[Stage]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor's window shortened to two seconds on both sides, so that several pass."""
    tier, window = 40, 2.0
    monkeypatch.setattr(limits, "WINDOW", window)
    monkeypatch.setattr(connector, "Budget", functools.partial(Budget, window=window))
    monkeypatch.setitem(connector.TIERS, "free", tier)
    stages = three(invoices=100, unit=10, tier=tier)
    runs = [services.run_now(stage.sync, actor=ACTOR, enqueue=False) for stage in stages]
    stages[0].sandbox.reset_stats()
    databases.close_all()
    processes = [multiprocessing.get_context("fork").Process(target=_execute, args=(run.pk,)) for run in runs]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * WORKERS
    check(stages, tier, window, used=0.85)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes under /proc")
def test_the_real_window_with_real_workers(three: Callable[..., list[Stage]], tmp_path: Path) -> None:
    tier = 100
    stages = three(invoices=250, unit=10, tier=tier)
    stages[0].sandbox.reset_stats()
    workers = Workers(
        ["qcluster"], tmp_path / "log", QUEUE_WORKERS=WORKERS, WRITE_UNIT=10, Q_CLUSTER_NAME="ml-connector"
    )
    try:
        for stage in stages:
            services.run_now(stage.sync, actor=ACTOR)
        workers.start()
        eventually(lambda: not any(stage.sync.runs.filter(status__in=Run.ACTIVE) for stage in stages), 150, step=0.5)
    finally:
        workers.kill_all()
    check(stages, tier, 10.0, used=0.9)
