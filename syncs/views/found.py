"""What an address names, within the tenant. Anything of another tenant is not found."""

from __future__ import annotations

from django.http import Http404

from mlconnector.pages import TenantRequest
from syncs import record_selectors, selectors
from syncs.models import Flow, Record, Run, Sync


def sync_named(request: TenantRequest, pk: int) -> Sync:
    sync: Sync | None = selectors.syncs_of(request.tenant).filter(pk=pk).first()
    if sync is None:
        raise Http404
    return sync


def flow_named(sync: Sync, key: str) -> Flow:
    flow = sync.flows.filter(key=key).first()
    if flow is None:
        raise Http404
    return flow


def run_named(request: TenantRequest, pk: int) -> Run:
    try:
        return selectors.run_of(request.tenant, pk)
    except Run.DoesNotExist:
        raise Http404 from None


def record_named(request: TenantRequest, pk: int) -> Record:
    try:
        return record_selectors.record_of(request.tenant, pk)
    except Record.DoesNotExist:
        raise Http404 from None
