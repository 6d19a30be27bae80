"""What makes the trail append-only: triggers of the database itself, for both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "audit_auditentry"
_REFUSAL = "the audit trail is append-only"

_POSTGRESQL = (
    f"""
    CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '{_REFUSAL}: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
    END $$
    """,
    f"""
    CREATE TRIGGER audit_entry_no_change BEFORE UPDATE OR DELETE ON {TABLE}
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change()
    """,
    f"""
    CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON {TABLE}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()
    """,
    # Also when a session replays changes as a replica, where ordinary triggers sleep.
    f"ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER audit_entry_no_change",
    f"ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER audit_entry_no_truncate",
)
# REPLACE deletes without firing delete triggers, hence the third.
_SQLITE = (
    f"""
    CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON {TABLE}
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}: UPDATE is refused'); END
    """,
    f"""
    CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON {TABLE}
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}: DELETE is refused'); END
    """,
    f"""
    CREATE TRIGGER audit_entry_no_replace BEFORE INSERT ON {TABLE}
    WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id OR (tenant_id = NEW.tenant_id AND sequence = NEW.sequence))
    BEGIN SELECT RAISE(ABORT, '{_REFUSAL}: REPLACE is refused'); END
    """,  # noqa: S608
)
_REMOVE = {
    "postgresql": (
        f"DROP TRIGGER IF EXISTS audit_entry_no_change ON {TABLE}",
        f"DROP TRIGGER IF EXISTS audit_entry_no_truncate ON {TABLE}",
        "DROP FUNCTION IF EXISTS audit_refuse_change()",
    ),
    "sqlite": tuple(
        f"DROP TRIGGER IF EXISTS {name}"
        for name in ("audit_entry_no_update", "audit_entry_no_delete", "audit_entry_no_replace")
    ),
}
_INSTALL = {"postgresql": _POSTGRESQL, "sqlite": _SQLITE}


def install(connection: BaseDatabaseWrapper) -> None:
    """Repeating is harmless."""
    _execute(connection, _REMOVE)
    _execute(connection, _INSTALL)


def remove(connection: BaseDatabaseWrapper) -> None:
    _execute(connection, _REMOVE)


def installed(connection: BaseDatabaseWrapper) -> bool:
    """Whether all of them stand; operators are told if someone took one away."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname LIKE 'audit_entry_no_%%' "
                "AND tgenabled = 'A'",
                [TABLE],
            )
            return bool(cursor.fetchone()[0] == 2)
        cursor.execute(
            "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s "
            "AND name LIKE 'audit_entry_no_%%'",
            [TABLE],
        )
        return bool(cursor.fetchone()[0] == 3)


@contextmanager
def lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """For test suites that empty their database between tests. Nothing in the product calls it."""
    connection.check_constraints()  # PostgreSQL alters no table with foreign keys still to be checked
    remove(connection)
    try:
        yield
    finally:
        connection.check_constraints()
        install(connection)


def _execute(connection: BaseDatabaseWrapper, statements: dict[str, tuple[str, ...]]) -> None:
    with connection.cursor() as cursor:
        for statement in statements[connection.vendor]:
            cursor.execute(statement)
