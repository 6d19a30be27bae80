"""Accounts on simulated systems, for whoever has none of their own at hand. Only where the operator offers them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from connections import services
from connections.models import Connection


def offered(connector: str) -> bool:
    return connector in settings.SANDBOX_ACCOUNTS


def connect(tenant: Any, connector: str, actor: str) -> Connection:
    """The tenant's connection to the simulated system: the one it has, or a new, untested one.

    Raises ``ValidationError`` where none is offered.
    """
    account: Mapping[str, Any] | None = settings.SANDBOX_ACCOUNTS.get(connector)
    if account is None:
        raise ValidationError("There is no sandbox of this system here.")
    mine = list(Connection.objects.for_tenant(tenant).defer("secrets", "token"))
    for connection in mine:
        if connection.connector == connector and account["config"].items() <= connection.config.items():
            return connection
    taken = {connection.name for connection in mine}
    name = next(name for name in _names(account["name"]) if name not in taken)
    return services.create_connection(tenant, connector, name, account["config"], account["secrets"], actor)


def _names(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name} {number}"
        number += 1
