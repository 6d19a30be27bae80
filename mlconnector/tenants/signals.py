"""What other apps may want to know of a tenant, without this app knowing them."""

from __future__ import annotations

from django.dispatch import Signal

# Sent inside the transaction of the change, with tenant_id, actor, action, subject, before, after.
changed = Signal()
