"""Syncs, flows, runs and records in the API's words."""

from __future__ import annotations

import json
from datetime import date
from operator import attrgetter
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from connections.errors import MappingError
from connections.serializers import ChoiceSerializer, pairs
from mlconnector.api_filters import LARGEST_ID
from mlconnector.api_schema import StrictSerializer
from syncs import catalogue, record_selectors, selectors
from syncs.models import Flow, Record, Run, Sync
from syncs.money import rounded, text

MOST_IDS = 1000
EARLIEST = date(1970, 1, 1)


def past_day(day: date) -> None:
    if not EARLIEST <= day <= timezone.now().date():
        raise serializers.ValidationError(f"Choose a day between {EARLIEST} and today.")


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "boolean"}, {"type": "number"}]})
class OptionValue(serializers.Field[Any, Any, Any, Any]):
    """A text, a number or true and false; the flow's definition says which."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str | bool | int | float):
            raise serializers.ValidationError("Give a text, a number, true or false.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class OptionSerializer(serializers.Serializer[Any]):
    """A setting of a flow. ``warnings`` are by value: what to know before choosing it."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField()
    kind = serializers.CharField()
    default = OptionValue()
    required = serializers.BooleanField(help_text="The flow cannot be switched on without it.")  # type: ignore[assignment]
    choices = serializers.SerializerMethodField()
    warnings = serializers.DictField(child=serializers.CharField(), source="warning")

    @extend_schema_field(ChoiceSerializer(many=True))
    def get_choices(self, option: Any) -> list[dict[str, str]]:
        return pairs(option.choices)


class FlowDefinitionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    reverse = serializers.BooleanField(help_text="True: it reads the destination and writes to the source.")
    options = OptionSerializer(many=True)


class IntegrationSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    summary = serializers.CharField()
    source = serializers.CharField(help_text="The connector of the side that is read.")  # type: ignore[assignment]
    destination = serializers.CharField(help_text="The connector of the side that is written.")
    every_minutes = serializers.IntegerField()
    flows = FlowDefinitionSerializer(many=True)


class SyncSerializer(serializers.ModelSerializer[Sync]):
    class Meta:
        model = Sync
        fields = (
            "id",
            "integration",
            "name",
            "source",
            "destination",
            "every_minutes",
            "paused",
            "start_date",
            "next_run_at",
            "failures",
            "created_at",
        )
        read_only_fields = fields


class NewSyncSerializer(StrictSerializer):
    integration = serializers.CharField(max_length=40)
    source = serializers.IntegerField(min_value=1, max_value=LARGEST_ID, help_text="A connection's ID.")  # type: ignore[assignment]
    destination = serializers.IntegerField(min_value=1, max_value=LARGEST_ID, help_text="A connection's ID.")
    name = serializers.CharField(max_length=120, required=False)
    every_minutes = serializers.IntegerField(min_value=1, max_value=1440, required=False)
    start_date = serializers.DateField(
        required=False, allow_null=True, validators=[past_day], help_text="What was last changed before is not read."
    )


class SyncChangeSerializer(StrictSerializer):
    name = serializers.CharField(max_length=120, required=False)
    every_minutes = serializers.IntegerField(min_value=1, max_value=1440, required=False)
    start_date = serializers.DateField(required=False, allow_null=True, validators=[past_day])


class FlowSerializer(serializers.ModelSerializer[Flow]):
    """``options`` are those in force, defaults included; ``warnings`` what to know about the values chosen."""

    label = serializers.SerializerMethodField()  # type: ignore[assignment]
    options = serializers.SerializerMethodField()
    warnings = serializers.SerializerMethodField()

    class Meta:
        model = Flow
        fields = ("key", "label", "enabled", "options", "warnings")
        read_only_fields = fields

    def _definition(self, flow: Flow) -> Any:
        return catalogue.get(flow.sync.integration).flow(flow.key)

    def get_label(self, flow: Flow) -> str:
        return str(self._definition(flow).label)

    @extend_schema_field(serializers.DictField(child=OptionValue()))
    def get_options(self, flow: Flow) -> dict[str, Any]:
        return {option.name: flow.options.get(option.name, option.default) for option in self._definition(flow).options}

    @extend_schema_field(serializers.DictField(child=serializers.CharField()))
    def get_warnings(self, flow: Flow) -> dict[str, str]:
        chosen = self.get_options(flow)
        options = self._definition(flow).options
        return {
            option.name: option.warning[value] for option in options if (value := chosen[option.name]) in option.warning
        }


