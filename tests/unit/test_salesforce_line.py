"""The token and the calls of the day, without a network."""

from __future__ import annotations

from typing import Any

import pytest

from connections.connectors import registry
from connections.connectors.salesforce.auth import ClientCredentials, instance
from connections.connectors.salesforce.line import Room
from connections.errors import ConfigError, RateLimited
from tests.stub import StubAccess

HOME = "https://larkfield.my.salesforce.com"
SALESFORCE: Any = registry.get("salesforce")


def test_usage_is_found_whatever_follows() -> None:
    room = Room(10)
    assert room.left is None
    room.check()
    room.note({"Sforce-Limit-Info": "api-usage=10018/100000; per-app-api-usage=17/250(appName=x)"})
    assert (room.used, room.most, room.left) == (10018, 100000, 79982)
    room.note({"Sforce-Limit-Info": "per-app-api-usage=17/250(appName=x)"})
    room.note({})
    assert room.used == 10018


def test_the_reserve_is_kept() -> None:
    room = Room(25)
    room.note({"Sforce-Limit-Info": "api-usage=750/1000"})
    with pytest.raises(RateLimited, match="kept for the people") as caught:
        room.check()
    assert (caught.value.code, caught.value.retry_after) == ("salesforce_reserve", 900.0)
    Room(0).check()


def test_a_token_goes_home_or_to_salesforce_only() -> None:
    assert instance("https://larkfield.my.salesforce.com/", HOME) == HOME
    assert instance("https://na99.salesforce.com", HOME) == "https://na99.salesforce.com"
    assert instance("http://127.0.0.1:99", "http://127.0.0.1:99") == "http://127.0.0.1:99"
    for foreign in (
        "https://evil.example",
        "http://na99.salesforce.com",
        "https://salesforce.com.evil.example",
        "https://evilsalesforce.com",
        "https://u:p@na99.salesforce.com",
        "http://127.0.0.1:99",
        "",
    ):
        with pytest.raises(ConfigError) as caught:
            instance(foreign, HOME)
        assert caught.value.code == "salesforce_foreign_host"


def test_the_base_address_follows_the_token() -> None:
    access: Any = StubAccess(SALESFORCE.clean({"my_domain_url": HOME, "client_id": "c"}), {"client_secret": "s" * 9})
    access.stored = {"access_token": "00D!a", "instance_url": "https://na99.salesforce.com"}
    door = SALESFORCE.door(access)
    assert door.base_url == HOME
    assert door.authorize.headers() == {"Authorization": "Bearer 00D!a"}
    assert door.base_url == "https://na99.salesforce.com"
    assert access.refreshes == 0


def test_a_new_token_is_got_once_for_all_and_never_for_a_final_401() -> None:
    access: Any = StubAccess(SALESFORCE.clean({"my_domain_url": HOME, "client_id": "c"}), {"client_secret": "s" * 9})
    access.stored = {"access_token": "old", "instance_url": HOME}
    first, second = SALESFORCE.door(access), SALESFORCE.door(access)
    tokens = iter(["new", "newer"])
    for door in (first, second):
        door.authorize.obtain = lambda: {"access_token": next(tokens), "instance_url": HOME}
        door.authorize.headers()
    first.wire.final.set()
    assert not first.authorize.renew()
    assert first.authorize.renew()
    assert second.authorize.renew()
    assert access.refreshes == 1
    assert second.authorize.headers() == {"Authorization": "Bearer new"}


def test_a_token_of_its_own_disturbs_nobody() -> None:
    access: Any = StubAccess(SALESFORCE.clean({"my_domain_url": HOME, "client_id": "c"}), {"client_secret": "s" * 9})
    access.stored = {"access_token": "shared", "instance_url": HOME}
    alone = ClientCredentials(access, alone=True)
    alone.obtain = lambda: {"access_token": "own", "instance_url": HOME, "user_id": "005"}  # type: ignore[method-assign]
    assert alone.headers() == {"Authorization": "Bearer own"}
    assert alone.user_id == "005"
    assert access.stored["access_token"] == "shared"
