"""Querysets that refuse to be evaluated before someone said whose rows they are about."""

from __future__ import annotations

from typing import Any, Self, TypeVar

from django.db import models

_M = TypeVar("_M", bound=models.Model, covariant=True)


class UnscopedQuery(RuntimeError):
    """A programming error: rows of every tenant were about to be read or changed."""


class TenantQuerySet(models.QuerySet[_M]):
    """Evaluates only after ``for_tenant``, ``across_tenants``, or when reached through a related object."""

    _scoped = False
    _probe = False

    def for_tenant(self, tenant: models.Model | int) -> Self:
        manager: Any = self.model._default_manager
        scoped = self.filter(**{manager.tenant_path: tenant}, **manager.shown)
        scoped._scoped = True
        return scoped

    def across_tenants(self) -> Self:
        """For operators and workers that serve all tenants; never for a request of a tenant's member."""
        marked = self._chain()  # type: ignore[attr-defined]
        marked._scoped = True
        return marked  # type: ignore[no-any-return]

    def _clone(self) -> Self:
        clone = super()._clone()  # type: ignore[misc]
        clone._scoped = self._scoped
        clone._probe = self._probe
        return clone  # type: ignore[no-any-return]

    def _demand_scope(self, *, probe: bool = False) -> None:
        related = self._known_related_objects or "instance" in self._hints  # type: ignore[attr-defined]
        if self._scoped or related or self.query.is_empty() or (probe and self._probe):
            return
        raise UnscopedQuery(
            f"{self.model.__name__}.objects was evaluated without a tenant. Call .for_tenant(tenant), start from a "
            "related object, or say .across_tenants()."
        )

    def _fetch_all(self) -> None:
        if self._result_cache is None:
            self._demand_scope()
        super()._fetch_all()

    def iterator(self, *args: Any, **kwargs: Any) -> Any:
        self._demand_scope()
        return super().iterator(*args, **kwargs)

    def aiterator(self, *args: Any, **kwargs: Any) -> Any:
        self._demand_scope()
        return super().aiterator(*args, **kwargs)

    def count(self) -> int:
        if self._result_cache is None:
            self._demand_scope()
        return super().count()

    def exists(self) -> bool:
        if self._result_cache is None:
            self._demand_scope(probe=True)
        return super().exists()

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self._demand_scope()
        return super().aggregate(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        self._demand_scope()
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        self._demand_scope()
        return super().delete()

    def raw(self, *args: Any, **kwargs: Any) -> Any:
        self._demand_scope()
        return super().raw(*args, **kwargs)

    def contains(self, obj: models.Model) -> bool:
        self._demand_scope()
        return super().contains(obj)

    def explain(self, *args: Any, **kwargs: Any) -> Any:
        self._demand_scope()
        return super().explain(*args, **kwargs)

    update.alters_data = True  # type: ignore[attr-defined]
    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class TenantManager(models.Manager[_M]):
    """``tenant_path`` is the lookup from the model to its tenant, like ``flow__sync__tenant``; ``shown`` are conditions
    for what its members may come across."""

    def __init__(self, tenant_path: str = "tenant", **shown: Any) -> None:
        super().__init__()
        self.tenant_path = tenant_path
        self.shown = shown

    def get_queryset(self) -> TenantQuerySet[_M]:
        return TenantQuerySet(self.model, using=self._db, hints=self._hints)  # type: ignore[attr-defined]

    def for_tenant(self, tenant: models.Model | int) -> TenantQuerySet[_M]:
        return self.get_queryset().for_tenant(tenant)

    def across_tenants(self) -> TenantQuerySet[_M]:
        return self.get_queryset().across_tenants()

    def using(self, alias: str | None) -> TenantQuerySet[_M]:
        """Django's validation of unique constraints starts here; it may ask whether a row exists, and no more."""
        probe = self.get_queryset().using(alias)
        probe._probe = True
        return probe
