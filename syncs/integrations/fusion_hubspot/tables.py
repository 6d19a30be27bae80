"""The mappings of this integration as people read them."""

from __future__ import annotations

from syncs.engine.table import Line, Section

_LINES = "receivablesInvoiceLines"
_TAX = f"{_LINES}.receivablesInvoiceLineTaxLines.TaxAmount"
_INSTALLMENTS = "receivablesInvoiceInstallments"
_DAY = "The day as Fusion has it, shifted by no time zone."

CUSTOMERS = (
    Section(
        "company",
        "companies",
        "Company",
        (
            Line("fusion_id", "PartyId", "The key by which the company is found again."),
            Line("name", "OrganizationName, PartyUniqueName"),
            Line("address", "AddressLine1, Address1"),
            Line("address2", "AddressLine2…4, Address2…4", "All further lines, with commas between them."),
            Line("city", "City"),
            Line("state", "State, Province"),
            Line("zip", "PostalCode"),
            Line("country", "Country"),
            Line("website", "URL"),
            Line(
                "industry",
                "IndustryCode, Industries, LineOfBusiness",
                "Only where HubSpot has an option of that name; the text itself stands in Fusion industry.",
            ),
            Line("fusion_industry", "IndustryCode, Industries, LineOfBusiness"),
            Line("fusion_account_number", "AccountNumber", "Of all customer accounts, with commas between them."),
            Line("fusion_party_number", "PartyNumber"),
        ),
        own=True,
        text=True,
    ),
    Section(
        "contact",
        "contacts",
        "Contact",
        (
            Line("fusion_id", "PartyId", "The customer's: each company has one contact from Fusion."),
            Line(
                "email",
                "EmailAddress, PrimaryContactEmail",
                "In small letters. Left out where the person does not want e-mail, or another contact has the address.",
            ),
            Line("firstname", "FirstName, PrimaryContactName"),
            Line("lastname", "LastName, PersonName, PrimaryContactName", "The stand-in's where there is no contact."),
            Line("phone", "RawWorkPhoneNumber, PrimaryContactPhone"),
            Line("mobilephone", "RawMobilePhoneNumber"),
            Line("jobtitle", "JobTitle"),
            Line("fusion_person_id", "PartyId, PrimaryContactPartyId"),
        ),
        own=True,
        text=True,
        note="The customer's primary contact in Fusion, else the first one with an e-mail address.",
    ),
)
INVOICES = (
    Section(
        "invoice",
        "invoices",
        "Invoice",
        (
            Line("fusion_id", "CustomerTransactionId", "The key by which the invoice is found again."),
            Line("fusion_number", "TransactionNumber"),
            Line("hs_number", "TransactionNumber", "On mirrors only: HubSpot numbers the invoices it sends itself."),
            Line("hs_currency", "InvoiceCurrencyCode"),
            Line("hs_invoice_date", "TransactionDate, BillingDate", _DAY),
            Line("hs_due_date", f"DueDate, {_INSTALLMENTS}.InstallmentDueDate", f"{_DAY} The last installment's."),
            Line("fusion_amount", "EnteredAmount", "Proved by what lines, tax and freight add up to."),
            Line("hs_amount_billed", "EnteredAmount", "On mirrors only."),
            Line(
                "fusion_balance_due",
                f"{_INSTALLMENTS}.InstallmentBalanceDue, InvoiceBalanceAmount",
                "The sum of what its installments leave open.",
            ),
            Line("fusion_status", "InvoiceStatus", "Fusion's own word."),
            Line(
                "hs_invoice_status",
                "InvoiceStatus, InstallmentBalanceDue",
                "Draft until it is confirmed, then open, paid or voided as Fusion says.",
            ),
            Line("hs_invoice_billable", "", "As the option “What the HubSpot invoice is” says."),
            Line("hs_invoice_payment_collection_method", "", "None on mirrors: HubSpot collects no money for them."),
            Line("hs_purchase_order_number", "PurchaseOrder"),
            Line("hs_comments", "Comments"),
        ),
        own=True,
        text=True,
    ),
    Section(
        "lines",
        "line_items",
        "Line items",
        (
            Line("fusion_id", f"{_LINES}.CustomerTransactionLineId", "The key by which the line is found again."),
            Line("name", "Description, MemoLine, ItemNumber", "Tax and freight are line items of their own."),
            Line("quantity", "Quantity", "1 where quantity × price is not exactly the line's amount."),
            Line("price", "UnitSellingPrice, LineAmount", "Never below zero: reductions are taken off other lines."),
            Line("hs_sku", "ItemNumber"),
            Line("hs_line_item_currency_code", "InvoiceCurrencyCode"),
            Line("description", "", "Says how an amount came about, where it is not quantity × price."),
            Line("fusion_tax_amount", _TAX, "Tax on top of the line's amount."),
        ),
        text=True,
        many=True,
    ),
)
PAYMENTS = (
    Section(
        "payment",
        "commerce_payments",
        "Payment",
        (
            Line("fusion_id", "StandardReceiptId", "The key by which the payment is found again."),
            Line("hs_reference_number", "ReceiptNumber"),
            Line("hs_initial_amount", "Amount"),
            Line("hs_currency_code", "Currency"),
            Line("hs_initiated_date", "ReceiptDate", _DAY),
            Line("hs_latest_status", "ReversalDate", "Succeeded, unless it was reversed in Fusion."),
            Line("hs_refunds_amount", "Amount", "Only of a reversed receipt that is shown as refunded."),
            Line("hs_processor_type", "", "Always none: no payment service took it."),
            Line("hs_payment_method_type", "ReceiptMethod", "By the words in it, such as wire, check or card."),
            Line("hs_internal_comment", "Comments"),
            Line("fusion_status", "Status, State", "Of a reversed receipt the reason."),
            Line(
                "fusion_invoices",
                "ReferenceTransactionNumber, ApplicationAmount",
                "The invoices it pays, each with its part.",
            ),
        ),
        own=True,
        text=True,
    ),
)
