"""The remote systems, imitated behind real HTTP on loopback, with seeded data and faults that can be switched on.

Nothing here needs Django: ``with Sandbox(seed="demo") as sandbox: sandbox.url("oracle_fusion", "pod")``.
"""

from .sandbox import Sandbox

__all__ = ["Sandbox"]
