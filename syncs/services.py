"""What can be done with syncs: one service per verb, used by pages, API, admin, commands and tasks alike.

Every decision of a person or program leaves an audit entry. ``actor`` is the name for it (``member:ann@example.com``).
Bad input raises ``ValidationError`` by field name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from audit import services as audit
from connections.models import Connection
from mlconnector.tenants.models import Tenant
from syncs import catalogue, dispatch
from syncs.engine.effects import Effects
from syncs.engine.flow import HELD, SKIPPED, UNSETTLED
from syncs.engine.lease import Lease
from syncs.engine.run import Progress, RunExecution
from syncs.models import Flow, Record, Run, Sync
from syncs.options import clean_options, lacking
from syncs.record_selectors import still

MINUTES_ALLOWED = range(1, 1441)
MARK_CHUNK = 500


def create_sync(
    tenant: Tenant,
    *,
    integration: str,
    source: Connection,
    destination: Connection,
    actor: str,
    name: str = "",
    every_minutes: int | None = None,
    start_date: date | None = None,
) -> Sync:
    """A new sync, paused until ``resume``, with all its flows on but those that need options first."""
    definition = _integration(integration)
    _check_connection(tenant, source, definition.source, "source")
    _check_connection(tenant, destination, definition.destination, "destination")
    sync = Sync(
        tenant=tenant,
        integration=integration,
        name=name or definition.label,
        source=source,
        destination=destination,
        every_minutes=_minutes(every_minutes or definition.every_minutes),
        start_date=start_date,
    )
    try:
        with transaction.atomic():
            sync.save()
            Flow.objects.bulk_create(
                Flow(sync=sync, key=flow.key, enabled=not lacking(flow, {})) for flow in definition.flows
            )
            note(sync, "sync.create", actor, {"name": sync.name, "integration": integration})
    except IntegrityError:
        raise ValidationError({"name": f"There is a sync called “{sync.name}” already. Choose another name."}) from None
    return sync


def _integration(key: str) -> catalogue.Integration:
    try:
        return catalogue.get(key)
    except KeyError:
        known = ", ".join(integration.key for integration in catalogue.all_integrations())
        raise ValidationError({"integration": f"“{key}” is not known. Choose one of: {known}."}) from None


def _check_connection(tenant: Tenant, connection: Connection, connector: str, field: str) -> None:
    if connection.tenant_id != tenant.pk:
        raise ValidationError({field: "There is no such connection."})
    if connection.connector != connector:
        raise ValidationError(
            {field: f"“{connection.name}” is not a connection to the system needed here ({connector})."}
        )


def _minutes(value: int) -> int:
    if value not in MINUTES_ALLOWED:
        raise ValidationError({"every_minutes": "Choose between 1 and 1440 minutes."})
    return value


def update_sync(sync: Sync, *, actor: str, **changes: Any) -> Sync:
    """Changes ``name``, ``every_minutes`` or ``start_date``."""
    unknown = changes.keys() - {"name", "every_minutes", "start_date"}
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, "This cannot be changed."))
    if "every_minutes" in changes:
        _minutes(changes["every_minutes"])
    before = {field: getattr(sync, field) for field in changes}
    for field, value in changes.items():
        setattr(sync, field, value)
    try:
        with transaction.atomic():
            sync.save(update_fields=list(changes))
            note(sync, "sync.update", actor, {"before": before, "after": changes})
    except IntegrityError:
        raise ValidationError({"name": f"There is a sync called “{sync.name}” already. Choose another name."}) from None
    return sync


def set_flow(
    flow: Flow,
    *,
    actor: str,
    enabled: bool | None = None,
    options: Mapping[str, Any] | None = None,
) -> Flow:
    """Switches a flow on or off, or sets its options. Changed options apply to what is already there, too.

    Raises ``ValidationError`` by option name where the flow would be on without an option it needs.
    """
    definition = catalogue.get(flow.sync.integration).flow(flow.key)
    before = {"enabled": flow.enabled, "options": flow.options}
    if enabled is not None:
        flow.enabled = enabled
    changed = False
    if options is not None:
        cleaned = flow.options | clean_options(definition, options)
        changed = cleaned != flow.options
        flow.options = cleaned
    if flow.enabled and (missing := lacking(definition, flow.options)):
        raise ValidationError(
            {option.name: f"{option.label}: fill this in first. The flow cannot run without it." for option in missing}
        )
    with transaction.atomic():
        flow.save(update_fields=["enabled", "options"])
        if changed:
            read_all_again(flow)
        after = {"enabled": flow.enabled, "options": flow.options}
        note(flow.sync, "flow.update", actor, {"before": before, "after": after}, flow=flow.key)
    return flow


def read_all_again(flow: Flow) -> None:
    """With the next run, but for what a person has been asked about: that goes when it is answered."""
    Record.objects.across_tenants().filter(flow=flow).exclude(status=HELD).update(next_attempt_at=timezone.now())


def pause(sync: Sync, *, actor: str) -> None:
    with transaction.atomic():
        Sync.objects.for_tenant(sync.tenant_id).filter(pk=sync.pk).update(paused=True)
        note(sync, "sync.pause", actor)
    sync.paused = True


def resume(sync: Sync, *, actor: str) -> None:
    """Puts a sync on its schedule; the first run is due at once."""
    with transaction.atomic():
        sync.paused, sync.next_run_at, sync.failures = False, timezone.now(), 0
        sync.save(update_fields=["paused", "next_run_at", "failures"])
        note(sync, "sync.resume", actor)


def run_now(
    sync: Sync,
    *,
    actor: str,
    trigger: str = Run.Trigger.PERSON,
    backfill_from: date | None = None,
    only_due: bool = False,
    enqueue: bool = True,
) -> Run:
    """Queues a run and returns it; the active one, if there is one already, since a sync runs once at a time.

    Raises ``ValidationError`` while a connection is broken, and for a backfill while a run is active.
    """
    refuse_broken(sync)
    try:
        with transaction.atomic():
            run = Run.objects.create(
                sync=sync, trigger=trigger, requested_by=actor, backfill_from=backfill_from, only_due=only_due
            )
            note(sync, "run.request", actor, {"trigger": trigger, "backfill_from": backfill_from}, run_id=run.pk)
            if enqueue:
                dispatch.enqueue(run)
    except IntegrityError:
        active = sync.runs.filter(status__in=Run.ACTIVE).first()
        if backfill_from is not None or active is None:
            raise ValidationError(
                "A run is active. Wait until it ends, or cancel it, then start the backfill."
            ) from None
        return active
    return run


def refuse_broken(sync: Sync) -> None:
    for connection in (sync.source, sync.destination):
        connection.refresh_from_db()
        if connection.status == Connection.Status.BROKEN:
            raise ValidationError(
                f"The connection “{connection.name}” needs attention first: {connection.status_text} "
                "Change it, test it again, then run."
            )


def cancel(run: Run, *, actor: str) -> None:
    """A queued run ends at once; a running one at its next safe point. What is delivered stays."""
    if run.status not in Run.ACTIVE:
        raise ValidationError("This run has ended already.")
    with transaction.atomic():
        note(run.sync, "run.cancel", actor, run_id=run.pk)
        queued = Run.objects.across_tenants().filter(pk=run.pk, status=Run.Status.QUEUED)
        if queued.update(status=Run.Status.CANCELLED, finished_at=timezone.now()):
            return
        Run.objects.across_tenants().filter(pk=run.pk).update(cancel_requested=True)


def execute(run_id: int, progress: Progress | None = None, effects: Callable[[Run, Lease], Effects] = Effects) -> bool:
    """Executes a slice of a run in this process. Returns whether another slice is needed.

    Does nothing if another worker has the run. ``effects`` of a preview are those of a rehearsal.
    """
    lease = Lease.claim(run_id)
    if lease is None:
        return False
    run = (
        Run.objects.across_tenants().select_related("sync__source", "sync__destination", "sync__tenant").get(pk=run_id)
    )
    execution = RunExecution(run, lease, effects(run, lease), progress)
    execution.execute()
    return execution.again


def execute_and_go_on(run_id: int) -> None:
    """What a worker does with a run: a slice, and a place in the queue for the next one."""
    if execute(run_id):
        dispatch.enqueue(Run.objects.across_tenants().get(pk=run_id))


# Replay ---------------------------------------------------------------------------------------------------------------


def replay(
    records: QuerySet[Record], *, sync: Sync, actor: str, cause: str = "", ask_again: bool = False, anew: bool = False
) -> tuple[int, Run | None]:
    """Reads the records again at the source and sends them the same way as any run; returns how many, and the run.

    What is already delivered as it stands ends as unchanged, unless ``anew``: then it is written over what was entered
    in the destination since. One record, a cause, a run: the queryset says which.
    ``ask_again``: decisions to leave a record out, or to set it aside, are taken back; else what is set aside stays so.
    """
    refuse_broken(sync)
    now = timezone.now()
    records = records.filter(flow__sync=sync)
    if ask_again:
        records.filter(status=SKIPPED, decision__reject=True).update(decision=None)
        records.filter(set_aside__isnull=False).update(set_aside=None)
    else:
        records = records.filter(set_aside__isnull=True)
    marked = _mark(records, now, **({"payload_hash": ""} if anew else {}))
    if not marked:
        return 0, None
    with transaction.atomic():
        note(sync, "replay", actor, {"records": marked, "cause": cause})
    return marked, run_now(sync, actor=actor, trigger=Run.Trigger.REPLAY, only_due=True)


def _mark(records: QuerySet[Record], now: Any, **changes: Any) -> int:
    marked, last_id = 0, 0
    while True:
        page = list(records.filter(pk__gt=last_id).order_by("pk").values_list("pk", flat=True)[:MARK_CHUNK])
        if not page:
            return marked
        last_id = page[-1]
        marked += Record.objects.across_tenants().filter(pk__in=page).update(next_attempt_at=now, **changes)


def by_cause(sync: Sync, error_code: str, flow: str = "") -> QuerySet[Record]:
    records = Record.objects.across_tenants().filter(
        flow__sync=sync, error_code=error_code, status__in=UNSETTLED, set_aside__isnull=True
    )
    return records.filter(flow__key=flow) if flow else records


def of_run(run: Run) -> QuerySet[Record]:
    """The records whose latest attempt was in this run: what a later run touched is newer already."""
    return Record.objects.for_tenant(run.sync.tenant_id).filter(flow__sync=run.sync, run_id=run.pk)


# Decisions ------------------------------------------------------------------------------------------------------------


def confirm(records: QuerySet[Record], *, sync: Sync, actor: str) -> tuple[int, Run | None]:
    """Finance confirms records that stand as drafts; they go further in the run that starts now."""
    refuse_broken(sync)
    waiting = records.filter(flow__sync=sync, unconfirmed=True, confirmed_at=None).select_related("flow")
    now = timezone.now()
    confirmed = 0
    for page in pages(waiting):
        with transaction.atomic():
            touched = still(page, Q(confirmed_at=None))
            rows = Record.objects.across_tenants().filter(pk__in=[record.pk for record in touched])
            confirmed += rows.update(confirmed_at=now, confirmed_by=actor, next_attempt_at=now)
            entries = [entry_of(sync, "confirm", "confirmed", actor, record, record.flow.key) for record in touched]
            audit.append(sync.tenant_id, entries)
    if not confirmed:
        return 0, None
    return confirmed, run_now(sync, actor=actor, trigger=Run.Trigger.PERSON, only_due=True)


def decide(record: Record, *, actor: str, adopt: str = "", create: bool = False, reject: bool = False) -> Run | None:
    """A person's answer to a held match: take over the destination's record ``adopt``, create a new one, or ``reject``.

    A rejected record is left out until it is decided anew or replayed. Decisions may be changed until they are carried
    out.
    """
    refuse_broken(record.flow.sync)
    note_decision(record, actor=actor, adopt=adopt, create=create, reject=reject)
    return run_now(record.flow.sync, actor=actor, only_due=True)


def note_decision(record: Record, *, actor: str, adopt: str = "", create: bool = False, reject: bool = False) -> None:
    """Keeps the answer for the next run, which carries it out."""
    sync = record.flow.sync
    asked = record.status == HELD and record.error_code.startswith("match_")
    if record.destination_id or not (asked or record.decision):
        raise ValidationError("There is nothing to decide about this record.")
    if [bool(adopt), create, reject].count(True) != 1:
        raise ValidationError({"adopt": "Choose one of the candidates, to create a new record, or to leave it out."})
    if adopt:
        _check_candidate(record, adopt)
    answer: dict[str, Any] = {"adopt": adopt} if adopt else {"create": True} if create else {"reject": True}
    now = timezone.now()
    decision = {**answer, "by": actor, "at": now.isoformat()}
    with transaction.atomic():
        Record.objects.across_tenants().filter(pk=record.pk).update(
            decision=decision, next_attempt_at=now, set_aside=None
        )
        audit.append(
            sync.tenant_id,
            [entry_of(sync, "decide", "decided", actor, record, record.flow.key, audit.encode({"decision": decision}))],
        )


def _check_candidate(record: Record, adopt: str) -> None:
    asked = {str(candidate["id"]) for candidate in record.candidates or ()}
    listed = record.flow.candidates.filter(destination_id=adopt, match_key=record.match_key)
    if adopt not in asked and not listed.exists():
        raise ValidationError({"adopt": "This is not one of the candidates."})
    if record.flow.records.filter(destination_id=adopt).exclude(pk=record.pk).exists():
        raise ValidationError({"adopt": "Another source record is bound to this one already."})


def pages(records: QuerySet[Record]) -> Iterable[Sequence[Record]]:
    last_id = 0
    while page := list(records.filter(pk__gt=last_id).order_by("pk")[:MARK_CHUNK]):
        last_id = page[-1].pk
        yield page


def entry_of(
    sync: Sync, action: str, outcome: str, actor: str, record: Record, flow: str, detail: str = "{}"
) -> audit.Entry:
    return audit.Entry(
        action=action,
        outcome=outcome,
        actor=actor,
        sync_id=sync.pk,
        flow=flow,
        source_ref=record.source_key,
        source_version=record.source_version,
        destination_ref=record.destination_id,
        detail=detail,
    )


def note(
    sync: Sync,
    action: str,
    actor: str,
    detail: Mapping[str, Any] | None = None,
    *,
    flow: str = "",
    run_id: int | None = None,
) -> None:
    """One entry about a sync, inside the caller's transaction."""
    entry = audit.Entry(
        action=action,
        outcome="done",
        actor=actor,
        sync_id=sync.pk,
        run_id=run_id,
        flow=flow,
        detail=audit.encode(dict(detail or {})),
    )
    audit.append(sync.tenant_id, [entry])
