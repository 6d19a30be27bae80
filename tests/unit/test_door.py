"""The door: what is repeated, what is not, how long it waits, and what it lets out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connections import http
from connections.errors import (
    ConfigError,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    RecordError,
    TransientError,
    UnexpectedError,
)
from connections.http import Answer, Call, Door, ErrorTable, Static
from tests.stub import StubAccess, StubAdapter

BASE = "https://erp.example.com"
CANARY = "canary-5e1f0c2a9b77"
HTML = b"<html><body>Service unavailable</body></html>"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every pause, without waiting."""
    seconds: list[float] = []
    monkeypatch.setattr(http, "pause", seconds.append)
    monkeypatch.setattr("connections.batch.random.uniform", lambda low, high: high if low else 0.0)
    return seconds


def door(*replies: Any, **options: Any) -> tuple[Door, StubAdapter]:
    adapter = StubAdapter(*replies)
    access = StubAccess(secrets={"key": CANARY})
    options.setdefault("errors", ErrorTable("Ledger"))
    return Door(BASE, access=access, adapter=adapter, **options), adapter


def refused() -> Exception:
    return requests.ConnectionError(MaxRetryError(None, "/", NewConnectionError(None, "refused")))  # type: ignore[arg-type]


def cut() -> Exception:
    return requests.ConnectionError("cut")


GET = Call("GET", "/things", label="things")
POST = Call("POST", "/things", json={"a": 1}, label="a thing")


def test_an_answer_is_parsed_once_and_money_is_exact() -> None:
    entrance, _ = door((200, b'{"amount": 10.10, "count": 3}', {"Date": "Sun, 22 Nov 2026 10:00:00 GMT"}))
    answer = entrance.send(Call("GET", "/x", decimals=True))
    assert answer.body == {"amount": Decimal("10.10"), "count": 3}
    assert answer.server_time is not None
    assert answer.server_time.isoformat() == "2026-11-22T10:00:00+00:00"


def test_what_no_database_keeps_is_left_out_of_an_answer() -> None:
    body = rb'{"name": "a\u0000b", "rows": ["\ud83d", "\ud83d\ude00", "\\u0000"], "amount": 1.10}'
    entrance, _ = door((200, body, {}))
    assert entrance.send(Call("GET", "/x", decimals=True)).body == {
        "name": "a b",
        "rows": ["?", "\U0001f600", "\\u0000"],
        "amount": Decimal("1.10"),
    }


def test_parameters_are_percent_encoded_once() -> None:
    entrance, adapter = door((200, {}))
    entrance.send(Call("GET", "/x", params={"q": "a >= '2026-01-01T00:00:00+00:00'", "none": None, "n": 2}))
    assert adapter.paths() == ["/x?q=a%20%3E%3D%20%272026-01-01T00%3A00%3A00%2B00%3A00%27&n=2"]


@pytest.mark.parametrize("failure", [(500, None), (503, HTML), (200, HTML), (200, b'{"cut":'), cut(), refused()])
def test_reading_is_repeated_until_it_works(failure: Any, waits: list[float]) -> None:
    entrance, _ = door(failure, failure, (200, {"ok": True}))
    answer = entrance.send(GET)
    assert answer.body == {"ok": True}
    assert (answer.attempts, entrance.calls) == (3, 3)
    assert sum(waits) == pytest.approx(0.5 + 1.0, abs=0.1)


def test_retry_after_is_honoured(waits: list[float]) -> None:
    entrance, _ = door((429, None, {"Retry-After": "7"}), (200, {}))
    entrance.send(GET)
    assert sum(waits) == pytest.approx(7, abs=0.1)
    assert max(waits) <= 2
    assert entrance.access.ticks >= 4  # type: ignore[attr-defined]


