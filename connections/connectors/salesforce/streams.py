"""What is read: the object of each stream, its fields, its lines and its condition."""

from __future__ import annotations

from dataclasses import dataclass

from connections.connectors.base import Stream

from .soql import STAMP


@dataclass(frozen=True, slots=True)
class Lines:
    """Children that come nested: under ``name`` in a row, from the relationship a check found or ``relationship``."""

    kind: str
    name: str
    relationship: str
    parent: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resource:
    """``fields`` by our names; ``optional`` ones are read where the org has them. ``condition`` narrows a walk, never
    a fetch by key; ``setting`` names the setting of the connection that holds it instead. ``bin``: of deleted records
    too."""

    stream: Stream
    kind: str
    fields: tuple[str, ...]
    optional: tuple[str, ...] = ()
    lines: Lines | None = None
    condition: str = ""
    setting: str = ""
    bin: bool = False

    @property
    def verb(self) -> str:
        return "queryAll" if self.bin else "query"


def _stream(name: str, label: str) -> Stream:
    return Stream(name, label, "Id", STAMP)


_SYSTEM = ("Id", "CreatedDate", "LastModifiedDate", STAMP)
_OPPORTUNITY_LINES = Lines(
    "OpportunityLineItem",
    "lines",
    "OpportunityLineItems",
    "OpportunityId",
    (
        "Id",
        "PricebookEntryId",
        "Product2Id",
        "ProductCode",
        "Product2.Name",
        "Name",
        "Quantity",
        "UnitPrice",
        "TotalPrice",
        "ListPrice",
        "Discount",
        "ServiceDate",
        "Description",
        "SortOrder",
    ),
)
_ORDER_LINES = Lines(
    "purchase_order_line",
    "lines",
    "Purchase_Order_Lines__r",
    "Purchase_Order__c",
    ("Id", "Name", "Item__c", "Description__c", "Quantity__c", "Unit_Price__c", "UOM__c"),
)
RESOURCES: dict[str, Resource] = {
    resource.stream.name: resource
    for resource in (
        Resource(
            _stream("accounts", "Accounts"),
            "account",
            (
                *_SYSTEM,
                "Name",
                "AccountNumber",
                "Type",
                "Industry",
                "ParentId",
                "Phone",
                "Website",
                "BillingStreet",
                "BillingCity",
                "BillingState",
                "BillingPostalCode",
                "BillingCountry",
                "Fusion_Id__c",
            ),
            (
                "Fusion_Party_Number__c",
                "Fusion_Account_Number__c",
                "Fusion_Role__c",
                "DunsNumber",
                "Site",
                "IsPersonAccount",
                "CurrencyIsoCode",
            ),
        ),
        # Gone from the stream above without a word; ``masters`` tells where a merge leads.
        Resource(
            _stream("deleted_accounts", "Deleted and merged accounts"),
            "account",
            ("Id", STAMP, "MasterRecordId", "Fusion_Id__c"),
            condition="IsDeleted = true",
            bin=True,
        ),
        Resource(
            _stream("opportunities", "Won opportunities"),
            "opportunity",
            (
                *_SYSTEM,
                "Name",
                "AccountId",
                "Account.Name",
                "Account.Fusion_Id__c",
                "StageName",
                "CloseDate",
                "Amount",
                "IsClosed",
                "IsWon",
                "HasOpportunityLineItem",
                "OwnerId",
                "Type",
            ),
            (
                "LastStageChangeDate",
                "Pricebook2Id",
                "CurrencyIsoCode",
                "Fusion_Order_Key__c",
                "Fusion_Order_Number__c",
                "Fusion_Order_Status__c",
                "Fusion_Error__c",
            ),
            _OPPORTUNITY_LINES,
            "IsWon = true",
        ),
        Resource(
            _stream("opportunity_lines", "Products of opportunities"),
            "OpportunityLineItem",
            ("Id", "OpportunityId", STAMP),
        ),
        # Whatever their condition: what no longer meets it has left the stream above without a word.
        Resource(_stream("opportunity_changes", "Changes of opportunities"), "opportunity", ("Id", STAMP)),
        Resource(
            _stream("purchase_orders", "Purchase orders"),
            "purchase_order",
            (
                *_SYSTEM,
                "Name",
                "Supplier__c",
                "Supplier__r.Name",
                "Supplier__r.Fusion_Id__c",
                "Status__c",
                "Ready_For_Fusion__c",
                "Currency_Code__c",
                "Needed_By__c",
                "Fusion_PO_Id__c",
                "Fusion_PO_Number__c",
            ),
            ("CurrencyIsoCode", "OwnerId", "Fusion_PO_Status__c"),
            _ORDER_LINES,
            setting="purchase_order_condition",
        ),
        Resource(
            _stream("purchase_order_lines", "Lines of purchase orders"),
            "purchase_order_line",
            ("Id", "Purchase_Order__c", STAMP),
        ),
        Resource(_stream("purchase_order_changes", "Changes of purchase orders"), "purchase_order", ("Id", STAMP)),
    )
}
STREAMS = {name: resource.stream for name, resource in RESOURCES.items()}
