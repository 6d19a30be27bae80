"""The imitated HubSpot: what it starts with, what people do in it, what it keeps, and how fast it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from connections.sandbox import Sandbox
from connections.sandbox.hubspot import HubSpot
from connections.sandbox.oracle_fusion.seed_names import CUSTOMERS, PROSPECT
from connections.sandbox.store import Store
from tests.contract.sandbox_hubspot import NOON, TOKEN, Account, account, upsert

__all__ = ["account"]

OBJECTS = "/crm/objects/2026-09"


def fresh(seed: str, prepared: bool | None = None) -> HubSpot:
    hubspot = HubSpot(Store(), lambda: NOON)
    hubspot.seed(seed, prepared=prepared)
    return hubspot


# -- seeds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seed", "prepared", "companies", "has_key"),
    [
        ("demo", None, 10, False),
        ("demo", True, 10, True),
        ("small", None, 0, True),
        ("empty", None, 0, False),
    ],
)
def test_seeds(seed: str, prepared: bool | None, companies: int, has_key: bool) -> None:
    hubspot = fresh(seed, prepared)
    assert hubspot.stats()["records"]["companies"] == companies
    dump = hubspot.dump()
    assert all(("fusion_id" in names) is has_key for names in dump["properties"].values())
    hubspot.seed(seed)
    assert hubspot.dump() == dump
    with pytest.raises(ValueError, match="unknown seed"):
        hubspot.seed("other")


def plain(name: str) -> str:
    """A name without case, punctuation and the legal forms that the seeds use."""
    words = name.casefold().replace(",", "").replace(".", "").split()
    return " ".join(word for word in words if word not in ("inc", "corp", "corporation"))


def test_demo_companies_match_customers_of_the_demo_company() -> None:
    records = fresh("demo").dump()["companies"].values()
    names = [plain(record["properties"]["name"]) for record in records]
    matches = {customer.name: names.count(plain(customer.name)) for customer in [*CUSTOMERS, PROSPECT]}
    assert {name: count for name, count in matches.items() if count} == {
        "Harborlight Manufacturing Inc.": 1,
        "Cedar Point Software, Inc.": 1,
        "Granite State Supply Corp.": 2,
    }
    assert len(names) > len(set(names)), "there are twins no customer matches"


def test_three_demo_contacts_match_by_email() -> None:
    emails = {key.removeprefix("email=") for key in fresh("demo").dump()["contacts"]}
    sandbox = Sandbox(systems=("oracle_fusion",))
    persons = json.dumps(sandbox.systems["oracle_fusion"].dump(), ensure_ascii=False, default=str)
    assert sum(f'"{email}"' in persons for email in emails) == 3


# -- state ---------------------------------------------------------------------------------------------------------


def fill(account: Account) -> None:
    companies = [upsert(str(number), f"t{number}", name=f"Name {number}") for number in range(3)]
    account.ok("POST", f"{OBJECTS}/companies/batch/upsert", {"inputs": companies})
    contact = account.create("contacts", email="ann@example.com")
    first = account.ok("GET", f"{OBJECTS}/companies/0?idProperty=fusion_id")["id"]
    account.associate("contacts", contact, "companies", first)


def test_the_dump_is_the_same_for_the_same_state() -> None:
    dumps = []
    for shift in (0, 5_000):
        opened = Account()
        opened.clock.advance(shift)
        if shift:
            gone = opened.create("companies", name="Gone")
            opened.ok("DELETE", f"{OBJECTS}/companies/{gone}", status=204)
        fill(opened)
        dumps.append(opened.hubspot.dump())
        opened.stop()
    assert dumps[1].pop("archived")["companies"] == ['~{"name": "Gone"}']
    del dumps[0]["archived"]
    assert dumps[0] == dumps[1]
    assert dumps[0]["companies"]["fusion_id=0"] == {
        "properties": {"fusion_id": "0", "name": "Name 0"},
        "associations": {"contacts": {"email=ann@example.com": [280]}},
    }


def test_the_dump_can_leave_properties_out(account: Account) -> None:
    account.create("companies", name="A", fusion_id="1", fusion_industry="Retail")
    assert "fusion_industry" in account.hubspot.dump()["companies"]["fusion_id=1"]["properties"]
    assert account.hubspot.dump(without=["fusion_industry"])["companies"]["fusion_id=1"]["properties"] == {
        "fusion_id": "1",
        "name": "A",
    }


SERVER = """
import sys, time
from connections.sandbox.http import SystemServer
from connections.sandbox.hubspot import HubSpot
from connections.sandbox.store import Store
hubspot = HubSpot(Store(sys.argv[1]), time.time)
hubspot.seed("small")
server = SystemServer(hubspot, "api")
server.start()
print(server.url, flush=True)
time.sleep(60)
"""


def test_a_killed_process_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    path = str(tmp_path / "hubspot.db")
    process = subprocess.Popen([sys.executable, "-c", SERVER, path], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    url = process.stdout.readline().strip()
    body = {"inputs": [upsert(str(number), f"t{number}", name="A") for number in range(100)]}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.post(f"{url}{OBJECTS}/companies/batch/upsert", json=body, headers=headers, timeout=10)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    assert answer.ok
    hubspot = HubSpot(Store(path), time.time)
    hubspot.seed("small")
    assert hubspot.stats()["records"]["companies"] == 100


def test_a_restart_goes_on_with_the_same_ids_and_definitions(tmp_path: Path) -> None:
    path = str(tmp_path / "hubspot.db")
    first = Account(path)
    fill(first)
    before = first.hubspot.dump()
    first.stop()
    second = Account(path)
    assert second.hubspot.dump() == before
    answer = second.ok("POST", f"{OBJECTS}/companies/batch/upsert", {"inputs": [upsert("0", name="New")]})
    assert answer["results"][0]["new"] is False
    second.stop()


# -- people --------------------------------------------------------------------------------------------------------


def test_people_delete_edit_and_merge(account: Account) -> None:
    fill(account)
    people = account.hubspot.people
    people.edit("companies", "fusion_id=1", {"name": "By hand"})
    assert account.ok("GET", f"{OBJECTS}/companies/1?idProperty=fusion_id")["properties"]["name"] == "By hand"
    gone = people.delete("companies", "fusion_id=0")
    account.refused("GET", f"{OBJECTS}/companies/{gone}", status=404)
    merged = people.merge("companies", "fusion_id=1", "fusion_id=2")
    assert account.ok("GET", f"{OBJECTS}/companies/1?idProperty=fusion_id")["id"] == merged
    with pytest.raises(ValueError, match="there is no record"):
        people.delete("companies", "fusion_id=2")


def test_people_go_past_the_rules_of_the_api(account: Account) -> None:
    key = account.create("invoices", hs_currency="EUR", hs_invoice_billable="false", fusion_id="7")
    item = account.create("line_items", name="x")
    account.associate("invoices", key, "line_items", item)
    account.hubspot.people.set_invoice_status("fusion_id=7", "paid")
    assert account.get("invoices", key, "hs_invoice_status")["hs_invoice_status"] == "paid"
    account.refused("DELETE", f"{OBJECTS}/invoices/{key}")
    account.hubspot.people.delete("invoices", key)
    account.refused("GET", f"{OBJECTS}/line_items/{item}", status=404)


def test_people_record_a_payment(account: Account) -> None:
    account.switch(mirror_open_needs_associations=False)
    key = account.create("invoices", hs_currency="EUR", hs_invoice_billable="false", hs_amount_billed="5")
    account.patch("invoices", key, hs_invoice_status="open")
    account.hubspot.people.record_payment(key, "5")
    assert account.get("invoices", key, "hs_invoice_status")["hs_invoice_status"] == "paid"


def test_events_can_be_started_by_name() -> None:
    sandbox = Sandbox(systems=("hubspot",), seed="empty")
    hubspot = sandbox.systems["hubspot"]
    hubspot.prepare()
    hubspot.people.create("companies", {"name": "A", "fusion_id": "1"})
    answer = sandbox.world.run("hubspot_record_deleted", {"type": "companies", "key": "fusion_id=1"})
    assert list(answer) == ["id"]
    assert hubspot.dump()["archived"]["companies"] == ["fusion_id=1"]


# -- speed ---------------------------------------------------------------------------------------------------------
