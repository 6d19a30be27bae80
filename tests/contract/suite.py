"""What every connector must be able to do, whatever it talks to. Its own file names its ``Stage`` and no more.

class TestLedger(Reads, Writes, ConnectorSuite):
    stage = LedgerStage
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest

from connections.connectors import registry
from connections.connectors.base import CheckReport, CheckStep, Connector, Done, Row
from connections.errors import ConfigError, ConnectorError, OutcomeUnknown, TransientError
from connections.sandbox import Sandbox
from tests.stub import StubAccess, checked

CANARY = "canary-40c1d7ee-not-to-be-found-anywhere"


class Stage:
    """One connector in front of its imitated system. ``system`` names it in the sandbox.

    A source names a ``stream``; a destination overrides ``write`` and ``written``.
    """

    connector: ClassVar[str]
    system: ClassVar[str]
    stream: ClassVar[str | None] = None
    path: ClassVar[str] = ""
    """Regular expression of the addresses the stream is read from, or records are written to."""
    addresses: ClassVar[dict[str, str]]
    """Settings that hold an address, and the port of the sandbox each names."""
    settings: ClassVar[dict[str, str]] = {}
    secrets: ClassVar[dict[str, str]]
    static: ClassVar[bool] = False
    """The credential never changes by itself: a 401 in mid-run stops the connection instead of renewing."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.kind: Connector = registry.get(self.connector)
        addresses = {name: sandbox.url(self.system, port) for name, port in self.addresses.items()}
        self.access = StubAccess(self.kind.clean({**addresses, **self.settings}), self.secrets)
        self.prepare()

    def prepare(self) -> None:
        """What the account needs before the connector can use it: by default all that it lacks."""
        self.kind.prepare(self.access, [lack.key for lack in self.kind.missing(self.access)])  # type: ignore[arg-type]
        self.access.capabilities = self.check().capabilities

    def grow(self, count: int) -> None:
        """``count`` more rows of the stream, all with one stamp."""
        raise NotImplementedError

    def small_pages(self) -> None:
        """The smallest page the connector can ask for, at most 10 rows."""
        raise NotImplementedError

    def write(self, client: Any, keys: list[str]) -> Mapping[str, Done | ConnectorError]:
        """Upserts one record a key."""
        raise NotImplementedError

    def written(self) -> list[str]:
        """Keys of the records in the system, sorted."""
        raise NotImplementedError

    # Shared

    def client(self) -> Any:
        return self.kind.client(self.access)  # type: ignore[arg-type]

    def check(self) -> CheckReport:
        return checked(self.kind, self.access)

    def fault(self, kind: str, **values: Any) -> None:
        self.sandbox.faults.add(kind, **{"system": self.system, "path": self.path, **values})

    def rows(self, after: Any = None) -> list[Row]:
        client = self.client()
        pages = client.walk(self.stream, since=None, until=client.server_now(), after=after)
        return [row for page in pages for row in page.rows]


