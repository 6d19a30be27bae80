from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from mlconnector.api_filters import IdFilter
from syncs import catalogue, record_selectors
from syncs.finding import exactly
from syncs.models import Record, Run, Sync


class SyncFilter(filters.FilterSet):
    integration = filters.ChoiceFilter(choices=catalogue.choices)
    name = filters.CharFilter(label="The exact name.")

    class Meta:
        model = Sync
        fields: list[Any] = []


class RunFilter(filters.FilterSet):
    sync = IdFilter(field_name="sync_id", label="Runs of this sync.")
    status = filters.MultipleChoiceFilter(choices=Run.Status.choices, label="One or more statuses.")
    trigger = filters.ChoiceFilter(choices=Run.Trigger.choices)

    class Meta:
        model = Run
        fields: list[Any] = []


class RecordFilter(filters.FilterSet):
    sync = IdFilter(field_name="flow__sync_id", label="Records of this sync.")
    flow = filters.CharFilter(field_name="flow__key", label="A flow's key, like `invoices`.")
    status = filters.MultipleChoiceFilter(choices=Record.Status.choices, label="One or more statuses.")
    error_code = filters.CharFilter(label="The cause, like `match_ambiguous`.")
    run = IdFilter(field_name="run_id", label="Records that this run touched last.")
    source_key = filters.CharFilter(label="The source record's key.")
    destination_id = filters.CharFilter(label="The destination record's ID.")
    search = filters.CharFilter(label="A number, name or ID as it stands, for example an invoice number.")
    draft = filters.ChoiceFilter(choices=[("true", "true")], label="`true`: drafts that finance may confirm.")

    class Meta:
        model = Record
        fields: list[Any] = []

    def filter_queryset(self, queryset: QuerySet[Record]) -> QuerySet[Record]:
        """By the flows meant first, since every index of records starts with the flow."""
        given = self.form.cleaned_data
        tenant = self.request.tenant
        flows = [
            flow
            for flow in (record_selectors.draft_flows if given["draft"] else record_selectors.flows_of)(tenant)
            if (given["sync"] is None or flow.sync_id == given["sync"]) and given["flow"] in ("", None, flow.key)
        ]
        source = record_selectors.records_of(tenant, flows)
        if given["draft"]:
            source = record_selectors.drafts(tenant, flows=flows) if flows else source.none()
        exact = {name: given[name] for name in ("error_code", "source_key", "destination_id") if given[name]}
        if given["run"] is not None:
            exact["run_id"] = given["run"]
        if given["status"]:
            exact["status__in"] = given["status"]
        found = source.filter(**exact).select_related("flow")
        return found.filter(exactly(given["search"])) if given["search"] else found
