"""Performs CONTRIBUTING's lists: a connector is one folder, an integration another, and no other line is touched."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from connections import connectors
from connections.connectors import registry
from connections.models import Connection
from syncs import catalogue, integrations
from syncs.models import Sync

CONNECTOR = """
    from connections.connectors.base import CheckStep, Setting, Stream
    from connections.connectors.registry import register


    @register
    class Ledger:
        key = "paper_ledger"
        label = "Paper ledger"
        settings = (Setting("shelf", "Shelf", "Where it stands."),)
        streams = {"pages": Stream("pages", "Pages", "number", None)}

        def hosts(self, config):
            return []

        def clean(self, config):
            return dict(config)

        def check(self, access, report):
            report.add(CheckStep("shelf", "Shelf found", "ok"))
"""

INTEGRATION = """
    from syncs.catalogue import Integration
    from syncs.engine.flow import FlowDefinition, Mapped, Summary


    class Pages(FlowDefinition):
        key = "pages"
        label = "Pages"
        stream = "pages"
        version = "1"

        def summary(self, row):
            return Summary(row.key)

        def map(self, row, context):
            return Mapped({"number": row.key})

        def write(self, items, context):
            for item in items:
                item.synced(item.row.key, {}, created=True)


    INTEGRATION = Integration(
        key="paper_paper",
        label="Paper to paper",
        summary="Copies pages.",
        source="paper_ledger",
        destination="paper_ledger",
        flows=(Pages(),),
        every_minutes=60,
        totals=lambda source, destination, sync: None,
    )
"""


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The two folders, as if they stood in the tree."""
    registry.all()
    for package, folder, module, source in (
        (connectors, "paper_ledger", "connector.py", CONNECTOR),
        (integrations, "paper_paper", "__init__.py", INTEGRATION),
    ):
        home = tmp_path / package.__name__.rsplit(".", 1)[-1]
        (home / folder).mkdir(parents=True)
        (home / folder / "__init__.py").touch()
        (home / folder / module).write_text(dedent(source))
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(home)])
    monkeypatch.setattr(registry, "_found", dict(registry._found))
    registry._discover.cache_clear()
    catalogue._integrations.cache_clear()
    yield
    registry._discover.cache_clear()
    catalogue._integrations.cache_clear()
    for name in [
        name for name in sys.modules if name.endswith(("paper_ledger", "paper_ledger.connector", "paper_paper"))
    ]:
        del sys.modules[name]


def test_a_connector_is_one_folder(added: None) -> None:
    assert registry.get("paper_ledger").label == "Paper ledger"
    assert ("paper_ledger", "Paper ledger") in list(Connection._meta.get_field("connector").flatchoices)


def test_an_integration_is_one_folder(added: None) -> None:
    assert catalogue.get("paper_paper").flow("pages").label == "Pages"
    assert ("paper_paper", "Paper to paper") in list(Sync._meta.get_field("integration").flatchoices)


def test_choices_are_no_part_of_a_migration() -> None:
    """A new connector changes the choices of a form, not the schema: the models take them from a callable."""
    for model, name, source in ((Connection, "connector", registry.choices), (Sync, "integration", catalogue.choices)):
        _, _, _, arguments = model._meta.get_field(name).deconstruct()
        assert arguments["choices"] is source