class FlowChangeSerializer(StrictSerializer):
    """Options that are left out stay."""

    enabled = serializers.BooleanField(required=False)
    options = serializers.DictField(child=OptionValue(), required=False)


class FlowRunSerializer(serializers.Serializer[Any]):
    """What the run did in one flow. Each record read ends in exactly one of the counts."""

    key = serializers.CharField(source="flow_run.flow.key")
    label = serializers.CharField()  # type: ignore[assignment]
    state = serializers.ChoiceField(choices=("running", "done"))
    refused = serializers.CharField(allow_blank=True, help_text="Why the flow could not be read or written at all.")
    share = serializers.IntegerField(allow_null=True, help_text="Per cent done, where it can be known.")
    expected = serializers.IntegerField(allow_null=True)
    read = serializers.IntegerField(source="flow_run.read")
    created = serializers.IntegerField(source="flow_run.created")
    updated = serializers.IntegerField(source="flow_run.updated")
    unchanged = serializers.IntegerField(source="flow_run.unchanged")
    skipped = serializers.IntegerField(source="flow_run.skipped")
    waiting = serializers.IntegerField(source="flow_run.waiting")
    held = serializers.IntegerField(source="flow_run.held")
    rejected = serializers.IntegerField(source="flow_run.rejected")
    source_calls = serializers.IntegerField(source="flow_run.source_calls")
    destination_calls = serializers.IntegerField(source="flow_run.destination_calls")


_TOLD = [(name, attrgetter(str(one.source))) for name, one in FlowRunSerializer().fields.items()]
"""All of them plain values, read without the serializer's detours: a page of runs has hundreds of flows."""


class RunSerializer(serializers.ModelSerializer[Run]):
    ended = serializers.SerializerMethodField()
    flows = serializers.SerializerMethodField()

    class Meta:
        model = Run
        fields = (
            "id",
            "sync",
            "trigger",
            "requested_by",
            "status",
            "ended",
            "backfill_from",
            "cancel_requested",
            "created_at",
            "started_at",
            "finished_at",
            "error_code",
            "error_text",
            "flows",
        )
        read_only_fields = fields

    def get_ended(self, run: Run) -> bool:
        return run.status not in Run.ACTIVE

    @extend_schema_field(FlowRunSerializer(many=True))
    def get_flows(self, run: Run) -> Any:
        return [{name: tell(flow) for name, tell in _TOLD} for flow in selectors.overview_of(run, run.sync).flows]


class NewRunSerializer(StrictSerializer):
    backfill_from = serializers.DateField(
        required=False, validators=[past_day], help_text="Read again everything changed since this day."
    )


class RecordSerializer(serializers.ModelSerializer[Record]):
    sync = serializers.IntegerField(source="flow.sync_id")
    flow = serializers.CharField(source="flow.key")
    amount = serializers.SerializerMethodField()
    run = serializers.IntegerField(source="run_id", allow_null=True, help_text="The run that touched it last.")

    class Meta:
        model = Record
        fields: tuple[str, ...] = (
            "id",
            "sync",
            "flow",
            "source_key",
            "source_version",
            "destination_id",
            "title",
            "reference",
            "amount",
            "currency",
            "status",
            "error_code",
            "error_text",
            "attempts",
            "next_attempt_at",
            "waits_for",
            "confirmed_at",
            "confirmed_by",
            "run",
            "updated_at",
        )
        read_only_fields = fields

    @extend_schema_field({"type": "string", "format": "decimal", "nullable": True})
    def get_amount(self, record: Record) -> str | None:
        """With as many digits as its currency has."""
        if record.amount is None:
            return None
        try:
            return text(rounded(record.amount, record.currency))
        except MappingError:
            return text(record.amount)


