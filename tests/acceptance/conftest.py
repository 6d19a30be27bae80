"""The whole product against the sandbox: real HTTP, real database, real engine.

What takes ``pair`` runs over every integration; a file about one of them overrides that fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from connections import http
from connections.models import Connection
from connections.sandbox import Sandbox
from mlconnector.tenants.models import Tenant
from tests.acceptance.pairs import PAIRS
from tests.acceptance.pairs.base import ACTOR, Pair, State, Switches
from tests.acceptance.pairs.hubspot import HubSpot
from tests.acceptance.pairs.oracle_fusion import OracleFusion
from tests.acceptance.stage import Stage, same_time, set_up
from tests.acceptance.undisturbed import story

Build = Callable[..., Stage]
_undisturbed: dict[str, State] = {}

__all__ = ["ACTOR", "Stage", "fusion_connection", "hubspot_connection"]


def fusion_connection(tenant: Tenant, sandbox: Sandbox, **config: str) -> Connection:
    return OracleFusion().connect(tenant, sandbox, **config)


def hubspot_connection(tenant: Tenant, sandbox: Sandbox, **config: str) -> Connection:
    return HubSpot().connect(tenant, sandbox, **config)


@pytest.fixture(params=PAIRS, ids=str)
def pair(request: pytest.FixtureRequest) -> Pair:
    found: Pair = request.param
    return found


@pytest.fixture
def sandbox_of(settings: Any) -> Iterator[Callable[..., Sandbox]]:
    running: list[Sandbox] = []

    def start(seed: str = "small", **options: Any) -> Sandbox:
        sandbox = Sandbox(seed=seed, **options).start()
        running.append(sandbox)
        settings.ALLOWED_PRIVATE_HOSTS = [
            urlsplit(sandbox.url(name, port)).netloc
            for name, system in sandbox.systems.items()
            for port in system.ports
        ]
        return sandbox

    yield start
    for sandbox in running:
        sandbox.stop()


@pytest.fixture
def stage_of(
    pair: Pair, sandbox_of: Callable[..., Sandbox], transactional_db: None, tenant: Tenant
) -> Callable[..., Stage]:
    """``stage_of("small")`` sets everything up as a new tenant would: connect, test, prepare, create the sync."""

    def build(
        seed: str = "small",
        *,
        source: dict[str, str] | None = None,
        destination: dict[str, str] | None = None,
        **options: Any,
    ) -> Stage:
        sandbox = sandbox_of(seed, systems=pair.systems, **options)
        return set_up(pair, sandbox, tenant, source=source, destination=destination)

    return build


@pytest.fixture
def build(
    pair: Pair,
    sandbox_of: Callable[..., Sandbox],
    transactional_db: None,
    tenant: Tenant,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Build:
    """A company with oddities in both systems, read in small pages. Waiting moves the sandbox's clock."""
    settings.WRITE_UNIT = 6

    def build(
        switches: Mapping[str, Switches] | None = None,
        *,
        tenant: Tenant = tenant,
        source: Mapping[str, str] | None = None,
        destination: Mapping[str, str] | None = None,
    ) -> Stage:
        sandbox = sandbox_of(pair.seed, clock=same_time(), switches=switches, systems=pair.systems)
        monkeypatch.setattr(http, "pause", sandbox.clock.advance)
        for name, wait in pair.waits.items():
            monkeypatch.setattr(name, wait)
        pair.company(sandbox)
        given = [
            {**side.narrow, **side.timeless, **(config or {})}
            for side, config in zip(pair.sides, (source, destination), strict=True)
        ]
        stage = set_up(pair, sandbox, tenant, source=given[0], destination=given[1])
        for step in pair.opening:
            step(sandbox)
        return stage

    return build


@pytest.fixture
def undisturbed(pair: Pair, build: Build, other_tenant: Tenant) -> State:
    """The end of the story where nothing disturbs it; computed once."""
    if pair.integration not in _undisturbed:
        _undisturbed[pair.integration] = story(build(tenant=other_tenant))
    return _undisturbed[pair.integration]
