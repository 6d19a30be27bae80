from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.test import override_settings

from mlconnector import checks

KEY, OTHER = "a-key-of-enough-length-1", "a-key-of-enough-length-2"


def ids(messages: list[Any]) -> list[str]:
    return [message.id for message in messages]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], ["mlconnector.E001"]),
        (None, ["mlconnector.E001"]),
        ([KEY], []),
        ([KEY, OTHER], []),
        ([KEY, settings.SECRET_KEY], ["mlconnector.E002"]),
        (["short"], ["mlconnector.E003"]),
        ([KEY, KEY], ["mlconnector.E004"]),
    ],
)
def test_encryption_keys(keys: list[str] | None, expected: list[str]) -> None:
    with override_settings(FERNET_KEYS=keys):
        assert ids(checks.encryption_keys()) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"timeout": settings.SLICE_SECONDS}, ["mlconnector.E010"]),
        ({"timeout": None}, ["mlconnector.E010"]),
        ({"retry": settings.Q_CLUSTER["timeout"]}, ["mlconnector.E011"]),
        ({"orm": None}, ["mlconnector.E012"]),
        ({"ack_failures": False}, ["mlconnector.E013"]),
        ({"max_attempts": 0}, ["mlconnector.E013"]),
    ],
)
def test_queue_timing(change: dict[str, Any], expected: list[str]) -> None:
    with override_settings(Q_CLUSTER={**settings.Q_CLUSTER, **change}):
        assert ids(checks.queue_timing()) == expected


@pytest.mark.parametrize("seconds", [5, settings.SLICE_SECONDS])
def test_a_lease_is_neither_too_short_nor_longer_than_a_slice(seconds: int) -> None:
    with override_settings(LEASE_SECONDS=seconds):
        assert ids(checks.queue_timing()) == ["mlconnector.E014"]


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ({"ENGINE": "django.db.backends.postgresql"}, []),
        ({"ENGINE": "django.db.backends.postgresql", "OPTIONS": {"pool": True}}, ["mlconnector.E020"]),
        ({"ENGINE": "django.db.backends.sqlite3"}, ["mlconnector.E021"]),
        ({"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"transaction_mode": "IMMEDIATE"}}, []),
    ],
)
def test_database_options(monkeypatch: pytest.MonkeyPatch, database: dict[str, Any], expected: list[str]) -> None:
    monkeypatch.setattr(settings, "DATABASES", {"default": database})
    assert ids(checks.database_options()) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"HTTPS": True}, []),
        ({"HTTPS": True, "DEBUG": True}, ["mlconnector.E030"]),
        ({"HTTPS": True, "ALLOWED_PRIVATE_HOSTS": ["127.0.0.1:9101"]}, ["mlconnector.W031"]),
        ({"HTTPS": True, "SANDBOX_ACCOUNTS": {"hubspot": {}}}, ["mlconnector.W033"]),
        ({"HTTPS": False}, ["mlconnector.E032"]),
    ],
)
def test_production(change: dict[str, Any], expected: list[str]) -> None:
    with override_settings(**change):
        assert ids(checks.production()) == expected


def test_private_hosts_are_hosts_with_ports() -> None:
    with override_settings(ALLOWED_PRIVATE_HOSTS=["127.0.0.1:9101", "localhost", "http://10.0.0.1"]):
        (message,) = checks.private_hosts()
    assert message.id == "mlconnector.E040"
    assert "localhost, http://10.0.0.1" in message.msg


@pytest.mark.parametrize("account", [{}, {"name": "HubSpot", "config": {}}, "hubspot"])
def test_a_sandbox_account_is_whole(account: Any) -> None:
    with override_settings(SANDBOX_ACCOUNTS={"hubspot": {"name": "HubSpot", "config": {}, "secrets": {}}}):
        assert checks.sandbox_accounts() == []
    with override_settings(SANDBOX_ACCOUNTS={"hubspot": account}):
        assert ids(checks.sandbox_accounts()) == ["mlconnector.E041"]


def test_the_production_check_runs_only_on_deployment() -> None:
    with override_settings(DEBUG=True):
        assert "mlconnector.E030" not in ids(run_checks())
        assert "mlconnector.E030" in ids(run_checks(include_deployment_checks=True))


def test_these_settings_pass() -> None:
    assert [message for message in run_checks() if message.is_serious()] == []