def test_a_wait_beyond_the_limit_is_left_to_the_caller(waits: list[float]) -> None:
    entrance, _ = door((429, None, {"Retry-After": "3600"}))
    with pytest.raises(RateLimited) as caught:
        entrance.send(GET)
    assert caught.value.retry_after == 3600
    assert waits == []


def test_attempts_are_bounded(waits: list[float], settings: Any) -> None:
    settings.HTTP_MAX_RETRIES = 2
    entrance, adapter = door(*[(503, None)] * 3)
    with pytest.raises(TransientError):
        entrance.send(GET)
    assert len(adapter.requests) == 3


@pytest.mark.parametrize("failure", [(500, None), (504, HTML), (200, HTML), cut(), requests.ReadTimeout()])
def test_a_write_without_usable_answer_is_never_repeated(failure: Any, waits: list[float]) -> None:
    entrance, adapter = door(failure)
    with pytest.raises(OutcomeUnknown):
        entrance.send(POST)
    assert len(adapter.requests) == 1


@pytest.mark.parametrize("failure", [refused(), requests.ConnectTimeout(), (429, None)])
def test_a_write_that_surely_was_not_applied_is_repeated(failure: Any, waits: list[float]) -> None:
    entrance, _ = door(failure, (201, {"id": 1}))
    assert entrance.send(POST).status == 201


def test_an_idempotent_write_is_repeated(waits: list[float]) -> None:
    entrance, _ = door(cut(), (200, {}))
    assert entrance.send(Call("POST", "/upsert", json={}, idempotent=True)).status == 200


class Renewing:
    def __init__(self) -> None:
        self.renewals = 0
        self._headers = {"Authorization": "Bearer old"}

    def headers(self) -> dict[str, str]:
        return self._headers

    def known(self) -> list[str]:
        return list(self._headers.values())

    def renew(self) -> bool:
        self.renewals += 1
        self._headers = {"Authorization": f"Bearer new{self.renewals}"}
        return True


def test_a_401_signs_in_once_and_repeats_once() -> None:
    sign_in = Renewing()
    entrance, adapter = door((401, None), (200, {}), authorize=sign_in)
    entrance.send(POST)
    assert [request.headers["Authorization"] for request in adapter.requests] == ["Bearer old", "Bearer new1"]
    entrance, adapter = door((401, None), (401, None), authorize=Renewing())
    with pytest.raises(ConfigError):
        entrance.send(GET)
    assert len(adapter.requests) == 2


def test_parallel_401s_sign_in_once() -> None:
    sign_in = Renewing()

    def by_token(request: requests.PreparedRequest) -> Any:
        return (200, {}) if request.headers["Authorization"] == "Bearer new1" else (401, None)

    entrance, _ = door(*[by_token] * 8, authorize=sign_in)
    assert len(list(entrance.send_many([GET] * 4))) == 4
    assert sign_in.renewals == 1


def test_a_static_credential_is_not_retried() -> None:
    entrance, adapter = door((401, None), authorize=Static({"Authorization": "x"}))
    with pytest.raises(ConfigError):
        entrance.send(GET)
    assert len(adapter.requests) == 1


def test_redirects_are_not_followed() -> None:
    entrance, adapter = door((302, None, {"Location": "https://elsewhere.example.com/"}))
    with pytest.raises(ConfigError):
        entrance.send(GET)
    assert len(adapter.requests) == 1


def test_an_address_on_another_host_is_not_called() -> None:
    entrance, adapter = door((200, {}))
    with pytest.raises(UnexpectedError):
        entrance.send(Call("GET", "https://elsewhere.example.com/things"))
    entrance.send(Call("GET", f"{BASE}:443/things"))
    assert len(adapter.requests) == 1


def test_a_record_of_many_is_refused_alone_and_the_rest_goes_through() -> None:
    def by_path(request: requests.PreparedRequest) -> Any:
        return (422, {"message": "bad"}) if request.path_url == "/3" else (200, {"at": request.path_url})

    entrance, _ = door(*[by_path] * 10)
    answers = dict(entrance.send_many(Call("POST", f"/{number}") for number in range(10)))
    assert isinstance(answers[3], RecordError)
    assert [answers[n].body["at"] for n in (0, 9)] == ["/0", "/9"]  # type: ignore[union-attr]


