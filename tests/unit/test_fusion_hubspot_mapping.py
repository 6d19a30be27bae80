"""What Fusion's records become in HubSpot."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncs.integrations.fusion_hubspot import INTEGRATION
from tests.unit.golden_files import GoldenFiles

GOLDEN = GoldenFiles(
    "fusion_hubspot",
    INTEGRATION.flows,
    keyed=("invoices.lines", "payments.invoices"),
    optional=("customers.contact",),
)


@pytest.mark.parametrize("path", GOLDEN.files, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    GOLDEN.check(path)


def test_every_target_field_is_filled_in_at_least_one_golden_file() -> None:
    assert GOLDEN.unfilled() == set()
