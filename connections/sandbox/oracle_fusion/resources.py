"""Which resources and children exist under which context root, with their URL keys and finders."""

from __future__ import annotations

from dataclasses import dataclass

from . import attributes as a
from .attributes import Table

FSCM = "fscmRestApi"
CRM = "crmRestApi"
HCM = "hcmRestApi"
ROOTS = (FSCM, CRM, HCM)


@dataclass(frozen=True)
class Finder:
    """A finder and its variables: variable -> (operator, attribute).

    Operators: ``=``, ``>=``, ``<=``, ``days`` (not older than that many days), ``null`` (always: the attribute is
    empty) and
    ``any`` (accepted; what it narrows is not published for this imitation).
    """

    name: str
    variables: dict[str, tuple[str, str]]
    always: tuple[tuple[str, str], ...] = ()


def equality(name: str, *attributes: str) -> Finder:
    """A finder whose variables are named like the attributes they compare with."""
    return Finder(name, {attribute: ("=", attribute) for attribute in attributes})


@dataclass(frozen=True)
class Node:
    """A resource or a child resource.

    ``key``: the attribute that addresses an item, None for an opaque hash; ``parent``: the hidden column that ties a
    child to its parent; ``where``: a fixed condition; ``may_be_hashed``: keys are plain or hashed, as the switch says;
    ``or_identity``: the row id addresses an item too (sales orders: OrderKey or HeaderId).
    """

    name: str
    table: Table
    key: str | None
    parent: str | None = None
    children: tuple[Node, ...] = ()
    finders: tuple[Finder, ...] = ()
    where: str | None = None
    may_be_hashed: bool = False
    or_identity: bool = False

    def child(self, name: str) -> Node | None:
        return next((child for child in self.children if child.name == name), None)

    def finder(self, name: str) -> Finder | None:
        return next((finder for finder in self.finders if finder.name == name), None)


_PARTY_FINDERS = (
    equality("PartyIdAltKey", "PartyId"),
    equality("PartyNumberAltKey", "PartyNumber"),
    equality("SourceSystemReferenceAltKey", "SourceSystem", "SourceSystemReferenceValue"),
    equality("PartyUsageCodeRF", "PartyUsageCode"),
)
_ADDRESS = Node("Address", a.ADDRESSES, "AddressNumber", "_party")
_CONTACT_POINT = Node("ContactPoint", a.CONTACT_POINTS, None, "_party")
_RELATIONSHIP = Node("Relationship", a.RELATIONSHIPS, None, "_party")

_ACCOUNT_CHILDREN = tuple(
    child
    for child in (
        Node(
            "standardReceiptApplications",
            a.APPLICATIONS,
            "ApplicationId",
            "_account",
            finders=(
                Finder(
                    "StandardReceiptApplicationsFinder",
                    {
                        "ApplicationLimitByDays": ("days", "ApplicationDate"),
                        "ProcessStatus": ("=", "ProcessStatus"),
                        "ReferenceTransactionStatus": ("=", "ReferenceTransactionStatus"),
                    },
                ),
            ),
        ),
        Node(
            "standardReceipts",
            a.ACCOUNT_RECEIPTS,
            "StandardReceiptId",
            "_account",
            finders=(
                Finder(
                    "StandardReceiptsFinder",
                    {"ReceiptLimitByDays": ("days", "ReceiptDate"), "ProcessStatus": ("=", "ProcessStatus")},
                ),
            ),
        ),
        Node("transactionPaymentSchedules", a.PAYMENT_SCHEDULES, "InstallmentId", "_account"),
    )
)
_SITE_CHILDREN = tuple(
    Node(child.name, child.table, child.key, "_site", finders=child.finders) for child in _ACCOUNT_CHILDREN
)
_DISTRIBUTIONS = Node("distributions", a.PO_DISTRIBUTIONS, None, "_schedule")
_SCHEDULES = Node("schedules", a.PO_SCHEDULES, None, "_line", (_DISTRIBUTIONS,))
_PO_LINES = Node("lines", a.PO_LINES, "POLineId", "_order", (_SCHEDULES,))
_COMPONENTS = Node("chargeComponents", a.ORDER_CHARGE_COMPONENTS, "OrderChargeComponentId", "_charge")
_CHARGES = Node("charges", a.ORDER_CHARGES, "OrderChargeId", "_line", (_COMPONENTS,))

_CRM_RESOURCES = (
    Node(
        "accounts",
        a.ACCOUNTS,
        "PartyNumber",
        children=(
            Node("PrimaryAddress", a.ADDRESSES, "AddressNumber", "_party", where='"PrimaryFlag" = 1'),
            _ADDRESS,
            _CONTACT_POINT,
            _RELATIONSHIP,
        ),
    ),
    Node(
        "hubOrganizations",
        a.ORGANIZATIONS,
        "PartyNumber",
        children=(
            _ADDRESS,
            _CONTACT_POINT,
            Node("UsageAssignment", a.USAGES, None, "_party"),
            _RELATIONSHIP,
            Node("CustomerClassification", a.CLASSIFICATIONS, None, "_party"),
        ),
        finders=_PARTY_FINDERS,
    ),
    Node("hubPersons", a.PERSONS, "PartyNumber", children=(_RELATIONSHIP,), finders=_PARTY_FINDERS),
    Node(
        "billToAccounts",
        a.BILL_TO_ACCOUNTS,
        "CustAccountId",
        finders=(Finder("PrimaryPartyIdFinder", {"primaryPartyId": ("=", "PartyId")}),),
        may_be_hashed=True,
    ),
)
_INVOICE_SEARCH = """AccountingDate BillToCustomerName BillToCustomerNumber BillToSite BillingDate BusinessUnit
CrossReference
    DocumentNumber DueDate InvoiceCurrencyCode InvoiceStatus LegalEntityIdentifier PaymentTerms PurchaseOrder
    ShipToCustomerName ShipToSite TransactionDate TransactionNumber TransactionSource TransactionType"""
