"""A parsed query to SQL over the table of rows."""

# Names in SQL come from the schema, values are always parameters.
# ruff: noqa: S608

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from .errors import Refusal
from .ids import full_id
from .org import Org
from .rows import folded
from .schema import NUMERIC, TEXTUAL, Field, SObject
from .soql import Condition, Group, Literal, Name, Query, located, malformed

COLUMNS = {
    "Id": "id",
    "IsDeleted": "deleted",
    "CreatedDate": "created",
    "LastModifiedDate": "modified",
    "SystemModstamp": "stamp",
}
MAX_LEVELS = 5


@dataclass(frozen=True, slots=True)
class Column:
    """A selected field: the parents on the way to it, the field, and its place in the SQL row."""

    path: tuple[str, ...]
    field: Field
    index: int


def unknown_column(query: Query, name: Name, entity: str) -> Refusal:
    last = name.text.rpartition(".")[2]
    message = (
        f"No such column '{last}' on entity '{entity}'. If you are attempting to use a custom field, be sure to append "
        "the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate "
        "names."
    )
    return Refusal(400, "INVALID_FIELD", located(query.text, name.at, message))


class Compiler:
    """One query over one object; ``everything`` includes deleted rows, as queryAll does."""

    def __init__(self, org: Org, query: Query, sobject: SObject, *, everything: bool = False) -> None:
        self.org, self.query, self.sobject, self.everything = org, query, sobject, everything
        self.objects = org.visible()
        self.joins: dict[tuple[str, ...], tuple[str, SObject, str]] = {}  # path -> alias, object, SQL
        self.columns: list[Column] = []
        self.selected: list[str] = ["t.id"]
        self.parents: dict[tuple[str, ...], int] = {}
        self.parameters: list[Any] = []

    # -- names ---------------------------------------------------------------------------------------------------------

    def resolve(self, name: Name) -> tuple[tuple[str, ...], Field, str]:
        """Parents on the way, the field and its SQL. Raises INVALID_FIELD."""
        parts = name.text.split(".")
        if parts[0].lower() == self.sobject.name.lower() and len(parts) > 1:
            parts = parts[1:]
        path: tuple[str, ...] = ()
        alias, sobject = "t", self.sobject
        if len(parts) > MAX_LEVELS + 1:
            raise malformed(located(self.query.text, name.at, "SOQL relationships go up five levels at most"))
        for part in parts[:-1]:
            path, alias, sobject = self._join(path, alias, sobject, part, name)
        found = sobject.get(parts[-1])
        if found is None:
            raise unknown_column(self.query, name, sobject.name)
        if found.formula:
            return path, found, self._formula(path, alias, sobject, found, name)
        return path, found, self._sql(alias, found, sobject)

    def _join(
        self, path: tuple[str, ...], alias: str, sobject: SObject, part: str, name: Name
    ) -> tuple[tuple[str, ...], str, SObject]:
        reference = sobject.by_relationship(part)
        parent = self.objects.get(reference.refs[0].lower()) if reference else None
        if reference is None or parent is None:
            message = f"Didn't understand relationship '{part}' in field path. If you are attempting to use a custom "
            message += "relationship, be sure to append the '__r' after the custom relationship name."
            raise Refusal(400, "INVALID_FIELD", located(self.query.text, name.at, message))
        longer = (*path, reference.relationship or part)
        if longer not in self.joins:
            new = f"p{len(self.joins)}"
            live = "" if self.everything else f" AND {new}.deleted = 0"
            key = self._sql(alias, reference, sobject)
            self.joins[longer] = new, parent, f"LEFT JOIN salesforce_rows {new} ON {new}.id = {key}{live}"
        found = self.joins[longer]
        return longer, found[0], found[1]

    def _formula(self, path: tuple[str, ...], alias: str, sobject: SObject, each: Field, name: Name) -> str:
        """A formula shows a field of a parent: it is computed when read, so it moves no stamp."""
        *parents, last = each.formula.split(".")
        for part in parents:
            path, alias, sobject = self._join(path, alias, sobject, part, name)
        found = sobject.get(last)
        return self._sql(alias, found, sobject) if found else "NULL"

    def _sql(self, alias: str, each: Field, sobject: SObject) -> str:
        if each.name in COLUMNS:
            return f"{alias}.{COLUMNS[each.name]}"
        value = f"json_extract({alias}.doc, '$.{each.name}')"
        if each.type == "address":
            start = each.name.removesuffix("Address")
            parts = ("City", "Country", "PostalCode", "State", "Street")
            pairs = ", ".join(f"'{p[0].lower() + p[1:]}', json_extract({alias}.doc, '$.{start}{p}')" for p in parts)
            return f"json_object({pairs})"
        return f"COALESCE({value}, 0)" if each.type == "boolean" else value

    # -- SELECT --------------------------------------------------------------------------------------------------------

    def select(self, name: Name) -> None:
        path, each, sql = self.resolve(name)
        if any(column.path == path and column.field.name == each.name for column in self.columns):
            message = f"duplicate field selected: {name.text}"
            raise malformed(located(self.query.text, name.at, message))
        for depth in range(1, len(path) + 1):
            if path[:depth] not in self.parents:
                self.parents[path[:depth]] = len(self.selected)
                self.selected.append(f"{self.joins[path[:depth]][0]}.id")
        self.columns.append(Column(path, each, len(self.selected)))
        self.selected.append(sql)

    def source(self) -> str:
        return " ".join(["FROM salesforce_rows t", *(join[2] for join in self.joins.values())])

    def ids(self, restrict: str = "", parameters: tuple[Any, ...] = ()) -> tuple[str, list[Any]]:
        """SQL for the ids of all rows, in order."""
        where = self.where()
        order = [self._order(*each) for each in self.query.order]
        if not order and self.org.switches["undefined_order"]:
            order = ["(t.rowid * 7919) % 1009"]
        sql = f"SELECT t.id {self.source()} WHERE t.object = ?"
        values: list[Any] = [self.sobject.name]
        sql += "" if self.everything else " AND t.deleted = 0"
        sql += restrict
        values += parameters
        if where:
            sql += f" AND {where}"
            values += self.parameters
        if order:
            sql += f" ORDER BY {', '.join(order)}"
        if not restrict and (self.query.limit is not None or self.query.offset):
            limit = -1 if self.query.limit is None else self.query.limit
            sql += f" LIMIT {limit} OFFSET {self.query.offset}"
        return sql, values

    def _order(self, name: Name, descending: bool, nulls_last: bool) -> str:
        _, each, sql = self.resolve(name)
        if not each.filterable:
            message = f"field '{name.text}' can not be sorted in a query call"
            raise malformed(located(self.query.text, name.at, message))
        text = f"UPPER({sql})" if each.type in TEXTUAL else sql
        return f"{text} {'DESC' if descending else 'ASC'} NULLS {'LAST' if nulls_last else 'FIRST'}"

    # -- WHERE ---------------------------------------------------------------------------------------------------------

    def where(self) -> str:
        self.parameters = []
        return self._node(self.query.where) if self.query.where else ""

    def _node(self, node: Any) -> str:
        if isinstance(node, Group):
            if node.operator == "NOT":
                return f"NOT COALESCE({self._node(node.parts[0])}, 0)"
            return "(" + f" {node.operator} ".join(self._node(part) for part in node.parts) + ")"
        return self._condition(node)

    def _bind(self, value: Any) -> str:
        self.parameters.append(value)
        return "?"

    def _condition(self, node: Condition) -> str:
        path, each, sql = self.resolve(node.path)
        if not each.filterable:
            message = f"field '{node.path.text}' can not be filtered in a query call"
            raise Refusal(400, "INVALID_FIELD", located(self.query.text, node.path.at, message))
        for literal in node.values:
            self._check(node, each, literal)
        if node.operator in ("IN", "NOT IN"):
            return self._among(node, path, each, sql)
        if node.operator in ("INCLUDES", "EXCLUDES"):
            return self._picks(node, each, sql)
        literal = node.values[0]
        if node.operator == "LIKE":
            return f"UPPER({sql}) LIKE {self._bind(literal.pattern.upper())} ESCAPE '\\'"
        if literal.kind == "null":
            if node.operator not in ("=", "!="):
                raise malformed(located(self.query.text, node.path.at, "null is compared with = or != only"))
            return f"{sql} IS {'NOT ' if node.operator == '!=' else ''}NULL"
        if literal.kind == "range":
            return self._range(node.operator, each, sql, literal.value)
        if node.operator == "=" and self._has_keys(path, each):
            return self._by_key(each, [literal.value])
        value = self._bind(_plain(each, literal))
        left = f"UPPER({sql})" if _ignores_case(each) else sql
        if node.operator == "!=":
            return f"({sql} IS NULL OR {left} <> {value})"
        return f"{left} {node.operator} {value}"

    def _has_keys(self, path: tuple[str, ...], each: Field) -> bool:
        return not path and each.indexed and not self.everything and not each.formula and each.type not in NUMERIC

    def _by_key(self, each: Field, values: list[Any]) -> str:
        """An indexed field of the object itself: found without reading every row."""
        keys = [full_id(v) or v if each.type == "reference" else folded(each, v) for v in values]
        wanted = self._bind(json.dumps(keys))
        return (
            f"t.id IN (SELECT id FROM salesforce_keys WHERE object = '{self.sobject.name}' AND field = '{each.name}' "
            f"AND value IN (SELECT value FROM json_each({wanted})))"
        )

    def _among(self, node: Condition, path: tuple[str, ...], each: Field, sql: str) -> str:
        known = [literal for literal in node.values if literal.kind != "null"]
        if node.operator == "IN" and len(known) == len(node.values) and self._has_keys(path, each):
            return self._by_key(each, [literal.value for literal in known])
        left = f"UPPER({sql})" if _ignores_case(each) else sql
        wanted = self._bind(json.dumps([_plain(each, literal) for literal in known]))
        inside = f"{left} IN (SELECT value FROM json_each({wanted}))"
        if len(known) < len(node.values):
            inside = f"({inside} OR {sql} IS NULL)"
        return inside if node.operator == "IN" else f"NOT COALESCE({inside}, 0)"

    def _picks(self, node: Condition, each: Field, sql: str) -> str:
        if each.type != "multipicklist":
            message = "INCLUDES and EXCLUDES are for multi-select picklists"
            raise Refusal(400, "INVALID_FIELD", located(self.query.text, node.path.at, message))
        anyone = []
        for literal in node.values:
            parts = [self._bind(f";{part};".upper()) for part in str(literal.value).split(";")]
            anyone.append("(" + " AND ".join(f"instr(UPPER(';' || {sql} || ';'), {part}) > 0" for part in parts) + ")")
        inside = f"({' OR '.join(anyone)})"
        return inside if node.operator == "INCLUDES" else f"NOT COALESCE({inside}, 0)"

    def _range(self, operator: str, each: Field, sql: str, word: str) -> str:
        first, end = date_range(word, datetime.fromtimestamp(self.org.clock(), UTC).date())
        low, high = first.isoformat(), end.isoformat()
        if each.type == "datetime":
            low, high = f"{low}T00:00:00.000+0000", f"{high}T00:00:00.000+0000"
        if operator in ("<", ">="):
            return f"{sql} {operator} {self._bind(low)}"
        if operator in (">", "<="):
            return f"{sql} {'>=' if operator == '>' else '<'} {self._bind(high)}"
        inside = f"({sql} >= {self._bind(low)} AND {sql} < {self._bind(high)})"
        return inside if operator == "=" else f"NOT COALESCE({inside}, 0)"

    def _check(self, node: Condition, each: Field, literal: Literal) -> None:
        """A literal must be of the type of its field: dates unquoted, text quoted (source: SOQL reference)."""
        if each.type in NUMERIC:
            good, wanted = literal.kind == "number", "double and should not be enclosed in quotes"
        elif each.type == "boolean":
            good, wanted = literal.kind == "bool", "boolean and should not be enclosed in quotes"
        elif each.type == "date":
            good, wanted = literal.kind in ("date", "range"), "date and should not be enclosed in quotes"
        elif each.type == "datetime":
            good, wanted = literal.kind in ("datetime", "range"), "dateTime and should not be enclosed in quotes"
        else:
            good, wanted = literal.kind == "string", "string and should be enclosed in quotes"
        if literal.kind != "null" and not good:
            message = f"value of filter criterion for field '{node.path.text}' must be of type {wanted}"
            raise Refusal(400, "INVALID_FIELD", located(self.query.text, node.path.at, message))
        shaped = each.type not in ("id", "reference") or literal.kind == "null" or full_id(str(literal.value))
        if node.operator != "LIKE" and not shaped:
            message = f"invalid ID field: {literal.value}"
            raise Refusal(400, "INVALID_QUERY_FILTER_OPERATOR", located(self.query.text, node.path.at, message))


