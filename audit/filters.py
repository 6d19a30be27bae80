from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from audit.models import AuditEntry
from audit.selectors import Filters, narrowed
from mlconnector.api_filters import IdFilter


class AuditFilter(filters.FilterSet):
    """The fields of ``Filters``, under the names of the API."""

    sync = IdFilter(field_name="sync_id", label="Entries about this sync.")
    run = IdFilter(field_name="run_id", label="Entries written by this run.")
    flow = filters.CharFilter(label="A flow's key, like `invoices`.")
    source_ref = filters.CharFilter(
        label="A source record's key; together with sync and flow: the story of one record."
    )
    destination_ref = filters.CharFilter(label="A destination ID, or `connection:` and a connection's ID.")
    action = filters.CharFilter(label="Like `write`, `replay`, `confirm`, `connection.tested`.")
    outcome = filters.CharFilter(label="Like `synced`, `rejected`, `done`.")
    actor = filters.CharFilter(label="Like `worker`, `member:ann@example.com`, `program:Zx81kQ2p`.")
    error_code = filters.CharFilter(label="The stable code of an error.")
    search = filters.CharFilter(
        label="A reference, an actor or an error code; part of one where none is called so. Slower."
    )
    since = filters.IsoDateTimeFilter(label="From this instant on.")
    until = filters.IsoDateTimeFilter(label="Before this instant.")

    class Meta:
        model = AuditEntry
        fields: list[Any] = []

    def filter_queryset(self, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        given = self.form.cleaned_data
        wanted = {name: given[name] for name in Filters.__dataclass_fields__ if given.get(name)}
        since, until = given.get("since"), given.get("until")
        filtered = Filters(
            **wanted
            | {
                "sync_id": _number(given.get("sync")),
                "run_id": _number(given.get("run")),
                "text": given.get("search") or "",
                "since": _utc(since) if since else None,
                "until": _utc(until) if until else None,
            }
        )
        return narrowed(queryset, self.request.tenant.pk, filtered)


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _utc(at: datetime) -> datetime:
    """At the edges of the calendar an instant with an offset has no place in UTC: the edge itself will do."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return (datetime.max if at.year > 1 else datetime.min).replace(tzinfo=UTC)
