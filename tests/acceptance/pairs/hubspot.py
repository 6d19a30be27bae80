"""HubSpot as one side of an integration."""

from __future__ import annotations

from connections.sandbox import Sandbox
from connections.sandbox.hubspot import DEMO_CREDENTIALS as DEMO
from tests.acceptance.pairs.base import Side

ACCESS_TOKEN = "pat-na1-canary/of+the=key-7b2a"
ANOTHER = "pat-na1-another-key"


class HubSpot(Side):
    system = "hubspot"
    title = "HubSpot"
    prepared = True
    settings = {"tier": "professional"}
    timeless = {"tier": "unlimited"}
    throttled = {
        "status": "error",
        "errorType": "RATE_LIMIT",
        "policyName": "TEN_SECONDLY_ROLLING",
        "message": "Slow.",
    }
    refused = "hubspot_key_refused"
    canaries = {"access_token": ACCESS_TOKEN}
    said = ACCESS_TOKEN
    switches = {
        "multi_status": {"dated_multi_status": True},
        "trace_ids": {"echo_trace_id": True},
        "in_order": {"shuffle": False},
        "numbers_for_ids": {
            "numeric_association_ids": True,
            "empty_association_reads": "empty",
            "association_page": 2,
        },
        "small_lists": {"list_limit": 10},
        "paid_by_patch": {"paid_by": "patch"},
        "paid_by_both": {"paid_by": "both"},
        "free_transitions": {"mirror_transitions": "free", "mirror_open_needs_associations": False},
        "no_headers": {"limit_headers": False, "token_info": False, "daily_usage": False},
        "properties_first": {"check_order": "properties"},
        "email_conflict_for_all": {"email_conflict_on_update": 409},
        "late_search": {"search_lag": 20.0},
        "archived_holds": {"archived_holds_unique": True},
    }
    configs = {f"version_{version}": {"api_version": version} for version in ("2026-03", "v3")}

    def addresses(self, sandbox: Sandbox) -> dict[str, str]:
        return {"base_url": sandbox.url("hubspot")}

    def credentials(self) -> dict[str, str]:
        return {"access_token": DEMO["access_token"]}

    def lock_out(self, sandbox: Sandbox) -> None:
        sandbox.set_switches("hubspot", {"tokens": []})

    def let_in(self, sandbox: Sandbox) -> dict[str, str]:
        sandbox.set_switches("hubspot", {"tokens": [ANOTHER]})
        return {"access_token": ANOTHER}

    def plant(self, sandbox: Sandbox) -> None:
        sandbox.set_switches("hubspot", {"tokens": [ACCESS_TOKEN]})
