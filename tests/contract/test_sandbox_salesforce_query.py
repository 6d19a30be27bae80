"""SOQL, paging and describe of the imitated Salesforce."""

from __future__ import annotations

import pytest

from tests.contract.sandbox_salesforce import Organization, org

__all__ = ["org"]


@pytest.fixture
def accounts(org: Organization) -> Organization:
    org.create("Account", Name="Acme", BillingCity="Ulm", NumberOfEmployees=5, AnnualRevenue=10.5, Phone="+1")
    org.create("Account", Name="beta_1 100%", BillingCity="Köln", NumberOfEmployees=50)
    org.create("Account", Name="O'Neil \\ Sons", Industry="Retail", Fusion_Id__c="C-1")
    return org


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Name = 'ACME'", ["Acme"]),
        ("Name != 'Acme' AND BillingCity != null", ["beta_1 100%"]),
        ("BillingCity != 'Ulm'", ["beta_1 100%", "O'Neil \\ Sons"]),
        ("BillingCity = null", ["O'Neil \\ Sons"]),
        ("Name = 'O\\'Neil \\\\ Sons'", ["O'Neil \\ Sons"]),
        ("Name = '\\u0041cme'", ["Acme"]),
        ("Name LIKE 'a%'", ["Acme"]),
        ("Name LIKE 'beta\\_1 100\\%'", ["beta_1 100%"]),
        ("Name LIKE 'Acm_'", ["Acme"]),
        ("NumberOfEmployees > 5", ["beta_1 100%"]),
        ("NumberOfEmployees >= 5 AND NumberOfEmployees < 50", ["Acme"]),
        ("NumberOfEmployees <= 5 OR Industry = 'Retail'", ["Acme", "O'Neil \\ Sons"]),
        ("(NumberOfEmployees = 5 OR NumberOfEmployees = 50) AND (NOT BillingCity LIKE 'U%')", ["beta_1 100%"]),
        ("Name IN ('acme', 'nobody')", ["Acme"]),
        ("Name NOT IN ('acme')", ["beta_1 100%", "O'Neil \\ Sons"]),
        ("Fusion_Id__c = 'c-1'", ["O'Neil \\ Sons"]),
        ("Fusion_Id__c IN ('C-1', 'C-2')", ["O'Neil \\ Sons"]),
        ("IsDeleted = false AND AnnualRevenue = 10.5", ["Acme"]),
        ("CreatedDate = TODAY AND Name = 'Acme'", ["Acme"]),
        ("CreatedDate = YESTERDAY", []),
        ("CreatedDate > LAST_N_DAYS:3 AND Name = 'Acme'", []),
        ("CreatedDate = THIS_MONTH AND Name = 'Acme'", ["Acme"]),
        ("SystemModstamp >= 2026-01-31T10:00:00+01:00 AND Name = 'Acme'", ["Acme"]),
        ("SystemModstamp < 2026-01-31T10:00:00.123Z", []),
        ("Owner.Name = 'Integration User' AND Name = 'Acme'", ["Acme"]),
    ],
)
def test_where(accounts: Organization, where: str, found: list[str]) -> None:
    assert accounts.names(where) == found


