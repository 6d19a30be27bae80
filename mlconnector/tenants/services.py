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
from django.urls import reverse
from django.utils import timezone

from mlconnector.tenants.models import ApiKey, Invitation, Membership, Role, Tenant
from mlconnector.tenants.permissions import may_hand_out
from mlconnector.tenants.signals import changed, left

INVITATION_DAYS = 7
KEEP_DAYS_ALLOWED = range(30, 3651)


def actor_of(user: Any) -> str:
    """How a member is named in the trail."""
    return f"member:{user.email or user.get_username()}"


@transaction.atomic
def create_tenant(name: str, owner: Any, *, time_zone: str = "UTC") -> Tenant:
    name = " ".join(name.split())  # it stands in the subject of mails: one line
    if not name:
        raise ValidationError({"name": "Give your workspace a name."})
    tenant = Tenant.objects.create(name=name[:120], time_zone=time_zone)
    Membership.objects.create(tenant=tenant, user=owner, role=Role.OWNER)
    announce(tenant, actor_of(owner), "tenant.created", name)
    return tenant


@transaction.atomic
def update_tenant(tenant: Tenant, *, actor: str, name: str, time_zone: str, keep_days: int) -> None:
    wanted = {"name": " ".join(name.split())[:120], "time_zone": time_zone, "keep_days": keep_days}
    if not wanted["name"]:
        raise ValidationError({"name": "Give your workspace a name."})
    if keep_days not in KEEP_DAYS_ALLOWED:
        raise ValidationError({"keep_days": f"Choose from {KEEP_DAYS_ALLOWED[0]} to {KEEP_DAYS_ALLOWED[-1]:,} days."})
    changes = {field: value for field, value in wanted.items() if getattr(tenant, field) != value}
    if not changes:
        return
    before = {field: getattr(tenant, field) for field in changes}
    for field, value in changes.items():
        setattr(tenant, field, value)
    tenant.save(update_fields=list(changes))
    announce(tenant, actor, "tenant.changed", tenant.name, before=before, after=changes)


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
    announce(tenant, actor_of(by), "member.invited", email, after={"role": role})
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


def mail_invitation(invitation: Invitation, token: str) -> None:
    """Raises ``ValidationError`` where the mail cannot be sent; the invitation stands all the same."""
    link = absolute(reverse("tenants:invitation", args=[token]))
    name, by = invitation.tenant.name, invitation.invited_by
    text = (
        f"{by.email if by and by.email else 'A colleague'} invites you to join {name} on ml-connector as "
        f"{invitation.get_role_display()}.\n\n{link}\n\n"
        f"The link works once, until {invitation.expires_at:%d %B %Y}, and for {invitation.email} only. If you know "
        "nothing of this, leave it unanswered: nothing happens."
    )
    try:
        send_mail(f"Join {name} on ml-connector", text, settings.DEFAULT_FROM_EMAIL, [invitation.email])
    except OSError as error:
        raise ValidationError(
            f"The mail to {invitation.email} could not be sent. Send it again in a few minutes."
        ) from error


def absolute(path: str) -> str:
    """The address under which people reach this installation, whatever host the present request was for."""
    base: str = settings.BASE_URL
    return base.rstrip("/") + path


@transaction.atomic
def invite_again(invitation: Invitation, *, by: Any, by_role: str) -> tuple[Invitation, str]:
    """A new link; the old one stops working."""
    return invite(invitation.tenant, invitation.email, invitation.role, by=by, by_role=by_role)


@transaction.atomic
def withdraw(invitation: Invitation, *, actor: str) -> None:
    before = {"role": invitation.role}
    announce(invitation.tenant, actor, "member.invitation_withdrawn", invitation.email, before=before)
    invitation.delete()


def find_invitation(token: str) -> Invitation | None:
    """The open invitation behind a link, or None when it is unknown, used or too old."""
    open_ones = Invitation.objects.filter(accepted_at=None, expires_at__gt=timezone.now())
    return open_ones.select_related("tenant").filter(token_hash=_hash(token)).first()


def accept(token: str, user: Any) -> Membership:
    """The link is for the invited address: whoever signed in with another one is refused."""
    invitation = find_invitation(token)
    if invitation is not None and (user.email or "").lower() != invitation.email:
        raise PermissionDenied(f"This invitation is for {invitation.email}. Sign in with that address.")
    return join(invitation, user)


@transaction.atomic
def join(invitation: Invitation | None, user: Any) -> Membership:
    """For an invitation of which the user is known to be the one it is for."""
    open_ones = Invitation.objects.select_for_update().filter(accepted_at=None, expires_at__gt=timezone.now())
    invitation = invitation and open_ones.filter(pk=invitation.pk).first()
    if invitation is None:
        raise ValidationError("This invitation was used or has expired. Ask for a new one.")
    membership, created = Membership.objects.get_or_create(
        tenant=invitation.tenant, user=user, defaults={"role": invitation.role}
    )
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    if created:
        after = {"role": invitation.role}
        announce(invitation.tenant, actor_of(user), "member.joined", invitation.email, after=after)
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
    announce(membership.tenant, actor, "member.role_changed", subject, before={"role": before}, after={"role": role})


@transaction.atomic
def hand_over(owner: Membership, heir: Membership) -> None:
    """The heir owns the workspace from now on, the owner stays as an admin."""
    owner, heir = _locked(owner), _locked(heir)
    if owner.role != Role.OWNER:
        raise PermissionDenied("Only an owner can hand the workspace over.")
    if heir.pk == owner.pk or heir.tenant_id != owner.tenant_id:
        raise ValidationError({"heir": "Choose another member."})
    before = {actor_of(member.user): member.role for member in (owner, heir)}
    owner.role, heir.role = Role.ADMIN, Role.OWNER
    for member in (owner, heir):
        member.save(update_fields=["role"])
    after = {actor_of(member.user): member.role for member in (owner, heir)}
    actor, subject = actor_of(owner.user), actor_of(heir.user)
    announce(owner.tenant, actor, "tenant.handed_over", subject, before=before, after=after)


@transaction.atomic
def remove_member(membership: Membership, *, actor: str, by_role: str) -> None:
    membership = _locked(membership)
    if not may_hand_out(by_role, membership.role):
        raise PermissionDenied("You cannot remove someone with more rights than your own.")
    if membership.role == Role.OWNER:
        _keep_an_owner(membership)
    before = {"role": membership.role}
    announce(membership.tenant, actor, "member.removed", actor_of(membership.user), before=before)
    left.send(Tenant, tenant_id=membership.tenant_id, user=membership.user, actor=actor)
    membership.delete()


def _locked(membership: Membership) -> Membership:
    # The tenant's row is the lock: two owners who remove each other at once must not both succeed.
    Tenant.objects.select_for_update().get(pk=membership.tenant_id)
    found = Membership.objects.select_related("tenant", "user").filter(pk=membership.pk).first()
    if found is None:
        raise ValidationError("This person is not a member any more.")
    return found


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
    announce(tenant, actor, "api_key.created", row.prefix, after={"name": name, "role": role})
    return row, key


@transaction.atomic
def revoke_api_key(key: ApiKey, *, actor: str) -> None:
    if key.revoked:
        return
    key.revoked = True
    key.save(update_fields=["revoked"])
    announce(key.tenant, actor, "api_key.revoked", key.prefix)


def announce(
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
