"""One next step at a time, from an empty workspace to the start."""

from __future__ import annotations

from typing import Any

import pytest

from connections.models import Connection
from syncs.setting_up import of_workspace

HEALTHY, BROKEN, UNTESTED = Connection.Status.HEALTHY, Connection.Status.BROKEN, Connection.Status.UNTESTED


def connection(pk: int, connector: str, status: str = HEALTHY, **capabilities: Any) -> Connection:
    return Connection(pk=pk, connector=connector, name=connector, status=status, capabilities=capabilities)


FUSION = connection(1, "oracle_fusion")


@pytest.mark.parametrize(
    ("connections", "title", "said", "url"),
    [
        ([], "Connect both systems", "An administrator", "/connections/new/"),
        ([FUSION], "Connect both systems", "HubSpot or Salesforce", "/connections/new/"),
        ([connection(2, "hubspot")], "Connect both systems", "Oracle Fusion", "/connections/new/"),
        ([FUSION, connection(2, "hubspot", UNTESTED)], "Test them", "not tested yet", "/connections/2/"),
        ([FUSION, connection(2, "hubspot", BROKEN)], "Test them", "something to correct", "/connections/2/"),
        (
            [FUSION, connection(2, "hubspot", missing=[{"key": "x"}])],
            "Prepare the account",
            "hubspot needs",
            "/connections/2/prepare/",
        ),
        ([FUSION, connection(2, "hubspot", missing=[])], "Choose what moves", "from which day on", "/syncs/new/"),
        (
            [FUSION, connection(2, "hubspot", BROKEN), connection(3, "hubspot")],
            "Choose what moves",
            "how often",
            "/syncs/new/",
        ),
    ],
)
def test_the_next_step(connections: list[Connection], title: str, said: str, url: str) -> None:
    way = of_workspace(connections)
    assert way.next is not None
    assert (way.next.title, way.next.url) == (title, url)
    assert said in way.next.text
    assert [step.title for step in way.steps if step.done] == [step.title for step in way.steps][
        : way.steps.index(way.next)
    ]
    assert way.connected == (title == "Choose what moves")
