"""What the tests of the imitated HubSpot share: an account behind real HTTP, and the bodies they send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from connections.sandbox.clock import Clock
from connections.sandbox.http import SystemServer
from connections.sandbox.hubspot import DEMO_CREDENTIALS, HubSpot
from connections.sandbox.store import Store

TOKEN = DEMO_CREDENTIALS["access_token"]
NOON = 1_795_000_000.0


class Account:
    """One account, its clock, and a client session that says exactly what it sends."""

    def __init__(self, path: str = ":memory:", seed: str = "small") -> None:
        self.clock = Clock(lambda: NOON)
        self.store = Store(path)
        self.hubspot = HubSpot(self.store, self.clock)
        self.hubspot.switches.update(tier=None, search_per_second=None)
        self.hubspot.seed(seed)
        self.server = SystemServer(self.hubspot, "api", clock=self.clock)
        self.server.start()
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {TOKEN}"

    def stop(self) -> None:
        self.session.close()
        self.server.stop()
        self.store.close()

    def switch(self, **values: Any) -> None:
        assert set(values) <= set(self.hubspot.switches)
        self.hubspot.switches.update(values)

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self.session.request(method, self.server.url + path, json=body, timeout=10, **more)

    def ok(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = self.send(method, path, body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def refused(self, method: str, path: str, body: Any = None, status: int = 400) -> dict[str, Any]:
        answer = self.send(method, path, body)
        assert answer.status_code == status, answer.text
        error: dict[str, Any] = answer.json()
        assert error["status"] == "error"
        assert error["correlationId"]
        return error

    def create(self, kind: str, **properties: str) -> str:
        created = self.ok("POST", f"/crm/objects/2026-09/{kind}", {"properties": properties, "associations": []}, 201)
        return str(created["id"])

    def get(self, kind: str, key: str, *properties: str) -> dict[str, Any]:
        answer = self.ok("GET", f"/crm/objects/2026-09/{kind}/{key}?properties={','.join(properties)}")
        found: dict[str, Any] = answer["properties"]
        return found

    def patch(self, kind: str, key: str, **properties: str) -> dict[str, Any]:
        answer = self.ok("PATCH", f"/crm/objects/2026-09/{kind}/{key}", {"properties": properties})
        return dict(answer["properties"])

    def refuse_patch(self, kind: str, key: str, **properties: str) -> dict[str, Any]:
        return self.refused("PATCH", f"/crm/objects/2026-09/{kind}/{key}", {"properties": properties})

    def associate(self, source: str, source_id: str, target: str, target_id: str) -> None:
        self.ok("PUT", f"/crm/objects/2026-09/{source}/{source_id}/associations/default/{target}/{target_id}")


@pytest.fixture
def account() -> Iterator[Account]:
    opened = Account()
    yield opened
    opened.stop()


def upsert(key: str, trace: str | None = None, **properties: str) -> dict[str, Any]:
    """One input of an upsert by ``fusion_id``."""
    item: dict[str, Any] = {"idProperty": "fusion_id", "id": key, "properties": properties}
    return item | ({"objectWriteTraceId": trace} if trace else {})


def codes(error: dict[str, Any]) -> list[str]:
    """The codes of the property errors in an answer."""
    return [each["code"] for each in error.get("errors", [])]
