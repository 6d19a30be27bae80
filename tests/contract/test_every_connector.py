"""No connector without the suite."""

import importlib
import pkgutil

import tests.contract
from connections.connectors import registry
from tests.contract.suite import ConnectorSuite


def test_every_registered_connector_passes_the_suite() -> None:
    for module in pkgutil.iter_modules(tests.contract.__path__):
        importlib.import_module(f"tests.contract.{module.name}")
    staged = {suite.stage.connector for suite in ConnectorSuite.__subclasses__()}
    assert staged == {connector.key for connector in registry.all()}
