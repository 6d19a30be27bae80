"""The mappings from Salesforce to orders in Fusion as people read them.

What a tenant may add to an order are attributes of its header that are published as writable (docs.oracle.com, Order
Management and Procurement REST). Flexfields are not offered: their context differs from company to company, and where
one is not deployed, Fusion refuses the whole order with an error of its own.
"""

from __future__ import annotations

from connections.connectors.base import Field
from syncs.engine.table import Line, Section

_ONCE = (
    "An order is made once and never changed by us: your own fields are filled in new orders only. Descriptive and "
    "extensible flexfields of orders are not offered; fill them in Fusion, or by a default there."
)

OPPORTUNITIES = (
    Section(
        "order",
        "sales_orders",
        "Sales order",
        (
            Line("SourceTransactionSystem", "", "As the flow's options say."),
            Line("SourceTransactionId", "Id", "The key by which the order is found again."),
            Line("SourceTransactionNumber", "Id"),
            Line("BusinessUnitName", "", "As the flow's options say."),
            Line("BusinessUnitId", "", "As the flow's options say, where they name a number."),
            Line("BuyingPartyId", "Account.Fusion_Id__c", "The customer in Fusion."),
            Line("TransactionTypeCode", "", "As the flow's options say."),
            Line("TransactionalCurrencyCode", "CurrencyIsoCode", "Or the option's, in orgs with one currency."),
            Line("FreezePriceFlag", "", "Yes where the opportunity's prices count."),
            Line("FreezeShippingChargeFlag", "", "Always no."),
            Line("FreezeTaxFlag", "", "Always no."),
            Line("SubmittedFlag", "", "As the flow's options say."),
            Line("RequestedShipDate", "CloseDate", "And as many days later as the options say."),
            Line("billToCustomer", "", "The customer's account and site, where it has but one."),
            Line("lines", "lines", "See below."),
        ),
        own=True,
        own_note=_ONCE,
        offered=(
            Field("CustomerPONumber", "Purchase order (customer's number)", "text", length=50),
            Field("PaymentTerms", "Payment terms (name)", "text", length=80),
            Field("RequestedArrivalDate", "Requested arrival", "datetime"),
            Field("TransactionOn", "Ordered on", "datetime"),
            Field("SalespersonId", "Salesperson (ID)", "number"),
            Field("BuyingPartyContactId", "Contact (ID)", "number"),
            Field("RequestedFulfillmentOrganizationId", "Warehouse (ID)", "number"),
        ),
    ),
    Section(
        "order.lines",
        "",
        "Lines",
        (
            Line("SourceTransactionLineId", "lines.Id", "The key of the line."),
            Line("SourceTransactionLineNumber", "", "1, 2, 3 …"),
            Line("SourceTransactionScheduleId", "", "Always 1."),
            Line("SourceScheduleNumber", "", "Always 1."),
            Line("ProductNumber", "lines.ProductCode"),
            Line("OrderedQuantity", "lines.Quantity"),
            Line("OrderedUOMCode", "", "As the flow's options say."),
            Line("TransactionCategoryCode", "", "Always ORDER."),
            Line("RequestedShipDate", "lines.ServiceDate", "Where the product has a date of its own."),
            Line("charges", "lines.TotalPrice, lines.UnitPrice, lines.ListPrice", "Discounts included."),
        ),
        many=True,
    ),
    Section(
        "shown",
        "opportunity",
        "Shown on the opportunity",
        (
            Line("Fusion_Order_Key__c", "SourceTransactionSystem, SourceTransactionId"),
            Line("Fusion_Order_Number__c", "OrderNumber"),
            Line("Fusion_Order_Status__c", "StatusCode"),
            Line("Fusion_Error__c", "MessageText"),
        ),
        back=True,
    ),
)
PURCHASE_ORDERS = (
    Section(
        "order",
        "draft_purchase_orders",
        "Purchase order",
        (
            Line("ReferenceNumber", "Id", "By it the order is found again."),
            Line("Description", "Name, Id", "“Salesforce”, its name there, and its Id."),
            Line("ProcurementBU", "", "As the flow's options say."),
            Line("RequisitioningBU", "", "As the flow's options say."),
            Line("SoldToLegalEntity", "", "As the flow's options say."),
            Line("DocumentStyle", "", "As the flow's options say."),
            Line("Supplier", "Supplier__r.Fusion_Id__c", "The name of that supplier in Fusion."),
            Line("SupplierSite", "", "As the flow's options say, else the only purchasing site."),
            Line("BuyerEmail", "", "As the flow's options say."),
            Line("CurrencyCode", "Currency_Code__c, CurrencyIsoCode", "Or the option's, where none is named."),
            Line("lines", "lines", "See below."),
        ),
        own=True,
        own_note=_ONCE,
        offered=(
            Field("NoteToSupplier", "Note to supplier", "text", length=1000),
            Field("NoteToAuthorizer", "Note to approver", "text", length=1000),
            Field("SupplierContact", "Supplier contact (name)", "text", length=360),
            Field("PaymentTerms", "Payment terms (name)", "text", length=50),
            Field("DefaultShipToLocation", "Default ship-to location (name)", "text", length=240),
            Field("BillToLocation", "Bill-to location (name)", "text", length=240),
        ),
    ),
    Section(
        "order.lines",
        "",
        "Lines",
        (
            Line("LineNumber", "", "1, 2, 3 …"),
            Line("LineType", "", "As the flow's options say."),
            Line("Item", "lines.Item__c"),
            Line("Description", "lines.Description__c", "Where there is no item."),
            Line("Category", "", "As the flow's options say, where there is no item."),
            Line("Quantity", "lines.Quantity__c"),
            Line("UOMCode", "lines.UOM__c", "Or the option's."),
            Line("Price", "lines.Unit_Price__c"),
            Line(
                "schedules",
                "Needed_By__c",
                "Where and when to deliver, and which account is charged, as the options say.",
            ),
        ),
        many=True,
    ),
    Section(
        "shown",
        "purchase_order",
        "Shown on the purchase order",
        (
            Line("Fusion_PO_Id__c", "POHeaderId"),
            Line("Fusion_PO_Number__c", "OrderNumber"),
            Line("Fusion_PO_Status__c", "Status, StatusCode"),
        ),
        back=True,
    ),
)
