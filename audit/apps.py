from __future__ import annotations

from typing import Any

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit import checks  # noqa: F401  (registers itself)
        from audit.exports import refuse_closing
        from mlconnector.tenants.signals import changed, closing

        changed.connect(_record_change, dispatch_uid="audit.tenant_changed")
        closing.connect(refuse_closing, dispatch_uid="audit.tenant_closing")


def _record_change(
    sender: Any, *, tenant_id: int, actor: str, action: str, subject: str, before: Any, after: Any, **_: Any
) -> None:
    from audit.services import Entry, append, encode

    detail = encode({"before": before, "after": after})
    append(tenant_id, [Entry(action, "done", actor=actor, source_ref=subject, detail=detail)])
