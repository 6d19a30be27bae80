"""The operators' side: all tenants, nothing edited by hand; what is done goes through the services.

Lists never count millions of rows: the paginator stops at ten thousand, and operators narrow the list instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
    _Inline = admin.TabularInline[Any, Any]
    _Admin = admin.ModelAdmin[Any]
else:
    _Paginator, _Inline, _Admin = Paginator, admin.TabularInline, admin.ModelAdmin

COUNTED = 10_000
admin.site.site_header = admin.site.site_title = "ml-connector operators"


class CappedPaginator(_Paginator):
    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[: COUNTED + 1].count()
        return len(rows)


def across(model: Any) -> QuerySet[Any]:
    """The rows of all tenants."""
    manager = model._default_manager
    rows: QuerySet[Any] = manager.across_tenants() if hasattr(manager, "across_tenants") else manager.get_queryset()
    return rows


class _ReadOnly:
    model: Any
    fields: ClassVar[Any]

    def get_readonly_fields(self, *args: Any, **kwargs: Any) -> Any:
        return self.fields

    def has_add_permission(self, *args: Any, **kwargs: Any) -> bool:
        return False

    def has_change_permission(self, *args: Any, **kwargs: Any) -> bool:
        return False

    def has_delete_permission(self, *args: Any, **kwargs: Any) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return across(self.model)


class ReadOnlyInline(_ReadOnly, _Inline):
    extra = 0
    show_change_link = False


class OperatorAdmin(_ReadOnly, _Admin):
    """Read-only. Actions are offered in the list and as buttons on the page of one row; both POST to the list."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    ordering = ("-pk",)
    change_form_template = "admin/operate.html"
    linked: tuple[str, ...] = ()

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Staff who may only view do not act."""
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """``linked`` are the lookups that other pages link to."""
        return lookup in self.linked or super().lookup_allowed(lookup, value, request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        extra = {"operations": [(name, text) for name, text in self.get_action_choices(request) if name]}
        return super().change_view(request, object_id, form_url, extra | (extra_context or {}))

    @contextmanager
    def telling(self, request: HttpRequest, subject: object) -> Iterator[None]:
        """A refusal of a service becomes a message."""
        try:
            yield
        except ValidationError as error:
            self.message_user(request, f"{subject}: {' '.join(error.messages)}", messages.ERROR)


def actor(request: HttpRequest) -> str:
    return f"operator:{request.user.get_username()}"


def operation(description: str) -> Callable[..., Any]:
    return admin.action(permissions=["operate"], description=description)


class InputFilter(admin.SimpleListFilter):
    """A filter that is typed, for what has too many values to list."""

    template = "admin/input_filter.html"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("", "")]  # an empty list would hide the filter

    def choices(self, changelist: Any) -> Iterator[Any]:
        others = [
            (name, value)
            for name, values in changelist.filter_params.items()
            if name != self.parameter_name
            for value in (values if isinstance(values, list) else [values])
        ]
        yield {"others": others, "selected": False, "query_string": "", "display": ""}


class TenantFilter(InputFilter):
    title = "workspace (name or number)"
    parameter_name = "workspace"
    path = "tenant"

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = (self.value() or "").strip()
        if not value:
            return queryset
        if value.isdecimal() and len(value) < 19:
            return queryset.filter(**{f"{self.path}_id": int(value)})
        return queryset.filter(**{f"{self.path}__name": value})


def tenant_filter(path: str) -> type[TenantFilter]:
    return type("TenantFilter", (TenantFilter,), {"path": path})
