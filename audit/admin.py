"""The trail, to be read only."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.models import AuditEntry
from mlconnector.admin_base import OperatorAdmin, TenantFilter


@admin.register(AuditEntry)
class AuditEntryAdmin(OperatorAdmin):
    list_display = ("at", "tenant", "sequence", "actor", "action", "outcome", "flow", "source_ref", "error_code")
    list_select_related = ("tenant",)
    list_filter = (TenantFilter,)
    linked = ("sync_id", "run_id", "flow", "source_ref", "tenant__id__exact")
    fields = (
        "tenant", "sequence", "at", "actor", "action", "outcome", "sync_id", "run_id", "flow", "source_ref",
        "source_version", "destination_ref", "error_code", "in_full", "previous_hash", "hash",
    )  # fmt: skip
    readonly_fields = ("in_full",)
    search_fields = ("source_ref__exact", "destination_ref__exact", "actor__exact", "error_code__exact")
    search_help_text = "A source key, destination ID, actor or error code as it stands, within one workspace."

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """By the index that fits: of one workspace, or of all."""
        return ("-sequence",) if self._one_tenant(request) else ("-pk",)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Every index of the trail starts with the tenant; a search over all of them would read the whole table."""
        if search_term and not self._one_tenant(request):
            self.message_user(request, "Choose a workspace first, then search in it.", messages.WARNING)
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    @staticmethod
    def _one_tenant(request: HttpRequest) -> bool:
        return bool(request.GET.get("workspace") or request.GET.get("tenant__id__exact"))

    @admin.display(description="Detail")
    def in_full(self, entry: AuditEntry) -> str:
        return json.dumps(json.loads(entry.detail), indent=2, ensure_ascii=False)
