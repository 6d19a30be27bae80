from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from mlconnector.tenants.models import Role
from mlconnector.tenants.permissions import GRANTS, Action, allowed, may_hand_out, require

MAY = {
    Role.VIEWER: {"view"},
    Role.FINANCE: {"view", "run", "replay", "confirm", "decide"},
    Role.ADMIN: {"view", "run", "replay", "confirm", "decide", "configure", "manage_members", "manage_keys"},
    Role.OWNER: {action.value for action in Action},
}


@pytest.mark.parametrize("role", Role.values)
def test_each_role_may_exactly_this(role: str) -> None:
    assert {action.value for action in Action if allowed(role, action)} == MAY[Role(role)]


def test_every_role_is_in_the_table() -> None:
    assert set(GRANTS) == set(Role)


@pytest.mark.parametrize("role", [None, "", "operator"])
def test_no_role_may_nothing(role: str | None) -> None:
    assert not any(allowed(role, action) for action in Action)
    with pytest.raises(PermissionDenied, match="It takes one of: Finance, Admin, Owner"):
        require(role, Action.CONFIRM)


@pytest.mark.parametrize(
    ("role", "hands_out"),
    [
        (Role.OWNER, {"owner", "admin", "finance", "viewer"}),
        (Role.ADMIN, {"admin", "finance", "viewer"}),
        (Role.FINANCE, {"finance", "viewer"}),
        (Role.VIEWER, {"viewer"}),
    ],
)
def test_nobody_gives_more_than_their_own(role: str, hands_out: set[str]) -> None:
    assert {wanted for wanted in Role.values if may_hand_out(role, wanted)} == hands_out
