"""Drafts that wait for finance's word, for pages: filtered, summed by currency, walked by keyset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, QuerySet, Sum

from mlconnector.tenants.models import Tenant
from syncs import catalogue
from syncs.models import Flow, Record
from syncs.names.matching import normalise
from syncs.record_selectors import PER_PAGE, Money, RecordPage, drafts, flows_of, keyset_page, records_of

MOST_TICKED = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which drafts: empty means any. ``customer`` is a name or how it begins."""

    customer: str = ""
    currency: str = ""


@dataclass(slots=True)
class Sums:
    """How many drafts, and their money by currency."""

    number: int = 0
    money: Money = field(default_factory=dict)

    @property
    def said(self) -> str:
        """One line that tells whether the same drafts are meant as were looked at."""
        return "; ".join([str(self.number), *(f"{amount:f} {currency}" for currency, amount in self.money.items())])


@dataclass(slots=True)
class DraftPage:
    """``customers``: normalised name → the name as the customer's own record has it."""

    records: list[Record]
    after: int | None
    sums: Sums
    currencies: list[str]
    customers: dict[str, str]


def chosen(
    tenant: Tenant, flows: Sequence[Flow], wanted: Wanted, ticked: Iterable[int] | None = None
) -> QuerySet[Record]:
    """The drafts that are wanted, or of them those ticked."""
    if not flows:
        return Record.objects.across_tenants().none()
    found = drafts(tenant, flows=flows)
    if wanted.currency:
        found = found.filter(currency=wanted.currency)
    if wanted.customer:
        found = found.filter(match_key__startswith=normalise(wanted.customer) or wanted.customer)
    return found if ticked is None else found.filter(pk__in=list(ticked)[:MOST_TICKED])


def sums_of(records: QuerySet[Record]) -> Sums:
    sums = Sums()
    for row in records.values("currency").annotate(number=Count("pk"), total=Sum("amount")).order_by("currency"):
        sums.number += row["number"]
        if row["total"] is not None:
            sums.money[row["currency"]] = row["total"]
    return sums


def page_of(
    tenant: Tenant, flows: Sequence[Flow], wanted: Wanted, *, after: int | None = None, size: int = PER_PAGE
) -> DraftPage:
    found = chosen(tenant, flows, wanted)
    page = listed(found, flows, after=after, size=size)
    sums = sums_of(found)
    # To choose another currency, those that one chose away are offered too.
    every = sums_of(chosen(tenant, flows, Wanted(customer=wanted.customer))) if wanted.currency else sums
    return DraftPage(page.records, page.after, sums, list(every.money), customers_of(tenant, page.records))


def listed(
    found: QuerySet[Record], flows: Sequence[Flow], *, after: int | None = None, size: int = PER_PAGE
) -> RecordPage:
    return keyset_page(found, {flow.pk: flow for flow in flows}, after, size)


def customers_of(tenant: Tenant, records: Sequence[Record]) -> dict[str, str]:
    names = {record.match_key for record in records} - {""}
    syncs = {record.flow.sync_id for record in records}
    flows = [
        flow
        for flow in flows_of(tenant)
        if flow.sync_id in syncs and catalogue.get(flow.sync.integration).flow(flow.key).matches
    ]
    found = records_of(tenant, flows).filter(match_key__in=names).order_by("pk")
    return dict(found.values_list("match_key", "title"))
