from __future__ import annotations

import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

import environ
import pytest

from connections.connectors import registry
from connections.forms import clean_config, clean_secrets
from connections.sandbox.sandbox import SYSTEMS
from mlconnector import demo_environment as demo
from mlconnector.demo_data import OPTIONS
from mlconnector.management.commands.demo import _web
from mlconnector.management.commands.sandbox import credentials
from syncs.engine.flow import FlowDefinition
from syncs.integrations.fusion_salesforce.opportunities import Opportunities
from syncs.integrations.fusion_salesforce.purchase_orders import PurchaseOrders
from syncs.options import clean_options, lacking


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(demo, "HOME", tmp_path)
    monkeypatch.setattr(demo, "ENV_FILE", tmp_path / "env")
    monkeypatch.setattr(demo, "_lock", None)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return tmp_path


def again() -> None:
    if demo._lock:
        demo._lock.close()


def test_keys_are_made_once_kept_and_private(home: Path) -> None:
    demo.prepare([])
    first = {name: os.environ[name] for name in ("SECRET_KEY", "FERNET_KEYS", "DEMO_PASSWORD")}
    assert len(set(first.values())) == 3
    assert stat.S_IMODE((home / "env").stat().st_mode) == 0o600
    again()
    demo.prepare([])
    assert {name: os.environ[name] for name in first} == first
    assert os.environ["ENV_FILE"] == str(home / "env")


def test_a_reset_forgets_everything(home: Path) -> None:
    demo.prepare([])
    before = os.environ["SECRET_KEY"]
    (home / "db.sqlite3").write_text("old")
    again()
    demo.prepare(["--reset"])
    assert os.environ["SECRET_KEY"] != before
    assert not (home / "db.sqlite3").exists()


def test_a_second_demo_on_the_same_files_is_refused(home: Path) -> None:
    demo.prepare([])
    first = demo._lock
    with pytest.raises(SystemExit, match="running already: http://127"):
        demo.prepare([])
    assert first
    first.close()


def test_the_shell_does_not_lead_the_demo_elsewhere(home: Path) -> None:
    os.environ["DATABASE_URL"] = "postgresql://production/books"
    demo.prepare([])
    assert os.environ["DATABASE_URL"] == f"sqlite:///{home / 'db.sqlite3'}"


def test_a_taken_port_gives_way_to_the_next_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        chosen, moved = demo.choose_ports({"WEB": port, "HUBSPOT": port})
    assert port not in chosen.values()
    assert len(set(chosen.values())) == 2
    assert [old for old, _ in moved] == [port, port]


def test_the_shell_may_ask_for_ports(home: Path) -> None:
    os.environ["DEMO_PORT_WEB"] = "23456"
    demo.prepare([])
    assert os.environ["BASE_URL"].startswith("http://127.0.0.1:2345")


def test_private_hosts_are_the_sandbox_and_nothing_else(home: Path) -> None:
    demo.prepare([])
    hosts = os.environ["ALLOWED_PRIVATE_HOSTS"].split(",")
    names = ("FUSION_POD", "FUSION_IDENTITY", "HUBSPOT", "SALESFORCE")
    assert hosts == [f"127.0.0.1:{os.environ[f'DEMO_PORT_{name}']}" for name in names]


def test_mail_goes_to_files_below_the_demo(home: Path) -> None:
    demo.prepare([])
    config = environ.Env.email_url_config(os.environ["EMAIL_URL"])
    assert config["EMAIL_BACKEND"].endswith("filebased.EmailBackend")
    assert Path(config["EMAIL_FILE_PATH"]) == home.resolve() / "mail"


def test_each_sandboxed_system_tells_how_to_connect_to_it() -> None:
    assert [name for name in SYSTEMS if not credentials(name)] == []
    assert set(credentials("salesforce")) == {"client_id", "client_secret"}


@pytest.mark.parametrize("flow", [Opportunities(), PurchaseOrders()], ids=lambda flow: flow.key)
def test_the_demo_gives_flows_all_they_need_and_no_more(flow: FlowDefinition) -> None:
    given = OPTIONS["fusion_salesforce"][flow.key]
    assert clean_options(flow, given) == given
    assert lacking(flow, given) == []


def test_the_sandboxes_are_offered_as_their_connectors_want_them(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    ports = {name: 9100 + place for place, name in enumerate(demo.PORTS)}
    for name, port in ports.items():
        monkeypatch.setenv(f"DEMO_PORT_{name}", str(port))
    settings.ALLOWED_PRIVATE_HOSTS = [f"127.0.0.1:{port}" for port in ports.values()]
    offered = json.loads(_web().env["SANDBOX_ACCOUNTS"])
    assert set(offered) == {connector.key for connector in registry.all()}
    for key, account in offered.items():
        config = clean_config(registry.get(key), account["config"])
        assert clean_secrets(registry.get(key), config, account["secrets"]) == account["secrets"]
