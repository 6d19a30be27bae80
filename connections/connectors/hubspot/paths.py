"""Addresses of HubSpot's API: the same calls under a numbered or a dated version."""

from __future__ import annotations

from dataclasses import dataclass

VERSIONS = ("2026-09", "2026-03", "v3")


@dataclass(frozen=True, slots=True)
class Paths:
    version: str

    @property
    def _numbered(self) -> bool:
        return self.version.startswith("v")

    def objects(self, kind: str, rest: str = "") -> str:
        head = f"/crm/{self.version}/objects" if self._numbered else f"/crm/objects/{self.version}"
        return f"{head}/{kind}{rest}"

    def properties(self, kind: str, rest: str = "") -> str:
        head = f"/crm/{self.version}/properties" if self._numbered else f"/crm/properties/{self.version}"
        return f"{head}/{kind}{rest}"

    def associations(self, from_kind: str, to_kind: str, verb: str) -> str:
        """Associations are one numbered version ahead of objects."""
        head = "/crm/v4/associations" if self._numbered else f"/crm/associations/{self.version}"
        return f"{head}/{from_kind}/{to_kind}/batch/{verb}"

    def account(self) -> str:
        return f"/account-info/{self.version}/details"
