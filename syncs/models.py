"""What a tenant configured (Sync, Flow), the latest state of each record, and each execution (Run, FlowRun)."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from mlconnector.tenants.scoping import TenantManager
from syncs import catalogue

BY_PATTERN = ("int8_ops", "varchar_pattern_ops")
"""On PostgreSQL, an index by flow and text also finds how a text begins, whatever the database's language."""


class Sync(models.Model):
    """A tenant's configured integration: two connections, a cadence and its flows."""

    tenant = models.ForeignKey("tenants.Tenant", models.CASCADE, related_name="syncs")
    integration = models.CharField(max_length=40, choices=catalogue.choices)
    name = models.CharField(max_length=120)
    source = models.ForeignKey("connections.Connection", models.PROTECT, related_name="source_syncs")
    destination = models.ForeignKey("connections.Connection", models.PROTECT, related_name="destination_syncs")
    every_minutes = models.PositiveIntegerField(default=10)
    paused = models.BooleanField(default=True)
    start_date = models.DateField(null=True, help_text="Records last changed before this day are not read.")
    next_run_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0, help_text="Failed runs in a row; sets the back-off.")
    rehearsal = models.BooleanField(default=False, help_text="A copy on which a preview runs; only that sees it.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantManager(rehearsal=False)

    class Meta:
        indexes = [models.Index(fields=["next_run_at"], condition=Q(paused=False), name="sync_due")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"], condition=Q(rehearsal=False), name="sync_name_once_per_tenant"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def two_way(self) -> bool:
        return catalogue.get(self.integration).two_way


class Flow(models.Model):
    """One kind of record moving one way. Owns its checkpoint (``syncs.engine.checkpoint``)."""

    sync = models.ForeignKey(Sync, models.CASCADE, related_name="flows")
    key = models.CharField(max_length=40)
    enabled = models.BooleanField(default=True)
    options = models.JSONField(default=dict)
    mapping_overrides = models.JSONField(default=dict)
    checkpoint = models.JSONField(default=dict)

    objects = TenantManager("sync__tenant", sync__rehearsal=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sync", "key"], name="flow_once_per_sync")]

    def __str__(self) -> str:
        return f"{self.sync}: {self.key}"


class Record(models.Model):
    """The latest state of one source record in a flow: binding, change detector and dead letter. Never history.

    ``payload`` is JSON text: what the destination holds of it as far as we know. ``waits_for`` is "flow:source key".
    ``candidates`` is the question a person is asked, ``decision`` the answer: ``adopt`` a destination ID, ``create`` or
    ``reject``, with who and when; ``ask`` after a match was undone: no rule answers in the person's place.
    ``next_attempt_at`` in the past means: read the source again. ``set_aside``: a person took it off the list of what
    needs attention, ``how`` (ignored or done), ``reason``, ``by``, ``at``; it is not tried until the source changes.
    """

    class Status(models.TextChoices):
        SYNCED = "synced", "Synced"
        SKIPPED = "skipped", "Skipped"
        WAITING = "waiting", "Waiting"
        HELD = "held", "Held for a decision"
        REJECTED = "rejected", "Rejected"

    flow = models.ForeignKey(Flow, models.CASCADE, related_name="records")
    source_key = models.CharField(max_length=80)
    source_version = models.CharField(max_length=64, blank=True)
    source_hash = models.CharField(max_length=32, blank=True)
    destination_id = models.CharField(max_length=80, blank=True)
    payload_hash = models.CharField(max_length=32, blank=True)
    mapping_version = models.CharField(max_length=32, blank=True)
    status = models.CharField(max_length=10, choices=Status)
    error_code = models.CharField(max_length=60, blank=True)
    error_text = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    waits_for = models.CharField(max_length=140, blank=True)
    watch = models.BooleanField(
        default=False, help_text="Read again nightly: it may change without its version moving."
    )
    unconfirmed = models.BooleanField(default=False, help_text="Stands as a draft until a person confirms it.")
    match_key = models.CharField(max_length=255, blank=True)
    reference = models.CharField(max_length=80, blank=True)
    candidates = models.JSONField(null=True)
    decision = models.JSONField(null=True)
    set_aside = models.JSONField(null=True)
    assigned_to = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.CharField(max_length=120, blank=True)
    title = models.CharField(max_length=255, blank=True)
    amount = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    currency = models.CharField(max_length=3, blank=True)
    payload = models.TextField(blank=True)
    run_id = models.BigIntegerField(null=True)
    updated_at = models.DateTimeField()

    objects = TenantManager("flow__sync__tenant", flow__sync__rehearsal=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "source_key"], name="record_once_per_flow")]
        indexes = [
            models.Index(
                fields=["flow", "next_attempt_at"], condition=Q(next_attempt_at__isnull=False), name="record_due"
            ),
            models.Index(fields=["flow", "waits_for"], condition=~Q(waits_for=""), name="record_waiting"),
            # By pattern: what is typed into the search may be how a number or name begins.
            # With its own number: names are looked through without the rows.
            models.Index(
                fields=["flow", "match_key", "id"],
                opclasses=(*BY_PATTERN, "int8_ops"),
                condition=~Q(match_key=""),
                name="record_by_match_key",
            ),
            models.Index(fields=["flow", "reference"], condition=~Q(reference=""), name="record_by_reference"),
            # What needs attention is counted and summed from this alone.
            models.Index(
                fields=["flow", "error_code", "status", "currency", "amount", "id"],
                condition=Q(status__in=["waiting", "held", "rejected"], set_aside__isnull=True),
                name="record_needs_attention",
            ),
            models.Index(fields=["flow", "status", "id"], name="record_by_status"),
            models.Index(fields=["flow", "title"], opclasses=BY_PATTERN, name="record_by_title"),
            models.Index(fields=["flow", "destination_id"], opclasses=BY_PATTERN, name="record_by_destination"),
            models.Index(fields=["flow", "run_id"], name="record_by_run"),
            models.Index(fields=["flow", "id"], condition=Q(unconfirmed=True), name="record_unconfirmed"),
            models.Index(fields=["flow", "id"], condition=Q(set_aside__isnull=False), name="record_set_aside"),
            models.Index(fields=["flow", "id"], condition=Q(decision__isnull=False), name="record_decided"),
        ]

    def __str__(self) -> str:
        return self.title or self.source_key


class Run(models.Model):
    """One execution of a sync. At most one of a sync is queued or running."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        PARTIAL = "partial", "Partial"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", "Schedule"
        PERSON = "person", "A person"
        PROGRAM = "program", "A program"
        REPLAY = "replay", "A replay"
        BACKFILL = "backfill", "A backfill"

    ACTIVE = (Status.QUEUED, Status.RUNNING)

    sync = models.ForeignKey(Sync, models.CASCADE, related_name="runs")
    trigger = models.CharField(max_length=10, choices=Trigger)
    requested_by = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    backfill_from = models.DateField(null=True)
    only_due = models.BooleanField(default=False, help_text="Replays: due records only, no reading for changes.")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    lease = models.CharField(max_length=36, blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    enqueued_at = models.DateTimeField(null=True)
    takeovers = models.PositiveIntegerField(default=0)
    progress = models.JSONField(default=dict, help_text="Which flows are done in this run.")
    cancel_requested = models.BooleanField(default=False)
    error_code = models.CharField(max_length=60, blank=True)
    error_text = models.TextField(blank=True)

    objects = TenantManager("sync__tenant", sync__rehearsal=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sync"], condition=Q(status__in=["queued", "running"]), name="one_active_run_per_sync"
            )
        ]
        indexes = [
            models.Index(fields=["sync", "-id"], name="run_by_sync"),
            models.Index(
                fields=["status", "heartbeat_at"], condition=Q(status__in=["queued", "running"]), name="run_active"
            ),
        ]


class FlowRun(models.Model):
    """What one run did in one flow. Every row read ends in exactly one of the counts behind ``read``."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="flow_runs")
    flow = models.ForeignKey(Flow, models.CASCADE, related_name="flow_runs", db_index=False)
    expected = models.PositiveIntegerField(null=True)
    read = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    source_calls = models.PositiveIntegerField(default=0)
    destination_calls = models.PositiveIntegerField(default=0)
    checkpoint_from = models.JSONField(default=dict)
    checkpoint_to = models.JSONField(default=dict)

    objects = TenantManager("run__sync__tenant", run__sync__rehearsal=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "flow"], name="flow_run_once")]
        indexes = [models.Index(fields=["flow", "run"], name="flow_run_by_flow")]


