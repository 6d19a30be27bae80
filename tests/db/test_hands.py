"""Two people at one button, a member who leaves, a workspace that is deleted while something works for it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from audit.models import AuditEntry
from audit.services import Entry, append
from connections import checkups
from connections.closing import destroy_credentials
from connections.models import Connection
from connections.services import access_for, update_connection
from mlconnector.tenants import closing
from mlconnector.tenants import services as tenants
from mlconnector.tenants.models import Membership
from syncs import record_selectors, services
from syncs.attention import care
from syncs.models import Record
from tests import factories

pytestmark = pytest.mark.either_database


def test_the_trail_names_only_the_one_who_was_heard(tenant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have read the list; the first is through before the second begins to write."""
    sync = factories.busy_month(tenant)
    rejected = Record.objects.for_tenant(tenant).filter(flow__key="invoices", status="rejected")
    given = {"sync": sync, "how": "ignored", "reason": "Sold."}
    read = services.pages

    def read_then_late(records: Any) -> Any:
        pages = [list(page) for page in read(records)]
        with monkeypatch.context() as other:
            other.setattr(services, "pages", read)
            assert care.set_aside(rejected, actor="member:ann", **given) == len(pages[0])
        return pages

    with monkeypatch.context() as late:
        late.setattr(services, "pages", read_then_late)
        assert care.set_aside(rejected, actor="member:ben", **given) == 0
    said = AuditEntry.objects.filter(tenant_id=tenant.pk, action="set_aside").values_list("actor", flat=True)
    assert set(said) == {"member:ann"}


def test_a_draft_is_confirmed_by_one_person(tenant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = factories.busy_month(tenant)
    draft = Record.objects.for_tenant(tenant).filter(flow__key="invoices", status="synced").first()
    mine = Record.objects.for_tenant(tenant).filter(pk=draft.pk)
    mine.update(unconfirmed=True, confirmed_at=None)
    read = services.pages

    def read_then_late(records: Any) -> Any:
        pages = [list(page) for page in read(records)]
        monkeypatch.setattr(services, "pages", read)
        assert services.confirm(mine, sync=sync, actor="member:ann")[0] == 1
        return pages

    monkeypatch.setattr(services, "pages", read_then_late)
    assert services.confirm(mine, sync=sync, actor="member:ben") == (0, None)
    assert mine.get().confirmed_by == "member:ann"
    said = AuditEntry.objects.filter(tenant_id=tenant.pk, action="confirm", source_ref=draft.source_key)
    assert said.filter(actor="member:ben").count() == 0


def test_nobody_has_what_a_member_had_who_left(tenant: Any, owner: Any, finance: Any) -> None:
    sync = factories.busy_month(tenant)
    rejected = Record.objects.for_tenant(tenant).filter(flow__key="invoices", status="rejected")
    number = care.assign(rejected, finance, sync=sync, actor="member:owner")
    settled = Record.objects.for_tenant(tenant).filter(status="synced").first()
    Record.objects.for_tenant(tenant).filter(pk=settled.pk).update(assigned_to=finance)
    assert number
    member = Membership.objects.get(user=finance)
    tenants.remove_member(member, actor="member:owner", by_role="owner")
    assert not Record.objects.for_tenant(tenant).filter(assigned_to__isnull=False).exists()
    said = AuditEntry.objects.filter(tenant_id=tenant.pk, action="assign", detail__contains="Nobody has it")
    assert said.count() == number
    assert record_selectors.causes(tenant, member=finance) == []


def test_a_test_under_way_brings_nothing_back_to_a_deleted_workspace(tenant: Any) -> None:
    connection = factories.connection(tenant, "hubspot", "HubSpot")
    asked = checkups.start(connection, "member:owner")
    work = checkups.Work(connection.pk, asked.token)
    assert work.claim()
    append(tenant.pk, [Entry("trail.exported", "done", actor="member:owner", source_ref="trail")])
    closing.close(tenant, actor="member:owner", typed_name=tenant.name)
    with pytest.raises(checkups.Superseded):
        work._store(steps=[])
    left = Connection.objects.for_tenant(tenant).get()
    assert (left.secrets, left.token, left.status) == ({}, None, "broken")


def test_a_name_of_several_lines_is_one_and_can_be_invited_to(tenant: Any, owner: Any, mailoutbox: Any) -> None:
    given = {"time_zone": "UTC", "keep_days": 400}
    tenants.update_tenant(tenant, actor="member:owner", name="Meridian\r\nBcc: all@meridian.example", **given)
    invitation, token = tenants.invite(tenant, "new@meridian.example", "viewer", by=owner, by_role="owner")
    tenants.mail_invitation(invitation, token)
    assert mailoutbox[0].subject == "Join Meridian Bcc: all@meridian.example on ml-connector"


@pytest.mark.parametrize("how", ["moved", "closed"])
def test_a_worker_that_signs_in_meanwhile_leaves_no_token_behind(tenant: Any, how: str) -> None:
    connection = factories.connection(tenant, "oracle_fusion", "Fusion", token=None)
    access = access_for(connection)

    def obtain() -> dict[str, Any]:
        present = Connection.objects.for_tenant(tenant).get()
        if how == "closed":
            destroy_credentials(None, tenant_id=tenant.pk, actor="member:owner")
        else:
            config = {**present.config, "pod_url": "https://fa-other.fa.us2.oraclecloud.com"}
            update_connection(present, actor="member:owner", config=config, secrets={"password": "another"})
        return {"access_token": "of the old pod"}

    assert access.refresh(None, obtain) == {"access_token": "of the old pod"}
    assert Connection.objects.for_tenant(tenant).get().token is None


def test_two_who_remove_the_same_member_are_both_answered(tenant: Any, owner: Any, finance: Any) -> None:
    """The second has found the member before the first was through."""
    seen = Membership.objects.get(user=finance)
    tenants.remove_member(Membership.objects.get(user=finance), actor="member:owner", by_role="owner")
    for late in (
        lambda: tenants.remove_member(seen, actor="member:admin", by_role="admin"),
        lambda: tenants.change_role(seen, "viewer", actor="member:admin", by_role="admin"),
        lambda: tenants.hand_over(Membership.objects.get(user=owner), seen),
    ):
        with pytest.raises(ValidationError, match="not a member any more"):
            late()
