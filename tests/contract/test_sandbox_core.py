"""The sandbox's own machinery: HTTP, faults, statistics, persistence and the control port."""

import gzip
import json
import socket
import subprocess
import sys
import time
from email.utils import parsedate_to_datetime
from typing import ClassVar

import pytest
import requests

from connections.sandbox import Sandbox
from connections.sandbox.faults import FaultError, Faults
from connections.sandbox.http import Request, Response, SystemServer
from connections.sandbox.stats import Stats, busiest_window, route_template
from connections.sandbox.store import Store
from connections.sandbox.world import World


class Echo:
    """A system of one port that repeats what it was sent and counts what it applied."""

    name = "echo"
    ports = ("api",)

    def __init__(self):
        self.switches = {}
        self.applied = 0
        self.expired = []

    def handle(self, port, request):
        self.applied += 1
        if request.path == "/defect":
            raise RuntimeError("broken on purpose")
        body = {"path": request.path, "query": request.query, "body": request.body.decode(), "pad": "x" * 2000}
        return Response(200, body)

    def expire_token(self, request):
        self.expired.append(request.headers["authorization"])

    def dump(self):
        return {"applied": self.applied}


class Box:
    """A server over Echo with everything a test looks at."""

    def __init__(self):
        self.system, self.faults, self.stats, self.events = Echo(), Faults(), Stats(), []
        self.offset = 0.0
        self.server = SystemServer(
            self.system,
            "api",
            clock=lambda: time.time() + self.offset,
            faults=self.faults,
            stats=self.stats,
            run_event=lambda name, arguments: self.events.append((name, arguments, self.system.applied)),
        )
        self.server.start()
        self.session = requests.Session()

    def get(self, path="/rows", **settings):
        return self.session.get(self.server.url + path, timeout=10, **settings)

    def post(self, path="/rows", **settings):
        return self.session.post(self.server.url + path, timeout=10, **settings)


@pytest.fixture
def box():
    box = Box()
    yield box
    box.session.close()
    box.server.stop()


def exchange(server, *sent):
    """Raw bytes over one connection; everything that comes back until the server closes it."""
    with socket.create_connection(server.server_address[:2], timeout=10) as connection:
        for piece in sent:
            connection.sendall(piece)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


# HTTP


def test_path_and_query_are_decoded(box):
    answer = box.get("/a%20b/c?q=x%3D1%20and%20y&q=2&empty=").json()
    assert answer["path"] == "/a b/c"
    assert answer["query"] == {"q": ["x=1 and y", "2"], "empty": [""]}


def test_a_connection_is_kept_open(box):
    first = b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert exchange(box.server, first + last).count(b"HTTP/1.1 200 OK") == 2


def test_chunked_and_gzip_bodies_are_read(box):
    assert box.post(data=iter([b"one ", b"two"])).json()["body"] == "one two"
    packed = gzip.compress("größer".encode())
    assert box.post(data=packed, headers={"Content-Encoding": "gzip"}).json()["body"] == "größer"


def test_answers_are_packed_only_if_asked(box):
    assert box.get(headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in box.get(headers={"Accept-Encoding": "identity"}).headers


def test_the_date_header_follows_the_sandbox_clock(box):
    box.offset = 3600
    shown = parsedate_to_datetime(box.get().headers["Date"]).timestamp()
    assert shown == pytest.approx(time.time() + 3600, abs=3)


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_malformed_requests_get_a_400(box, raw):
    assert exchange(box.server, raw).startswith(b"HTTP/1.1 400")


def test_a_defect_of_a_system_is_a_500_and_the_server_lives_on(box, capsys):
    assert box.get("/defect").status_code == 500
    assert "broken on purpose" in capsys.readouterr().err
    assert box.get().status_code == 200


def test_headers_are_found_in_any_case():
    request = Request("GET", "/")
    request.headers.append("X-Mode", "a")
    request.headers.append("x-mode", "b")
    assert request.headers["X-MODE"] == "a, b"
    assert request.headers.get("missing") is None


def test_overhead_per_request_is_far_below_a_millisecond(box):
    raw = b"GET /rows HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer abc\r\n\r\n"
    with socket.create_connection(box.server.server_address[:2]) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        started = time.perf_counter()
        for _ in range(200):
            connection.sendall(raw)
            connection.recv(65536)
        spent = time.perf_counter() - started
    assert spent / 200 < 0.005  # a loaded machine; measured 0.0001


# Faults


def test_a_status_fault_is_not_applied(box):
    box.faults.add("status", status=429, headers={"Retry-After": "7"}, body={"error": "slow down"}, times=1)
    answer = box.get()
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()) == (429, "7", {"error": "slow down"})
    assert box.system.applied == 0
    assert box.get().status_code == 200


