"""The records behind a cause, and those that a person set aside, for pages. By keyset."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from mlconnector.tenants.models import Membership, Tenant
from mlconnector.tenants.selectors import members_of
from syncs.engine.flow import UNSETTLED
from syncs.models import Flow, Record
from syncs.record_selectors import OPEN, PER_PAGE, RecordPage, flows_of, keyset_page, records_of


def members(tenant: Tenant) -> QuerySet[Membership]:
    return members_of(tenant)


def of_cause(tenant: Tenant, flow: Flow, code: str, *, member: Any = None) -> QuerySet[Record]:
    """What needs attention for one cause; of that, what was given to ``member`` (a user)."""
    found = records_of(tenant, [flow]).filter(OPEN, error_code=code)
    return found if member is None else found.filter(assigned_to=member)


def cause_page(
    tenant: Tenant, flow: Flow, code: str, *, member: Any = None, after: int | None = None, size: int = PER_PAGE
) -> RecordPage:
    found = of_cause(tenant, flow, code, member=member)
    return keyset_page(found.select_related("assigned_to"), {flow.pk: flow}, after, size)


def set_aside(tenant: Tenant) -> QuerySet[Record]:
    return _aside(tenant, flows_of(tenant))


def number_aside(tenant: Tenant) -> int:
    return Record.objects.for_tenant(tenant).filter(set_aside__isnull=False, status__in=UNSETTLED).count()


def aside_page(tenant: Tenant, *, after: int | None = None, size: int = PER_PAGE) -> RecordPage:
    flows = flows_of(tenant)
    return keyset_page(_aside(tenant, flows), {flow.pk: flow for flow in flows}, after, size)


def _aside(tenant: Tenant, flows: Iterable[Flow]) -> QuerySet[Record]:
    return records_of(tenant, flows).filter(set_aside__isnull=False, status__in=UNSETTLED)
