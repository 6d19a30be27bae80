"""What the tests of the imitated Salesforce share: an org behind real HTTP, and the bodies they send."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from connections.sandbox.clock import Clock
from connections.sandbox.http import SystemServer
from connections.sandbox.salesforce import DEMO_CREDENTIALS, Salesforce
from connections.sandbox.store import Store

NOON = 1_795_000_000.0
DATA = "/services/data/v66.0"
FORM = {"grant_type": "client_credentials", **DEMO_CREDENTIALS}


class Organization:
    """One org, its clock, and a client session that says exactly what it sends."""

    def __init__(self, path: str = ":memory:", seed: str = "small") -> None:
        self.clock = Clock(lambda: NOON)
        self.store = Store(path)
        self.salesforce = Salesforce(self.store, self.clock)
        self.salesforce.seed(seed)
        self.server = SystemServer(self.salesforce, "org", clock=self.clock)
        self.server.start()
        self.session = requests.Session()
        self.login()

    def stop(self) -> None:
        self.session.close()
        self.server.stop()
        self.store.close()

    def login(self) -> str:
        answer = requests.post(f"{self.server.url}/services/oauth2/token", data=FORM, timeout=10)
        token = str(answer.json()["access_token"])
        self.session.headers["Authorization"] = f"Bearer {token}"
        return token

    def switch(self, **values: Any) -> None:
        assert set(values) <= set(self.salesforce.switches)
        self.salesforce.switches.update(values)

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        address = path if path.startswith("/services") else DATA + path
        return self.session.request(method, self.server.url + address, json=body, timeout=10, **more)

    def ok(self, method: str, path: str, body: Any = None, status: int = 200, **more: Any) -> Any:
        answer = self.send(method, path, body, **more)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def refused(self, method: str, path: str, body: Any = None, status: int = 400, **more: Any) -> dict[str, Any]:
        answer = self.send(method, path, body, **more)
        assert answer.status_code == status, answer.text
        error: dict[str, Any] = answer.json()[0]
        assert set(error) >= {"message", "errorCode"}
        return error

    def create(self, kind: str, **fields: Any) -> str:
        return str(self.ok("POST", f"/sobjects/{kind}", fields, 201)["id"])

    def query(self, soql: str, kind: str = "query") -> dict[str, Any]:
        found: dict[str, Any] = self.ok("GET", f"/{kind}", params={"q": soql})
        return found

    def names(self, where: str, kind: str = "query") -> list[str]:
        """Names of the accounts a condition finds, in their order."""
        found = self.query(f"SELECT Name FROM Account WHERE {where} ORDER BY Name", kind)
        return [record["Name"] for record in found["records"]]

    def refuse_query(self, soql: str) -> dict[str, Any]:
        return self.refused("GET", "/query", params={"q": soql})

    def upsert(self, rows: list[dict[str, Any]], kind: str = "Account", **more: Any) -> Any:
        """A collection by ``Fusion_Id__c``."""
        records = [{"attributes": {"type": kind}, **row} for row in rows]
        headers = more.pop("headers", {})
        body = {"records": records, **more}
        return self.ok("PATCH", f"/composite/sobjects/{kind}/Fusion_Id__c", body, headers=headers)

    def deploy(self, files: dict[str, str], **options: Any) -> dict[str, Any]:
        """Deploy an archive and wait for the outcome."""
        form = {"json": json.dumps({"deployOptions": options | {"singlePackage": True}})}
        sent = {"json": (None, form["json"], "application/json"), "file": ("deploy.zip", archive(files))}
        address = f"{self.server.url}{DATA}/metadata/deployRequest"
        started = self.session.post(address, files=sent, timeout=10)
        assert started.status_code == 201, started.text
        assert started.json()["deployResult"]["status"] == "Pending"
        while True:
            poll = self.ok("GET", f"/metadata/deployRequest/{started.json()['id']}?includeDetails=true")
            result: dict[str, Any] = poll["deployResult"]
            if result["done"] in (True, "true"):
                return result

    def opportunity(self, **more: Any) -> str:
        fields = {"Name": "Big one", "StageName": "Prospecting", "CloseDate": "2026-12-01"}
        return self.create("Opportunity", **(fields | more))

    def entry(self) -> str:
        return str(self.query("SELECT Id FROM PricebookEntry WHERE ProductCode = 'AS100'")["records"][0]["Id"])

    def stamp(self, kind: str, key: str) -> str:
        return str(self.ok("GET", f"/sobjects/{kind}/{key}?fields=SystemModstamp")["SystemModstamp"])


def archive(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return out.getvalue()


def xml(tag: str, inner: str) -> str:
    return f'<?xml version="1.0"?><{tag} xmlns="http://soap.sforce.com/2006/04/metadata">{inner}</{tag}>'


@pytest.fixture
def org() -> Iterator[Organization]:
    opened = Organization()
    yield opened
    opened.stop()
