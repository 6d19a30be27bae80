"""The trail: who did what to which record, in an order that cannot be rewritten."""

from __future__ import annotations

from django.db import models


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
        indexes = [
            models.Index(fields=["tenant", "sync_id", "flow", "source_ref", "sequence"], name="audit_by_record"),
            models.Index(fields=["tenant", "run_id", "sequence"], name="audit_by_run"),
        ]
