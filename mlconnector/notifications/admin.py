"""Channels and messages of all workspaces, as operators see them; addresses and secrets are not loaded."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from mlconnector.admin_base import OperatorAdmin, TenantFilter
from mlconnector.notifications.models import Channel, Message


@admin.register(Channel)
class ChannelAdmin(OperatorAdmin):
    list_display = ("name", "tenant", "kind", "shown", "enabled", "created_at")
    list_select_related = ("tenant",)
    list_filter = (TenantFilter, "kind")
    fields = ("tenant", "name", "kind", "shown", "topics", "patience", "enabled", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("target")


@admin.register(Message)
class MessageAdmin(OperatorAdmin):
    list_display = ("title", "channel", "state", "attempts", "created_at", "delivered_at")
    list_select_related = ("channel",)
    fields = (
        "channel",
        "uid",
        "topic",
        "title",
        "text",
        "created_at",
        "due_at",
        "attempts",
        "delivered_at",
        "error_text",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("channel__target")
