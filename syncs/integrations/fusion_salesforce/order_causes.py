"""What stops orders on their way to Fusion, in words for the people who fix it."""

from __future__ import annotations

from syncs.attention.causes import AFTER_FIX, BY_ITSELF, Cause, Fix

IN_SALESFORCE = "Correct it in Salesforce. The change is read by itself."

ORDER_CAUSES = {
    "account_unmatched": Cause(
        "The account is not matched with Fusion",
        f"{BY_ITSELF} If its customer or supplier is held or rejected, settle that first.",
        Fix.MATCHES,
    ),
    "account_key_wrong": Cause("The account's Fusion ID is no party number", IN_SALESFORCE),
    "customer_without_account": Cause("No customer account in Fusion", f"Add one in Fusion. {AFTER_FIX}"),
    "opportunity_without_account": Cause("Opportunity without an account", IN_SALESFORCE),
    "opportunity_without_products": Cause(
        "Won without products", "Add them in Salesforce. The change is read by itself."
    ),
    "product_without_code": Cause("A product has no item number", f"Enter its product code in Salesforce. {AFTER_FIX}"),
    "product_quantity": Cause("A product's quantity cannot be ordered", IN_SALESFORCE),
    "product_without_price": Cause("A product has no price", IN_SALESFORCE),
    "opportunity_reopened": Cause(
        "Reopened, or emptied, after it was ordered",
        "Cancel the order in Fusion, or win the opportunity again. Either is noticed by itself.",
    ),
    "opportunity_changed": Cause(
        "Changed after it was ordered",
        "Change the order in Fusion, or undo the change in Salesforce. Either is noticed by itself.",
    ),
    "purchase_order_without_supplier": Cause("No supplier", IN_SALESFORCE),
    "purchase_order_without_lines": Cause("No lines", "Add them in Salesforce. The change is read by itself."),
    "account_is_no_supplier": Cause("The account is no supplier in Fusion", f"Make it one there. {AFTER_FIX}"),
    "suppliers_several": Cause("Several suppliers of one company", f"End all but one in Fusion. {AFTER_FIX}"),
    "supplier_site_missing": Cause("The supplier has no purchasing site", f"Add one in Fusion. {AFTER_FIX}"),
    "supplier_site_unclear": Cause(
        "Which site of the supplier?", "Name one in the options of the flow: then they go by themselves.", Fix.OPTIONS
    ),
    "line_without_item": Cause("A line says not what is bought", IN_SALESFORCE),
    "line_quantity": Cause("A line's quantity cannot be ordered", IN_SALESFORCE),
    "line_without_price": Cause("A line has no price", IN_SALESFORCE),
    "purchase_order_withdrawn": Cause(
        "Taken back, or emptied, after it was sent",
        "Delete or cancel it in Fusion, or release it in Salesforce again. Either is noticed by itself.",
    ),
    "purchase_order_changed": Cause(
        "Changed after it was sent",
        "Change the order in Fusion, or undo the change in Salesforce. Either is noticed by itself.",
    ),
    "order_gone": Cause("Not to be seen in Fusion any more", "Open one to read how to have it made again."),
    "order_not_shown": Cause("Ordered, but not shown in Salesforce", f"Open one to read why. {AFTER_FIX}"),
    "setting_missing": Cause(
        "A setting is missing", "Fill it in in the options of the flow: then they go by themselves.", Fix.OPTIONS
    ),
    "setting_wrong": Cause(
        "A setting is wrong", "Correct it in the options of the flow: then they go by themselves.", Fix.OPTIONS
    ),
    "fusion_refused": Cause(
        "Fusion refuses the order",
        f"Read Fusion's words, then correct what they name in the record, in Fusion, or in the options. {AFTER_FIX}",
        Fix.OPTIONS,
    ),
}