class Candidate(models.Model):
    """A record that already stood in the destination before us and may be the same as a source record.

    Listed once per flow, refreshed by change. ``match_key`` is the normalised name, ``evidence`` what else is known of
    the company (``syncs.names.matching.Identity``).
    """

    flow = models.ForeignKey(Flow, models.CASCADE, related_name="candidates")
    destination_id = models.CharField(max_length=80)
    match_key = models.CharField(max_length=255, blank=True)
    title = models.CharField(max_length=255, blank=True)
    evidence = models.JSONField(default=dict)

    objects = TenantManager("flow__sync__tenant", flow__sync__rehearsal=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "destination_id"], name="candidate_once_per_flow")]
        indexes = [models.Index(fields=["flow", "match_key"], name="candidate_by_match_key")]


class CandidateKey(models.Model):
    """One of the keys by which a candidate is found: its name, its numbers, what its name is close to."""

    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="keys")
    flow = models.ForeignKey(Flow, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)

    objects = TenantManager("flow__sync__tenant", flow__sync__rehearsal=False)

    class Meta:
        indexes = [models.Index(fields=["flow", "key"], name="candidate_key_by_key")]


class MappingVersion(models.Model):
    """What a tenant added to the mapping of a flow, as it stood after each change."""

    flow = models.ForeignKey(Flow, models.CASCADE, related_name="mapping_versions")
    number = models.PositiveIntegerField()
    overrides = models.JSONField(default=dict)
    changed_by = models.CharField(max_length=120)
    changed_at = models.DateTimeField(auto_now_add=True)

    objects = TenantManager("flow__sync__tenant", flow__sync__rehearsal=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "number"], name="mapping_version_once_per_flow")]


