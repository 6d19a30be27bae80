from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    """The sign of life of one worker process of a queue, written whenever it starts or ends a task."""

    queue = models.CharField(max_length=40)
    host = models.CharField(max_length=120)
    pid = models.PositiveIntegerField()
    at = models.DateTimeField()
    busy = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["queue", "host", "pid"], name="heartbeat_once_per_worker")]
        indexes = [models.Index(fields=["queue", "-at"], name="heartbeat_by_queue")]
