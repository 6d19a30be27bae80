"""The imitated Oracle Fusion pod takes sales orders as its contract says, over real HTTP."""

import threading
import time
from decimal import Decimal

import pytest
import requests

from connections.sandbox import Sandbox
from connections.sandbox.oracle_fusion.attributes import ACCOUNTS
from tests.contract.sandbox_fusion import DRAFTS, ORDERS, PURCHASES, paths, pod, sandbox

__all__ = ["pod", "sandbox"]

# Sales orders


def test_an_order_stays_a_draft_until_it_is_submitted(pod):
    order = pod.made(ORDERS, pod.order(BusinessUnitName=None, BusinessUnitId=300000000000100))
    assert (order["StatusCode"], order["SubmittedFlag"], order["OrderNumber"]) == ("DOO_DRAFT", False, None)
    assert order["BusinessUnitName"] == order["RequestingBusinessUnitName"] == "US Operations"
    pod.event("order_submitted", order=order["HeaderId"])
    assert pod.get(f"{ORDERS}/{order['OrderKey']}")["StatusCode"] == "OPEN"


@pytest.mark.parametrize("flag", [True, "true"])
def test_a_submitted_order_has_a_number_prices_and_readable_children(pod, flag):
    body = pod.order(SubmittedFlag=flag, FreezePriceFlag="false")
    order = pod.made(ORDERS, body)
    assert (order["StatusCode"], order["OpenFlag"]) == ("OPEN", True)
    assert order["lines"]["items"][0]["StatusCode"] == "CREATED"
    address = f"{ORDERS}/SFDC:{body['SourceTransactionId']}"
    line = pod.items(f"{address}/child/lines")[0]
    assert (line["UnitSellingPrice"], line["ExtendedAmount"]) == (Decimal("410.1"), Decimal("2050.5"))
    assert pod.items(f"{address}/child/billToCustomer")[0]["AccountNumber"] == pod.site["AccountNumber"]
    assert pod.items(f"{address}/child/shipToCustomer")[0]["City"] == pod.party["City"]
    totals = {row["TotalCode"]: row["TotalAmount"] for row in pod.items(f"{ORDERS}/{order['HeaderId']}/child/totals")}
    assert totals["QP_TOTAL_NET_PRICE"] == Decimal("2050.5")
    queries = [
        {"q": f"SourceTransactionId = '{body['SourceTransactionId']}' and SourceTransactionSystem = 'SFDC'"},
        {"q": f"OrderNumber = '{order['OrderNumber']}'"},
        {"finder": f"findByHeaderId;HeaderId={order['HeaderId']}"},
        {"finder": f"findBySourceOrderNumberAndSystem;SourceTransactionNumber={body['SourceTransactionNumber']},"
                   "SourceTransactionSystem=SFDC"},
    ]  # fmt: skip
    assert [pod.items(ORDERS, **query)[0]["HeaderId"] for query in queries] == [order["HeaderId"]] * 4