class Preview(models.Model):
    """What a run would do, found out by a run on a copy of the sync (``rehearsal``) that writes nothing.

    ``proposal`` is what is to change before (JSON by kind); ``based_on`` is the digest of the sync's settings then, so
    that what is approved is what runs; ``totals`` are counts by flow and outcome, and money by currency.
    """

    class Kind(models.TextChoices):
        RUN = "run", "The next run"
        MAPPING = "mapping", "A changed mapping"
        OPTIONS = "options", "Changed options"
        REPLAY = "replay", "A replay"

    class Status(models.TextChoices):
        RUNNING = "running", "Being worked out"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        APPROVED = "approved", "Approved"
        DISCARDED = "discarded", "Discarded"

    sync = models.ForeignKey(Sync, models.CASCADE, related_name="previews")
    rehearsal = models.OneToOneField(Sync, models.SET_NULL, null=True, related_name="preview")
    kind = models.CharField(max_length=10, choices=Kind)
    proposal = models.JSONField(default=dict)
    based_on = models.CharField(max_length=32, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.RUNNING)
    requested_by = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    totals = models.JSONField(default=dict)
    error_text = models.TextField(blank=True)

    objects = TenantManager("sync__tenant")

    class Meta:
        indexes = [models.Index(fields=["sync", "-id"], name="preview_by_sync")]


class PreviewEntry(models.Model):
    """What would become of one record. ``detail`` is JSON text like that of the trail: before, after, sent, text."""

    preview = models.ForeignKey(Preview, models.CASCADE, related_name="entries")
    flow = models.CharField(max_length=40)
    source_key = models.CharField(max_length=80)
    title = models.CharField(max_length=255, blank=True)
    outcome = models.CharField(max_length=10)
    error_code = models.CharField(max_length=60, blank=True)
    amount = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    currency = models.CharField(max_length=3, blank=True)
    detail = models.TextField(blank=True)

    objects = TenantManager("preview__sync__tenant")

    class Meta:
        indexes = [models.Index(fields=["preview", "flow", "outcome", "id"], name="preview_entry_by_outcome")]
        constraints = [
            models.UniqueConstraint(fields=["preview", "flow", "source_key"], name="preview_entry_once_per_record")
        ]


class Report(models.Model):
    """A reconciliation of both systems as they stood when it was made. ``figures`` holds ``rows`` by kind, month and
    currency, and what was ``left_out`` on purpose; what differs, record by record, are its lines."""

    class Status(models.TextChoices):
        RUNNING = "running", "Being worked out"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    sync = models.ForeignKey(Sync, models.CASCADE, related_name="reports")
    status = models.CharField(max_length=10, choices=Status, default=Status.RUNNING)
    requested_by = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True, help_text="When it was last queued, or its worker last seen.")
    figures = models.JSONField(default=dict)
    error_text = models.TextField(blank=True)

    objects = TenantManager("sync__tenant")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sync"], condition=Q(status="running"), name="one_report_at_a_time")
        ]
        indexes = [models.Index(fields=["sync", "-id"], name="report_by_sync")]


class ReportLine(models.Model):
    """One record on which both sides differ. An amount is null on the side that does not have the record."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="lines")
    what = models.CharField(max_length=40)
    month = models.CharField(max_length=7, blank=True, help_text="2026-11, or empty where the record has no date.")
    currency = models.CharField(max_length=3, blank=True)
    source_key = models.CharField(max_length=80, blank=True)
    destination_id = models.CharField(max_length=80, blank=True)
    title = models.CharField(max_length=255, blank=True)
    source_amount = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    destination_amount = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    record = models.ForeignKey(Record, models.SET_NULL, null=True, related_name="+")

    objects = TenantManager("report__sync__tenant")

    class Meta:
        indexes = [models.Index(fields=["report", "what", "month", "currency", "id"], name="report_line_by_figure")]

    @property
    def difference(self) -> Decimal:
        """Below zero: the destination has less."""
        return (self.destination_amount or Decimal(0)) - (self.source_amount or Decimal(0))
