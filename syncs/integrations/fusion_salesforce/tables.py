"""The mappings from Fusion to Salesforce as people read them."""

from __future__ import annotations

from syncs.engine.table import Line, Section

_KEY = "The key by which the record is found again."
_LISTED = "Only where the org's list has such a value."
_CODED = "Where the org has lists of states and countries, in their codes."
_ISO = "Only in orgs with several currencies."
_INSTALLMENTS = "receivablesInvoiceInstallments"
_LINES = "receivablesInvoiceLines"
_TAX = f"{_LINES}.receivablesInvoiceLineTaxLines.TaxAmount"

_ROLE = Line("Fusion_Role__c", "", "Customer, supplier, or both.")


def _account(*lines: Line, own_note: str = "") -> tuple[Section, ...]:
    return (Section("account", "account", "Account", lines, own=True, own_note=own_note),)


CUSTOMERS = _account(
    Line("Fusion_Id__c", "PartyId", _KEY),
    Line("Name", "OrganizationName, PartyUniqueName"),
    Line("AccountNumber", "AccountNumber", "Of the first customer account."),
    Line("BillingStreet", "AddressLine1…4, Address1…4", "A line for each."),
    Line("BillingCity", "City"),
    Line("BillingState", "State, Province"),
    Line("BillingPostalCode", "PostalCode"),
    Line("BillingCountry", "Country"),
    Line("BillingStateCode", "State, Province", _CODED),
    Line("BillingCountryCode", "Country", _CODED),
    Line("Phone", "RawPhoneNumber, PhoneNumber"),
    Line("Website", "URL"),
    Line("Industry", "Industries, IndustryCode, LineOfBusiness, CustomerClassification", _LISTED),
    Line("Type", "", f"“Customer”. {_LISTED}"),
    Line("DunsNumber", "DUNSNumber"),
    Line("Fusion_Party_Number__c", "PartyNumber"),
    Line("Fusion_Account_Number__c", "AccountNumber", "Of all customer accounts, with commas between them."),
    Line("Fusion_Status__c", "PartyStatus, Status", "In words: active or inactive."),
    Line("Fusion_Open_Balance__c", "TotalOpenReceivablesForAccount", "Of all customer accounts together."),
    _ROLE,
)
SUPPLIERS = _account(
    Line("Fusion_Id__c", "SupplierPartyId", _KEY),
    Line("Name", "Supplier"),
    Line("AccountNumber", "SupplierNumber"),
    Line("BillingStreet", "addresses.AddressLine1…4", "Of the address orders go to, a line for each."),
    Line("BillingCity", "addresses.City"),
    Line("BillingState", "addresses.State, addresses.Province"),
    Line("BillingPostalCode", "addresses.PostalCode"),
    Line("BillingCountry", "addresses.CountryCode, addresses.Country"),
    Line("BillingStateCode", "addresses.State, addresses.Province", _CODED),
    Line("BillingCountryCode", "addresses.CountryCode, addresses.Country", _CODED),
    Line("Phone", "addresses.PhoneCountryCode, PhoneAreaCode, PhoneNumber", "Put together."),
    Line("Website", "CorporateWebsite"),
    Line("Industry", "IndustrySubcategory, IndustryCategory, StandardIndustryClass", _LISTED),
    Line("Type", "", f"“Supplier” or “Vendor”. {_LISTED}"),
    Line("DunsNumber", "DUNSNumber"),
    Line("Fusion_Party_Number__c", "", "Empty for suppliers."),
    Line("Fusion_Account_Number__c", "SupplierNumber"),
    Line("Fusion_Status__c", "Status, InactiveDate", "Inactive once its last day is over."),
    Line("Fusion_Open_Balance__c", "", "Empty for suppliers."),
    _ROLE,
    own_note="Where the company is a customer too, its Account holds the customer's fields: of the supplier only the "
    "role is added there, and none of your own fields.",
)
INVOICES = (
    Section(
        "invoice",
        "invoice",
        "Invoice",
        (
            Line("Fusion_Id__c", "CustomerTransactionId", _KEY),
            Line("Account__c", "BillToPartyId", "The Account of that customer."),
            Line("CurrencyIsoCode", "InvoiceCurrencyCode", _ISO),
            Line("Number__c", "TransactionNumber"),
            Line("Invoice_Date__c", "TransactionDate, BillingDate"),
            Line("Due_Date__c", f"DueDate, {_INSTALLMENTS}.InstallmentDueDate", "The last installment's."),
            Line("Amount__c", "EnteredAmount", "Proved by what lines, tax and freight add up to."),
            Line(
                "Balance__c",
                f"{_INSTALLMENTS}.InstallmentBalanceDue, InvoiceBalanceAmount",
                "The sum of what its installments leave open.",
            ),
            Line("Credited__c", f"{_INSTALLMENTS}.InstallmentAmountCredited"),
            Line("Tax__c", _TAX, "All tax, on top of the lines and within them."),
            Line("Currency_Code__c", "InvoiceCurrencyCode"),
            Line("Terms__c", "PaymentTerms"),
            Line("Status__c", "InvoiceStatus, InstallmentBalanceDue", "In words: open, partly paid, paid, credited."),
            Line("Completion__c", "InvoiceStatus", "Fusion's own word."),
            Line("Type__c", "TransactionType"),
        ),
        own=True,
    ),
    Section(
        "lines",
        "invoice_line",
        "Invoice lines",
        (
            Line("Fusion_Id__c", f"{_LINES}.CustomerTransactionLineId", _KEY),
            Line("Invoice__c", "", "The invoice it belongs to."),
            Line("CurrencyIsoCode", "InvoiceCurrencyCode", _ISO),
            Line("Line_Number__c", "LineNumber"),
            Line("Description__c", "Description, MemoLine, ItemNumber"),
            Line("Item__c", "ItemNumber"),
            Line("Quantity__c", "Quantity"),
            Line("Unit_Price__c", "UnitSellingPrice"),
            Line("Line_Amount__c", "LineAmount", "Quantity × price where Fusion gives none."),
            Line("Tax__c", _TAX, "All tax of the line."),
        ),
        many=True,
    ),
)
CREDIT_MEMOS = (
    Section(
        "invoice",
        "invoice",
        "Credit memo",
        (
            Line("Fusion_Id__c", "CustomerTransactionId", _KEY),
            Line("Account__c", "BillToCustomerNumber", "The Account of the customer with that customer account."),
            Line("CurrencyIsoCode", "CreditMemoCurrency", _ISO),
            Line("Number__c", "TransactionNumber"),
            Line("Invoice_Date__c", "TransactionDate"),
            Line("Amount__c", "EnteredAmount", "Below zero."),
            Line("Balance__c", "TransactionBalanceDue", "Below zero: what the customer may still use."),
            Line("Currency_Code__c", "CreditMemoCurrency"),
            Line("Status__c", "CreditMemoStatus, TransactionBalanceDue", "In words: open, partly applied, applied."),
            Line("Completion__c", "CreditMemoStatus", "Fusion's own word."),
            Line("Type__c", "TransactionType", "Begins with “Credit memo”."),
        ),
        own=True,
    ),
)
PAYMENTS = (
    Section(
        "payment",
        "payment",
        "Payment",
        (
            Line("Fusion_Id__c", "StandardReceiptId", _KEY),
            Line("Account__c", "CustomerAccountNumber", "The Account of the customer with that customer account."),
            Line("Invoice__c", "ReferenceTransactionId", "Where it pays one invoice. Several have a record each."),
            Line("CurrencyIsoCode", "Currency", _ISO),
            Line("Number__c", "ReceiptNumber"),
            Line("Receipt_Date__c", "ReceiptDate"),
            Line("Currency_Code__c", "Currency"),
            Line("Amount__c", "Amount"),
            Line("Applied__c", "ApplicationAmount", "Empty where each of several invoices has a record of its own."),
            Line("Unapplied__c", "UnappliedAmount"),
            Line("Method__c", "ReceiptMethod"),
            Line("Invoices__c", "ReferenceTransactionNumber, ApplicationAmount", "Each with its part."),
            Line(
                "Status__c", "UnappliedAmount, ReversalDate", "In words: applied, partly applied, unapplied, reversed."
            ),
            Line("Reversed_On__c", "ReversalDate"),
        ),
        own=True,
    ),
    Section(
        "parts",
        "payment",
        "What goes to each of several invoices",
        (
            Line("Fusion_Id__c", "StandardReceiptId, ReferenceTransactionId", _KEY),
            Line("Account__c", "CustomerAccountNumber", "The Account of the customer with that customer account."),
            Line("Invoice__c", "ReferenceTransactionId"),
            Line("CurrencyIsoCode", "Currency", _ISO),
            Line("Number__c", "ReceiptNumber"),
            Line("Receipt_Date__c", "ReceiptDate"),
            Line("Currency_Code__c", "Currency"),
            Line("Applied__c", "ApplicationAmount"),
        ),
        many=True,
    ),
)
