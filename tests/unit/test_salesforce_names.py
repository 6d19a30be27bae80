"""Names are data: an org's own objects and fields, pasted addresses, and what a deployment says."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

import pytest

from connections.connectors import registry
from connections.connectors.salesforce.connector import my_domain
from connections.connectors.salesforce.metadata import package
from connections.connectors.salesforce.schema import KINDS, Schema, is_custom, parse_names, relation

SALESFORCE = registry.get("salesforce")
GIVEN = {"my_domain_url": "https://larkfield.my.salesforce.com", "client_id": "3MVG9"}
NAMES = "invoice.Balance__c = Open__c,\ninvoice.Account__c = Buyer__c"


@pytest.mark.parametrize(
    ("pasted", "address"),
    [
        ("larkfield.my.salesforce.com", "https://larkfield.my.salesforce.com"),
        ("https://Larkfield.my.salesforce.com/lightning/page/home", "https://larkfield.my.salesforce.com"),
        ("https://larkfield.lightning.force.com/lightning", "https://larkfield.my.salesforce.com"),
        ("https://larkfield--uat.sandbox.lightning.force.com", "https://larkfield--uat.sandbox.my.salesforce.com"),
        ("http://127.0.0.1:9101", "http://127.0.0.1:9101"),
        ("https://login.salesforce.com", ""),
        ("https://test.salesforce.com/", ""),
        ("https://user@larkfield.my.salesforce.com", ""),
        ("", ""),
    ],
)
def test_pasted_addresses(pasted: str, address: str) -> None:
    assert my_domain(pasted) == address


def test_settings_are_put_right() -> None:
    cleaned = SALESFORCE.clean({**GIVEN, "api_version": "67"})
    assert cleaned["api_version"] == "v67.0"
    assert cleaned["invoice_object"] == "Fusion_Invoice__c"
    assert SALESFORCE.clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("my_domain_url", "https://login.salesforce.com"),
        ("client_id", ""),
        ("api_version", "newest"),
        ("reserve", "91"),
        ("page_size", "0"),
        ("bulk_above", "x"),
        ("parallel", "9"),
        ("invoice_object", "Invoice; DROP"),
        ("field_names", "invoice.Nothing__c = X__c"),
        ("field_names", "invoice.Balance__c = X) FROM"),
        ("duplicates", "maybe"),
    ],
)
def test_wrong_settings_are_named(name: str, value: str) -> None:
    with pytest.raises(ValueError) as caught:
        SALESFORCE.clean({**GIVEN, name: value})
    assert list(caught.value.args[0]) == [name]


def test_documents_are_translated_both_ways() -> None:
    schema = Schema({"invoice_object": "Bill__c", "field_names": NAMES})
    ours = {"Balance__c": 1, "Number__c": "7", "Account__r": {"Fusion_Id__c": "C-1"}}
    theirs = {"Open__c": 1, "Number__c": "7", "Buyer__r": {"Fusion_Id__c": "C-1"}}
    assert schema.object_of("invoice") == "Bill__c"
    assert schema.out("invoice", ours) == theirs
    assert schema.back("invoice", {**theirs, "attributes": {"type": "Bill__c"}}) == ours
    assert schema.field("invoice", "Account__r.Fusion_Id__c") == "Buyer__r.Fusion_Id__c"
    assert schema.object_of("Product2") == "Product2"


def test_relations_and_whose_a_name_is() -> None:
    assert (relation("Account__c"), relation("BillingAccountId")) == ("Account__r", "BillingAccount")
    assert [is_custom(name) for name in ("X__c", "Invoice", "blng__Invoice__c")] == [True, False, False]
    assert parse_names("") == {}


def test_fields_of_a_package_or_standard_are_not_ours_to_make() -> None:
    schema = Schema({"field_names": "invoice.Balance__c = blng__Balance__c, invoice.Tax__c = TotalTax"})
    names = {field.name for field in schema.creatable("invoice")}
    assert "Amount__c" in names
    assert not names & {"Balance__c", "Tax__c"}


def test_a_deployment_names_what_it_holds() -> None:
    schema = Schema({})
    fields = {key: kind.fields for key, kind in KINDS.items()}
    own = [key for key, kind in KINDS.items() if not kind.standard]
    archive = zipfile.ZipFile(io.BytesIO(package(schema, own, fields, fields, "v66.0")))
    trees = {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}  # noqa: S314
    space = "{http://soap.sforce.com/2006/04/metadata}"
    manifest = {member.text for member in trees["package.xml"].iter(f"{space}members")}
    assert {"Fusion_Invoice__c", "Account.Fusion_Id__c", "Fusion_Sync"} <= manifest
    assert "Account" not in manifest
    assert len(trees["objects/Account.object"].findall(f"{space}fields")) == len(KINDS["account"].fields)
    assert trees["objects/Account.object"].find(f"{space}label") is None
    for kind in KINDS.values():
        assert f"objects/{kind.object}.object" in trees
    granted = {each.text for each in trees["permissionsets/Fusion_Sync.permissionset"].iter(f"{space}field")}
    assert granted == {f"{kind.object}.{field.name}" for kind in KINDS.values() for field in kind.fields}
    digits = {
        field.findtext(f"{space}fullName"): (field.findtext(f"{space}precision"), field.findtext(f"{space}scale"))
        for tree in trees.values()
        for field in tree.findall(f"{space}fields")
    }
    assert digits["Amount__c"] == digits["Fusion_Open_Balance__c"] == ("18", "3")
    assert digits["Quantity__c"] == digits["Unit_Price__c"] == ("18", "6")
    assert digits["Status__c"] == (None, None)
    lookups = [
        (field.findtext(f"{space}deleteConstraint"), field.findtext(f"{space}required"))
        for tree in trees.values()
        for field in tree.findall(f"{space}fields")
        if field.findtext(f"{space}type") == "Lookup"
    ]
    assert set(lookups) == {("SetNull", "false")}
