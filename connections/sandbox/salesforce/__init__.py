"""Salesforce, imitated: one org behind one port, strict where the vendor is."""

from .switches import DEMO_CREDENTIALS, SWITCHES
from .system import Salesforce

__all__ = ["DEMO_CREDENTIALS", "SWITCHES", "Salesforce"]
