from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connections

from audit import triggers


@register(Tags.database)
def append_only(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Runs with ``check --database default`` and before a migration, where the table may not exist yet. A warning
    only, since an error would also stop the migration that repairs it; ``doctor`` takes it for a failure."""
    for alias in databases or []:
        connection = connections[alias]
        if triggers.TABLE in connection.introspection.table_names() and not triggers.installed(connection):
            text = "The triggers that keep the audit trail append-only are missing."
            hint = "Run: manage.py migrate audit 0001 --fake, then manage.py migrate audit. Then audit_verify."
            return [Warning(text, hint=hint, id="audit.W001")]
    return []
