"""Who may do what: one table, asked by pages, API and admin alike."""

from __future__ import annotations

from enum import StrEnum

from django.core.exceptions import PermissionDenied

from mlconnector.tenants.models import Role


class Action(StrEnum):
    VIEW = "view"  # read everything of the tenant, secrets excepted
    RUN = "run"  # start or cancel a run, pause or resume a sync
    REPLAY = "replay"  # try rejected, waiting or held records again
    CONFIRM = "confirm"  # finance's word that an invoice may leave draft
    DECIDE = "decide"  # answer a held record: which of two matches it is
    CONFIGURE = "configure"  # connections, syncs, flows, mappings
    MANAGE_MEMBERS = "manage_members"
    MANAGE_KEYS = "manage_keys"
    MANAGE_OWNERS = "manage_owners"  # make, change or remove an owner; hand over or delete the workspace


_VIEWER = frozenset({Action.VIEW})
_FINANCE = _VIEWER | {Action.RUN, Action.REPLAY, Action.CONFIRM, Action.DECIDE}
_ADMIN = _FINANCE | {Action.CONFIGURE, Action.MANAGE_MEMBERS, Action.MANAGE_KEYS}
_OWNER = _ADMIN | {Action.MANAGE_OWNERS}

GRANTS: dict[str, frozenset[Action]] = {
    Role.VIEWER: _VIEWER,
    Role.FINANCE: _FINANCE,
    Role.ADMIN: _ADMIN,
    Role.OWNER: _OWNER,
}


def allowed(role: str | None, action: Action) -> bool:
    return action in GRANTS.get(role or "", frozenset())


def require(role: str | None, action: Action) -> None:
    """Raises ``PermissionDenied`` with a text for the person who was refused."""
    if not allowed(role, action):
        may = ", ".join(Role(r).label for r, actions in GRANTS.items() if action in actions)
        raise PermissionDenied(f"Your role does not allow this. It takes one of: {may}.")


def may_hand_out(role: str, wanted: str) -> bool:
    """Nobody gives a role with more rights than their own, and only owners make owners."""
    if wanted == Role.OWNER:
        return allowed(role, Action.MANAGE_OWNERS)
    return GRANTS[wanted] <= GRANTS.get(role, frozenset())
