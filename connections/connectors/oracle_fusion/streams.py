"""What is read from a pod: one row a stream. A new object is a new row."""

from __future__ import annotations

from dataclasses import dataclass, field

from connections.connectors.base import Stream

FSCM = "fscmRestApi"
CRM = "crmRestApi"
STAMP = "LastUpdateDate"
CREATED = "CreationDate"
FLEXFIELDS = ("DFF", "Gdf")
"""How the children end in which an ERP object keeps a company's own attributes, and those of its country."""


@dataclass(frozen=True, slots=True)
class Child:
    """A child collection that comes along expanded. ``key`` orders and pages it when it has to be read on its own."""

    name: str
    key: str
    children: tuple[Child, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """A REST resource. ``key`` is our identity and filterable; ``address`` is the attribute its URL is made with.

    ``filters``: the published list lets ``q`` ask for LastUpdateDate. ``window``: the business date read instead where
    the pod refuses that. ``hashed``: the URL key may be opaque, so the self link is needed. ``text``: the attribute
    that is searched for our reference.
    """

    stream: str
    label: str
    name: str
    root: str
    key: str
    address: str
    filters: bool = True
    window: str | None = None
    children: tuple[Child, ...] = field(default=())
    hashed: bool = False
    text: str | None = None

    @property
    def expand(self) -> str:
        return ",".join(_paths(self.children, ""))

    @property
    def called(self) -> str:
        """In errors: for people, and for whoever looks its privilege up."""
        return f"{self.label.lower()} ({self.name})"


def _paths(children: tuple[Child, ...], prefix: str) -> list[str]:
    found = []
    for child in children:
        path = prefix + child.name
        found += _paths(child.children, f"{path}.") or [path]
    return found


TAX_LINES = Child("receivablesInvoiceLineTaxLines", "TaxLineNumber")
LINES = Child("receivablesInvoiceLines", "CustomerTransactionLineId", (TAX_LINES,))
INSTALLMENTS = Child("receivablesInvoiceInstallments", "InstallmentId")
APPLICATIONS = Child("standardReceiptApplications", "ApplicationId")
SITES = Child("sites", "SupplierSiteId")
ADDRESSES = Child("addresses", "SupplierAddressId")
PURCHASE_LINES = Child("lines", "LineNumber", (Child("schedules", "ScheduleNumber"),))
ON_DEMAND = {child.name: child for child in (APPLICATIONS, SITES, ADDRESSES)} | {"lines.schedules": PURCHASE_LINES}
"""Children that no stream brings along; a question may ask for them, by the path to expand."""
CLASSIFICATIONS = Child("CustomerClassification", "")
USAGES = Child("UsageAssignment", "")

ACCOUNTS = Resource("customers", "Customers", "accounts", CRM, "PartyId", "PartyNumber")
ORGANIZATIONS = Resource(
    "customers", "Customers", "hubOrganizations", CRM, "PartyId", "PartyNumber", children=(CLASSIFICATIONS, USAGES)
)
CUSTOMERS = {resource.name: resource for resource in (ACCOUNTS, ORGANIZATIONS)}

_INVOICE = "CustomerTransactionId"
_RECEIPT = "StandardReceiptId"
_SITE = "BillToSiteUseId"
_ORDER = "POHeaderId"
RESOURCES: dict[str, Resource] = {
    resource.stream: resource
    for resource in (
        ACCOUNTS,
        Resource("persons", "Contacts", "hubPersons", CRM, "PartyId", "PartyNumber"),
        Resource(
            "invoices",
            "Receivables invoices",
            "receivablesInvoices",
            FSCM,
            _INVOICE,
            _INVOICE,
            children=(LINES, INSTALLMENTS),
        ),
        Resource(
            "receipts", "Receipts", "standardReceipts", FSCM, _RECEIPT, _RECEIPT, filters=False, window="ReceiptDate"
        ),
        Resource(
            "credit_memos",
            "Credit memos",
            "receivablesCreditMemos",
            FSCM,
            _INVOICE,
            _INVOICE,
            filters=False,
            window="TransactionDate",
        ),
        Resource(
            "bill_to_accounts",
            "Bill-to accounts",
            "billToAccounts",
            CRM,
            "CustAccountId",
            "CustAccountId",
            filters=False,
        ),
        Resource("suppliers", "Suppliers", "suppliers", FSCM, "SupplierId", "SupplierId", filters=False),
        Resource(
            "activities",
            "Customer accounts",
            "receivablesCustomerAccountActivities",
            FSCM,
            "AccountId",
            "AccountId",
            hashed=True,
        ),
        Resource(
            "site_activities",
            "Customer sites",
            "receivablesCustomerAccountSiteActivities",
            FSCM,
            _SITE,
            _SITE,
            filters=False,
            hashed=True,
        ),
        Resource("sales_orders", "Sales orders", "salesOrdersForOrderHub", FSCM, "HeaderId", "HeaderId"),
        Resource(
            "purchase_orders",
            "Purchase orders",
            "purchaseOrders",
            FSCM,
            _ORDER,
            _ORDER,
            hashed=True,
            text="Description",
        ),
        Resource(
            "draft_purchase_orders",
            "Draft purchase orders",
            "draftPurchaseOrders",
            FSCM,
            _ORDER,
            _ORDER,
            filters=False,
            hashed=True,
            text="Description",
        ),
    )
}
STREAMS = {name: Stream(name, resource.label, resource.key, STAMP) for name, resource in RESOURCES.items()}