def test_an_error_after_the_work_was_done(box):
    box.faults.add("status", status=500, apply=True, times=1)
    assert box.post().status_code == 500
    assert box.system.applied == 1


def test_html_even_with_a_200(box):
    box.faults.add("html", status=200)
    answer = box.get()
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_redirect_to_a_login_page(box):
    box.faults.add("redirect", location="https://login.example.com/x")
    answer = box.get(allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://login.example.com/x")


def test_broken_json_is_a_whole_answer_that_does_not_parse(box):
    box.faults.add("broken_json")
    answer = box.get()
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert box.system.applied == 1


def test_cut_before_is_not_applied_and_cut_after_is(box):
    box.faults.add("cut_before", times=1)
    with pytest.raises(requests.ConnectionError):
        box.post()
    assert box.system.applied == 0
    box.faults.clear()
    box.faults.add("cut_after", times=1)
    with pytest.raises(requests.ConnectionError):
        box.post()
    assert box.system.applied == 1
    assert [(call.status, call.applied) for call in box.stats.calls] == [(0, False), (0, True)]


def test_cut_in_the_middle_of_the_body(box):
    box.faults.add("cut_body")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        box.get()


def test_slow_answers_and_dripping_bodies(box):
    box.faults.add("slow", delay=0.15, path="^/late")
    box.faults.add("slow", delay=0.15, drip=3, path="^/drip")
    for path in ("/late", "/drip"):
        started = time.perf_counter()
        assert box.get(path).status_code == 200
        assert time.perf_counter() - started >= 0.14


def test_expire_token_asks_the_system(box):
    box.faults.add("expire_token", times=1)
    box.get(headers={"Authorization": "Bearer one"})
    box.get(headers={"Authorization": "Bearer two"})
    assert box.system.expired == ["Bearer one"]


def test_page_shift_happens_before_the_page_is_read_and_late_commit_after(box):
    box.faults.add("page_shift", event="touch", arguments={"count": 2}, times=1)
    box.faults.add("late_commit", times=1)
    box.get()
    assert box.events == [("touch", {"count": 2}, 0), ("late_commit", {}, 1)]


def test_rules_match_on_all_they_name(box):
    rule = box.faults.add(
        "status", system="echo", port="api", method="POST", path=r"/rows\?x=1", header="x-kind: a", contains="needle"
    )
    assert box.post("/rows?x=1", data="a needle", headers={"X-Kind": "A"}).status_code == 500
    assert box.post("/rows?x=2", data="a needle", headers={"X-Kind": "A"}).status_code == 200
    assert box.post("/rows?x=1", data="hay", headers={"X-Kind": "A"}).status_code == 200
    assert box.post("/rows?x=1", data="a needle").status_code == 200
    assert box.get("/rows?x=1").status_code == 200
    assert (rule.matched, rule.fired) == (1, 1)


def test_after_times_every_and_probability(box):
    box.faults.add("status", path="^/a", after=1, times=2)
    assert [box.get("/a").status_code for _ in range(5)] == [200, 500, 500, 200, 200]
    box.faults.add("status", path="^/b", every=3)
    assert [box.get("/b").status_code for _ in range(6)] == [200, 200, 500, 200, 200, 500]
    for path in ("^/c", "^/d"):
        box.faults.add("status", path=path, probability=0.5, seed=11)
    first = [box.get("/c").status_code for _ in range(12)]
    assert first == [box.get("/d").status_code for _ in range(12)]
    assert set(first) == {200, 500}


def test_a_rule_that_means_nothing_is_refused():
    faults = Faults()
    for settings in ({"kind": "explode"}, {"kind": "status", "path": "("}, {"kind": "status", "colour": "red"}):
        with pytest.raises(FaultError):
            faults.add(**settings)
    assert faults.rules() == []


# Statistics


def test_stats_count_calls_writes_and_throttling(box):
    box.faults.add("status", status=429, path="/full")
    box.get("/rows/300000000000001/child/lines")
    box.get("/rows/100000000000000002/child/lines")
    box.post("/rows")
    box.post("/full")
    summary = box.stats.summary()["systems"]["echo"]
    assert summary["calls"] == {"GET /rows/{id}/child/lines": 2, "POST /rows": 1, "POST /full": 1}
    assert (summary["writes"], summary["throttled"], summary["busiest_10_seconds"]) == (1, 1, 4)
    box.stats.reset()
    assert box.stats.summary() == {"total": 0, "systems": {}}


def test_route_templates_keep_versions_and_long_names():
    path = "/fscmRestApi/resources/11.13.18.05/receivablesCustomerAccountSiteActivities/300000000000001"
    assert route_template(path).endswith("/11.13.18.05/receivablesCustomerAccountSiteActivities/{id}")
    assert route_template("/salesOrdersForOrderHub/OPS:1") == "/salesOrdersForOrderHub/{id}"
    assert route_template("/purchaseOrders/00020000000EACED0005770800") == "/purchaseOrders/{id}"


def test_the_busiest_window_is_half_open():
    assert busiest_window([0, 1, 9.9, 10, 10.5, 30]) == 4
    assert busiest_window([]) == 0


# Storage


def test_a_failed_transaction_leaves_nothing(tmp_path):
    store = Store(str(tmp_path / "rows.sqlite"))
    store.script(["CREATE TABLE t (n INTEGER)"])

    def fail_halfway():
        with store.transaction() as cursor:
            cursor.execute("INSERT INTO t VALUES (1)")
            with store.transaction() as inner:
                inner.execute("INSERT INTO t VALUES (2)")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert store.query("SELECT * FROM t") == []
    store.close()


def test_rows_and_tokens_survive_a_restart(tmp_path):
    path = str(tmp_path / "pod.sqlite")
    with Sandbox(path, seed="small", systems=("oracle_fusion",)) as sandbox:
        sandbox.world.new_customer(name="Survivor Ltd")
        before = sandbox.systems["oracle_fusion"].dump()
    with Sandbox(path, seed="demo", systems=("oracle_fusion",)) as sandbox:
        assert sandbox.systems["oracle_fusion"].dump() == before


def test_applied_writes_survive_a_killed_process(tmp_path):
    path = str(tmp_path / "pod.sqlite")
    script = (
        "import os, signal\n"
        "from connections.sandbox import Sandbox\n"
        f"sandbox = Sandbox({path!r}, seed='small', systems=('oracle_fusion',))\n"
        "sandbox.world.new_customer(name='Survivor Ltd')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    sandbox = Sandbox(path, systems=("oracle_fusion",))
    names = {row["OrganizationName"] for row in sandbox.systems["oracle_fusion"].dump()["accounts"].values()}
    assert "Survivor Ltd" in names
    sandbox.start().stop()


def test_the_sandbox_needs_no_django():
    script = "import sys, connections.sandbox; sys.exit(any(name.startswith('django') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_systems_may_bring_seeds_and_events_of_their_own():
    class Own(Echo):
        events: ClassVar = {"echo_called": lambda text: {"text": text}}

        def seed(self, name):
            self.seeded = name

    own = Own()
    world = World({"echo": own}, time.time)
    world.seed("small")
    assert own.seeded == "small"
    assert world.run("echo_called", {"text": "hello"}) == {"text": "hello"}
    with pytest.raises(ValueError, match="unknown seed"):
        world.seed("huge")


# The control port


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(seed="small", systems=("oracle_fusion",)) as sandbox:
        yield sandbox


@pytest.fixture
def control(sandbox):
    yield sandbox.url("control")
    sandbox.faults.clear()
    sandbox.clock.offset = 0.0


def test_health_names_every_address(sandbox, control):
    health = requests.get(f"{control}/health", timeout=10).json()
    assert health["status"] == "ok"
    assert health["urls"]["oracle_fusion.pod"] == sandbox.url("oracle_fusion", "pod")
    assert health["urls"]["oracle_fusion.identity"] != health["urls"]["oracle_fusion.pod"]


def test_the_page_has_a_form_for_every_shown_event(control):
    page = requests.get(control, timeout=10)
    assert page.headers["Content-Type"].startswith("text/html")
    assert '<form method="post" action="/events/customer_pays">' in page.text
    assert "/events/fill" not in page.text


def test_a_form_runs_an_event_and_says_what_happened(control):
    page = requests.post(f"{control}/events/new_customer", data={"name": "<b>Formed</b> Ltd"}, timeout=10)
    assert page.status_code == 200
    assert 'role="status"' in page.text
    refused = requests.post(f"{control}/events/customer_pays", data={"invoice": "7"}, timeout=10)
    assert "there is no invoice 7" in refused.text


def test_json_runs_an_event(control):
    answer = requests.post(f"{control}/events/invoices_arrive", json={"count": 3, "lines": 2}, timeout=10)
    assert len(answer.json()["invoices"]) == 3
    assert requests.post(f"{control}/events/nothing", timeout=10).status_code == 400
    assert requests.post(f"{control}/events/touch", json={"colour": 1}, timeout=10).status_code == 400


def test_faults_over_json(sandbox, control):
    created = requests.post(f"{control}/faults", json={"kind": "status", "status": 503}, timeout=10)
    assert created.status_code == 201
    assert requests.get(sandbox.url("oracle_fusion", "pod"), timeout=10).status_code == 503
    listed = requests.get(f"{control}/faults", timeout=10).json()["faults"]
    assert [(rule["kind"], rule["fired"]) for rule in listed] == [("status", 1)]
    assert requests.delete(f"{control}/faults/{created.json()['id']}", timeout=10).status_code == 204
    assert requests.delete(f"{control}/faults/{created.json()['id']}", timeout=10).status_code == 404
    assert requests.post(f"{control}/faults", json={"kind": "boom"}, timeout=10).status_code == 400
    assert requests.delete(f"{control}/faults", timeout=10).status_code == 204


def test_the_control_port_has_neither_faults_nor_statistics(sandbox, control):
    sandbox.reset_stats()
    sandbox.faults.add("status", status=503)
    assert requests.get(f"{control}/health", timeout=10).status_code == 200
    assert sandbox.stats()["total"] == 0


def test_stats_and_reset(sandbox, control):
    requests.get(sandbox.url("oracle_fusion", "pod"), timeout=10)
    assert requests.get(f"{control}/stats", timeout=10).json()["systems"]["oracle_fusion"]["total"] >= 1
    assert requests.post(f"{control}/stats/reset", timeout=10).status_code == 204
    assert requests.get(f"{control}/stats", timeout=10).json()["total"] == 0


def test_switches_over_json(sandbox, control):
    changed = requests.post(f"{control}/switches/oracle_fusion", json={"max_limit": 499}, timeout=10).json()
    assert changed["max_limit"] == 499
    assert requests.get(f"{control}/switches/oracle_fusion", timeout=10).json()["max_limit"] == 499
    assert requests.post(f"{control}/switches/oracle_fusion", json={"no": 1}, timeout=10).status_code == 400
    assert requests.get(f"{control}/switches/sap", timeout=10).status_code == 404
    sandbox.set_switches("oracle_fusion", {"max_limit": 500})


def test_dump_and_clock(sandbox, control):
    dump = requests.get(f"{control}/dump/oracle_fusion", timeout=10).json()
    assert dump == json.loads(json.dumps(sandbox.systems["oracle_fusion"].dump()))
    requests.post(f"{control}/clock", json={"offset": 600}, timeout=10)
    assert sandbox.clock() == pytest.approx(time.time() + 600, abs=3)


def test_a_stopped_sandbox_drops_its_connections(tmp_path):
    sandbox = Sandbox(seed="empty", systems=("oracle_fusion",)).start()
    address = sandbox.servers["oracle_fusion", "pod"].server_address[:2]
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")
        sandbox.stop()
        assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=1)
