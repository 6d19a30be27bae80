"""Previews: what a run would do, found out by a run on a copy of the sync that writes nothing; then approved or not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from syncs import catalogue, dispatch, services
from syncs.engine.flow import digest, encode
from syncs.models import Flow, Preview, PreviewEntry, Run, Sync
from syncs.previewing import copying
from syncs.previewing.proposals import KINDS
from syncs.previewing.rehearsal import Rehearsal

GOOD_FOR = timedelta(hours=24)
LOST = timedelta(minutes=15)
KEPT = 5
"""So many of a sync's newest previews keep their lists."""
CHANGED = "The settings changed since this preview was made. Look at a new one first."
TOO_OLD = "This preview is more than a day old. Look at a new one first."
BUSY = "A preview of this sync is being worked out already. Wait for it, or discard it."
NOT_READY = "This preview cannot be approved: it is {status}."


def start(sync: Sync, *, kind: str, proposal: Mapping[str, Any], actor: str) -> Preview:
    """Begins to work out what a run would do once ``proposal`` is applied.

    Proposals: ``run`` {} · ``mapping`` {"flow", "overrides"} · ``options`` {"flow", "options"} · ``replay`` {"records"}
    or {"cause", "flow"} or {"run"}. Raises ``ValidationError`` for one that could not be carried out, while a
    connection is broken, and while another preview of the sync is being worked out.
    """
    services.refuse_broken(sync)
    of_kind = KINDS[kind]
    wanted = of_kind.clean(sync, proposal)
    with transaction.atomic():
        # Two people may press the button at once.
        Sync.objects.across_tenants().select_for_update().get(pk=sync.pk)
        if sync.previews.filter(status=Preview.Status.RUNNING).exists():
            raise ValidationError(BUSY)
        copy = copying.copy_sync(sync)
        of_kind.try_on(copy, wanted)
        preview = Preview.objects.create(
            sync=sync, rehearsal=copy, kind=kind, proposal=wanted, based_on=settings_digest(sync), requested_by=actor
        )
        run = Run.objects.create(sync=copy, trigger=Run.Trigger.PERSON, requested_by=actor, only_due=of_kind.only_due)
        services.note(sync, "preview.start", actor, {"kind": kind, "proposal": wanted})
        dispatch.enqueue(run)
    return preview


def approve(preview: Preview, *, actor: str) -> Run:
    """Applies what was proposed and starts the run that was previewed.

    Raises ``ValidationError`` where it is not ready, is more than a day old, or the settings changed meanwhile.
    """
    sync = preview.sync
    services.refuse_broken(sync)
    with transaction.atomic():
        ready = Preview.objects.across_tenants().filter(pk=preview.pk, status=Preview.Status.READY)
        if not ready.update(status=Preview.Status.APPROVED):
            preview.refresh_from_db()
            raise ValidationError(NOT_READY.format(status=preview.get_status_display().lower()))
        if reason := obstacle(preview):
            raise ValidationError(reason)
        services.note(sync, "preview.approve", actor, {"kind": preview.kind, "preview": preview.pk})
        run = KINDS[preview.kind].carry_out(sync, preview.proposal, actor)
    preview.status = Preview.Status.APPROVED
    return run


def obstacle(preview: Preview) -> str:
    """Why a finished preview may not be approved any more; empty where it may."""
    if preview.finished_at is not None and timezone.now() - preview.finished_at > GOOD_FOR:
        return TOO_OLD
    return "" if preview.based_on == settings_digest(preview.sync) else CHANGED


def discard(preview: Preview, *, actor: str) -> None:
    """Stops it if it is still being worked out. Nothing was changed by it."""
    closed = (Preview.Status.APPROVED, Preview.Status.DISCARDED)
    with transaction.atomic():
        open_ones = Preview.objects.across_tenants().filter(pk=preview.pk).exclude(status__in=closed)
        if not open_ones.update(status=Preview.Status.DISCARDED):
            raise ValidationError("This preview was approved or discarded already.")
        services.note(preview.sync, "preview.discard", actor, {"kind": preview.kind, "preview": preview.pk})
        if preview.rehearsal_id:
            _stop(preview.rehearsal_id)
    preview.status = Preview.Status.DISCARDED


def _stop(copy_id: int) -> None:
    runs = Run.objects.across_tenants().filter(sync_id=copy_id)
    now = timezone.now()
    runs.filter(status=Run.Status.QUEUED).update(status=Run.Status.CANCELLED, finished_at=now)
    if not runs.filter(status=Run.Status.RUNNING).update(cancel_requested=True):
        dispatch.enqueue_clearing(copy_id)


def settings_digest(sync: Sync) -> str:
    """Of all settings that decide what a run does. Where the flows stand is none of them."""
    sync = Sync.objects.across_tenants().select_related("source", "destination").get(pk=sync.pk)
    versions = [(one.key, one.version) for one in catalogue.get(sync.integration).flows]
    flows = Flow.objects.across_tenants().filter(sync=sync).order_by("key")
    chosen = list(flows.values_list("key", "enabled", "options", "mapping_overrides"))
    sides = [(side.pk, side.config) for side in (sync.source, sync.destination)]
    return digest(encode([sync.start_date, sides, versions, chosen]))


# What the queue calls -------------------------------------------------------------------------------------------------


def rehearse(run_id: int) -> bool:
    """Executes a slice of a preview's run in this process. Returns whether another slice is needed."""
    return services.execute(run_id, effects=Rehearsal)


def rehearse_and_go_on(run_id: int) -> None:
    if rehearse(run_id):
        dispatch.enqueue(Run.objects.across_tenants().select_related("sync").get(pk=run_id))


def clear(copy_id: int) -> None:
    """Takes away the copy on which a preview ran, and the lists of the sync's older previews."""
    copy = Sync.objects.across_tenants().filter(pk=copy_id, rehearsal=True).first()
    if copy is None or copy.runs.filter(status__in=Run.ACTIVE).exists():
        return
    preview = Preview.objects.across_tenants().filter(rehearsal=copy).first()
    copying.delete_copy(copy)
    if preview is not None:
        forget_older(preview.sync)


def forget_older(sync: Sync) -> None:
    older = list(sync.previews.order_by("-pk").values_list("pk", flat=True)[KEPT:])
    copying.delete_rows(PreviewEntry, preview_id__in=older)


def tick() -> None:
    """Once a minute: copies whose preview ended a while ago, but whose clearing the queue has lost."""
    active = Run.objects.across_tenants().filter(sync=OuterRef("pk")).exclude(finished_at__lt=timezone.now() - LOST)
    for pk in Sync.objects.across_tenants().filter(~Exists(active), rehearsal=True).values_list("pk", flat=True):
        dispatch.enqueue_clearing(pk)
