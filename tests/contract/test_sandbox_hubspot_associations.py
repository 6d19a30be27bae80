"""The imitated HubSpot: associations, their types and their direction."""

from __future__ import annotations

from typing import Any

import pytest

from connections.sandbox.hubspot.association_types import ASSOCIATION_TYPES
from connections.sandbox.hubspot.kinds import KINDS
from tests.contract.sandbox_hubspot import Account, account

__all__ = ["account"]

BATCH = {"v4": "/crm/v4/associations", "2026-09": "/crm/associations/2026-09"}
SINGLE = {"v4": "/crm/v4/objects", "2026-09": "/crm/objects/2026-09"}
VERSIONS = list(BATCH)


def pair(source: str, target: str, *types: int) -> dict[str, Any]:
    item: dict[str, Any] = {"from": {"id": source}, "to": {"id": target}}
    specs = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number} for number in types]
    return item | ({"types": specs} if types else {})


def read(account: Account, source: str, key: str, target: str) -> dict[str, list[int]]:
    """Association types by associated id, through the batch read."""
    path = f"{BATCH['2026-09']}/{source}/{target}/batch/read"
    results = account.ok("POST", path, {"inputs": [{"id": key}]})["results"]
    return {
        to["toObjectId"]: [each["typeId"] for each in to["associationTypes"]]
        for result in results
        for to in result["to"]
    }


CONTRACT = [
    ("invoices", "contacts", 177, 178),
    ("invoices", "companies", 179, 180),
    ("invoices", "line_items", 409, 410),
    ("invoices", "commerce_payments", 541, 542),
    ("commerce_payments", "contacts", 387, 388),
    ("commerce_payments", "companies", 389, 390),
    ("commerce_payments", "line_items", 395, 396),
    ("contacts", "companies", 279, 280),
]
MADE = {
    "invoices": {"hs_currency": "EUR"},
    "companies": {"name": "Acme"},
    "commerce_payments": {"hs_initial_amount": "1", "hs_initiated_date": "2026-11-22T00:00:00Z"},
}


def made(account: Account, kind: str) -> str:
    return account.create(kind, **MADE.get(kind, {}))


@pytest.mark.parametrize(("source", "target", "forth", "back"), CONTRACT)
def test_default_associations_have_the_documented_ids(
    account: Account, source: str, target: str, forth: int, back: int
) -> None:
    a, b = made(account, source), made(account, target)
    account.associate(source, a, target, b)
    account.associate(target, b, source, a)
    assert read(account, source, a, target) == {b: [forth]}
    assert read(account, target, b, source) == {a: [back]}


def test_every_type_has_its_inverse() -> None:
    for each in ASSOCIATION_TYPES.values():
        inverse = ASSOCIATION_TYPES[each.inverse]
        assert (inverse.source, inverse.target, inverse.inverse) == (each.target, each.source, each.id)
    assert {each.source for each in ASSOCIATION_TYPES.values()} == set(KINDS)


@pytest.mark.parametrize("version", VERSIONS)
def test_default_batch_and_its_errors(account: Account, version: str) -> None:
    contact, company = made(account, "contacts"), made(account, "companies")
    path = f"{BATCH[version]}/contacts/0-2/batch/associate/default"
    good = account.ok("POST", path, {"inputs": [pair(contact, company)]})
    assert good["results"] == [
        {
            "from": {"id": contact},
            "to": {"id": company},
            "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279},
        }
    ]
    account.ok("POST", path, {"inputs": [pair(contact, company)]})
    status = 207 if version == "v4" else 200
    mixed = account.ok("POST", path, {"inputs": [pair(contact, company), pair(contact, "1")]}, status)
    assert (mixed["numErrors"], mixed["errors"][0]["context"]["ids"]) == (1, ["1"])
    assert len(mixed["results"]) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_batch_create_with_types(account: Account, version: str) -> None:
    contact, company = made(account, "contacts"), made(account, "companies")
    path = f"{BATCH[version]}/contacts/companies/batch/create"
    answer = account.ok("POST", path, {"inputs": [pair(contact, company, 931)]}, 201)
    assert answer["results"][0]["labels"] == ["Billing contact"]
    assert read(account, "contacts", contact, "companies") == {company: [279, 931]}
    assert read(account, "companies", company, "contacts") == {contact: [280, 930]}


