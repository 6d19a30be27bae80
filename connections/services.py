"""What can be done with a connection. Refused input is a ``ValidationError`` by field; all of it is in the trail."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from audit.services import Entry, append, encode
from connections.access import StoredAccess
from connections.connectors import registry
from connections.connectors.base import CheckReport, CheckStep, Connector, Preparation
from connections.errors import ConnectorError, TransientError
from connections.forms import clean_config, clean_secrets, hosts_of
from connections.models import Checkup, Connection, TokenLock
from mlconnector.times import zone_called

Values = Mapping[str, str]
PATIENCE_SECONDS = 45.0
SCHEDULE = "schedule"
"""The actor of what the clock asks for."""


def create_connection(
    tenant: Any, connector: str, name: str, config: Values, secrets: Values, actor: str
) -> Connection:
    """An untested connection of ``tenant`` (instance). ``connector`` is a registry key."""
    kind = _kind(connector)
    wanted = clean_config(kind, config)
    given = clean_secrets(kind, wanted, secrets)
    connection = Connection(tenant=tenant, connector=connector, name=_name(name), config=wanted, secrets=given)
    with transaction.atomic():
        _save_new(connection)
        TokenLock.objects.create(connection=connection)
        _note(connection, "connection.created", actor, after={"name": connection.name, **wanted})
    return connection


def update_connection(
    connection: Connection,
    *,
    actor: str,
    name: str | None = None,
    config: Values | None = None,
    secrets: Values | None = None,
) -> Connection:
    """Changes what is given. Another address takes no stored credential along: they are entered again."""
    kind = _kind(connection.connector)
    before = {"name": connection.name, **connection.config}
    wanted = clean_config(kind, config) if config is not None else dict(connection.config)
    moved = set(hosts_of(kind, wanted)) - set(hosts_of(kind, connection.config))
    kept: Values = {} if moved else connection.secrets
    if moved and not secrets:
        raise ValidationError({"secrets": "The address changes: enter the credentials again."})
    given = clean_secrets(kind, wanted, {**kept, **_filled(secrets)})
    connection.name = _name(name) if name is not None else connection.name
    changed = wanted != connection.config or bool(_filled(secrets))
    connection.config, connection.secrets = wanted, given
    fields = ["name", "config", "secrets"]
    if changed:
        fields += _untest(connection)
    with transaction.atomic():
        _save(connection, fields)
        if changed:  # what is being tested now are the old settings
            Checkup.objects.for_tenant(connection.tenant_id).filter(pk=connection.pk).delete()
        after = {"name": connection.name, **wanted}
        _note(connection, "connection.changed", actor, before=before, after=after, replaced=sorted(_filled(secrets)))
    return connection


def replace_secrets(connection: Connection, secrets: Values, actor: str) -> Connection:
    """New credentials for the same account; empty ones keep what is stored. Records, cursors and flows stay."""
    if not _filled(secrets):
        raise ValidationError({"secrets": "Enter the new credential."})
    return update_connection(connection, actor=actor, secrets=secrets)


def set_expiry(connection: Connection, on: date | None, actor: str) -> None:
    """The day on which the credentials end, as the tenant knows it; None where it does not, or they never do."""
    before = connection.credentials_expire_on
    if on == before:
        return
    if on is not None and on < today(connection.tenant):
        raise ValidationError({"credentials_expire_on": "This day is over. Leave it empty where there is none."})
    connection.credentials_expire_on = on
    with transaction.atomic():
        connection.save(update_fields=["credentials_expire_on"])
        days = ({"credentials_expire_on": before}, {"credentials_expire_on": on})
        _note(connection, "connection.changed", actor, before=days[0], after=days[1])


def today(tenant: Any) -> date:
    """By the tenant's own clock."""
    return timezone.now().astimezone(zone_called(tenant.time_zone)).date()


def delete(connection: Connection, actor: str) -> None:
    """Refused while a sync uses it."""
    with transaction.atomic():
        _note(connection, "connection.deleted", actor, before={"name": connection.name, **connection.config})
        try:
            connection.delete()
        except ProtectedError:
            raise ValidationError("A sync uses this connection. Delete the sync first.") from None


def access_for(connection: Connection, tick: Callable[[], None] | None = None) -> StoredAccess:
    """The connection as its connector sees it. ``tick`` is called before each call and while waiting."""
    return StoredAccess(connection, tick)


def patience(seconds: float = PATIENCE_SECONDS) -> Callable[[], None]:
    """A tick that ends the calls while someone still waits for them; runs take as long as it takes."""
    end = time.monotonic() + seconds
    return lambda: give_up_after(end)


def give_up_after(end: float) -> None:
    """``end`` by the monotonic clock."""
    if time.monotonic() > end:
        raise TransientError("The system does not answer in time. Test again in a few minutes.", code="too_slow")


def test_connection(connection: Connection, actor: str) -> CheckReport:
    """Runs the connector's check while the caller waits. Never raises for what the remote system says."""
    report = examine(connection)
    with transaction.atomic():
        keep(connection, report, actor)
    return report


def examine(
    connection: Connection,
    *,
    tick: Callable[[], None] | None = None,
    hear: Callable[[CheckStep], None] | None = None,
) -> CheckReport:
    """What the connector's check finds; ``hear`` is told of each step at once. Stores nothing.

    The capability ``missing`` lists what the account lacks (``Preparation`` as JSON), where that could be found out.
    """
    kind = _kind(connection.connector)
    access = access_for(connection, tick or patience())
    report = CheckReport(hear=hear)
    try:
        kind.check(access, report)
        if report.ok:
            report.capabilities["missing"] = [asdict(each) for each in kind.missing(access)]
    except ConnectorError as error:
        report.add(CheckStep.of("check", "Connection", error))
    if not report.ok:
        report.capabilities = {**connection.capabilities, **report.capabilities}
    return report


