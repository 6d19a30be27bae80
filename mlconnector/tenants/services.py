"""Tenants, their members and their keys. Each change is announced, and so lands in the audit trail."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from mlconnector.tenants.models import ApiKey, Invitation, Membership, Role, Tenant
from mlconnector.tenants.permissions import may_hand_out
from mlconnector.tenants.signals import changed

INVITATION_DAYS = 7


def actor_of(user: Any) -> str:
    """How a member is named in the trail."""
    return f"member:{user.email or user.get_username()}"


@transaction.atomic
def create_tenant(name: str, owner: Any, *, time_zone: str = "UTC") -> Tenant:
    name = name.strip()
    if not name:
        raise ValidationError({"name": "Give your workspace a name."})
    tenant = Tenant.objects.create(name=name[:120], time_zone=time_zone)
    Membership.objects.create(tenant=tenant, user=owner, role=Role.OWNER)
    _announce(tenant, actor_of(owner), "tenant.created", name)
    return tenant


@transaction.atomic
def invite(tenant: Tenant, email: str, role: str, *, by: Any, by_role: str) -> tuple[Invitation, str]:
    """Returns the invitation and its token, which is stored only as a hash and can be shown once."""
    email = email.strip().lower()
    _check_invitation(tenant, email, role, by_role)
    token = secrets.token_urlsafe(32)
    Invitation.objects.filter(tenant=tenant, email=email, accepted_at=None).delete()
    invitation = Invitation.objects.create(
        tenant=tenant,
        email=email,
        role=role,
        token_hash=_hash(token),
        invited_by=by,
        expires_at=timezone.now() + timedelta(days=INVITATION_DAYS),
    )
    _announce(tenant, actor_of(by), "member.invited", email, after={"role": role})
    return invitation, token


def _check_invitation(tenant: Tenant, email: str, role: str, by_role: str) -> None:
    try:
        validate_email(email)
    except ValidationError as error:
        raise ValidationError({"email": "This is not an e-mail address."}) from error
    if role not in Role.values:
        raise ValidationError({"role": "Choose one of the roles."})
    if not may_hand_out(by_role, role):
        raise PermissionDenied("You cannot give a role with more rights than your own.")
    if Membership.objects.filter(tenant=tenant, user__email__iexact=email).exists():
        raise ValidationError({"email": "This person is a member already."})


def mail_invitation(invitation: Invitation, link: str) -> None:
    send_mail(
        f"Join {invitation.tenant.name} on ml-connector",
        f"You were invited to join {invitation.tenant.name} as {invitation.get_role_display()}.\n\n{link}\n\n"
        f"The link works until {invitation.expires_at:%d %B %Y}.",
        settings.DEFAULT_FROM_EMAIL,
        [invitation.email],
    )


def find_invitation(token: str) -> Invitation | None:
    """The open invitation behind a link, or None when it is unknown, used or too old."""
    open_ones = Invitation.objects.filter(accepted_at=None, expires_at__gt=timezone.now())
    return open_ones.select_related("tenant").filter(token_hash=_hash(token)).first()


@transaction.atomic
def accept(token: str, user: Any) -> Membership:
    """The link is for the invited address: whoever signed in with another one is refused."""
    found = find_invitation(token)
    invitation = found and Invitation.objects.select_for_update().filter(pk=found.pk, accepted_at=None).first()
    if invitation is None:
        raise ValidationError("This invitation was used or has expired. Ask for a new one.")
    if (user.email or "").lower() != invitation.email:
        raise PermissionDenied(f"This invitation is for {invitation.email}. Sign in with that address.")
    membership, created = Membership.objects.get_or_create(
        tenant=invitation.tenant, user=user, defaults={"role": invitation.role}
    )
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    if created:
        after = {"role": invitation.role}
        _announce(invitation.tenant, actor_of(user), "member.joined", invitation.email, after=after)
    return membership


@transaction.atomic
def change_role(membership: Membership, role: str, *, actor: str, by_role: str) -> None:
    if role not in Role.values:
        raise ValidationError({"role": "Choose one of the roles."})
    membership = _locked(membership)
    before = membership.role
    if not (may_hand_out(by_role, role) and may_hand_out(by_role, before)):
        raise PermissionDenied("You cannot change the role of someone with more rights than your own, or give one.")
    if before == Role.OWNER and role != Role.OWNER:
        _keep_an_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    subject = actor_of(membership.user)
    _announce(membership.tenant, actor, "member.role_changed", subject, before={"role": before}, after={"role": role})


@transaction.atomic
def remove_member(membership: Membership, *, actor: str, by_role: str) -> None:
    membership = _locked(membership)
    if not may_hand_out(by_role, membership.role):
        raise PermissionDenied("You cannot remove someone with more rights than your own.")
    if membership.role == Role.OWNER:
        _keep_an_owner(membership)
    before = {"role": membership.role}
    _announce(membership.tenant, actor, "member.removed", actor_of(membership.user), before=before)
    membership.delete()


def _locked(membership: Membership) -> Membership:
    # The tenant's row is the lock: two owners who remove each other at once must not both succeed.
    Tenant.objects.select_for_update().get(pk=membership.tenant_id)
    return Membership.objects.select_related("tenant", "user").get(pk=membership.pk)


def _keep_an_owner(leaving: Membership) -> None:
    if not Membership.objects.filter(tenant=leaving.tenant, role=Role.OWNER).exclude(pk=leaving.pk).exists():
        raise ValidationError("A workspace needs an owner. Make someone else an owner first.")


@transaction.atomic
def create_api_key(
    tenant: Tenant, name: str, role: str, *, actor: str, by_role: str, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Returns the key's row and the key itself, which is shown once and stored only as a hash."""
    name = name.strip()
    if not name:
        raise ValidationError({"name": "Say which program will use this key."})
    if role not in Role.values or role == Role.OWNER:
        raise ValidationError({"role": "A program may be admin, finance or viewer."})
    if not may_hand_out(by_role, role):
        raise PermissionDenied("You cannot give a key more rights than your own.")
    row, key = ApiKey.objects.create_key(tenant=tenant, name=name[:50], role=role, expiry_date=expires_at)
    assert isinstance(row, ApiKey)  # noqa: S101  (what the manager of a third party is known to return)
    _announce(tenant, actor, "api_key.created", row.prefix, after={"name": name, "role": role})
    return row, key


@transaction.atomic
def revoke_api_key(key: ApiKey, *, actor: str) -> None:
    if key.revoked:
        return
    key.revoked = True
    key.save(update_fields=["revoked"])
    _announce(key.tenant, actor, "api_key.revoked", key.prefix)


def _announce(
    tenant: Tenant,
    actor: str,
    action: str,
    subject: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    changed.send(
        Tenant, tenant_id=tenant.pk, actor=actor, action=action, subject=subject, before=before or {}, after=after or {}
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
