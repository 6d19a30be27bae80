"""A sync's records set by set: copied for a rehearsal, and taken away again. No row passes through this process.

Each step is a short transaction, so that a worker may be killed between any two of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection, models, transaction

from syncs.models import Candidate, CandidateKey, Flow, FlowRun, Record, Run, Sync

CHUNK = 5000


def copy_sync(sync: Sync) -> Sync:
    """A paused copy with its flows as they are, but none of their records yet."""
    created_at = sync.created_at
    copy = Sync(
        tenant_id=sync.tenant_id,
        integration=sync.integration,
        name=sync.name,
        source_id=sync.source_id,
        destination_id=sync.destination_id,
        every_minutes=sync.every_minutes,
        start_date=sync.start_date,
        paused=True,
        rehearsal=True,
    )
    copy.save()
    # A sync without a start date counts from when it was made.
    Sync.objects.across_tenants().filter(pk=copy.pk).update(created_at=created_at)
    copy.created_at = created_at
    Flow.objects.bulk_create(
        Flow(
            sync=copy,
            key=flow.key,
            enabled=flow.enabled,
            options=flow.options,
            mapping_overrides=flow.mapping_overrides,
            checkpoint=flow.checkpoint,
        )
        for flow in Flow.objects.across_tenants().filter(sync=sync).order_by("pk")
    )
    return copy


def copy_rows(model: type[models.Model], original: Flow, copy: Flow, after: int) -> int | None:
    """Copies the next rows of a flow behind the ID ``after``; returns the last one's, None where there are no more.

    Candidates' keys go with their candidates.
    """
    rows: Any = model._default_manager
    behind = rows.across_tenants().filter(flow=original, pk__gt=after).order_by("pk")
    ids = list(behind.values_list("pk", flat=True)[:CHUNK])
    if ids:
        _insert(model, original, copy, after, ids[-1])
    return ids[-1] if len(ids) == CHUNK else None


KEYS_OF_CANDIDATES = """
    INSERT INTO syncs_candidatekey (flow_id, candidate_id, key)
    SELECT copied.flow_id, copied.id, listed.key
    FROM syncs_candidate AS mine
    JOIN syncs_candidatekey AS listed ON listed.candidate_id = mine.id
    JOIN syncs_candidate AS copied ON copied.flow_id = %s AND copied.destination_id = mine.destination_id
    WHERE mine.flow_id = %s AND mine.id > %s AND mine.id <= %s
"""


def _insert(model: type[models.Model], original: Flow, copy: Flow, after: int, until: int) -> None:
    table = model._meta.db_table
    names = ", ".join(field.column for field in model._meta.concrete_fields if field.column not in ("id", "flow_id"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (flow_id, {names}) SELECT %s, {names} FROM {table} "  # noqa: S608 - our names
            "WHERE flow_id = %s AND id > %s AND id <= %s",
            [copy.pk, original.pk, after, until],
        )
        if model is Candidate:
            cursor.execute(KEYS_OF_CANDIDATES, [copy.pk, original.pk, after, until])


def delete_copy(sync: Sync) -> None:
    """Takes a copy away, in any state."""
    if not sync.rehearsal:
        raise ValueError(f"Sync {sync.pk} is no copy.")
    flows = list(Flow.objects.across_tenants().filter(sync=sync).values_list("pk", flat=True))
    for model in (CandidateKey, Candidate, Record):
        delete_rows(model, flow_id__in=flows)
    with transaction.atomic():
        FlowRun.objects.across_tenants().filter(flow_id__in=flows).delete()
        Run.objects.across_tenants().filter(sync=sync).delete()
        Sync.objects.across_tenants().filter(pk=sync.pk).delete()


def delete_rows(model: type[models.Model], **conditions: Any) -> None:
    """Without looking for what hangs on them: nothing may."""
    rows: Any = model._default_manager
    found = rows.across_tenants().filter(**conditions)
    for ids in _chunks(found):
        # One statement; Django's own would first read what refers to each row.
        rows.across_tenants().filter(pk__in=ids)._raw_delete(found.db)


def _chunks(found: Any) -> Iterator[list[int]]:
    while ids := list(found.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        yield ids
