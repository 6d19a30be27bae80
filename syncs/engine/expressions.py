"""Expressions of JMESPath (https://jmespath.org) over source rows, in which amounts are ``Decimal``. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from math import prod
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import REVERSE_TYPES_MAP, TYPES_MAP, Functions, signature
from jmespath.parser import ParsedResult
from jmespath.visitor import TreeInterpreter, _Expression

LONGEST = 300
MOST_COPIES = 1000
"""How often an expression may multiply what it is given: each ``[a, b]`` doubles it, and forty would fill a server."""
TYPES_MAP[Decimal.__name__] = "number"
REVERSE_TYPES_MAP["number"] = (*REVERSE_TYPES_MAP["number"], Decimal.__name__)
"""Amounts stay exact: for JMESPath's functions they are numbers like any other."""


MOST_DIGITS = 40
MOST_WORK = 50_000
"""How many steps an expression may take for one record; so much of a value counts as one step more:"""
PER_STEP = 16
LARGEST = 500_000
TOO_MUCH = "It makes too much of what stands there. Say it more simply."


class BadExpression(ValueError):
    """What is wrong with an expression, or with what it meets, in words."""


class Exact(Functions):
    """The functions whose result would not be exact, or that know no ``Decimal``."""

    @signature({"types": ["array-number"]})
    def _func_avg(self, numbers: list[Any]) -> Any:
        return sum(Decimal(str(number)) for number in numbers) / len(numbers) if numbers else None

    @signature({"types": []})
    def _func_to_number(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | list | dict):
            return None
        try:
            found = Decimal(str(value))
        except InvalidOperation:
            return None
        return found if is_usual(found) else None

    @signature({"types": []})
    def _func_to_string(self, value: Any) -> str:
        if isinstance(value, Decimal):
            return format(value, "f") if is_usual(value) else str(value)
        return value if isinstance(value, str) else _written(value)

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, texts: list[str]) -> str:
        _refuse_large(sum(map(len, texts)) + len(separator) * len(texts))
        return separator.join(texts)


def _written(value: Any) -> str:
    """As JSON; put together little by little, since text within text doubles with each time it is quoted."""
    parts, length = [], 0
    for part in json.JSONEncoder(separators=(",", ":"), default=_plain).iterencode(value):
        length += len(part)
        _refuse_large(length)
        parts.append(part)
    return "".join(parts)


def _plain(value: Any) -> str:
    if isinstance(value, _Expression):
        raise TypeError("An expression is no value.")
    return str(value)


def _refuse_large(length: int) -> None:
    if length > LARGEST:
        raise BadExpression(TOO_MUCH)


class Bounded(TreeInterpreter):
    """Evaluates one expression over one record, and gives up where it would take a server's time or memory."""

    def __init__(self) -> None:
        super().__init__(OPTIONS)
        self._left = MOST_WORK

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        found = super().visit(node, *args, **kwargs)
        self._left -= 1 + (len(found) // PER_STEP if isinstance(found, str | list | dict) else 0)
        if self._left < 0:
            raise BadExpression(TOO_MUCH)
        return found

    def visit_flatten(self, node: Any, value: Any) -> Any:
        base = self.visit(node["children"][0], value)
        if not isinstance(base, list):
            return None
        _refuse_large(sum(len(each) if isinstance(each, list) else 1 for each in base))
        return [one for each in base for one in (each if isinstance(each, list) else [each])]


OPTIONS = jmespath.Options(custom_functions=Exact())


@lru_cache(maxsize=1000)
def parsed(text: str) -> ParsedResult:
    """Raises ``BadExpression``."""
    if len(text) > LONGEST:
        raise BadExpression(f"It is too long: at most {LONGEST} characters.")
    try:
        found = jmespath.compile(text)
    except JMESPathError:
        raise BadExpression("This is not understood. Compare it with the examples.") from None
    except RecursionError:
        raise BadExpression("It is nested too deeply.") from None
    nodes = list(_nodes(found.parsed))
    if prod(len(node["children"]) for node in nodes if node["type"].startswith("multi_select")) > MOST_COPIES:
        raise BadExpression("It takes the same apart too often. Say it more simply.")
    unknown = {node["value"] for node in nodes if node["type"] == "function_expression"} - Exact.FUNCTION_TABLE.keys()
    if unknown:
        raise BadExpression(f"There is no function called {', '.join(sorted(unknown))}.")
    return found


def evaluate(text: str, row: Any) -> Any:
    """Raises ``BadExpression``, also where the row does not hold what the expression needs."""
    try:
        found = Bounded().visit(parsed(text).parsed, row)
    except BadExpression:
        raise
    except (JMESPathError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise BadExpression(_said(error)) from None
    if isinstance(found, _Expression):
        raise BadExpression("It says how to look, and not what to take. Leave out the &.")
    return found


def is_usual(number: Decimal) -> bool:
    """Not infinite, and no 1E+999999999, which written out would fill a server too."""
    return number.is_finite() and abs(number.adjusted()) <= MOST_DIGITS and len(number.as_tuple().digits) <= MOST_DIGITS


def attributes(text: str) -> set[str]:
    """The names an expression speaks of, on whatever level: among them are those of the row itself."""
    return {str(node["value"]) for node in _nodes(parsed(text).parsed) if node["type"] == "field"}


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("children") or ():
        if isinstance(child, dict):
            yield from _nodes(child)


def _said(error: Exception) -> str:
    name = getattr(error, "function_name", "")
    if name:
        return f"The function {name} cannot work with what stands there."
    return "It cannot work with what stands there."
