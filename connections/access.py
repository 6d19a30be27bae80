"""A connection as a connector sees it, and the token its workers share."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from connections import http
from connections.connectors.base import Document
from connections.errors import TransientError
from connections.exchange import Secret
from connections.models import Connection, TokenLock

LEASE_SECONDS = 90.0
POLL_SECONDS = 0.25
PATIENCE_SECONDS = 180.0


class Guarded(dict[str, str]):
    """Secrets that do not show in a repr."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__({name: Secret(value) for name, value in values.items()})

    def __repr__(self) -> str:
        return "<secrets>"


class StoredAccess:
    """``Access`` over a row of ``Connection``. Settings are those of the moment it was made; the token is read anew."""

    def __init__(self, connection: Connection, tick: Callable[[], None] | None = None) -> None:
        self.connection_id: int = connection.pk
        self.tenant_id: int = connection.tenant_id
        self.config: Mapping[str, str] = dict(connection.config)
        self.secrets: Mapping[str, str] = Guarded(connection.secrets)
        self.capabilities: Mapping[str, Any] = dict(connection.capabilities)
        self._tick = tick

    def __repr__(self) -> str:
        return f"<Access to connection {self.connection_id}>"

    def tick(self) -> None:
        if self._tick is not None:
            self._tick()

    def learn(self, name: str, value: Any) -> None:
        self.capabilities = {**self.capabilities, name: value}
        with transaction.atomic():  # a test may be storing all of them just now
            row = self._rows().select_for_update().only("capabilities").get()
            row.capabilities = {**row.capabilities, name: value}
            row.save(update_fields=["capabilities"])

    def token(self) -> Document | None:
        row = self._rows().only("tenant_id", "seal_id", "token").get()
        return dict(row.token) if row.token is not None else None

    def refresh(self, stale: Document | None, obtain: Callable[[], Document]) -> Document:
        """One ``obtain`` at a time over all workers; no transaction is open while it runs.

        Raises what ``obtain`` raises, and ``TransientError`` when others hold the lock beyond patience.
        """
        waited = 0.0
        while waited < PATIENCE_SECONDS:
            current = self.token()
            if current is not None and current != stale:
                return current
            with self._lock() as held:
                if held:
                    return self._replace(stale, obtain)
            http.pause(POLL_SECONDS)
            waited += POLL_SECONDS
            self.tick()
        raise TransientError("Signing in takes too long. It is tried again by itself.", code="sign_in_busy")

    def _replace(self, stale: Document | None, obtain: Callable[[], Document]) -> Document:
        current = self.token()  # another worker may have finished between our look and our lock
        if current is not None and current != stale:
            return current
        token = obtain()
        with transaction.atomic():
            row = self._rows().select_for_update().only("tenant_id", "seal_id", "config", "secrets").first()
            # What was changed or destroyed meanwhile gets no token of what was there before.
            if row is not None and (row.config, row.secrets) == (self.config, self.secrets):
                row.token = token
                row.save(update_fields=["token"])
        return token

    @contextmanager
    def _lock(self) -> Iterator[bool]:
        holder = str(uuid.uuid4())
        locks = TokenLock.objects.filter(pk=self.connection_id)
        free = locks.filter(Q(holder="") | Q(expires_at__lt=Now()))
        if not free.update(holder=holder, expires_at=Now() + timedelta(seconds=LEASE_SECONDS)):
            TokenLock.objects.get_or_create(pk=self.connection_id)
            yield False
            return
        try:
            yield True
        finally:
            locks.filter(holder=holder).update(holder="", expires_at=None)

    def _rows(self) -> Any:
        return Connection.objects.for_tenant(self.tenant_id).filter(pk=self.connection_id)
