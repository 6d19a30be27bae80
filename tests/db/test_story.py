"""One record as both systems have it now, found by whatever people call it, and what happens to it next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.connectors.base import Document
from connections.connectors.salesforce.values import long
from connections.errors import ConfigError, TransientError
from syncs import both_sides, record_selectors, services
from syncs.engine.standing import Place, place
from syncs.models import Flow, Record, Sync
from syncs.record_selectors import Wanted, search
from syncs.touching import next_touch
from tests import factories
from tests.doubles import Things, World, offer

SignIn = Callable[[Any], Client]
ACTOR = "member:owner@meridian.example"


class Seen(Things):
    def places(self, document: Document, ids: Document, capabilities: Any) -> Iterable[Place]:
        if document:
            yield place(("thing",), "Thing", "things", ids.get("thing"), document)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    offer(monkeypatch, "memory", {"left": made.source, "right": made.destination}, (Seen(),))
    return made


@pytest.fixture
def told(world: World, tenant: Any) -> Record:
    """A thing that a run has delivered."""
    world.source.put("things", "1", 1, name="Alpha")
    sides = [factories.connection(tenant, key, key, capabilities={}) for key in ("left", "right")]
    sync = services.create_sync(
        tenant, integration="memory", source=sides[0], destination=sides[1], actor=ACTOR, name="Memory"
    )
    run = services.run_now(sync, actor=ACTOR, enqueue=False)
    while services.execute(run.pk):
        pass
    return Record.objects.for_tenant(tenant).get(source_key="1")


def test_a_run_tells_up_to_when_it_has_read_and_how_long_each_flow_took(world: World, told: Record) -> None:
    assert told.flow.checkpoint["things"]["current"] == world.source.now.isoformat()
    progress = told.flow.sync.runs.get().progress
    assert progress["began"].keys() == progress["ended"].keys() == {"things"}


def standings(both: both_sides.BothSides) -> list[tuple[str, Any, Any, str]]:
    return [(one.name, one.ours, one.theirs, one.standing) for section in both.sections for one in section.lines]


def test_both_sides_agree_after_a_run(told: Record) -> None:
    both = both_sides.look(told)
    assert both.agree
    assert standings(both) == [("name", "Alpha", "Alpha", "agrees")]
    assert both.source.link == "https://left.example/things/1"
    assert both.destination.link == "https://right.example/things/id-1"


def test_who_changed_it_since_is_told(world: World, told: Record) -> None:
    world.destination.documents["things:1"] = {"name": "By hand"}
    both = both_sides.look(told)
    assert standings(both) == [("name", "Alpha", "By hand", "destination")]
    assert (both.destination_changed, both.agree) == (1, False)
    world.destination.documents["things:1"] = {"name": "Alpha"}
    world.source.put("things", "1", 2, name="Beta")
    assert standings(both_sides.look(told)) == [("name", "Beta", "Alpha", "source")]


def test_what_is_gone_on_either_side_is_said(world: World, told: Record) -> None:
    world.destination.documents.clear()
    both = both_sides.look(told)
    assert (both.destination.there, both.gone) == (False, 1)
    assert "not there any more" in both.destination.text
    world.source.rows["things"].clear()
    assert "not there any more" in both_sides.look(told).source.text
    assert both_sides.look(told).by_delivery


def test_why_it_would_not_be_delivered_is_said(world: World, told: Record) -> None:
    world.source.put("things", "1", 2, name="skip")
    assert both_sides.look(told).source.text == "This is not mirrored."
    world.source.put("things", "1", 3, name="bad")
    both = both_sides.look(told)
    assert (both.source.text, both.source.failed, both.source.there) == ("The name is bad. Change it.", False, True)
    assert standings(both) == [("name", "Alpha", "Alpha", "agrees")]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConfigError("The role is missing. Add it."), "The role is missing. Add it."),
        (TransientError("Bad gateway."), "Left does not answer just now. Look again in a moment."),
    ],
)
def test_a_system_that_does_not_answer_leaves_the_other_to_be_seen(
    world: World, told: Record, error: Any, words: str
) -> None:
    world.source.fail_at_call[world.source.door.calls + 1] = error
    both = both_sides.look(told)
    assert (both.source.text, both.source.failed) == (words, True)
    assert standings(both) == [("name", "Alpha", "Alpha", "agrees")]
    assert both.destination.there


def test_the_page_loads_both_sides_behind_itself(world: World, told: Record, signed_in: SignIn, viewer: Any) -> None:
    client, address = signed_in(viewer), reverse("syncs:record", args=[told.pk])
    calls = world.source.door.calls
    first = client.get(address).content.decode()
    assert 'hx-get="?now=1"' in first
    assert 'href="?now=1#now"' in first
    assert world.source.door.calls == calls
    part = client.get(f"{address}?now=1", headers={"HX-Request": "true"}).content.decode()
    assert "Both sides agree." in part
    assert "<html" not in part
    whole = client.get(f"{address}?now=1").content.decode()
    assert "Both sides agree." in whole
    assert "hx-get" not in whole
    assert whole.count("<h1") == 1


def test_a_system_with_few_calls_left_is_asked_only_when_somebody_wants_it(
    told: Record, signed_in: SignIn, viewer: Any
) -> None:
    client, address = signed_in(viewer), reverse("syncs:record", args=[told.pk])
    side = told.flow.sync.destination
    side.capabilities = {"allowance": {"left": 40, "limit": 1000, "period": "day", "at": timezone.now().isoformat()}}
    side.save(update_fields=["capabilities"])
    text = client.get(address).content.decode()
    assert "hx-get" not in text
    assert 'href="?now=1#now"' in text


# Search ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def flow(tenant: Any) -> Flow:
    return factories.flow(factories.sync(tenant))


@pytest.mark.parametrize(
    "typed",
    [
        "INV-7001",
        "inv-7001",
        "  inv - 7001 ",
        "INV -7001",
        "0015g00000Xyz12",
        "0015g00000Xyz12AAA",
        "300007",
        "Ord-55",
        "INV-70",
    ],
)
def test_a_record_is_found_by_whatever_people_call_it(tenant: Any, flow: Flow, typed: str) -> None:
    wanted = factories.record(
        flow, "300007", title="INV-7001", destination_id=long("0015g00000Xyz12"), reference="ORD-55"
    )
    factories.record(flow, "300008", title="INV-8001", destination_id=long("0015g00000Xyz13"))
    typed = long("0015g00000Xyz12") if typed.endswith("AAA") else typed
    assert [one.pk for one in search(tenant, Wanted(text=typed)).records] == [wanted.pk]
    assert [one.pk for one in search(tenant, Wanted(text=f"#{wanted.pk}")).records] == [wanted.pk]


def test_a_source_record_is_found_by_its_short_id(tenant: Any, flow: Flow) -> None:
    factories.record(flow, long("0065g0000000abc"), title="Line extension")
    found = search(tenant, Wanted(text="0065g0000000abc")).records
    assert [one.title for one in found] == ["Line extension"]


def test_a_company_is_found_by_any_part_of_its_name(tenant: Any, flow: Flow) -> None:
    customers = factories.flow(flow.sync, "customers")
    factories.record(customers, "1", title="Blue Harbour Foods Ltd", match_key="blue harbour foods")
    factories.record(customers, "2", title="Blue Ridge", match_key="blue ridge")
    factories.record(flow, "3", title="Harbour")
    names = {text: [one.title for one in search(tenant, Wanted(text=text)).records] for text in ("foods", "BLUE", "%")}
    assert names == {"foods": ["Blue Harbour Foods Ltd"], "BLUE": ["Blue Ridge", "Blue Harbour Foods Ltd"], "%": []}


def test_one_hit_leads_straight_to_its_story(tenant: Any, flow: Flow, signed_in: SignIn, viewer: Any) -> None:
    one = factories.record(flow, "300007", title="INV-7001")
    client, address = signed_in(viewer), reverse("syncs:records")
    assert client.get(address, {"q": "inv-7001"})["Location"] == reverse("syncs:record", args=[one.pk])
    factories.record(flow, "300008", title="INV-7002")
    assert client.get(address, {"q": "inv-700"}).status_code == 200
    assert client.get(address, {"status": "synced"}).status_code == 200


def test_another_tenants_number_finds_nothing(other_tenant: Any, flow: Flow) -> None:
    one = factories.record(flow, "300007", title="INV-7001")
    for text in ("INV-7001", f"#{one.pk}"):
        assert search(other_tenant, Wanted(text=text)).records == []


# What happens next ----------------------------------------------------------------------------------------------------


def touch(record: Record, **values: Any) -> tuple[str, datetime | None]:
    for name, value in values.items():
        setattr(record, name, value)
    found = next_touch(record, asked=values.get("status") == "held", source="Fusion")
    return found.text, found.at


def test_what_has_to_happen_for_it_to_be_touched_again(tenant: Any, flow: Flow) -> None:
    run = timezone.now() + timedelta(minutes=7)
    Sync.objects.for_tenant(tenant).update(next_run_at=run)
    record = record_selectors.record_of(tenant, factories.record(flow, "1").pk)
    assert touch(record) == ("When it changes in Fusion; looked for with the next run", run)
    assert touch(record, watch=True)[0].endswith("and every night")
    assert touch(record, status="waiting", waits_for="customers:1")[0].startswith("When what it waits for arrives")
    later = run + timedelta(hours=1)
    assert touch(record, next_attempt_at=later) == ("With the next run", later)
    assert touch(record, next_attempt_at=run - timedelta(hours=1)) == ("With the next run", run)
    assert touch(record, status="held") == ("After your decision", None)
    record.flow.enabled = False
    assert touch(record, status="synced")[0] == "When its flow is switched on again"
    record.flow.enabled, record.flow.sync.paused = True, True
    assert touch(record)[0].startswith("When the sync is resumed")
