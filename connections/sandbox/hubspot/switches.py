"""Everything about the account that a test may turn.

What the vendor documents is always enforced; what is only reported or assumed has a switch here, so that a client can
be proved against both behaviours.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from .kinds import ALL_SCOPES

DEMO_TOKEN = "pat-na1-demo-token-for-the-sandbox-only"
DEMO_PORTAL = 24680135
DEMO_CREDENTIALS: dict[str, str] = {"access_token": DEMO_TOKEN, "portal_id": str(DEMO_PORTAL)}


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch: its name, what it is at the start, and what it does."""

    name: str
    default: Any
    meaning: str


SWITCHES: tuple[Switch, ...] = (
    # account and access
    Switch("tokens", [DEMO_TOKEN], "tokens that are accepted; two during the grace of a rotation"),
    Switch("granted_scopes", list(ALL_SCOPES), "scopes of every token"),
    Switch("authentication_category", "INVALID_AUTHENTICATION", "category of a 401 (or EXPIRED_AUTHENTICATION)"),
    Switch("check_order", "scopes", "what a write checks first: 'scopes' or 'properties'"),
    Switch("token_info", True, "access-token-info answers; False refuses it with 404"),
    Switch("daily_usage", True, "daily usage answers; False refuses it with 403, as it may for service keys"),
    Switch("portal_id", DEMO_PORTAL, "portalId of the account"),
    Switch("account_type", "STANDARD", "accountType of the account"),
    Switch("data_hosting", "na1", "dataHostingLocation of the account"),
    Switch("time_zone", "America/New_York", "time zone of the account; the day of the daily limit ends there"),
    Switch("company_currency", "USD", "companyCurrency"),
    Switch("additional_currencies", ["EUR", "GBP", "JPY", "KWD"], "additionalCurrencies"),
    Switch("currencies_enforced", True, "currency properties take account currencies only"),
    Switch("moving", None, "seconds: every call answers 477 with this Retry-After; None is off"),
    # versions and forms
    Switch("retired_versions", [], "path versions that answer 404, for instance ['v3', 'v4']"),
    Switch("dated_multi_status", False, "dated versions answer 207 too, as their prose says"),
    Switch("dated_single_association_read", False, "dated versions have the single-record association GET"),
    Switch("shuffle", True, "batch results come in another order than the inputs"),
    Switch("echo_trace_id", False, "results carry objectWriteTraceId"),
    Switch("lenient_values", False, "bare booleans and null are taken as property values"),
    Switch("midnight_strict", True, "epoch values of a date must be midnight UTC; False cuts the time off"),
    Switch("name_rules", True, "property names: lower case, digits, underscore, a letter first, at most 100"),
    Switch("list_limit", 100, "largest limit of a list call"),
    Switch("association_page", 500, "associated records per page of an association read"),
    Switch("empty_association_reads", "omit", "records without associations in batch/read: 'omit' or 'empty'"),
    Switch("numeric_association_ids", False, "toObjectId comes as a number"),
    Switch("max_url", 8000, "longest path and query before 414"),
    Switch("delete_missing_is_404", True, "DELETE of a record that is not there: 404, else 204"),
    # limits
    Switch("tier", 190, "calls per rolling 10 s: 100, 190, 250, or None for no limits of this kind"),
    Switch("daily_limit", None, "calls per day; None follows the tier"),
    Switch("search_per_second", 5, "searches per second; None is unlimited"),
    Switch("association_tier", None, "association calls per 10 s; None follows the tier"),
    Switch("association_daily_limit", 500_000, "association calls per day"),
    Switch("limit_headers", True, "answers carry X-HubSpot-RateLimit-*"),
    Switch("retry_after", None, "seconds in Retry-After of a 429; None leaves the header out"),
    # records
    Switch("search_lag", 0.0, "seconds until search sees a new or changed record"),
    Switch("search_max_groups", 5, "filter groups in one search: 5 in the guide, 6 in the description"),
    Switch("unique_case_sensitive", True, "values of unique properties differ by case"),
    Switch("archived_holds_unique", False, "an archived record still holds its unique values"),
    Switch("unique_refused", {}, "per type, how unique properties fail: 'silent' (hasUniqueValue stays false), "
           "'refuse' (400 at creation) or 'upsert' (created, but upsert by it is refused)"),
    Switch("email_conflict_on_update", 400, "an e-mail in use on update or upsert: 400 per record or 409 for all"),
    Switch("required_properties", {}, "per type, properties required on create (2026-09 enforces)"),
    Switch("conditional_required", {}, "per type, [{'when': {name: value}, 'require': [names]}] (2026-09 enforces)"),
    Switch("locked", {}, "per type, ids (or '*') whose writes answer 423"),
    Switch("parallel_lock", True, "two requests writing one record at the same time: the second gets 423"),
    Switch("write_seconds", 0.0, "real seconds a write keeps its records busy, to make parallel writes meet"),
    Switch("attach_by_domain", False, "the account associates new contacts with companies by their e-mail domain"),
    Switch("merge_gives_new_id", True, "a merged record gets a new id; else the primary keeps its own"),
    # invoices, lines, payments
    Switch("mirror_open_needs_associations", True, "non-billable draft to open needs a contact and a line item too"),
    Switch("mirror_transitions", "strict", "status changes of non-billable invoices: 'strict' or 'free'"),
    Switch("paid_by", "payment", "open to paid by: 'payment', 'patch' (non-billable only), 'both' or 'never'"),
    Switch("void_billable", True, "a billable open invoice may be voided by PATCH"),
    Switch("open_to_draft", False, "an open invoice may go back to draft"),
    Switch("edits_after_open", "all", "changes after draft: 'all', 'custom' (own properties and status) or 'none'"),
    Switch("delete_open_allowed", False, "the account lets open invoices be deleted"),
    Switch("billable_amounts_writable", False, "hs_amount_billed is writable on billable invoices"),
    Switch("billable_extras_writable", False, "hs_number, hs_payment_date, hs_external_createdate on billable ones"),
    Switch("balance_due_writable", False, "hs_balance_due is writable"),
    Switch("amount_zero_after_create", False, "hs_amount_billed of a new non-billable invoice is 0 until patched"),
    Switch("line_amount_read_only", True, "amount of a line item is computed and cannot be written"),
    Switch("payments_allowed", True, "the account may record outside payments"),
)  # fmt: skip


def defaults() -> dict[str, Any]:
    """A fresh set of switches, each at its default."""
    return {switch.name: copy.deepcopy(switch.default) for switch in SWITCHES}
