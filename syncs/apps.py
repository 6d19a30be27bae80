from __future__ import annotations

from django.apps import AppConfig


class SyncsConfig(AppConfig):
    name = "syncs"

    def ready(self) -> None:
        from mlconnector.tenants.signals import closed, left
        from syncs.attention.care import give_back
        from syncs.erasure import stop_everything

        closed.connect(stop_everything, dispatch_uid="syncs.tenant_closed")
        left.connect(give_back, dispatch_uid="syncs.member_left")
