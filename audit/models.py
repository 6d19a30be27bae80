"""The trail: who did what to which record, in an order that cannot be rewritten."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from mlconnector.tenants.scoping import TenantManager


class AuditHead(models.Model):
    """The end of a tenant's chain. Locked while entries are appended, so that sequences have no gap."""

    tenant = models.OneToOneField("tenants.Tenant", models.PROTECT, primary_key=True, related_name="audit_head")
    sequence = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="")


class AuditEntry(models.Model):
    """One attempt, decision or change. Append-only: database triggers refuse update, delete and truncate.

    ``sync_id`` and ``run_id`` are plain numbers and ``flow`` a key, since the trail outlives what it speaks of.
    ``detail`` is canonical JSON text with any of: sent, answer, before, after, text, rule.
    """

    tenant = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="audit_entries")
    sequence = models.BigIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=120)
    action = models.CharField(max_length=40)
    outcome = models.CharField(max_length=20)
    sync_id = models.BigIntegerField(null=True)
    run_id = models.BigIntegerField(null=True)
    flow = models.CharField(max_length=40, blank=True)
    source_ref = models.CharField(max_length=120, blank=True)
    source_version = models.CharField(max_length=64, blank=True)
    destination_ref = models.CharField(max_length=120, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    detail = models.TextField(default="{}")
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "audit entries"
        constraints = [models.UniqueConstraint(fields=["tenant", "sequence"], name="audit_sequence_once_per_tenant")]
        # What is searched for but rare stands in indexes of its own, which the many entries of runs do not burden.
        indexes = [
            models.Index(fields=["tenant", "source_ref", "sync_id", "flow", "sequence"], name="audit_by_source"),
            models.Index(fields=["tenant", "run_id", "sequence"], name="audit_by_run"),
            models.Index(
                fields=["tenant", "destination_ref", "sequence"],
                condition=~Q(destination_ref=""),
                name="audit_by_destination",
            ),
            models.Index(fields=["tenant", "actor", "sequence"], condition=~Q(actor="worker"), name="audit_by_actor"),
            models.Index(
                fields=["tenant", "error_code", "sequence"], condition=~Q(error_code=""), name="audit_by_error"
            ),
            models.Index(fields=["tenant", "action", "sequence"], condition=~Q(action="write"), name="audit_by_action"),
        ]


class TrailCheck(models.Model):
    """One proof that nobody rewrote a trail. ``ok`` is None until it ends; ``checked`` of ``total`` are done."""

    tenant = models.ForeignKey("tenants.Tenant", models.CASCADE, related_name="trail_checks")
    requested_by = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    total = models.BigIntegerField(default=0)
    checked = models.BigIntegerField(default=0)
    ok = models.BooleanField(null=True)
    first_bad_sequence = models.BigIntegerField(null=True)
    text = models.CharField(max_length=255, blank=True)
    head = models.CharField(max_length=64, blank=True)

    objects = TenantManager()

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="trail_check_by_tenant")]

    @property
    def state(self) -> str:
        """waiting, running, stopped (its worker went silent) or done."""
        if self.finished_at is not None:
            return "done"
        if self.heartbeat_at is None:
            return "waiting"
        silent = timezone.now() - timedelta(seconds=settings.LEASE_SECONDS)
        return "stopped" if self.heartbeat_at < silent else "running"

    @property
    def active(self) -> bool:
        return self.state in ("waiting", "running")
