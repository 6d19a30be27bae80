"""What stops records of this integration, in words for the people who fix it."""

from __future__ import annotations

from syncs.attention.causes import AFTER_FIX, Cause, Fix
from syncs.integrations.fusion_receivables import CAUSES as RECEIVABLES

CAUSES = {
    **RECEIVABLES,
    "contact_missing": Cause(
        "The customer has no contact",
        "Add a contact in Fusion, or give one in the options of the customers flow.",
        Fix.OPTIONS,
        "customers",
    ),
    "currency_missing": Cause(
        "The destination lacks the currency",
        f"Add it there, then test the connection. {AFTER_FIX}",
        Fix.DESTINATION,
    ),
    "hubspot_email_in_use": Cause(
        "The e-mail address is taken", "Another HubSpot contact has it. Merge or change one of them."
    ),
    "hubspot_gone": Cause("Deleted in HubSpot", "Replay the records to create them again."),
    "hubspot_invalid": Cause("HubSpot refuses a value", f"Open one to read which. {AFTER_FIX}", Fix.MAPPING),
    "hubspot_value_in_use": Cause(
        "Another HubSpot record has this value", f"Merge the two in HubSpot, or change one. {AFTER_FIX}"
    ),
    "hubspot_conflict": Cause(
        "HubSpot reports a conflict", "Open one to read which, settle it in HubSpot, then replay."
    ),
    "hubspot_invoice_needs_lines": Cause("An invoice without lines", "HubSpot opens none. Complete it in the source."),
    "hubspot_property_absent": Cause(
        "HubSpot lacks a field",
        "Prepare the HubSpot connection. If it is one of your own, take it out of the flow's mapping. " + AFTER_FIX,
        Fix.PREPARE,
    ),
    "hubspot_scope_missing": Cause(
        "HubSpot refuses access", f"Add the missing scopes to the key in HubSpot. {AFTER_FIX}", Fix.DESTINATION
    ),
}