class ComparedSerializer(serializers.Serializer[Any]):
    """What is known on either side; empty is unknown."""

    field = serializers.CharField()
    ours = serializers.CharField(allow_blank=True)
    theirs = serializers.CharField(allow_blank=True)


class CandidateSerializer(serializers.Serializer[Any]):
    """A record of the destination that may be this one. ``taken``: another record of ours is bound to it."""

    destination_id = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    taken = serializers.BooleanField()
    score = serializers.FloatField(allow_null=True, help_text="0 to 1; null where they were not compared.")
    reasons = serializers.ListField(child=serializers.CharField(), help_text="What speaks for and against.")
    compared = ComparedSerializer(many=True)


class RecordDetailSerializer(RecordSerializer):
    """``delivered`` is what the destination holds of it as far as we know."""

    delivered = serializers.SerializerMethodField()
    draft = serializers.SerializerMethodField(help_text="Whether it stands as a draft that finance may confirm.")
    decision = serializers.JSONField(allow_null=True)
    set_aside = serializers.JSONField(
        allow_null=True, help_text="`how`, `reason`, `by` and `at`, where it was taken off the list."
    )
    assigned_to = serializers.CharField(source="assigned_to.email", default=None, allow_null=True)
    candidates = serializers.SerializerMethodField()

    class Meta(RecordSerializer.Meta):
        fields = (
            *RecordSerializer.Meta.fields,
            "delivered",
            "draft",
            "decision",
            "set_aside",
            "assigned_to",
            "candidates",
        )
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": {}, "nullable": True})
    def get_delivered(self, record: Record) -> Any:
        return json.loads(record.payload) if record.payload else None

    def get_draft(self, record: Record) -> bool:
        return record_selectors.is_draft(record)

    @extend_schema_field(CandidateSerializer(many=True))
    def get_candidates(self, record: Record) -> Any:
        if not record_selectors.open_question(record):
            return []
        return CandidateSerializer(record_selectors.candidates_for(record), many=True).data


def _ids() -> Any:
    child = serializers.IntegerField(min_value=1, max_value=LARGEST_ID)
    return serializers.ListField(child=child, min_length=1, max_length=MOST_IDS, required=False)


class ReplaySerializer(StrictSerializer):
    """Either ``records``, or ``error_code`` with or without ``flow``."""

    records = _ids()
    error_code = serializers.CharField(max_length=60, required=False)
    flow = serializers.CharField(max_length=40, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("records" in attrs) == ("error_code" in attrs):
            raise serializers.ValidationError({"records": ["Give either records or an error_code."]})
        if "flow" in attrs and "records" in attrs:
            raise serializers.ValidationError(
                {"flow": ["A flow narrows an error_code; records are named by their IDs."]}
            )
        return attrs


class ConfirmSerializer(StrictSerializer):
    """Either ``records``, or ``all`` drafts of the sync."""

    records = _ids()
    all = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("records" in attrs) == attrs.get("all", False):
            raise serializers.ValidationError({"records": ["Give either records, or all: true."]})
        return attrs


class TwinsSerializer(serializers.Serializer[Any]):
    """Records of the destination's own that bear one name. ``destination_ids`` are the first of them."""

    flow = serializers.CharField(source="flow.key")
    title = serializers.CharField()
    number = serializers.IntegerField()
    destination_ids = serializers.ListField(child=serializers.CharField(), source="ids")


class DecisionSerializer(StrictSerializer):
    """Either ``adopt`` one of the candidates, ``create`` a new record, or ``reject``: leave this one out."""

    adopt = serializers.CharField(max_length=80, required=False)
    create = serializers.BooleanField(required=False)  # type: ignore[assignment]
    reject = serializers.BooleanField(required=False)


class ReplayedSerializer(serializers.Serializer[Any]):
    """How many records go again, and the run that takes them; no run if there were none."""

    records = serializers.IntegerField()
    run = RunSerializer(allow_null=True)
