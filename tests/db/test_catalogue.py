"""What everybody may see of the product without an account."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from connections.connectors import registry
from syncs import catalogue

pytestmark = [pytest.mark.django_db, pytest.mark.either_database]


def test_visitors_find_every_integration_and_flow_on_the_landing_page(client: Client) -> None:
    shown = client.get("/").content.decode()
    for one in catalogue.all_integrations():
        assert reverse("syncs:integration", args=[one.key]) in shown
        assert all(flow.label in shown for flow in one.flows)
    assert re.search(r'<meta name="description" content="[^"]{80,200}">', shown)


@pytest.mark.parametrize("integration", catalogue.all_integrations(), ids=lambda one: one.key)
def test_an_integration_is_told_field_by_field(client: Client, integration: Any) -> None:
    assert (
        reverse("syncs:integration", args=[integration.key])
        in client.get(reverse("syncs:integrations")).content.decode()
    )
    shown = client.get(reverse("syncs:integration", args=[integration.key])).content.decode()
    for flow in integration.flows:
        assert flow.label in shown
        assert all(line.to in shown for section in flow.table for line in section.lines)
    for connector in (integration.source, integration.destination):
        asked = [one.label for one in registry.get(connector).settings if one.secret]
        assert asked
        assert all(label in shown for label in asked)


def test_there_is_no_page_for_what_is_not_offered(client: Client) -> None:
    assert client.get(reverse("syncs:integration", args=["abacus_lotus"])).status_code == 404
