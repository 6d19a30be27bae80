"""Salesforce as one side of an integration."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from connections.models import Connection
from connections.sandbox import Sandbox
from connections.sandbox.salesforce import DEMO_CREDENTIALS as DEMO
from tests.acceptance.pairs.base import Side, echo

CLIENT_SECRET = "Canary/of~the=consumer&secret:8e31"
ANOTHER = "ANOTHER0SECRET0OF0THE0SAME0APP"


def limit(text: str) -> list[dict[str, str]]:
    return [{"message": text, "errorCode": "REQUEST_LIMIT_EXCEEDED"}]


class Salesforce(Side):
    system = "salesforce"
    title = "Salesforce"
    prepared = True
    expiries = {"json": {}}
    narrow = {"page_size": "6", "parallel": "2"}
    switches = {
        "external_ids_unsaid": {"describe_external_id": False},
        "counts_bare": {"count_records": "missing"},
        "children_paged": {"child_page_size": 1},
        "bare_404": {"not_found_object": True},
        "usage_by_app": {"per_app_usage": True},
        "limits_hidden": {"limits_resource": False},
        "ordered": {"undefined_order": False},
        "people_as_accounts": {"person_accounts": True},
        "no_duplicate_rule": {"duplicate_rule": "off"},
        "parents_by_id": {"reparent_by_external_id": False},
        "lines_touch_parents": {"line_edit_touches_parent": True},
        "no_introspection": {"introspection": False},
        "locks": {"lock_failures": 5},
        "old_version": {"deprecated_below": 70},
    }
    configs = {"small_bulk": {"bulk_above": "200"}, "one_call_at_a_time": {"parallel": "1"}}
    refused = "salesforce_secret"
    canaries = {"client_secret": CLIENT_SECRET}
    said = CLIENT_SECRET
    faults = {
        "too_many_long_calls": {
            "kind": "status",
            "status": 403,
            "body": limit("ConcurrentPerOrgLongTxn Limit exceeded."),
        },
        "locked_rows": {
            "kind": "status",
            "status": 400,
            "method": "PATCH",
            "body": [{"message": "unable to obtain exclusive access", "errorCode": "UNABLE_TO_LOCK_ROW"}],
        },
    }

    def addresses(self, sandbox: Sandbox) -> dict[str, str]:
        return {"my_domain_url": sandbox.url("salesforce"), "client_id": DEMO["client_id"]}

    def credentials(self) -> dict[str, str]:
        return {"client_secret": DEMO["client_secret"]}

    def lock_out(self, sandbox: Sandbox) -> None:
        self._take(sandbox, ANOTHER)
        sandbox.systems["salesforce"].org.sessions.clear()

    def let_in(self, sandbox: Sandbox) -> dict[str, str]:
        return {"client_secret": ANOTHER}

    def plant(self, sandbox: Sandbox) -> None:
        self._take(sandbox, CLIENT_SECRET)

    @staticmethod
    def _take(sandbox: Sandbox, secret: str) -> None:
        sandbox.set_switches("salesforce", {"clients": {DEMO["client_id"]: secret}})

    def tokens(self, sandbox: Sandbox) -> list[str]:
        return list(sandbox.systems["salesforce"].org.sessions)

    def slips(self, connection: Connection) -> dict[str, dict[str, Any]]:
        sign_in = {"kind": "status", "system": self.system, "path": "/oauth2/token", "status": 400}
        token = (connection.token or {}).get("access_token", "")
        row = {"kind": "status", "system": self.system, "status": 400, "header": "authorization: Bearer"}
        return {
            "its own token": {**row, "body": [{"message": f"no such value {token}", "errorCode": "X"}]},
            "sign-in": {**sign_in, "body": echo(CLIENT_SECRET)},
            "sign-in encoded": {**sign_in, "status": 401, "body": echo(quote(CLIENT_SECRET, safe=""))},
        }
