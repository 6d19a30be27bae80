"""What all workers of a connection share: the rate budget and the token. With real threads, processes and sockets."""

from __future__ import annotations

import multiprocessing
import os
import socketserver
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.db import connections as databases
from django.utils import timezone

from connections.access import StoredAccess
from connections.budget import Budget
from connections.connectors.base import Document
from connections.errors import ConfigError
from connections.http import Call, Door, ErrorTable
from connections.models import Connection, RateSlot, TokenLock
from tests.stub import StubAccess

pytestmark = pytest.mark.django_db(transaction=True)
CALLS, WINDOW, SECONDS = 20, 1.0, 4.0


@pytest.fixture
def connection(transactional_db: None) -> Connection:
    from mlconnector.tenants.models import Tenant

    tenant = Tenant.objects.create(name="Meridian Trading")
    row = Connection.objects.create(tenant=tenant, connector="oracle_fusion", name="ERP", secrets={"a": "b"})
    TokenLock.objects.create(connection=row)
    return row


class Counting(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.arrivals: list[float] = []

    def largest_window(self) -> int:
        times, start, most = sorted(self.arrivals), 0, 0
        for end, at in enumerate(times):
            while at - times[start] > WINDOW:
                start += 1
            most = max(most, end - start + 1)
        return most


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Counting

    def log_message(self, *args: Any) -> None: ...

    def do_GET(self) -> None:
        self.server.arrivals.append(time.monotonic())
        time.sleep(0.01)
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


@pytest.fixture
def server(settings: Any) -> Iterator[Counting]:
    with Counting() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        settings.ALLOWED_PRIVATE_HOSTS = [f"127.0.0.1:{running.server_address[1]}"]
        yield running
        running.shutdown()
        thread.join()


def call_for(seconds: float, connection_id: int, port: int) -> None:
    budget = Budget(connection_id, CALLS, WINDOW)
    door = Door(f"http://127.0.0.1:{port}", access=StubAccess(), errors=ErrorTable("Ledger"), budget=budget)
    end = time.monotonic() + seconds

    def calls() -> Iterator[Call]:
        while time.monotonic() < end:
            yield Call("GET", "/")

    for _ in door.send_many(calls()):
        pass
    door.close()
    databases.close_all()


def check(server: Counting) -> None:
    assert server.largest_window() <= CALLS
    assert len(server.arrivals) >= 0.9 * CALLS * SECONDS / WINDOW


def test_one_worker_uses_the_limit_and_never_exceeds_it(connection: Connection, server: Counting) -> None:
    call_for(SECONDS, connection.pk, server.server_address[1])
    check(server)


def test_three_threads_share_one_limit(connection: Connection, server: Counting) -> None:
    arguments = (SECONDS, connection.pk, server.server_address[1])
    threads = [threading.Thread(target=call_for, args=arguments) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(server)


def test_three_processes_share_one_limit(connection: Connection, server: Counting) -> None:
    arguments = (SECONDS, connection.pk, server.server_address[1])
    databases.close_all()
    processes = [multiprocessing.get_context("fork").Process(target=_child, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    check(server)


def _child(seconds: float, connection_id: int, port: int) -> None:
    try:
        call_for(seconds, connection_id, port)
    except BaseException:
        os._exit(1)
    os._exit(0)


def test_a_slot_of_a_dead_worker_comes_back(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connections.budget.GRACE", 0.2)
    budget = Budget(connection.pk, 1, 0.1)
    slot, _ = budget.take()
    assert slot is not None
    refused, wait = budget.take()
    assert refused is None
    assert 0 < wait <= 0.3
    time.sleep(0.35)
    assert budget.take()[0] == slot


def test_a_lower_limit_leaves_slots_unused_and_none_costs_nothing(
    connection: Connection, django_assert_num_queries: Any
) -> None:
    budget = Budget(connection.pk, 5)
    assert budget.take()[0] is not None
    budget.lower(2)
    assert budget.take()[0] is not None
    assert budget.take()[0] is None
    assert RateSlot.objects.filter(connection=connection).count() == 5
    with django_assert_num_queries(0):
        assert Budget(connection.pk, None).take() == (None, 0.0)


# The token


def test_ten_workers_sign_in_once(connection: Connection) -> None:
    obtained: list[int] = []
    results: list[Document] = []

    def obtain() -> Document:
        obtained.append(1)
        time.sleep(0.3)
        return {"access_token": f"token-{len(obtained)}"}

    def work() -> None:
        results.append(StoredAccess(connection).refresh(None, obtain))
        databases.close_all()

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(obtained) == 1
    assert results == [{"access_token": "token-1"}] * 10


def test_a_token_is_replaced_only_by_who_saw_it_fail(connection: Connection) -> None:
    access = StoredAccess(connection)
    first = access.refresh(None, lambda: {"access_token": "one"})
    second = access.refresh(first, lambda: {"access_token": "two"})
    assert access.refresh(first, lambda: pytest.fail("another worker has replaced it")) == second


def test_the_lock_of_a_dead_worker_expires(connection: Connection) -> None:
    past = timezone.now() - timedelta(seconds=1)
    TokenLock.objects.filter(pk=connection.pk).update(holder="dead", expires_at=past)
    assert StoredAccess(connection).refresh(None, lambda: {"access_token": "x"}) == {"access_token": "x"}
    assert TokenLock.objects.get().holder == ""


def test_no_transaction_is_open_while_signing_in_and_a_failure_frees_the_lock(connection: Connection) -> None:
    def obtain() -> Document:
        assert not databases["default"].in_atomic_block
        raise ConfigError("wrong secret")

    with pytest.raises(ConfigError):
        StoredAccess(connection).refresh(None, obtain)
    assert TokenLock.objects.get().holder == ""
