"""The least that moves the same records: requests and json, no checks, no bindings, no trail, no second look."""

from __future__ import annotations

from typing import Any

import requests

from connections.sandbox.hubspot import DEMO_CREDENTIALS as HUBSPOT
from connections.sandbox.oracle_fusion import DEMO_CREDENTIALS as FUSION

FUSION_ROOT = "resources/11.13.18.05"
OBJECTS = "/crm/objects/2026-09"
ASSOCIATIONS = "/crm/associations/2026-09"


class Bare:
    def __init__(self, address: dict[str, str]) -> None:
        self.address = address
        self.calls = 0
        self.fusion, self.hubspot = requests.Session(), requests.Session()
        token = requests.post(
            f"{address['identity']}/oauth2/v1/token",
            data={"grant_type": "client_credentials", "scope": FUSION["scope"]},
            auth=(FUSION["client_id"], FUSION["client_secret"]),
            timeout=60,
        ).json()["access_token"]
        self.fusion.headers.update({"Authorization": f"Bearer {token}", "REST-Framework-Version": "4"})
        self.hubspot.headers["Authorization"] = f"Bearer {HUBSPOT['access_token']}"

    def pages(self, path: str, key: str, expand: str = "") -> Any:
        where = ""
        while True:
            params = {"limit": "500", "orderBy": f"LastUpdateDate:asc,{key}:asc", "onlyData": "true"}
            if where:
                params["q"] = where
            if expand:
                params["expand"] = expand
            self.calls += 1
            body = self.fusion.get(f"{self.address['pod']}{path}", params=params, timeout=60).json()
            yield body["items"]
            if not body["hasMore"]:
                return
            stamp, last = body["items"][-1]["LastUpdateDate"], body["items"][-1][key]
            where = f"LastUpdateDate > '{stamp}' or (LastUpdateDate = '{stamp}' and {key} > {last})"

    def post(self, path: str, inputs: list[dict[str, Any]], size: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for start in range(0, len(inputs), size):
            self.calls += 1
            answer = self.hubspot.post(
                f"{self.address['hubspot']}{path}", json={"inputs": inputs[start : start + size]}, timeout=60
            )
            answer.raise_for_status()
            found += answer.json()["results"]
        return found

    def upsert(self, kind: str, rows: dict[str, dict[str, str]]) -> dict[str, str]:
        inputs = [
            {"idProperty": "fusion_id", "id": key, "properties": values, "objectWriteTraceId": key}
            for key, values in rows.items()
        ]
        results = self.post(f"{OBJECTS}/{kind}/batch/upsert", inputs, 100)
        return {record["properties"]["fusion_id"]: record["id"] for record in results}

    def associate(self, one: str, other: str, pairs: list[tuple[str, str]], type_id: int) -> None:
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]
        inputs = [{"from": {"id": a}, "to": {"id": b}, "types": types} for a, b in pairs]
        self.post(f"{ASSOCIATIONS}/{one}/{other}/batch/create", inputs, 2000)


def sync_once(address: dict[str, str]) -> int:
    bare = Bare(address)
    companies: dict[str, str] = {}
    contacts: dict[str, str] = {}
    for page in bare.pages(f"/crmRestApi/{FUSION_ROOT}/accounts", "PartyId"):
        companies |= bare.upsert("companies", {str(row["PartyId"]): {"name": row["OrganizationName"]} for row in page})
    for page in bare.pages(f"/crmRestApi/{FUSION_ROOT}/hubPersons", "PartyId"):
        rows = {str(row["OrganizationPartyId"]): row for row in page}
        contacts |= bare.upsert("contacts", {key: {"lastname": row["LastName"] or "-"} for key, row in rows.items()})
    bare.associate("contacts", "companies", [(contacts[key], companies[key]) for key in contacts], 279)
    expand = "receivablesInvoiceLines.receivablesInvoiceLineTaxLines,receivablesInvoiceInstallments"
    pending: list[dict[str, Any]] = []
    for page in bare.pages(f"/fscmRestApi/{FUSION_ROOT}/receivablesInvoices", "CustomerTransactionId", expand):
        pending += page
        while len(pending) >= 1000:
            deliver(bare, pending[:1000], companies, contacts)
            pending = pending[1000:]
    deliver(bare, pending, companies, contacts)
    return bare.calls


def deliver(bare: Bare, invoices: list[dict[str, Any]], companies: dict[str, str], contacts: dict[str, str]) -> None:
    if not invoices:
        return
    ids = bare.upsert(
        "invoices",
        {
            str(row["CustomerTransactionId"]): {
                "hs_currency": row["InvoiceCurrencyCode"],
                "hs_invoice_date": f"{row['TransactionDate']}T00:00:00Z",
                "hs_due_date": f"{row['DueDate']}T00:00:00Z",
                "hs_invoice_billable": "false",
                "hs_number": row["TransactionNumber"],
                "hs_amount_billed": str(row["EnteredAmount"]),
                "fusion_number": row["TransactionNumber"],
                "fusion_status": row["InvoiceStatus"],
                "fusion_amount": str(row["EnteredAmount"]),
            }
            for row in invoices
        },
    )
    lines = bare.upsert(
        "line_items",
        {
            str(line["CustomerTransactionLineId"]): {
                "name": line["Description"] or "-",
                "quantity": str(line["Quantity"] or 1),
                "price": str(max(line["UnitSellingPrice"] or 0, 0)),
                "hs_sku": line["ItemNumber"] or "",
                "hs_line_item_currency_code": row["InvoiceCurrencyCode"],
            }
            for row in invoices
            for line in children(row, "receivablesInvoiceLines")
        },
    )
    keys = [(str(row["CustomerTransactionId"]), str(row["BillToPartyId"]), row) for row in invoices]
    pairs = [
        (ids[key], lines[str(line["CustomerTransactionLineId"])])
        for key, _, row in keys
        for line in children(row, "receivablesInvoiceLines")
    ]
    bare.associate("invoices", "line_items", pairs, 409)
    bare.associate("invoices", "contacts", [(ids[key], contacts[party]) for key, party, _ in keys], 177)
    bare.associate("invoices", "companies", [(ids[key], companies[party]) for key, party, _ in keys], 179)


def children(row: dict[str, Any], name: str) -> list[dict[str, Any]]:
    child = row[name]
    return list(child["items"] if isinstance(child, dict) else child)
