from __future__ import annotations

from django.apps import AppConfig


class SyncsConfig(AppConfig):
    name = "syncs"

    def ready(self) -> None:
        from mlconnector.tenants.signals import closed
        from syncs.erasure import stop_everything

        closed.connect(stop_everything, dispatch_uid="syncs.tenant_closed")
