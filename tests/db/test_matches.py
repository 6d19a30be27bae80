"""Questions of who is who on their page: answered one by one or in bulk, taken back, and undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEntry
from connections.errors import ConfigError
from connections.services import mark_broken
from mlconnector.tenants.models import Tenant
from syncs import services
from syncs.attention import decisions
from syncs.attention import matches as match_selectors
from syncs.engine.binding import settle_matches
from syncs.models import Candidate, Flow, Record, Sync
from tests import factories
from tests.crm import Crm, Customers, world_with
from tests.doubles import World, run, sync_between

ACTOR = "member:ann@meridian.example"


# Undoing, with a destination ------------------------------------------------------------------------------------------


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return world_with(monkeypatch)


@pytest.fixture
def crm(world: World) -> Crm:
    found: Crm = world.destination.crm  # type: ignore[attr-defined]
    return found


@pytest.fixture
def moving(world: World, tenant: Tenant) -> Sync:
    return sync_between(tenant, "who")


def record(sync: Sync, key: str, flow: str = "customers") -> Record:
    found = Record.objects.for_tenant(sync.tenant_id).select_related("flow__sync__source", "flow__sync__destination")
    return found.get(flow__key=flow, source_key=key)


@pytest.fixture
def adopted(world: World, crm: Crm, moving: Sync) -> Sync:
    """One record that a rule took over."""
    crm.add("Acme Ltd")
    world.source.put("things", "1", 1, name="Acme Ltd")
    run(moving)
    assert record(moving, "1").destination_id == "A1"
    return moving


@pytest.mark.django_db(transaction=True)
def test_a_match_that_was_carried_out_is_undone_and_asked_about(world: World, crm: Crm, adopted: Sync) -> None:
    assert "question is open again" in decisions.withdraw(record(adopted, "1"), actor=ACTOR)
    held = record(adopted, "1")
    assert (held.status, held.error_code, held.destination_id, held.payload) == ("held", "match_ambiguous", "", "")
    assert [one["id"] for one in held.candidates] == ["A1"]
    assert crm.rows["A1"]["key"] == "", "our key is off"
    said = AuditEntry.objects.get(action="undecide")
    assert (said.actor, said.source_ref, said.destination_ref) == (ACTOR, "1", "A1")
    (question,) = match_selectors.question_page(adopted.tenant).questions
    assert question.record.pk == held.pk


@pytest.mark.django_db(transaction=True)
def test_no_rule_takes_an_undone_match_over_again(world: World, crm: Crm, adopted: Sync) -> None:
    decisions.withdraw(record(adopted, "1"), actor=ACTOR)
    world.source.put("things", "1", 9, name="Acme Ltd", city="Bonn")
    run(adopted)
    settle_matches(Flow.objects.for_tenant(adopted.tenant).get(key="customers"))
    assert (record(adopted, "1").status, crm.rows["A1"]["key"]) == ("held", "")
    world.source.put("things", "1", 19, name="Called Otherwise")
    run(adopted)
    held = record(adopted, "1")
    assert (held.status, len(crm.rows)) == ("held", 1), "and none is created without a word"
    assert "was undone" in held.error_text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("answer", "rows"), [({"adopt": "A1"}, 1), ({"create": True}, 2)])
def test_after_undoing_either_answer_is_carried_out(
    world: World, crm: Crm, adopted: Sync, answer: dict[str, Any], rows: int
) -> None:
    decisions.withdraw(record(adopted, "1"), actor=ACTOR)
    queued = services.decide(record(adopted, "1"), actor=ACTOR, **answer)
    assert queued is not None
    services.execute(queued.pk)
    settled = record(adopted, "1")
    assert (settled.status, len(crm.rows)) == ("synced", rows)
    assert decisions.stage(settled) == ("adopted" if rows == 1 else "created")


@pytest.mark.django_db(transaction=True)
def test_what_is_gone_over_there_is_asked_about_without_it(world: World, crm: Crm, adopted: Sync) -> None:
    del crm.rows["A1"]
    decisions.withdraw(record(adopted, "1"), actor=ACTOR)
    assert record(adopted, "1").candidates == []


@pytest.mark.django_db(transaction=True)
def test_a_match_is_not_undone_where_that_would_do_harm(world: World, crm: Crm, adopted: Sync) -> None:
    active = services.run_now(adopted, actor=ACTOR, enqueue=False)
    with pytest.raises(ValidationError, match="A run is under way"):
        decisions.withdraw(record(adopted, "1"), actor=ACTOR)
    services.cancel(active, actor=ACTOR)
    crm.refuse.add("A1")
    with pytest.raises(ValidationError, match="It is locked"):
        decisions.withdraw(record(adopted, "1"), actor=ACTOR)
    stale = record(adopted, "1")
    crm.refuse.clear()
    Record.objects.for_tenant(adopted.tenant).update(updated_at=timezone.now())
    with pytest.raises(ValidationError, match="meanwhile"):
        decisions.withdraw(stale, actor=ACTOR)
    suppliers = adopted.flows.get(key="suppliers")
    factories.record(suppliers, "9", title="Acme Supplies", destination_id="A1")
    with pytest.raises(ValidationError, match=r"“Acme Supplies” .* stands in the same record"):
        decisions.withdraw(record(adopted, "1"), actor=ACTOR)
    assert record(adopted, "1").destination_id == "A1"
    mark_broken(adopted.destination, ConfigError("The key was revoked."))
    suppliers.records.all().delete()
    with pytest.raises(ValidationError, match="The key was revoked"):
        decisions.withdraw(record(adopted, "1"), actor=ACTOR)


@pytest.mark.django_db(transaction=True)
def test_a_run_that_begins_while_a_match_is_undone_goes_first(
    crm: Crm, adopted: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = Customers.release

    def and_a_run_begins(self: Customers, *given: Any) -> Any:
        services.run_now(adopted, actor=ACTOR, enqueue=False)
        return release(self, *given)

    monkeypatch.setattr(Customers, "release", and_a_run_begins)
    with pytest.raises(ValidationError, match="A run is under way"):
        decisions.withdraw(record(adopted, "1"), actor=ACTOR)
    assert record(adopted, "1").destination_id == "A1"


@pytest.mark.django_db(transaction=True)
def test_an_answer_not_carried_out_yet_is_taken_back(world: World, crm: Crm, moving: Sync) -> None:
    for name in ("Acme Ltd", "Acme Limited"):
        crm.add(name)
    world.source.put("things", "1", 1, name="ACME Ltd")
    run(moving)
    services.decide(record(moving, "1"), actor=ACTOR, create=True)
    assert match_selectors.question_page(moving.tenant).number == 0
    decisions.withdraw(record(moving, "1"), actor=ACTOR)
    services.execute(moving.runs.latest("pk").pk)
    assert (record(moving, "1").status, len(crm.rows)) == ("held", 2)
    services.decide(record(moving, "1"), actor=ACTOR, reject=True)
    services.execute(moving.runs.latest("pk").pk)
    assert record(moving, "1").status == "skipped"
    decisions.withdraw(record(moving, "1"), actor=ACTOR)
    services.execute(moving.runs.latest("pk").pk)
    assert (record(moving, "1").status, record(moving, "1").decision) == ("held", None)
    with pytest.raises(ValidationError, match="no answer to take back"):
        decisions.withdraw(record(moving, "1"), actor=ACTOR)


# On the page ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def page(signed_in: Callable[[Any], Client], finance: Any) -> Client:
    return signed_in(finance)


@pytest.fixture
def sync(tenant: Any) -> Sync:
    return factories.sync(tenant)


def candidate(id_: str, score: float, **given: Any) -> dict[str, Any]:
    compared = [{"field": "city", "ours": "Bonn", "theirs": "Köln"}]
    reasons = ["The names are equal.", "The cities differ."]
    return {"id": id_, "title": f"Company {id_}", "score": score, "reasons": reasons, "compared": compared, **given}


def asked(sync: Sync, key: str, *candidates: dict[str, Any], **values: Any) -> Record:
    return factories.record(
        sync.flows.get(key="customers"),
        key,
        title=f"Customer {key}",
        **{"status": "held", "error_code": "match_ambiguous", "candidates": list(candidates), **values},
    )


def press(client: Client, name: str, *args: Any, **values: Any) -> str:
    answer = client.post(reverse(name, args=args), values, follow=True)
    assert answer.status_code == 200
    return " ".join(str(message) for message in answer.context["messages"])


def decision_of(one: Record) -> dict[str, Any] | None:
    one.refresh_from_db()
    return one.decision and {name: value for name, value in one.decision.items() if name not in ("by", "at")}


def test_questions_stand_side_by_side_with_what_speaks_for_and_against(page: Client, sync: Sync) -> None:
    asked(sync, "1", candidate("51", 0.95), candidate("52", 0.7))
    asked(sync, "2", candidate("53", 0.6), set_aside={"how": "ignored"})
    asked(sync, "3", candidate("54", 0.6), decision={"create": True}, next_attempt_at=timezone.now())
    text = page.get(reverse("syncs:matches")).content.decode()
    for words in (
        "Customer 1",
        "Company 51",
        "95 % alike",
        "The cities differ.",
        "Köln",
        "Suggestion: it is “Company 51”",
    ):
        assert words in text
    for words in ("Customer 2", "Customer 3"):
        assert words not in text


def test_only_what_is_likely_and_alone_is_suggested(page: Client, sync: Sync) -> None:
    likely = candidate("51", 0.95)
    taken = candidate("90", 0.99)
    factories.record(sync.flows.get(key="customers"), "90", destination_id="90")
    kept = [
        asked(sync, "1", likely, candidate("52", 0.89)),
        asked(sync, "2", candidate("53", 0.95), candidate("54", 0.9)),
        asked(sync, "3", candidate("55", 0.89)),
        asked(sync, "4", taken),
        asked(sync, "5", candidate("56", 0.93)),
        asked(sync, "6", candidate("56", 0.99)),
    ]
    questions = page.get(reverse("syncs:matches")).context["page"].questions
    suggested = {one.record.source_key: one.suggestion.destination_id for one in questions if one.suggestion}
    assert suggested == {"1": "51"}
    said = press(page, "syncs:accept-matches", record=[one.pk for one in kept])
    assert "1 answer is noted" in said
    assert [decision_of(one) for one in kept] == [{"adopt": "51"}, None, None, None, None, None]
    assert sync.runs.count() == 1


def test_several_answers_start_one_run(page: Client, sync: Sync) -> None:
    first, second, third, silent = (asked(sync, str(n), candidate(f"5{n}", 0.8)) for n in range(4))
    said = press(
        page,
        "syncs:decide-matches",
        **{
            f"choice-{first.pk}": "adopt:50",
            f"choice-{second.pk}": "create",
            f"choice-{third.pk}": "reject",
            f"choice-{silent.pk}": "",
            "choice-x": "create",
        },
    )
    assert "3 answers are noted" in said
    found = [decision_of(one) for one in (first, second, third, silent)]
    assert found == [{"adopt": "50"}, {"create": True}, {"reject": True}, None]
    run = sync.runs.get()
    assert (run.only_due, run.requested_by) == (True, "member:finance@meridian.example")
    assert AuditEntry.objects.filter(action="decide", outcome="decided").count() == 3


def test_one_record_is_not_given_to_two(page: Client, sync: Sync) -> None:
    both = [asked(sync, key, candidate("51", 0.8)) for key in ("1", "2")]
    other = asked(sync, "3", candidate("52", 0.8))
    said = press(
        page,
        "syncs:decide-matches",
        **{f"choice-{one.pk}": "adopt:51" for one in both},
        **{f"choice-{other.pk}": "adopt:999"},
    )
    assert said.count("chosen twice") == 2
    assert "not one of the candidates" in said
    assert [decision_of(one) for one in (*both, other)] == [None, None, None]
    assert "at least one" in press(page, "syncs:decide-matches")
    assert "Tick the suggestions" in press(page, "syncs:accept-matches")
    assert not sync.runs.exists()


def test_nothing_is_kept_while_a_connection_is_broken(page: Client, sync: Sync) -> None:
    one = asked(sync, "1", candidate("51", 0.8))
    mark_broken(sync.destination, ConfigError("The key was revoked."))
    assert "The key was revoked" in press(page, "syncs:decide-matches", **{f"choice-{one.pk}": "create"})
    assert decision_of(one) is None


def test_answers_say_where_they_stand(page: Client, sync: Sync) -> None:
    by = {"by": "member:ann@m.example", "at": timezone.now().isoformat()}
    now = timezone.now()
    synced = {"status": "synced", "error_code": "", "candidates": None}
    asked(sync, "1", decision={"create": True, **by}, next_attempt_at=now)
    asked(sync, "2", decision={"reject": True, **by}, status="skipped", error_code="")
    asked(sync, "3", decision={"adopt": "53", "by": "rule", "at": by["at"]}, destination_id="53", **synced)
    asked(sync, "4", decision={"create": True, **by}, destination_id="54", **synced)
    asked(sync, "5", decision={"ask": True, **by})
    asked(sync, "6", decision={"adopt": "56", **by})
    answers = page.get(reverse("syncs:answers")).context["answers"]
    assert {one.record.source_key: one.stage for one in answers} == {
        "1": "pending",
        "2": "left_out",
        "3": "adopted",
        "4": "created",
    }
    text = page.get(reverse("syncs:answers")).content.decode()
    for words in (
        "Take it back",
        "Ask again",
        "Yes, undo the match",
        "merge the two there",
        "the only one of its name",
    ):
        assert words in text
    pending = Record.objects.for_tenant(sync.tenant_id).get(source_key="1")
    assert "question is open again" in press(page, "syncs:withdraw", pending.pk)
    assert decision_of(pending) is None


def test_more_questions_ask_no_more_of_the_database(
    page: Client, sync: Sync, django_assert_max_num_queries: Any
) -> None:
    flow = sync.flows.get(key="customers")
    for number in range(match_selectors.QUESTIONS_PER_PAGE + 2):
        asked(sync, str(number), candidate(f"5{number}", 0.8), match_key=f"name {number}")
        Candidate.objects.create(flow=flow, destination_id=f"7{number}", match_key=f"name {number}", title="Listed")
    with django_assert_max_num_queries(9):
        first = page.get(reverse("syncs:matches")).context["page"]
    assert (len(first.questions), first.number) == (20, 22)
    assert [one.destination_id for one in first.questions[0].choices] == ["521", "721"]
    second = page.get(reverse("syncs:matches") + f"?after={first.after}").context["page"]
    assert (len(second.questions), second.after) == (2, None)
