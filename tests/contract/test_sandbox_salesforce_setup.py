"""Deployments, permission sets, bulk jobs and composite requests of the imitated Salesforce."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.sandbox_salesforce import DATA, Organization, org, xml

__all__ = ["org"]

KEY = (
    "<fields><fullName>Fusion_Id__c</fullName><label>Fusion Id</label><type>Text</type><length>80</length>"
    "<externalId>true</externalId><unique>true</unique><caseSensitive>false</caseSensitive></fields>"
)
LOOKUP = (
    "<fields><fullName>Account__c</fullName><label>Account</label><type>Lookup</type><referenceTo>Account</referenceTo>"
    "<relationshipName>Bills</relationshipName><deleteConstraint>SetNull</deleteConstraint></fields>"
)
FORMULA = (
    "<fields><fullName>Shown__c</fullName><label>Shown</label><type>Text</type>"
    "<formula>Account__r.Name</formula></fields>"
)
LOOSE = KEY.replace("Fusion_Id__c", "Loose__c").replace("<unique>true</unique>", "<unique>false</unique>")
BILL = xml(
    "CustomObject",
    "<label>Bill</label><pluralLabel>Bills</pluralLabel><nameField><type>AutoNumber</type><label>No</label></nameField>"
    f"<deploymentStatus>Deployed</deploymentStatus><sharingModel>ReadWrite</sharingModel>{KEY}{LOOKUP}{FORMULA}",
)


def grant(*fields: str, edit: bool = True) -> str:
    inner = "".join(
        f"<fieldPermissions><field>{name}</field><readable>true</readable>"
        f"<editable>{str(edit and 'Shown' not in name).lower()}</editable></fieldPermissions>"
        for name in fields
    )
    rights = "".join(f"<{right}>true</{right}>" for right in ("allowRead", "allowCreate", "allowEdit", "allowDelete"))
    objects = f"<objectPermissions><object>Bill__c</object>{rights}</objectPermissions>"
    return xml("PermissionSet", f"<label>Sync</label>{inner}{objects}")


FIELDS = ("Account.Fusion_Id__c", "Account.Loose__c", "Bill__c.Fusion_Id__c", "Bill__c.Account__c", "Bill__c.Shown__c")
FILES = {
    "package.xml": xml("Package", "<types><members>Bill__c</members><name>CustomObject</name></types>"),
    "objects/Account.object": xml("CustomObject", KEY + LOOSE),
    "objects/Bill__c.object": BILL,
    "permissionsets/Sync.permissionset": grant(*FIELDS),
}


@pytest.fixture
def bare() -> Iterator[Organization]:
    opened = Organization(seed="empty")
    yield opened
    opened.stop()


def assign(org: Organization) -> None:
    found = org.query("SELECT Id FROM PermissionSet WHERE Name = 'Sync'")["records"][0]["Id"]
    user = org.query("SELECT Id FROM User WHERE Name = 'Integration User'")["records"][0]["Id"]
    pair = {"AssigneeId": user, "PermissionSetId": found}
    org.create("PermissionSetAssignment", **pair)
    assert org.refused("POST", "/sobjects/PermissionSetAssignment", pair)["errorCode"] == "DUPLICATE_VALUE"


def test_what_is_deployed_is_seen_once_it_is_granted(bare: Organization) -> None:
    preview = bare.deploy(FILES, checkOnly=True)
    assert (preview["status"], preview["success"], preview["checkOnly"]) == ("Succeeded", True, True)
    assert bare.query("SELECT COUNT() FROM PermissionSet")["totalSize"] == 0
    done = bare.deploy(FILES)
    assert (done["numberComponentsDeployed"], done["numberComponentErrors"]) == (7, 0)
    bare.refused("GET", "/sobjects/Bill__c/describe", status=404)
    assert bare.refuse_query("SELECT Fusion_Id__c FROM Account")["errorCode"] == "INVALID_FIELD"
    assign(bare)
    account = bare.create("Account", Name="A", Fusion_Id__c="C-1")
    made = bare.ok("PATCH", "/sobjects/Bill__c/Fusion_Id__c/1", {"Account__r": {"Fusion_Id__c": "C-1"}}, 201)
    assert made["id"].startswith("a0")
    before = bare.stamp("Bill__c", made["id"])
    bare.clock.advance(60)
    bare.ok("PATCH", f"/sobjects/Account/{account}", {"Name": "B"}, 204)
    row = bare.query("SELECT Shown__c, SystemModstamp FROM Bill__c WHERE Shown__c = 'b'")["records"][0]
    assert (row["Shown__c"], row["SystemModstamp"]) == ("B", before)
    children = bare.query("SELECT Id, (SELECT Fusion_Id__c FROM Bills__r) FROM Account")["records"][0]
    assert children["Bills__r"]["records"][0]["Fusion_Id__c"] == "1"


def test_a_key_that_is_not_unique(bare: Organization) -> None:
    bare.deploy(FILES)
    assign(bare)
    for _ in range(2):
        bare.create("Account", Name="A", Loose__c="x")
    answer = bare.send("PATCH", "/sobjects/Account/Loose__c/x", {"Fax": "1"})
    assert (answer.status_code, len(answer.json())) == (300, 2)
    bare.switch(view_all=False)
    assert bare.refused("PATCH", "/sobjects/Account/Loose__c/x", {}, 403)["errorCode"] == "INSUFFICIENT_ACCESS"


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("objects/Bill__c.object", "<pluralLabel>Bills</pluralLabel>", "", "pluralLabel"),
        ("objects/Bill__c.object", "<relationshipName>Bills</relationshipName>", "", "relationshipName"),
        ("objects/Bill__c.object", "<referenceTo>Account", "<referenceTo>Nope", "does not resolve"),
        ("objects/Account.object", "<length>80</length>", "", "length"),
        ("objects/Account.object", "<type>Text", "<type>Date", "externalId"),
        ("objects/Account.object", "Fusion_Id__c", "Fusion Id", "valid developer name"),
        ("permissionsets/Sync.permissionset", "Account.Loose__c", "Account.Nope__c", "no CustomField named"),
        ("permissionsets/Sync.permissionset", "Account.Loose__c", "Account.Name", "required field"),
        ("package.xml", "Bill__c", "Other__c", "no source file"),
    ],
)
def test_a_bad_component_takes_everything_back(bare: Organization, file: str, old: str, new: str, problem: str) -> None:
    result = bare.deploy(FILES | {file: FILES[file].replace(old, new)})
    assert (result["status"], result["success"]) == ("Failed", False)
    assert problem in str(result["details"]["componentFailures"])
    assert bare.query("SELECT COUNT() FROM PermissionSet")["totalSize"] == 0


def test_deployments_that_cannot_start(bare: Organization) -> None:
    bare.switch(deploy_strings=True)
    result = bare.deploy({"objects/Account.object": "<x/>"})
    assert (result["success"], result["errorMessage"]) == ("false", "No package.xml found")
    bare.refused("GET", "/metadata/deployRequest/0Af000000000000AAA", status=404)
    assert bare.refused("POST", "/metadata/deployRequest", {})["errorCode"] == "INVALID_MULTIPART_REQUEST"
    bare.switch(may_deploy=False)
    bare.refused("POST", "/metadata/deployRequest", {}, 403)


JOB = {"object": "Fusion_Invoice__c", "operation": "upsert", "externalIdFieldName": "Fusion_Id__c"}


def bulk(org: Organization, rows: str, **settings: str) -> tuple[str, dict[str, object]]:
    job = org.ok("POST", "/jobs/ingest/", JOB | settings)
    assert (job["state"], job["contentUrl"][0], job["apiVersion"]) == ("Open", "s", 66.0)
    path, kind = f"{DATA}/jobs/ingest/{job['id']}", {"Content-Type": "text/csv; charset=UTF-8"}
    sent = org.session.put(f"{org.server.url}/{job['contentUrl']}", data=rows.encode(), headers=kind, timeout=10)
    assert (sent.status_code, sent.content) == (201, b"")
    assert org.ok("PATCH", path, {"state": "UploadComplete"})["state"] == "UploadComplete"
    while (state := org.ok("GET", path))["state"] == "InProgress":
        pass
    return path, state


def test_a_bulk_job(org: Organization) -> None:
    org.upsert([{"Name": "A", "Fusion_Id__c": "C-1"}])
    org.upsert([{"Fusion_Id__c": "I-1", "Number__c": "1", "Status__c": "Open"}], "Fusion_Invoice__c")
    rows = "Fusion_Id__c,Account__r.Fusion_Id__c,Number__c,Status__c,Amount__c\n"
    rows += "I-1,C-1,,#N/A,10.5\nI-2,C-9,2,Open,1\nI-3,C-1,3,Open,\nI-4,C-1,4,Open,much\n"
    path, state = bulk(org, rows)
    assert (state["state"], state["numberRecordsProcessed"], state["numberRecordsFailed"]) == ("JobComplete", 4, 2)
    good = org.send("GET", f"{path}/successfulResults/").text.splitlines()
    assert good[0].startswith('"sf__Id","sf__Created","Fusion_Id__c"')
    assert [line.split(",")[1:3] for line in good[1:]] == [['"true"', '"I-3"'], ['"false"', '"I-1"']]
    bad = org.send("GET", f"{path}/failedResults").text
    assert "Foreign key external ID: C-9" in bad
    assert "INVALID_TYPE_ON_FIELD_IN_RECORD" in bad
    assert len(org.send("GET", f"{path}/unprocessedrecords").text.splitlines()) == 1
    row = org.ok("GET", "/sobjects/Fusion_Invoice__c/Fusion_Id__c/I-1")
    assert (row["Number__c"], row["Status__c"], row["Amount__c"]) == ("1", None, 10.5)
    org.ok("DELETE", path, status=204)
    org.refused("GET", path, status=404)


def test_bulk_jobs_that_fail(org: Organization) -> None:
    assert "LineEnding is invalid" in str(bulk(org, "Fusion_Id__c\r\nI-1\r\n")[1]["errorMessage"])
    path, state = bulk(org, "Fusion_Id__c,Nope__c\nI-1,2\n")
    assert (state["state"], state["errorMessage"]) == ("Failed", "InvalidBatch : Field name not found : Nope__c")
    assert "I-1" in org.send("GET", f"{path}/unprocessedrecords/").text
    assert org.refused("PATCH", path, {"state": "UploadComplete"})["errorCode"] == "INVALIDJOBSTATE"
    assert org.refused("POST", "/jobs/ingest", JOB | {"object": "Nope"})["errorCode"] == "INVALIDENTITY"
    assert org.refused("POST", "/jobs/ingest", JOB | {"externalIdFieldName": "Name"})["errorCode"] == "INVALIDJOB"
    job = org.ok("POST", "/jobs/ingest", JOB)
    assert org.ok("PATCH", f"/jobs/ingest/{job['id']}", {"state": "Aborted"})["state"] == "Aborted"


def part(method: str, url: str, reference: str, body: object = None) -> dict[str, object]:
    return {"method": method, "url": DATA + url, "referenceId": reference, "body": body}


def test_composite(org: Organization) -> None:
    parts = [
        part("POST", "/sobjects/Account", "a", {"Name": "A"}),
        part("GET", "/query?q=SELECT+Id+FROM+Account+WHERE+Id='@{a.id}'", "q"),
        part("POST", "/sobjects/Fusion_Invoice__c", "i", {"Account__c": "@{q.records[0].Id}", "Fusion_Id__c": "I-1"}),
        part("PATCH", "/sobjects/Account/@{nope.id}", "x", {"Fax": "1"}),
    ]
    answers = org.ok("POST", "/composite", {"compositeRequest": parts})["compositeResponse"]
    assert [each["httpStatusCode"] for each in answers] == [201, 200, 201, 400]
    assert answers[3]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert org.salesforce.org.usage.used() == 1
    bad = [part("POST", "/sobjects/Account", "b", {"Name": "B"}), part("POST", "/sobjects/Account", "c", {})]
    answers = org.ok("POST", "/composite", {"allOrNone": True, "compositeRequest": bad})["compositeResponse"]
    codes = [each["body"][0]["errorCode"] for each in answers]
    assert codes == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    assert org.names("Name != null") == ["A"]
    graphs = [{"graphId": "1", "compositeRequest": bad}, {"graphId": "2", "compositeRequest": bad[:1]}]
    done = org.ok("POST", "/composite/graph", {"graphs": graphs})["graphs"]
    assert [each["isSuccessful"] for each in done] == [False, True]
    many = [part("GET", "/query?q=x", f"r{n}") for n in range(6)]
    assert org.refused("POST", "/composite", {"compositeRequest": many})["errorCode"] == "LIMIT_EXCEEDED"
    many = [part("GET", "/limits", f"r{n}") for n in range(26)]
    assert org.refused("POST", "/composite", {"compositeRequest": many})["errorCode"] == "LIMIT_EXCEEDED"


def test_batches_and_trees(org: Organization) -> None:
    parts = [{"method": "GET", "url": f"v66.0/{name}"} for name in ("limits", "nope", "limits")]
    done = org.ok("POST", "/composite/batch", {"batchRequests": parts, "haltOnError": True})
    assert (done["hasErrors"], [each["statusCode"] for each in done["results"]]) == (True, [200, 404, 412])
    assert org.salesforce.org.usage.used() == 3
    child = {"attributes": {"type": "Contact", "referenceId": "c"}, "LastName": "Ann"}
    root = {"attributes": {"type": "Account", "referenceId": "r"}, "Name": "A", "Contacts": {"records": [child]}}
    made = org.ok("POST", "/composite/tree/Account", {"records": [root]}, 201)
    assert [each["referenceId"] for each in made["results"]] == ["r", "c"]
    bad = root | {"Contacts": {"records": [{"attributes": child["attributes"]}]}}
    refused = org.ok("POST", "/composite/tree/Account", {"records": [bad]}, 400)
    assert [each["referenceId"] for each in refused["results"]] == ["c"]
    assert org.query("SELECT COUNT() FROM Contact WHERE Account.Name = 'A'")["totalSize"] == 1
