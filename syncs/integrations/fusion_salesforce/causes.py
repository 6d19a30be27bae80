"""What stops receivables on their way to Salesforce, in words for the people who fix it."""

from __future__ import annotations

from syncs.attention.causes import AFTER_FIX, BY_ITSELF, Cause, Fix
from syncs.integrations.fusion_receivables import CAUSES as RECEIVABLES

PREPARE = f"Prepare the Salesforce connection, then test it. {AFTER_FIX}"

CAUSES = {
    **RECEIVABLES,
    "account_gone": Cause(
        "The Account was deleted or merged in Salesforce",
        f"{BY_ITSELF} They follow when the customer has an Account again; if the customer is held, decide about it.",
        Fix.MATCHES,
    ),
    "invoice_gone": Cause(
        "The invoice was deleted in Salesforce", f"Restore it there from the recycle bin. {AFTER_FIX}"
    ),
    "salesforce_required_field": Cause(
        "Salesforce wants a field that is empty",
        f"Open one to read which. Fill it in the source, or give it a value in the mapping. {AFTER_FIX}",
        Fix.MAPPING,
    ),
    "salesforce_validation_rule": Cause(
        "A validation rule of the org refuses them",
        f"Correct the source, or ask the Salesforce administrator to exempt the Run-As user. {AFTER_FIX}",
    ),
    "salesforce_trigger": Cause(
        "A trigger or flow of the org fails on them", f"Ask the Salesforce administrator. {AFTER_FIX}"
    ),
    "salesforce_invalid": Cause("Salesforce refuses a value", f"Open one to read which. {AFTER_FIX}", Fix.MAPPING),
    "salesforce_too_long": Cause(
        "A text is longer than its field", f"Shorten it in the source, or lengthen the field in Salesforce. {AFTER_FIX}"
    ),
    "salesforce_picklist": Cause("A picklist of the org lacks a value", f"Add it in Salesforce. {AFTER_FIX}"),
    "salesforce_value_in_use": Cause(
        "Another Salesforce record holds the key", f"Open one to see which, and change that record. {AFTER_FIX}"
    ),
    "salesforce_several": Cause(
        "Several Salesforce records hold one key", f"Merge them, and make the key field unique. {AFTER_FIX}"
    ),
    "salesforce_record_rights": Cause(
        "The Run-As user may not change these records", f"Share them with that user, or change their owner. {AFTER_FIX}"
    ),
    "salesforce_approval_lock": Cause(
        "An approval in Salesforce locks them", f"Finish the approval there. {AFTER_FIX}"
    ),
    "salesforce_field_not_writable": Cause(
        "Salesforce lets nobody write a field",
        f"Open one to read which, and take it out of the mapping. {AFTER_FIX}",
        Fix.MAPPING,
    ),
    "salesforce_field_absent": Cause(
        "Salesforce lacks a field",
        f"{PREPARE} If it is one of your own, take it out of the flow's mapping.",
        Fix.PREPARE,
    ),
    "salesforce_object_absent": Cause("Salesforce lacks an object", PREPARE, Fix.PREPARE),
    "salesforce_locked": Cause("Another change held the record", BY_ITSELF),
    "salesforce_halted": Cause("Left out because of another record", BY_ITSELF),
    "salesforce_left_out": Cause("A bulk job ended without them", BY_ITSELF),
    "salesforce_parent_absent": Cause("What they belong to is not in Salesforce yet", f"Replay them. {BY_ITSELF}"),
}