@pytest.mark.parametrize(
    ("soql", "code", "text"),
    [
        ("SELECT Nope FROM Account", "INVALID_FIELD", "No such column 'Nope' on entity 'Account'"),
        ("SELECT Id FROM Nope__c", "INVALID_TYPE", "sObject type 'Nope__c' is not supported"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id FROM Account WHERE Name = 'a\\q'", "MALFORMED_QUERY", "Illegal character sequence"),
        ("SELECT Id FROM Account WHERE A = 1 AND B = 2 OR C = 3", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id FROM Account LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Account WHERE BillingAddress = 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Account WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD", "should not be enclosed"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD", "should be enclosed in quotes"),
        ("SELECT Id FROM Account WHERE Id = 'short'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field"),
        ("SELECT Nope.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Nope'"),
        ("SELECT Id, (SELECT Id FROM Nopes) FROM Account", "INVALID_TYPE", "relationship 'Nopes'"),
        ("SELECT Id, Id FROM Account", "MALFORMED_QUERY", "duplicate field"),
        ("SELECT CurrencyIsoCode FROM Account", "INVALID_FIELD", "CurrencyIsoCode"),
    ],
)
def test_refused_queries(org: Organization, soql: str, code: str, text: str) -> None:
    error = org.refuse_query(soql)
    assert error["errorCode"] == code
    assert text in error["message"]


def test_the_place_of_an_error_and_the_longest_query(org: Organization) -> None:
    assert "ERROR at Row:1:Column:12" in org.refuse_query("SELECT Id, Nope FROM Account")["message"]
    org.switch(multi_currency=True)
    org.create("Account", Name="Acme", CurrencyIsoCode="EUR")
    assert org.query("SELECT CurrencyIsoCode FROM Account")["records"][0]["CurrencyIsoCode"] == "EUR"
    assert org.refused("POST", "/sobjects/Account", {"Name": "B", "CurrencyIsoCode": "XXX"})["errorCode"] == (
        "INVALID_CURRENCY_ISO"
    )


def test_rows_as_they_come(accounts: Organization) -> None:
    found = accounts.query("SELECT id, name, BillingAddress, annualrevenue, CreatedDate FROM account ORDER BY Name")
    first = found["records"][0]
    assert first["attributes"]["url"].endswith(f"/sobjects/Account/{first['Id']}")
    assert (found["totalSize"], found["done"], first["AnnualRevenue"]) == (3, True, 10.5)
    assert (first["BillingAddress"]["city"], first["CreatedDate"]) == ("Ulm", "2026-11-18T11:06:40.000+0000")
    assert accounts.query("SELECT COUNT() FROM Account") == {"totalSize": 3, "done": True, "records": []}
    limited = accounts.query("SELECT Name FROM Account ORDER BY BillingCity DESC NULLS LAST, Name LIMIT 1 OFFSET 1")
    assert limited["records"][0]["Name"] == "beta_1 100%"
    nulls = accounts.query("SELECT Name FROM Account ORDER BY BillingCity")
    assert nulls["records"][0]["Name"] == "O'Neil \\ Sons"


def test_parents_and_children(org: Organization) -> None:
    parent = org.create("Account", Name="Acme", Fusion_Id__c="C-1")
    won = org.opportunity(AccountId=parent)
    alone = org.opportunity(Name="Alone")
    for quantity in (1, 2, 3):
        org.create(
            "OpportunityLineItem", OpportunityId=won, PricebookEntryId=org.entry(), Quantity=quantity, UnitPrice=2
        )
    soql = (
        "SELECT Id, Account.Fusion_Id__c, Account.Owner.Name, (SELECT Quantity, Product2.ProductCode FROM "
        "OpportunityLineItems ORDER BY Quantity) FROM Opportunity"
    )
    rows = {row["Id"]: row for row in org.query(soql)["records"]}
    assert rows[won]["Account"]["Fusion_Id__c"] == "C-1"
    assert rows[won]["Account"]["Owner"]["Name"] == "Integration User"
    lines = rows[won]["OpportunityLineItems"]
    assert (lines["totalSize"], lines["done"]) == (3, True)
    assert [line["Quantity"] for line in lines["records"]] == [1.0, 2.0, 3.0]
    assert lines["records"][0]["Product2"]["ProductCode"] == "AS100"
    assert (rows[alone]["Account"], rows[alone]["OpportunityLineItems"]) == (None, None)
    org.switch(child_page_size=2)
    page = next(row for row in org.query(soql)["records"] if row["Id"] == won)["OpportunityLineItems"]
    assert (page["done"], len(page["records"])) == (False, 2)
    assert [line["Quantity"] for line in org.ok("GET", page["nextRecordsUrl"])["records"]] == [3.0]


def test_cursors(org: Organization) -> None:
    for start in range(0, 450, 150):
        org.upsert([{"Name": f"N{n}", "Fusion_Id__c": f"C-{n}"} for n in range(start, start + 150)])
    header = {"Sforce-Query-Options": "batchSize=200"}
    soql = {"q": "SELECT Id, Name FROM Account ORDER BY SystemModstamp, Id"}
    page = org.ok("GET", "/query/", params=soql, headers=header)
    seen = [row["Id"] for row in page["records"]]
    assert (page["totalSize"], page["done"]) == (450, False)
    first = page["nextRecordsUrl"]
    assert first.endswith("-200")
    while not page["done"]:
        page = org.ok("GET", page["nextRecordsUrl"])
        seen += [row["Id"] for row in page["records"]]
    assert len(set(seen)) == len(seen) == 450
    assert "nextRecordsUrl" not in page
    org.clock.advance(2 * 86_400 + 1)
    org.login()
    assert org.refused("GET", first)["errorCode"] == "INVALID_QUERY_LOCATOR"
    assert org.refused("GET", "/query/01g000000000000AAA-200")["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_deleted_rows_through_query_all(org: Organization) -> None:
    gone = org.create("Account", Name="Gone")
    org.create("Account", Name="Here")
    org.ok("DELETE", f"/sobjects/Account/{gone}", status=204)
    assert org.names("Name != null") == ["Here"]
    assert org.names("IsDeleted = true", "queryAll") == ["Gone"]


def test_describe_shows_what_is_granted(org: Organization) -> None:
    body = org.ok("GET", "/sobjects/Account/describe")
    fields = {each["name"]: each for each in body["fields"]}
    key = fields["Fusion_Id__c"]
    assert (key["unique"], key["externalId"], key["idLookup"], key["length"]) == (True, True, True, 80)
    assert (fields["Name"]["nillable"], fields["SystemModstamp"]["updateable"]) == (False, False)
    assert {"childSObject": "Fusion_Invoice__c", "field": "Account__c", "relationshipName": "Fusion_Invoices__r"} in (
        body["childRelationships"]
    )
    org.switch(hidden_fields=["Account.Phone"], describe_external_id=False)
    fields = {each["name"]: each for each in org.ok("GET", "/sobjects/account/describe/")["fields"]}
    assert "Phone" not in fields
    assert "externalId" not in fields["Fusion_Id__c"]
    assert org.refuse_query("SELECT Phone FROM Account")["errorCode"] == "INVALID_FIELD"
    assert org.refused("POST", "/sobjects/Account", {"Name": "A", "Phone": "1"})["message"] == (
        "No such column 'Phone' on sobject of type Account"
    )
    org.switch(object_access={"Opportunity": "read", "Contact": "none"})
    listed = {each["name"]: each for each in org.ok("GET", "/sobjects")["sobjects"]}
    assert "Contact" not in listed
    assert (listed["Opportunity"]["createable"], listed["Opportunity"]["queryable"]) == (False, True)
    org.refused("GET", "/sobjects/Contact/describe", status=404)
    since = {"If-Modified-Since": "Wed, 18 Nov 2026 12:00:00 GMT"}
    assert org.send("GET", "/sobjects/Account/describe", headers=since).status_code == 304
