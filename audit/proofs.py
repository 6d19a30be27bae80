"""Proving a trail without anybody waiting: short ones at once, long ones in the background, the answer kept."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django_q.tasks import async_task

from audit import services
from audit.models import TrailCheck
from audit.selectors import end
from mlconnector.queue import BACKFILL

AT_ONCE = 20_000
"""So many entries are checked well within a second."""


def start(tenant_id: int, *, actor: str) -> TrailCheck:
    """A new check, or the one that is on its way."""
    under_way = newest(tenant_id)
    if under_way is not None and under_way.active:
        return under_way
    total = end(tenant_id)
    with transaction.atomic():
        check = TrailCheck.objects.create(tenant_id=tenant_id, requested_by=actor, total=total)
        if total > AT_ONCE:
            transaction.on_commit(lambda: async_task("audit.tasks.verify", check.pk, cluster=BACKFILL))
    if total <= AT_ONCE:
        carry_out(check.pk)
        check.refresh_from_db()
    return check


def carry_out(check_id: int) -> None:
    """Does nothing if another worker has it in hand."""
    checks = TrailCheck.objects.across_tenants().filter(pk=check_id)
    if not checks.filter(finished_at=None, heartbeat_at=None).update(heartbeat_at=timezone.now()):
        return
    tenant_id = checks.values_list("tenant_id", flat=True).get()

    def progress(checked: int) -> None:
        checks.update(checked=checked, heartbeat_at=timezone.now())

    found = services.verify(tenant_id, progress=progress)
    checks.update(
        ok=found.ok,
        checked=found.checked,
        first_bad_sequence=found.first_bad_sequence,
        text=found.text,
        head=found.head,
        finished_at=timezone.now(),
    )
    checks_of = TrailCheck.objects.across_tenants().filter(tenant_id=tenant_id)
    checks_of.filter(~Q(finished_at=None), pk__lt=check_id).delete()


def newest(tenant_id: int) -> TrailCheck | None:
    return TrailCheck.objects.for_tenant(tenant_id).order_by("-pk").first()
