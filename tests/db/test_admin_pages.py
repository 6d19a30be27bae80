"""The operators' side: every page opens, what is done goes through the services, and no secret is ever shown."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from audit.models import AuditEntry
from connections import services as connections
from connections.connectors.base import CheckStep
from connections.models import Connection
from mlconnector.admin_base import across
from mlconnector.tenants.models import ApiKey, Role, Tenant
from syncs.models import Record, Run, Sync
from tests.api_cast import CANARY, House, build, end, key_of
from tests.conftest import make_user

OURS = [
    model for model in admin.site._registry if model._meta.app_label in ("tenants", "connections", "syncs", "audit")
]
ALL = list(admin.site._registry)


@pytest.fixture
def house(tenant: Tenant, other_tenant: Tenant, owner: Any) -> House:
    build(other_tenant)
    Authenticator.objects.create(user=owner, type="totp", data={"secret": CANARY})
    key_of(tenant, Role.FINANCE)
    return build(tenant)


@pytest.fixture
def client(operator: Any, house: House) -> Client:
    browser = Client()
    browser.force_login(operator)
    return browser


def listing(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def act(client: Client, action: str, *rows: Any) -> str:
    """Chooses the rows in the list, runs the action and returns the messages shown."""
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    answer = client.post(listing(type(rows[0])), data, follow=True)
    assert answer.status_code == 200
    return " ".join(str(message) for message in answer.context["messages"])


@pytest.mark.parametrize("model", ALL, ids=lambda model: model._meta.label)
def test_every_list_and_every_row_opens_without_a_secret(client: Client, model: Any) -> None:
    answer = client.get(listing(model))
    assert answer.status_code == 200
    assert CANARY not in answer.content.decode()
    for row in across(model)[:5]:
        answer = client.get(page(row))
        assert answer.status_code == 200, row
        assert CANARY not in answer.content.decode()
        assert "gAAAA" not in answer.content.decode()


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_nothing_of_ours_is_added_changed_or_deleted_by_hand(client: Client, model: Any) -> None:
    assert client.get(f"{listing(model)}add/").status_code == 403
    row = across(model).first()
    if row is None:
        return
    assert client.post(page(row), {"name": "changed"}).status_code == 403
    assert client.post(page(row).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    assert across(model).filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_lists_are_searched_and_filtered(client: Client, house: House, model: Any) -> None:
    configured = admin.site._registry[model]
    if configured.search_fields:
        assert client.get(listing(model), {"q": "INV-22"}).status_code == 200
        assert client.get(listing(model), {"q": "Zoë \x00"}).status_code == 200
    if configured.list_filter and not isinstance(configured.list_filter[0], str):
        for value in (house.tenant.name, house.tenant.pk, "9" * 30, ""):
            assert client.get(listing(model), {"workspace": value}).status_code == 200


def test_operators_find_a_record_of_any_tenant(client: Client, house: House) -> None:
    found = client.get(listing(Record), {"q": "INV-22"}).context["cl"]
    assert found.result_count == 2
    narrowed = client.get(listing(Record), {"q": "INV-22", "workspace": house.tenant.name}).context["cl"]
    assert [record.pk for record in narrowed.result_list] == [house.draft.pk]
    linked = client.get(listing(Record), {"flow__sync__id__exact": house.sync.pk}).context["cl"]
    assert linked.result_count == 4
    assert client.get(listing(Record), {"status__exact": "held", "flow": "customers"}).context["cl"].result_count == 2


def test_the_trail_is_searched_within_one_workspace(client: Client, house: House) -> None:
    answer = client.get(listing(AuditEntry), {"q": "21"})
    assert answer.context["cl"].result_count == 0
    assert "Choose a workspace first" in answer.content.decode()
    found = client.get(listing(AuditEntry), {"q": "21", "workspace": house.tenant.name}).context["cl"]
    assert [entry.source_ref for entry in found.result_list] == ["21"]


def test_lists_do_not_count_everything(client: Client, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlconnector.admin_base.COUNTED", 2)
    assert client.get(listing(Record)).context["cl"].result_count == 3


def test_syncs_are_run_paused_and_resumed(client: Client, house: House, operator: Any) -> None:
    assert "queued" in act(client, "run_now", house.sync)
    assert house.sync.runs.filter(requested_by=f"operator:{operator.username}").count() == 1
    act(client, "resume", house.sync)
    assert not Sync.objects.for_tenant(house.tenant).get(pk=house.sync.pk).paused
    act(client, "pause", house.sync)
    assert Sync.objects.for_tenant(house.tenant).get(pk=house.sync.pk).paused
    entries = AuditEntry.objects.filter(tenant=house.tenant, actor=f"operator:{operator.username}")
    assert set(entries.values_list("action", flat=True)) == {"run.request", "sync.resume", "sync.pause"}


def test_a_refusal_is_told(client: Client, house: House) -> None:
    house.source.status, house.source.status_text = Connection.Status.BROKEN, "The password has expired."
    house.source.save(update_fields=["status", "status_text"])
    assert "The password has expired." in act(client, "run_now", house.sync)
    assert "ended already" in act(client, "cancel", house.run)


def test_runs_are_cancelled_and_replayed(client: Client, house: House) -> None:
    assert "4 records" in act(client, "replay", house.run)
    active = house.sync.runs.get(status=Run.Status.QUEUED)
    act(client, "cancel", active)
    active.refresh_from_db()
    assert active.status == Run.Status.CANCELLED


def test_records_of_two_tenants_are_replayed_at_once(client: Client, house: House, other_tenant: Tenant) -> None:
    theirs = Record.objects.for_tenant(other_tenant).get(source_key="21")
    assert act(client, "replay", house.rejected, theirs).count("1 records go again") == 2
    assert house.sync.runs.filter(status=Run.Status.QUEUED).count() == 1
    assert theirs.flow.sync.runs.filter(status=Run.Status.QUEUED).count() == 1


def test_invoices_are_confirmed(client: Client, house: House, operator: Any) -> None:
    assert "1 invoices confirmed" in act(client, "confirm", house.draft, house.synced)
    house.draft.refresh_from_db()
    assert house.draft.confirmed_by == f"operator:{operator.username}"
    end(house.sync.runs.get(status=Run.Status.QUEUED))
    assert "0 invoices confirmed" in act(client, "confirm", house.draft)


def test_a_connection_is_tested_again(client: Client, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    step = CheckStep("in", "Signed in", "failed", "The key was refused.", "Enter it again.")
    monkeypatch.setattr(type(connections._kind("hubspot")), "check", lambda *given: given[-1].add(step))
    assert "The key was refused. Enter it again." in act(client, "test_again", house.destination)
    house.destination.refresh_from_db()
    assert house.destination.status == Connection.Status.BROKEN
    assert house.destination.secrets["access_token"] == CANARY


def test_a_key_is_revoked(client: Client, house: House) -> None:
    key = ApiKey.objects.get(tenant=house.tenant)
    assert "1 revoked" in act(client, "revoke", key)
    key.refresh_from_db()
    assert key.revoked


def test_one_row_has_the_same_actions_as_buttons(client: Client, house: House) -> None:
    text = client.get(page(house.rejected)).content.decode()
    forms = re.findall(r'<form method="post" action="([^"]+)">(.*?)</form>', text, re.DOTALL)
    ours = [body for address, body in forms if address == listing(Record)]
    assert {re.search(r'name="action" value="(\w+)"', body)[1] for body in ours} == {"replay", "confirm"}  # type: ignore[index]
    assert all("csrfmiddlewaretoken" in body for body in ours)


def test_staff_who_may_only_look_cannot_act(house: House) -> None:
    looker = make_user("looker@ml-connector.example")
    looker.is_staff = True
    looker.save()
    looker.user_permissions.set(Permission.objects.filter(codename="view_record"))
    browser = Client()
    browser.force_login(looker)
    assert browser.get(listing(Record)).status_code == 200
    assert "Confirm invoices" not in browser.get(page(house.draft)).content.decode()
    browser.post(listing(Record), {"action": "confirm", "_selected_action": [house.draft.pk]})
    house.draft.refresh_from_db()
    assert house.draft.confirmed_at is None


def test_actions_need_the_token_of_the_form(operator: Any, house: House) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(operator)
    answer = browser.post(listing(Record), {"action": "replay", "_selected_action": [house.rejected.pk]})
    assert answer.status_code == 403


def test_members_do_not_get_in(owner: Any, signed_in: Any) -> None:
    assert signed_in(owner).get(listing(Record)).status_code == 302
