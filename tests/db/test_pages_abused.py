"""What nobody types but anybody may send: no page and no button breaks over it, and none reaches a neighbour's rows."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEntry
from mlconnector.tenants.models import Membership
from syncs.models import Preview, Record
from tests import factories
from tests.conftest import undone

pytestmark = pytest.mark.either_database
ZERO = "a\x00b"


@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("get", "/drafts/", {"customer": ZERO}),
        ("get", "/records/find/", {"sync": "1", "flow": "invoices", "key": ZERO}),
        ("get", "/attention/{flow}/a%00b/", {}),
        ("post", "/attention/{flow}/replay/", {"code": ZERO}),
        ("post", "/matches/decide/", {"choice-{record}": f"adopt:{ZERO}"}),
        ("post", "/api-keys/a%00b/revoke/", {}),
        ("get", "/records/", {"cause": ZERO}),
    ],
)
def test_a_zero_character_breaks_nothing(
    signed_in: Any, owner: Any, tenant: Any, method: str, path: str, data: dict[str, str]
) -> None:
    sync = factories.busy_month(tenant)
    flow = sync.flows.get(key="invoices")
    names = {"flow": flow.pk, "record": flow.records.latest("pk").pk}
    given = {name.format(**names): value for name, value in data.items()}
    assert getattr(signed_in(owner), method)(path.format(**names), given).status_code == 400


def test_a_zero_character_in_json_breaks_nothing(signed_in: Any, owner: Any, tenant: Any) -> None:
    sync = factories.busy_month(tenant)
    body = '{"options": {"paid": "a\\u0000"}}'
    answer = signed_in(owner).patch(f"/api/v1/syncs/{sync.pk}/flows/invoices/", body, content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize("odd", ["9" * 18, "9" * 400, "‮" + "é" * 3000, "-1", "💥'\"<script>%_\\"])
@pytest.mark.parametrize(
    "path",
    [
        "/records/?q={0}&status={0}&run={0}&after={0}&sync={0}&cause={0}",
        "/audit/?text={0}&record={0}&run={0}&since={0}&before={0}",
        "/drafts/?customer={0}&currency={0}&after={0}",
        "/drafts/review/?record={0}&customer={0}",
        "/matches/?after={0}",
        "/attention/{1}/{0}/?after={0}",
        "/syncs/{2}/flows/invoices/mapping/?version={0}",
        "/reconciliation/{3}/export/?month={0}",
    ],
)
def test_odd_texts_break_nothing(signed_in: Any, owner: Any, tenant: Any, path: str, odd: str) -> None:
    sync = factories.busy_month(tenant)
    flow, report = sync.flows.get(key="invoices"), factories.report(sync)
    answer = signed_in(owner).get(path.format(quote(odd, safe=""), flow.pk, sync.pk, report.pk))
    assert answer.status_code < 500
    assert "<script>%_" not in answer.content.decode()


# What belongs to a neighbour ------------------------------------------------------------------------------------------


def snapshot(tenant: Any) -> list[Any]:
    return [
        list(Record.objects.for_tenant(tenant).order_by("pk").values()),
        list(Preview.objects.for_tenant(tenant).values()),
        list(Membership.objects.filter(tenant=tenant).values()),
        AuditEntry.objects.filter(tenant_id=tenant.pk).count(),
    ]


def test_ids_of_a_neighbour_mean_nothing_in_a_list(
    signed_in: Any, outsider: Any, other_tenant: Any, tenant: Any, viewer: Any
) -> None:
    theirs = factories.busy_month(tenant)
    mine = factories.busy_month(other_tenant)
    flow = mine.flows.get(key="invoices")
    ids = list(Record.objects.for_tenant(tenant).values_list("pk", flat=True))
    Record.objects.for_tenant(tenant).filter(pk=ids[0]).update(set_aside={"how": "ignored"})
    before = snapshot(tenant)
    group = reverse("syncs:group", args=[flow.pk, "total_differs"])
    member = Membership.objects.get(user=viewer)
    client: Client = signed_in(outsider)
    foreign = {"record": ids}
    for path, given in (
        (f"{group}replay/", foreign),
        (f"{group}preview/", foreign),
        (f"{group}set-aside/", foreign | {"how": "done", "reason": "x"}),
        (f"{group}assign/", foreign | {"member": "nobody"}),
        (f"{group}assign/", {"scope": "all", "member": str(member.pk)}),
        ("/attention/aside/take-back/", foreign),
        ("/matches/accept/", foreign),
        ("/matches/decide/", {f"choice-{pk}": "reject" for pk in ids}),
        ("/drafts/confirm/", foreign | {"sums": "1"}),
        ("/workspace/hand-over/", {"heir": str(member.pk), "sure": "on"}),
        ("/workspace/choose/", {"tenant": str(tenant.pk)}),
        ("/syncs/new/fusion_hubspot/", {"source": str(theirs.source_id), "destination": str(theirs.destination_id),
                                        "name": "x", "every_minutes": "10"}),
    ):  # fmt: skip
        with undone():
            assert client.post(path, given).status_code in (302, 404, 422), path
            assert snapshot(tenant) == before, path
            assigned = Record.objects.for_tenant(other_tenant).filter(assigned_to__isnull=False)
            assert not assigned.exists(), path
            assert mine.tenant.syncs.filter(rehearsal=False).count() == 1, path


def test_ids_of_a_neighbour_mean_nothing_to_a_program(
    signed_in: Any, outsider: Any, other_tenant: Any, tenant: Any
) -> None:
    theirs = factories.busy_month(tenant)
    mine = factories.busy_month(other_tenant)
    ids = list(Record.objects.for_tenant(tenant).values_list("pk", flat=True))
    preview, report = factories.preview(theirs), factories.report(theirs)
    before = snapshot(tenant)
    client: Client = signed_in(outsider)
    for path, given in (
        ("previews/", {"sync": theirs.pk}),
        ("previews/", {"sync": mine.pk, "kind": "replay", "records": ids}),
        ("previews/", {"sync": mine.pk, "kind": "replay", "run": theirs.runs.first().pk}),
        (f"previews/{preview.pk}/approve/", {}),
        (f"previews/{preview.pk}/discard/", {}),
        (f"records/{ids[0]}/set-aside/", {"how": "done", "reason": "x"}),
        (f"records/{ids[0]}/assign/", {"member": None}),
        (f"records/{ids[0]}/withdraw/", {}),
        ("syncs/", {"integration": "fusion_hubspot", "name": "x", "source": theirs.source_id,
                    "destination": theirs.destination_id}),
    ):  # fmt: skip
        with undone():
            answer = client.post(f"/api/v1/{path}", given, content_type="application/json")
            assert answer.status_code in (400, 404, 409), (path, given, answer.content)
            assert snapshot(tenant) == before, path
    for path in (f"previews/{preview.pk}/", f"previews/{preview.pk}/entries/", f"records/{ids[0]}/"):
        assert client.get(f"/api/v1/{path}").status_code == 404, path
    assert client.get(reverse("syncs:report-export", args=[report.pk])).status_code == 404
