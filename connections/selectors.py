"""Reading connections for pages, the API and the admin. Nothing here ever returns a secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from connections import services
from connections.connectors import registry
from connections.connectors.base import Setting
from connections.models import Connection

REMIND_DAYS = 30


@dataclass(frozen=True, slots=True)
class SettingState:
    """One input of the form with what is stored: the value of a plain setting, or whether a secret is there."""

    setting: Setting
    value: str
    stored: bool


def connections_of(tenant: Any) -> QuerySet[Connection]:
    """By name. Secrets and token are not even loaded."""
    return (
        Connection.objects.for_tenant(tenant).defer("secrets", "token").select_related("tenant").order_by("name", "pk")
    )


def connection_of(tenant: Any, pk: int) -> Connection:
    """Raises ``Connection.DoesNotExist`` for another tenant's."""
    return Connection.objects.for_tenant(tenant).get(pk=pk)


def used_by(connection: Connection) -> list[Any]:
    """The syncs that read or write over it, as their members see them."""
    syncs = (connection.source_syncs, connection.destination_syncs)
    return [sync for side in syncs for sync in side.for_tenant(connection.tenant_id)]


def days_left(connection: Connection) -> int | None:
    """Until the credentials expire, where that is soon; negative once they have. None: nothing to say of it."""
    if connection.credentials_expire_on is None:
        return None
    left = (connection.credentials_expire_on - services.today(connection.tenant)).days
    return left if left <= REMIND_DAYS else None


def grouped(preparations: Sequence[Mapping[str, str]]) -> list[tuple[str, list[Mapping[str, str]]]]:
    """What an account lacks under its headings, in the order in which they first appear."""
    groups: dict[str, list[Mapping[str, str]]] = {}
    for each in preparations:
        groups.setdefault(each["group"], []).append(each)
    return list(groups.items())


def settings_of(connection: Connection) -> list[SettingState]:
    secrets = connection.secrets
    return [
        SettingState(setting, "", bool(secrets.get(setting.name)))
        if setting.secret
        else SettingState(
            setting, connection.config.get(setting.name, setting.default), setting.name in connection.config
        )
        for setting in registry.get(connection.connector).settings
    ]
