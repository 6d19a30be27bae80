"""A program does the whole cycle over HTTP with nothing but its API key, from the first connection to the proof."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from django.utils.module_loading import import_string
from django_q.models import OrmQ

from connections.sandbox import Sandbox
from connections.sandbox.hubspot import DEMO_CREDENTIALS as HUBSPOT
from connections.sandbox.oracle_fusion import DEMO_CREDENTIALS as FUSION
from mlconnector.tenants.models import Role, Tenant
from tests.api_cast import key_of


class Program:
    """Knows an address and a key. Keeps every answer, to be searched for secrets at the end."""

    def __init__(self, base: str, key: str) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Api-Key {key}"
        self.seen: list[str] = []

    def call(self, method: str, path: str, body: Any = None, *, expect: int = 200, **query: Any) -> Any:
        answer = self.session.request(method, f"{self.base}/api/v1{path}", json=body, params=query, timeout=60)
        self.seen.append(f"{answer.text}{answer.headers}")
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        self.location = answer.headers.get("Location", "")
        return answer.json() if answer.content else None

    def post(self, path: str, body: Any = None, *, expect: int = 200) -> Any:
        return self.call("POST", path, body, expect=expect)

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, **query)

    def all(self, path: str, **query: Any) -> list[Any]:
        """A list walked to its end."""
        found, page = [], self.get(path, page_size=50, **query)
        while True:
            found += page["results"]
            if not page["next"]:
                return found
            page = self.get(page["next"].removeprefix(f"{self.base}/api/v1"))

    def watch(self) -> Any:
        """The run that the last answer pointed to, once a worker has ended it."""
        path = self.location.removeprefix(f"{self.base}/api/v1")
        assert not self.get(path)["ended"]
        work()
        run = self.get(path)
        assert run["ended"]
        return run


def work() -> None:
    """What a worker does, in this process: takes tasks from the queue until it is empty."""
    while (waiting := OrmQ.objects.order_by("pk").first()) is not None:
        task = waiting.task
        waiting.delete()
        import_string(task["func"])(*task["args"])


@pytest.fixture
def sandbox(sandbox_of: Callable[..., Sandbox]) -> Sandbox:
    """A small company; two companies of one name stand in HubSpot already."""
    sandbox = sandbox_of("small")
    for city in ("York", "Leeds"):
        sandbox.systems["hubspot"].people.create("companies", {"name": "Twin Falls Timber", "city": city})
    sandbox.world.new_customer("Twin Falls Timber Ltd.")
    return sandbox


@pytest.fixture
def program(live_server: Any, tenant: Tenant) -> Program:
    return Program(live_server.url, key_of(tenant, Role.ADMIN))


def connect(program: Program, sandbox: Sandbox) -> tuple[int, int]:
    """Both systems connected, tested and prepared, by what the API itself says is needed."""
    settings = {connector["key"]: connector["settings"] for connector in program.get("/connectors/")}
    secret = {item["name"] for item in settings["oracle_fusion"] if item["secret"]}
    assert secret == {"client_secret", "password"}
    fusion = {
        "pod_url": sandbox.url("oracle_fusion", "pod"),
        "token_url": sandbox.url("oracle_fusion", "identity"),
        "client_id": FUSION["client_id"],
        "scope": FUSION["scope"],
    }
    body = {"connector": "oracle_fusion", "name": "Fusion", "config": fusion, "secrets": {"client_secret": "wrong"}}
    source = program.post("/connections/", body, expect=201)["id"]
    refused = program.post(f"/connections/{source}/test/")
    assert not refused["ok"]
    assert refused["connection"]["status"] == "broken"
    secrets = {"client_secret": FUSION["client_secret"]}
    program.call("PATCH", f"/connections/{source}/", {"secrets": secrets})
    assert program.post(f"/connections/{source}/test/")["connection"]["status"] == "healthy"

    config = {"base_url": sandbox.url("hubspot"), "tier": "professional"}
    secrets = {"access_token": HUBSPOT["access_token"]}
    body = {"connector": "hubspot", "name": "HubSpot", "config": config, "secrets": secrets}
    destination = program.post("/connections/", body, expect=201)["id"]
    assert program.post(f"/connections/{destination}/test/")["ok"]
    assert program.get(f"/connections/{destination}/preparations/") != []
    assert program.post(f"/connections/{destination}/prepare/", {})["ok"]
    assert program.get(f"/connections/{destination}/preparations/") == []
    return source, destination


def test_the_whole_cycle(program: Program, sandbox: Sandbox) -> None:
    assert program.get("/me/")["role"] == "admin"
    source, destination = connect(program, sandbox)
    integration = program.get("/integrations/")[0]["key"]
    body = {"integration": integration, "source": source, "destination": destination}
    sync = program.post("/syncs/", body, expect=201)["id"]
    flow = program.call("PATCH", f"/syncs/{sync}/flows/invoices/", {"options": {"confirmation": "here"}})
    assert flow["options"]["confirmation"] == "here"

    # The first run, watched
    program.post(f"/syncs/{sync}/run/", {}, expect=202)
    run = program.watch()
    assert run["status"] == "partial"
    customers, invoices, _ = run["flows"]
    assert customers["held"] == 1
    assert invoices["created"] > 10
    for counts in run["flows"]:
        settled = ("created", "updated", "unchanged", "skipped", "waiting", "held", "rejected")
        assert counts["read"] == sum(counts[name] for name in settled)

    # A held match is decided
    held = program.all("/records/", sync=sync, status="held")
    assert [record["error_code"] for record in held] == ["match_ambiguous"]
    candidates = program.get(f"/records/{held[0]['id']}/")["candidates"]
    assert len(candidates) == 2
    adopt = candidates[0]["destination_id"]
    program.post(f"/records/{held[0]['id']}/decide/", {"adopt": adopt}, expect=202)
    program.watch()
    decided = program.get(f"/records/{held[0]['id']}/")
    assert (decided["status"], decided["destination_id"]) == ("synced", adopt)

    # Finance's word: one invoice, some, all
    drafts = program.all("/records/", sync=sync, draft="true")
    assert len(drafts) > 5
    program.post(f"/records/{drafts[0]['id']}/confirm/", expect=202)
    program.watch()
    assert program.get(f"/records/{drafts[0]['id']}/")["delivered"]["document"]["status"] != "draft"
    some = program.post(f"/syncs/{sync}/confirm/", {"records": [row["id"] for row in drafts[1:3]]}, expect=202)
    assert some["records"] == 2
    program.watch()
    rest = program.post(f"/syncs/{sync}/confirm/", {"all": True}, expect=202)
    assert rest["records"] == len(drafts) - 3
    assert program.watch()["status"] == "succeeded"
    assert program.all("/records/", sync=sync, draft="true") == []

    # Replays change nothing that is delivered already
    before = sandbox.systems["hubspot"].dump()
    assert program.post(f"/records/{drafts[0]['id']}/replay/", expect=202)["records"] == 1
    program.watch()
    whole = program.post(f"/runs/{run['id']}/replay/", expect=202)
    assert whole["records"] > 0
    again = program.watch()
    assert {name: sum(flow[name] for flow in again["flows"]) for name in ("created", "updated")} == {
        "created": 0,
        "updated": 0,
    }
    assert sandbox.systems["hubspot"].dump() == before

    # A customer pays, and a run on the schedule would see it: here one that is asked for
    sandbox.world.customer_pays()
    program.post(f"/syncs/{sync}/run/", {}, expect=202)
    assert program.watch()["flows"][2]["created"] == 1

    # The trail
    story = program.all("/audit/", sync=sync, flow="invoices", source_ref=drafts[0]["source_key"])
    assert "confirm" in {entry["action"] for entry in story}
    me = program.get("/me/")["actor"]
    assert {entry["action"] for entry in program.all("/audit/", actor=me)} >= {
        "connection.created",
        "connection.tested",
        "sync.create",
        "run.request",
        "decide",
        "confirm",
        "replay",
    }
    proof = program.get("/audit/verify/")
    assert proof["ok"]
    assert proof["checked"] == program.get("/audit/", page_size=1)["results"][0]["sequence"]

    everything = "".join(program.seen)
    for hidden in (FUSION["client_secret"], HUBSPOT["access_token"]):
        assert hidden not in everything


def test_a_cause_is_fixed_and_replayed(program: Program, sandbox: Sandbox) -> None:
    source, destination = connect(program, sandbox)
    body = {"integration": "fusion_hubspot", "source": source, "destination": destination}
    sync = program.post("/syncs/", body, expect=201)["id"]
    program.post(f"/syncs/{sync}/run/", {}, expect=202)
    program.watch()
    program.post(f"/syncs/{sync}/replay/", {"error_code": "match_ambiguous", "flow": "customers"}, expect=202)
    run = program.watch()
    assert run["flows"][0]["held"] == 1
    nothing = program.post(f"/syncs/{sync}/replay/", {"error_code": "match_ambiguous", "flow": "payments"})
    assert nothing == {"records": 0, "run": None}
    # The program behind the key is stopped in mid-cycle: its repeated request starts no second run.
    first = program.post(f"/syncs/{sync}/run/", {}, expect=202)
    assert program.post(f"/syncs/{sync}/run/", {}, expect=200)["id"] == first["id"]
    assert program.post(f"/runs/{first['id']}/cancel/")["status"] == "cancelled"
    work()
    assert program.get(f"/runs/{first['id']}/")["status"] == "cancelled"
