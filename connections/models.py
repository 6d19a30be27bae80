"""A tenant's account on a remote system, its credentials, and what all workers share about it."""

from __future__ import annotations

import uuid

from django.db import models

from connections.connectors import registry
from connections.fields import EncryptedJSONField
from mlconnector.tenants.scoping import TenantManager


class Connection(models.Model):
    class Status(models.TextChoices):
        UNTESTED = "untested", "Not tested yet"
        HEALTHY = "healthy", "Healthy"
        BROKEN = "broken", "Needs attention"

    tenant = models.ForeignKey("tenants.Tenant", models.CASCADE, related_name="connections")
    connector = models.CharField(max_length=40, choices=registry.choices)
    name = models.CharField(max_length=120)
    config = models.JSONField(default=dict)
    seal_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    secrets = EncryptedJSONField(default=dict)
    token = EncryptedJSONField(null=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.UNTESTED)
    status_text = models.TextField(blank=True)
    held_until = models.DateTimeField(null=True, help_text="No call before this instant (a daily limit, an outage).")
    checked_at = models.DateTimeField(null=True)
    check_report = models.JSONField(default=list)
    capabilities = models.JSONField(default=dict)
    account = models.CharField(max_length=200, blank=True)
    credentials_expire_on = models.DateField(null=True, help_text="As the tenant knows it; reminded of before.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="connection_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name


class Checkup(models.Model):
    """The latest test of a connection that was left to a worker: asked for, under way, or over.

    ``keys`` are created in the account first, ``prepared`` is what became of them. ``prepared`` and ``steps`` are lines
    of a report (``connectors.base.CheckStep``), stored as each is finished. Whoever holds another ``token`` is not, or
    no longer, the one to store anything.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting for a worker"
        RUNNING = "running", "Under way"
        OVER = "over", "Over"

    connection = models.OneToOneField(Connection, models.CASCADE, primary_key=True, related_name="checkup")
    token = models.CharField(max_length=36)
    actor = models.CharField(max_length=120)
    state = models.CharField(max_length=10, choices=State)
    keys = models.JSONField(default=list)
    prepared = models.JSONField(default=list)
    steps = models.JSONField(default=list)
    asked_at = models.DateTimeField()
    heard_at = models.DateTimeField(help_text="The last sign of life of whoever asked for it or does it.")
    ended_at = models.DateTimeField(null=True)

    objects = TenantManager("connection__tenant")


class TokenLock(models.Model):
    """One refresh at a time per connection, over all workers: the holder's lease."""

    connection = models.OneToOneField(Connection, models.CASCADE, primary_key=True, related_name="token_lock")
    holder = models.CharField(max_length=36, blank=True)
    expires_at = models.DateTimeField(null=True)


class RateSlot(models.Model):
    """One call of a connection's budget. Free again one window after the call that took it was answered."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="rate_slots")
    number = models.PositiveIntegerField()
    free_at = models.FloatField(default=0, help_text="Epoch seconds by the database's clock.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "number"], name="rate_slot_once")]
        indexes = [models.Index(fields=["connection", "free_at"], name="rate_slot_by_free_at")]
