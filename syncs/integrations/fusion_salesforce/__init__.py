"""Oracle Fusion Cloud ERP ↔ Salesforce: finance's records one way, sales' and purchasing's orders the other."""

from __future__ import annotations

from syncs.catalogue import Integration
from syncs.integrations.fusion_salesforce.accounts import ACCOUNT_CAUSES
from syncs.integrations.fusion_salesforce.causes import CAUSES
from syncs.integrations.fusion_salesforce.credit_memos import CreditMemos
from syncs.integrations.fusion_salesforce.customers import Customers
from syncs.integrations.fusion_salesforce.invoices import Invoices
from syncs.integrations.fusion_salesforce.opportunities import Opportunities
from syncs.integrations.fusion_salesforce.order_causes import ORDER_CAUSES
from syncs.integrations.fusion_salesforce.payments import Payments
from syncs.integrations.fusion_salesforce.purchase_orders import PurchaseOrders
from syncs.integrations.fusion_salesforce.suppliers import Suppliers
from syncs.integrations.fusion_salesforce.totals import totals

INTEGRATION = Integration(
    key="fusion_salesforce",
    label="Oracle Fusion ↔ Salesforce",
    summary="Customers, suppliers, invoices and payments from Oracle Fusion, kept current in Salesforce; won "
    "opportunities and purchase orders from Salesforce become orders in Oracle Fusion.",
    source="oracle_fusion",
    destination="salesforce",
    flows=(Customers(), Suppliers(), Invoices(), CreditMemos(), Payments(), Opportunities(), PurchaseOrders()),
    every_minutes=15,
    totals=totals,
    causes={**CAUSES, **ACCOUNT_CAUSES, **ORDER_CAUSES},
)
