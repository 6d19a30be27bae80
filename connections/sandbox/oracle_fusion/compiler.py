"""From a parsed ``q``, an ``orderBy`` or a finder to SQL over the columns of a table."""

# Names in SQL come from the attribute tables, values are always parameters.
# ruff: noqa: S608

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from . import q
from .attributes import Attribute
from .encoding import stamp_milliseconds, stamp_text
from .errors import FusionError, bad_request
from .resources import Finder, Node

_ZULU = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_OFFSET = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d:\d\d")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_INTEGER = re.compile(r"-?\d{1,18}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_FLAGS = {"true": ("true", 1), "false": ("true", 0), "Y": ("Y", 1), "N": ("Y", 0)}
NEVER = "0"
ALWAYS = "1"


@dataclass(frozen=True)
class Condition:
    """A piece of SQL and its parameters."""

    sql: str
    params: tuple[Any, ...] = ()


def both(*conditions: Condition) -> Condition:
    kept = [condition for condition in conditions if condition.sql != ALWAYS]
    if not kept:
        return Condition(ALWAYS)
    return Condition(
        " AND ".join(f"({condition.sql})" for condition in kept),
        tuple(p for condition in kept for p in condition.params),
    )


class Compiler:
    """Compiles against one resource of a pod with the given switches."""

    def __init__(self, node: Node, switches: dict[str, Any], version: int, alias: str = "t") -> None:
        self.node = node
        self.switches = switches
        self.version = version
        self.alias = alias
        self._driven: frozenset[str] = frozenset()

    # -- q --------------------------------------------------------------------------------------------------------

    def filter(self, query: q.Query) -> Condition:
        """The condition of a ``q``. Raises :class:`FusionError` 400."""
        self._driven = self._keyset_attributes(query.expression)
        return self._expression(query.expression, query.lenient)

    def _expression(self, expression: q.Expression, lenient: bool) -> Condition:
        if isinstance(expression, q.Comparison):
            return self._comparison(expression, lenient)
        keyset = self._keyset(expression)
        if keyset is not None:
            return keyset
        parts = [self._expression(term, lenient) for term in expression.terms]
        joined = f" {expression.kind.upper()} ".join(f"({part.sql})" for part in parts)
        return Condition(joined, tuple(param for part in parts for param in part.params))

    def _comparison(self, comparison: q.Comparison, lenient: bool) -> Condition:
        if "." in comparison.attribute:
            return self._child(comparison, lenient)
        attribute = self.attribute(comparison.attribute)
        if attribute.name == "LastUpdateDate" and self.node.name in self.switches["filter_ignored"]:
            return Condition(ALWAYS)
        column = self.column(attribute)
        if comparison.operator in ("null", "not null"):
            return Condition(f"{column} IS {comparison.operator.upper()}")
        if comparison.upper:
            column = f"UPPER({column})"
        if comparison.operator == "like":
            return self._like(attribute, column, comparison.values[0], lenient)
        literals = tuple(self.literal(attribute, value, lenient) for value in comparison.values)
        if comparison.operator == "in":
            return Condition(f"{column} IN ({', '.join('?' for _ in literals)})", literals)
        if comparison.operator == "between":
            return Condition(f"{column} BETWEEN ? AND ?", literals)
        if attribute.name in self._driven and comparison.operator in (">", ">="):
            column = f"+{column}"  # the keyset condition drives the index; this one only checks
        return Condition(f"{column} {comparison.operator} ?", literals)

    def _like(self, attribute: Attribute, column: str, value: q.Literal, lenient: bool) -> Condition:
        if attribute.type != "s" or not (value.quoted or lenient):
            raise bad_request(f"LIKE needs a string attribute and a quoted string: {attribute.name}")
        pattern = re.sub(r"[?\[]", lambda match: f"[{match[0]}]", value.text)
        return Condition(f"{column} GLOB ?", (pattern,))

    def _child(self, comparison: q.Comparison, lenient: bool) -> Condition:
        """A filter on a child attribute, from version 2 on (docs.oracle.com, Get Invoices Using a Second Level
        Attribute).
        """
        name, _, attribute = comparison.attribute.partition(".")
        child = self.node.child(name)
        if child is None or self.version < 2 or self.switches["child_refused"]:
            raise self.not_queryable(comparison.attribute)
        inner = Compiler(child, self.switches, self.version, alias="c")
        condition = inner._comparison(q.Comparison(attribute, *_rest(comparison)), lenient)
        sql = (
            f"EXISTS (SELECT 1 FROM {child.table.sql} c WHERE c.{child.parent} = {self.alias}._id AND {condition.sql})"
        )
        return Condition(sql, condition.params)

    # -- keyset paging --------------------------------------------------------------------------------------------

    def _keyset_attributes(self, expression: q.Expression) -> frozenset[str]:
        terms = expression.terms if isinstance(expression, q.Junction) and expression.kind == "and" else (expression,)
        found = [_keyset_parts(term) for term in terms]
        return frozenset(parts[0].attribute for parts in found if parts)

    def _keyset(self, expression: q.Junction) -> Condition | None:
        """``A > x or (A = x and B > y)`` as a row value, which an index on (A, B) answers at once."""
        parts = _keyset_parts(expression)
        if parts is None:
            return None
        first, second = (self.attribute(part.attribute) for part in parts)
        if first.name == "LastUpdateDate" and self.node.name in self.switches["filter_ignored"]:
            return None
        literals = tuple(
            self.literal(attribute, part.values[0], False)
            for attribute, part in zip((first, second), parts, strict=True)
        )
        return Condition(f"({self.column(first)}, {self.column(second)}) > (?, ?)", literals)

    # -- attributes and values ------------------------------------------------------------------------------------

    def attribute(self, name: str) -> Attribute:
        """A filterable attribute. Raises 400 for all others."""
        attribute = self.node.table.by_name.get(name)
        if attribute is None or not (attribute.filterable or self._accepted_beyond(name)):
            raise self.not_queryable(name)
        return attribute

    def _accepted_beyond(self, name: str) -> bool:
        if name != "LastUpdateDate":
            return False
        if self.node.name == "standardReceipts" and self.switches["receipts_filterable"]:
            return True
        return self.node.name in (*self.switches["more_filterable"], *self.switches["filter_ignored"])

    def not_queryable(self, name: str) -> FusionError:
        """One of the two published texts (blogs.oracle.com/vbcs; the other reported by integrators)."""
        if self.switches["not_queryable_text"] == "parameter":
            return bad_request(f"URL request parameter {name} cannot be used in this context.")
        return bad_request(f"attribute {name} is not queryable")

    def column(self, attribute: Attribute) -> str:
        table = self.node.table
        if attribute.name == table.identity:
            return f"{self.alias}._id"
        if attribute.name in table.column_names:
            return f'{self.alias}."{attribute.name}"'
        return f"json_extract('{{' || {self.alias}.doc || '}}', '$.{attribute.name}')"

    def literal(self, attribute: Attribute, value: q.Literal, lenient: bool) -> Any:
        """A value in the form its column holds. Raises 400."""
        text = value.text
        if attribute.type == "s":
            if value.quoted or lenient:
                return text
        elif attribute.type == "i" and _INTEGER.fullmatch(text):
            return int(text)
        elif attribute.type == "n" and _NUMBER.fullmatch(text):
            return _decimal(text)
        elif attribute.type == "d" and _DATE.fullmatch(text):
            return _valid_date(text, attribute.name)
        elif attribute.type == "t" and (value.quoted or lenient or _DATE.fullmatch(text)):
            return self._timestamp(attribute.name, text)
        elif attribute.type == "b" and text in _FLAGS:
            form, flag = _FLAGS[text]
            if self.switches["boolean_literals"] in ("both", form):
                return flag
        raise _bad_literal(attribute.name, text)

    def _timestamp(self, name: str, text: str) -> int:
        forms = self.switches["timestamp_forms"]
        for form, pattern in (("zulu", _ZULU), ("offset", _OFFSET), ("date", _DATE)):
            if form in forms and pattern.fullmatch(text):
                try:
                    return stamp_milliseconds(f"{text}T00:00:00+00:00" if form == "date" else text)
                except ValueError:
                    break
        raise _bad_literal(name, text)

    # -- finders and order ----------------------------------------------------------------------------------------

    def finder(self, finder: Finder, variables: dict[str, str], now: float) -> Condition:
        """The condition of a finder call. Variables are compared for equality unless the finder says otherwise."""
        conditions = [Condition(f"{self._any_column(name)} IS NULL") for _, name in finder.always]
        for variable, text in variables.items():
            if variable not in finder.variables:
                raise bad_request(f"The finder {finder.name} has no variable {variable}.")
            operator, name = finder.variables[variable]
            if operator == "any":
                continue
            attribute = self.node.table.by_name[name]
            if operator == "days":
                conditions.append(self._not_older(attribute, text, now))
            else:
                value = self.literal(attribute, q.Literal(text, True), True)
                conditions.append(
                    Condition(f"{self.column(attribute)} {operator} ?", (self._extracted(attribute, value),))
                )
        return both(*conditions)

    def _not_older(self, attribute: Attribute, text: str, now: float) -> Condition:
        if not text.isdigit() or len(text) > 5:
            raise _bad_literal(attribute.name, text)
        first = datetime.fromtimestamp(now, UTC).date() - timedelta(days=int(text))
        return Condition(f"{self.column(attribute)} >= ?", (first.isoformat(),))

    def _any_column(self, name: str) -> str:
        return self.column(self.node.table.by_name[name])

    def _extracted(self, attribute: Attribute, value: Any) -> Any:
        """A timestamp without a column of its own is compared as text."""
        stored = attribute.name in self.node.table.column_names or attribute.name == self.node.table.identity
        return value if stored or attribute.type != "t" else stamp_text(value)

    def order(self, text: str) -> str:
        """The ORDER BY terms of an ``orderBy`` parameter. Ties keep the undefined order."""
        terms, unique = [], False
        for part in text.split(","):
            name, _, direction = part.strip().partition(":")
            attribute = self.node.table.by_name.get(name)
            if attribute is None or direction.lower() not in ("", "asc", "desc"):
                raise bad_request(f"The value {part.strip()} of orderBy is not valid.")
            if not (attribute.filterable or self.switches["order_by_any"]):
                raise self.not_queryable(name)
            unique = unique or name == self.node.table.identity
            terms.append(f"{self.column(attribute)} {direction.upper() or 'ASC'}")
        return ", ".join(terms if unique else [*terms, f"{self.alias}._shuffle"])