@pytest.mark.parametrize("type_id", [280, 177, 181, 3])
def test_a_type_of_another_direction_is_refused(account: Account, type_id: int) -> None:
    contact, company = made(account, "contacts"), made(account, "companies")
    path = f"{BATCH['2026-09']}/contacts/companies/batch/create"
    account.refused("POST", path, {"inputs": [pair(contact, company, type_id)]})
    account.refused("POST", path, {"inputs": [pair(contact, company)]})
    assert read(account, "contacts", contact, "companies") == {}


def test_there_is_no_default_between_companies(account: Account) -> None:
    parent, child = made(account, "companies"), made(account, "companies")
    path = f"{BATCH['2026-09']}/companies/companies/batch"
    account.refused("POST", f"{path}/associate/default", {"inputs": [pair(parent, child)]})
    account.ok("POST", f"{path}/create", {"inputs": [pair(parent, child, 13)]}, 201)
    assert read(account, "companies", parent, "companies") == {child: [13]}
    assert read(account, "companies", child, "companies") == {parent: [14]}


@pytest.mark.parametrize(("call", "most"), [("associate/default", 2000), ("create", 2000), ("read", 1000)])
def test_the_largest_batches(account: Account, call: str, most: int) -> None:
    inputs = [pair(str(n), str(n), 279) | {"id": str(n)} for n in range(most + 1)]
    path = f"{BATCH['v4']}/contacts/companies/batch/{call}"
    account.refused("POST", path, {"inputs": inputs})
    account.ok("POST", path, {"inputs": inputs[:most]}, 207)


