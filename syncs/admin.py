"""Syncs, runs and records of all tenants, and what operators may do with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from mlconnector.admin_base import OperatorAdmin, ReadOnlyInline, across, actor, operation, tenant_filter
from syncs import catalogue, services
from syncs.models import Flow, FlowRun, Record, Run, Sync


class FlowInline(ReadOnlyInline):
    model = Flow
    fields = ("key", "enabled", "options", "mapping_overrides", "checkpoint")


@admin.register(Sync)
class SyncAdmin(OperatorAdmin):
    list_display = ("name", "tenant", "integration", "every_minutes", "paused", "failures", "next_run_at")
    list_select_related = ("tenant",)
    list_filter = (tenant_filter("tenant"), "paused", "integration")
    linked = ("tenant__id__exact",)
    fields = (
        "tenant", "integration", "name", "source", "destination", "every_minutes", "paused", "start_date",
        "next_run_at", "failures", "created_at",
    )  # fmt: skip
    search_fields = ("name__exact",)
    inlines = (FlowInline,)
    actions = ("run_now", "pause", "resume")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """A preview's copy is nothing to be run or paused."""
        return super().get_queryset(request).filter(rehearsal=False)

    @operation("Run now")
    def run_now(self, request: HttpRequest, syncs: QuerySet[Any]) -> None:
        for sync in syncs.select_related("source", "destination"):
            with self.telling(request, sync):
                run = services.run_now(sync, actor=actor(request))
                self.message_user(request, f"{sync}: run {run.pk} is {run.status}.", messages.SUCCESS)

    @operation("Pause")
    def pause(self, request: HttpRequest, syncs: QuerySet[Any]) -> None:
        for sync in syncs.filter(paused=False):
            services.pause(sync, actor=actor(request))
            self.message_user(request, f"{sync}: paused.", messages.SUCCESS)

    @operation("Resume")
    def resume(self, request: HttpRequest, syncs: QuerySet[Any]) -> None:
        for sync in syncs.filter(paused=True):
            services.resume(sync, actor=actor(request))
            self.message_user(request, f"{sync}: on its schedule.", messages.SUCCESS)


class FlowRunInline(ReadOnlyInline):
    model = FlowRun
    fields = (
        "flow", "expected", "read", "created", "updated", "unchanged", "skipped", "waiting", "held", "rejected",
        "source_calls", "destination_calls", "checkpoint_from", "checkpoint_to",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("flow__sync")


@admin.register(Run)
class RunAdmin(OperatorAdmin):
    list_display = ("pk", "sync", "tenant", "trigger", "status", "created_at", "finished_at", "error_code")
    list_select_related = ("sync__tenant",)
    list_filter = (tenant_filter("sync__tenant"), "status", "trigger")
    linked = ("sync__id__exact",)
    fields = (
        "sync", "trigger", "requested_by", "status", "backfill_from", "only_due", "created_at", "enqueued_at",
        "started_at", "finished_at", "heartbeat_at", "takeovers", "cancel_requested", "progress", "error_code",
        "error_text",
    )  # fmt: skip
    inlines = (FlowRunInline,)
    actions = ("cancel", "replay")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(sync__rehearsal=False)

    @admin.display(ordering=None)
    def tenant(self, run: Run) -> str:
        return str(run.sync.tenant)

    @operation("Cancel")
    def cancel(self, request: HttpRequest, runs: QuerySet[Any]) -> None:
        for run in runs.select_related("sync"):
            with self.telling(request, f"Run {run.pk}"):
                services.cancel(run, actor=actor(request))
                self.message_user(
                    request, f"Run {run.pk}: cancelled, or will be at its next safe point.", messages.SUCCESS
                )

    @operation("Replay its records")
    def replay(self, request: HttpRequest, runs: QuerySet[Any]) -> None:
        for run in runs.select_related("sync__source", "sync__destination"):
            with self.telling(request, f"Run {run.pk}"):
                number, _ = services.replay(
                    services.of_run(run), sync=run.sync, actor=actor(request), cause=f"run:{run.pk}"
                )
                self.message_user(request, f"Run {run.pk}: {number} records go again.", messages.SUCCESS)


class FlowFilter(admin.SimpleListFilter):
    title = "flow"
    parameter_name = "flow"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        flows = {flow.key: flow.label for each in catalogue.all_integrations() for flow in each.flows}
        return sorted(flows.items())

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(flow__key=self.value()) if self.value() else queryset


@admin.register(Record)
class RecordAdmin(OperatorAdmin):
    list_display = ("__str__", "tenant", "flow", "status", "error_code", "destination_id", "updated_at")
    list_select_related = ("flow__sync__tenant",)
    list_filter = (tenant_filter("flow__sync__tenant"), FlowFilter, "status")
    linked = ("flow__sync__id__exact", "run_id", "error_code")
    fields = (
        "flow", "source_key", "source_version", "destination_id", "title", "amount", "currency", "status", "error_code",
        "error_text", "attempts", "next_attempt_at", "waits_for", "watch", "match_key", "decision", "set_aside",
        "confirmed_at", "confirmed_by", "run_id", "updated_at", "mapping_version", "source_hash", "payload_hash",
        "delivered",
    )  # fmt: skip
    readonly_fields = ("delivered",)
    search_fields = ("source_key__exact", "title__exact", "destination_id__exact", "error_code__exact")
    search_help_text = "A source key, title (invoice number), destination ID or error code as it stands."
    actions = ("replay", "confirm")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("payload")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Every index of records starts with the flow: with all flows named, each is looked up in instead of read."""
        if search_term:
            queryset = queryset.filter(flow__in=across(Flow).values("pk"))
        return super().get_search_results(request, queryset, search_term)

    @admin.display(ordering=None)
    def tenant(self, record: Record) -> str:
        return str(record.flow.sync.tenant)

    @admin.display
    def delivered(self, record: Record) -> str:
        return json.dumps(json.loads(record.payload), indent=2, ensure_ascii=False) if record.payload else ""

    @operation("Replay")
    def replay(self, request: HttpRequest, records: QuerySet[Any]) -> None:
        for sync in _syncs_of(records):
            with self.telling(request, sync):
                number, _ = services.replay(_only(records, sync), sync=sync, actor=actor(request))
                self.message_user(request, f"{sync}: {number} records go again.", messages.SUCCESS)

    @operation("Confirm invoices")
    def confirm(self, request: HttpRequest, records: QuerySet[Any]) -> None:
        for sync in _syncs_of(records):
            with self.telling(request, sync):
                number, _ = services.confirm(_only(records, sync), sync=sync, actor=actor(request))
                self.message_user(request, f"{sync}: {number} invoices confirmed.", messages.SUCCESS)


def _syncs_of(records: QuerySet[Any]) -> Iterator[Sync]:
    ids = set(records.order_by().values_list("flow__sync_id", flat=True).distinct())
    yield from across(Sync).filter(pk__in=ids).select_related("source", "destination")


def _only(records: QuerySet[Any], sync: Sync) -> QuerySet[Any]:
    """Without the list's joins and order, which the services set themselves."""
    return records.filter(flow__sync=sync).select_related(None).order_by()
