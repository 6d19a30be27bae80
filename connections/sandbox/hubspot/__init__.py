"""HubSpot, imitated: objects, properties, associations and search of one account, strict where the vendor is."""

from .switches import DEMO_CREDENTIALS, SWITCHES
from .system import HubSpot

__all__ = ["DEMO_CREDENTIALS", "SWITCHES", "HubSpot"]
