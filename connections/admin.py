"""Connections of all tenants. Credentials and tokens are neither shown nor editable here, nor loaded."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from connections import services
from connections.models import Connection
from mlconnector.admin_base import OperatorAdmin, TenantFilter, actor, operation

TESTED_AT_ONCE = 5


@admin.register(Connection)
class ConnectionAdmin(OperatorAdmin):
    list_display = ("name", "tenant", "connector", "status", "account", "checked_at", "held_until")
    list_select_related = ("tenant",)
    list_filter = (TenantFilter, "status", "connector")
    linked = ("tenant__id__exact",)
    fields = (
        "tenant", "connector", "name", "config", "account", "status", "status_text", "held_until", "checked_at",
        "check_report", "capabilities", "created_at",
    )  # fmt: skip
    search_fields = ("name__exact", "account__exact")
    actions = ("test_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("secrets", "token")

    @operation("Test again")
    def test_again(self, request: HttpRequest, connections: QuerySet[Any]) -> None:
        chosen = list(connections[: TESTED_AT_ONCE + 1])
        if len(chosen) > TESTED_AT_ONCE:
            self.message_user(request, f"Choose at most {TESTED_AT_ONCE} at a time.", messages.ERROR)
            return
        for connection in chosen:
            report = services.test_connection(connection, actor(request))
            if report.ok:
                self.message_user(request, f"{connection}: healthy.", messages.SUCCESS)
            else:
                self.message_user(request, f"{connection}: {connection.status_text}", messages.ERROR)
