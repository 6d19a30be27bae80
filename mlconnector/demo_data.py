"""What the demo shows: one workspace, its user, a connection to each sandboxed system, and every sync they allow."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model

from connections import services as connections
from connections.models import Connection
from connections.sandbox.oracle_fusion import enterprise, money
from mlconnector.tenants.models import Membership, Tenant
from mlconnector.tenants.services import create_tenant
from syncs import catalogue, dispatch
from syncs import services as syncs
from syncs.models import Sync

WORKSPACE = "Meridian Trading"
ACTOR = "program:demo"
CURRENCY = "USD"
OPTIONS: dict[str, dict[str, dict[str, str]]] = {
    "fusion_salesforce": {
        "opportunities": {
            "source_system": "SFDC",
            "business_unit": money.UNITS[CURRENCY],
            "order_type": "STD",
            "submit": "submit",
            "default_currency": CURRENCY,
            "history": "all",
        },
        "purchase_orders": {
            "procurement_bu": money.UNITS[CURRENCY],
            "buyer_email": enterprise.BUYERS.values[0].code,
            "ship_to_location": enterprise.LOCATIONS.values[1].name,
            "ship_to_organization": enterprise.ORGANIZATIONS.values[0].code,
            "charge_account": str(enterprise.CHARGE_ACCOUNTS.values[0].id),
            "default_currency": CURRENCY,
            "submit": "submit",
        },
    },
}
"""Integration -> flow -> what the sandboxed systems need to be told; what a flow does not ask for is left out."""


@dataclass(frozen=True, slots=True)
class Account:
    """One sandboxed account as a connection wants it."""

    connector: str
    name: str
    config: dict[str, str]
    secrets: dict[str, str]


def seed(accounts: list[Account]) -> list[Sync]:
    """Creates what is missing and moves connections to the sandbox's present addresses; repeating is harmless.

    New syncs are on their schedule; their first runs do not wait for the clock.
    """
    tenant = _tenant(_user())
    ends = {account.connector: _connection(tenant, account) for account in accounts}
    made = [
        _sync(tenant, integration, ends)
        for integration in catalogue.all_integrations()
        if {integration.source, integration.destination} <= ends.keys()
    ]
    dispatch.start_due()
    return made


def _user() -> Any:
    email = os.environ["DEMO_EMAIL"]
    user = get_user_model().objects.filter(email=email).first()
    if user is None:
        user = get_user_model().objects.create_superuser(
            username=email, email=email, password=os.environ["DEMO_PASSWORD"]
        )
    EmailAddress.objects.get_or_create(user=user, email=email, defaults={"verified": True, "primary": True})
    return user


def _tenant(user: Any) -> Tenant:
    membership = Membership.objects.select_related("tenant").filter(user=user).order_by("id").first()
    return membership.tenant if membership else create_tenant(WORKSPACE, user)


def _connection(tenant: Tenant, account: Account) -> Connection:
    found = Connection.objects.for_tenant(tenant).filter(connector=account.connector).order_by("id").first()
    if found is None:
        found = connections.create_connection(
            tenant, account.connector, account.name, account.config, account.secrets, ACTOR
        )
    elif any(found.config.get(name) != value for name, value in account.config.items()):
        connections.update_connection(
            found, actor=ACTOR, config={**found.config, **account.config}, secrets=account.secrets
        )
    else:
        return found
    report = connections.test_connection(found, ACTOR)
    if not report.ok:
        raise RuntimeError(f"{found.name}: {found.status_text}")
    lacking = [preparation.key for preparation in connections.missing(found)]
    if lacking:
        connections.prepare_connection(found, lacking, ACTOR)
    return found


def _sync(tenant: Tenant, integration: catalogue.Integration, ends: Mapping[str, Connection]) -> Sync:
    found = Sync.objects.for_tenant(tenant).filter(integration=integration.key).first()
    if found is not None:
        return found
    source, destination = ends[integration.source], ends[integration.destination]
    sync = syncs.create_sync(tenant, integration=integration.key, source=source, destination=destination, actor=ACTOR)
    for flow in sync.flows.all():
        declared = {option.name for option in integration.flow(flow.key).options}
        wanted = OPTIONS.get(integration.key, {}).get(flow.key, {})
        if options := {name: value for name, value in wanted.items() if name in declared}:
            syncs.set_flow(flow, actor=ACTOR, enabled=True, options=options)
    syncs.resume(sync, actor=ACTOR)
    return sync
