"""Workers are killed at random moments: the systems, the records and the trail are afterwards as if nothing had been.

``KILL_SEEDS=50`` tries that many seeds for each integration instead of two.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from connections.sandbox import Sandbox
from mlconnector.models import Heartbeat
from mlconnector.tenants.models import Tenant
from syncs import dispatch, services
from syncs.models import Run
from tests.acceptance.pairs import PAIRS
from tests.acceptance.pairs.base import ACTOR, Pair, State, Step
from tests.acceptance.stage import SETTLED, Stage, same_time, set_up
from tests.acceptance.undisturbed import assert_sound, differences, state
from tests.acceptance.workers import Trap, Workers, waiting

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes under /proc")

SEEDS = range(int(os.environ.get("KILL_SEEDS", "2")))
COMMANDS = (["run_queue", "ml-connector"], ["qcluster"], ["run_queue", "ml-connector"], ["worker"])
LEASE = 1
UNIT = 4
STUCK = 4.0
"""Seconds without a request after which workers are started anew; longer each time that it did not help."""
PATIENCE = 180.0
_undisturbed: dict[tuple[str, bool], State] = {}

Build = Callable[..., Stage]


@pytest.fixture
def build(pair: Pair, sandbox_of: Callable[..., Sandbox], transactional_db: None, settings: Any) -> Build:
    settings.LEASE_SECONDS, settings.WRITE_UNIT = LEASE, UNIT

    def build(tenant: Tenant, *, harder: bool = False) -> Stage:
        sandbox = sandbox_of("small", clock=same_time(), systems=pair.systems)
        for system, switches in pair.harder.items() if harder else ():
            sandbox.set_switches(system, dict(switches))
        stage = set_up(pair, sandbox, tenant, source=pair.source.narrow)
        for step in pair.opening:
            step(sandbox)
        return stage

    return build


@pytest.fixture
def undisturbed(pair: Pair, build: Build, other_tenant: Tenant) -> Callable[[bool], State]:
    """The state after a run, the events and another run, with nothing killed; computed once."""

    def compute(eventful: bool) -> State:
        known = _undisturbed.get((pair.integration, eventful))
        if known is None:
            stage = build(other_tenant)
            assert stage.run().status == Run.Status.SUCCEEDED
            for step in pair.busy if eventful else ():
                step(stage.sandbox)
            assert stage.run().status == Run.Status.SUCCEEDED
            assert_sound(stage)
            known = _undisturbed[pair.integration, eventful] = state(stage, trace=eventful)
        return known

    return compute


@pytest.fixture
def workers_of(tmp_path: Path) -> Iterator[Callable[[list[str]], Workers]]:
    started: list[Workers] = []

    def make(arguments: list[str]) -> Workers:
        workers = Workers(
            arguments,
            tmp_path / "workers.log",
            LEASE_SECONDS=LEASE,
            WRITE_UNIT=UNIT,
            Q_CLUSTER_NAME="ml-connector",
        )
        started.append(workers)
        return workers

    yield make
    for workers in started:
        workers.kill_all()


class Killer:
    """Drives one sync to its end with workers that are killed on the way."""

    def __init__(self, stage: Stage, workers: Workers, rng: random.Random, events: list[Step]) -> None:
        self.stage, self.workers, self.rng, self.events = stage, workers, rng, events
        self.trap = Trap(stage.sandbox)
        self.kills: list[str] = []
        self._moved = (0, time.monotonic())
        self._stuck = STUCK
        self._next_tick = 0.0

    def work(self, kills: int) -> None:
        self.request_run()
        self.workers.start()
        for _ in range(kills):
            self._kill_once()
            if self.events and self.rng.random() < 0.7:
                self._next_event()
        self.finish()

    def finish(self) -> None:
        """Until everything happened and nothing is to be tried again."""
        while True:
            for _ in waiting(PATIENCE):
                if not self.active():
                    break
                self._look_after()
            assert not self.active(), f"the run does not end; killed: {self.kills}"
            again = self.stage.records().exclude(next_attempt_at=None)
            if not self.events and not again.exists():
                return
            again.update(next_attempt_at=timezone.now())
            while self.events:
                self._next_event()
            self.request_run()

    def request_run(self) -> None:
        services.run_now(self.stage.sync, actor=ACTOR)

    def active(self) -> bool:
        return bool(self.stage.sync.runs.filter(status__in=Run.ACTIVE).exists())

    def _next_event(self) -> None:
        self.events.pop(0)(self.stage.sandbox)

    def _kill_once(self) -> None:
        """At a random request: with its answer withheld, or a little later, while what it brought is being stored."""
        withheld = self.rng.random() < 0.5
        delay = 0.0 if withheld else self.rng.random() * 0.05
        sprung, killed = threading.Event(), threading.Event()

        def spring() -> None:
            sprung.set()
            if withheld:
                killed.wait(5)

        self.trap.set(self.rng.randint(1, 45), spring)
        for _ in waiting(PATIENCE, 0.002):
            if sprung.is_set():
                break
            if not self.active():
                self.request_run()
            self._look_after()
        time.sleep(delay)
        self._kill_some()
        self.trap.unset()
        killed.set()

    def _kill_some(self) -> None:
        target = self.rng.choice(("busy", "busy", "any", "all"))
        pids = self.workers.pids()
        if target == "busy":
            busy = set(Heartbeat.objects.filter(busy=True).values_list("pid", flat=True))
            pids = [pid for pid in pids if pid in busy]
        elif target == "any" and pids:
            pids = [self.rng.choice(pids)]
        self.workers.kill(pids)
        self.kills.append(f"{target} after {self.trap.seen} requests")

    def _look_after(self) -> None:
        """What the clock and the operating system's own watch over services do."""
        now = time.monotonic()
        if now < self._next_tick:
            return
        self._next_tick = now + 0.2
        dispatch.tick()
        if self.trap.seen != self._moved[0]:
            self._moved, self._stuck = (self.trap.seen, now), STUCK
        stuck = now - self._moved[1] > self._stuck + 4 * (self.workers.arguments[0] == "worker")
        if not self.workers.alive or stuck:
            self.workers.start()
            self._moved, self._stuck = (self.trap.seen, now), 2 * self._stuck


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_at_random_moments_the_end_is_the_same(
    seed: int,
    pair: Pair,
    build: Build,
    undisturbed: Callable[[bool], State],
    workers_of: Callable[[list[str]], Workers],
    tenant: Tenant,
) -> None:
    """Every other seed with events in between; every fourth in an account that makes it harder."""
    rng = random.Random(seed)
    eventful = seed % 2 == 1
    expected = undisturbed(eventful)
    stage = build(tenant, harder=seed % 4 == 0)
    workers = workers_of(COMMANDS[(seed + 2 * PAIRS.index(pair)) % len(COMMANDS)])
    killer = Killer(stage, workers, rng, list(pair.busy) if eventful else [])
    # A whole worker is three processes to be started anew each time.
    killer.work(kills=2 if workers.arguments == ["worker"] else rng.randint(2, 5))
    workers.kill_all()
    print(seed, workers.arguments, killer.kills, f"{workers.starts} starts")

    parted = differences(expected, state(stage, trace=eventful))
    assert parted == [], "\n".join([*killer.kills, *parted])
    assert_sound(stage)
    stage.sandbox.reset_stats()
    again = stage.run()
    assert again.status == Run.Status.SUCCEEDED
    assert sum(system["writes"] for system in stage.sandbox.stats()["systems"].values()) == 0
    # Where orders have no key of ours, one that may have arrived is looked for later, and its run is partial.
    expected_of_runs = SETTLED if pair.waits else [Run.Status.SUCCEEDED]
    assert stage.sync.runs.exclude(status__in=expected_of_runs).count() == 0, "a killed run counts as any other"