def test_prices_count_only_where_they_are_frozen(pod):
    component = {"PriceElementUsageCode": "NET_PRICE", "HeaderCurrencyUnitPrice": 99.5, "HeaderCurrencyCode": "USD"}
    listed = {"PriceElementUsageCode": "LIST_PRICE", "ChargeCurrencyUnitPrice": "120"}
    charge = {"SourceChargeId": "C1", "PrimaryFlag": True, "chargeComponents": [component, listed]}
    frozen = pod.made(ORDERS, pod.order({"charges": [charge]}, FreezePriceFlag=True))["lines"]["items"][0]
    amounts = [frozen[name] for name in ("UnitListPrice", "UnitSellingPrice", "ExtendedAmount")]
    assert amounts == [120, Decimal("99.5"), Decimal("497.5")]
    assert frozen["charges"]["items"][0]["chargeComponents"]["count"] == 2
    free = pod.made(ORDERS, pod.order({"charges": [charge]}))["lines"]["items"][0]
    assert free["UnitSellingPrice"] == Decimal("410.1")
    assert paths(pod.post(ORDERS, pod.order(FreezePriceFlag=True))) == {"/lines/0/charges"}
    other = {**charge, "chargeComponents": [{**component, "HeaderCurrencyCode": "EUR"}]}
    answer = pod.post(ORDERS, pod.order({"charges": [other]}, FreezePriceFlag=True))
    assert paths(answer) == {"/lines/0/charges/0/chargeComponents/0/HeaderCurrencyCode"}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"SourceTransactionId": None}, "/SourceTransactionId"),
        ({"SourceTransactionSystem": "XYZ"}, "/SourceTransactionSystem"),
        ({"BusinessUnitName": "Moon Operations"}, "/BusinessUnitName"),
        ({"BusinessUnitId": 300000000000101}, "/BusinessUnitId"),  # not the one the name says
        ({"BuyingPartyNumber": "1"}, "/BuyingPartyNumber"),
        ({"BuyingPartyNumber": 10021}, "/BuyingPartyNumber"),  # a string attribute
        ({"TransactionTypeCode": "NONE"}, "/TransactionTypeCode"),
        ({"TransactionalCurrencyCode": "XXX"}, "/TransactionalCurrencyCode"),
        ({"RequestedShipDate": "2026-12-01"}, "/RequestedShipDate"),
        ({"SubmittedFlag": "yes"}, "/SubmittedFlag"),
        ({"TotalAmount": 5}, "/TotalAmount"),
        ({"StatusCode": "OPEN"}, "/StatusCode"),
        ({"billToCustomer": [{"CustomerAccountId": 1, "SiteUseId": 2}]}, "/billToCustomer/0/CustomerAccountId"),
        ({"shipToCustomer": [{"PartyName": "Nobody"}]}, "/shipToCustomer/0/PartyName"),
        ({"lines": []}, "/lines"),
        ({"lines": {}}, "/lines"),
    ],
)
def test_what_an_order_is_refused_for(pod, changes, path):
    assert paths(pod.post(ORDERS, pod.order(**changes))) >= {path}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"SourceTransactionLineId": ""}, "SourceTransactionLineId"),
        ({"ProductNumber": "as100"}, "ProductNumber"),
        ({"OrderedQuantity": 0}, "OrderedQuantity"),
        ({"OrderedQuantity": True}, "OrderedQuantity"),
        ({"OrderedQuantity": "1e30"}, "OrderedQuantity"),
        ({"OrderedUOMCode": "EA"}, "OrderedUOMCode"),
        ({"UnitSellingPrice": 5}, "UnitSellingPrice"),
        ({"TransactionCategoryCode": "GIFT"}, "TransactionCategoryCode"),
    ],
)
def test_what_a_line_is_refused_for(pod, change, name):
    assert paths(pod.post(ORDERS, pod.order(change))) == {f"/lines/0/{name}"}


