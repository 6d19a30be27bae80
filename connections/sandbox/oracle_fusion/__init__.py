"""Oracle Fusion Cloud ERP, imitated from its published contract."""

from .auth import DEMO_CREDENTIALS
from .system import OracleFusion

__all__ = ["DEMO_CREDENTIALS", "OracleFusion"]
