"""What becomes of a workspace's connections when it is deleted."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from audit.services import Entry, append, encode
from connections.models import Checkup, Connection


def destroy_credentials(sender: Any, *, tenant_id: int, actor: str, **_: Any) -> None:
    """At once, and over what is stored: a row that is only deleted may be read in the database's files for a while."""
    for connection in Connection.objects.for_tenant(tenant_id):
        connection.secrets, connection.token = {}, None
        connection.status, connection.status_text = Connection.Status.BROKEN, "The workspace was deleted."
        connection.save(update_fields=["secrets", "token", "status", "status_text"])
        append(tenant_id, [_entry(connection, actor)])
    Checkup.objects.for_tenant(tenant_id).delete()  # a test under way has nothing left to say


def _entry(connection: Connection, actor: str) -> Entry:
    detail = encode({"name": connection.name})
    return Entry(
        "connection.destroyed", "done", actor=actor, destination_ref=f"connection:{connection.pk}", detail=detail
    )


@transaction.atomic
def delete_connections(tenant_id: int) -> int:
    """Those that no sync uses any more. Returns how many rows went, of all kinds."""
    deleted, _ = Connection.objects.for_tenant(tenant_id).filter(source_syncs=None, destination_syncs=None).delete()
    return deleted
