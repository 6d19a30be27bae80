from __future__ import annotations

from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "connections"

    def ready(self) -> None:
        from connections.closing import destroy_credentials
        from mlconnector.tenants.signals import closed

        closed.connect(destroy_credentials, dispatch_uid="connections.tenant_closed")
