"""Reading members, invitations and keys of a tenant for pages."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from mlconnector.tenants.models import ApiKey, Invitation, Membership, Role, Tenant
from mlconnector.tenants.permissions import GRANTS, Action

RIGHTS = (
    (Action.VIEW, "See everything: syncs, records, the audit trail"),
    (Action.RUN, "Run, pause and start syncs"),
    (Action.REPLAY, "Send records through again"),
    (Action.CONFIRM, "Confirm draft invoices"),
    (Action.DECIDE, "Decide about matches"),
    (Action.CONFIGURE, "Set up connections, syncs and flows"),
    (Action.MANAGE_MEMBERS, "Invite and manage members"),
    (Action.MANAGE_KEYS, "Create and revoke API keys"),
    (Action.MANAGE_OWNERS, "Make someone an owner, hand over or delete the workspace"),
)


def members_of(tenant: Tenant) -> QuerySet[Membership]:
    return tenant.memberships.select_related("user", "tenant").order_by("user__email", "pk")


def own_membership(tenant: Tenant, user: Any) -> Membership:
    return members_of(tenant).get(user=user)


def only_owner(tenant: Tenant, user: Any) -> bool:
    return [row.user_id for row in tenant.memberships.filter(role=Role.OWNER)[:2]] == [user.pk]


def open_invitations(tenant: Tenant) -> QuerySet[Invitation]:
    return tenant.invitations.filter(accepted_at=None, expires_at__gt=timezone.now()).order_by("email")


def invitations_for(user: Any) -> QuerySet[Invitation]:
    """Open ones for an address of the user's that was proved to be theirs, to workspaces they are not in yet."""
    proved = [
        address.lower() for address in user.emailaddress_set.filter(verified=True).values_list("email", flat=True)
    ]
    found = Invitation.objects.filter(email__in=proved, accepted_at=None, expires_at__gt=timezone.now())
    return found.exclude(tenant__memberships__user=user).select_related("tenant", "invited_by").order_by("tenant__name")


def keys_of(tenant: Tenant) -> QuerySet[ApiKey]:
    """Those that work first, then the newest."""
    return tenant.api_keys.order_by("revoked", "-created")


def tenants_of(user: Any) -> list[Tenant]:
    return [membership.tenant for membership in user.memberships.select_related("tenant").order_by("tenant__name")]


def table_of_rights() -> list[tuple[str, list[bool]]]:
    """What each role may do, in the order of ``Role``."""
    return [(text, [action in GRANTS[role] for role in Role]) for action, text in RIGHTS]
