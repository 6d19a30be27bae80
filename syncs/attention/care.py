"""What people do about records that did not arrive: set them aside, take that back, give them to a member.

Each takes a queryset (one record, those ticked, a whole cause) and touches only what needs attention in it. Every
record's trail tells of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from audit import services as audit
from syncs import services
from syncs.models import Record, Sync
from syncs.record_selectors import OPEN, still

IGNORED, DONE = "ignored", "done"
HOW = {IGNORED: "Ignored", DONE: "Done by hand"}
LONGEST_REASON = 500
TOLD = ("flow", "source_key", "source_version", "destination_id")
"""What an entry of the trail says of a record; its documents are not even loaded."""


def set_aside(records: QuerySet[Record], *, sync: Sync, how: str, reason: str, actor: str) -> int:
    """Takes records off the list, with a reason, until their source changes; returns how many.

    They are not tried meanwhile, so that what was done by hand is not done twice.
    """
    if how not in HOW:
        raise ValidationError({"how": "Say whether they are ignored or were done by hand."})
    if not (reason := reason.strip()):
        raise ValidationError({"reason": "Say why, for whoever asks later."})
    if len(reason) > LONGEST_REASON:
        raise ValidationError({"reason": f"Say it in at most {LONGEST_REASON} characters."})
    state = {"how": how, "reason": reason, "by": actor, "at": timezone.now().isoformat()}
    return _change(records, OPEN, sync, actor, ("set_aside", how), reason, set_aside=state)


def take_back(records: QuerySet[Record], *, sync: Sync, actor: str) -> int:
    """Puts records back on the list; what became due meanwhile goes with the next run."""
    return _change(records, Q(set_aside__isnull=False), sync, actor, ("take_back", "done"), "", set_aside=None)


def assign(records: QuerySet[Record], user: Any, *, sync: Sync, actor: str) -> int:
    """Gives open records to a member of the workspace, or to nobody (None)."""
    if user is not None and not sync.tenant.memberships.filter(user=user).exists():
        raise ValidationError({"member": "Choose a member of this workspace."})
    others = Q(assigned_to__isnull=False) if user is None else Q(assigned_to__isnull=True) | ~Q(assigned_to=user)
    text = f"Given to {user.email}." if user is not None else "Nobody has it any more."
    return _change(records, OPEN & others, sync, actor, ("assign", "done"), text, assigned_to=user)


def give_back(sender: Any, *, tenant_id: int, user: Any, actor: str, **_: Any) -> None:
    """A member leaves: nobody has what they had."""
    theirs = Record.objects.for_tenant(tenant_id).filter(assigned_to=user)
    each_sync(theirs, lambda some, sync: assign(some, None, sync=sync, actor=actor))
    theirs.update(assigned_to=None)


def _change(
    records: QuerySet[Record],
    which: Q,
    sync: Sync,
    actor: str,
    said: tuple[str, str],
    text: str,
    **values: Any,
) -> int:
    """A page at a time, with an entry for each record; what a run settles meanwhile stays as it leaves it."""
    detail = audit.encode({"text": text} if text else {})
    action, outcome = said
    changed = 0
    told = records.filter(which, flow__sync=sync).select_related("flow").only("flow__key", *TOLD)
    for page in services.pages(told):
        with transaction.atomic():
            touched = still(page, which)
            ids = [record.pk for record in touched]
            changed += Record.objects.across_tenants().filter(pk__in=ids).update(**values)
            entries = [
                services.entry_of(sync, action, outcome, actor, record, record.flow.key, detail) for record in touched
            ]
            audit.append(sync.tenant_id, entries)
    return changed


def each_sync(records: QuerySet[Record], do: Callable[[QuerySet[Record], Sync], int]) -> int:
    """For records of several syncs: calls ``do`` for each sync with its own records; returns the sum."""
    ids = records.order_by().values_list("flow__sync_id", flat=True).distinct()
    return sum(
        do(records.filter(flow__sync_id=sync.pk), sync)
        for sync in Sync.objects.across_tenants().filter(pk__in=list(ids))
    )
