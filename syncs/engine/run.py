"""Executes a run: its flows in order, then whatever became due on the way, then the verdict."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from connections import services as connections
from connections.errors import ConfigError, ConnectorError, StreamRefused, TransientError, blame
from connections.models import Connection
from syncs import catalogue
from syncs.engine.effects import Effects
from syncs.engine.execution import FlowExecution, OutOfTime, Side, Sides
from syncs.engine.flow import UNSETTLED
from syncs.engine.lease import Cancelled, Lease, LeaseLost
from syncs.models import Flow, FlowRun, Record, Run

log = structlog.get_logger(__name__)
ROUNDS = 4
SWEEP_EVERY = timedelta(hours=24)

Progress = Callable[[FlowExecution], None]


class RunExecution:
    """One slice of one run. ``again`` is True afterwards if the run needs another slice."""

    def __init__(self, run: Run, lease: Lease, effects: Effects, progress: Progress | None = None) -> None:
        self.run, self.lease, self.effects = run, lease, effects
        self.sync = run.sync
        self.integration = catalogue.get(self.sync.integration)
        self.progress = progress or (lambda _: None)
        self.again = False
        self._ends: float = time.monotonic() + settings.SLICE_SECONDS

    def execute(self) -> None:
        try:
            self._flows()
        except LeaseLost:
            log.info("lease lost", run=self.run.pk)
        except OutOfTime:
            self.again = True
            self.lease.release()
        except Cancelled:
            self._end(Run.Status.CANCELLED, text="Stopped by a person. The next run goes on from here.")
        except ConnectorError as error:
            self._stopped_by(error)
        except Exception:
            log.exception("run failed", run=self.run.pk)
            self._end(
                Run.Status.FAILED,
                code="unexpected",
                text="An unexpected error stopped this run. Nothing is lost: the next run goes on from here. "
                "Our operators have been told.",
            )

    def _flows(self) -> None:
        self.effects.begin(self._is_over)
        sides = self._sides()
        flows = {flow.key: flow for flow in self.sync.flows.all()}
        flow_ids = {key: flow.pk for key, flow in flows.items()}
        executions = [
            self._execution(flows[definition.key], definition, flow_ids, sides)
            for definition in self.integration.flows
            if definition.key in flows and flows[definition.key].enabled
        ]
        if not self.run.only_due:
            for execution in executions:
                self._scan(execution)
        self._rounds(executions)
        self._conclude()

    def _sides(self) -> Sides:
        return Sides(self._side(self.sync.source), self._side(self.sync.destination))

    def _side(self, connection: Connection) -> Side:
        access = connections.access_for(connection, tick=self.lease.beat)
        with blame(connection.pk):
            client = self.effects.client(connection, access)
        return Side(connection.pk, client, dict(connection.capabilities))

    def _execution(self, flow: Flow, definition: Any, flow_ids: dict[str, int], sides: Sides) -> FlowExecution:
        flow_run, _ = FlowRun.objects.across_tenants().get_or_create(
            run=self.run, flow=flow, defaults={"checkpoint_from": flow.checkpoint}
        )
        start = self.run.backfill_from
        return FlowExecution(
            flow=flow,
            definition=definition,
            flow_run=flow_run,
            flow_ids=flow_ids,
            tell=self.effects.tell,
            sides=sides,
            lease=self.lease,
            backfill_from=datetime(start.year, start.month, start.day, tzinfo=UTC) if start else None,
            deadline=self._is_over,
            progress=self.progress,
        )

    def _is_over(self) -> bool:
        return time.monotonic() > self._ends

    def _scan(self, execution: FlowExecution) -> None:
        key = execution.flow.key
        if key in self.run.progress.get("scanned", []):
            return
        self.run.progress.setdefault("began", {}).setdefault(key, timezone.now().isoformat())
        self._save_progress()
        try:
            with blame(execution.sides.source.connection_id):
                execution.scan()
            if execution.unwatched is not None:
                self._note_refused(key, execution.unwatched, "unwatched")
            self._sweep(execution.flow)
            if execution.definition.matches:
                self._process_due(execution)
        except StreamRefused as refused:
            self._note_refused(key, refused)
        self.run.progress.setdefault("ended", {})[key] = timezone.now().isoformat()
        self._note("scanned", key)
        self._keep_allowances(execution)

    def _keep_allowances(self, execution: FlowExecution) -> None:
        for side in (execution.sides.source, execution.sides.destination):
            ours = self.sync.source if side.connection_id == self.sync.source_id else self.sync.destination
            connections.keep_allowance(ours, side.client.door)

    def _sweep(self, flow: Flow) -> None:
        """Once a day, records whose content may move without their version moving are read again."""
        swept = flow.checkpoint.get("swept_at")
        now = timezone.now()
        if swept and datetime.fromisoformat(swept) > now - SWEEP_EVERY:
            return
        if swept:
            Record.objects.across_tenants().filter(flow=flow, watch=True, next_attempt_at=None).update(
                next_attempt_at=now
            )
        flow.checkpoint["swept_at"] = now.isoformat()
        Flow.objects.across_tenants().filter(pk=flow.pk).update(checkpoint=flow.checkpoint)

    def _rounds(self, executions: list[FlowExecution]) -> None:
        """One flow's deliveries make records of another due: an invoice is paid once its payment is there."""
        for _ in range(ROUNDS):
            due = 0
            for execution in executions:
                if execution.flow.key in self.run.progress.get("refused", {}):
                    continue
                execution.all_read = True
                due += self._process_due(execution)
            if not due:
                return

    def _process_due(self, execution: FlowExecution) -> int:
        try:
            with blame(execution.sides.source.connection_id):
                return execution.process_due()
        except StreamRefused as refused:
            self._note_refused(execution.flow.key, refused)
            return 0

    def _note(self, name: str, key: str) -> None:
        self.run.progress.setdefault(name, []).append(key)
        self._save_progress()

    def _note_refused(self, key: str, error: StreamRefused, name: str = "refused") -> None:
        self.run.progress.setdefault(name, {})[key] = {"code": error.code, "text": error.text}
        self._save_progress()

    def _save_progress(self) -> None:
        with transaction.atomic():
            self.lease.confirm()
            Run.objects.across_tenants().filter(pk=self.run.pk).update(progress=self.run.progress)

    def _conclude(self) -> None:
        refused: dict[str, Any] = self.run.progress.get("unwatched", {}) | self.run.progress.get("refused", {})
        unsettled = any(
            flow_run.read != settled_count(flow_run)
            or Record.objects.across_tenants()
            .filter(flow_id=flow_run.flow_id, run_id=self.run.pk, status__in=UNSETTLED, set_aside__isnull=True)
            .exists()
            for flow_run in self.run.flow_runs.all()
        )
        text = " ".join(f"{self.integration.flow(key).label}: {reason['text']}" for key, reason in refused.items())
        status = Run.Status.PARTIAL if refused or unsettled else Run.Status.SUCCEEDED
        self._end(status, code=next((reason["code"] for reason in refused.values()), ""), text=text)

    def _stopped_by(self, error: ConnectorError) -> None:
        if isinstance(error, TransientError) and error.retry_after and error.retry_after > 60:
            self.effects.hold(self._side_of(error), timezone.now() + timedelta(seconds=error.retry_after), error.text)
        elif isinstance(error, ConfigError):
            self.effects.mark_broken(self._side_of(error), error)
        self._end(Run.Status.FAILED, code=error.code, text=error.text, detail=error.detail)

    def _side_of(self, error: ConnectorError) -> Any:
        return self.sync.source if error.connection_id == self.sync.source_id else self.sync.destination

    def _end(self, status: str, *, code: str = "", text: str = "", detail: Any = None) -> None:
        try:
            with transaction.atomic():
                self.lease.confirm()
                self.effects.end(status, code=code, text=text, detail=detail)
        except LeaseLost:
            log.info("lease lost at the end", run=self.run.pk)


def settled_count(flow_run: FlowRun) -> int:
    """What became of the rows a flow run read; equal to ``read`` when nothing is lost."""
    return (
        flow_run.created
        + flow_run.updated
        + flow_run.unchanged
        + flow_run.skipped
        + flow_run.waiting
        + flow_run.held
        + flow_run.rejected
    )
