"""The imitated HubSpot: invoices, line items and payments, and what follows from what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.sandbox_hubspot import Account, account, codes, upsert

__all__ = ["account"]

OBJECTS = "/crm/objects/2026-09"
WHEN = "2026-11-22T00:00:00Z"


def line(account: Account, price: str = "10.50", quantity: str = "2") -> str:
    return account.create("line_items", name="Item", price=price, quantity=quantity)


def invoice(account: Account, *, billable: bool = False, complete: bool = True, **more: str) -> str:
    """An invoice of 21.00 EUR, with contact and line item where ``complete``."""
    values = {"hs_currency": "EUR", "hs_invoice_billable": "true" if billable else "false"} | more
    key = account.create("invoices", **values)
    if complete:
        account.associate("invoices", key, "contacts", account.create("contacts", lastname="Ann"))
        account.associate("invoices", key, "line_items", line(account))
    return key


def opened(account: Account, *, billable: bool = False, **more: str) -> str:
    key = invoice(account, billable=billable, **more)
    account.patch("invoices", key, hs_invoice_status="open")
    return key


def payment(account: Account, amount: str, status: str = "succeeded", **more: str) -> str:
    values = {"hs_initial_amount": amount, "hs_initiated_date": WHEN, "hs_currency_code": "EUR"} | more
    return account.create("commerce_payments", hs_latest_status=status, **values)


def status(account: Account, key: str) -> str:
    return str(account.get("invoices", key, "hs_invoice_status")["hs_invoice_status"])


# -- new invoices --------------------------------------------------------------------------------------------------


def test_the_currency_is_the_only_required_property(account: Account) -> None:
    error = account.refused("POST", f"{OBJECTS}/invoices", {"properties": {}})
    assert error["context"]["properties"] == ["hs_currency"]
    key = account.create("invoices", hs_currency="KWD")
    names = ("hs_invoice_status", "hs_invoice_billable", "hs_invoice_date", "hs_due_date")
    found = account.get("invoices", key, *names)
    assert (found["hs_invoice_status"], found["hs_invoice_billable"]) == ("draft", "true")
    assert found["hs_invoice_date"] == found["hs_due_date"] == found["hs_createdate"]
    account.refuse_patch("invoices", key, hs_currency="")


def test_the_currency_must_be_one_of_the_account(account: Account) -> None:
    for kind, values in (
        ("invoices", {"hs_currency": "CHF"}),
        ("commerce_payments", {"hs_initial_amount": "1", "hs_initiated_date": WHEN, "hs_currency_code": "CHF"}),
        ("line_items", {"hs_line_item_currency_code": "CHF"}),
    ):
        assert codes(account.refused("POST", f"{OBJECTS}/{kind}", {"properties": values})) == ["INVALID_OPTION"]
        account.switch(currencies_enforced=False)
        account.create(kind, **values)
        account.switch(currencies_enforced=True)


@pytest.mark.parametrize("billable", ["true", "false"])
def test_a_new_invoice_is_a_draft(account: Account, billable: str) -> None:
    for other in ("open", "paid", "voided"):
        values = {"hs_currency": "EUR", "hs_invoice_status": other, "hs_invoice_billable": billable}
        assert codes(account.refused("POST", f"{OBJECTS}/invoices", {"properties": values})) == [
            "INVALID_STATUS_CHANGE"
        ]
    account.create("invoices", hs_currency="EUR", hs_invoice_status="draft", hs_invoice_billable=billable)


# -- draft to open -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("billable", [True, False])
def test_opening_needs_a_contact_and_a_line_item(account: Account, billable: bool) -> None:
    key = invoice(account, billable=billable, complete=False)
    message = account.refuse_patch("invoices", key, hs_invoice_status="open")["message"]
    assert "INVOICE_TO_LINE_ITEM" in message
    assert "INVOICE_TO_CONTACT" in message
    account.associate("invoices", key, "line_items", line(account))
    assert "INVOICE_TO_LINE_ITEM" not in account.refuse_patch("invoices", key, hs_invoice_status="open")["message"]
    account.associate("invoices", key, "contacts", account.create("contacts", lastname="Ann"))
    account.patch("invoices", key, hs_invoice_status="open")
    assert status(account, key) == "open"


def test_a_mirror_may_open_without_them_by_switch(account: Account) -> None:
    account.switch(mirror_open_needs_associations=False)
    account.patch("invoices", invoice(account, complete=False), hs_invoice_status="open")
    account.refuse_patch("invoices", invoice(account, billable=True, complete=False), hs_invoice_status="open")


def test_in_a_batch_only_the_incomplete_invoice_stays_a_draft(account: Account) -> None:
    good, bad = invoice(account, fusion_id="1"), invoice(account, complete=False, fusion_id="2")
    inputs = [upsert("1", "a", hs_invoice_status="open"), upsert("2", "b", hs_invoice_status="open")]
    answer = account.ok("POST", f"{OBJECTS}/invoices/batch/upsert", {"inputs": inputs})
    assert answer["errors"][0]["context"]["objectWriteTraceId"] == ["b"]
    assert (status(account, good), status(account, bad)) == ("open", "draft")


def test_mails_are_counted_for_billable_invoices_only(account: Account) -> None:
    opened(account)
    opened(account, hs_invoice_date=WHEN)
    assert account.hubspot.mails_sent == 0
    key = opened(account, billable=True)
    account.patch("invoices", key, hs_invoice_status="open")
    account.refuse_patch("invoices", invoice(account, billable=True, complete=False), hs_invoice_status="open")
    assert account.hubspot.mails_sent == account.hubspot.stats()["mails_sent"] == 1
    assert account.hubspot.dump()["mails_sent"] == 1


# -- amounts -------------------------------------------------------------------------------------------------------


def test_amounts_of_billable_invoices_are_computed(account: Account) -> None:
    key = invoice(account, billable=True)
    amounts = account.get("invoices", key, "hs_amount_billed", "hs_balance_due")
    assert (amounts["hs_amount_billed"], amounts["hs_balance_due"]) == ("21", "21")
    account.associate("invoices", key, "line_items", line(account, "0.25", "3"))
    assert account.get("invoices", key, "hs_amount_billed")["hs_amount_billed"] == "21.75"
    for name in ("hs_amount_billed", "hs_number", "hs_payment_date", "hs_external_createdate"):
        value = "1" if name in ("hs_amount_billed", "hs_number") else WHEN
        assert codes(account.refuse_patch("invoices", key, **{name: value})) == ["READ_ONLY_VALUE"]
    account.switch(billable_amounts_writable=True, billable_extras_writable=True, balance_due_writable=True)
    account.patch("invoices", key, hs_amount_billed="5", hs_number="INV-1")
    assert account.get("invoices", key, "hs_amount_billed")["hs_amount_billed"] == "5"


def test_a_changed_line_changes_its_billable_invoice(account: Account) -> None:
    key = invoice(account, billable=True, complete=False)
    item = line(account)
    account.associate("line_items", item, "invoices", key)
    account.patch("line_items", item, quantity="3")
    assert account.get("invoices", key, "hs_amount_billed")["hs_amount_billed"] == "31.5"
    account.ok("DELETE", f"{OBJECTS}/line_items/{item}", status=204)
    assert account.get("invoices", key, "hs_amount_billed")["hs_amount_billed"] == "0"


def test_the_amount_of_a_mirror_is_written(account: Account) -> None:
    key = invoice(account, hs_amount_billed="99.90", hs_number="INV-7", hs_external_createdate=WHEN)
    assert account.get("invoices", key, "hs_amount_billed")["hs_amount_billed"] == "99.90"
    assert codes(account.refuse_patch("invoices", key, hs_balance_due="1")) == ["READ_ONLY_VALUE"]
    account.switch(balance_due_writable=True)
    account.patch("invoices", key, hs_balance_due="1")
    assert account.ok("GET", "/crm/properties/2026-09/invoices/hs_balance_due")["calculated"] is False


def test_the_amount_of_a_mirror_may_be_zero_until_patched(account: Account) -> None:
    account.switch(amount_zero_after_create=True)
    key = invoice(account, hs_amount_billed="99.90")
    assert account.get("invoices", key, "hs_amount_billed")["hs_amount_billed"] == "0"
    account.patch("invoices", key, hs_amount_billed="99.90")
    assert account.get("invoices", key, "hs_amount_billed")["hs_amount_billed"] == "99.90"


# -- open to paid --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("billable", [True, False])
def test_succeeded_payments_that_cover_the_amount_pay_an_invoice(account: Account, billable: bool) -> None:
    key = opened(account, billable=billable)
    account.associate("invoices", key, "commerce_payments", payment(account, "20"))
    account.associate("commerce_payments", payment(account, "500", "failed"), "invoices", key)
    account.associate("commerce_payments", payment(account, "500", hs_currency_code="USD"), "invoices", key)
    assert status(account, key) == "open"
    last = payment(account, "1", "processing")
    account.associate("commerce_payments", last, "invoices", key)
    assert status(account, key) == "open"
    account.patch("commerce_payments", last, hs_latest_status="succeeded")
    assert status(account, key) == "paid"
    if billable:
        assert account.get("invoices", key, "hs_balance_due")["hs_balance_due"] == "0"


def test_the_written_amount_of_a_mirror_is_what_must_be_covered(account: Account) -> None:
    key = opened(account, hs_amount_billed="30")
    account.associate("invoices", key, "commerce_payments", payment(account, "21"))
    assert status(account, key) == "open"
    account.associate("invoices", key, "commerce_payments", payment(account, "9"))
    assert status(account, key) == "paid"


def test_a_payment_made_before_opening_counts(account: Account) -> None:
    key = invoice(account)
    account.associate("invoices", key, "commerce_payments", payment(account, "21"))
    assert status(account, key) == "draft"
    assert account.patch("invoices", key, hs_invoice_status="open")["hs_invoice_status"] == "paid"


@pytest.mark.parametrize(
    ("paid_by", "by_payment", "by_patch"),
    [("payment", True, False), ("patch", False, True), ("both", True, True), ("never", False, False)],
)
def test_what_makes_an_invoice_paid(account: Account, paid_by: str, by_payment: bool, by_patch: bool) -> None:
    account.switch(paid_by=paid_by)
    first, second = opened(account), opened(account)
    account.associate("invoices", first, "commerce_payments", payment(account, "21"))
    assert (status(account, first) == "paid") is by_payment
    answer = account.send("PATCH", f"{OBJECTS}/invoices/{second}", {"properties": {"hs_invoice_status": "paid"}})
    assert (answer.status_code == 200) is by_patch
    assert (status(account, second) == "paid") is by_patch
    account.refuse_patch("invoices", opened(account, billable=True), hs_invoice_status="paid")


# -- other transitions ---------------------------------------------------------------------------------------------


def test_voiding(account: Account) -> None:
    account.patch("invoices", opened(account), hs_invoice_status="voided")
    billable = opened(account, billable=True)
    account.switch(void_billable=False)
    account.refuse_patch("invoices", billable, hs_invoice_status="voided")
    account.switch(void_billable=True)
    account.patch("invoices", billable, hs_invoice_status="voided")
    account.refuse_patch("invoices", billable, hs_invoice_status="open")


@pytest.mark.parametrize("target", ["paid", "voided"])
def test_a_draft_goes_to_open_only(account: Account, target: str) -> None:
    account.switch(paid_by="both")
    key = invoice(account)
    account.refuse_patch("invoices", key, hs_invoice_status=target)
    account.switch(mirror_transitions="free")
    account.patch("invoices", key, hs_invoice_status=target)


def test_back_to_draft_by_switch(account: Account) -> None:
    key = opened(account)
    account.refuse_patch("invoices", key, hs_invoice_status="draft")
    account.switch(open_to_draft=True)
    account.patch("invoices", key, hs_invoice_status="draft")


@pytest.mark.parametrize(
    ("rule", "comment", "own", "same"), [("all", 200, 200, 200), ("custom", 400, 200, 200), ("none", 400, 400, 200)]
)
def test_edits_after_opening(account: Account, rule: str, comment: int, own: int, same: int) -> None:
    key = opened(account)
    account.switch(edits_after_open=rule)
    for values, expected in (
        ({"hs_comments": "x"}, comment),
        ({"fusion_status": "x"}, own),
        ({"hs_currency": "EUR"}, same),
        ({"hs_invoice_status": "voided"}, 200),
    ):
        answer = account.send("PATCH", f"{OBJECTS}/invoices/{key}", {"properties": values})
        assert answer.status_code == expected, values


# -- deleting ------------------------------------------------------------------------------------------------------


def test_deleting_follows_the_status(account: Account) -> None:
    draft, open_, voided = invoice(account), opened(account), opened(account)
    account.patch("invoices", voided, hs_invoice_status="voided")
    account.refused("DELETE", f"{OBJECTS}/invoices/{open_}")
    account.refused("POST", f"{OBJECTS}/invoices/batch/archive", {"inputs": [{"id": draft}, {"id": open_}]})
    account.ok("DELETE", f"{OBJECTS}/invoices/{draft}", status=204)
    account.switch(delete_open_allowed=True)
    account.ok("DELETE", f"{OBJECTS}/invoices/{open_}", status=204)
    account.refused("DELETE", f"{OBJECTS}/invoices/{voided}")
    assert account.hubspot.stats()["records"]["line_items"] == 1, "the line items of deleted invoices are gone"


# -- line items ----------------------------------------------------------------------------------------------------


def test_the_amount_of_a_line_is_computed(account: Account) -> None:
    key = line(account, "0.1", "3")
    assert account.get("line_items", key, "amount")["amount"] == "0.3"
    account.patch("line_items", key, price="")
    assert account.get("line_items", key, "amount")["amount"] is None
    account.switch(line_amount_read_only=False)
    account.patch("line_items", key, amount="7")
    assert account.get("line_items", key, "amount")["amount"] == "7"


def test_a_price_must_not_be_negative(account: Account) -> None:
    error = account.refused("POST", f"{OBJECTS}/line_items", {"properties": {"price": "-0.01"}})
    assert codes(error) == ["NEGATIVE_VALUE"]
    account.create("line_items", price="0", quantity="-1")


def test_a_second_parent_is_flagged_not_refused(account: Account) -> None:
    item = line(account)
    first, second = invoice(account, complete=False), invoice(account, complete=False)
    account.associate("invoices", first, "line_items", item)
    account.associate("invoices", first, "line_items", item)
    assert account.hubspot.violations == []
    account.associate("line_items", item, "invoices", second)
    expected = [{"rule": "line_item_second_parent", "type": "line_items", "id": item, "parents": [first, second]}]
    assert account.hubspot.violations == account.hubspot.dump()["violations"] == expected


def test_orphans_are_listed(account: Account) -> None:
    alone, owned = line(account), line(account)
    account.associate("invoices", invoice(account, complete=False), "line_items", owned)
    assert [each["id"] for each in account.hubspot.orphans()] == [alone]
    assert len(account.hubspot.dump()["orphans"]) == 1


# -- payments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["hs_initial_amount", "hs_initiated_date"])
def test_required_properties_of_a_payment(account: Account, missing: str) -> None:
    values: dict[str, Any] = {"hs_initial_amount": "1", "hs_initiated_date": WHEN}
    del values[missing]
    error = account.refused("POST", f"{OBJECTS}/commerce_payments", {"properties": values})
    assert error["context"]["properties"] == [missing]


def test_a_payment_is_processing_at_first(account: Account) -> None:
    key = account.create("commerce_payments", hs_initial_amount="1", hs_initiated_date=WHEN, hs_reference_number="R")
    account.create("commerce_payments", hs_initial_amount="1", hs_initiated_date=WHEN, hs_reference_number="R")
    assert account.get("commerce_payments", key, "hs_latest_status")["hs_latest_status"] == "processing"
    for value in ("succeeded", "failed", "refunded", "disputed_lost"):
        account.patch("commerce_payments", key, hs_latest_status=value)
    assert codes(account.refuse_patch("commerce_payments", key, hs_latest_status="done")) == ["INVALID_OPTION"]


@pytest.mark.parametrize(("processor", "expected"), [("none", 200), ("byo_stripe", 400), ("hs_payments", 400)])
def test_processed_payments_cannot_be_changed(account: Account, processor: str, expected: int) -> None:
    key = payment(account, "1", hs_processor_type=processor)
    body = {"properties": {"hs_internal_comment": "x"}}
    assert account.send("PATCH", f"{OBJECTS}/commerce_payments/{key}", body).status_code == expected


def test_a_payment_knows_its_invoices(account: Account) -> None:
    key = payment(account, "1")
    names = ("hs_has_associated_invoice", "hs_number_of_associated_invoices")
    account.associate("commerce_payments", key, "invoices", invoice(account))
    found = account.get("commerce_payments", key, *names)
    assert [found[name] for name in names] == ["true", "1"]


def test_an_account_may_not_record_payments(account: Account) -> None:
    account.switch(payments_allowed=False)
    values = {"hs_initial_amount": "1", "hs_initiated_date": WHEN}
    error = account.refused("POST", f"{OBJECTS}/commerce_payments", {"properties": values})
    assert "HubSpot payments or Stripe" in error["message"]
