"""Whatever the line does, the rows read are the same."""

from __future__ import annotations

from typing import Any

import pytest

from connections.errors import RateLimited, TransientError
from tests.contract.fusion_stage import Pod, pod

__all__ = ["pod"]

FAULTS: dict[str, dict[str, Any]] = {
    "html": {"kind": "html", "status": 200},
    "html_503": {"kind": "html", "status": 503},
    "internal": {"kind": "status", "status": 500},
    "bad_gateway": {"kind": "status", "status": 502},
    "broken_json": {"kind": "broken_json"},
    "cut_before": {"kind": "cut_before"},
    "cut_after": {"kind": "cut_after"},
    "cut_body": {"kind": "cut_body"},
    "throttled": {"kind": "status", "status": 429},
    "throttled_with_wait": {"kind": "status", "status": 429, "headers": {"Retry-After": "2"}},
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_middle_changes_nothing(pod: Pod, name: str) -> None:
    pod.configure(page_size="10")
    pod.event("invoices_arrive", count=60, lines=1)
    pod.fault(**FAULTS[name], path="receivablesInvoices", after=2, every=2, times=3)
    keys = [row.key for row in pod.rows()]
    assert sorted(keys) == sorted(pod.ids())
    assert len(keys) == 60


def test_a_page_that_times_out_is_asked_for_again(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    pod.event("invoices_arrive", count=5, lines=1)
    pod.fault("slow", path="receivablesInvoices", delay=0.6, times=1)
    client = pod.client()
    monkeypatch.setattr(client.door.wire, "_limits", type(client.door.wire._limits)((1, 0.3), 10**6, 10))
    assert len(pod.rows(client=client)) == 5


def test_an_outage_ends_in_a_transient_error(pod: Pod) -> None:
    pod.fault("status", status=503)
    with pytest.raises(TransientError):
        pod.rows()


def test_a_long_throttle_is_handed_to_the_caller(pod: Pod) -> None:
    pod.fault("status", status=429, headers={"Retry-After": "900"})
    with pytest.raises(RateLimited) as caught:
        pod.rows()
    assert caught.value.retry_after == 900