def _ignores_case(each: Field) -> bool:
    return each.type in TEXTUAL and not each.case_sensitive


def _plain(each: Field, literal: Literal) -> Any:
    if each.type in ("id", "reference"):
        return full_id(str(literal.value))
    return str(literal.value).upper() if _ignores_case(each) else literal.value


def date_range(word: str, today: date) -> tuple[date, date]:
    """First day of a date literal and the day after its last one."""
    day = timedelta(days=1)
    if ":" in word:
        number = int(word.partition(":")[2])
        return (
            (today - number * day, today + day)
            if word.startswith("LAST")
            else (today + day, today + (number + 1) * day)
        )
    which, _, unit = word.rpartition("_")
    if unit == "DAYS":
        return (today - 90 * day, today + day) if which.startswith("LAST") else (today + day, today + 91 * day)
    if not which:
        start = today + {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}[word] * day
        return start, start + day
    step = {"LAST": -1, "THIS": 0, "NEXT": 1}[which]
    if unit == "WEEK":
        start = today - ((today.weekday() + 1) % 7) * day + step * 7 * day
        return start, start + 7 * day
    if unit == "YEAR":
        return date(today.year + step, 1, 1), date(today.year + step + 1, 1, 1)
    month = today.year * 12 + today.month - 1 + step
    return date(month // 12, month % 12 + 1, 1), date((month + 1) // 12, (month + 1) % 12 + 1, 1)