def test_sites_must_belong_and_a_name_must_mean_one_company(pod):
    other = pod.items("receivablesCustomerAccountSiteActivities", orderBy="BillToSiteUseId")[1]
    bill_to = {"CustomerAccountId": pod.site["AccountId"], "SiteUseId": other["BillToSiteUseId"]}
    assert paths(pod.post(ORDERS, pod.order(billToCustomer=[bill_to]))) == {"/billToCustomer/0/SiteUseId"}
    bill_to = {"CustomerAccountId": other["AccountId"], "SiteUseId": other["BillToSiteUseId"]}
    assert paths(pod.post(ORDERS, pod.order(billToCustomer=[bill_to]))) == {"/billToCustomer/0/CustomerAccountId"}
    ship_to = {"PartyId": other["CustomerId"], "SiteId": pod.address["AddressId"]}
    assert paths(pod.post(ORDERS, pod.order(shipToCustomer=[ship_to]))) == {"/shipToCustomer/0/PartyId"}
    twins = [{"name": "Twin Rivers", "address": f"{number} Row", "status": "A"} for number in (1, 2)]
    pod.event("customers_arrive", customers=[*twins, {"name": "Gone Fishing", "status": "I"}])
    for name in ("Twin Rivers", "Gone Fishing"):
        plain = pod.order(BuyingPartyNumber=None, BuyingPartyName=name, billToCustomer=[], shipToCustomer=[])
        assert len(paths(pod.post(ORDERS, plain))) == 1
    named = {
        "billToCustomer": [{"AccountNumber": pod.site["AccountNumber"], "Address1": pod.address["Address1"]}],
        "shipToCustomer": [{"PartyNumber": pod.party["PartyNumber"], "Address1": pod.address["Address1"]}],
    }
    order = pod.made(ORDERS, pod.order(**named))
    assert order["billToCustomer"]["items"][0]["SiteUseId"] == pod.site["BillToSiteUseId"]
    assert order["shipToCustomer"]["items"][0]["SiteId"] == pod.address["AddressId"]


def test_all_that_is_wrong_is_said_at_once_and_nothing_is_written(pod):
    before = pod.dump("sales_orders")
    assert len(paths(pod.post(ORDERS, {"lines": [{}, {"Colour": "red"}]}))) > 10
    assert pod.dump("sales_orders") == before


@pytest.mark.parametrize(("style", "orders", "rows"), [("refuse", 1, 1), ("revise", 1, 2), ("double", 2, 2)])
def test_a_second_order_under_the_same_key(pod, style, orders, rows):
    pod.switch(duplicate_orders=style, create_status=200 if style == "double" else 201)
    body = pod.order(SubmittedFlag=True)
    key = f"SFDC:{body['SourceTransactionId']}"
    first = pod.post(ORDERS, body).json()
    second = pod.post(ORDERS, {**body, "CustomerPONumber": "again"})
    if style == "refuse":
        assert paths(second) == {"/SourceTransactionId"}
        assert "already exists" in second.json()["detail"]
    else:
        assert second.status_code == (200 if style == "double" else 201)
        assert (second.json()["OrderNumber"] == first["OrderNumber"]) is (style == "revise")
        assert pod.get(f"{ORDERS}/{key}")["CustomerPONumber"] == "again"
        assert pod.get(f"{ORDERS}/{first['HeaderId']}")["CustomerPONumber"] is None
    assert len(pod.dump("orders_by_key")[key]) == orders
    assert len(pod.items(ORDERS, q=f"OrderKey = '{key}'")) == rows


def test_one_key_sent_by_many_at_once_is_one_order(pod):
    body = pod.order()
    statuses = []
    headers = dict(pod.session.headers)

    def send():
        answer = requests.post(pod.url(ORDERS), json=body, headers=headers, auth=pod.session.auth, timeout=10)
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 400, 400, 400, 400, 400]


def test_what_happens_to_an_order_shows_in_its_date(pod):
    since = pod.made(ORDERS, pod.order(SubmittedFlag=True))
    last = pod.made(ORDERS, pod.order(SubmittedFlag=True))
    assert pod.event("order_ships", order=since["OrderNumber"])["order"] == since["HeaderId"]
    assert pod.event("order_canceled")["order"] == last["HeaderId"]
    changed = {row["HeaderId"]: row for row in pod.items(ORDERS, q=f"LastUpdateDate >= '{since['CreationDate']}'")}
    closed, canceled = changed[since["HeaderId"]], changed[last["HeaderId"]]
    assert (closed["StatusCode"], closed["OpenFlag"], closed["CanceledFlag"]) == ("CLOSED", False, False)
    assert (canceled["StatusCode"], canceled["CanceledFlag"]) == ("CANCELED", True)
    assert closed["LastUpdateDate"] > since["LastUpdateDate"]


# Calls, faults, what stands afterwards


