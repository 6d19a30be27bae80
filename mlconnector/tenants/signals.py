"""What other apps may want to know of a tenant, without this app knowing them."""

from __future__ import annotations

from django.dispatch import Signal

# Sent inside the transaction of the change, with tenant_id, actor, action, subject, before, after.
changed = Signal()

# Sent inside the transaction in which a member leaves or is removed, with tenant_id, user and actor.
left = Signal()

# Asked before a workspace is closed, with tenant_id: each receiver answers with what speaks against it, or None.
closing = Signal()

# Sent inside the transaction in which a workspace is closed, with tenant_id and actor.
closed = Signal()
