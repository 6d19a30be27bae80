"""What the tests of the Salesforce connector share: an org with its people, and a connection to it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from connections.connectors import registry
from connections.connectors.base import CheckReport, Row
from connections.connectors.salesforce.client import SalesforceClient
from connections.connectors.salesforce.prepare import ACCESS
from connections.connectors.salesforce.schema import KINDS
from connections.sandbox import Sandbox
from connections.sandbox.salesforce import DEMO_CREDENTIALS as DEMO
from tests.stub import StubAccess, checked

SALESFORCE: Any = registry.get("salesforce")
KEYS = [
    ACCESS,
    *(key for key, kind in KINDS.items() if not kind.standard),
    *(f"{key}.{field.name}" for key, kind in KINDS.items() if kind.standard for field in kind.fields),
]
"""All there is to prepare in an org without anything of ours."""
SETTINGS = {"client_id": DEMO["client_id"]}
SECRETS = {"client_secret": DEMO["client_secret"]}
LEARNT: dict[str, Any] = {}


def grow(stage: Any, count: int) -> None:
    """``count`` more accounts, all with one stamp."""
    system = stage.sandbox.systems["salesforce"]
    now, told = system.org.now, system.org.now()
    system.org.now = lambda: told
    for number in range(count):
        system.people.create("Account", {"Name": f"Account {number}"})
    system.org.now = now


def small_pages(stage: Any) -> None:
    stage.access.config = {**stage.access.config, "page_size": "10"}


class Org:
    """The sandbox's Salesforce. ``client`` makes a new one, with what ``check`` found if it ran."""

    def __init__(self, sandbox: Sandbox, settings: Any) -> None:
        self.sandbox = sandbox
        self.address = sandbox.url("salesforce")
        settings.ALLOWED_PRIVATE_HOSTS = [self.address.removeprefix("http://")]
        self.people: Any = sandbox.systems["salesforce"].people
        self.org: Any = sandbox.systems["salesforce"].org
        self.access: Any = StubAccess({}, SECRETS)
        self.configure()

    def configure(self, **changes: str) -> None:
        given = {"my_domain_url": self.address, **SETTINGS}
        self.access.config = SALESFORCE.clean({**given, **changes})

    def switch(self, **values: Any) -> None:
        self.sandbox.set_switches("salesforce", values)

    def fault(self, kind: str, path: str, **values: Any) -> Any:
        return self.sandbox.faults.add(kind, system="salesforce", path=path, **values)

    def client(self) -> SalesforceClient:
        made: SalesforceClient = SALESFORCE.client(self.access)
        return made

    def check(self) -> CheckReport:
        report = checked(SALESFORCE, self.access)
        self.access.capabilities = report.capabilities
        return report

    def outcomes(self) -> dict[str, str]:
        return {step.key: step.outcome for step in self.check().steps}

    def missing(self) -> list[str]:
        return [each.key for each in SALESFORCE.missing(self.access)]

    def prepare(self) -> list[Any]:
        """All that is missing."""
        return list(SALESFORCE.prepare(self.access, self.missing()))

    def rows(self, stream: str, since: datetime | None = None) -> list[Row]:
        client = self.client()
        pages = client.walk(stream, since=since, until=client.server_now(), after=None)
        return [row for page in pages for row in page.rows]

    def records(self, kind: str, *fields: str) -> list[dict[str, Any]]:
        return [record for page in self.client().records(kind, fields) for record in page]


@pytest.fixture
def bare(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    """An org as Salesforce gives it, without our objects and fields. Waiting costs no time."""
    monkeypatch.setattr("connections.http.pause", lambda seconds: None)
    with Sandbox(seed="empty", systems=("salesforce",)) as sandbox:
        yield Org(sandbox, settings)


@pytest.fixture
def org(bare: Org) -> Org:
    """Prepared, and known as after a check: what a check learns of such an org is always the same."""
    SALESFORCE.prepare(bare.access, KEYS)
    if not LEARNT:
        LEARNT.update(bare.check().capabilities)
    bare.access.capabilities = copy.deepcopy(LEARNT)
    return bare


__all__ = ["SALESFORCE", "Org", "bare", "org"]
