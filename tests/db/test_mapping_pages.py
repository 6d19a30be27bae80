"""The mapping page: what goes where with real names and an example, own fields checked, saved and taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from connections.connectors.base import Field
from connections.errors import TransientError
from connections.models import Connection
from mlconnector.tenants.models import Tenant
from syncs.mapping import mappings
from syncs.models import Preview, Sync
from tests.db.test_mappings import FIELDS, Companies
from tests.doubles import World, offer, sync_between

SignIn = Callable[[Any], Client]
pytestmark = pytest.mark.either_database


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    world.destination.fields = FIELDS  # type: ignore[attr-defined]
    world.source.fields = [Field("Tier", "Customer tier", "text"), Field("name", "Organisation name", "text")]
    offer(
        monkeypatch, "memory", {"memory_source": world.source, "memory_destination": world.destination}, (Companies(),)
    )
    cache.clear()
    world.source.put("things", "t0", 0, name="Kestrel Logistics", Tier="gold", Lines=[{"Item": "A-1"}])
    return world


@pytest.fixture
def sync(world: World, tenant: Tenant) -> Sync:
    return sync_between(tenant)


@pytest.fixture
def page(signed_in: SignIn, owner: Any) -> Client:
    return signed_in(owner)


def address(sync: Sync) -> str:
    return reverse("syncs:mapping", args=[sync.pk, "things"])


def rows(*given: dict[str, str], do: str = "check") -> dict[str, str]:
    sent = {"rows": str(len(given)), "do": do}
    for place, row in enumerate(given):
        sent |= {f"field{place}-{name}": value for name, value in row.items()}
    return sent


def shown(answer: Any) -> str:
    return answer.content.decode()


def test_the_page_does_not_wait_for_the_systems_and_asks_them_afterwards(
    page: Client, world: World, sync: Sync
) -> None:
    text = shown(page.get(address(sync)))
    assert world.source.door.calls == 0
    assert "are being looked up" in text
    assert 'hx-trigger="load"' in text
    complete = shown(page.get(address(sync), {"now": "1"}))
    assert "Organisation name" in complete
    assert "Kestrel Logistics" in complete
    assert "Lines[0].Item" in complete
    assert "being looked up" not in complete
    calls = world.source.door.calls
    assert "Kestrel Logistics" in shown(page.get(address(sync)))
    assert world.source.door.calls == calls


def test_a_system_that_does_not_answer_leaves_a_page_on_which_one_can_go_on(
    page: Client, world: World, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise TransientError("It does not answer in time.")

    monkeypatch.setattr(world.source, "walk", refuse)
    text = shown(page.get(address(sync), {"now": "1"}))
    assert "It does not answer in time." in text
    assert "You can go on without" in text
    assert 'name="field0-to"' in text


def test_checking_shows_what_a_row_gives_and_saves_nothing(page: Client, sync: Sync) -> None:
    text = shown(
        page.post(address(sync), rows({"to": "tier", "source": "Tier"}, {"to": "nick", "source": "Lines[0].Item"}))
    )
    assert "This fits." in text
    assert "A-1" in text
    assert "GOLD" in text
    assert not mappings.versions(sync.flows.get()).exists()


def test_what_is_wrong_is_said_at_its_row_and_what_was_typed_stays(page: Client, sync: Sync) -> None:
    answer = page.post(
        address(sync), rows({"to": "tier", "source": "Tier"}, {"to": "elsewhere", "value": "x"}, do="save")
    )
    assert answer.status_code == 422
    assert "There is no such field" in shown(answer)
    assert 'value="elsewhere"' in shown(answer)
    assert not mappings.versions(sync.flows.get()).exists()


def test_saving_makes_a_version_and_an_older_one_can_be_taken_back(page: Client, sync: Sync) -> None:
    assert "Version 1 of the mapping is saved" in shown(
        page.post(address(sync), rows({"to": "tier", "source": "Tier"}, {}, do="save"), follow=True)
    )
    taken_out = page.post(address(sync), rows({"to": "tier", "source": "Tier", "remove": "on"}, do="save"), follow=True)
    assert "Taken out: tier. What stands there now stays" in shown(taken_out)
    flow = sync.flows.get()
    assert flow.mapping_overrides == {"fields": []}
    text = shown(page.get(address(sync), {"version": "1"}))
    assert "An older version is filled in below" in text
    assert 'value="tier"' in text
    page.post(address(sync), rows({"to": "tier", "source": "Tier"}, do="save"))
    assert [each.number for each in mappings.versions(flow)] == [3, 2, 1]
    assert page.get(address(sync), {"version": "9"}).status_code == 404


def test_saving_what_is_there_already_says_so(page: Client, sync: Sync) -> None:
    assert "Nothing was changed." in shown(page.post(address(sync), rows({}, do="save"), follow=True))
    assert not mappings.versions(sync.flows.get()).exists()


def test_a_preview_is_worked_out_before_anything_is_saved(page: Client, sync: Sync) -> None:
    page.post(address(sync), rows({"to": "tier", "source": "Tier"}, do="preview"))
    preview = Preview.objects.for_tenant(sync.tenant_id).get()
    assert preview.kind == Preview.Kind.MAPPING
    assert mappings.given(preview.proposal["overrides"]) == [{"to": "tier", "from": "Tier"}]
    assert not mappings.versions(sync.flows.get()).exists()


def test_a_viewer_reads_and_changes_nothing(signed_in: SignIn, viewer: Any, sync: Sync) -> None:
    flow = sync.flows.get()
    mappings.save(flow, {"fields": [{"to": "tier", "from": "Tier"}]}, actor="member:t")
    client = signed_in(viewer)
    text = shown(client.get(address(sync)))
    assert "Tier" in text
    assert "field0-to" not in text
    assert client.post(address(sync), rows({}, do="save")).status_code == 403
    assert mappings.versions(flow).count() == 1


def test_a_broken_connection_is_not_asked(page: Client, world: World, sync: Sync) -> None:
    Connection.objects.for_tenant(sync.tenant_id).update(status=Connection.Status.BROKEN, status_text="Sign in again.")
    assert "Sign in again." in shown(page.get(address(sync), {"now": "1"}))
    assert world.source.door.calls == 0
