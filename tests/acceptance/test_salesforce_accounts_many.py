"""Thousands of customers meet thousands of Accounts that stood there before."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import pytest

from connections.sandbox.oracle_fusion.parties import NewCustomer
from tests.acceptance.accounts_scene import KEY, Scene, build, scene

pytestmark = pytest.mark.either_database

__all__ = ["build", "scene"]

KINDS = {
    # what stands in Fusion and in Salesforce: how many of them, customers each, Accounts each
    "same": (1500, 1, 1),
    "twins_in_salesforce": (200, 1, 2),
    "twins_in_fusion": (200, 2, 1),
    "mistyped": (300, 1, 1),
    "elsewhere": (200, 1, 1),
    "new": (2400, 1, 0),
    "theirs": (400, 0, 1),
}
FORMS = (("{} Ltd", "{} Limited"), ("{} Inc.", "{}, Inc"), ("{} GmbH", "{} GMBH"), ("The {} Company", "{} Co."))


@dataclass
class Crowd:
    """Which companies there are by construction: kind -> their customers (party) and Accounts (Id), side by side."""

    companies: dict[str, list[tuple[list[str], list[str]]]]

    def parties(self, kind: str) -> list[str]:
        return [party for parties, _ in self.companies[kind] for party in parties]


def crowd(scene: Scene) -> Crowd:
    """5,000 customers and 3,000 Accounts."""
    chance = random.Random(20261122)
    specs: list[NewCustomer] = []
    plan: dict[str, list[tuple[list[int], list[str]]]] = {kind: [] for kind in KINDS}
    for kind, (number, customers, accounts) in KINDS.items():
        for place in range(number):
            name = invented(chance)
            ours, theirs = FORMS[place % len(FORMS)]
            town = {"city": f"Town {place % 97}", "postal_code": f"{10000 + chance.randrange(80000)}", "country": "US"}
            mine = list(range(len(specs), len(specs) + customers))
            specs += [NewCustomer(ours.format(name), f"{place} Main Street", **town) for _ in mine]
            written = mistyped(name, chance) if kind == "mistyped" else name
            country = "DE" if kind == "elsewhere" else "USA"
            fields = {
                "BillingCountry": country,
                "BillingPostalCode": None if kind == "elsewhere" else town["postal_code"],
            }
            plan[kind].append((mine, [scene.account(theirs.format(written), **fields) for _ in range(accounts)]))
    parties = scene.ledger.parties
    reserved = [parties.reserve(spec) for spec in specs]
    with scene.ledger.records.store.transaction():
        stamp = scene.sandbox.world.now()
        parties.write_many([(spec, one, stamp) for spec, one in zip(specs, reserved, strict=True)])
    return Crowd(
        {
            kind: [([str(reserved[index].party_id) for index in mine], theirs) for mine, theirs in companies]
            for kind, companies in plan.items()
        }
    )


def invented(chance: random.Random) -> str:
    """A name of two words that no other is close to."""
    return " ".join(
        "".join(chance.choice("bdfgklmnprstvz") + chance.choice("aeiou") for _ in range(length)).capitalize()
        for length in (5, 4)
    )


def mistyped(name: str, chance: random.Random) -> str:
    place = chance.randrange(2, 8)
    return name[:place] + name[place + 1] + name[place] + name[place + 2 :]


def test_five_thousand_customers_meet_three_thousand_accounts(scene: Scene) -> None:
    """By construction it is known who is who: no wrong merge, nothing double, every doubt is a person's to settle."""
    made = crowd(scene)
    assert (len(scene.accounts()), sum(map(len, map(made.parties, KINDS)))) == (3000, 5000)
    began = time.process_time()
    counts = scene.run()["customers"]
    took = time.process_time() - began
    doubtful = ("twins_in_salesforce", "twins_in_fusion", "mistyped", "elsewhere")
    rows = {row["Id"]: row for row in scene.accounts()}
    by_key = {row[KEY]: row["Id"] for row in rows.values() if row.get(KEY)}
    for parties, accounts in made.companies["same"]:
        assert by_key.get(parties[0]) == accounts[0], rows[accounts[0]]
    held = dict(scene.stage.records("customers", status="held").values_list("source_key", "error_code"))
    assert set(held) == {party for kind in doubtful for party in made.parties(kind)}
    assert set(held.values()) == {"match_ambiguous"}
    assert not set(held) & set(by_key)
    assert len(rows) == 3000 + KINDS["new"][0]
    assert set(by_key) == set(made.parties("same")) | set(made.parties("new"))
    assert counts["created"] == KINDS["new"][0]
    calls = scene.sandbox.stats()["systems"]["salesforce"]["calls"]
    assert sum(calls.values()) < 150, calls
    assert took < 40, f"{took:.1f} seconds of work, the imitated systems' included"
