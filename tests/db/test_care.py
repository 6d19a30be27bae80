"""What people do about records that did not arrive: set aside, taken back, given; and what runs make of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from audit import selectors as trail
from audit.models import AuditEntry
from audit.reading import read
from mlconnector.tenants.models import Tenant
from syncs import record_selectors, selectors, services
from syncs.attention import care
from syncs.models import Preview, Record, Run, Sync
from tests import factories
from tests.doubles import World, install, run, sync_between

ACTOR = "member:ann@meridian.example"


# In the engine --------------------------------------------------------------------------------------------------------


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    install(monkeypatch, world)
    return world


@pytest.fixture
def moving(world: World, tenant: Tenant) -> Sync:
    return sync_between(tenant)


def things(sync: Sync) -> Any:
    return Record.objects.for_tenant(sync.tenant_id).filter(flow__sync=sync, flow__key="things")


def put_aside(sync: Sync, **values: Any) -> int:
    given = {"how": "ignored", "reason": "Sold to another company.", "actor": ACTOR, **values}
    return care.set_aside(things(sync), sync=sync, **given)


@pytest.fixture
def refused(world: World, moving: Sync) -> Sync:
    """One thing that the destination refuses, and one that is there."""
    world.destination.refuse.add("things:1")
    world.source.put("things", "1", 1, name="One")
    world.source.put("things", "2", 2, name="Two")
    assert run(moving).status == Run.Status.PARTIAL
    return moving


@pytest.mark.django_db(transaction=True)
def test_what_is_set_aside_makes_no_run_partial_and_is_not_tried(world: World, refused: Sync) -> None:
    assert put_aside(refused) == 1
    world.destination.refuse.clear()
    again = run(refused)
    assert again.status == Run.Status.SUCCEEDED
    counts = again.flow_runs.get(flow__key="things")
    assert (counts.read, counts.skipped, counts.unchanged) == (2, 1, 1)
    services.set_flow(refused.flows.get(key="things"), actor=ACTOR, options={})
    things(refused).update(next_attempt_at=again.started_at)
    assert run(refused, only_due=True).status == Run.Status.SUCCEEDED
    assert world.destination.written == ["things:2"], "done by hand is not done twice"


@pytest.mark.django_db(transaction=True)
def test_it_comes_back_with_the_next_change_in_the_source(world: World, refused: Sync) -> None:
    put_aside(refused)
    world.source.put("things", "1", 9, name="One, renamed")
    assert run(refused).status == Run.Status.PARTIAL
    back = things(refused).get(source_key="1")
    assert (back.set_aside, back.status) == (None, "rejected")
    put_aside(refused)
    world.destination.refuse.clear()
    world.source.put("things", "1", 19, name="One more")
    assert run(refused).status == Run.Status.SUCCEEDED
    assert things(refused).get(source_key="1").set_aside is None
    assert "things:1" in world.destination.written


@pytest.mark.django_db(transaction=True)
def test_set_aside_while_a_run_has_it_in_hand_stays(world: World, refused: Sync) -> None:
    world.destination.before_write = lambda _: put_aside(refused) and None
    services.replay(things(refused), sync=refused, actor=ACTOR)
    services.execute(refused.runs.latest("pk").pk)
    assert things(refused).get(source_key="1").set_aside["by"] == ACTOR
    assert refused.runs.latest("pk").status == Run.Status.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_taken_back_it_goes_again(world: World, refused: Sync) -> None:
    put_aside(refused)
    world.destination.refuse.clear()
    assert services.replay(services.by_cause(refused, "refused"), sync=refused, actor=ACTOR) == (0, None)
    assert services.replay(services.of_run(refused.runs.first()), sync=refused, actor=ACTOR)[0] == 1, (
        "not what is aside"
    )
    services.execute(refused.runs.latest("pk").pk)
    assert care.take_back(things(refused), sync=refused, actor=ACTOR) == 1
    _, queued = services.replay(services.by_cause(refused, "refused"), sync=refused, actor=ACTOR)
    assert queued is not None
    services.execute(queued.pk)
    assert things(refused).get(source_key="1").status == "synced"


@pytest.mark.django_db(transaction=True)
def test_a_replay_of_the_record_itself_takes_it_back(world: World, refused: Sync) -> None:
    put_aside(refused)
    _, queued = services.replay(things(refused).filter(source_key="1"), sync=refused, actor=ACTOR, ask_again=True)
    assert queued is not None
    services.execute(queued.pk)
    assert things(refused).get(source_key="1").set_aside is None


# By a person ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def sync(tenant: Any) -> Sync:
    return factories.busy_month(tenant)


def of(tenant: Any, source_key: str) -> Record:
    return Record.objects.for_tenant(tenant).get(source_key=source_key)


def told(record: Record) -> list[tuple[str, str]]:
    entries = trail.story(record.flow.sync.tenant_id, record.flow.sync_id, record.flow.key, record.source_key, limit=9)
    return [(reading.sentence, reading.text) for reading in map(read, entries)]


def test_each_record_tells_why_it_was_set_aside(tenant: Any, sync: Sync) -> None:
    records = services.by_cause(sync, "total_differs")
    assert care.set_aside(records, sync=sync, how="done", reason=" Booked by hand. ", actor=ACTOR) == 2
    for key in ("30020", "30021"):
        record = of(tenant, key)
        assert record.set_aside.pop("at")
        assert record.set_aside == {"how": "done", "reason": "Booked by hand.", "by": ACTOR}
        assert told(record)[0] == ("Taken off the list: done by hand", "Booked by hand.")
    assert records.count() == 0
    (overview,) = selectors.overviews(tenant)
    assert overview.unsettled == {"held": 1, "rejected": 1, "waiting": 1}
    assert [group.code for group in record_selectors.causes(tenant)] == [
        "currency_missing",
        "match_ambiguous",
        "invoice_missing",
    ]


@pytest.mark.parametrize(
    ("how", "reason", "field"), [("lost", "x", "how"), ("done", "  ", "reason"), ("done", "x" * 501, "reason")]
)
def test_nothing_is_set_aside_without_a_reason(tenant: Any, sync: Sync, how: str, reason: str, field: str) -> None:
    before = AuditEntry.objects.count()
    with pytest.raises(ValidationError) as refused:
        care.set_aside(services.by_cause(sync, "total_differs"), sync=sync, how=how, reason=reason, actor=ACTOR)
    assert refused.value.message_dict.keys() == {field}
    assert AuditEntry.objects.count() == before


def test_what_arrived_is_not_set_aside(tenant: Any, sync: Sync) -> None:
    everything = Record.objects.for_tenant(tenant)
    assert care.set_aside(everything, sync=sync, how="ignored", reason="All", actor=ACTOR) == 5
    assert not everything.filter(status="synced", set_aside__isnull=False).exists()


def test_only_members_are_given_records(tenant: Any, sync: Sync, finance: Any, outsider: Any) -> None:
    records = services.by_cause(sync, "total_differs")
    with pytest.raises(ValidationError):
        care.assign(records, outsider, sync=sync, actor=ACTOR)
    assert care.assign(records, finance, sync=sync, actor=ACTOR) == 2
    assert care.assign(records, finance, sync=sync, actor=ACTOR) == 0, "they have them already"
    assert told(of(tenant, "30020"))[0] == ("Given to a member", "Given to finance@meridian.example.")
    assert [group.number for group in record_selectors.causes(tenant, member=finance)] == [2]
    assert care.assign(records, None, sync=sync, actor=ACTOR) == 2
    assert of(tenant, "30020").assigned_to is None


# The pages ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def page(signed_in: Callable[[Any], Client], finance: Any) -> Client:
    return signed_in(finance)


def press(client: Client, address: str, **values: Any) -> str:
    answer = client.post(address, values, follow=True)
    assert answer.status_code == 200
    return " ".join(str(message) for message in answer.context["messages"])


@pytest.fixture
def group(sync: Sync) -> str:
    return reverse("syncs:group", args=[sync.flows.get(key="invoices").pk, "total_differs"])


def test_the_page_of_a_cause_lists_its_records_and_their_money(page: Client, group: str) -> None:
    answer = page.get(group)
    assert [one.source_key for one in answer.context["page"].records] == ["30021", "30020"]
    assert answer.context["group"].number == 2
    text = answer.content.decode()
    for words in ("Lines and total disagree", "4,410.00 EUR", "910.00 USD", "All 2, also those on further pages"):
        assert words in text


def test_records_of_a_cause_are_walked_by_keyset(page: Client, tenant: Any, sync: Sync, group: str) -> None:
    flow = sync.flows.get(key="invoices")
    for number in range(record_selectors.PER_PAGE):
        factories.record(flow, f"9{number:04}", status="rejected", error_code="total_differs")
    first = page.get(group).context["page"]
    second = page.get(f"{group}?after={first.after}").context["page"]
    assert (len(first.records), len(second.records), second.after) == (record_selectors.PER_PAGE, 2, None)


def test_ticked_ones_or_all_are_replayed(page: Client, tenant: Any, sync: Sync, group: str) -> None:
    replay = f"{group}replay/"
    assert "Tick the records first" in press(page, replay)
    other = of(tenant, "30022")
    assert "nothing left" in press(page, replay, record=[other.pk], scope="all", mine="yes")
    assert "Tick the records first" in press(page, replay, record=[other.pk]), "of this cause only"
    assert "1 record goes" in press(page, replay, record=[of(tenant, "30020").pk])
    assert "2 records go" in press(page, replay, scope="all")


def test_a_replay_is_previewed_first(page: Client, tenant: Any, sync: Sync, group: str) -> None:
    ticked = of(tenant, "30020").pk
    assert "Nothing is written" in press(page, f"{group}preview/", record=[ticked])
    preview = Preview.objects.for_tenant(tenant).get()
    assert (preview.kind, preview.proposal) == ("replay", {"keys": {"invoices": ["30020"]}})


def test_set_aside_and_taken_back_on_the_pages(page: Client, tenant: Any, sync: Sync, group: str) -> None:
    ticked = of(tenant, "30020").pk
    values = {"record": [ticked], "how": "ignored", "reason": "A test invoice."}
    assert "Say why" in press(page, f"{group}set-aside/", **values | {"reason": ""})
    assert "1 record is off the list" in press(page, f"{group}set-aside/", **values)
    assert page.get(group).context["group"].number == 1
    assert "Set aside (1)" in page.get(reverse("syncs:attention")).content.decode()
    text = page.get(reverse("syncs:aside")).content.decode()
    for words in ("A test invoice.", "INV-30020", "Ignored.", "finance@meridian.example"):
        assert words in text
    told_there = page.get(reverse("syncs:record", args=[ticked])).content.decode()
    assert "Set aside: ignored." in told_there
    assert "A test invoice." in told_there
    take_back = reverse("syncs:take-back")
    assert "Tick the records first" in press(page, take_back)
    assert "1 record is back" in press(page, take_back, record=[ticked])
    assert page.get(group).context["group"].number == 2


def test_mine_are_those_given_to_me(page: Client, tenant: Any, sync: Sync, group: str, finance: Any) -> None:
    member = tenant.memberships.get(user=finance).pk
    assert "Choose a member" in press(page, f"{group}assign/", scope="all", member="77777")
    assert "1 record is given to finance@" in press(
        page, f"{group}assign/", record=[of(tenant, "30021").pk], member=member
    )
    mine = page.get(f"{group}?mine=yes").context
    assert [one.source_key for one in mine["page"].records] == ["30021"]
    shown = page.get(reverse("syncs:attention") + "?mine=yes").context["groups"]
    assert [(one.code, one.number) for one, _ in shown] == [("total_differs", 1)]
    assert "1 record is off the list" in press(
        page, f"{group}set-aside/", scope="all", mine="yes", how="done", reason="Done."
    )
    assert of(tenant, "30020").set_aside is None
    given_back = press(page, f"{group}assign/", scope="all", member="nobody")
    assert "0 records are given to nobody" in given_back, "the other one is nobody's"


def test_causes_lead_to_where_they_are_put_right(
    signed_in: Callable[[Any], Client], page: Client, tenant: Any, sync: Sync, admin: Any
) -> None:
    invoices = sync.flows.get(key="invoices")
    factories.record(invoices, "1", status="waiting", error_code="contact_missing")
    factories.record(invoices, "2", status="rejected", error_code="hubspot_property_absent")
    factories.record(invoices, "3", status="rejected", error_code="hubspot_invalid")
    address = reverse("syncs:attention")
    wanted = {
        reverse("syncs:flow", args=[sync.pk, "customers"]),
        reverse("syncs:mapping", args=[sync.pk, "invoices"]),
        reverse("connections:prepare", args=[sync.destination_id]),
    }
    everyone = {reverse("connections:detail", args=[sync.destination_id]), reverse("syncs:matches")}

    def links(client: Client) -> set[str]:
        context = client.get(address).context
        return {fix.url for _, fix in (*context["groups"], *context["waiting"]) if fix}

    assert links(signed_in(admin)) == wanted | everyone
    assert links(page) == everyone, "finance may not open the others"


def test_an_empty_cause_says_so(page: Client, sync: Sync) -> None:
    address = reverse("syncs:group", args=[sync.flows.get(key="invoices").pk, "no_such_cause"])
    assert "Nothing is open here" in page.get(address).content.decode()
