"""Attributes of the resources, as Oracle publishes them, in a compact notation.

``Name:type`` with ``s`` string, ``i`` integer, ``n`` decimal, ``b`` boolean, ``d`` date, ``t`` timestamp; a star
after the type means the attribute is in the published filter list of ``q``. ``AddressLine1..4`` stands for four
attributes. Source: Oracle's machine-readable descriptions, docs.oracle.com/en/cloud/saas/financials/26c/farfa,
sales/faaps, fapra and fasrp. The spelling slips (``TransacationBusinessCategory``, ``DocumentFiscalClassifcation``)
are theirs. Bank and card fields are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

_SERIES = re.compile(r"(\w+?)(\d)\.\.(\d)")


@dataclass(frozen=True)
class Attribute:
    name: str
    type: str
    filterable: bool


@dataclass(frozen=True)
class Table:
    """Rows of one kind. ``identity`` is the attribute that holds the row id, if any is published; ``parents`` are
    hidden
    columns that tie a row to rows of other tables."""

    name: str
    notation: str
    identity: str | None = None
    parents: tuple[str, ...] = ()
    indexed: tuple[str, ...] = ()

    @cached_property
    def attributes(self) -> tuple[Attribute, ...]:
        return tuple(parse(self.notation))

    @cached_property
    def by_name(self) -> dict[str, Attribute]:
        return {attribute.name: attribute for attribute in self.attributes}

    @cached_property
    def positions(self) -> dict[str, int]:
        return {attribute.name: index for index, attribute in enumerate(self.attributes)}

    @cached_property
    def columns(self) -> tuple[Attribute, ...]:
        """Attributes with a column of their own: the filterable ones and LastUpdateDate, without the row id."""
        return tuple(
            attribute
            for attribute in self.attributes
            if (attribute.filterable or attribute.name == "LastUpdateDate") and attribute.name != self.identity
        )

    @cached_property
    def column_names(self) -> frozenset[str]:
        return frozenset(attribute.name for attribute in self.columns)

    @property
    def sql(self) -> str:
        return f"oracle_fusion_{self.name}"


def parse(notation: str) -> Iterator[Attribute]:
    for word in notation.split():
        name, _, kind = word.partition(":")
        series = _SERIES.fullmatch(name)
        names = [name]
        if series:
            names = [f"{series[1]}{number}" for number in range(int(series[2]), int(series[3]) + 1)]
        for each in names:
            yield Attribute(each, kind[0], kind.endswith("*"))


ACCOUNTS = Table(
    "accounts",
    """PartyId:i* PartyNumber:s* PartyUniqueName:s* OrganizationName:s* Type:s PartyStatus:s* PartyType:s*
    SalesProfileStatus:s* SalesProfileNumber:s* IndustryCode:s* IndustryCodeType:s* Industries:s LineOfBusiness:s*
    LocalActivityCode:s* LocalActivityCodeType:s* OrganizationSize:s* OrganizationType:s* EmployeesTotal:n*
    DUNSNumber:s* TaxpayerIdentificationNumber:s* StockSymbol:s* YearEstablished:i Description:s* EmailAddress:s*
    PhoneNumber:s* RawPhoneNumber:s* FaxNumber:s* URL:s AddressLine1..4:s* PostalCode:s* Province:s* State:s* City:s
    County:s Country:s PrimaryAddressId:i* PrimaryContactName:s PrimaryContactEmail:s PrimaryContactPhone:s
    PrimaryContactPartyId:i* OwnerPartyId:i* OwnerName:s* OwnerEmailAddress:s* ParentAccountPartyId:i*
    ParentAccountName:s* SourceSystem:s* SourceSystemReferenceValue:s* LastUpdateDate:t*""",
    identity="PartyId",
    indexed=("PartyNumber", "OrganizationName"),
)
ORGANIZATIONS = Table(
    "organizations",
    """PartyId:i* PartyNumber:s* OrganizationName:s* PartyUsageCode:s* Status:s* OrganizationSize:s* OrganizationType:s*
    LineOfBusiness:s* LocalActivityCode:s* LocalActivityCodeType:s* EmployeesTotal:n* DUNSNumber:s*
    TaxpayerIdentificationNumber:s* EmailAddress:s* RawPhoneNumber:s* URL:s* Address1..4:s* City:s* County:s* State:s*
    Province:s* PostalCode:s* Country:s* PreferredFunctionalCurrency:s* SourceSystem:s* SourceSystemReferenceValue:s*
    FormattedAddress:s CreationDate:t* LastUpdateDate:t*""",
    identity="PartyId",
    indexed=("PartyNumber", "OrganizationName"),
)
ADDRESSES = Table(
    "addresses",
    """AddressId:i* AddressNumber:s* Address1..4:s* City:s* State:s* Province:s* PostalCode:s* County:s* Country:s*
    PrimaryFlag:b* PartyId:i* PartySiteName:s* Status:s* StartDateActive:d* EndDateActive:d* LastUpdateDate:t*""",
    identity="AddressId",
    parents=("_party",),
    indexed=("AddressNumber",),
)
CONTACT_POINTS = Table(
    "contact_points",
    """ContactPointType:s* EmailAddress:s* PhoneNumber:s* RawPhoneNumber:s* URL:s* PrimaryFlag:b* Status:s*
    LastUpdateDate:t*""",
    parents=("_party",),
)
USAGES = Table("usages", "PartyUsageCode:s* StatusFlag:b* StartDate:d* EndDate:d*", parents=("_party",))
RELATIONSHIPS = Table(
    "relationships",
    """RelationshipCode:s* RelationshipType:s* SubjectPartyId:i* ObjectPartyId:i* SubjectPartyNumber:s*
    ObjectPartyNumber:s*
    Status:s*""",
    parents=("_party",),
)
CLASSIFICATIONS = Table(
    "classifications",
    "ClassCategory:s* ClassCode:s* ClassCodeMeaning:s* PrimaryFlag:b* IsIndustryFlag:b* EndDateActive:d*",
    parents=("_party",),
)
PERSONS = Table(
    "persons",
    """PartyId:i* PartyNumber:s* FirstName:s* MiddleName:s* LastName:s* PersonName:s* Salutation:s* JobTitle:s*
    Department:s*
    ContactRole:s* EmailAddress:s* RawWorkPhoneNumber:s* RawMobilePhoneNumber:s* RawHomePhoneNumber:s*
    DoNotContactFlag:b* DoNotEmailFlag:b* OrganizationPartyId:i* OrganizationPartyNumber:s* OrganizationPartyName:s*
    Address1..4:s* City:s* State:s* PostalCode:s* Country:s* PartyUsageCode:s* SourceSystem:s*
    SourceSystemReferenceValue:s* Status:s* CreationDate:t* LastUpdateDate:t*""",
    identity="PartyId",
    indexed=("PartyNumber", "OrganizationPartyId", "EmailAddress"),
)
BILL_TO_ACCOUNTS = Table(
    "bill_to_accounts",
    "CustAccountId:i* AccountNumber:s* AccountName:s* PartyId:i* PartyNumber:s* PartyName:s* Status:s*",
    identity="CustAccountId",
    indexed=("AccountNumber", "PartyId"),
)
ACTIVITIES = Table(
    "activities",
    """AccountId:i* AccountNumber:s* CustomerId:i* CustomerName:s* TaxpayerIdentificationNumber:s*
    TaxRegistrationNumber:s*
    TotalOpenReceivablesForAccount:n TotalTransactionsDueForAccount:n CreatedBy:s* CreationDate:t* LastUpdateDate:t*
    LastUpdatedBy:s*""",
    identity="AccountId",
    indexed=("AccountNumber", "CustomerId"),
)
SITE_ACTIVITIES = Table(
    "site_activities",
    """BillToSiteUseId:i* BillToSiteNumber:s* BillToSiteAddress:s AccountId:i* AccountNumber:s* CustomerId:i*
    CustomerName:s
    CreationDate:t LastUpdateDate:t""",
    identity="BillToSiteUseId",
    indexed=("AccountId", "AccountNumber"),
)
APPLICATIONS = Table(
    "applications",
    """ApplicationId:i* StandardReceiptId:i* ReceiptNumber:s* ReferenceTransactionId:i* ReferenceTransactionNumber:s*
    ReferenceInstallmentId:i* ReferenceTransactionStatus:s* ApplicationAmount:n ApplicationDate:d AccountingDate:d
    ApplicationStatus:s* ProcessStatus:s* IsLatestApplication:s* ActivityName:s* EnteredCurrency:s ReceiptMethod:s*
    CustomerSite:s CreationDate:t LastUpdateDate:t""",
    identity="ApplicationId",
    parents=("_account", "_site"),
    indexed=("StandardReceiptId", "ReferenceTransactionId"),
)
PAYMENT_SCHEDULES = Table(
    "payment_schedules",
    """InstallmentId:i* TransactionId:i* TransactionNumber:s* InstallmentStatus:s* TransactionClass:s TransactionType:s*
    TotalOriginalAmount:n TotalBalanceAmount:n PaymentScheduleDueDate:d EnteredCurrency:s""",
    identity="InstallmentId",
    parents=("_account", "_site"),
)
INVOICES = Table(
    "invoices",
    """CustomerTransactionId:i* TransactionNumber:s* DocumentNumber:i TransactionType:s TransactionSource:s
    TransactionDate:d
    AccountingDate:d BillingDate:d* DueDate:d PaymentTerms:s InvoiceCurrencyCode:s EnteredAmount:n FreightAmount:n
    InvoiceBalanceAmount:n* InvoiceStatus:s* BusinessUnit:s LegalEntityIdentifier:s BillToPartyId:i*
    BillToCustomerName:s BillToCustomerNumber:s BillToSite:s BillToContact:s ShipToCustomerName:s
    ShipToCustomerNumber:s ShipToSite:s ShipToContact:s* SoldToPartyNumber:s PayingCustomerName:s
    PayingCustomerAccount:s PayingCustomerSite:s ReceiptMethod:s* PurchaseOrder:s PurchaseOrderDate:d
    PurchaseOrderRevision:s CrossReference:s Comments:s InternalNotes:s SpecialInstructions:s
    StructuredPaymentReference:s SalesPersonNumber:s* ConversionRate:n ConversionRateType:s ConversionDate:d
    Prepayment:s Intercompany:s AllowCompletion:s* ControlCompletionReason:s DeliveryMethod:s* Email:s*
    InvoicePrinted:s LastPrintDate:d* OriginalPrintDate:d* PrintOption:s RemitToAddress:s ShipDate:d Carrier:s
    ShippingReference:s InvoicingRule:s DefaultTaxationCountry:s DocumentFiscalClassification:s
    FirstPartyRegistrationNumber:s ThirdPartyRegistrationNumber:s CreatedBy:s* CreationDate:t* LastUpdatedBy:s*
    LastUpdateDate:t*""",
    identity="CustomerTransactionId",
    indexed=("TransactionNumber", "BillToPartyId", "InvoiceBalanceAmount"),
)
LINES = Table(
    "invoice_lines",
    """CustomerTransactionLineId:i* LineNumber:n Description:s ItemNumber:s MemoLine:s Quantity:n UnitOfMeasure:s
    UnitSellingPrice:n LineAmount:n LineAmountIncludesTax:s AllocatedFreightAmount:n TaxClassificationCode:s
    SalesOrder:s SalesOrderDate:d Warehouse:s ProductCategory:s ProductType:s TransacationBusinessCategory:s
    CreationDate:t* LastUpdateDate:t*""",
    identity="CustomerTransactionLineId",
    parents=("_invoice",),
)
TAX_LINES = Table(
    "tax_lines",
    """TaxLineNumber:i Tax:s TaxRateCode:s TaxRate:n* TaxAmount:n* TaxableAmount:n TaxInclusiveIndicator:s
    TaxJurisdictionCode:s""",
    parents=("_line",),
)
INSTALLMENTS = Table(
    "installments",
    """InstallmentId:i* InstallmentSequenceNumber:i* InstallmentDueDate:d* InstallmentClosedDate:d OriginalAmount:n*
    InstallmentBalanceDue:n AccountedBalanceDue:n AmountPaid:n InstallmentAmountCredited:n InstallmentAmountAdjusted:n
    InstallmentLineAmountOriginal:n InstallmentTaxAmountOriginal:n InstallmentFreightAmountOriginal:n
    InstallmentLineAmountDue:n InstallmentTaxAmountDue:n InstallmentFreightAmountDue:n InstallmentStatus:s
    PaymentDaysLate:i DisputeAmount:n DisputeDate:d CreationDate:t LastUpdateDate:t""",
    identity="InstallmentId",
    parents=("_invoice",),
)
INVOICE_FLEXFIELDS = Table(
    "invoice_flexfields",
    """CustomerTrxId:i __FLEX_Context:s __FLEX_Context_DisplayValue:s contractNumber:s costCenter:s""",
    parents=("_invoice",),
)
"""Two segments as a company might have set them up; the names are its own."""
CREDIT_MEMOS = Table(
    "credit_memos",
    """CustomerTransactionId:i* TransactionNumber:s* TransactionDate:d* TransactionType:s* TransactionSource:s*
    CreditMemoCurrency:s* CreditMemoStatus:s EnteredAmount:n TransactionBalanceDue:n CreditReason:s BillToCustomerName:s
    BillToCustomerNumber:s* BillToSite:s* BusinessUnit:s* CrossReference:s* PurchaseOrder:s*
    DocumentFiscalClassifcation:s CreationDate:t LastUpdateDate:t""",
    identity="CustomerTransactionId",
    indexed=("TransactionNumber", "TransactionDate", "CrossReference"),
)
_RECEIPT = """StandardReceiptId:i* ReceiptNumber:s* ReceiptDate:d* AccountingDate:d MaturityDate:d Amount:n
AccountedAmount:n
    UnappliedAmount:n Currency:s BusinessUnit:s* ReceiptMethod:s CustomerName:s* CustomerAccountNumber:s*
    CustomerSite:s* State:s Status:s ReversalCategory:s ReversalComments:s ReversalDate:d ReversalReason:s
    ConversionRate:n ConversionRateType:s ConversionDate:d DocumentNumber:i Comments:s StructuredPaymentReference:s
    ReceiptBatchName:s ReceiptBatchDate:d RemittanceBankName:s RemittanceBankDepositDate:d PostmarkDate:d
    ReceiptAtRisk:s CreatedBy:s CreationDate:t LastUpdatedBy:s LastUpdateDate:t"""
RECEIPTS = Table(
    "receipts",
    _RECEIPT,
    identity="StandardReceiptId",
    indexed=("ReceiptNumber", "ReceiptDate", "CustomerAccountNumber"),
)
ACCOUNT_RECEIPTS = Table(
    "account_receipts",
    f"{_RECEIPT} AvailableAmount:n ProcessStatus:s* LegalEntity:s",
    identity="StandardReceiptId",
    parents=("_account", "_site"),
)
REMITTANCES = Table(
    "remittances",
    """RemittanceReferenceId:i* ReceiptMatchBy:s ReferenceNumber:s ReferenceAmount:n CustomerReference:s*
    CustomerReason:s*""",
    identity="RemittanceReferenceId",
    parents=("_receipt",),
)
SUPPLIERS = Table(
    "suppliers",
    """SupplierId:i* SupplierPartyId:i* SupplierNumber:s* Supplier:s* AlternateName:s* Alias:s Status:s InactiveDate:d*
    TaxpayerId:s* TaxRegistrationNumber:s* TaxRegistrationCountryCode:s DUNSNumber:s* BusinessRelationship:s*
    BusinessRelationshipCode:s* SupplierType:s* SupplierTypeCode:s* TaxOrganizationType:s* StandardIndustryClass:s
    IndustryCategory:s IndustrySubcategory:s CorporateWebsite:s ParentSupplier:s* ParentSupplierId:i*
    OneTimeSupplierFlag:b PreferredFunctionalCurrencyCode:s CustomerNumber:s CreationDate:t* LastUpdateDate:t""",
    identity="SupplierId",
    indexed=("Supplier", "SupplierNumber", "SupplierPartyId"),
)
SUPPLIER_ADDRESSES = Table(
    "supplier_addresses",
    """SupplierAddressId:i* AddressName:s* AddressLine1..4:s* City:s* State:s* Province:s* County:s* PostalCode:s*
    CountryCode:s*
    Country:s* Email:s* PhoneCountryCode:s* PhoneAreaCode:s* PhoneNumber:s* AddressPurposeOrderingFlag:b*
    AddressPurposeRemitToFlag:b* InactiveDate:d* Status:s LastUpdateDate:t""",
    identity="SupplierAddressId",
    parents=("_supplier",),
)
SUPPLIER_CONTACTS = Table(
    "supplier_contacts",
    """SupplierContactId:i* FirstName:s* LastName:s* Email:s* JobTitle:s* PhoneNumber:s* MobileNumber:s*
    AdministrativeContactFlag:b* Status:s InactiveDate:d""",
    identity="SupplierContactId",
    parents=("_supplier",),
)
SUPPLIER_SITES = Table(
    "supplier_sites",
    """SupplierSiteId:i* SupplierSite:s* ProcurementBU:s* ProcurementBUId:i* SupplierAddressName:s* Status:s*
    SitePurposePurchasingFlag:b* SitePurposePayFlag:b* PaymentTerms:s InvoiceCurrencyCode:s InactiveDate:d
    LastUpdateDate:t""",
    identity="SupplierSiteId",
    parents=("_supplier",),
)
_PO_START = """POHeaderId:i* OrderNumber:s* Status:s* StatusCode:s* DocumentStyle:s DocumentStyleId:i ProcurementBU:s*
    ProcurementBUId:i* RequisitioningBU:s* RequisitioningBUId:i* SoldToLegalEntity:s* SoldToLegalEntityId:i* BillToBU:s*
    BillToBUId:i* BillToLocation:s* Supplier:s* SupplierId:i* SupplierSite:s* SupplierSiteId:i* SupplierContact:s
    Buyer:s*"""
_PO_END = """BuyerId:i* Currency:s* CurrencyCode:s* ConversionRate:n ConversionRateType:s PaymentTerms:s
DefaultShipToLocation:s
    Description:s* NoteToSupplier:s NoteToAuthorizer:s* ReferenceNumber:s ImportSourceCode:s DocumentCreationMethod:s
    FundsStatusCode:s ChangeOrderNumber:s* CreationDate:t*"""
DRAFT_PURCHASE_ORDERS = Table(
    "draft_purchase_orders",
    f"{_PO_START} BuyerEmail:s* {_PO_END} LastUpdateDate:t",
    identity="POHeaderId",
    indexed=("OrderNumber", "Description"),
)
PURCHASE_ORDERS = Table(
    "purchase_orders",
    f"{_PO_START} {_PO_END} OrderDate:d Ordered:n Total:n TotalTax:n Revision:n LastUpdateDate:t*",
    identity="POHeaderId",
    indexed=("OrderNumber", "Description"),
)
PO_LINES = Table(
    "po_lines",
    """POLineId:i LineNumber:n* LineType:s LineTypeId:i Item:s* ItemId:i* Description:s* Category:s* CategoryCode:s*
    Quantity:n
    UOM:s UOMCode:s Price:n Amount:n SupplierItem:s* ReferenceNumber:s NoteToSupplier:s""",
    identity="POLineId",
    parents=("_order",),
)
PO_SCHEDULES = Table(
    "po_schedules",
    """LineLocationId:i ScheduleNumber:n* Quantity:n ShipToOrganization:s* ShipToOrganizationCode:s* ShipToLocation:s*
    ShipToLocationCode:s* RequestedDeliveryDate:d* PromisedDeliveryDate:d* DestinationType:s* DestinationTypeCode:s*
    InvoiceMatchOptionCode:s ReceiptRoutingId:i ReceiptRequiredFlag:b InspectionRequiredFlag:b AccrueAtReceiptFlag:b
    TaxClassification:s*""",
    identity="LineLocationId",
    parents=("_line",),
)
PO_DISTRIBUTIONS = Table(
    "po_distributions",
    """PODistributionId:i DistributionNumber:n* Quantity:n Amount:n DeliverToLocation:s* DeliverToLocationCode:s*
    POChargeAccount:s POChargeAccountId:i Requester:s* RequesterId:i* BudgetDate:d*""",
    identity="PODistributionId",
    parents=("_schedule",),
)
SALES_ORDERS = Table(
    "sales_orders",
    """OrderKey:s* HeaderId:i* OrderNumber:s* SourceTransactionNumber:s* SourceTransactionSystem:s*
    SourceTransactionId:s*
    SourceTransactionRevisionNumber:i* BusinessUnitId:i* BusinessUnitName:s BuyingPartyId:i* BuyingPartyName:s
    BuyingPartyNumber:s BuyingPartyContactId:i* TransactionTypeCode:s* TransactionType:s TransactionalCurrencyCode:s*
    TransactionalCurrencyName:s RequestingBusinessUnitId:i* RequestingBusinessUnitName:s RequestedShipDate:t*
    RequestedArrivalDate:t* RequestedFulfillmentOrganizationId:i* CustomerPONumber:s* PaymentTerms:s SalespersonId:i*
    TransactionOn:t* SubmittedFlag:b* SubmittedBy:s* SubmittedDate:t* StatusCode:s* OpenFlag:b* OnHoldFlag:b*
    CanceledFlag:b* MessageText:s* FreezePriceFlag:b FreezeShippingChargeFlag:b FreezeTaxFlag:b CreationDate:t*
    LastUpdateDate:t*""",
    identity="HeaderId",
    indexed=("OrderKey", "OrderNumber", "SourceTransactionId"),
)
ORDER_LINES = Table(
    "order_lines",
    """LineId:i FulfillLineId:i LineNumber:s SourceTransactionLineId:s SourceTransactionLineNumber:s
    SourceTransactionScheduleId:s SourceScheduleNumber:s ProductNumber:s ProductId:i ProductDescription:s
    OrderedQuantity:n OrderedUOM:s OrderedUOMCode:s UnitListPrice:n UnitSellingPrice:n ExtendedAmount:n StatusCode:s
    OpenFlag:b CanceledFlag:b RequestedShipDate:t ScheduleShipDate:t ActualShipDate:t TransactionCategoryCode:s
    TransactionLineType:s PaymentTerms:s FOBPoint:s FreightTerms:s ShipmentPriority:s InvoiceInterfacedFlag:b
    CreationDate:t""",
    identity="LineId",
    parents=("_order",),
)
ORDER_CHARGES = Table(
    "order_charges",
    """OrderChargeId:i SourceChargeId:s SequenceNumber:i ChargeDefinition:s ChargeDefinitionCode:s ChargeType:s
    ChargeTypeCode:s ChargeSubType:s ChargeSubtypeCode:s PriceType:s PriceTypeCode:s ApplyTo:s ChargeCurrencyCode:s
    GSAUnitPrice:n PricedQuantity:n PricedQuantityUOM:s PricedQuantityUOMCode:s PricePeriodicityCode:s PrimaryFlag:b
    RollupFlag:b""",
    identity="OrderChargeId",
    parents=("_line",),
)
ORDER_CHARGE_COMPONENTS = Table(
    "order_charge_components",
    """OrderChargeComponentId:i SourceChargeComponentId:s SourceChargeId:s SourceParentChargeComponentId:s
    SequenceNumber:i PriceElement:s PriceElementCode:s PriceElementUsageCode:s ChargeCurrencyCode:s
    ChargeCurrencyUnitPrice:n ChargeCurrencyExtendedAmount:n HeaderCurrencyCode:s HeaderCurrencyUnitPrice:n
    HeaderCurrencyExtendedAmount:n PercentOfComparisonElement:n Explanation:s RollupFlag:b""",
    identity="OrderChargeComponentId",
    parents=("_charge",),
)
_PLACE = "Address1..4:s City:s State:s Province:s County:s PostalCode:s Country:s"
ORDER_BILL_TO = Table(
    "order_bill_to",
    f"""PartyId:i PartyName:s PartyNumber:s CustomerAccountId:i AccountNumber:s SiteUseId:i ContactId:i {_PLACE}""",
    parents=("_order",),
)
ORDER_SHIP_TO = Table(
    "order_ship_to",
    f"""PartyId:i PartyName:s PartyNumber:s SiteId:i ContactId:i {_PLACE}""",
    parents=("_order",),
)
ORDER_TOTALS = Table(
    "order_totals",
    "OrderTotalId:i TotalCode:s TotalName:s TotalAmount:n CurrencyCode:s PrimaryFlag:b",
    identity="OrderTotalId",
    parents=("_order",),
)

TABLES: dict[str, Table] = {value.name: value for value in list(globals().values()) if isinstance(value, Table)}
