"""The integrations over which the shared suites run: a module each, and one for each system at their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.pairs.base import Pair
from tests.acceptance.pairs.fusion_hubspot import FusionHubSpot
from tests.acceptance.pairs.fusion_salesforce import FusionSalesforce

if TYPE_CHECKING:
    from tests.acceptance.stage import Stage

FUSION_HUBSPOT = FusionHubSpot()
FUSION_SALESFORCE = FusionSalesforce()
PAIRS: tuple[Pair, ...] = (FUSION_HUBSPOT, FUSION_SALESFORCE)


def of(stage: Stage) -> Pair:
    return next(pair for pair in PAIRS if pair.integration == stage.sync.integration)
