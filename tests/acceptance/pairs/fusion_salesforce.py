"""Oracle Fusion ↔ Salesforce as the shared suites see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from connections.sandbox import Sandbox
from connections.sandbox.oracle_fusion import attributes as fusion
from connections.sandbox.oracle_fusion import report
from connections.sandbox.oracle_fusion.seed_names import CUSTOMERS, SUPPLIERS
from connections.sandbox.salesforce.rows import stamp_of
from tests.acceptance.pairs.base import Moving, Pair, Side, State, Step, Switches, event
from tests.acceptance.pairs.oracle_fusion import INVOICES, OracleFusion
from tests.acceptance.pairs.salesforce import Salesforce

if TYPE_CHECKING:
    from tests.acceptance.stage import Stage

SYSTEM = "SFDC"
NUMBERED = ("Fusion_Invoice__c", "Fusion_Invoice_Line__c", "Fusion_Payment__c")
"""Objects whose records Salesforce names by the order in which they came."""
NUMBERS = ("Fusion_Order_Number__c", "Fusion_PO_Number__c", "Fusion_PO_Id__c")
PODS = (
    "or_refused",
    "little_refused",
    "like_refused",
    "pages_of_3",
    "short_children",
    "hash_keys",
    "no_describe",
    "date_stamps",
    "strict_q",
    "version_4_only",
)
FRAMEWORKS = ("framework_1", "framework_3", "framework_9")
TIMES = ("Fusion_Last_Sync__c", "Fusion_Updated__c")


def people(sandbox: Sandbox) -> Any:
    return sandbox.systems["salesforce"].people


def ledger(sandbox: Sandbox) -> Any:
    return sandbox.systems["oracle_fusion"].records


def account(name: str, **fields: Any) -> Step:
    """Somebody entered a company in Salesforce."""
    return lambda sandbox: people(sandbox).create("Account", {"Name": name, **fields})


def deal(name: str, company: str, *, products: int = 2, **fields: Any) -> Step:
    """Sales enters an opportunity with its products."""

    def enter(sandbox: Sandbox) -> str:
        org = people(sandbox)
        head = {"StageName": "Prospecting", "CloseDate": "2026-12-01"}
        owner = org.find("Account", f"Name={company}").id
        key = str(org.create("Opportunity", {"Name": name, "AccountId": owner, **head, **fields}))
        entries = [row.id for row in sandbox.systems["salesforce"].org.rows.many("PricebookEntry")]
        for place, entry in enumerate(entries[:products], 1):
            line = {"PricebookEntryId": entry, "Quantity": float(place), "UnitPrice": 49.5 * place, "SortOrder": place}
            org.create("OpportunityLineItem", {"OpportunityId": key, **line})
        return key

    return enter


def won(name: str) -> Step:
    return lambda sandbox: people(sandbox).win(f"Name={name}")


def reopened(name: str) -> Step:
    return lambda sandbox: people(sandbox).edit("Opportunity", f"Name={name}", {"StageName": "Negotiation/Review"})


def raised(company: str) -> Step:
    """A buyer raises a purchase order."""

    def enter(sandbox: Sandbox) -> object:
        supplier = people(sandbox).find("Account", f"Name={company}").id
        return sandbox.world.run("salesforce_purchase_order_raised", {"supplier": supplier})

    return enter


def shipped(name: str) -> Step:
    """The order of an opportunity is delivered."""
    return lambda sandbox: sandbox.world.run(
        "order_ships", {"order": f"{SYSTEM}:{people(sandbox).find('Opportunity', f'Name={name}').id}"}
    )


def approved(sandbox: Sandbox) -> object:
    """The only purchase order that waits in Fusion is approved."""
    return sandbox.world.run("purchase_order_approved")


def _deals(sandbox: Sandbox, count: int, at: float, apart: int) -> list[str]:
    """Won opportunities of the first customer, entered at an instant."""
    org = sandbox.systems["salesforce"].org
    keys = []
    for number in range(count):
        key = deal(f"Moving {org.rows.next_id('xxx')}", FIRST, products=1, StageName="Closed Won")(sandbox)
        keys.append(str(key))
        _stamp(sandbox, str(key), at + number * apart / 1000)
    return keys


def _save_again(sandbox: Sandbox, keys: Sequence[str]) -> None:
    for key in keys:
        _stamp(sandbox, key, sandbox.clock())


def _stamp(sandbox: Sandbox, key: str, at: float) -> None:
    org = sandbox.systems["salesforce"].org
    row = org.rows.get(key)
    row.modified = row.stamp = stamp_of(at)
    with org.store.transaction() as cursor:
        org.rows.update(cursor, org.schema["opportunity"], row)


FIRST, TWINS, THIRD, SUPPLIER = CUSTOMERS[0].name, CUSTOMERS[1].name, CUSTOMERS[2].name, SUPPLIERS[1][0]
PAGE_OF_DEALS = r"FROM(%20|\+)Opportunity(%20|\+)WHERE(%20|\+)IsWon"
DEALS = Moving("opportunities", "salesforce", {"path": PAGE_OF_DEALS}, _deals, _save_again)


class FusionSalesforce(Pair):
    integration = "fusion_salesforce"
    source = OracleFusion()
    destination = Salesforce()
    options = {
        "opportunities": {
            "business_unit": "US Operations",
            "order_type": "STD",
            "default_currency": "USD",
            "submit": "submit",
        },
        "purchase_orders": {
            "procurement_bu": "US Operations",
            "buyer_email": "ellen.marsh@pod.example",
            "ship_to_location": "Headquarters",
            "deliver_to_location": "Headquarters",
            "submit": "submit",
        },
    }
    seed = "small"
    waits = {"syncs.integrations.fusion_salesforce.orders.MAY_STILL_RUN": timedelta(0)}
    opening = (
        account(FIRST.upper()),
        account(THIRD),
        account(SUPPLIER),
        deal("Deal 1", FIRST.upper()),
        deal("Deal 2", THIRD, products=4),
        deal("Deal 3", FIRST.upper()),
        won("Deal 1"),
        raised(SUPPLIER),
        event("credit_memo_for", amount="5"),
    )
    day = (
        event("customer_pays"),
        event("invoice_changes", how="add"),
        event("invoice_changes", how="remove"),
        won("Deal 2"),
        deal("Deal without products", THIRD, products=0),
        won("Deal without products"),
        deal("Deal of a twin", TWINS, StageName="Closed Won"),
        raised(SUPPLIER),
        event("customer_changes"),
        event("supplier_changes"),
        event("customer_pays", amount="10"),
        event("credit_memo_for"),
        event("receipt_reversed"),
        shipped("Deal 1"),
        reopened("Deal 1"),
        approved,
    )
    busy = (
        event("invoices_arrive", count=9, lines=2),
        won("Deal 2"),
        event("customer_pays", amount="10"),
        raised(SUPPLIER),
        event("invoice_changes", how="add"),
        event("new_customer"),
        won("Deal 3"),
        event("new_supplier"),
        event("customer_changes"),
        event("receipt_reversed"),
        event("invoice_changes", how="remove"),
        raised(SUPPLIER),
        event("customer_pays"),
    )
    moving = (INVOICES, DEALS)
    backward = {"oracle_fusion": {"path": "salesOrdersForOrderHub$", "method": "POST"}, "salesforce": DEALS.page}
    harder = {"oracle_fusion": {"like_refused": True}}

    def differing(self, side: Side) -> Mapping[str, Switches]:
        """Of the pods those alone that bear on writing, or on what this integration alone reads."""
        return {name: side.switches[name] for name in PODS} if side is self.source else side.switches

    def configured(self, side: Side) -> Mapping[str, Mapping[str, str]]:
        return {name: side.configs[name] for name in FRAMEWORKS} if side is self.source else side.configs

    def company(self, sandbox: Sandbox) -> None:
        """In Salesforce, twins of a customer that people entered, and an account nobody here knows; in Fusion, somebody
        who approves purchase orders."""
        sandbox.set_switches("oracle_fusion", {"po_approval": "pending"})
        for step in (
            account(TWINS),
            account(f"{TWINS} "),
            account("Quiet Harbor Yoga"),
            event("invoices_arrive", count=3, lines=30),
            event("new_customer", contact=False),
            event("invoices_arrive", count=8, lines=2),
        ):
            step(sandbox)

    # what both systems hold --------------------------------------------------------------------------------------

    def dump(self, stage: Stage) -> State:
        fusion_orders = _orders(stage.sandbox)
        names = _names(stage.sandbox)
        org = stage.sandbox.systems["salesforce"].dump()
        return {"salesforce": _without_numbers(org, names), "oracle_fusion": fusion_orders}

    def trace(self, dump: State) -> State:
        kept = {name: rows for name, rows in dump["salesforce"].items() if name != "deleted"}
        return {**dump, "salesforce": kept}

    def held(self, stage: Stage) -> dict[str, dict[str, str]]:
        org, records = stage.sandbox.systems["salesforce"].org, ledger(stage.sandbox)
        keys = {
            name: {row.id: str(row.doc["Fusion_Id__c"]) for row in org.rows.many(name) if row.doc.get("Fusion_Id__c")}
            for name in ("Account", *NUMBERED)
        }
        suppliers = {str(row["SupplierPartyId"]): str(row["SupplierId"]) for row in records.find(fusion.SUPPLIERS)}
        customers = {str(row["CustomerId"]) for row in records.find(fusion.ACTIVITIES)}
        memos = {str(row["CustomerTransactionId"]) for row in records.find(fusion.CREDIT_MEMOS)}
        documents, payments = keys["Fusion_Invoice__c"], keys["Fusion_Payment__c"]
        orders = {
            str(row["HeaderId"]): row["SourceTransactionId"]
            for row in records.find(fusion.SALES_ORDERS)
            if row["SourceTransactionSystem"] == SYSTEM
        }
        purchases = {
            str(row["POHeaderId"]): row["ReferenceNumber"]
            for table in (fusion.DRAFT_PURCHASE_ORDERS, fusion.PURCHASE_ORDERS)
            for row in records.find(table)
            if row.get("ReferenceNumber")
        }
        return {
            "customers": {id_: key for id_, key in keys["Account"].items() if key in customers},
            "suppliers": {id_: suppliers[key] for id_, key in keys["Account"].items() if key in suppliers},
            "invoices": {id_: key for id_, key in documents.items() if key not in memos},
            "credit_memos": {id_: key for id_, key in documents.items() if key in memos},
            "payments": {id_: key for id_, key in payments.items() if ":" not in key},
            "opportunities": orders,
            "purchase_orders": purchases,
            "invoice lines": keys["Fusion_Invoice_Line__c"],
            "parts of payments": {id_: key for id_, key in payments.items() if ":" in key},
        }

    def assert_sound(self, stage: Stage) -> None:
        org = stage.sandbox.systems["salesforce"].org
        for name, parent in (
            ("Fusion_Invoice__c", "Account__c"),
            ("Fusion_Invoice_Line__c", "Invoice__c"),
            ("Fusion_Payment__c", "Account__c"),
        ):
            orphans = [row.doc for row in org.rows.many(name) if not row.doc.get(parent)]
            assert orphans == [], f"{name} without {parent}"
            strangers = [row.doc for row in org.rows.many(name) if not row.doc.get("Fusion_Id__c")]
            assert strangers == [], f"{name} without our key"
        for key, orders in _orders(stage.sandbox)["orders"].items():
            assert len(orders) == 1, f"{len(orders)} orders of {key}"
        for key, orders in _orders(stage.sandbox)["purchase_orders"].items():
            assert len(orders) == 1, f"{len(orders)} purchase orders of {key}"


def _orders(sandbox: Sandbox) -> State:
    """The orders made for Salesforce, by the key of what they were made of."""
    records = ledger(sandbox)
    sales, purchases = report.sales_orders(records), report.purchase_orders(records)
    return {
        "orders": {key: orders for key, orders in sales.items() if key.startswith(f"{SYSTEM}:")},
        "purchase_orders": {key: orders for key, orders in purchases.items() if key},
    }


def _names(sandbox: Sandbox) -> dict[str, str]:
    """Ids and numbers that Fusion gave to orders -> what they were made of."""
    records = ledger(sandbox)
    names = {}
    for row in records.find(fusion.SALES_ORDERS):
        names[str(row["OrderNumber"])] = f"order of {row['SourceTransactionId']}"
    for table in (fusion.DRAFT_PURCHASE_ORDERS, fusion.PURCHASE_ORDERS):
        for row in records.find(table):
            for value in (row["POHeaderId"], row["OrderNumber"]):
                names[str(value)] = f"purchase order of {row.get('ReferenceNumber')}"
    return names


def _without_numbers(org: State, names: dict[str, str]) -> State:
    """Without the numbers either system counted up, and without times."""
    found: State = {"deleted": org["deleted"], "custom": org["custom"]}
    for kind, rows in org.items():
        if kind in found:
            continue
        left_out = (*TIMES, *(("Name",) if kind in NUMBERED else ()))
        found[kind] = {
            _named(key, names): {
                name: names.get(str(value), value) if name in NUMBERS else _named(value, names)
                for name, value in row.items()
                if name not in left_out
            }
            for key, row in rows.items()
        }
    return found


def _named(text: Any, names: dict[str, str]) -> Any:
    """A key by a number that Fusion gave, in the words of what it was given to."""
    if isinstance(text, str) and text.startswith("Fusion_PO_Id__c="):
        return f"~{names.get(text.partition('=')[2], text)}"
    return text
