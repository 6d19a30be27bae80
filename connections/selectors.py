"""Reading connections for pages, the API and the admin. Nothing here ever returns a secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from connections.connectors import registry
from connections.connectors.base import Setting
from connections.models import Connection


@dataclass(frozen=True, slots=True)
class SettingState:
    """One input of the form with what is stored: the value of a plain setting, or whether a secret is there."""

    setting: Setting
    value: str
    stored: bool


def connections_of(tenant: Any) -> QuerySet[Connection]:
    """By name. Secrets and token are not even loaded."""
    return Connection.objects.for_tenant(tenant).defer("secrets", "token").order_by("name", "pk")


def connection_of(tenant: Any, pk: int) -> Connection:
    """Raises ``Connection.DoesNotExist`` for another tenant's."""
    return Connection.objects.for_tenant(tenant).get(pk=pk)


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
