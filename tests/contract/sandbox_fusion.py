"""A careful caller of the imitated Oracle Fusion pod, with bodies of orders that the pod takes as they are."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from connections.sandbox import Sandbox
from connections.sandbox.oracle_fusion import DEMO_CREDENTIALS
from connections.sandbox.oracle_fusion.switches import defaults

ORDERS, DRAFTS, PURCHASES = "salesOrdersForOrderHub", "draftPurchaseOrders", "purchaseOrders"
ACTION = "application/vnd.oracle.adf.action+json"
HEADERS = {"Accept": "application/json, application/vnd.oracle.adf.error+json", "REST-Framework-Version": "4"}
ORDER = {
    "SourceTransactionSystem": "SFDC",
    "BusinessUnitName": "US Operations",
    "TransactionTypeCode": "STD",
    "TransactionalCurrencyCode": "USD",
}
ORDER_LINE = {
    "SourceTransactionLineId": "00k1",
    "SourceTransactionLineNumber": "1",
    "ProductNumber": "AS100",
    "OrderedQuantity": 5,
    "OrderedUOMCode": "Ea",
}
PURCHASE = {
    "ProcurementBU": "US Operations",
    "Supplier": "Pacific Rim Components Inc.",
    "SupplierSite": "MAIN",
    "CurrencyCode": "USD",
    "BuyerEmail": "ellen.marsh@pod.example",
}
PURCHASE_LINE = {"LineNumber": 1, "LineType": "Goods", "Item": "AS100", "Quantity": 2, "UOMCode": "Ea", "Price": 10.5}
SCHEDULE = {"ScheduleNumber": 1, "Quantity": 2, "ShipToLocation": "Headquarters"}
DISTRIBUTION = {"DistributionNumber": 1, "Quantity": 2, "POChargeAccountId": 300000000001000}
_numbers = itertools.count(1)
Body = dict[str, Any]


class Pod:
    """``site``, ``party`` and ``address`` are those of the first customer."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.headers.update(HEADERS)
        self.session.auth = (DEMO_CREDENTIALS["username"], DEMO_CREDENTIALS["password"])
        self.site = self.items("receivablesCustomerAccountSiteActivities", orderBy="BillToSiteUseId")[0]
        found = self.items("hubOrganizations", q=f"PartyId = {self.site['CustomerId']}", expand="Address")
        self.party, self.address = found[0], found[0]["Address"]["items"][0]

    def url(self, path: str) -> str:
        root = "crmRestApi" if path.startswith("hub") else "fscmRestApi"
        return f"{self.sandbox.url('oracle_fusion', 'pod')}/{root}/resources/11.13.18.05/{path}"

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.session.get(self.url(path), params=parameters, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json(parse_float=Decimal)

    def items(self, path: str, **parameters: Any) -> Any:
        return self.get(path, **parameters)["items"]

    def post(self, path: str, body: Body, **headers: str) -> requests.Response:
        return self.session.post(self.url(path), json=body, headers=headers, timeout=10)

    def made(self, path: str, body: Body) -> Any:
        answer = self.post(path, body)
        assert answer.status_code == 201, answer.text
        return answer.json(parse_float=Decimal)

    def act(self, draft: Body, name: str, body: Body | None = None, content_type: str = ACTION) -> requests.Response:
        url = f"{draft['links'][0]['href']}/action/{name}"
        return self.session.post(url, json=body or {}, headers={"Content-Type": content_type}, timeout=10)

    def switch(self, **values: Any) -> None:
        self.sandbox.set_switches("oracle_fusion", values)

    def event(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        return self.sandbox.world.run(name, arguments)

    def dump(self, name: str) -> Any:
        return self.sandbox.systems["oracle_fusion"].dump()[name]

    def order(self, line: Body | None = None, **changes: Any) -> Body:
        """A sales order under a key of its own."""
        key = f"006{next(_numbers):015d}"
        bill_to = {"CustomerAccountId": self.site["AccountId"], "SiteUseId": self.site["BillToSiteUseId"]}
        own = {
            "SourceTransactionId": key,
            "SourceTransactionNumber": key,
            "BuyingPartyNumber": self.party["PartyNumber"],
            "billToCustomer": [bill_to],
            "shipToCustomer": [{"PartyId": self.party["PartyId"], "SiteId": self.address["AddressId"]}],
            "lines": [{**ORDER_LINE, **(line or {})}],
        }
        return {**ORDER, **own, **changes}

    def purchase(
        self,
        line: Body | None = None,
        schedule: Body | None = None,
        distribution: Body | None = None,
        **changes: Any,
    ) -> Body:
        """A draft purchase order with a reference of its own."""
        key = f"a0B{next(_numbers):015d}"
        schedule = {**SCHEDULE, "distributions": [{**DISTRIBUTION, **(distribution or {})}], **(schedule or {})}
        line = {**PURCHASE_LINE, "schedules": [schedule], **(line or {})}
        own = {"ReferenceNumber": key, "Description": f"Spare parts [{key}]", "lines": [line]}
        return {**PURCHASE, **own, **changes}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed="small", systems=("oracle_fusion",)) as sandbox:
        yield sandbox


@pytest.fixture
def pod(sandbox: Sandbox) -> Iterator[Pod]:
    """A pod that many tests write to, each under keys of its own."""
    pod = Pod(sandbox)
    yield pod
    pod.session.close()
    sandbox.set_switches("oracle_fusion", defaults())
    sandbox.faults.clear()


def paths(answer: requests.Response, status: int = 400) -> set[str]:
    """What the details of a refusal name."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert (body["status"], answer.headers["Content-Type"]) == (str(status), "application/vnd.oracle.adf.error+json")
    assert all(detail["detail"] in body["detail"] for detail in body["o:errorDetails"])
    return {detail["o:errorPath"] for detail in body["o:errorDetails"]}
