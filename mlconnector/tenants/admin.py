"""Workspaces, their members and keys, as operators see them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.admin.exceptions import NotRegistered
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework_api_key.models import APIKey

from mlconnector.admin_base import OperatorAdmin, ReadOnlyInline, TenantFilter, actor, operation
from mlconnector.tenants import services
from mlconnector.tenants.models import ApiKey, Invitation, Membership, Tenant

# Their stock pages show a second factor's seed, and keys of a table that is not in use.
for model in (Authenticator, APIKey):
    with suppress(NotRegistered):
        admin.site.unregister(model)


class MembershipInline(ReadOnlyInline):
    model = Membership
    fields = ("user", "role", "created_at")


@admin.register(Tenant)
class TenantAdmin(OperatorAdmin):
    list_display = ("name", "pk", "time_zone", "created_at", "closed_at")
    fields = ("name", "time_zone", "keep_days", "created_at", "closed_at")
    search_fields = ("name__istartswith", "memberships__user__email__exact")
    inlines = (MembershipInline,)


@admin.register(Membership)
class MembershipAdmin(OperatorAdmin):
    list_display = ("user", "tenant", "role", "created_at")
    list_select_related = ("user", "tenant")
    list_filter = (TenantFilter, "role")
    fields = ("tenant", "user", "role", "created_at")
    search_fields = ("user__email__exact",)


@admin.register(Invitation)
class InvitationAdmin(OperatorAdmin):
    list_display = ("email", "tenant", "role", "created_at", "expires_at", "accepted_at")
    list_select_related = ("tenant",)
    list_filter = (TenantFilter, "role")
    fields = ("tenant", "email", "role", "invited_by", "created_at", "expires_at", "accepted_at")
    search_fields = ("email__exact",)


@admin.register(ApiKey)
class ApiKeyAdmin(OperatorAdmin):
    list_display = ("name", "prefix", "tenant", "role", "created", "expiry_date", "revoked", "last_used_at")
    list_select_related = ("tenant",)
    list_filter = (TenantFilter, "role", "revoked")
    fields = ("tenant", "name", "prefix", "role", "created", "expiry_date", "revoked", "last_used_at")
    search_fields = ("prefix__exact",)
    ordering = ("-created",)
    actions = ("revoke",)

    @operation("Revoke")
    def revoke(self, request: HttpRequest, keys: QuerySet[Any]) -> None:
        for key in keys:
            services.revoke_api_key(key, actor=actor(request))
        self.message_user(
            request, f"{len(keys)} revoked. Programs that use them get 401 from now on.", messages.SUCCESS
        )


@admin.register(Authenticator)
class AuthenticatorAdmin(OperatorAdmin):
    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    fields = ("user", "type", "created_at", "last_used_at")
    search_fields = ("user__email__exact",)
