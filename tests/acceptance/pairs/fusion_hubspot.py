"""Oracle Fusion → HubSpot as the shared suites see it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import requests

from connections.sandbox import Sandbox
from connections.sandbox.hubspot import DEMO_CREDENTIALS as DEMO
from connections.sandbox.hubspot.kinds import KINDS
from connections.sandbox.oracle_fusion.seed_names import CUSTOMERS
from connections.sandbox.oracle_fusion.seeds import seed_small
from tests.acceptance.pairs.base import Pair, State, event
from tests.acceptance.pairs.hubspot import HubSpot
from tests.acceptance.pairs.oracle_fusion import INVOICES, OracleFusion

if TYPE_CHECKING:
    from tests.acceptance.stage import Stage

OF_FLOW = {"customers": "companies", "invoices": "invoices", "payments": "commerce_payments"}
WITHOUT_UNIQUE = dict.fromkeys(("invoices", "line_items", "commerce_payments"), "upsert")
# A payment that bounced before it was ever delivered has never been on an invoice.
TRACES = ("hs_has_associated_invoice", "hs_number_of_associated_invoices")


class FusionHubSpot(Pair):
    integration = "fusion_hubspot"
    source = OracleFusion()
    destination = HubSpot()
    day = (
        event("customer_pays"),
        event("invoice_changes", how="add"),
        event("invoice_changes", how="remove"),
        event("customer_changes"),
        event("contact_changes"),
        event("customer_pays", amount="10"),
        event("receipt_reversed"),
    )
    busy = (
        event("invoices_arrive", count=9, lines=2),
        event("customer_pays", amount="10"),
        event("invoice_changes", how="add"),
        event("new_customer"),
        event("invoice_changes", how="reprice"),
        event("contact_changes"),
        event("customer_changes"),
        event("receipt_reversed"),
        event("invoice_changes", how="remove"),
        event("customer_pays"),
    )
    moving = (INVOICES,)
    harder = {"hubspot": {"unique_refused": WITHOUT_UNIQUE}}

    def company(self, sandbox: Sandbox) -> None:
        """Companies people entered in HubSpot are among it: one is the first customer's, two could be the second's."""
        seed_small(sandbox.world.ledger)
        system = sandbox.systems["hubspot"]
        names = [CUSTOMERS[0].name.upper(), CUSTOMERS[1].name, f"{CUSTOMERS[1].name} ", "Quiet Harbor Yoga"]
        answer = requests.post(
            f"{sandbox.url('hubspot')}/crm/objects/2026-09/companies/batch/create",
            json={"inputs": [{"properties": {"name": name, "city": "Boston"}, "associations": []} for name in names]},
            headers={"Authorization": f"Bearer {DEMO['access_token']}"},
            timeout=10,
        )
        assert answer.status_code < 300, answer.text
        if not system.switches["unique_refused"]:
            system.prepare()
        for step in (
            event("invoices_arrive", count=3, lines=30),
            event("new_customer", contact=False),
            event("new_customer", email="nobody at nowhere"),
            event("invoices_arrive", count=8, lines=2),
        ):
            step(sandbox)

    def dump(self, stage: Stage) -> State:
        return {"hubspot": _by_our_key(stage.sandbox.systems["hubspot"].dump())}

    def trace(self, dump: State) -> State:
        """What was put into the bin depends on when it was seen, and so does whether a payment was ever applied."""
        kept = {kind: held for kind, held in dump["hubspot"].items() if kind != "archived"}
        kept["commerce_payments"] = {
            key: {**record, "properties": {n: v for n, v in record["properties"].items() if n not in TRACES}}
            for key, record in kept["commerce_payments"].items()
        }
        return {"hubspot": kept}

    def held(self, stage: Stage) -> dict[str, dict[str, str]]:
        records = stage.sandbox.systems["hubspot"].portal.records
        found: dict[str, dict[str, str]] = {}
        for kind in KINDS:
            keys = {str(record.id): record.properties.get("fusion_id") for record in records.everything(kind)}
            found[kind.name] = {id_: key for id_, key in keys.items() if key}
        return {flow: found.pop(kind) for flow, kind in OF_FLOW.items()} | found

    def assert_sound(self, stage: Stage) -> None:
        dump = stage.sandbox.systems["hubspot"].dump()
        assert dump["violations"] == []
        assert dump["orphans"] == []
        assert dump["mails_sent"] == 0
        for kind in KINDS:
            assert [key for key in dump[kind.name] if "#" in key] == [], f"doubled {kind.name}"


def _by_our_key(part: Any) -> Any:
    """Accounts without unique properties are listed by all of a record's values; our key is among them."""
    if isinstance(part, dict):
        return {_our_key(name): _by_our_key(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_our_key(value) if isinstance(value, str) else _by_our_key(value) for value in part]
    return part


def _our_key(name: str) -> str:
    if not name.startswith("~{"):
        return name
    values, end = json.JSONDecoder().raw_decode(name[1:])
    return f"fusion_id={values['fusion_id']}{name[end + 1 :]}" if "fusion_id" in values else name
