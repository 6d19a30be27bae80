"""Tests of connections left to a worker: asked for by a person, or due by the clock. One at a time per connection."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import structlog
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django_q.tasks import async_task

from connections import services
from connections.connectors.base import CheckReport, CheckStep
from connections.errors import ConnectorError
from connections.models import Checkup, Connection
from mlconnector import queue

log = structlog.get_logger(__name__)
TEST_SECONDS, PREPARE_SECONDS = 180.0, 900.0
BEAT_SECONDS = 5.0
SILENT_AFTER = timedelta(minutes=2)
FORGOTTEN_AFTER = timedelta(minutes=15)
EVERY = timedelta(days=1)
RETRY_AFTER = timedelta(hours=1)
BATCH = 20
UNEXPECTED = "An unexpected error stopped the test. Our operators have been told. Test again in a few minutes."


class Superseded(Exception):
    """The connection was changed or deleted meanwhile, or is tested anew: nothing more may be stored."""


def active(now: datetime | None = None) -> Q:
    """Of checkups: asked for or under way, and not given up."""
    now = now or timezone.now()
    running = Q(state=Checkup.State.RUNNING, heard_at__gte=now - SILENT_AFTER)
    return running | Q(state=Checkup.State.QUEUED, heard_at__gte=now - FORGOTTEN_AFTER)


def of(connection: Connection) -> Checkup | None:
    """The latest checkup. Call ``is_active`` to tell one under way from one whose worker has died."""
    return Checkup.objects.for_tenant(connection.tenant_id).filter(pk=connection.pk).first()


def is_active(checkup: Checkup) -> bool:
    patience = SILENT_AFTER if checkup.state == Checkup.State.RUNNING else FORGOTTEN_AFTER
    return checkup.state != Checkup.State.OVER and checkup.heard_at >= timezone.now() - patience


def start(connection: Connection, actor: str, keys: Sequence[str] = ()) -> Checkup:
    """Asks a worker for a test; before it, ``keys`` of ``services.missing`` are created in the account.

    Returns the one under way, if there is one. Raises ``ValidationError`` where something is to be created meanwhile.
    """
    now = timezone.now()
    fresh: dict[str, Any] = {
        "token": uuid4().hex,
        "actor": actor,
        "state": Checkup.State.QUEUED,
        "keys": list(keys),
        "prepared": [],
        "steps": [],
        "asked_at": now,
        "heard_at": now,
        "ended_at": None,
    }
    mine = Checkup.objects.for_tenant(connection.tenant_id).filter(pk=connection.pk)
    with transaction.atomic():
        if mine.exclude(active(now)).update(**fresh) or _first(connection, fresh):
            token, name = fresh["token"], queue.least_busy()
            transaction.on_commit(lambda: async_task("connections.tasks.check_up", connection.pk, token, cluster=name))
        elif keys:
            raise ValidationError("This connection is being tested. Wait until that is done, then create the parts.")
    return mine.get()


def _first(connection: Connection, fresh: dict[str, Any]) -> bool:
    try:
        with transaction.atomic():
            Checkup.objects.create(connection=connection, **fresh)
    except IntegrityError:
        return False
    return True


def start_due(now: datetime | None = None, *, suspects: Collection[int] = ()) -> int:
    """Tests that the clock asks for: a healthy connection once a day, a broken one every hour until it works again, and
    at once those of ``suspects`` (IDs), over which something failed. Each keeps its own hour, so they stay spread.

    Returns how many were asked for.
    """
    now = now or timezone.now()
    status = Connection.Status
    due = Q(status=status.HEALTHY, checked_at__lt=now - EVERY) | Q(status=status.HEALTHY, checked_at=None)
    due |= Q(status=status.BROKEN, checked_at__lt=now - RETRY_AFTER) | Q(status=status.BROKEN, checked_at=None)
    due |= Q(pk__in=suspects) & ~Q(status=status.BROKEN)
    under_way = Checkup.objects.across_tenants().filter(active(now)).values("pk")
    connections = Connection.objects.across_tenants().filter(due, tenant__closed_at=None).exclude(held_until__gt=now)
    found = list(connections.exclude(pk__in=under_way).defer("secrets", "token").order_by("checked_at", "pk")[:BATCH])
    for connection in found:
        start(connection, services.SCHEDULE)
    return len(found)


def execute(connection_id: int, token: str) -> None:
    """What a worker does. Does nothing where the checkup was taken up already, or asked for anew since."""
    work = Work(connection_id, token)
    if not work.claim():
        return
    try:
        work.do()
    except Superseded:
        log.info("checkup superseded", connection=connection_id)


class Work:
    """One checkup, as the worker that has it stores it."""

    def __init__(self, connection_id: int, token: str) -> None:
        self._rows = Checkup.objects.across_tenants().filter(pk=connection_id, token=token)
        self._steps: list[dict[str, Any]] = []
        self._next_beat = 0.0
        self._ends = 0.0

    def claim(self) -> bool:
        queued = self._rows.filter(state=Checkup.State.QUEUED)
        return bool(queued.update(state=Checkup.State.RUNNING, heard_at=timezone.now()))

    def do(self) -> None:
        checkup = self._rows.select_related("connection__tenant").get()
        connection = checkup.connection
        if checkup.keys:
            self._ends = time.monotonic() + PREPARE_SECONDS
            self._store(prepared=[asdict(step) for step in self._prepare(connection, checkup)])
        self._ends = time.monotonic() + TEST_SECONDS
        report = self._examine(connection)
        with transaction.atomic():
            self._store(state=Checkup.State.OVER, ended_at=timezone.now())
            services.keep(connection, report, checkup.actor)

    def _prepare(self, connection: Connection, checkup: Checkup) -> list[CheckStep]:
        try:
            return services.create_missing(connection, checkup.keys, checkup.actor, tick=self._tick)
        except ConnectorError as error:
            return [CheckStep.of("prepare", "Nothing was created", error)]

    def _examine(self, connection: Connection) -> CheckReport:
        try:
            return services.examine(connection, tick=self._tick, hear=self._hear)
        except Superseded:
            raise
        except Exception:
            log.exception("checkup failed", connection=connection.pk)
            failed = CheckStep("check", "Connection", "failed", UNEXPECTED, passing=True)
            return CheckReport([failed], dict(connection.capabilities))

    def _hear(self, step: CheckStep) -> None:
        self._steps.append(asdict(step))
        self._store(steps=self._steps)

    def _tick(self) -> None:
        services.give_up_after(self._ends)
        if time.monotonic() >= self._next_beat:
            self._store()

    def _store(self, **values: Any) -> None:
        if not self._rows.filter(state=Checkup.State.RUNNING).update(heard_at=timezone.now(), **values):
            raise Superseded
        self._next_beat = time.monotonic() + BEAT_SECONDS
