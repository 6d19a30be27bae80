"""Who is who: our key first, then people's decisions, then the only one of its name; everything else is asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEntry
from connections.connectors.base import Document, Row
from mlconnector.tenants.models import Tenant
from syncs import record_selectors, services
from syncs.engine.binding import bind, settle_matches
from syncs.engine.flow import Item, Mapped, Summary, WriteContext
from syncs.engine.store import FlowStore
from syncs.models import CandidateKey, Record, Run, Sync
from syncs.names.matching import Identity, normalise
from tests.crm import Crm, identity_of, world_with
from tests.doubles import World, run, sync_between

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = "member:ann@meridian.example"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return world_with(monkeypatch)


@pytest.fixture
def crm(world: World) -> Crm:
    found: Crm = world.destination.crm  # type: ignore[attr-defined]
    return found


@pytest.fixture
def sync(world: World, tenant: Tenant) -> Sync:
    return sync_between(tenant, "who")


def record(sync: Sync, key: str, flow: str = "customers") -> Record:
    return Record.objects.for_tenant(sync.tenant_id).select_related("flow__sync").get(flow__key=flow, source_key=key)


def decide(sync: Sync, key: str, **answer: Any) -> Record:
    queued = services.decide(record(sync, key), actor=ACTOR, **answer)
    assert queued is not None
    services.execute(queued.pk)
    return record(sync, key)


# By itself ------------------------------------------------------------------------------------------------------------


def test_the_only_one_of_its_name_is_taken_over_after_the_scan(world: World, crm: Crm, sync: Sync) -> None:
    there = crm.add("Müller Bau", city="Köln")
    crm.add("Möbel Berg")
    world.source.put("things", "1", 1, name="Mueller Bau KG", city="Köln")
    world.source.put("things", "2", 2, name="Müller Bau GmbH", city="Köln")
    world.source.put("things", "3", 3, name="Unheard Of Ltd")
    run(sync)
    bound = record(sync, "2")
    assert (bound.status, bound.destination_id, bound.candidates) == ("synced", there, None)
    assert bound.decision["by"] == "rule"
    assert crm.rows[there]["key"] == "customers:2"
    assert record(sync, "1").status == "held", "it merely looks alike"
    assert crm.rows[record(sync, "3").destination_id]["name"] == "Unheard Of Ltd"
    assert crm.listings == [None]


def test_one_that_bears_our_key_is_ours_whatever_its_name(world: World, crm: Crm, sync: Sync) -> None:
    there = crm.add("Renamed by sales", key="customers:1")
    crm.add("Acme Ltd")
    world.source.put("things", "1", 1, name="Acme Ltd")
    run(sync)
    assert record(sync, "1").destination_id == there
    assert len(crm.rows) == 2


def test_twins_in_the_source_are_all_asked_about(world: World, crm: Crm, sync: Sync) -> None:
    crm.add("Acme Ltd")
    for key in ("1", "2"):
        world.source.put("things", key, 1, name="ACME Limited")
    assert run(sync).status == Run.Status.PARTIAL
    held = [record(sync, key) for key in ("1", "2")]
    assert {one.error_code for one in held} == {"match_ambiguous"}
    assert "2 source records are called “ACME Limited”" in held[0].error_text


def test_a_refused_adoption_is_this_records_verdict(world: World, crm: Crm, sync: Sync) -> None:
    crm.refuse.add(crm.add("Acme Ltd"))
    world.source.put("things", "1", 1, name="Acme Ltd")
    run(sync)
    refused = record(sync, "1")
    assert (refused.status, refused.destination_id, refused.error_text) == ("rejected", "", "It is locked.")
    assert decide(sync, "1", create=True).status == "synced", "a decision can be changed until it is carried out"


# Questions ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "ours", "reason"),
    [
        ([{"name": "Acme Ltd"}, {"name": "Acme Limited"}], {"name": "ACME Ltd"}, "The names are equal."),
        ([{"name": "Acme Ltd", "country": "UK"}], {"name": "Acme Ltd", "country": "IE"}, "The countries differ"),
        ([{"name": "Pacfic Rim Imports"}], {"name": "Pacific Rim Imports Inc"}, "typing error"),
        (
            [{"name": "Acme Ltd"}, {"name": "Apex Group", "tax_number": "GB 123 456 789"}],
            {"name": "Acme Ltd", "tax_number": "123456789"},
            "The tax numbers are equal.",
        ),
    ],
)
def test_what_speaks_for_and_against_is_told(
    world: World, crm: Crm, sync: Sync, there: list[dict[str, str]], ours: dict[str, str], reason: str
) -> None:
    ids = [crm.add(**row) for row in there]
    world.source.put("things", "1", 1, **ours)
    run(sync)
    held = record(sync, "1")
    assert (held.status, held.error_code) == ("held", "match_ambiguous")
    assert reason in held.error_text
    assert held.candidates is not None
    assert {one["id"] for one in held.candidates} == set(ids)
    assert any(reason in text for one in held.candidates for text in one["reasons"])
    assert record_selectors.open_question(held)
    assert len(crm.rows) == len(ids), "nothing was created"


def test_at_most_ten_candidates_are_kept_the_best_first(world: World, crm: Crm, sync: Sync) -> None:
    for number in range(14):
        crm.add("Pacfic Rim Imports", city=f"Town {number}")
    best = [crm.add("Pacific Rim Imports"), crm.add("Pacific Rim Imports Corp")]
    world.source.put("things", "1", 1, name="Pacific Rim Imports Inc")
    run(sync)
    held = record(sync, "1")
    assert len(held.candidates) == 10
    assert [one["id"] for one in held.candidates[:2]] == best


def test_the_question_shows_both_sides_and_three_answers(
    world: World, crm: Crm, sync: Sync, owner: Any, signed_in: Callable[[Any], Client]
) -> None:
    there = crm.add("Pacfic Rim Imports", city="Oakland", tax_number="94-1112223")
    world.source.put("things", "1", 1, name="Pacific Rim Imports Inc", city="San Diego")
    run(sync)
    held = record(sync, "1")
    page = signed_in(owner)
    shown = page.get(reverse("syncs:record", args=[held.pk])).content.decode()
    for words in (
        "Oakland",
        "San Diego",
        "94-1112223",
        "alike",
        "Take the one chosen",
        "create a new one",
        "Leave it",
    ):
        assert words in shown
    page.post(reverse("syncs:decide", args=[held.pk]), {"choice": "adopt", "candidate": there})
    held.refresh_from_db()
    assert held.decision["adopt"] == there
    assert not record_selectors.open_question(held)


# Answers --------------------------------------------------------------------------------------------------------------


def asked(world: World, crm: Crm, sync: Sync) -> str:
    there = crm.add("Pacfic Rim Imports")
    world.source.put("things", "1", 1, name="Pacific Rim Imports Inc")
    run(sync)
    return there


def test_adopting_puts_our_key_there(world: World, crm: Crm, sync: Sync) -> None:
    there = asked(world, crm, sync)
    done = decide(sync, "1", adopt=there)
    assert (done.status, done.destination_id, done.candidates) == ("synced", there, None)
    assert crm.rows[there]["key"] == "customers:1"
    assert done.decision["by"] == ACTOR
    assert done.decision["at"] <= timezone.now().isoformat()
    assert AuditEntry.objects.filter(action="decide", outcome="decided", actor=ACTOR, source_ref="1").count() == 1


def test_creating_leaves_the_others_alone(world: World, crm: Crm, sync: Sync) -> None:
    there = asked(world, crm, sync)
    done = decide(sync, "1", create=True)
    assert done.status == "synced"
    assert done.destination_id != there
    assert crm.rows[there]["key"] == ""


def test_leaving_out_is_remembered_and_can_be_taken_back(world: World, crm: Crm, sync: Sync) -> None:
    asked(world, crm, sync)
    left = decide(sync, "1", reject=True)
    assert (left.status, left.destination_id, left.candidates) == ("skipped", "", None)
    assert record_selectors.left_out(left)
    assert '"rule":"left_out"' in AuditEntry.objects.filter(source_ref="1", outcome="skipped").get().detail
    world.source.put("things", "1", 60, name="Pacific Rim Imports Inc", city="Oakland")
    run(sync)
    assert record(sync, "1").status == "skipped", "a change does not undo the decision"
    assert AuditEntry.objects.filter(source_ref="1", outcome="skipped").count() == 1
    _, queued = services.replay(left.flow.records.filter(pk=left.pk), sync=sync, actor=ACTOR, ask_again=True)
    assert queued is not None
    services.execute(queued.pk)
    again = record(sync, "1")
    assert (again.status, again.decision) == ("held", None)
    assert record_selectors.open_question(again)


def test_a_record_left_out_may_still_be_created(world: World, crm: Crm, sync: Sync) -> None:
    asked(world, crm, sync)
    decide(sync, "1", reject=True)
    assert decide(sync, "1", create=True).status == "synced"


def test_one_answer_at_a_time_and_only_what_was_asked(world: World, crm: Crm, sync: Sync) -> None:
    there = asked(world, crm, sync)
    stranger = crm.add("Something Else")
    wrong: list[dict[str, Any]] = [{}, {"adopt": there, "create": True}, {"create": True, "reject": True}]
    for answer in [*wrong, {"adopt": stranger}]:
        with pytest.raises(ValidationError):
            services.decide(record(sync, "1"), actor=ACTOR, **answer)
    done = decide(sync, "1", adopt=there)
    with pytest.raises(ValidationError, match="nothing to decide"):
        services.decide(done, actor=ACTOR, create=True)


def test_two_decisions_for_one_record_bind_the_first_and_ask_again(world: World, crm: Crm, sync: Sync) -> None:
    there = crm.add("Acme Ltd")
    for key in ("1", "2"):
        world.source.put("things", key, 1, name="Acme Ltd")
    run(sync)
    services.decide(record(sync, "1"), actor=ACTOR, adopt=there)
    decide(sync, "2", adopt=there)
    first, second = record(sync, "1"), record(sync, "2")
    assert first.destination_id == there
    assert (second.status, second.destination_id, second.error_code) == ("held", "", "match_ambiguous")
    assert "belongs to “Acme Ltd” by now" in second.error_text
    assert record_selectors.open_question(second)
    assert [choice.taken for choice in record_selectors.candidates_for(second)] == [True]


# Kin ------------------------------------------------------------------------------------------------------------------


def test_kin_are_asked_about_and_bound_by_id_alone(world: World, crm: Crm, sync: Sync) -> None:
    world.source.put("things", "c", 1, name="Acme Ltd")
    world.source.put("suppliers", "s", 1, name="ACME Limited")
    run(sync)
    account = record(sync, "c").destination_id
    held = record(sync, "s", "suppliers")
    assert (held.status, [one["id"] for one in held.candidates]) == ("held", [account])
    assert "flow “customers”" in held.candidates[0]["reasons"][-1]
    queued = services.decide(held, actor=ACTOR, adopt=account)
    assert queued is not None
    services.execute(queued.pk)
    assert record(sync, "s", "suppliers").destination_id == account
    assert crm.rows[account]["key"] == "customers:c"
    assert len(crm.rows) == 1


def test_what_a_kin_flow_took_over_is_no_free_candidate(world: World, crm: Crm, sync: Sync) -> None:
    there = crm.add("Acme Ltd")
    world.source.put("things", "c", 1, name="Acme Ltd")
    run(sync)
    # Listed for the suppliers before the customers took it over, as far as they know.
    flow = sync.flows.get(key="suppliers")
    store = FlowStore(flow, 0, "")
    store.save_candidates([(there, "", Identity("Acme Ltd"))])
    (found,) = store.candidates(["acme"])["acme"]
    assert found.kin == "customers"
    world.source.put("suppliers", "s", 1, name="Acme Ltd")
    run(sync)
    assert record(sync, "s", "suppliers").error_code == "match_ambiguous"
    assert crm.rows[there]["key"] == "customers:c"


# Our list -------------------------------------------------------------------------------------------------------------


def test_a_renamed_or_adopted_record_loses_its_old_keys(sync: Sync) -> None:
    flow = sync.flows.get(key="customers")
    store = FlowStore(flow, 0, "")
    store.save_candidates([("A1", "", Identity("Old Name Ltd", duns="123456782")), ("A2", "", Identity("Other"))])
    assert store.candidates(["old name", "duns:123456782"]).keys() == {"old name", "duns:123456782"}
    store.save_candidates([("A1", "", Identity("New Name Ltd"))])
    assert store.candidates(["old name", "duns:123456782"]) == {}
    (found,) = store.candidates(["new name"])["new name"]
    assert (found.id, found.title, found.evidence) == ("A1", "New Name Ltd", {"name": "New Name Ltd"})
    store.save_candidates([("A1", "customers:9", Identity("New Name Ltd")), ("A2", "", Identity(""))])
    assert not flow.candidates.exists()
    assert not CandidateKey.objects.across_tenants().exists()


def test_later_listings_ask_for_changes_only(world: World, crm: Crm, sync: Sync) -> None:
    world.source.put("things", "1", 1, name="First Ltd")
    run(sync)
    flow = sync.flows.get(key="customers")
    long_ago = timezone.now() - timezone.timedelta(hours=1)
    flow.checkpoint["candidates"]["listed_at"] = long_ago.isoformat()
    flow.save(update_fields=["checkpoint"])
    crm.changed = {crm.add("Second Ltd")}
    world.source.put("things", "2", 60, name="Second Ltd")
    run(sync)
    assert record(sync, "2").destination_id in crm.changed
    assert crm.listings[0] is None
    assert crm.listings[1] is not None
    assert crm.listings[1] < long_ago


def test_names_that_stand_more_than_once_are_shown(
    world: World, crm: Crm, sync: Sync, owner: Any, signed_in: Callable[[Any], Client]
) -> None:
    ids = [crm.add("Granite State Supply Inc"), crm.add("Granite State Supply"), crm.add("Alone Ltd")]
    world.source.put("things", "1", 1, name="Unheard Of Ltd")
    assert record_selectors.twins(sync) == []
    run(sync)
    (twins,) = record_selectors.twins(sync)
    assert (twins.title, twins.number, twins.ids) == ("Granite State Supply Inc", 2, ids[:2])
    shown = signed_in(owner).get(reverse("syncs:sync", args=[sync.pk])).content.decode()
    assert "Granite State Supply Inc" in shown
    Record.objects.for_tenant(sync.tenant_id).update(destination_id=ids[0])
    assert record_selectors.twins(sync) == [], "what is bound is no question any more"


# Size -----------------------------------------------------------------------------------------------------------------


def test_thousands_are_compared_without_a_query_for_each(crm: Crm, sync: Sync, settings: Any) -> None:
    words = ("Kestrel", "Harbour", "Granite", "Meridian", "Lotus", "Falcon", "Cedar", "Summit", "Delta", "Orchid")
    trades = ("Logistics", "Foods", "Supply", "Textiles", "Metals", "Optics", "Travel", "Paper", "Glass", "Energy")
    names = [f"{one} {other} {number}" for one in words for other in trades for number in range(50)]
    for name in names[:3000]:
        crm.add(f"{name} GmbH", city="Bonn")
    flow = sync.flows.get(key="customers")
    context = WriteContext(
        source=None, destination=None, options={}, capabilities={}, store=FlowStore(flow, 0, ""), now=timezone.now()
    )
    items = [_item(str(number), name) for number, name in enumerate(names)]
    started = time.process_time()
    queries: list[str] = []

    def count(execute: Any, sql: str, *rest: Any) -> Any:
        queries.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        free = [
            one
            for start in range(0, len(items), settings.WRITE_UNIT)
            for one in bind(
                items[start : start + settings.WRITE_UNIT], context, crm, identity_of, lambda item: item.row.key
            )
        ]
    assert len(free) == 2000
    assert {item.error.code for item in items[:3000] if item.error} == {"match_pending"}
    assert len(queries) < 500
    assert time.process_time() - started < 20, "seconds of this process alone"


def _item(key: str, name: str) -> Item:
    item = Item(Row(key, "", {}), None, summary=Summary(name, match_key=normalise(name)))
    document: Document = {"name": name}
    item.describe(Mapped(document))
    return item


def test_what_is_taken_meanwhile_is_asked_about_after_the_scan(world: World, crm: Crm, sync: Sync) -> None:
    there = crm.add("Acme Ltd")
    flow = sync.flows.get(key="customers")
    question = [{"id": there, "title": "Acme Ltd", "score": 1.0, "reasons": ["The names are equal."], "compared": []}]
    values: dict[str, Any] = {"flow": flow, "updated_at": timezone.now()}
    Record.objects.create(
        **values,
        source_key="1",
        status="waiting",
        error_code="match_pending",
        candidates=question,
        title="Acme",
        match_key="acme",
    )
    Record.objects.create(**values, source_key="2", status="synced", destination_id=there, match_key="other")
    settle_matches(flow)
    held = record(sync, "1")
    assert (held.error_code, held.decision) == ("match_ambiguous", None)
