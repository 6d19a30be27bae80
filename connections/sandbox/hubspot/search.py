"""Search, with its limits and its delay.

Source: https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm. New and changed records appear
late; archived ones never. An index narrows the candidates down; the filters themselves run over the JSON documents.
"""

from __future__ import annotations

# Statements are put together from constants and question marks only.
# ruff: noqa: S608
import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from connections.sandbox.http import Response

from .calls import Call, record_id, whole_number
from .errors import invalid, invalid_properties, unknown_property
from .kinds import Kind, find_kind
from .portal import Portal
from .records import Record
from .values import milliseconds

BODY_CHARACTERS = 3_000
FILTERS_PER_GROUP = 6
FILTERS = 18
MOST_RESULTS = 10_000
LIMIT = 200
OPERATORS = frozenset(
    ("LT", "LTE", "GT", "GTE", "EQ", "NEQ", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY")
) | {"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}
PSEUDO = "associations."
_TOKENS = re.compile(r"[^\w*]+")

Test = Callable[[Record], bool]


def search(portal: Portal, call: Call) -> Response:
    """Records that meet the filters, sorted, from ``after`` on."""
    body = _read_body(call)
    limit = whole_number(body.get("limit"), 10, LIMIT)
    after = _offset(body.get("after"))
    if after + limit > MOST_RESULTS:
        raise invalid(f"The search goes beyond {MOST_RESULTS} results.")
    groups = _groups(portal, body)
    tests = [[_test(portal, call.kind, item) for item in group] for group in groups]
    found = [
        record
        for record in _candidates(portal, call.kind, groups)
        if not tests or any(all(test(record) for test in group) for group in tests)
    ]
    found = _sorted(portal, call.kind, found, body.get("sorts") or [])
    names = body.get("properties") or []
    answer: dict[str, Any] = {
        "total": len(found),
        "results": [record.view(call.kind, names) for record in found[after : after + limit]],
    }
    if after + limit < len(found):
        answer["paging"] = {"next": {"after": str(after + limit)}}
    return Response(200, answer)


# -- the request -------------------------------------------------------------------------------------------------------


def _read_body(call: Call) -> dict[str, Any]:
    if len(call.request.body.decode("utf-8", "replace")) > BODY_CHARACTERS:
        raise invalid(f"The body of a search must not be longer than {BODY_CHARACTERS} characters.")
    return call.body()


def _offset(after: object) -> int:
    if after in (None, ""):
        return 0
    if not str(after).isdigit():
        raise invalid("after must be a whole number, as text")
    return int(str(after))


def _groups(portal: Portal, body: dict[str, Any]) -> list[list[dict[str, Any]]]:
    given = body.get("filterGroups") or []
    try:
        groups = [list(group.get("filters") or []) for group in given]
    except (AttributeError, TypeError):
        raise invalid("filterGroups must be a list of objects with filters") from None
    most = portal.switches["search_max_groups"]
    if len(groups) > most:
        raise invalid(f"At most {most} filter groups are allowed.")
    if any(len(group) > FILTERS_PER_GROUP for group in groups):
        raise invalid(f"At most {FILTERS_PER_GROUP} filters are allowed in a group.")
    if sum(map(len, groups)) > FILTERS:
        raise invalid(f"At most {FILTERS} filters are allowed in all.")
    return [group for group in groups if group]


# -- filters -----------------------------------------------------------------------------------------------------------


def _test(portal: Portal, kind: Kind, item: dict[str, Any]) -> Test:
    """The check of one filter."""
    name, operator = str(item.get("propertyName", "")), item.get("operator")
    if operator not in OPERATORS:
        raise invalid(f"{operator} is not an operator of the search")
    if name.startswith(PSEUDO):
        return _association_test(portal, kind, name.removeprefix(PSEUDO), str(operator), item)
    definition = portal.definitions.get(kind, name)
    if definition is None:
        raise invalid_properties([unknown_property(name)])
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        wanted = operator == "HAS_PROPERTY"
        return lambda record: bool(record.value(kind, name)) is wanted
    compare = _comparison(definition.type, str(operator), item)
    return lambda record: compare(record.value(kind, name))


def _comparison(kind_of_value: str, operator: str, item: dict[str, Any]) -> Callable[[str | None], bool]:
    if operator in ("IN", "NOT_IN"):
        return _membership(kind_of_value, operator, _values(item))
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        return _tokens(operator, _value(item))
    convert = _converter(kind_of_value)
    low = convert(_value(item))
    if operator == "BETWEEN":
        high = convert(_value(item, "highValue"))
        return lambda value: value is not None and low <= convert(value) <= high
    if operator == "NEQ":
        return lambda value: value is not None and convert(value) != low
    order: dict[str, Callable[[Any], bool]] = {
        "EQ": lambda value: value == low,
        "LT": lambda value: value < low,
        "LTE": lambda value: value <= low,
        "GT": lambda value: value > low,
        "GTE": lambda value: value >= low,
    }
    check = order[operator]
    return lambda value: value is not None and check(convert(value))


def _value(item: dict[str, Any], name: str = "value") -> str:
    value = item.get(name)
    if value is None or isinstance(value, bool | list | dict):
        raise invalid(f"A filter with {item.get('operator')} needs {name}.")
    return str(value)


def _values(item: dict[str, Any]) -> list[str]:
    values = item.get("values")
    if not isinstance(values, list) or not values:
        raise invalid(f"A filter with {item.get('operator')} needs values.")
    return [str(value) for value in values]


def _converter(kind_of_value: str) -> Callable[[str], Any]:
    if kind_of_value == "number":
        return _decimal
    if kind_of_value in ("date", "datetime"):
        return _instant
    return str if kind_of_value == "enumeration" else str.casefold


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise invalid(f"{text} was not a valid number.") from None


def _instant(text: str) -> int:
    value = milliseconds(text)
    if value is None:
        raise invalid(f"{text} was not a valid date.")
    return value


def _membership(kind_of_value: str, operator: str, values: list[str]) -> Callable[[str | None], bool]:
    """IN and NOT_IN: text is kept in lower case, so values in upper case never match; enumerations are exact."""
    convert = _converter(kind_of_value)
    if kind_of_value in ("string", "phone_number"):
        wanted = set(values)
        return lambda value: value is not None and (value.lower() in wanted) is (operator == "IN")
    converted = {convert(value) for value in values}
    return lambda value: value is not None and (convert(value) in converted) is (operator == "IN")


def _tokens(operator: str, phrase: str) -> Callable[[str | None], bool]:
    """Whole words, in any order of case; ``*`` stands for any characters within a word."""
    patterns = [
        re.compile(re.escape(word).replace(r"\*", r"\w*") + r"\Z") for word in _TOKENS.split(phrase.casefold()) if word
    ]

    def contains(value: str | None) -> bool:
        words = [word for word in _TOKENS.split((value or "").casefold()) if word]
        return all(any(pattern.match(word) for word in words) for pattern in patterns)

    return lambda value: contains(value) is (operator == "CONTAINS_TOKEN")


def _association_test(portal: Portal, kind: Kind, name: str, operator: str, item: dict[str, Any]) -> Test:
    target = find_kind(name)
    if target is None:
        raise invalid(f"Unable to infer object type from: {name}")
    has = operator in ("HAS_PROPERTY", "EQ", "IN")
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return lambda record: bool(portal.associations.targets(kind, [record.id], target)) is has
    if operator not in ("EQ", "NEQ", "IN", "NOT_IN"):
        raise invalid(f"{operator} does not go with associations")
    given = _values(item) if operator in ("IN", "NOT_IN") else [_value(item)]
    linked = portal.associations.targets(target, [record_id(value) for value in given], kind)
    ids = {found for records in linked.values() for found in records}
    return lambda record: (record.id in ids) is has


# -- candidates and order ----------------------------------------------------------------------------------------------


def _candidates(portal: Portal, kind: Kind, groups: list[list[dict[str, Any]]]) -> Iterable[Record]:
    """Records that may match, as search sees them: within the lag in their old form, or not at all."""
    records = {record.id: record for record in _narrowed(portal, kind, groups)}
    if portal.switches["search_lag"]:
        for key, old in portal.records.unseen(kind).items():
            records.pop(key, None)
            if old is not None and portal.records.present(kind, [key]):
                records[key] = old
    return [records[key] for key in sorted(records)]


def _narrowed(portal: Portal, kind: Kind, groups: list[list[dict[str, Any]]]) -> list[Record]:
    if not groups:
        return portal.records.everything(kind)
    found: dict[int, Record] = {}
    for group in groups:
        condition, params = _condition(portal, kind, group)
        found |= {record.id: record for record in portal.records.everything(kind, condition, params)}
    return list(found.values())


def _condition(portal: Portal, kind: Kind, group: list[dict[str, Any]]) -> tuple[str, list[Any]]:
    """SQL that no matching record can fail; the filters themselves run afterwards."""
    for item in group:
        name, operator, value = item.get("propertyName"), item.get("operator"), item.get("value")
        if name == kind.modified and operator in ("GT", "GTE", "BETWEEN") and value is not None:
            return "AND updated >= ?", [(milliseconds(str(value)) or 0) / 1000 - 0.001]
        if operator == "IN" and isinstance(item.get("values"), list):
            wanted = [str(each) for each in item["values"]]
        elif operator == "EQ" and value is not None:
            wanted = [str(value)]
        else:
            continue
        marks = ",".join("?" * len(wanted))
        if name == "hs_object_id":
            return f"AND id IN ({marks})", [record_id(each) for each in wanted]
        definition = portal.definitions.get(kind, str(name))
        if definition is not None and definition.unique:
            return (
                f"AND id IN (SELECT id FROM hubspot_unique WHERE kind = ? AND property = ? AND folded IN ({marks}))",
                [kind.code, name, *(each.casefold() for each in wanted)],
            )
        if definition is not None and definition.type == "string" and len(wanted) == 1 and wanted[0].isascii():
            text = re.sub(r"[^A-Za-z0-9]", "_", wanted[0])
            return "AND doc LIKE ?", [f"%{text}%"]
    return "", []


def _sorted(portal: Portal, kind: Kind, records: list[Record], sorts: list[Any]) -> list[Record]:
    """At most one sort; records without the value come last."""
    if not sorts:
        return records
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise invalid("Only one sort is allowed.")
    sort = sorts[0] if isinstance(sorts[0], dict) else {"propertyName": str(sorts[0])}
    name, direction = str(sort.get("propertyName", "")), sort.get("direction", "ASCENDING")
    definition = portal.definitions.get(kind, name)
    if definition is None:
        raise invalid_properties([unknown_property(name)])
    if direction not in ("ASCENDING", "DESCENDING"):
        raise invalid(f"{direction} is not a sort direction")
    convert = _converter(definition.type)
    having = [record for record in records if record.value(kind, name)]
    without = [record for record in records if not record.value(kind, name)]
    having.sort(key=lambda record: convert(record.value(kind, name) or ""), reverse=direction == "DESCENDING")
    return having + without
