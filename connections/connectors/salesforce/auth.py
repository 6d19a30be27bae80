"""Signing in: OAuth 2.0 client credentials on the org's own My Domain.

No answer tells how long a token lives, and using it makes it live longer: it is used until Salesforce refuses it, then
one worker gets a new one for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from connections.connectors.base import Access, Document
from connections.errors import ConfigError
from connections.http import Call, Door, Secret
from connections.transport import AddressRefused, check_url

from .errors import TOKEN_TABLE
from .line import OrgDoor

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105
HOMES = (".salesforce.com", ".force.com", ".salesforce.mil", ".sfcrmproducts.cn")
NO_HEADERS: Mapping[str, str] = {}


class ClientCredentials:
    """An ``Authorizer`` of one door, with the token all workers of the connection share.

    ``alone``: a token of its own, neither taken from the others nor given to them; so a test of the credentials proves
    something and disturbs nobody.
    """

    def __init__(self, access: Access, *, alone: bool = False, keep_reserve: bool = True) -> None:
        self._access = access
        self._alone = alone
        self._keep_reserve = keep_reserve
        self._token: Document | None = None
        self._headers: Mapping[str, str] = NO_HEADERS
        self._door: OrgDoor | None = None

    def serve(self, door: OrgDoor) -> None:
        """The door this signs for: its base address follows the token."""
        self._door = door
        door.authorize = self

    @property
    def user_id(self) -> str:
        """The Run-As user, from the identity address of the token; "" where it was not given."""
        return str((self._token or {}).get("user_id") or "")

    def headers(self) -> Mapping[str, str]:
        if self._keep_reserve and self._door is not None:
            self._door.room.check()
        if self._token is None:
            self.sign_in()
        return self._headers

    def known(self) -> Iterable[str]:
        return self._headers.values()

    def sign_in(self) -> None:
        if self._alone:
            self._use(self.obtain())
        else:
            self._use(self._access.token() or self._access.refresh(None, self.obtain))

    def renew(self) -> bool:
        if self._door is not None and self._door.wire.final.is_set():
            self._door.wire.final.clear()
            return False
        self._use(self.obtain() if self._alone else self._access.refresh(self._token, self.obtain))
        return True

    def obtain(self) -> Document:
        """A new token. Raises ``ConfigError`` naming what to correct in the connection or in the org."""
        config = self._access.config
        form = {
            "grant_type": "client_credentials",
            "client_id": config["client_id"],
            "client_secret": self._access.secrets["client_secret"].strip(),
        }
        call = Call("POST", TOKEN_PATH, data=form, idempotent=True, label="the token")
        home = config["my_domain_url"]
        with Door(home, access=self._access, errors=TOKEN_TABLE, parallel=1, timeout=(10, 30)) as door:
            body = door.send(call).body
        if not isinstance(body, Mapping) or not body.get("access_token"):
            text = "Salesforce answered without a token. Check the My Domain address."
            raise ConfigError(text, code="salesforce_no_token")
        identity = str(body.get("id") or "").rstrip("/").split("/")
        return {
            "access_token": str(body["access_token"]),
            "instance_url": instance(str(body.get("instance_url") or home), home),
            "issued_at": str(body.get("issued_at") or ""),
            "org_id": identity[-2] if len(identity) > 2 else "",
            "user_id": identity[-1] if len(identity) > 2 else "",
        }

    def _use(self, token: Document) -> None:
        if token == self._token:
            return
        base = instance(str(token["instance_url"]), self._access.config["my_domain_url"])
        self._token = token
        self._headers = {"Authorization": Secret(f"Bearer {token['access_token']}")}
        if self._door is not None:
            self._door.base_url = base


def instance(url: str, home: str) -> str:
    """The base address a token answer names, where a token of ``home`` may be sent there: home itself or Salesforce.

    Raises ``ConfigError`` otherwise.
    """
    parts, own = urlsplit(url), urlsplit(home)
    base = f"{parts.scheme}://{parts.netloc}"
    same = (parts.scheme, parts.netloc.lower()) == (own.scheme, own.netloc.lower())
    if not same:
        vendor = parts.scheme == "https" and (parts.hostname or "").endswith(HOMES)
        try:
            check_url(base)
        except AddressRefused:
            vendor = False
        if not vendor:
            text = (
                "The sign-in points to a host that is not Salesforce's; it was not called. Check the My Domain address."
            )
            raise ConfigError(text, code="salesforce_foreign_host")
    return base
