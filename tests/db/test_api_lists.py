"""Lists that are walked and filtered, the trail, the rate limit, and wrong addresses."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.utils import timezone

from mlconnector.api_views import HeavyRate, Rate
from mlconnector.tenants.models import Tenant
from syncs.models import Record
from tests.api_cast import House, Program, build


@pytest.fixture
def house(tenant: Tenant) -> House:
    return build(tenant)


@pytest.fixture
def program(house: House) -> Program:
    return house.program()


# Lists


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/records/", {"status": "lost"}),
        ("/records/", {"sync": "one"}),
        ("/records/", {"state": "held"}),
        ("/runs/", {"status": "done"}),
        ("/connections/", {"connector": "sap"}),
        ("/audit/", {"since": "yesterday"}),
        ("/audit/", {"run": "1.5"}),
        ("/records/", {"search": "\x00"}),
        ("/records/", {"page_size": "0"}),
        ("/runs/", {"sync": str(2**63)}),
        ("/records/", {"page_size": "501"}),
        ("/audit/", {"page_size": "ten"}),
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused_by_name(program: Program, path: str, query: dict[str, str]) -> None:
    answer = program.ask(path, **query)
    assert answer.status_code == 400
    assert answer.json().keys() == query.keys()


def test_lists_are_walked_to_the_end(house: House, program: Program) -> None:
    new = [
        Record(flow=house.invoices, source_key=f"n{n}", status="synced", updated_at=timezone.now()) for n in range(25)
    ]
    Record.objects.bulk_create(new)
    seen: list[int] = []
    address = "/api/v1/records/?page_size=7"
    while address:
        page = program.get(address).json()
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
    assert len(seen) == len(set(seen)) == 29
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("text", ["x", "p=abc", "o=-1&p=1", "p=" + "9" * 40, "\x00"])
def test_a_cursor_that_we_did_not_give_is_not_an_accident(program: Program, text: str) -> None:
    for path in ("/records/", "/audit/"):
        answer = program.ask(path, cursor=base64.b64encode(text.encode()).decode())
        assert answer.status_code in (200, 404)


def test_lists_take_few_queries(house: House, program: Program, django_assert_max_num_queries: Any) -> None:
    program.ask("/me/")
    for path in ("/connections/", "/syncs/", "/runs/", "/records/", "/audit/", "/audit/verify/"):
        with django_assert_max_num_queries(9):
            assert program.ask(path).status_code == 200


# The trail


def test_the_trail_is_searched_and_proved(house: House, program: Program) -> None:
    story = program.ask("/audit/", sync=house.sync.pk, flow="invoices", source_ref="21").json()["results"]
    assert [entry["outcome"] for entry in story] == ["rejected"]
    assert story[0]["detail"]["text"].startswith("Lines and total disagree")
    assert len(program.ask("/audit/", run=house.run.pk).json()["results"]) == 2
    assert program.ask("/audit/", actor="member:owner@meridian.example").json()["results"][0]["action"] == "sync.create"
    assert len(program.ask("/audit/", search="TOTAL_differs").json()["results"]) == 1
    now = timezone.now().isoformat()
    everything = program.ask("/audit/", until=now).json()["results"]
    assert len(everything) == 3
    assert program.ask("/audit/", since=now).json()["results"] == []
    assert len(program.ask("/audit/", since="0001-01-01T00:00:00+14:00").json()["results"]) == 3
    proof = program.ask("/audit/verify/").json()
    assert (proof["ok"], proof["checked"], proof["head"]) == (True, 3, everything[0]["hash"])
    assert program.ask("/audit/verify/", sequence=3, hash=proof["head"]).json()["ok"]
    assert not program.ask("/audit/verify/", sequence=3, hash="0" * 64).json()["ok"]
    assert program.ask("/audit/verify/", sequence=3).json().keys() == {"hash"}


# Limits and wrong addresses


def test_the_limit_is_told_before_and_when_it_is_reached(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rate, "rate", "3/min", raising=False)
    monkeypatch.setattr(HeavyRate, "rate", "1/min")
    first = program.ask("/audit/verify/")
    assert (first.status_code, first.headers["RateLimit-Limit"], first.headers["RateLimit-Remaining"]) == (
        200,
        "1",
        "0",
    )
    heavy = program.ask("/audit/verify/")
    assert heavy.status_code == 429
    assert 0 < int(heavy.headers["Retry-After"]) <= 60
    last = program.ask("/me/")
    assert (last.status_code, last.headers["RateLimit-Remaining"]) == (200, "0")
    assert program.ask("/me/").status_code == 429


@pytest.mark.parametrize("path", ["/nothing/", "/runs", "/runs/x/", "/"])
def test_wrong_addresses_answer_in_json(program: Program, path: str) -> None:
    answer = program.ask(path)
    assert answer.status_code == 404
    assert "/api/v1/schema/" in answer.json()["detail"]
    assert Program().ask(path).status_code == 404


def test_bad_bodies_are_refused(house: House, program: Program) -> None:
    path = f"/api/v1/syncs/{house.sync.pk}/"
    assert program.generic("PATCH", path, "{", content_type="application/json").status_code == 400
    assert program.generic("PATCH", path, '{"every_minutes": NaN}', content_type="application/json").status_code == 400
    assert program.generic("PATCH", path, "a=1", content_type="text/plain").status_code == 415
