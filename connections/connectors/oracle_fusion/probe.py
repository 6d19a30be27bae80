"""Finding out what a pod takes by asking small questions: each 400 is one form crossed out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from . import dialect as d
from .errors import NotVisible, Refused
from .rows import unpack
from .streams import CREATED, STAMP, Resource

if TYPE_CHECKING:
    from .client import FusionClient

PAST = datetime(2001, 1, 1, tzinfo=UTC)
FUTURE = datetime(2200, 1, 1, tzinfo=UTC)
NOWHERE = "no document says this 7f3a91"


class Probe:
    """Questions about one resource, one row each."""

    def __init__(self, client: FusionClient, resource: Resource) -> None:
        self._client = client
        self._resource = resource

    def explored(self) -> d.Dialect:
        """From nothing known: for the connection check. A filter counts only if it filters."""
        hopeful = d.Dialect(filters=True)
        if self._describes_as_refused():
            without = self._without_filter(hopeful)
            return self.lowered(without) if self._resource.text else without
        found = self.lowered(hopeful)
        if found.filters and self._rows(q=f"{STAMP} >= {d.stamp_literal(FUTURE, found.form)}"):
            return self._without_filter(found)
        return found

    def lowered(self, dialect: d.Dialect) -> d.Dialect:
        """The dialect without what is refused now."""
        if dialect.filters:
            form = self._form(STAMP, dialect.form)
            dialect = replace(dialect, form=form) if form else self._without_filter(dialect)
        if dialect.either and not self._takes(q=self._either(dialect)):
            dialect = replace(dialect, either=False)
        if not dialect.either and dialect.listed and not self._takes(q=d.listed(self._resource.key, [1, 2])):
            dialect = replace(dialect, listed=False)
        if dialect.by_cursor and not self._takes(orderBy=d.scan_order(self._resource)):
            dialect = replace(dialect, ordered=False)
        return self._search(dialect, self._resource.text) if self._resource.text else dialect

    def _search(self, dialect: d.Dialect, text: str) -> d.Dialect:
        """How our references are found: by ``like`` if it really narrows, else among what was created lately."""
        if dialect.like and not self._gives_nothing(q=d.holding(text, [NOWHERE])):
            dialect = replace(dialect, like=False)
        if not dialect.like and not dialect.filters:
            dialect = replace(dialect, form=self._form(CREATED, dialect.form) or dialect.form)
        return dialect

    def _form(self, attribute: str, first: str) -> str | None:
        for form in d.FORMS[d.FORMS.index(first) :]:
            if self._takes(q=f"{attribute} >= {d.stamp_literal(PAST, form)}"):
                return form
        return None

    def _either(self, dialect: d.Dialect) -> str:
        return d.any_of(self._resource.key, [1, 2])

    @staticmethod
    def _without_filter(dialect: d.Dialect) -> d.Dialect:
        return replace(dialect, filters=False, ordered=False, form=d.FORMS[0])

    def _describes_as_refused(self) -> bool:
        """``describe`` says of the attribute that it is not queryable; silence is no answer."""
        resource = self._resource
        try:
            body = self._client.get(f"{self._client.path(resource)}/describe", {}, f"{resource.name} describe").body
        except (Refused, NotVisible):
            return False
        return _queryable(body) is False

    def _takes(self, **params: str) -> bool:
        try:
            self._rows(**params)
        except Refused:
            return False
        return True

    def _gives_nothing(self, **params: str) -> bool:
        try:
            return not self._rows(**params)
        except Refused:
            return False

    def _rows(self, **params: str) -> list[dict[str, Any]]:
        shape = {"limit": 1, "onlyData": "true", "fields": self._resource.key}
        resource = self._resource
        return unpack(self._client.get(self._client.path(resource), {**params, **shape}, resource.name).body, 1)[0]


def _queryable(node: Any) -> bool | None:
    """The layout is not published: the attribute's name and ``queryable`` side by side, wherever they stand."""
    if isinstance(node, dict):
        if node.get("name") == STAMP and "queryable" in node:
            return bool(node["queryable"])
        parts: Any = node.values()
    elif isinstance(node, list):
        parts = node
    else:
        return None
    return next((found for part in parts if (found := _queryable(part)) is not None), None)