def test_a_setting_to_change_stops_the_sending_after_what_is_in_flight() -> None:
    def by_path(request: requests.PreparedRequest) -> Any:
        return (403, None) if request.path_url == "/0" else (200, {})

    entrance, adapter = door(*[by_path] * 50, parallel=2)
    landed: list[Answer | ConnectorError] = []

    def collect() -> None:
        landed.extend(answer for _, answer in entrance.send_many(Call("POST", f"/{n}") for n in range(50)))

    with pytest.raises(ConfigError):
        collect()
    assert len(adapter.requests) < 10
    assert len(landed) == len(adapter.requests) - 1


def test_a_429_narrows_the_door_for_a_while(waits: list[float]) -> None:
    entrance, _ = door((429, None), *[(200, {})] * 30)
    entrance.send(GET)
    assert entrance.width < 3
    list(entrance.send_many([GET] * 25))
    assert entrance.width == 4


def test_a_started_call_runs_while_the_caller_works() -> None:
    entrance, adapter = door((200, {"n": 1}))
    pending = entrance.start(GET)
    assert pending.result().body == {"n": 1}
    assert len(adapter.requests) == 1


def test_an_answer_beyond_the_size_limit_is_dropped() -> None:
    entrance, _ = door((200, b'"' + b"x" * 5000 + b'"'), max_bytes=1000)
    with pytest.raises(UnexpectedError):
        entrance.send(GET)


def test_an_owner_that_stops_is_heard() -> None:
    entrance, adapter = door((200, {}))

    def stop() -> None:
        raise KeyboardInterrupt

    entrance.access.tick = stop  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        entrance.send(GET)
    assert adapter.requests == []


def _everywhere(error: BaseException) -> Iterator[str]:
    seen: BaseException | None = error
    while seen is not None:
        yield f"{seen} {seen!r} {seen.args} {vars(seen)}"
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


@pytest.mark.parametrize(
    "reply",
    [
        (400, {"detail": f"you sent {CANARY}", "nested": [{"echo": CANARY}]}),
        (401, {"message": f"bad token {CANARY}"}),
        (200, HTML),
        cut(),
    ],
)
def test_no_secret_leaves_with_an_error_a_log_or_a_repr(
    reply: Any, waits: list[float], caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    settings.HTTP_MAX_RETRIES = 1
    caplog.set_level(logging.DEBUG)
    table = ErrorTable("Ledger", detail=lambda failure: {"body": failure.body})
    entrance, _ = door(reply, reply, errors=table, authorize=Static({"Authorization": f"Bearer {CANARY}"}))
    call = Call("GET", "/x", params={"t": CANARY}, headers={"X-Key": CANARY})
    with pytest.raises(ConnectorError) as caught:
        entrance.send(call)
    text = " ".join(_everywhere(caught.value)) + caplog.text + repr(call) + repr(entrance) + repr(entrance.authorize)
    assert CANARY not in text


@pytest.mark.parametrize("value", [f"{CANARY}\n", f"{CANARY}\u2013"])
def test_a_credential_that_cannot_be_sent_is_named_and_not_shown(value: str, settings: Any) -> None:
    settings.ALLOWED_PRIVATE_HOSTS = ["127.0.0.1:9"]
    access = StubAccess(secrets={"key": CANARY})
    sign_in = Static({"Authorization": value})
    entrance = Door("http://127.0.0.1:9", access=access, errors=ErrorTable("Ledger"), authorize=sign_in)
    with pytest.raises(ConfigError) as caught:
        entrance.send(GET)
    assert caught.value.code == "unsendable"
    assert CANARY not in " ".join(_everywhere(caught.value))
