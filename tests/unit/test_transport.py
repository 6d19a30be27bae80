"""Where the door will not go."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from connections import http, transport
from connections.errors import ConfigError, TransientError
from connections.http import Call, Door, ErrorTable
from tests.stub import StubAccess

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",  # noqa: S104
    "192.0.0.8", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0",
    "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::1", "2002:a00:1::",
    "64:ff9b::7f00:1", "64:ff9b:1::1", "2001:db8::1", "not an address",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_not_public(address: str) -> None:
    assert not transport.is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are(address: str) -> None:
    assert transport.is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://erp.example.com", "ftp://erp.example.com", "erp.example.com", "https://", "https://user:pw@example.com",
        "https://127.0.0.1", "https://[::1]", "https://[::ffff:10.0.0.1]", "https://10.0.0.1:8443", "https://localhost",
        "https://a.localhost", "https://example.com:99999", "https://169.254.169.254/latest",
    ],
)  # fmt: skip
def test_an_address_that_may_not_be_called_makes_no_door(url: str) -> None:
    with pytest.raises(ConfigError):
        Door(url, access=StubAccess(), errors=ErrorTable("Ledger"))


@pytest.fixture
def server() -> Iterator[int]:
    """Counts nothing, answers {} to anything, on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        running = threading.Event()
        running.set()

        def serve() -> None:
            while running.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        running.clear()
        thread.join()


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """DNS gives these addresses, one list a question, the last one for ever."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(transport.socket, "getaddrinfo", getaddrinfo)
    return asked


def get(url: str) -> Any:
    return Door(url, access=StubAccess(), errors=ErrorTable("Ledger"), timeout=(1, 1)).send(Call("GET", "/")).body


def test_a_name_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, ["10.0.0.7"])
    with pytest.raises(ConfigError) as caught:
        get("https://erp.example.com")
    assert caught.value.code == "address_refused"


def test_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, ["8.8.8.8", "127.0.0.1"])
    with pytest.raises(ConfigError):
        get("https://erp.example.com")


def test_the_address_judged_is_the_address_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second DNS answer that leads inside changes nothing: nobody asks a second time."""
    asked = names(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    called: list[str] = []

    def connect(address: tuple[str, int], *args: Any, **kwargs: Any) -> Any:
        called.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    monkeypatch.setattr(http, "pause", lambda seconds: None)
    monkeypatch.setattr("django.conf.settings.HTTP_MAX_RETRIES", 0)
    with pytest.raises(TransientError):
        get("https://erp.example.com")
    assert (asked, called) == (["erp.example.com"], ["8.8.8.8"])


def test_numbers_that_mean_loopback_are_refused() -> None:
    for host in ("2130706433", "0x7f000001", "0177.0.0.1"):
        with pytest.raises(ConfigError):
            get(f"https://{host}")


def test_plain_http_and_loopback_only_for_a_listed_host(server: int, settings: Any) -> None:
    with pytest.raises(ConfigError):
        get(f"http://127.0.0.1:{server}")
    settings.ALLOWED_PRIVATE_HOSTS = [f"127.0.0.1:{server}"]
    assert get(f"http://127.0.0.1:{server}") == {}
    with pytest.raises(ConfigError):
        get(f"http://localhost:{server}")
    with pytest.raises(ConfigError):
        get("http://127.0.0.1:1")


def test_an_exemption_taken_away_holds_for_a_door_that_is_open(server: int, settings: Any) -> None:
    settings.ALLOWED_PRIVATE_HOSTS = [f"127.0.0.1:{server}"]
    door = Door(f"http://127.0.0.1:{server}", access=StubAccess(), errors=ErrorTable("Ledger"))
    assert door.send(Call("GET", "/")).body == {}
    settings.ALLOWED_PRIVATE_HOSTS = []
    with pytest.raises(ConfigError):
        door.send(Call("GET", "/"))


def test_a_server_that_dribbles_is_cut_off(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        settings.ALLOWED_PRIVATE_HOSTS = [f"127.0.0.1:{port}"]
        settings.HTTP_MAX_RETRIES = 0

        def dribble() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                for _ in range(200):
                    try:
                        connection.sendall(b" ")
                    except OSError:
                        return
                    stop.wait(0.02)

        stop = threading.Event()
        thread = threading.Thread(target=dribble)
        thread.start()
        door = Door(
            f"http://127.0.0.1:{port}",
            access=StubAccess(),
            errors=ErrorTable("Ledger"),
            timeout=(1, 1),
            max_seconds=0.3,
        )
        with pytest.raises(TransientError) as caught:
            door.send(Call("GET", "/"))
        assert caught.value.code == "timeout"
        stop.set()
        thread.join()