def test_content_types_bodies_and_what_is_not_offered(pod):
    body, item = pod.order(), {"Content-Type": "application/vnd.oracle.adf.resourceitem+json; charset=utf-8"}
    assert paths(pod.post(ORDERS, body, **{"Content-Type": "text/json"}), 415) == {""}
    assert pod.post(ORDERS, body, **item).status_code == 201
    for text in ("{", "[]", '{"SubmittedFlag": NaN}', ""):
        answer = pod.session.post(pod.url(ORDERS), text, headers=item, timeout=10)
        assert answer.json()["o:errorCode"] == "27521"
    assert pod.post(ORDERS, body, **{"Upsert-Mode": "true"}).status_code == 400
    assert pod.post(PURCHASES, {}).status_code == pod.session.delete(pod.url(f"{ORDERS}/1"), timeout=10).status_code
    assert pod.post(ORDERS, {**body, "additionalInformation": [{}]}).status_code == 500
    described = pod.get(f"{DRAFTS}/describe")["Resources"][DRAFTS]
    assert {"name": "create", "method": "POST"} in described["collection"]["actions"]
    pod.switch(write_forbidden=[DRAFTS])
    assert paths(pod.post(DRAFTS, pod.purchase()), 403) == {""}
    assert len(pod.get(f"{DRAFTS}/describe")["Resources"][DRAFTS]["collection"]["actions"]) == 1


@pytest.mark.parametrize(
    ("kind", "settings", "written"),
    [("cut_after", {}, 1), ("status", {"status": 500, "apply": True}, 1), ("cut_before", {}, 0), ("html", {}, 0)],
)
def test_a_lost_answer_leaves_what_an_answered_call_leaves(pod, kind, settings, written):
    answered, lost = pod.order(SubmittedFlag=True), pod.order(SubmittedFlag=True)
    pod.made(ORDERS, answered)
    pod.sandbox.reset_stats()
    pod.sandbox.faults.add(kind, method="POST", times=1, **settings)
    try:
        assert pod.post(ORDERS, lost).status_code >= 500
    except requests.ConnectionError:
        assert kind.startswith("cut")
    orders = pod.dump("orders_by_key")
    found = orders.get(f"SFDC:{lost['SourceTransactionId']}", [])
    whole = orders[f"SFDC:{answered['SourceTransactionId']}"][0]
    renamed = {name: value for name, value in whole.items() if not name.startswith(("Source", "OrderKey"))}
    assert [{name: order[name] for name in renamed} for order in found] == [renamed] * written
    calls = pod.sandbox.recorder.calls
    assert [(call.method, call.applied) for call in calls] == [("POST", bool(written))]


def test_open_receivables_follow_the_balances(pod):
    pod.event("invoices_arrive", count=7, lines=2)
    pod.event("customer_pays", amount="12.34")
    pod.event("credit_memo_for")
    owed = dict.fromkeys((row["CustomerId"] for row in pod.dump("activities").values()), Decimal(0))
    for invoice in pod.dump("invoices").values():
        owed[invoice["BillToPartyId"]] += Decimal(str(invoice["InvoiceBalanceAmount"]))
    shown = pod.items("receivablesCustomerAccountActivities", limit=500)
    assert {row["CustomerId"]: row["TotalOpenReceivablesForAccount"] for row in shown} == owed


def test_thousands_of_described_customers_arrive_in_a_moment():
    described = [
        {"name": f"Company {number}", "tax_id": f"T{number}", "duns": f"{number:09d}", "city": "Springfield"}
        for number in range(3000)
    ]
    with Sandbox(seed="empty", systems=("oracle_fusion",)) as system:
        started = time.monotonic()
        arrived = system.world.run("customers_arrive", {"customers": described})["customers"]
        assert time.monotonic() - started < 10
        account = system.systems["oracle_fusion"].records.get(ACCOUNTS, arrived[2999])
    assert (account["DUNSNumber"], account["TaxpayerIdentificationNumber"]) == ("000002999", "T2999")
