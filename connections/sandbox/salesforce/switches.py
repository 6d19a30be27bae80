"""Everything about the org that a test may turn.

What the vendor documents is always enforced; what is only reported or assumed has a switch here, so that a client can
be proved against both behaviours.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

CLIENT_ID = "3MVG9demo.sandbox_consumer_key"
CLIENT_SECRET = "DEMO0SECRET0FOR0THE0SANDBOX0ONLY"
DEMO_CREDENTIALS: dict[str, str] = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch: its name, what it is at the start, and what it does."""

    name: str
    default: Any
    meaning: str


SWITCHES: tuple[Switch, ...] = (
    # access
    Switch("clients", {CLIENT_ID: CLIENT_SECRET}, "client ids and their secrets"),
    Switch("token_failure", None, "a name from auth.FAILURES: every token request fails so"),
    Switch("invalid_client_status", 400, "status of a wrong secret: 400 or 401"),
    Switch("session_timeout", 120, "minutes without a call after which a token is dead: 15 to 1440"),
    Switch("session_refusal", None, "'rest' or 'app': every call gets one of the two 401 that are no expiry"),
    Switch("instance_url", None, "base address in the token answer; None is the address the caller used"),
    Switch("introspection", True, "the introspection endpoint answers; else 404"),
    Switch("unknown_host", False, "the edge does not know this host: 420 for everything"),
    # versions and limits
    Switch("newest_version", 66, "newest API version the org lists"),
    Switch("retired_below", 31, "versions below answer 410"),
    Switch("deprecated_below", 41, "versions below announce their end in a Warning header"),
    Switch("daily_limit", 100_000, "calls per rolling 24 hours"),
    Switch("per_app_usage", False, "Sforce-Limit-Info has a second part about the app"),
    Switch("concurrent_limit_hit", False, "every call is refused as the 26th of those that run long"),
    Switch("limits_resource", True, "/limits answers; else 403, as for users without View Setup"),
    # shape of answers
    Switch("describe_external_id", True, "fields in describe say externalId"),
    Switch("duplicate_result_body", True, "DUPLICATES_DETECTED carries duplicateResult"),
    Switch("doubled_key_code", "DUPLICATE_VALUE", "two rows of one key in one call (or DUPLICATE_EXTERNAL_ID)"),
    Switch("count_records", "empty", "records of COUNT(): 'empty' list or 'missing'"),
    Switch("child_page_size", None, "children per sub-select before it says done: false; None is all of them"),
    Switch("not_found_object", False, "404 bodies are a bare object, as one published sample is"),
    Switch("undefined_order", True, "rows come in no useful order where ORDER BY says nothing"),
    # schema and rights
    Switch("multi_currency", False, "objects have CurrencyIsoCode"),
    Switch("currencies", ["USD", "EUR", "GBP", "JPY", "KWD"], "currencies of a multi-currency org"),
    Switch("person_accounts", False, "Account has IsPersonAccount"),
    Switch("restricted_picklists", ["Opportunity.StageName"], "standard picklists that take listed values only"),
    Switch("hidden_fields", [], "standard fields hidden by field-level security, such as Account.Phone"),
    Switch("object_access", {}, "standard objects the user may only 'read', or 'none'"),
    Switch("may_deploy", True, "the user may change metadata"),
    Switch("view_all", True, "the user may upsert by an external id that is not unique"),
    Switch("reparent_by_external_id", True, "rows of collections may name parents by external id"),
    # writing
    Switch("duplicate_rule", "alert", "the duplicate rule on Account: 'alert', 'block' or 'off'"),
    Switch("duplicate_header_on_collections", True, "allowSave acts on collections too"),
    Switch("validation_rules", [], "[{'object', 'when': {field: value}, 'require': [fields], 'message'}]"),
    Switch("refuse_rows", [], "[{'object', 'contains', 'code', 'message'}]: rows holding the text are refused"),
    Switch("group_failure", False, "a row refused by refuse_rows takes its whole collection along"),
    Switch("storage_full", False, "nothing can be created"),
    Switch("locked", [], "ids of rows another process holds: their writes and those of their children fail"),
    Switch("lock_failures", 0, "so many next rows fail with UNABLE_TO_LOCK_ROW"),
    Switch("parallel_lock", True, "two calls writing one row, or children of one parent, at once: the second fails"),
    Switch("write_seconds", 0.0, "real seconds a write holds its rows, to make parallel writes meet"),
    Switch("null_clears", True, "null clears a field; else it is left as it was"),
    Switch("line_edit_touches_parent", False, "every edit of a line moves the stamp of its opportunity"),
    Switch("bulk_polls", 1, "polls of a bulk job that say InProgress before it is complete"),
    Switch("deploy_polls", 1, "polls of a deployment that say InProgress before it is done"),
    Switch("deploy_strings", False, "booleans and numbers of a deployment's status come as text"),
)  # fmt: skip


def defaults() -> dict[str, Any]:
    """A fresh set of switches, each at its default."""
    return {switch.name: copy.deepcopy(switch.default) for switch in SWITCHES}
