"""Downloads of the trail leave an entry themselves; a workspace is deleted only after one of the whole trail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.models import AuditEntry
from audit.services import Entry, append, encode

ACTION, SUBJECT, WHOLE, PART = "trail.exported", "trail", "done", "part"
FRESH = timedelta(days=1)


def noted(lines: Iterable[str], tenant_id: int, *, actor: str, form: str, whole: bool) -> Iterator[str]:
    """The lines, and behind the last one the entry: a download that was broken off leaves none."""
    yield from lines
    entry = Entry(ACTION, WHOLE if whole else PART, actor=actor, source_ref=SUBJECT, detail=encode({"form": form}))
    with transaction.atomic():
        append(tenant_id, [entry])


def exported_whole(tenant_id: int, since: datetime) -> bool:
    # The fields of the index on records, in its order: a long trail is not walked.
    found = AuditEntry.objects.filter(
        tenant_id=tenant_id, sync_id=None, flow="", source_ref=SUBJECT, action=ACTION, outcome=WHOLE, at__gte=since
    )
    return found.exists()


def refuse_closing(sender: Any, *, tenant_id: int, **_: Any) -> str | None:
    if exported_whole(tenant_id, timezone.now() - FRESH):
        return None
    return "Download the whole audit trail first. It cannot be opened any more once the workspace is deleted."
