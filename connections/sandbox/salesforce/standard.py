"""The standard objects of every org, with the fields the sync may meet (source: object reference, 260.0)."""

from __future__ import annotations

from .schema import CURRENCY, SObject, standard_object

STAGES: dict[str, tuple[bool, bool, int]] = {
    "Prospecting": (False, False, 10),
    "Qualification": (False, False, 10),
    "Needs Analysis": (False, False, 20),
    "Value Proposition": (False, False, 50),
    "Proposal/Price Quote": (False, False, 75),
    "Negotiation/Review": (False, False, 90),
    "Closed Won": (True, True, 100),
    "Closed Lost": (True, False, 0),
}
"""Stage -> is closed, is won, probability."""

_ADDRESS = """
{0}Street textarea(255)
{0}City string(40)
{0}State string(80)
{0}PostalCode string(20)
{0}Country string(80)
{0}Address address ro
"""
_ACCOUNT = (
    """
Name string(255) required
AccountNumber string(40)
Type picklist(Prospect|Customer - Direct|Customer - Channel|Channel Partner / Reseller|Vendor|Other)
Industry picklist(Agriculture|Construction|Consulting|Energy|Food & Beverage|Healthcare|Manufacturing|Retail|Technology|Transportation|Other)
ParentId reference(Account:Parent:ChildAccounts)
Phone phone
Fax phone
Website url
AnnualRevenue currency
NumberOfEmployees int
DunsNumber string(9)
Sic string(20)
NaicsCode string(8)
TickerSymbol string(20)
Site string(80)
Description textarea(32000)
MasterRecordId reference(Account:MasterRecord) ro
IsPersonAccount boolean ro needs:person_accounts
"""  # noqa: E501 one field a line
    + _ADDRESS.format("Billing").lstrip()
    + _ADDRESS.format("Shipping").lstrip()
)
_CONTACT = """
AccountId reference(Account:Account:Contacts)
LastName string(80) required
FirstName string(40)
Name string(121) ro
Email email
Phone phone
Title string(128)
Description textarea(32000)
MasterRecordId reference(Contact:MasterRecord) ro
"""
_OPPORTUNITY = f"""
Name string(120) required
AccountId reference(Account:Account:Opportunities)
StageName picklist({"|".join(STAGES)}) required
CloseDate date required
Amount currency
Probability percent
IsClosed boolean ro
IsWon boolean ro
LastStageChangeDate datetime ro
HasOpportunityLineItem boolean ro
Pricebook2Id reference(Pricebook2:Pricebook2:Opportunities)
Type picklist(Existing Customer - Upgrade|Existing Customer - Replacement|New Customer)
LeadSource picklist(Web|Phone Inquiry|Partner Referral|Other)
NextStep string(255)
Description textarea(32000)
"""
_LINE = """
OpportunityId reference(Opportunity:Opportunity:OpportunityLineItems) required fixed
PricebookEntryId reference(PricebookEntry:PricebookEntry:OpportunityLineItems) required fixed
Product2Id reference(Product2:Product2:OpportunityLineItems) ro
ProductCode string(255) ro
Name string(376) ro
ListPrice currency ro
Quantity double required
UnitPrice currency
TotalPrice currency
Discount percent
ServiceDate date
Description string(255)
SortOrder int
"""
_PRODUCT = """
Name string(255) required
ProductCode string(255)
Family picklist(Hardware|Services|None)
IsActive boolean
QuantityUnitOfMeasure picklist(Each|Hour|Month)
ExternalId string(255)
Description textarea(4000)
"""
_ENTRY = """
Pricebook2Id reference(Pricebook2:Pricebook2:PricebookEntries) required fixed
Product2Id reference(Product2:Product2:PricebookEntries) required fixed
UnitPrice currency required
IsActive boolean
UseStandardPrice boolean
Name string(255) ro
ProductCode string(255) ro
"""
_BOOK = """
Name string(255) required
IsActive boolean
IsStandard boolean ro
Description string(255)
"""
_USER = """
Username string(80) ro
Name string(121) ro
LastName string(80) ro
FirstName string(40) ro
Email email ro
IsActive boolean ro
"""
_ORGANIZATION = """
Name string(80) ro
IsSandbox boolean ro
OrganizationType string(40) ro
"""
_SET = """
Name string(80) required
Label string(80) required
Description string(255)
"""
_ASSIGNMENT = """
AssigneeId reference(User:Assignee:PermissionSetAssignments) required fixed
PermissionSetId reference(PermissionSet:PermissionSet:Assignments) required fixed
"""
_FIELD_PERMISSIONS = """
ParentId reference(PermissionSet:Parent:FieldPerms) required fixed
SobjectType string(40) required fixed
Field string(120) required fixed
PermissionsRead boolean
PermissionsEdit boolean
"""
_OBJECT_PERMISSIONS = """
ParentId reference(PermissionSet:Parent:ObjectPerms) required fixed
SobjectType string(40) required fixed
PermissionsRead boolean
PermissionsCreate boolean
PermissionsEdit boolean
PermissionsDelete boolean
PermissionsViewAllRecords boolean
PermissionsModifyAllRecords boolean
"""


def _priced(sobject: SObject) -> SObject:
    return sobject.with_fields([*sobject.fields.values(), CURRENCY])


def standard_objects() -> dict[str, SObject]:
    """All of them, by lower-case name."""
    objects = [
        _priced(standard_object("Account", "Account", "001", _ACCOUNT, owned=True)),
        standard_object("Contact", "Contact", "003", _CONTACT, owned=True),
        _priced(standard_object("Opportunity", "Opportunity", "006", _OPPORTUNITY, owned=True)),
        _priced(standard_object("OpportunityLineItem", "Opportunity Product", "00k", _LINE)),
        standard_object("Product2", "Product", "01t", _PRODUCT),
        standard_object("Pricebook2", "Price Book", "01s", _BOOK),
        _priced(standard_object("PricebookEntry", "Price Book Entry", "01u", _ENTRY)),
        standard_object("User", "User", "005", _USER),
        standard_object("Organization", "Organization", "00D", _ORGANIZATION),
        standard_object("PermissionSet", "Permission Set", "0PS", _SET),
        standard_object("PermissionSetAssignment", "Permission Set Assignment", "0Pa", _ASSIGNMENT),
        standard_object("FieldPermissions", "Field Permissions", "01k", _FIELD_PERMISSIONS),
        standard_object("ObjectPermissions", "Object Permissions", "110", _OBJECT_PERMISSIONS),
    ]
    return {each.name.lower(): each for each in objects}
