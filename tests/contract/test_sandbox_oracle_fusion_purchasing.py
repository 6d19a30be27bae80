"""The imitated Oracle Fusion pod takes purchase orders as its contract says, over real HTTP."""

import pytest

from connections.sandbox.oracle_fusion.ledger import LedgerError
from tests.contract.sandbox_fusion import DRAFTS, PURCHASES, paths, pod, sandbox

__all__ = ["pod", "sandbox"]


def test_a_draft_purchase_order_with_everything_in_one_call(pod):
    body = pod.purchase()
    draft = pod.made(DRAFTS, body)
    assert (draft["StatusCode"], draft["OrderNumber"][:3]) == ("INCOMPLETE", "US-")
    assert (draft["RequisitioningBU"], draft["SoldToLegalEntity"]) == ("US Operations", "US Operations Inc.")
    distribution = draft["lines"]["items"][0]["schedules"]["items"][0]["distributions"]["items"][0]
    assert (distribution["Amount"], distribution["POChargeAccount"]) == (21, "101.10.60540.000.000")
    found = pod.items(DRAFTS, q=f"Description like '*{body['ReferenceNumber']}*'")
    assert [row["POHeaderId"] for row in found] == [draft["POHeaderId"]]
    refused = pod.session.get(pod.url(DRAFTS), params={"q": "LastUpdateDate >= '2020-01-01'"}, timeout=10)
    assert refused.status_code == 400
    assert pod.session.get(pod.url(f"{DRAFTS}/{draft['POHeaderId']}"), timeout=10).status_code == 404


def test_nothing_about_a_purchase_order_is_unique(pod):
    body = pod.purchase()
    numbers = {pod.made(DRAFTS, body)["OrderNumber"] for _ in range(2)}
    assert len(numbers) == len(pod.dump("purchase_orders_by_reference")[body["ReferenceNumber"]]) == 2


@pytest.mark.parametrize(
    ("part", "change", "path"),
    [
        ("order", {"ProcurementBU": None}, "/ProcurementBU"),
        ("order", {"Supplier": "Nobody Ltd"}, "/Supplier"),
        ("order", {"Supplier": "Ironbridge Steelworks Ltd"}, "/SupplierSite"),  # its site is in another unit
        ("order", {"SupplierSite": None}, "/SupplierSite"),
        ("order", {"BuyerEmail": "nobody@pod.example"}, "/BuyerEmail"),
        ("order", {"BuyerEmail": None}, "/Buyer"),
        ("order", {"CurrencyCode": None}, "/CurrencyCode"),
        ("order", {"OrderNumber": "77"}, "/OrderNumber"),
        ("order", {"Description": "x" * 241}, "/Description"),
        ("line", {"Item": "ZZ"}, "/lines/0/Item"),
        ("line", {"Item": None, "Description": "Gravel"}, "/lines/0/Category"),
        ("line", {"Quantity": 3}, "/lines/0/schedules"),
        ("line", {"Price": -1}, "/lines/0/Price"),
        ("line", {"UOMCode": "Each"}, "/lines/0/UOMCode"),
        ("line", {"schedules": []}, "/lines/0/schedules"),
        ("schedule", {"ShipToLocation": None}, "/lines/0/schedules/0/ShipToLocation"),
        ("schedule", {"RequestedDeliveryDate": "2020-01-01"}, "/lines/0/schedules/0/RequestedDeliveryDate"),
        ("distribution", {"POChargeAccountId": None}, "/lines/0/schedules/0/distributions/0/POChargeAccountId"),
    ],
)
def test_what_a_purchase_order_is_refused_for(pod, part, change, path):
    body = pod.purchase(**(change if part == "order" else {part: change}))
    assert paths(pod.post(DRAFTS, body)) == {path}


def test_suppliers_and_sites_must_be_active(pod):
    pod.event("suppliers_arrive", suppliers=[{"name": "Closed Inc.", "inactive": True}, {"name": "Open", "sites": []}])
    assert paths(pod.post(DRAFTS, pod.purchase(Supplier="Closed Inc."))) == {"/Supplier"}
    assert paths(pod.post(DRAFTS, pod.purchase(Supplier="Open"))) == {"/SupplierSite"}