def test_a_single_association_with_types(account: Account) -> None:
    contact, company = made(account, "contacts"), made(account, "companies")
    path = f"{SINGLE['v4']}/contacts/{contact}/associations"
    spec = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    account.ok("PUT", f"{path}/companies/{company}", spec, 201)
    answer = account.ok("GET", f"{path}/companies")
    assert answer["results"][0]["associationTypes"] == [
        {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"},
        {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": None},
    ]
    account.ok("DELETE", f"{path}/companies/{company}", status=204)
    account.ok("DELETE", f"{path}/companies/{company}", status=204)
    assert account.ok("GET", f"{path}/companies")["results"] == []
    account.refused("PUT", f"{path}/companies/1", spec, 404)
    account.refused("PUT", f"{path}/default/companies/1", status=404)
    account.refused("PUT", f"{path}/companies/{company}", {"types": 1})


def test_the_single_read_is_not_part_of_the_dated_versions(account: Account) -> None:
    contact = made(account, "contacts")
    path = f"{SINGLE['2026-09']}/contacts/{contact}/associations/companies"
    account.refused("GET", path, status=404)
    account.switch(dated_single_association_read=True)
    account.ok("GET", path)


def test_one_primary_company_per_contact(account: Account) -> None:
    contact = made(account, "contacts")
    first, second = made(account, "companies"), made(account, "companies")
    path = f"{BATCH['2026-09']}/contacts/companies/batch/create"
    account.ok("POST", path, {"inputs": [pair(contact, first, 1)]}, 201)
    account.ok("POST", path, {"inputs": [pair(contact, first, 1), pair(contact, second, 1)]}, 201)
    assert read(account, "contacts", contact, "companies") == {first: [279], second: [1, 279]}
    assert read(account, "companies", second, "contacts") == {contact: [2, 280]}


def test_reads_come_in_pages(account: Account) -> None:
    account.switch(association_page=2, shuffle=False)
    company = made(account, "companies")
    contacts = [made(account, "contacts") for _ in range(5)]
    for contact in contacts:
        account.associate("contacts", contact, "companies", company)
    path, found, item = f"{BATCH['2026-09']}/companies/contacts/batch/read", [], {"id": company}
    while True:
        result = account.ok("POST", path, {"inputs": [item]})["results"][0]
        found += [to["toObjectId"] for to in result["to"]]
        if "paging" not in result:
            break
        item = {"id": company, "after": result["paging"]["next"]["after"]}
    assert found == contacts
    single = account.ok("GET", f"{SINGLE['v4']}/companies/{company}/associations/contacts?limit=1")
    assert len(single["results"]) == 1


def test_records_without_associations_and_missing_ones(account: Account) -> None:
    company = made(account, "companies")
    path = f"{BATCH['v4']}/companies/contacts/batch/read"
    assert account.ok("POST", path, {"inputs": [{"id": company}]})["results"] == []
    account.switch(empty_association_reads="empty")
    assert account.ok("POST", path, {"inputs": [{"id": company}]})["results"] == [{"from": {"id": company}, "to": []}]
    missing = account.ok("POST", path, {"inputs": [{"id": company}, {"id": "1"}]}, 207)
    assert missing["errors"][0]["category"] == "OBJECT_NOT_FOUND"


def test_associated_ids_may_be_numbers(account: Account) -> None:
    contact, company = made(account, "contacts"), made(account, "companies")
    account.associate("contacts", contact, "companies", company)
    account.switch(numeric_association_ids=True)
    assert read(account, "contacts", contact, "companies") == {int(company): [279]}


@pytest.mark.parametrize(("version", "status"), [("v4", 204), ("2026-09", 200)])
def test_removing_in_batches(account: Account, version: str, status: int) -> None:
    contact = made(account, "contacts")
    first, second = made(account, "companies"), made(account, "companies")
    for company in (first, second):
        account.associate("contacts", contact, "companies", company)
    body = {"inputs": [{"from": {"id": contact}, "to": [{"id": first}]}]}
    account.ok("POST", f"{BATCH[version]}/contacts/companies/batch/archive", body, status)
    assert read(account, "contacts", contact, "companies") == {second: [279]}
    assert read(account, "companies", first, "contacts") == {}


def test_labels_can_be_removed_alone(account: Account) -> None:
    contact, company = made(account, "contacts"), made(account, "companies")
    path = f"{BATCH['v4']}/contacts/companies/batch"
    account.ok("POST", f"{path}/create", {"inputs": [pair(contact, company, 931)]}, 201)
    account.ok("POST", f"{path}/labels/archive", {"inputs": [pair(contact, company, 931)]}, 204)
    assert read(account, "contacts", contact, "companies") == {company: [279]}


@pytest.mark.parametrize("attached", [True, False])
def test_an_account_may_attach_contacts_by_their_domain(account: Account, attached: bool) -> None:
    account.switch(attach_by_domain=attached)
    company = account.create("companies", name="Acme", domain="Acme.example")
    account.create("companies", domain="other.example")
    contact = account.create("contacts", email="ann@acme.example")
    assert read(account, "contacts", contact, "companies") == ({company: [279]} if attached else {})


def test_labels_are_listed(account: Account) -> None:
    found = account.ok("GET", f"{BATCH['v4']}/contacts/companies/labels")["results"]
    assert {each["typeId"]: each["label"] for each in found} == {279: None, 1: "Primary", 931: "Billing contact"}


def test_archiving_a_record_takes_its_associations_away(account: Account) -> None:
    contact, company = made(account, "contacts"), made(account, "companies")
    account.associate("contacts", contact, "companies", company)
    account.ok("DELETE", f"{SINGLE['2026-09']}/companies/{company}", status=204)
    assert read(account, "contacts", contact, "companies") == {}
