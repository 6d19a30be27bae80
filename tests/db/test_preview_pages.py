"""The pages of previews, as people use them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import AuditEntry
from audit.reading import sentence_of
from mlconnector.tenants.models import Role
from syncs import services
from syncs.models import Preview, PreviewEntry, Run, Sync
from tests import factories
from tests.api_cast import Program, key_of

pytestmark = [pytest.mark.django_db, pytest.mark.either_database]
SignIn = Callable[[Any], Client]


@pytest.fixture
def sync(tenant: Any) -> Sync:
    return factories.busy_month(tenant)


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()


def test_the_button_of_a_sync_starts_one_and_leads_to_it(signed_in: SignIn, finance: Any, sync: Sync) -> None:
    client = signed_in(finance)
    answer = client.post(f"/syncs/{sync.pk}/preview/")
    preview = Preview.objects.for_tenant(sync.tenant_id).get()
    assert answer["Location"] == f"/previews/{preview.pk}/"
    page = text_of(client.get(answer["Location"]))
    assert "Waiting for its turn" in page
    assert 'hx-trigger="every 2s"' in page
    assert f"/previews/{preview.pk}/" in text_of(client.get(f"/syncs/{sync.pk}/"))
    again = text_of(client.post(f"/syncs/{sync.pk}/preview/", follow=True))
    assert "being worked out already" in again


def test_a_program_that_polls_gets_the_live_part_alone(signed_in: SignIn, viewer: Any, sync: Sync) -> None:
    preview = factories.preview(sync, Preview.Status.RUNNING)
    part = text_of(signed_in(viewer).get(f"/previews/{preview.pk}/", headers={"HX-Request": "true"}))
    assert part.lstrip().startswith('<div id="live"')


def test_the_result_tells_numbers_and_money_by_flow(signed_in: SignIn, viewer: Any, sync: Sync) -> None:
    preview = factories.preview(sync)
    page = text_of(signed_in(viewer).get(f"/previews/{preview.pk}/"))
    assert "Nothing was written." in page
    assert "4,410.00 EUR" in page
    assert "910.00 USD" in page
    assert f"/previews/{preview.pk}/invoices/created/" in page
    assert "Approve" not in page


def test_a_list_shows_what_was_and_what_would_be(signed_in: SignIn, viewer: Any, sync: Sync) -> None:
    preview = factories.preview(sync)
    client = signed_in(viewer)
    updated = text_of(client.get(f"/previews/{preview.pk}/invoices/updated/"))
    assert "INV-300001" in updated
    assert "open</s>" in updated
    assert "paid</strong>" in updated
    assert "add up to 901.00 USD" in text_of(client.get(f"/previews/{preview.pk}/invoices/rejected/"))
    assert client.get(f"/previews/{preview.pk}/invoices/unchanged/").status_code == 404
    assert client.get(f"/previews/{preview.pk}/orders/created/").status_code == 404


def test_long_lists_go_on_behind_the_last_record(signed_in: SignIn, viewer: Any, sync: Sync) -> None:
    preview = factories.preview(sync)
    PreviewEntry.objects.bulk_create(
        PreviewEntry(preview=preview, flow="payments", source_key=str(number), title=f"R-{number}", outcome="waiting")
        for number in range(60)
    )
    client = signed_in(viewer)
    first = text_of(client.get(f"/previews/{preview.pk}/payments/waiting/"))
    assert "R-49<" in first
    assert "R-50<" not in first
    last = preview.entries.get(title="R-49").pk
    assert f'href="?after={last}"' in first
    assert "R-59<" in text_of(client.get(f"/previews/{preview.pk}/payments/waiting/?after={last}"))


def test_the_download_has_a_row_for_each_field_and_runs_nothing(signed_in: SignIn, viewer: Any, sync: Sync) -> None:
    preview = factories.preview(sync)
    PreviewEntry.objects.create(
        preview=preview, flow="invoices", source_key="=1+1", title="=cmd", outcome="held", amount=Decimal(-5)
    )
    lines = text_of(signed_in(viewer).get(f"/previews/{preview.pk}/export/")).splitlines()
    assert lines[0].startswith("Flow,Record,Key,Outcome")
    assert any(line.endswith("invoice › hs_invoice_status,open,paid") for line in lines)
    assert "Invoices,'=cmd,'=1+1,Held,-5.000000,,,,," in lines


def test_finance_approves_a_run(signed_in: SignIn, finance: Any, sync: Sync) -> None:
    preview = factories.preview(sync)
    client = signed_in(finance)
    assert "Approve and run" in text_of(client.get(f"/previews/{preview.pk}/"))
    answer = client.post(f"/previews/{preview.pk}/approve/")
    run = sync.runs.get(status=Run.Status.QUEUED)
    assert answer["Location"] == f"/runs/{run.pk}/"


def test_changed_options_are_approved_by_whoever_may_change_them(
    signed_in: SignIn, finance: Any, admin: Any, sync: Sync
) -> None:
    change = {"flow": "payments", "options": {"reversed": "refunded"}}
    preview = factories.preview(sync, kind=Preview.Kind.OPTIONS, proposal=change)
    page = text_of(signed_in(finance).get(f"/previews/{preview.pk}/"))
    assert "Refunded" in page
    assert "/approve/" not in page
    signed_in(finance).post(f"/previews/{preview.pk}/approve/")
    assert sync.flows.get(key="payments").options == {}
    signed_in(admin).post(f"/previews/{preview.pk}/approve/")
    assert sync.flows.get(key="payments").options == {"reversed": "refunded"}


def test_one_that_is_out_of_date_is_made_anew(signed_in: SignIn, finance: Any, sync: Sync) -> None:
    preview = factories.preview(sync)
    services.update_sync(sync, actor="member:t", start_date=timezone.now().date() - timedelta(days=9))
    client = signed_in(finance)
    page = text_of(client.get(f"/previews/{preview.pk}/"))
    assert "settings changed" in page
    assert "/approve/" not in page
    answer = client.post(f"/previews/{preview.pk}/repeat/")
    assert answer["Location"] != f"/previews/{preview.pk}/"


def test_the_options_of_a_flow_can_be_tried_first(signed_in: SignIn, admin: Any, sync: Sync) -> None:
    given = {"reversed": "refunded", "preview": "yes"}
    answer = signed_in(admin).post(f"/syncs/{sync.pk}/flows/payments/", given)
    preview = Preview.objects.for_tenant(sync.tenant_id).get()
    assert answer["Location"] == f"/previews/{preview.pk}/"
    assert preview.proposal == {"flow": "payments", "options": {"reversed": "refunded"}}
    assert sync.flows.get(key="payments").options == {}


def test_every_decision_is_in_the_trail_in_words(signed_in: SignIn, finance: Any, sync: Sync) -> None:
    client = signed_in(finance)
    client.post(f"/syncs/{sync.pk}/preview/")
    client.post(f"/previews/{Preview.objects.for_tenant(sync.tenant_id).get().pk}/discard/")
    told = AuditEntry.objects.filter(action__startswith="preview.").values_list("action", "outcome", "actor")
    assert [sentence_of(action, outcome) for action, outcome, _ in told] == ["Preview started", "Preview discarded"]
    assert {actor for *_, actor in told} == {f"member:{finance.email}"}


# Programs -------------------------------------------------------------------------------------------------------------


def test_a_program_asks_and_approves(tenant: Any, sync: Sync) -> None:
    program = Program(key_of(tenant, Role.FINANCE))
    asked = program.send("POST", "/previews/", {"sync": sync.pk})
    assert asked.status_code == 202
    assert asked.headers["Location"].endswith(f"/previews/{asked.json()['id']}/")
    assert asked.json()["status"] == "running"
    assert program.send("POST", "/previews/", {"sync": sync.pk}).status_code == 409
    ready = factories.preview(sync)
    held = program.ask(f"/previews/{ready.pk}/entries/", flow="invoices", outcome="rejected").json()["results"]
    assert [(entry["source_key"], entry["amount"]) for entry in held] == [("30021", "910.00")]
    assert program.send("POST", f"/previews/{ready.pk}/approve/").json()["status"] == "queued"
    assert program.send("POST", f"/previews/{ready.pk}/approve/").status_code == 409


def test_a_program_needs_the_role_of_what_it_proposes(tenant: Any, sync: Sync) -> None:
    change = {"sync": sync.pk, "kind": "options", "flow": "payments", "options": {"reversed": "refunded"}}
    assert Program(key_of(tenant, Role.FINANCE)).send("POST", "/previews/", change).status_code == 403
    admin = Program(key_of(tenant, Role.ADMIN))
    wrong = admin.send("POST", "/previews/", {**change, "options": {"reversed": "perhaps"}})
    assert wrong.status_code == 400
    assert "reversed" in wrong.json()
    assert admin.send("POST", "/previews/", {**change, "flow": "orders"}).status_code == 400
    made = admin.send("POST", "/previews/", change)
    assert made.json()["proposal"] == {"flow": "payments", "options": {"reversed": "refunded"}}


def test_a_program_tries_a_replay_of_a_cause(tenant: Any, sync: Sync) -> None:
    program = Program(key_of(tenant, Role.FINANCE))
    made = program.send("POST", "/previews/", {"sync": sync.pk, "kind": "replay", "error_code": "total_differs"})
    assert made.json()["proposal"] == {"cause": "total_differs"}
