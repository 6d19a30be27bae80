"""Where a tenant wants to be told of changes of state, what was told there, and the messages under way."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from connections.fields import EncryptedJSONField
from mlconnector.tenants.scoping import TenantManager


class Channel(models.Model):
    """``target`` holds ``address`` and, of a webhook, the ``secret`` it is signed with; ``shown`` is what people may
    see of the address, since the address of a chat is a credential itself."""

    class Kind(models.TextChoices):
        MAIL = "mail", "E-mail"
        SLACK = "slack", "Slack, Mattermost or Google Chat"
        TEAMS = "teams", "Microsoft Teams"
        WEBHOOK = "webhook", "Webhook, for a program"

    class Patience(models.TextChoices):
        AT_ONCE = "at_once", "At once"
        SECOND = "second", "After a second failure, or 15 minutes: a short outage passes unnoticed"

    tenant = models.ForeignKey("tenants.Tenant", models.CASCADE, related_name="channels")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=120)
    target = EncryptedJSONField(default=dict)
    seal_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    shown = models.CharField(max_length=254)
    topics = models.JSONField(default=list)
    patience = models.CharField(max_length=10, choices=Patience, default=Patience.SECOND)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="channel_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name


class Told(models.Model):
    """A trouble of which a channel was told and which has not passed yet. No row: all is well, as far as it knows."""

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="told")
    topic = models.CharField(max_length=20)
    subject = models.CharField(max_length=20)
    name = models.CharField(max_length=120)
    path = models.CharField(max_length=200)
    since = models.DateTimeField(auto_now_add=True)

    objects = TenantManager("channel__tenant")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "topic", "subject"], name="told_once")]


class Message(models.Model):
    """One message to one channel, sent at least once: ``uid`` lets a receiver tell a repetition."""

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="messages")
    uid = models.UUIDField(default=uuid.uuid4, unique=True)
    topic = models.CharField(max_length=20)
    good = models.BooleanField()
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    path = models.CharField(max_length=200, default="/")
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(null=True, help_text="Empty once it was delivered or given up.")
    attempts = models.PositiveIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)
    error_text = models.TextField(blank=True)

    objects = TenantManager("channel__tenant")

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="message_due"),
            models.Index(fields=["channel", "-id"], name="message_by_channel"),
        ]

    @property
    def state(self) -> str:
        """The word for it in lists."""
        if self.delivered_at:
            return "delivered"
        return "waiting" if self.due_at else "failed"
