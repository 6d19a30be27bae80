"""Oracle Fusion Cloud ERP → HubSpot: customers, invoices and payments."""

from __future__ import annotations

from syncs.catalogue import Integration
from syncs.integrations.fusion_hubspot.causes import CAUSES
from syncs.integrations.fusion_hubspot.customers import Customers
from syncs.integrations.fusion_hubspot.invoices import Invoices
from syncs.integrations.fusion_hubspot.payments import Payments
from syncs.integrations.fusion_hubspot.totals import totals

INTEGRATION = Integration(
    key="fusion_hubspot",
    label="Oracle Fusion → HubSpot",
    summary="Customers, invoices with their lines, and payments from Oracle Fusion, kept current in HubSpot.",
    source="oracle_fusion",
    destination="hubspot",
    flows=(Customers(), Invoices(), Payments()),
    every_minutes=10,
    totals=totals,
    causes=CAUSES,
)