def _rest(comparison: q.Comparison) -> tuple[str, tuple[q.Literal, ...], bool]:
    return comparison.operator, comparison.values, comparison.upper


def _keyset_parts(expression: q.Expression) -> tuple[q.Comparison, q.Comparison] | None:
    if not isinstance(expression, q.Junction) or expression.kind != "or" or len(expression.terms) != 2:
        return None
    after, tie = expression.terms
    if (
        not isinstance(after, q.Comparison)
        or not isinstance(tie, q.Junction)
        or tie.kind != "and"
        or len(tie.terms) != 2
    ):
        return None
    same, further = tie.terms
    if not isinstance(same, q.Comparison) or not isinstance(further, q.Comparison):
        return None
    fits = (after.operator, same.operator, further.operator) == (">", "=", ">")
    if not fits or after.attribute != same.attribute or after.values != same.values:
        return None
    if any("." in part.attribute or part.upper for part in (after, same, further)):
        return None
    return after, further


def _bad_literal(name: str, text: str) -> FusionError:
    return bad_request(f"The value {text} is not valid for the attribute {name}.")


def _decimal(text: str) -> float:
    try:
        return float(Decimal(text))
    except InvalidOperation:
        raise bad_request(f"{text} is not a number.") from None


def _valid_date(text: str, name: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise _bad_literal(name, text) from None
