"""Where a request may go: a requests adapter that resolves a name once, judges the address, and connects to just that.

The judgement sits in the connection itself, so neither a second DNS answer (rebinding) nor a pooled or re-opened
connection can go round it. A host listed as ``host:port`` in ``ALLOWED_PRIVATE_HOSTS`` is exempt.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError
from urllib3.poolmanager import PoolManager

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Networks that carry an IPv4 address inside, and special ones older Pythons call global.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_REFUSED = [
    ipaddress.ip_network(text)
    for text in ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "64:ff9b:1::/48")
]
_PORTS = {"http": 80, "https": 443}


class AddressRefused(Exception):
    """The address may not be called. The message is fit for the tenant."""


def is_exempt(host: str, port: int | None) -> bool:
    return f"{host.lower()}:{port}" in settings.ALLOWED_PRIVATE_HOSTS


def is_public(address: str) -> bool:
    """Whether ``address`` (any notation of IPv4 or IPv6) lies in the public internet."""
    try:
        found: IPAddress = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = _inner_ipv4(found)
        if inner is not None:
            found = inner
    if any(found.version == network.version and found in network for network in _REFUSED):
        return False
    special = found.is_multicast or found.is_reserved or found.is_unspecified or found.is_loopback
    return found.is_global and not special and not found.is_link_local


def _inner_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def check_url(url: str) -> None:
    """Refuses what can be refused without asking DNS. Raises ``AddressRefused``."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        raise AddressRefused("This is not a web address.") from None
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not host:
        raise AddressRefused("Give a full address beginning with https://.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("Leave user name and password out of the address.")
    if is_exempt(host, port):
        return
    if parts.scheme != "https":
        raise AddressRefused("Only https:// addresses are called.")
    if host == "localhost" or host.endswith(".localhost") or (_is_literal(host) and not is_public(host)):
        raise AddressRefused("Private and local addresses are not called.")


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def resolve(host: str, port: int) -> list[str]:
    """The addresses of ``host``, all public or the host exempt. Raises ``AddressRefused`` or ``socket.gaierror``."""
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    addresses = list(dict.fromkeys(found))
    if not is_exempt(host, port) and not all(is_public(address) for address in addresses):
        # One private answer among public ones is an attack or a mistake; neither is worth a call.
        raise AddressRefused("Private and local addresses are not called.")
    return addresses


class _Pinned(HTTPConnection):
    """Connects to the address that was judged; TLS still verifies the name."""

    def _new_conn(self) -> socket.socket:
        name, port = self._dns_host, int(self.port or 0)
        if self.default_port == _PORTS["http"] and not is_exempt(self.host, port):
            raise AddressRefused("Only https:// addresses are called.")
        try:
            addresses = resolve(name, port)
        except (socket.gaierror, UnicodeError) as error:
            problem = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
            raise NameResolutionError(self.host, self, problem) from None
        failure: Exception | None = None
        for address in addresses:
            self._dns_host = address
            try:
                return super()._new_conn()
            except Exception as error:  # the next address of the same name may answer
                failure = error
            finally:
                self._dns_host = name
        raise failure or NameResolutionError(self.host, self, socket.gaierror("no address"))


class _PinnedTLS(_Pinned, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Pinned


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _PinnedTLS


class PinnedAdapter(HTTPAdapter):
    """Transport adapter of the door. Makes no retries of its own: only the door knows what may be repeated."""

    def __init__(self, pool_size: int) -> None:
        super().__init__(pool_connections=2, pool_maxsize=pool_size, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}


def trusted_certificates() -> str | bool:
    """The operator's own certificate bundle where one is set, else the usual one."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or True
