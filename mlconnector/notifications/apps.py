from __future__ import annotations

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "mlconnector.notifications"
    label = "notifications"

    def ready(self) -> None:
        from mlconnector.notifications.services import forget_channels
        from mlconnector.tenants.signals import closed

        closed.connect(forget_channels, dispatch_uid="notifications.tenant_closed")
