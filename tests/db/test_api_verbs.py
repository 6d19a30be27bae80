"""What the endpoints do: verbs that may be retried, refusals that name the field."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from audit.models import AuditEntry
from connections.models import Connection
from mlconnector.tenants.models import Role, Tenant
from syncs.models import Record, Run
from tests.api_cast import CANARY, House, Program, build, end, no_network


@pytest.fixture
def house(tenant: Tenant) -> House:
    return build(tenant)


@pytest.fixture
def program(house: House) -> Program:
    return house.program()


def last_entry(house: House) -> AuditEntry:
    return AuditEntry.objects.filter(tenant=house.tenant).latest("sequence")


# Connections


def test_a_created_connection_says_where_it_is_and_never_what_its_secret_is(house: House, program: Program) -> None:
    body = {
        "connector": "hubspot",
        "name": "Second",
        "config": {"tier": "increased"},
        "secrets": {"access_token": CANARY},
    }
    answer = program.send("POST", "/connections/", body)
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["Location"].endswith(f"/api/v1/connections/{made['id']}/")
    assert made["status"] == "untested"
    assert made["config"]["tier"] == "increased"
    assert "secrets" not in made
    assert CANARY not in answer.content.decode()
    stored = Connection.objects.for_tenant(house.tenant).get(pk=made["id"])
    assert stored.secrets["access_token"] == CANARY
    assert last_entry(house).actor.startswith("program:")
    assert program.send("POST", "/connections/", body).json().keys() == {"name"}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"connector": "sap"}, {"connector"}),
        ({"name": ""}, {"name"}),
        ({"secrets": {}}, {"secrets"}),
        ({"config": {"tier": "huge"}}, {"config"}),
        ({"config": {"colour": "red"}}, {"config"}),
        ({"config": {"access_token": CANARY}}, {"config"}),
        ({"config": {"base_url": "https://169.254.169.254"}}, {"config"}),
        ({"config": {"tier": 7.5}}, {"config"}),
        ({"secrets": {"access_token": f"{CANARY}\n\x07"}}, {"secrets"}),
        ({"secret": {"access_token": CANARY}}, {"secret"}),
    ],
)
def test_refusals_name_the_field(program: Program, change: dict[str, Any], where: set[str]) -> None:
    body = {"connector": "hubspot", "name": "Second", "config": {}, "secrets": {"access_token": "pat-x"}} | change
    answer = program.send("POST", "/connections/", body)
    assert answer.status_code == 400, answer.content
    assert answer.json().keys() == where
    assert CANARY not in answer.content.decode()


def test_settings_that_are_left_out_stay(house: House, program: Program) -> None:
    path = f"/connections/{house.destination.pk}/"
    assert program.send("PATCH", path, {"config": {"tier": "professional"}}).json()["config"]["tier"] == "professional"
    assert program.send("PATCH", path, {"config": {"concurrency": "2"}}).json()["config"]["tier"] == "professional"
    before = last_entry(house).sequence
    assert program.send("PATCH", path, {}).status_code == 200
    assert last_entry(house).sequence == before


def test_the_day_on_which_credentials_expire_is_set_and_taken_back(house: House, program: Program) -> None:
    path = f"/connections/{house.destination.pk}/"
    for day in ("2031-05-06", None):
        assert program.send("PATCH", path, {"credentials_expire_on": day}).json()["credentials_expire_on"] == day
    assert program.send("PATCH", path, {"credentials_expire_on": "2021-05-06"}).json().keys() == {
        "credentials_expire_on"
    }


def test_a_used_connection_cannot_be_deleted(house: House, program: Program) -> None:
    answer = program.send("DELETE", f"/connections/{house.source.pk}/")
    assert answer.status_code == 409
    assert "Delete the sync first" in answer.json()["detail"]


# Syncs and flows


def test_a_sync_starts_paused_with_its_flows(house: House, program: Program) -> None:
    body = {
        "integration": "fusion_hubspot",
        "source": house.source.pk,
        "destination": house.destination.pk,
        "name": "B",
    }
    answer = program.send("POST", "/syncs/", body)
    assert answer.status_code == 201
    made = answer.json()
    assert made["paused"]
    flows = program.ask(f"/syncs/{made['id']}/flows/").json()
    assert [flow["key"] for flow in flows] == ["customers", "invoices", "payments"]
    assert program.send("POST", "/syncs/", body).json().keys() == {"name"}
    assert program.send("POST", "/syncs/", body | {"source": 10**12}).json().keys() == {"source"}
    swapped = body | {"source": body["destination"], "destination": body["source"], "name": "C"}
    assert program.send("POST", "/syncs/", swapped).json().keys() == {"source"}
    assert program.send("POST", "/syncs/", body | {"integration": "x"}).json().keys() == {"integration"}


def test_a_sync_is_changed_by_field(house: House, program: Program) -> None:
    path = f"/syncs/{house.sync.pk}/"
    assert program.send("PATCH", path, {"every_minutes": 30}).json()["every_minutes"] == 30
    assert program.send("PATCH", path, {"every_minutes": 0}).json().keys() == {"every_minutes"}
    assert program.send("PATCH", path, {"start_date": "1066-10-14"}).json().keys() == {"start_date"}
    assert program.send("PATCH", path, {"every_minute": 5}).json().keys() == {"every_minute"}
    assert program.send("PATCH", path, [1]).status_code == 400


def test_pause_and_resume_may_be_repeated(house: House, program: Program) -> None:
    path = f"/syncs/{house.sync.pk}"
    due = program.send("POST", f"{path}/resume/").json()["next_run_at"]
    assert due
    assert program.send("POST", f"{path}/resume/").json()["next_run_at"] == due
    assert program.send("POST", f"{path}/pause/").json()["paused"]
    before = last_entry(house).sequence
    assert program.send("POST", f"{path}/pause/").json()["paused"]
    assert last_entry(house).sequence == before


def test_flow_options_come_with_their_warnings(house: House, program: Program) -> None:
    path = f"/syncs/{house.sync.pk}/flows/invoices/"
    flow = program.ask(path).json()
    assert flow["options"]["confirmation"] == "here"
    assert flow["options"]["billing"] == "mirror"
    assert flow["warnings"] == {}
    flow = program.send("PATCH", path, {"options": {"billing": "billable"}}).json()
    assert flow["options"]["confirmation"] == "here"
    assert "e-mail your customers" in flow["warnings"]["billing"]
    for options in ({"billing": "never"}, {"colour": "red"}, {"billing": ["mirror"]}, {"billing": None}):
        answer = program.send("PATCH", path, {"options": options})
        assert answer.status_code == 400
        assert answer.json().keys() == {"options"}
    assert program.send("PATCH", f"/syncs/{house.sync.pk}/flows/orders/", {}).status_code == 404


# Runs


def test_run_now_answers_with_the_run_and_a_retry_with_the_same(house: House, program: Program) -> None:
    path = f"/syncs/{house.sync.pk}/run/"
    first = program.send("POST", path, {})
    assert first.status_code == 202
    run = first.json()
    assert (run["status"], run["trigger"], run["ended"]) == ("queued", "program", False)
    assert first.headers["Location"].endswith(f"/api/v1/runs/{run['id']}/")
    again = program.send("POST", path)
    assert (again.status_code, again.json()["id"]) == (200, run["id"])
    assert again.headers["Location"] == first.headers["Location"]
    backfill = program.send("POST", path, {"backfill_from": "2026-01-01"})
    assert backfill.status_code == 409
    assert "cancel it" in backfill.json()["detail"]
    end(Run.objects.for_tenant(house.tenant).get(pk=run["id"]))
    answer = program.send("POST", path, {"backfill_from": "2026-01-01"})
    assert (answer.status_code, answer.json()["trigger"]) == (202, "backfill")
    assert program.send("POST", path, {"backfill_from": "2999-01-01"}).json().keys() == {"backfill_from"}


@pytest.mark.parametrize("verb", ["run", "replay", "confirm"])
def test_nothing_starts_on_a_broken_connection(house: House, program: Program, verb: str) -> None:
    house.source.status, house.source.status_text = Connection.Status.BROKEN, "The password has expired."
    house.source.save(update_fields=["status", "status_text"])
    body = {"run": {}, "replay": {"error_code": "total_differs"}, "confirm": {"all": True}}[verb]
    answer = program.send("POST", f"/syncs/{house.sync.pk}/{verb}/", body)
    assert answer.status_code == 409
    assert "The password has expired." in answer.json()["detail"]


def test_cancel_may_be_repeated(house: House, program: Program) -> None:
    run = program.send("POST", f"/syncs/{house.sync.pk}/run/").json()
    path = f"/runs/{run['id']}/cancel/"
    assert program.send("POST", path).json()["status"] == "cancelled"
    assert program.send("POST", path).json()["status"] == "cancelled"
    assert program.send("POST", f"/runs/{house.run.pk}/cancel/").status_code == 409


def test_a_run_tells_what_it_did_in_each_flow(house: House, program: Program) -> None:
    run = program.ask(f"/runs/{house.run.pk}/").json()
    assert run["ended"]
    customers, invoices = run["flows"]
    assert (customers["key"], customers["read"], customers["held"], customers["share"]) == ("customers", 2, 1, 100)
    assert invoices["rejected"] == 1


# Records


def marked(house: House) -> set[str]:
    return set(
        Record.objects.for_tenant(house.tenant).exclude(next_attempt_at=None).values_list("source_key", flat=True)
    )


def test_replay_of_one_of_a_cause_and_of_a_run(house: House, program: Program) -> None:
    one = program.send("POST", f"/records/{house.rejected.pk}/replay/")
    assert (one.status_code, one.json()["records"], marked(house)) == (202, 1, {"21"})
    assert one.headers["Location"].endswith(f"/runs/{one.json()['run']['id']}/")
    by_cause = program.send("POST", f"/syncs/{house.sync.pk}/replay/", {"error_code": "match_ambiguous"})
    assert (by_cause.json()["records"], marked(house)) == (1, {"21", "12"})
    assert program.send("POST", f"/runs/{house.run.pk}/replay/").json()["records"] == 4
    named = program.send("POST", f"/syncs/{house.sync.pk}/replay/", {"records": [house.draft.pk]})
    assert named.json()["records"] == 1
    nothing = program.send(
        "POST", f"/syncs/{house.sync.pk}/replay/", {"error_code": "match_ambiguous", "flow": "payments"}
    )
    assert (nothing.status_code, nothing.json()) == (200, {"records": 0, "run": None})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"records": [1], "error_code": "x"},
        {"records": []},
        {"records": [2**63 - 1]},
        {"records": [2**63]},
        {"records": [1], "flow": "x"},
    ],
)
def test_a_replay_of_something_unclear_is_refused(house: House, program: Program, body: Any) -> None:
    assert program.send("POST", f"/syncs/{house.sync.pk}/replay/", body).status_code == 400
    assert not marked(house)


def test_confirm_one_many_and_all(house: House) -> None:
    program = house.program(Role.FINANCE)
    assert program.ask(f"/records/{house.draft.pk}/").json()["draft"]
    assert [row["id"] for row in program.ask("/records/", draft="true").json()["results"]] == [house.draft.pk]
    confirmed = program.send("POST", f"/syncs/{house.sync.pk}/confirm/", {"all": True})
    assert (confirmed.status_code, confirmed.json()["records"]) == (202, 1)
    again = program.send("POST", f"/records/{house.draft.pk}/confirm/")
    assert (again.status_code, again.json()) == (200, {"records": 0, "run": None})
    record = program.ask(f"/records/{house.draft.pk}/").json()
    assert record["confirmed_by"].startswith("program:")
    assert not record["draft"]
    many = program.send("POST", f"/syncs/{house.sync.pk}/confirm/", {"records": [house.rejected.pk, house.draft.pk]})
    assert many.json()["records"] == 0, "neither stands as a draft"
    for unclear in ({}, {"all": False}, {"all": True, "records": [1]}):
        assert program.send("POST", f"/syncs/{house.sync.pk}/confirm/", unclear).status_code == 400


def test_a_held_match_is_decided(house: House, program: Program) -> None:
    path = f"/records/{house.held.pk}/"
    candidates = program.ask(path).json()["candidates"]
    assert [candidate["destination_id"] for candidate in candidates] == ["901", "902"]
    assert program.send("POST", f"{path}decide/", {"adopt": "999"}).json().keys() == {"adopt"}
    for unclear in ({}, {"adopt": "901", "create": True}):
        assert program.send("POST", f"{path}decide/", unclear).json().keys() == {"adopt"}
    assert program.send("POST", f"{path}decide/", {"adopt": "902"}).status_code == 202
    assert program.ask(path).json()["decision"]["adopt"] == "902"
    assert program.send("POST", f"/records/{house.synced.pk}/decide/", {"create": True}).status_code == 409


def test_a_record_is_set_aside_and_taken_back(house: House, program: Program) -> None:
    path = f"/records/{house.rejected.pk}/"
    assert program.send("POST", f"{path}set-aside/", {"how": "done", "reason": " "}).json().keys() == {"reason"}
    aside = program.send("POST", f"{path}set-aside/", {"how": "done", "reason": "Booked by hand."}).json()["set_aside"]
    assert (aside["how"], aside["reason"]) == ("done", "Booked by hand.")
    assert program.send("POST", f"{path}set-aside/", {"how": "done", "reason": "Again."}).status_code == 409
    assert program.send("POST", f"{path}take-back/").json()["set_aside"] is None
    assert program.send("POST", f"{path}take-back/").status_code == 409
    assert (
        program.send("POST", f"/records/{house.synced.pk}/set-aside/", {"how": "done", "reason": "x"}).status_code
        == 409
    )


def test_a_record_is_given_to_a_member(house: House, program: Program, finance: Any, outsider: Any) -> None:
    path = f"/records/{house.rejected.pk}/assign/"
    assert program.send("POST", path, {"member": finance.email}).json()["assigned_to"] == finance.email
    assert program.send("POST", path, {"member": outsider.email}).json().keys() == {"member"}
    assert program.send("POST", path, {"member": None}).json()["assigned_to"] is None


def test_an_answer_is_withdrawn(house: House, program: Program) -> None:
    path = f"/records/{house.held.pk}/"
    assert program.send("POST", f"{path}withdraw/").status_code == 409
    program.send("POST", f"{path}decide/", {"create": True})
    assert program.send("POST", f"{path}withdraw/").json()["decision"] is None


def test_records_show_money_with_the_digits_of_its_currency(house: House, program: Program) -> None:
    assert program.ask(f"/records/{house.rejected.pk}/").json()["amount"] == "12.50"
    assert program.ask(f"/records/{house.draft.pk}/").json()["amount"] == "1000"


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ({}, {"11", "12", "21", "22"}),
        ({"flow": "customers"}, {"11", "12"}),
        ({"status": ["held", "rejected"]}, {"12", "21"}),
        ({"error_code": "total_differs"}, {"21"}),
        ({"search": "INV-22"}, {"22"}),
        ({"search": "900"}, {"11"}),
        ({"source_key": "12", "flow": "customers"}, {"12"}),
        ({"flow": "invoices", "status": "held"}, set()),
        ({"draft": "true", "flow": "customers"}, set()),
    ],
)
def test_records_are_filtered(house: House, program: Program, query: dict[str, Any], keys: set[str]) -> None:
    for more in ({}, {"sync": house.sync.pk}, {"run": house.run.pk}):
        answer = program.ask("/records/", **query, **more).json()
        assert {row["source_key"] for row in answer["results"]} == keys
    assert program.ask("/records/", **query, sync=10**12).json()["results"] == []


# Mappings


def test_fields_of_ones_own_are_set_all_at_once_and_refused_at_their_row(
    house: House, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_network(monkeypatch)
    cache.clear()
    path = f"/syncs/{house.sync.pk}/flows/invoices/mapping/"
    before = program.ask(path).json()
    assert (before["version"], before["fields"]) == (None, [])
    assert before["table"][0]["lines"][0].keys() == {"to", "source", "note"}
    body = {"fields": [{"to": "tier", "from": "Comments"}]}
    assert program.send("PUT", path, body).json()["fields"] == body["fields"]
    assert last_entry(house).action == "mapping.change"
    assert program.send("PUT", path, body).json()["version"] == 1
    wrong = program.send("PUT", path, {"fields": [{"to": "tier", "value": "Gold"}, {"to": "nowhere", "value": "x"}]})
    assert wrong.status_code == 400
    assert wrong.json() == {"fields": [{}, {"to": ["There is no such field there."]}]}
    assert program.send("PUT", path, {"fields": [{"too": "tier"}]}).status_code == 400
    assert program.send("PUT", path, {"fields": []}).json()["version"] == 2
