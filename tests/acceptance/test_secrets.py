"""A secret given to a connection is found nowhere: not in a page, answer, log, trail, error, task or database file."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.test import Client

from audit.models import AuditEntry
from connections import http
from connections import services as connections
from connections.connectors.oracle_fusion import client as fusion_client
from connections.models import Connection
from connections.sandbox import Sandbox
from mlconnector.tenants.models import Tenant
from syncs import services
from syncs.models import FlowRun, Record, Run
from tests.acceptance.canaries import Listener, Search, addresses, look_into_database, read_pages
from tests.acceptance.pairs.base import ACTOR, Pair, echo
from tests.acceptance.stage import SETTLED, Stage, set_up
from tests.acceptance.workers import Workers, eventually

pytestmark = pytest.mark.either_database

Faults = Iterator[tuple[str, dict[str, Any]]]


@pytest.fixture
def listener() -> Iterator[Listener]:
    yield from Listener().listen()


@pytest.fixture
def stage(
    pair: Pair, sandbox_of: Callable[..., Sandbox], transactional_db: None, tenant: Tenant, settings: Any
) -> Stage:
    """Every credential field of both systems holds a canary that works."""
    settings.WRITE_UNIT = 6
    sandbox = sandbox_of("small", systems=pair.systems)
    for side in pair.sides:
        side.plant(sandbox)
    source, destination = ({**side.narrow, **side.timeless} for side in pair.sides)
    stage = set_up(pair, sandbox, tenant, source=source, destination=destination, canaries=True)
    for step in pair.opening:
        step(sandbox)
    return stage


def secrets_of(pair: Pair) -> list[str]:
    return [secret for side in pair.sides for secret in side.canaries.values()]


def coded_of(pair: Pair) -> list[str]:
    return [secret for side in pair.sides for secret in side.coded()]


def faults(stage: Stage, pair: Pair) -> Faults:
    for side in pair.sides:
        refusal = {"kind": "status", "system": side.system}
        for status in (400, 401, 403, 404, 409, 429, 500):
            yield f"{side} {status}", {**refusal, "status": status, "body": echo(side.said)}
        yield f"{side} encoded", {**refusal, "status": 400, "body": echo(quote(side.said, safe=""))}
        connection = stage.connection(side.system)
        for name in side.slips(connection):
            connection.refresh_from_db()  # it may have a new token by now
            yield f"{side} {name}", side.slips(connection)[name]
    said = [side.said for side in pair.sides]
    for kind in ("html", "broken_json", "cut_before", "cut_after", "cut_body", "expire_token"):
        yield kind, {"kind": kind, "body": f"<h1>Sorry, {', '.join(said)}</h1>"}
    yield "redirect", {"kind": "redirect", "location": f"https://login.example.com/?key={quote(said[-1])}"}


def suffer(stage: Stage, pair: Pair, name: str, fault: dict[str, Any]) -> None:
    """A run with the fault from the third call on, a test of the connections with it, and everything mended again.

    A connection that signs in otherwise hears of its own secret only: no system knows that of another.
    """
    sandbox = stage.sandbox
    sandbox.world.invoices_arrive(count=3, lines=1)
    Connection.objects.for_tenant(stage.tenant).update(status=Connection.Status.HEALTHY, held_until=None)
    if "sign-in" in name:
        connection = stage.connection(fault["system"])
        connection.token = None
        connection.save(update_fields=["token"])
    sandbox.faults.add(**fault, **({} if "sign-in" in name else {"after": 2}))
    stage.run()
    for connection in Connection.objects.for_tenant(stage.tenant):
        if connection in (stage.source, stage.destination) or "header" in name:
            connections.test_connection(connection, ACTOR)
    sandbox.faults.clear()
    for side in pair.sides:
        side.plant(sandbox)


def everything(stage: Stage, pair: Pair) -> dict[str, list[Any]]:
    """Values for the parameters of every address: one or two of each kind, among them what failed."""
    flows = list(stage.sync.flows.all())
    records = [record for flow in flows for record in stage.records(flow.key)[:1]]
    runs = list(stage.sync.runs.order_by("-pk").values_list("pk", flat=True)[:1])
    failed = list(stage.sync.runs.filter(status=Run.Status.FAILED).values_list("pk", flat=True)[:2])
    owned = list(Connection.objects.for_tenant(stage.tenant).values_list("pk", flat=True))
    everything = [*owned, *(record.pk for record in records), *runs, *failed]
    return {
        "connection_id": owned,
        "sync_id": [stage.sync.pk],
        "flow_id": [flow.pk for flow in flows],
        "run_id": [*runs, *failed],
        "record_id": [record.pk for record in records],
        "key": [flow.key for flow in flows],
        "connector": list(pair.systems),
        "integration": [pair.integration],
        "pk": everything,
        "object_id": everything,
        "app_label": ["connections", "syncs", "audit", "tenants", "auth"],
    }


def leads_somewhere(path: str) -> bool:
    """Whether an address of the operators' pages names an object of its own kind: the others only say so."""
    named = re.match(r"/admin/(\w+)/(\w+)/(\d+)/", path)
    if named is None:
        return True
    return bool(apps.get_model(named[1], named[2])._base_manager.filter(pk=named[3]).exists())


