"""A tenant with both connections of an integration and the sync between them, in front of the sandbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from connections.models import Connection
from connections.sandbox import Sandbox
from mlconnector.tenants.models import Tenant
from syncs import services
from syncs.models import Record, Run, Sync
from tests.acceptance.pairs.base import ACTOR

if TYPE_CHECKING:
    from tests.acceptance.pairs.base import Pair

SETTLED = (Run.Status.SUCCEEDED, Run.Status.PARTIAL)
STARTED = time.time()


def same_time() -> Callable[[], float]:
    """A clock that stands at the same instant whenever a sandbox starts, so that two have the same dates."""
    begun = time.time()
    return lambda: STARTED + time.time() - begun


@dataclass
class Stage:
    """A sandbox, a tenant with both connections tested and prepared, and the sync between them."""

    sandbox: Sandbox
    tenant: Tenant
    source: Connection
    destination: Connection
    sync: Sync

    @property
    def fusion(self) -> Connection:
        return self.source

    @property
    def hubspot(self) -> Connection:
        return self.destination

    @property
    def salesforce(self) -> Connection:
        return self.destination

    def connection(self, system: str) -> Connection:
        return next(each for each in (self.source, self.destination) if each.connector == system)

    def run(self, **options: Any) -> Run:
        """One run to its end, in this process."""
        run = services.run_now(self.sync, actor=ACTOR, enqueue=False, **options)
        return self.execute(run)

    def execute(self, run: Run) -> Run:
        while services.execute(run.pk):
            pass
        run.refresh_from_db()
        return run

    def settle(self, most: int = 5) -> Run:
        """Runs until a run fails no more, as the schedule would."""
        for _ in range(most):
            run = self.run()
            if run.status in SETTLED:
                return run
        return run

    def finish(self, most: int = 12) -> Run:
        """Runs a minute apart, as the schedule would, until nothing is to be tried again."""
        for _ in range(most):
            ended = self.run()
            again = self.records().exclude(next_attempt_at=None)
            if ended.status in SETTLED and not again.exists():
                return ended
            assert ended.status in (*SETTLED, Run.Status.FAILED), ended.error_text
            again.update(next_attempt_at=timezone.now())
            self.sandbox.clock.advance(60)
        raise AssertionError(f"no end: {ended.status} {ended.error_text} {self.problems()[:3]}")

    def counts(self, run: Run) -> dict[str, dict[str, int]]:
        names = ("read", "created", "updated", "unchanged", "skipped", "waiting", "held", "rejected")
        return {
            flow_run.flow.key: {name: getattr(flow_run, name) for name in names if getattr(flow_run, name)}
            for flow_run in run.flow_runs.select_related("flow").order_by("pk")
        }

    def records(self, flow: str = "", **filters: Any) -> Any:
        found = Record.objects.for_tenant(self.tenant).filter(**filters)
        return found.filter(flow__key=flow) if flow else found

    def problems(self) -> list[tuple[str, str, str, str]]:
        return [
            (record.flow.key, record.title, record.error_code, record.error_text)
            for record in self.records().exclude(status__in=["synced", "skipped"]).select_related("flow")
        ]

    def set_options(self, flow: str, **options: Any) -> None:
        services.set_flow(self.sync.flows.get(key=flow), actor=ACTOR, options=options)


def set_up(
    pair: Pair,
    sandbox: Sandbox,
    tenant: Tenant,
    *,
    source: Mapping[str, str] | None = None,
    destination: Mapping[str, str] | None = None,
    canaries: bool = False,
) -> Stage:
    """What a new tenant does: connect both systems, test, prepare, make the sync.

    ``source`` and ``destination`` are settings of the connections; ``canaries`` are in all of their secrets.
    """
    ours = pair.source.connect(tenant, sandbox, **(source or {}))
    theirs = pair.destination.connect(tenant, sandbox, **(destination or {}))
    for connection, side in ((ours, pair.source), (theirs, pair.destination)) if canaries else ():
        connection.secrets = dict(side.canaries)
        connection.save(update_fields=["secrets"])
    pair.source.ready(ours)
    pair.destination.ready(theirs)
    sync = services.create_sync(tenant, integration=pair.integration, source=ours, destination=theirs, actor=ACTOR)
    # By the clock of the systems, which need not be ours, and whose stamps may be whole seconds.
    sync.created_at = datetime.fromtimestamp(int(sandbox.clock()), UTC)
    sync.save(update_fields=["created_at"])
    stage = Stage(sandbox, tenant, ours, theirs, sync)
    for flow, options in pair.options.items():
        services.set_flow(sync.flows.get(key=flow), actor=ACTOR, enabled=True, options=options)
    sandbox.reset_stats()
    return stage
