"""Drafts on their page: filtered, summed up, reviewed, and confirmed as they were reviewed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from syncs.models import Record, Sync
from tests import factories

REVIEW, CONFIRM = "syncs:review-drafts", "syncs:confirm-drafts"


@pytest.fixture
def page(signed_in: Callable[[Any], Client], finance: Any) -> Client:
    return signed_in(finance)


@pytest.fixture
def sync(tenant: Any) -> Sync:
    made = factories.busy_month(tenant)
    customer = Record.objects.for_tenant(tenant).filter(title="Kestrel Logistics GmbH")
    customer.update(match_key="kestrel logistics")
    kestrel = factories.draft(made.flows.get(key="invoices"), "30050", "19.50", "EUR")
    Record.objects.for_tenant(tenant).filter(pk=kestrel.pk).update(match_key="kestrel logistics")
    return made


def keys(records: list[Record]) -> set[str]:
    return {record.source_key for record in records}


def of(sync: Sync, *source_keys: str) -> list[int]:
    found = Record.objects.for_tenant(sync.tenant_id).filter(source_key__in=source_keys)
    return list(found.values_list("pk", flat=True))


def press(client: Client, **values: Any) -> str:
    answer = client.post(reverse(CONFIRM), values, follow=True)
    assert answer.status_code == 200
    return " ".join(str(message) for message in answer.context["messages"])


@pytest.mark.parametrize(
    ("query", "found", "money"),
    [
        ("", {"30010", "30011", "30012", "30050"}, {"EUR": "1000.00", "JPY": "120000", "KWD": "77.125"}),
        ("?currency=EUR", {"30010", "30050"}, {"EUR": "1000.00"}),
        ("?customer=Kestrel", {"30050"}, {"EUR": "19.50"}),
        ("?customer=KESTREL%20Logistics%20GmbH&currency=JPY", set(), {}),
        ("?after=x", {"30010", "30011", "30012", "30050"}, {"EUR": "1000.00", "JPY": "120000", "KWD": "77.125"}),
    ],
)
def test_drafts_are_filtered_and_summed(
    page: Client, sync: Sync, query: str, found: set[str], money: dict[str, str]
) -> None:
    shown = page.get(reverse("syncs:drafts") + query).context["page"]
    assert keys(shown.records) == found
    assert shown.sums.number == len(found)
    assert shown.customers == ({"kestrel logistics": "Kestrel Logistics GmbH"} if "30050" in found else {})
    assert shown.sums.money == {currency: Decimal(amount) for currency, amount in money.items()}


def test_another_currency_can_be_chosen_all_the_same(page: Client, sync: Sync) -> None:
    assert page.get(reverse("syncs:drafts") + "?currency=EUR").context["page"].currencies == ["EUR", "JPY", "KWD"]


def test_the_review_sums_up_what_is_ticked_and_warns(page: Client, sync: Sync) -> None:
    answer = page.get(reverse(REVIEW), {"record": of(sync, "30010", "30050", "300001")})
    assert keys(answer.context["page"].records) == {"30010", "30050"}, "what is no draft is left out"
    text = answer.content.decode()
    for words in ("Confirm 2 invoices?", "1,000.00 EUR", "cannot be undone"):
        assert words in text
    part = page.get(reverse(REVIEW), {"record": of(sync, "30010")}, headers={"HX-Request": "true"}).content.decode()
    assert "1 ticked" in part
    assert "980.50 EUR" in part
    assert "<html" not in part
    assert "Nothing is ticked" in page.get(reverse(REVIEW), headers={"HX-Request": "true"}).content.decode()


def test_nothing_ticked_leads_back(page: Client, sync: Sync) -> None:
    answer = page.get(reverse(REVIEW), follow=True)
    assert answer.redirect_chain[0][0] == reverse("syncs:drafts")
    assert "Tick the invoices" in answer.content.decode()


def test_what_is_confirmed_is_what_was_reviewed(page: Client, sync: Sync) -> None:
    given = {"all": "yes", "customer": "kestrel"}
    sums = page.get(reverse(REVIEW), given).context["sums"].said
    assert "changed since you looked" in press(page, all="yes", sums=sums), "the whole list was not reviewed"
    late = factories.draft(sync.flows.get(key="invoices"), "30060", "5.00", "EUR")
    Record.objects.for_tenant(sync.tenant_id).filter(pk=late.pk).update(match_key="kestrel logistics")
    assert "changed since you looked" in press(page, **given, sums=sums)
    late.delete()
    assert "1 invoice is confirmed" in press(page, **given, sums=sums)
    confirmed = Record.objects.for_tenant(sync.tenant_id).filter(unconfirmed=True, confirmed_at__isnull=False)
    assert list(confirmed.values_list("source_key", flat=True)) == ["30050"]