def keep(connection: Connection, report: CheckReport, actor: str) -> None:
    """Stores what a test found, inside the caller's transaction.

    Neither an outage nor the refusal of a single object speaks against a connection that was healthy: it stays so, and
    the flows that can go on do. The clock's own tests are in the trail only where they change something.
    """
    before = connection.status
    _judge(connection, report)
    fields = ["status", "status_text", "checked_at", "check_report", "capabilities", "account", "held_until"]
    connection.save(update_fields=fields)
    status = Connection.Status
    if actor != SCHEDULE:
        steps = [{"key": step.key, "outcome": step.outcome} for step in report.steps]
        _note(connection, "connection.tested", actor, "ok" if report.ok else "failed", steps=steps)
    elif before != status.BROKEN and connection.status == status.BROKEN:
        _note(connection, "connection.broken", actor, "failed", text=connection.status_text)
    if before == status.BROKEN and connection.status == status.HEALTHY:
        _note(connection, "connection.healed", actor, "ok")


def missing(connection: Connection) -> list[Preparation]:
    """What the account lacks. Raises from ``connections.errors``."""
    return _kind(connection.connector).missing(access_for(connection, patience()))


def prepare_connection(connection: Connection, keys: Sequence[str], actor: str) -> list[CheckStep]:
    """Creates what the account lacks, then tests again, since that changes what the account can do."""
    steps = create_missing(connection, keys, actor)
    test_connection(connection, actor)
    return steps


def create_missing(
    connection: Connection, keys: Sequence[str], actor: str, tick: Callable[[], None] | None = None
) -> list[CheckStep]:
    """Raises from ``connections.errors`` where nothing could be created; what one part lacks is in its own step."""
    steps = _kind(connection.connector).prepare(access_for(connection, tick or patience()), keys)
    done = [asdict(step) for step in steps]
    outcome = "failed" if any(step.outcome == "failed" for step in steps) else "ok"
    with transaction.atomic():
        _note(connection, "connection.prepared", actor, outcome, steps=done)
    return steps


def keep_allowance(connection: Connection, door: Any) -> None:
    """Stores what a vendor said is left of the day's calls, where it said so."""
    if door.allowance is not None:
        access_for(connection).learn("allowance", dict(door.allowance))


def hold(connection: Connection, until: datetime, text: str) -> None:
    """No run starts on this connection before ``until`` (a daily limit, an outage)."""
    if connection.held_until is not None and connection.held_until >= until:
        return
    connection.held_until, connection.status_text = until, text
    with transaction.atomic():
        connection.save(update_fields=["held_until", "status_text"])
        _note(connection, "connection.held", "worker", until=until.isoformat(), text=text)


def mark_broken(connection: Connection, error: ConnectorError) -> None:
    """Nothing runs on this connection until the tenant changed something and the test passes."""
    repeated = connection.status == Connection.Status.BROKEN and connection.status_text == error.text
    connection.status, connection.status_text = Connection.Status.BROKEN, error.text
    if repeated:
        return
    with transaction.atomic():
        connection.save(update_fields=["status", "status_text"])
        _note(connection, "connection.broken", "worker", "failed", code=error.code, text=error.text)


# Parts


def _kind(connector: str) -> Connector:
    try:
        return registry.get(connector)
    except KeyError:
        raise ValidationError({"connector": "Choose one of the systems."}) from None


def _name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 120:
        raise ValidationError({"name": "Give a name of at most 120 characters."})
    return name


def _filled(secrets: Values | None) -> dict[str, str]:
    return {name: value for name, value in (secrets or {}).items() if value}


def _untest(connection: Connection) -> list[str]:
    connection.token = None
    connection.status, connection.status_text = Connection.Status.UNTESTED, ""
    connection.check_report, connection.capabilities, connection.checked_at = [], {}, None
    connection.held_until = None
    return ["token", "status", "status_text", "check_report", "capabilities", "checked_at", "held_until"]


def _judge(connection: Connection, report: CheckReport) -> None:
    status = Connection.Status
    connection.checked_at = timezone.now()
    connection.check_report = [asdict(step) for step in report.steps]
    connection.capabilities = report.capabilities
    if report.ok:
        connection.status, connection.status_text = status.HEALTHY, ""
        connection.account, connection.held_until = report.account[:200], None
        return
    tolerable = {status.HEALTHY: report.usable, status.BROKEN: report.outage}
    if not tolerable.get(status(connection.status), False):
        failed = next(step for step in report.failed if report.outage or not step.passing)
        connection.status = status.BROKEN
        connection.status_text = " ".join(filter(None, (failed.text, failed.advice)))


def _save_new(connection: Connection) -> None:
    try:
        with transaction.atomic():
            connection.save()
    except IntegrityError:
        raise ValidationError({"name": "There is a connection of this name already."}) from None


def _save(connection: Connection, fields: list[str]) -> None:
    try:
        with transaction.atomic():
            connection.save(update_fields=fields)
    except IntegrityError:
        raise ValidationError({"name": "There is a connection of this name already."}) from None


def _note(connection: Connection, action: str, actor: str, outcome: str = "done", **detail: Any) -> None:
    subject = f"connection:{connection.pk}"
    entry = Entry(
        action, outcome, actor=actor, destination_ref=subject, detail=encode({"name": connection.name, **detail})
    )
    append(connection.tenant_id, [entry])
