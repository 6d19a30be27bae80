"""Signing in: client credentials of the pod's identity domain, or user name and password where a pod needs that."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error  # type: ignore[import-untyped]

from connections.connectors.base import Access, Document
from connections.errors import ConfigError
from connections.http import Call, Door, Secret, Static

from .errors import IDENTITY_TABLE

EARLY = 60.0
"""Seconds before its end at which a token is replaced."""
DEFAULT_LIFE = 3600
NO_HEADERS: Mapping[str, str] = {}


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def password_sign_in(access: Access) -> Static:
    return Static({"Authorization": basic(access.config["username"], access.secrets["password"])})


class ClientCredentials:
    """An ``Authorizer`` with the token all workers of the connection share."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._token: Document | None = None
        self._headers: Mapping[str, str] = NO_HEADERS

    def headers(self) -> Mapping[str, str]:
        if self._token is None:
            self._use(self._access.token() or self._access.refresh(None, self.obtain))
        if self._token is not None and time.time() > float(self._token["expires_at"]) - EARLY:
            self.renew()
        return self._headers

    def known(self) -> Iterable[str]:
        return self._headers.values()

    def renew(self) -> bool:
        self._use(self._access.refresh(self._token, self.obtain))
        return True

    def anew(self) -> None:
        """A token obtained now: one that another worker holds proves nothing about these credentials."""
        self._use(self._access.refresh(self._access.token(), self.obtain))

    def _use(self, token: Document) -> None:
        if token != self._token:
            self._token = token
            self._headers = {"Authorization": Secret(f"Bearer {token['access_token']}")}

    def obtain(self) -> Document:
        """A new token from the identity domain. Raises ``ConfigError`` naming the setting to correct."""
        config = self._access.config
        client = BackendApplicationClient(config["client_id"])
        address = urlsplit(config["token_url"])
        call = Call(
            "POST",
            address.path,
            data=client.prepare_request_body(scope=config["scope"]).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            idempotent=True,
            label="the token",
        )
        sign = Static({"Authorization": basic(config["client_id"], self._access.secrets["client_secret"])})
        common: dict[str, Any] = {"errors": IDENTITY_TABLE, "parallel": 1, "timeout": (10, 30)}
        with Door(f"{address.scheme}://{address.netloc}", access=self._access, authorize=sign, **common) as door:
            body = door.send(call).body
        try:
            token = client.parse_request_body_response(json.dumps(body))
        except OAuth2Error:
            raise ConfigError(
                "The identity domain answered without a token. Check its address.", code="fusion_no_token"
            ) from None
        life = float(token.get("expires_in") or DEFAULT_LIFE)
        # A life shorter than the margin would otherwise mean a new token with each call.
        ends = time.time() + max(life, EARLY + 1)
        return {"access_token": token["access_token"], "expires_at": ends}
