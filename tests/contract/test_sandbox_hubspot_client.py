"""The imitated HubSpot, driven by the vendor's own client: it must not notice the difference."""

from __future__ import annotations

from typing import Any

import pytest
from hubspot import HubSpot as Client
from hubspot.crm.associations.v4 import models as links
from hubspot.crm.objects import models as objects
from hubspot.crm.objects.exceptions import ApiException
from hubspot.crm.properties import models as properties
from urllib3.util.retry import Retry

from tests.contract.sandbox_hubspot import TOKEN, Account, account

__all__ = ["account"]


@pytest.fixture
def client(account: Account) -> Client:
    return Client(access_token=TOKEN, host=account.server.url, base_url=account.server.url, retry=Retry(total=0))


def company(name: str, key: str) -> Any:
    values = {"name": name, "fusion_id": key}
    return objects.SimplePublicObjectInputForCreate(properties=values, associations=[])


def test_objects(client: Client) -> None:
    api = client.crm.objects.basic_api
    created = api.create("companies", company("Acme", "1"))
    assert created.properties["name"] == "Acme"
    change = objects.SimplePublicObjectInput(properties={"city": "Ulm"})
    assert api.update("companies", created.id, change).properties["city"] == "Ulm"
    found = api.get_by_id("companies", "1", id_property="fusion_id", properties=["city", "zip"])
    assert (found.id, found.properties["city"], found.archived) == (created.id, "Ulm", False)
    assert found.created_at.utcoffset() is not None
    for number in range(12):
        api.create("companies", company(f"C{number}", f"x{number}"))
    page = api.get_page("companies", limit=10, properties=["fusion_id"])
    rest = api.get_page("companies", limit=10, after=page.paging.next.after)
    assert (len(page.results), len(rest.results), rest.paging) == (10, 3, None)
    api.archive("companies", created.id)
    with pytest.raises(ApiException) as caught:
        api.get_by_id("companies", created.id)
    assert caught.value.status == 404


def test_batches(client: Client) -> None:
    api = client.crm.objects.batch_api
    made = api.create(
        "companies",
        objects.BatchInputSimplePublicObjectBatchInputForCreate(inputs=[company("A", "1"), company("B", "2")]),
    )
    assert made.status == "COMPLETE"
    one = objects.SimplePublicObjectBatchInputUpsert(
        id="1", id_property="fusion_id", properties={"city": "Ulm"}, object_write_trace_id="a"
    )
    two = objects.SimplePublicObjectBatchInputUpsert(
        id="3", id_property="fusion_id", properties={"nope": "x"}, object_write_trace_id="b"
    )
    mixed = api.upsert("companies", objects.BatchInputSimplePublicObjectBatchInputUpsert(inputs=[one, two]))
    assert [(each.new, each.properties["city"]) for each in mixed.results] == [(False, "Ulm")]
    assert mixed.num_errors == 1
    assert mixed.errors[0].context == {"objectWriteTraceId": ["b"]}
    asked = objects.BatchReadInputSimplePublicObjectId(
        id_property="fusion_id",
        inputs=[objects.SimplePublicObjectId(id="1"), objects.SimplePublicObjectId(id="9")],
        properties=["city"],
        properties_with_history=[],
    )
    read = api.read("companies", asked)
    assert ([each.properties["city"] for each in read.results], read.errors[0].category) == (
        ["Ulm"],
        "OBJECT_NOT_FOUND",
    )
    api.archive(
        "companies",
        objects.BatchInputSimplePublicObjectId(inputs=[objects.SimplePublicObjectId(id=made.results[0].id)]),
    )


def test_search(client: Client) -> None:
    client.crm.objects.basic_api.create("companies", company("Acme GmbH", "1"))
    group = objects.FilterGroup(filters=[objects.Filter(property_name="name", operator="CONTAINS_TOKEN", value="acme")])
    request = objects.PublicObjectSearchRequest(filter_groups=[group], properties=["fusion_id"], limit=200)
    found = client.crm.objects.search_api.do_search("companies", request)
    assert (found.total, found.results[0].properties["fusion_id"]) == (1, "1")


def test_properties(client: Client) -> None:
    group = properties.PropertyGroupCreate(name="mine", label="Mine")
    client.crm.properties.groups_api.create("invoices", group)
    wanted = properties.PropertyCreate(
        name="my_key", label="Key", group_name="mine", type="string", field_type="text", has_unique_value=True
    )
    client.crm.properties.core_api.create("invoices", wanted)
    read = client.crm.properties.core_api.get_by_name("invoices", "my_key")
    assert (read.has_unique_value, read.modification_metadata.read_only_value) == (True, False)
    listed = client.crm.properties.core_api.get_all("invoices")
    assert {"my_key", "hs_currency"} <= {each.name for each in listed.results}
    many = client.crm.properties.batch_api.create("invoices", properties.BatchInputPropertyCreate(inputs=[wanted]))
    assert many.num_errors == 1


def test_associations(client: Client) -> None:
    contact = client.crm.objects.basic_api.create(
        "contacts", objects.SimplePublicObjectInputForCreate(properties={"lastname": "Ann"}, associations=[])
    ).id
    other = client.crm.objects.basic_api.create("companies", company("A", "1")).id
    api, batch = client.crm.associations.v4.basic_api, client.crm.associations.v4.batch_api
    default = api.create_default("contacts", contact, "companies", other)
    assert default.results[0].association_spec.association_type_id == 279
    spec = links.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=931)
    assert api.create("contacts", contact, "companies", other, [spec]).labels == ["Billing contact"]
    page = api.get_page("contacts", contact, "companies")
    assert [each.type_id for each in page.results[0].association_types] == [279, 931]
    ends = {"_from": links.PublicObjectId(id=contact), "to": links.PublicObjectId(id=other)}
    many = links.BatchInputPublicDefaultAssociationMultiPost(inputs=[links.PublicDefaultAssociationMultiPost(**ends)])
    assert batch.create_default("contacts", "companies", many).status == "COMPLETE"
    typed = links.BatchInputPublicAssociationMultiPost(inputs=[links.PublicAssociationMultiPost(types=[spec], **ends)])
    assert batch.create("contacts", "companies", typed).results[0].labels == ["Billing contact"]
    asked = links.BatchInputPublicFetchAssociationsBatchRequest(
        inputs=[links.PublicFetchAssociationsBatchRequest(id=contact)]
    )
    read = batch.get_page("contacts", "companies", asked)
    assert str(read.results[0].to[0].to_object_id) == other
    gone = links.PublicAssociationMultiArchive(_from=ends["_from"], to=[ends["to"]])
    batch.archive("contacts", "companies", links.BatchInputPublicAssociationMultiArchive(inputs=[gone]))
    assert api.get_page("contacts", contact, "companies").results == []


def test_errors_surface_as_its_own_exception(account: Account, client: Client) -> None:
    account.switch(tier=0)
    with pytest.raises(ApiException) as caught:
        client.crm.objects.basic_api.get_page("companies")
    assert caught.value.status == 429
    assert "TEN_SECONDLY_ROLLING" in caught.value.body


def test_a_raw_call_reaches_the_dated_version(client: Client) -> None:
    answer = client.api_request({"method": "GET", "path": "/account-info/2026-09/details"})
    assert answer.json()["companyCurrency"] == "USD"