_FSCM_RESOURCES = (
    Node(
        "receivablesCustomerAccountActivities",
        a.ACTIVITIES,
        "AccountId",
        children=_ACCOUNT_CHILDREN,
        finders=(
            Finder(
                "CustomerAccountActivitiesFinder",
                {
                    "AccountNumber": ("=", "AccountNumber"),
                    "CustomerName": ("=", "CustomerName"),
                    "TransactionLimitByDays": ("any", ""),
                    "TransactionStatus": ("any", ""),
                },
            ),
        ),
        may_be_hashed=True,
    ),
    Node(
        "receivablesCustomerAccountSiteActivities",
        a.SITE_ACTIVITIES,
        "BillToSiteUseId",
        children=_SITE_CHILDREN,
        may_be_hashed=True,
    ),
    Node(
        "receivablesInvoices",
        a.INVOICES,
        "CustomerTransactionId",
        children=(
            Node(
                "receivablesInvoiceLines",
                a.LINES,
                "CustomerTransactionLineId",
                "_invoice",
                (Node("receivablesInvoiceLineTaxLines", a.TAX_LINES, None, "_line"),),
            ),
            Node("receivablesInvoiceInstallments", a.INSTALLMENTS, "InstallmentId", "_invoice"),
            Node("receivablesInvoiceDFF", a.INVOICE_FLEXFIELDS, None, "_invoice"),
        ),
        finders=(
            equality("invoiceSearch", *_INVOICE_SEARCH.split()),
            equality("PrimaryKey", "CustomerTransactionId"),
        ),
    ),
    Node(
        "receivablesCreditMemos",
        a.CREDIT_MEMOS,
        "CustomerTransactionId",
        finders=(
            Finder(
                "creditMemosFinder",
                {
                    "BindCreditMemoStatus": ("=", "CreditMemoStatus"),
                    "BindTransactionDate": ("=", "TransactionDate"),
                },
            ),
        ),
    ),
    Node(
        "standardReceipts",
        a.RECEIPTS,
        "StandardReceiptId",
        children=(Node("remittanceReferences", a.REMITTANCES, "RemittanceReferenceId", "_receipt"),),
        finders=(
            equality(
                "StandardReceiptsFinder",
                *(
                    "BusinessUnit",
                    "CustomerAccountNumber",
                    "CustomerName",
                    "CustomerSite",
                    "ReceiptDate",
                    "ReceiptNumber",
                ),
            ),
        ),
    ),
    Node(
        "suppliers",
        a.SUPPLIERS,
        "SupplierId",
        children=(
            Node("addresses", a.SUPPLIER_ADDRESSES, "SupplierAddressId", "_supplier"),
            Node("contacts", a.SUPPLIER_CONTACTS, "SupplierContactId", "_supplier"),
            Node("sites", a.SUPPLIER_SITES, "SupplierSiteId", "_supplier"),
        ),
        finders=(
            Finder("ActiveSuppliersFinder", {}, always=(("null", "InactiveDate"),)),
            equality("PrimaryKey", "SupplierId"),
        ),
    ),
    Node(
        "purchaseOrders",
        a.PURCHASE_ORDERS,
        None,
        children=(_PO_LINES,),
        finders=(equality("PrimaryKey", "POHeaderId"),),
    ),
    Node(
        "draftPurchaseOrders",
        a.DRAFT_PURCHASE_ORDERS,
        None,
        children=(_PO_LINES,),
        finders=(equality("PrimaryKey", "POHeaderId"),),
    ),
    Node(
        "salesOrdersForOrderHub",
        a.SALES_ORDERS,
        "OrderKey",
        children=(
            Node("billToCustomer", a.ORDER_BILL_TO, None, "_order"),
            Node("shipToCustomer", a.ORDER_SHIP_TO, None, "_order"),
            Node("lines", a.ORDER_LINES, None, "_order", (_CHARGES,)),
            Node("totals", a.ORDER_TOTALS, "OrderTotalId", "_order"),
        ),
        finders=(
            Finder("findByOrderNumber", {"OrderNumber": ("=", "OrderNumber")}),
            Finder("findByOrderKey", {"OrderKey": ("=", "OrderKey")}),
            Finder("findByHeaderId", {"HeaderId": ("=", "HeaderId")}),
            Finder("findByOrderedDate", {"FromDate": (">=", "TransactionOn"), "ToDate": ("<=", "TransactionOn")}),
            equality("findBySourceOrderNumberAndSystem", "SourceTransactionNumber", "SourceTransactionSystem"),
        ),
        or_identity=True,
    ),
)
RESOURCES: dict[str, dict[str, Node]] = {
    FSCM: {node.name: node for node in _FSCM_RESOURCES},
    CRM: {node.name: node for node in _CRM_RESOURCES},
    HCM: {},
}
