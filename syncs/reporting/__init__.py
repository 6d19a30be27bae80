"""Do both systems agree? Reconciliation by month and currency."""
