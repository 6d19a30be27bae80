from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from audit.models import AuditEntry
from audit.services import verify
from mlconnector.tenants import services
from mlconnector.tenants.models import ApiKey, Invitation, Membership, Role, Tenant
from tests.conftest import make_user


def actions(tenant: Tenant) -> list[str]:
    return list(AuditEntry.objects.filter(tenant=tenant).order_by("sequence").values_list("action", flat=True))


def test_who_creates_a_workspace_owns_it(db: None) -> None:
    user = make_user("ann@meridian.example")
    tenant = services.create_tenant("  Meridian  ", user)
    assert tenant.name == "Meridian"
    assert tenant.memberships.get().role == Role.OWNER
    assert actions(tenant) == ["tenant.created"]
    assert verify(tenant.pk).ok
    with pytest.raises(ValidationError) as refusal:
        services.create_tenant("  ", user)
    assert "name" in refusal.value.message_dict


def test_an_invitation_is_accepted_once_by_the_invited(tenant: Tenant, owner: Any) -> None:
    invitation, token = services.invite(tenant, "Bo@Meridian.example", Role.FINANCE, by=owner, by_role=Role.OWNER)
    assert token not in str(Invitation.objects.values().get())
    services.mail_invitation(invitation, token)
    assert mail.outbox[0].to == ["bo@meridian.example"]
    assert f"{settings.BASE_URL}/invitations/{token}/" in mail.outbox[0].body.splitlines()
    stranger = make_user("stranger@elsewhere.example")
    with pytest.raises(PermissionDenied, match=r"bo@meridian\.example"):
        services.accept(token, stranger)
    bo = make_user("bo@meridian.example")
    assert services.accept(token, bo).role == Role.FINANCE
    with pytest.raises(ValidationError, match="used or has expired"):
        services.accept(token, bo)
    assert actions(tenant) == ["member.invited", "member.joined"]


def test_old_wrong_and_replaced_links_do_not_work(tenant: Tenant, owner: Any) -> None:
    def invite() -> str:
        return services.invite(tenant, "bo@meridian.example", Role.VIEWER, by=owner, by_role=Role.OWNER)[1]

    first, second = invite(), invite()
    assert services.find_invitation("nonsense") is None
    assert services.find_invitation(first) is None
    assert services.find_invitation(second) is not None
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert services.find_invitation(second) is None


@pytest.mark.parametrize(
    ("email", "role", "field"),
    [("nobody", "viewer", "email"), ("bo@x.example", "king", "role"), ("viewer@meridian.example", "admin", "email")],
)
def test_bad_invitations_are_refused_by_field(
    tenant: Tenant, owner: Any, viewer: Any, email: str, role: str, field: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        services.invite(tenant, email, role, by=owner, by_role=Role.OWNER)
    assert field in refusal.value.message_dict


def test_admins_do_not_make_owners(tenant: Tenant, owner: Any, admin: Any) -> None:
    with pytest.raises(PermissionDenied):
        services.invite(tenant, "bo@meridian.example", Role.OWNER, by=admin, by_role=Role.ADMIN)
    mine = Membership.objects.get(user=admin)
    with pytest.raises(PermissionDenied):
        services.change_role(mine, Role.OWNER, actor="member:admin", by_role=Role.ADMIN)
    with pytest.raises(PermissionDenied):
        services.remove_member(Membership.objects.get(user=owner), actor="member:admin", by_role=Role.ADMIN)


def test_the_last_owner_stays(tenant: Tenant, owner: Any, admin: Any) -> None:
    last = Membership.objects.get(user=owner)
    with pytest.raises(ValidationError, match="needs an owner"):
        services.change_role(last, Role.ADMIN, actor="member:owner", by_role=Role.OWNER)
    with pytest.raises(ValidationError, match="needs an owner"):
        services.remove_member(last, actor="member:owner", by_role=Role.OWNER)
    services.change_role(Membership.objects.get(user=admin), Role.OWNER, actor="member:owner", by_role=Role.OWNER)
    services.remove_member(last, actor="member:owner", by_role=Role.OWNER)
    assert [row.user for row in tenant.memberships.all()] == [admin]
    assert actions(tenant) == ["member.role_changed", "member.removed"]


def test_a_key_is_shown_once_and_stored_as_a_hash(tenant: Tenant) -> None:
    row, key = services.create_api_key(tenant, "warehouse", Role.FINANCE, actor="member:owner", by_role=Role.OWNER)
    stored = str(ApiKey.objects.values().get()) + str(AuditEntry.objects.values().get())
    assert key.partition(".")[2] not in stored
    services.revoke_api_key(row, actor="member:owner")
    services.revoke_api_key(row, actor="member:owner")
    assert actions(tenant) == ["api_key.created", "api_key.revoked"]


@pytest.mark.parametrize(
    ("name", "role", "field"), [("", "viewer", "name"), ("x", "owner", "role"), ("x", "y", "role")]
)
def test_bad_keys_are_refused_by_field(tenant: Tenant, name: str, role: str, field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        services.create_api_key(tenant, name, role, actor="member:owner", by_role=Role.OWNER)
    assert field in refusal.value.message_dict


def test_a_key_has_no_more_rights_than_its_maker(tenant: Tenant) -> None:
    with pytest.raises(PermissionDenied):
        services.create_api_key(tenant, "x", Role.ADMIN, actor="member:finance", by_role=Role.FINANCE)
