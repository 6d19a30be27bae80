"""Oracle Fusion as one side of an integration."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from connections import services as connections
from connections.models import Connection
from connections.sandbox import Sandbox
from connections.sandbox.oracle_fusion import DEMO_CREDENTIALS as DEMO
from connections.sandbox.oracle_fusion.records import TOKENS
from mlconnector.tenants.models import Tenant
from tests.acceptance.pairs.base import ACTOR, Moving, Side, echo

CLIENT_SECRET = "Canary~of/the=client&secret:4f7e"  # a "+" would be read as a space by servers that decode it
PASSWORD = "Canary?of the/pass:word+9c1d"
BASIC = base64.b64encode(f"{DEMO['client_id']}:{CLIENT_SECRET}".encode()).decode()
BY_PASSWORD = base64.b64encode(f"{DEMO['username']}:{PASSWORD}".encode()).decode()


class OracleFusion(Side):
    system = "oracle_fusion"
    title = "Fusion"
    narrow = {"page_size": "6", "parallel": "2"}
    port = "pod"
    expiries = {body: {"auth_failure": body} for body in ("json", "html", "empty", "redirect")}
    refused = "fusion_client"
    canaries = {"client_secret": CLIENT_SECRET, "password": PASSWORD}
    said = CLIENT_SECRET
    switches = {
        "receipts_filterable": {"receipts_filterable": True},
        "or_refused": {"or_refused": True},
        "little_refused": {"in_refused": True, "between_refused": True, "null_refused": True, "upper_refused": True},
        "like_refused": {"like_refused": True},
        "pages_of_499": {"max_limit": 499},
        "pages_of_3": {"max_limit": 3},
        "short_children": {"child_limit": 3},
        "order_refused": {"order_by_any": False},
        "no_items": {"empty_items": False},
        "hash_keys": {"account_keys": "hash"},
        "port_in_links": {"href_origin": "443"},
        "no_describe": {"describe": False},
        "offset_stamps": {"timestamp_forms": ["offset", "date"]},
        "date_stamps": {"timestamp_forms": ["date"]},
        "no_nested_fields": {"nested_fields": False},
        "filter_ignored": {"filter_ignored": ["standardReceipts"]},
        "strict_q": {"strict_q": True},
        "short_tokens": {"token_lifetime": 61},
        "version_4_only": {"allowed_versions": [4]},
        "in_place": {"unapply_style": "in_place"},
    }
    configs = {f"framework_{version}": {"framework_version": version} for version in ("1", "2", "3", "6", "9")}

    def addresses(self, sandbox: Sandbox) -> dict[str, str]:
        return {
            "pod_url": sandbox.url("oracle_fusion", "pod"),
            "token_url": sandbox.url("oracle_fusion", "identity"),
            "client_id": DEMO["client_id"],
            "scope": DEMO["scope"],
        }

    def credentials(self) -> dict[str, str]:
        return {"client_secret": DEMO["client_secret"]}

    def lock_out(self, sandbox: Sandbox) -> None:
        system = sandbox.systems["oracle_fusion"]
        system.identity.credentials["client_secret"] = "another secret"
        system.store.execute(f"DELETE FROM {TOKENS}")

    def let_in(self, sandbox: Sandbox) -> dict[str, str]:
        return {"client_secret": "another secret"}

    def plant(self, sandbox: Sandbox) -> None:
        sandbox.systems["oracle_fusion"].identity.credentials |= self.canaries

    def others(self, tenant: Tenant, sandbox: Sandbox) -> list[Connection]:
        settings = {"pod_url": sandbox.url("oracle_fusion", "pod"), "auth": "basic", "username": DEMO["username"]}
        secrets = {"password": PASSWORD}
        return [connections.create_connection(tenant, self.system, "By password", settings, secrets, ACTOR)]

    def coded(self) -> list[str]:
        return [BASIC, BY_PASSWORD]

    def tokens(self, sandbox: Sandbox) -> list[str]:
        return [row[0] for row in sandbox.systems["oracle_fusion"].store.query(f"SELECT token FROM {TOKENS}")]

    def slips(self, connection: Connection) -> dict[str, dict[str, Any]]:
        pod = {"kind": "status", "system": self.system, "status": 400}
        identity = {"kind": "status", "system": self.system, "port": "identity", "status": 401}
        token = (connection.token or {}).get("access_token", "")
        return {
            "its own header": {**pod, "header": f"authorization: Basic {BY_PASSWORD}", "body": echo(BY_PASSWORD)},
            "its own token": {**pod, "header": "authorization: Bearer", "body": echo(token)},
            "sign-in": {**identity, "body": echo(CLIENT_SECRET)},
            "sign-in encoded": {**identity, "status": 400, "body": echo(BASIC)},
        }


def _invoices(sandbox: Sandbox, count: int, at: float, apart: int) -> list[str]:
    made = sandbox.world.invoices_arrive(count=count, lines=1, same_stamp=not apart, stamp=at)
    return [str(key) for key in made["invoices"]]


def _save_again(sandbox: Sandbox, keys: Sequence[str]) -> None:
    if keys:
        sandbox.world.touch("receivablesInvoices", ids=list(keys))


INVOICES = Moving(
    "invoices",
    "oracle_fusion",
    {"path": r"receivablesInvoices\?"},
    _invoices,
    _save_again,
    {"or_refused": {"or_refused": True}},
)