def test_a_draft_can_be_changed_and_deleted(pod):
    draft = pod.made(DRAFTS, pod.purchase({"Item": None, "Description": "Gravel", "CategoryCode": "MISC.GENERAL"}))
    href, indicator = draft["links"][0]["href"], draft["links"][0]["properties"]["changeIndicator"]
    changed = pod.session.patch(href, json={"Description": "New"}, headers={"If-Match": indicator}, timeout=10)
    assert (changed.status_code, changed.json()["Description"]) == (200, "New")
    stale = pod.session.patch(href, json={"Description": "Newer"}, headers={"If-Match": indicator}, timeout=10)
    assert paths(stale, 412) == {""}
    assert paths(pod.session.patch(href, json={"Supplier": "Other"}, timeout=10)) == {"/Supplier"}
    lines = len(pod.dump("po_distributions"))
    assert pod.session.delete(href, timeout=10).status_code == 204
    assert pod.session.get(href, timeout=10).status_code == 404
    assert len(pod.dump("po_distributions")) == lines - 1


def test_a_submitted_draft_moves_to_the_purchase_orders(pod):
    body = pod.purchase()
    draft = pod.made(DRAFTS, body)
    assert pod.act(draft, "submit", content_type="application/json").status_code == 415
    assert pod.act(draft, "submit", {"speed": "fast"}).status_code == 400
    assert pod.act(draft, "validateDocument").json() == {"result": []}
    assert pod.act(draft, "submit", {"bypassApprovalsFlag": False}).json() == {"result": "SUCCESS"}
    assert pod.act(draft, "submit").status_code == 404
    order = pod.items(PURCHASES, q=f"Description like '*{body['ReferenceNumber']}*'", expand="lines")[0]
    assert (order["POHeaderId"], order["StatusCode"], order["Total"]) == (draft["POHeaderId"], "OPEN", 21)
    assert order["lines"]["count"] == 1
    assert not pod.items(DRAFTS, q=f"POHeaderId = {draft['POHeaderId']}")


def test_a_draft_may_wait_for_an_approver(pod):
    pod.switch(po_approval="pending")
    body = pod.purchase()
    draft = pod.made(DRAFTS, body)
    assert pod.act(draft, "submit").status_code == 200
    waiting = pod.get(f"{DRAFTS}/{draft['links'][0]['href'].rpartition('/')[2]}")
    assert waiting["StatusCode"] == "PENDING APPROVAL"
    assert pod.session.delete(draft["links"][0]["href"], timeout=10).status_code == 400
    assert pod.act(draft, "withdraw", {"withdrawReason": "price"}).status_code == 200
    assert pod.act(draft, "withdraw").status_code == 400
    assert pod.act(draft, "submit").status_code == 200
    assert pod.event("purchase_order_approved")["reference"] == body["ReferenceNumber"]
    assert pod.items(PURCHASES, q=f"OrderNumber = '{draft['OrderNumber']}'")[0]["StatusCode"] == "OPEN"


def test_what_approvers_and_suppliers_do_shows_in_status_and_date(pod):
    pod.switch(po_approval="pending")
    draft = pod.made(DRAFTS, pod.purchase())
    pod.act(draft, "submit")
    assert pod.event("purchase_order_rejected")["number"] == draft["OrderNumber"]
    href = draft["links"][0]["href"]
    assert pod.session.get(href, timeout=10).json()["StatusCode"] == "REJECTED"
    assert pod.act(draft, "submit", {"bypassApprovalsFlag": "true"}).status_code == 200
    pod.event("purchase_order_closed", order=draft["OrderNumber"])
    changed = pod.items(PURCHASES, q=f"LastUpdateDate >= '{draft['LastUpdateDate']}'", orderBy="LastUpdateDate:desc")
    assert (changed[0]["POHeaderId"], changed[0]["StatusCode"]) == (draft["POHeaderId"], "CLOSED")
    with pytest.raises(LedgerError):
        pod.event("purchase_order_approved", order=draft["OrderNumber"])


def test_partners_change(pod):
    supplier = pod.event("new_supplier", name="Old Name", duns="123456789", tax_id="55-1")["supplier"]
    pod.event("supplier_changes", supplier=supplier, name="New Name", city="Elsewhere", inactive=True)
    row = pod.get(f"suppliers/{supplier}", expand="addresses")
    assert (row["Supplier"], row["Status"], row["DUNSNumber"]) == ("New Name", "INACTIVE", "123456789")
    assert row["addresses"]["items"][0]["City"] == "Elsewhere"
    customer = pod.event("new_customer")["customer"]
    pod.event("customer_changes", customer=customer, status="I", duns="987654321")
    party = pod.items("hubOrganizations", q=f"PartyId = {customer}")[0]
    assert (party["Status"], party["DUNSNumber"]) == ("I", "987654321")
