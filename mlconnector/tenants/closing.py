"""The end of a workspace: credentials go at once, records soon after, the trail stays."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from mlconnector.tenants.models import Role, Tenant
from mlconnector.tenants.services import actor_of, announce
from mlconnector.tenants.signals import closed, closing


def obstacles(tenant: Tenant) -> list[str]:
    """What must be done before the workspace may be deleted, each in a sentence."""
    return [text for _, text in closing.send(Tenant, tenant_id=tenant.pk) if text]


@transaction.atomic
def close(tenant: Tenant, *, actor: str, typed_name: str) -> None:
    """Nobody can undo this. Members, invitations and keys are gone when it returns, and the credentials with them; what
    else hangs on the workspace is deleted in the background."""
    tenant = Tenant.objects.select_for_update().get(pk=tenant.pk)
    if typed_name.strip() != tenant.name:
        raise ValidationError({"name": f"Type the name as it is written here: {tenant.name}"})
    if in_the_way := obstacles(tenant):
        raise ValidationError(in_the_way)
    everyone = list(tenant.memberships.select_related("user"))
    owners = [member.user.email for member in everyone if member.role == Role.OWNER and member.user.email]
    members = {actor_of(member.user): member.role for member in everyone}
    announce(tenant, actor, "tenant.closed", tenant.name, before={"members": members})
    closed.send(Tenant, tenant_id=tenant.pk, actor=actor)
    for rows in (tenant.memberships, tenant.invitations, tenant.api_keys):
        rows.all().delete()
    tenant.closed_at = timezone.now()
    tenant.save(update_fields=["closed_at"])
    transaction.on_commit(lambda: _tell(owners, tenant.name, actor), robust=True)


def _tell(owners: list[str], name: str, actor: str) -> None:
    """One mail each: owners need not learn of one another's address."""
    text = (
        f"The workspace {name} on ml-connector was deleted by {actor.partition(':')[2]}.\n\n"
        "Its credentials are destroyed, nothing is read or written any more, and its records are being deleted. What "
        "stands in your own systems stays as it is. The audit trail is kept and can no longer be opened by members; "
        "your operator can give you a copy."
    )
    for owner in owners:
        send_mail(f"{name} was deleted", text, settings.DEFAULT_FROM_EMAIL, [owner])