class ConnectorSuite:
    """The tests. Waiting costs no time; undeclared hosts are refused by the door itself."""

    stage: ClassVar[type[Stage]]

    @pytest.fixture
    def on(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
        monkeypatch.setattr("connections.http.pause", lambda seconds: None)
        with Sandbox(seed="small", systems=(self.stage.system,)) as sandbox:
            addresses = [sandbox.url(self.stage.system, port) for port in self.stage.addresses.values()]
            settings.ALLOWED_PRIVATE_HOSTS = [address.removeprefix("http://") for address in addresses]
            yield self.stage(sandbox)

    def test_every_setting_is_explained_and_hosts_are_named(self, on: Stage) -> None:
        assert all(setting.label and setting.help for setting in on.kind.settings)
        assert any(setting.secret for setting in on.kind.settings)
        assert on.kind.hosts(on.access.config)
        assert on.kind.clean(on.access.config) == on.access.config

    def test_the_check_passes(self, on: Stage) -> None:
        report = on.check()
        assert [step for step in report.steps if step.outcome == "failed"] == []
        assert report.ok
        assert report.account

    def test_the_check_tells_of_each_line_and_an_outage_from_a_refusal(self, on: Stage) -> None:
        heard: list[CheckStep] = []
        report = CheckReport(hear=heard.append)
        on.sandbox.faults.add("status", system=on.system, status=503)
        on.kind.check(on.access, report)  # type: ignore[arg-type]
        assert heard == report.steps
        assert report.outage

    def test_nothing_is_missing_after_preparation(self, on: Stage) -> None:
        assert on.kind.missing(on.access) == []  # type: ignore[arg-type]

    def test_bad_credentials_are_named_with_the_next_step(self, on: Stage) -> None:
        on.access.secrets = dict.fromkeys(on.access.secrets, CANARY)
        report = on.check()
        (failed,) = [step for step in report.steps if step.outcome == "failed"]
        assert failed.text
        assert CANARY not in repr(report)

    def test_no_secret_is_in_an_error_a_log_or_a_repr(self, on: Stage, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        on.access.secrets = dict.fromkeys(on.access.secrets, CANARY)
        client = on.client()
        with pytest.raises(ConnectorError) as caught:
            on.kind.door(on.access).send(self._any_call(on))  # type: ignore[arg-type]
        error: BaseException | None = caught.value
        while error is not None:
            assert CANARY not in f"{error} {error!r} {vars(error)}"
            error = error.__cause__
        assert CANARY not in caplog.text + repr(client) + repr(client.door) + repr(vars(client.door))

    @pytest.mark.parametrize("wait", [{}, {"headers": {"Retry-After": "1"}}])
    def test_429_is_waited_for(self, on: Stage, wait: dict[str, Any]) -> None:
        on.fault("status", status=429, times=2, **wait)
        self._use(on)

    def test_401_in_mid_run_renews_or_stops_the_connection(self, on: Stage) -> None:
        if not on.static:
            on.fault("expire_token", times=1)
            self._use(on)
            assert on.access.refreshes == 2
            return
        on.fault("status", status=401)
        with pytest.raises(ConfigError):
            self._use(on)

    @pytest.mark.parametrize("kind", ["html", "broken_json", "cut_before", "cut_after", "cut_body"])
    def test_a_bad_line_changes_nothing(self, on: Stage, kind: str) -> None:
        on.fault(kind, times=1, **({"status": 502} if kind == "html" else {}))
        self._use(on)

    def test_an_outage_is_transient(self, on: Stage) -> None:
        on.fault("status", status=503)
        with pytest.raises(TransientError) as caught:
            self._use(on)
        assert not isinstance(caught.value, OutcomeUnknown)

    def _use(self, on: Stage) -> None:
        if on.stream is not None:
            on.grow(2)
            assert len(on.rows()) >= 2
            return
        results = on.write(on.client(), ["a", "b"])
        assert all(isinstance(result, Done) for result in results.values())
        assert on.written() == ["a", "b"]

    @staticmethod
    def _any_call(on: Stage) -> Any:
        from connections.http import Call

        return Call("GET", "/", params={"echo": "nothing"}, label="anything")


class Reads:
    """For connectors that are a source."""

    def test_all_rows_are_read_once(self, on: Stage) -> None:
        on.grow(5)
        keys = [row.key for row in on.rows()]
        assert len(keys) == len(set(keys)) >= 5
        assert all(isinstance(key, str) for key in keys)

    def test_a_tie_at_a_page_edge_loses_nothing(self, on: Stage) -> None:
        before = {row.key for row in on.rows()}
        on.grow(35)
        on.small_pages()
        keys = [row.key for row in on.rows()]
        assert len(keys) == len(set(keys)) == len(before) + 35

    def test_a_scan_is_resumed_behind_the_last_settled_row(self, on: Stage) -> None:
        on.grow(25)
        on.small_pages()
        client = on.client()
        pages = list(client.walk(on.stream, since=None, until=client.server_now(), after=None))
        keys = [row.key for page in pages for row in page.rows]
        places = [place for page in pages for place in page.positions]
        assert [row.key for row in on.rows(after=places[12])] == keys[13:]

    def test_rows_are_fetched_by_key(self, on: Stage) -> None:
        on.grow(3)
        wanted = [row.key for row in on.rows()][:2]
        assert sorted(row.key for row in on.client().fetch(on.stream, [*wanted, "987654321"])) == sorted(wanted)


class Writes:
    """For connectors that are a destination."""

    def test_written_twice_is_one(self, on: Stage) -> None:
        first = on.write(on.client(), ["a", "b"])
        again = on.write(on.client(), ["b", "a"])
        assert [first[key].created for key in ("a", "b")] == [True, True]  # type: ignore[union-attr]
        assert [again[key].created for key in ("a", "b")] == [False, False]  # type: ignore[union-attr]
        assert [again[key].id for key in ("a", "b")] == [first[key].id for key in ("a", "b")]  # type: ignore[union-attr]
        assert on.written() == ["a", "b"]

    @pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
    def test_a_write_of_unknown_outcome_ends_up_written_once(self, on: Stage, kind: str) -> None:
        on.fault(kind, times=1)
        result = on.write(on.client(), ["a"])["a"]
        if isinstance(result, OutcomeUnknown):
            result = on.write(on.client(), ["a"])["a"]
        assert isinstance(result, Done)
        assert on.written() == ["a"]