def test_nowhere_after_everything(
    stage: Stage,
    pair: Pair,
    tenant: Tenant,
    listener: Listener,
    owner: Any,
    operator: Any,
    signed_in: Callable[[Any], Client],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(http, "pause", stage.sandbox.clock.advance)
    for other in [other for side in pair.sides for other in side.others(tenant, stage.sandbox)]:
        assert connections.test_connection(other, ACTOR).ok
    assert stage.run().status in SETTLED
    for name, fault in faults(stage, pair):
        suffer(stage, pair, name, fault)
    for connection in Connection.objects.for_tenant(stage.tenant):
        assert connections.test_connection(connection, ACTOR).ok
    with monkeypatch.context() as patch:  # a defect of our own, with credentials in every frame below
        patch.setattr(fusion_client, "unpack", lambda *_: 1 / 0)
        assert stage.run().error_code == "unexpected"
    services.replay(services.of_run(stage.sync.runs.latest("pk")), sync=stage.sync, actor=ACTOR)
    replayed = stage.records("invoices")
    marked, run = services.replay(replayed, sync=stage.sync, actor=ACTOR, cause="all")
    assert marked
    assert run is not None
    stage.execute(run)
    codes = set(AuditEntry.objects.filter(tenant=stage.tenant).values_list("error_code", flat=True))
    assert len(codes) > 12, "the faults were felt"

    tokens = [token for side in pair.sides for token in side.tokens(stage.sandbox)]
    assert tokens
    search = Search([*secrets_of(pair), *coded_of(pair), *tokens])
    values = everything(stage, pair)
    paths = [path for path in addresses(values) if leads_somewhere(path)]
    # Each sort of page sends those of the other away before it looks for anything.
    theirs = [path for path in paths if path.startswith("/admin/")]
    pages = read_pages(search, signed_in(owner), "owner", [path for path in paths if path not in theirs])
    assert pages[200] > 40, pages
    assert not [status for status in pages if status >= 500], pages
    pages = read_pages(search, signed_in(operator), "operator", theirs)
    assert pages[200] > 40, pages
    look_into_database(search)
    search.look("log", "\n".join(listener.lines))
    assert len(listener.lines) > 100
    search.look("output", "".join(capfd.readouterr()))
    for connection in (stage.source, stage.destination):
        access = connections.access_for(connection)
        for thing in (connection, access, access.secrets):
            search.look("repr", repr(thing) + str(thing))
    assert search.found == []
    assert search.places > 500


def test_the_search_would_find_them(stage: Stage, pair: Pair) -> None:
    """Proves that the test above can fail: the plain text of a record in the database file, and each coded form."""
    for secret in secrets_of(pair):
        search = Search([secret])
        Record.objects.create(
            flow=stage.sync.flows.first(),
            source_key=f"x{secret[-6:]}",
            status="held",
            updated_at=stage.sync.created_at,
            payload=secret,
        )
        look_into_database(search)
        assert any("syncs_record" in place for place in search.found)
        for text in (
            f"Basic {base64.b64encode(b'who:' + secret.encode()).decode()}",
            f"client_secret={quote(secret, safe='')}",
            base64.urlsafe_b64encode(b"a:" + secret.encode()).decode(),
            f"<b>{secret.replace('&', '&amp;')}</b>",
        ):
            search.found.clear()
            search.look("text", text)
            assert search.found, text


def test_what_was_typed_wrong_does_not_come_back(
    stage: Stage, pair: Pair, owner: Any, signed_in: Callable[[Any], Client], listener: Listener
) -> None:
    """Forms and answers that refuse an input repeat everything but the secrets in it."""
    search, client = Search(secrets_of(pair)), signed_in(owner)
    for side in pair.sides:
        wrong = dict.fromkeys(side.addresses(stage.sandbox), "nonsense")
        secrets = dict(side.canaries)
        for path in (f"/connections/new/{side}/", f"/connections/{stage.connection(side.system).pk}/edit/"):
            answer = client.post(path, {"name": "", **wrong, **secrets})
            assert answer.status_code == 422
            search.look(path, answer.content)
        for body in (
            {"connector": side.system, "name": "", "config": wrong, "secrets": secrets},
            {"connector": side.system, "name": "", "config": secrets, "secrets": {}},
            {"connector": "other", "name": "x", "secrets": list(secrets.values())},
            {**secrets},
        ):
            answer = client.post("/api/v1/connections/", body, content_type="application/json")
            assert answer.status_code in (400, 422), answer.content
            search.look("API", answer.content)
    look_into_database(search)
    search.look("log", "\n".join(listener.lines))
    assert search.found == []


def test_nor_in_what_a_worker_leaves(stage: Stage, pair: Pair, tmp_path: Path, listener: Listener) -> None:
    """A real worker that says all it can, with a run that fails and one that does not."""
    side = pair.destination
    stage.sandbox.faults.add("status", system=side.system, status=403, body=echo(side.said), after=4, times=1)
    log = tmp_path / "log"
    workers = Workers(["qcluster"], log, LOG_LEVEL="DEBUG", Q_CLUSTER_NAME="ml-connector", WRITE_UNIT=6)
    try:
        workers.start()
        for _ in range(2):
            services.run_now(stage.sync, actor=ACTOR)
            eventually(lambda: not stage.sync.runs.filter(status__in=Run.ACTIVE).exists())
    finally:
        workers.kill_all()
    assert FlowRun.objects.for_tenant(stage.tenant).count() >= 3
    search = Search([*secrets_of(pair), *coded_of(pair)])
    search.look("log", log.read_bytes())
    assert log.stat().st_size > 1000
    look_into_database(search)
    assert search.found == []
