"""A request body against the attributes of a resource: what is unknown, read-only or of another type is refused.

Everything that is wrong with a body is found in one pass and answered together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from .attributes import Table
from .encoding import stamp_milliseconds
from .enterprise import Value, Values
from .errors import FusionError, Problem
from .records import Records, Row, quoted

VALIDATION = "27014"
_INTEGER = re.compile(r"-?\d{1,18}")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)")
_TOO_LARGE = Decimal(10) ** 15
_FLAGS = {True: True, False: False, "true": True, "false": False}
_KINDS = {"s": "a string", "i": "an integer", "n": "a number", "b": "a boolean", "d": "a date", "t": "a timestamp"}


@dataclass(frozen=True)
class Shape:
    """What may be sent: the attributes of a table without the read-only ones, and child objects as arrays."""

    table: Table
    read_only: frozenset[str] = frozenset()
    children: Mapping[str, Shape] = field(default_factory=dict)


@dataclass
class Part:
    """One object of a body: its values in the form rows keep them, its children, and the path that names it."""

    path: str
    values: Row = field(default_factory=dict)
    children: dict[str, list[Part]] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        return self.values.get(name)

    def parts(self, name: str) -> list[Part]:
        return self.children.get(name, [])


class Problems:
    """What is wrong with a body so far."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, part: Part, name: str, detail: str) -> None:
        self.found.append(Problem(detail, VALIDATION, f"{part.path}/{name}"))

    def require(self, part: Part, *names: str) -> None:
        """Each of the attributes must have a value."""
        for name in names:
            if part.get(name) in (None, ""):
                self.add(part, name, f"You must provide a value for the attribute {name}.")

    def stop(self) -> None:
        """Refuse the request if anything was found."""
        if self.found:
            raise FusionError(400, "\n".join(problem.detail for problem in self.found), VALIDATION, problems=self.found)


def read(shape: Shape, given: Mapping[str, Any], problems: Problems, path: str = "") -> Part:
    """The object with its values converted; a null counts as left out."""
    part = Part(path)
    for name, raw in given.items():
        attribute = shape.table.by_name.get(name)
        if name in shape.children:
            part.children[name] = _children(shape.children[name], raw, problems, part, name)
        elif attribute is None:
            problems.add(part, name, f"The attribute {name} is not valid.")
        elif name in shape.read_only:
            problems.add(part, name, f"The attribute {name} is read-only.")
        elif raw is not None:
            try:
                part.values[name] = _READERS[attribute.type](raw)
            except (ValueError, TypeError, InvalidOperation):
                problems.add(part, name, f"The value of the attribute {name} is not valid: {_KINDS[attribute.type]}.")
    return part


def _children(shape: Shape, raw: Any, problems: Problems, part: Part, name: str) -> list[Part]:
    if not isinstance(raw, list) or not all(isinstance(each, dict) for each in raw):
        problems.add(part, name, f"The child {name} takes a list of objects.")
        return []
    return [read(shape, each, problems, f"{part.path}/{name}/{index}") for index, each in enumerate(raw)]


def _string(raw: Any) -> str:
    if not isinstance(raw, str):
        raise TypeError
    return raw


def _integer(raw: Any) -> int:
    if isinstance(raw, bool) or not _INTEGER.fullmatch(str(raw)):
        raise ValueError
    return int(raw)


def _number(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal | str):
        raise TypeError
    value = Decimal(raw)
    if not value.is_finite() or abs(value) >= _TOO_LARGE:
        raise ValueError
    return value


def _flag(raw: Any) -> bool:
    if not isinstance(raw, bool | str) or raw not in _FLAGS:
        raise ValueError
    return _FLAGS[raw]


def _day(raw: Any) -> date:
    return date.fromisoformat(_string(raw))


def _stamp(raw: Any) -> int:
    if not _STAMP.fullmatch(_string(raw)):
        raise ValueError
    return stamp_milliseconds(raw)


_READERS: dict[str, Any] = {"s": _string, "i": _integer, "n": _number, "b": _flag, "d": _day, "t": _stamp}


# -- names and ids ----------------------------------------------------------------------------------------------------


def pick(
    values: Values, part: Part, problems: Problems, attributes: Mapping[str, str], *, required: bool = True
) -> Value | None:
    """The entry of a list of values that the attributes name, by id, code or name; all of those given must agree.

    ``attributes``: attribute -> "id", "code" or "name". The row gets them all.
    """
    given = {name: each for name, each in attributes.items() if part.get(name) is not None}
    if not given:
        if required:
            _missing(part, problems, attributes, values.what)
        return None
    for value in values:
        if all(getattr(value, each) == part.get(name) for name, each in given.items()):
            fill(part, value, attributes)
            return value
    _unknown(part, problems, given, values.what)
    return None


def fill(part: Part, value: Value, attributes: Mapping[str, str]) -> None:
    """Show an entry in all the attributes that name it."""
    part.values |= {name: getattr(value, each) for name, each in attributes.items()}


def look_up(
    records: Records,
    table: Table,
    part: Part,
    problems: Problems,
    attributes: Mapping[str, str],
    what: str,
    fixed: Mapping[str, Any] | None = None,
    *,
    required: bool = True,
) -> Row | None:
    """The row that the attributes name; all of those given must agree, and a name that several rows bear is refused.

    ``attributes``: attribute of the body -> attribute of the table; ``fixed``: columns with a value they must have.
    """
    given = {name: each for name, each in attributes.items() if part.get(name) is not None}
    if not given:
        if required:
            _missing(part, problems, attributes, what)
        return None
    wanted = {**{each: part.get(name) for name, each in given.items()}, **(fixed or {})}
    columns = ["_id" if name == table.identity else quoted(name) for name in wanted]
    found = records.find(table, " AND ".join(f"{column} = ?" for column in columns), tuple(wanted.values()), 2)
    if len(found) == 1:
        return found[0]
    if found:
        problems.add(part, next(iter(given)), f"More than one {what} fits {_said(part, given)}.")
    else:
        _unknown(part, problems, given, what)
    return None


def _missing(part: Part, problems: Problems, attributes: Mapping[str, str], what: str) -> None:
    names = " or ".join(attributes)
    problems.add(part, next(iter(attributes)), f"You must provide the {what}: {names}.")


def _unknown(part: Part, problems: Problems, given: Mapping[str, str], what: str) -> None:
    problems.add(part, next(iter(given)), f"The {what} does not exist: {_said(part, given)}.")


def _said(part: Part, given: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {part.get(name)}" for name in given)


def check_numbers(parts: list[Part], names: tuple[str, ...], problems: Problems) -> None:
    """Siblings are told apart by these attributes."""
    seen = set()
    for part in parts:
        key = tuple(part.get(name) for name in names)
        if key in seen:
            problems.add(part, names[0], f"{' and '.join(names)} must be unique: {', '.join(map(str, key))}.")
        seen.add(key)


def check_positive(part: Part, problems: Problems, name: str) -> None:
    value = part.get(name)
    if value is None:
        problems.require(part, name)
    elif value <= 0:
        problems.add(part, name, f"The value of the attribute {name} must be greater than zero.")
