"""HubSpot's burst limit: never exceeded, nearly all of it used, whatever the number of workers."""

from __future__ import annotations

import functools
import threading
from typing import Any

import pytest
from django.db import connections as databases

from connections import services
from connections.budget import Budget
from connections.connectors import registry
from connections.connectors.hubspot import connector
from connections.http import Call
from connections.sandbox.hubspot import limits
from connections.sandbox.hubspot.switches import DEMO_TOKEN
from connections.sandbox.sandbox import Sandbox
from connections.sandbox.stats import busiest_window
from tests.stub import checked

WINDOW = 2.0
TIER = 100
CALLS = 360


@pytest.mark.either_database
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("workers", [1, 3])
def test_the_burst_limit_is_used_and_never_exceeded(
    tenant: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr(limits, "WINDOW", WINDOW)
    monkeypatch.setattr(connector, "Budget", functools.partial(Budget, window=WINDOW))
    with Sandbox(seed="empty", systems=("hubspot",), switches={"hubspot": {"tier": TIER}}) as sandbox:
        address = sandbox.url("hubspot")
        settings.ALLOWED_PRIVATE_HOSTS = [address.removeprefix("http://")]
        config, secrets = {"base_url": address, "tier": "free"}, {"access_token": DEMO_TOKEN}
        connection = services.create_connection(tenant, "hubspot", "HubSpot", config, secrets, "test")

        def work() -> None:
            client = registry.get("hubspot").client(services.access_for(connection))
            calls = [Call("GET", client.paths.account(), label="account details")] * (CALLS // workers)
            for _ in client.door.send_many(calls):
                pass
            client.door.close()
            databases.close_all()

        threads = [threading.Thread(target=work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seen = sandbox.recorder.calls

    assert {call.status for call in seen} == {200}
    assert len(seen) == CALLS
    instants = [call.at for call in seen]
    assert busiest_window(instants, WINDOW) <= TIER
    full_windows = CALLS // TIER
    in_full_windows = sum(at < min(instants) + full_windows * WINDOW for at in instants)
    assert in_full_windows >= 0.9 * full_windows * TIER


def test_a_lower_limit_said_by_the_account_is_believed(settings: Any) -> None:
    with Sandbox(seed="empty", systems=("hubspot",), switches={"hubspot": {"tier": 100}}) as sandbox:
        address = sandbox.url("hubspot")
        settings.ALLOWED_PRIVATE_HOSTS = [address.removeprefix("http://")]

        class Access:
            connection_id = 1
            config = {"base_url": address, "tier": "unlimited"}
            secrets = {"access_token": DEMO_TOKEN}
            capabilities: dict[str, Any] = {}

            def tick(self) -> None: ...

        report = checked(registry.get("hubspot"), Access())
    assert report.capabilities["burst"] == 100
    assert any(step.key == "daily" for step in report.steps)
