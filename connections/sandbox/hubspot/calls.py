"""One call after routing, and the small readers every handler shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from connections.sandbox.http import Request, Response

from .errors import invalid
from .kinds import Kind
from .portal import Portal


@dataclass(slots=True)
class Call:
    """A routed request. ``kinds`` are the object types in the path, ``parts`` what else stands there."""

    request: Request
    version: str
    kinds: tuple[Kind, ...] = ()
    parts: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """The object type in the path, the first of two."""
        return self.kinds[0]

    @property
    def target(self) -> Kind:
        """The second object type in the path."""
        return self.kinds[1]

    @property
    def dated(self) -> bool:
        """A version such as 2026-09, not v3 or v4."""
        return not self.version.startswith("v")

    def body(self) -> dict[str, Any]:
        """The JSON object sent. Raises :class:`Refusal`."""
        try:
            body = self.request.json()
        except ValueError:
            raise invalid("Invalid input JSON: the body could not be read.") from None
        if not isinstance(body, dict):
            raise invalid("Invalid input JSON: an object is expected.")
        return body

    def names(self, parameter: str) -> list[str]:
        """A list in the query, repeated or separated by commas."""
        given = self.request.query.get(parameter, [])
        return [name for value in given for name in value.split(",") if name]

    def flag(self, parameter: str) -> bool:
        """A boolean in the query, false where it is missing."""
        return self.request.param(parameter, "false") == "true"


Handler = Callable[[Portal, Call], Response]


def whole_number(text: str | None, default: int, most: int, name: str = "limit") -> int:
    """A positive number from a query or body, refused beyond ``most``."""
    if text is None:
        return default
    try:
        number = int(text)
    except (TypeError, ValueError):
        raise invalid(f"{name} must be a whole number") from None
    if not 1 <= number <= most:
        raise invalid(f"{name} must be between 1 and {most}")
    return number


def record_id(text: object) -> int:
    """A record id, or -1, which no record has."""
    value = str(text)
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else -1


def inputs_of(body: dict[str, Any], most: int) -> list[dict[str, Any]]:
    """The ``inputs`` of a batch: objects, at least one, at most ``most``."""
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(item, dict) for item in inputs):
        raise invalid("inputs must be a list of objects")
    if not inputs:
        raise invalid("inputs must not be empty")
    if len(inputs) > most:
        raise invalid(f"Maximum batch size exceeded: {len(inputs)} inputs, at most {most} are allowed.")
    return inputs


def doubled(values: Iterable[str]) -> list[str]:
    """Values that stand there more than once."""
    return [value for value, count in Counter(values).items() if count > 1]


def status_for(call: Call, portal: Portal, plain: int, errors: list[Any]) -> int:
    """207 where inputs failed; the dated versions fold the errors into their plain status."""
    folded = call.dated and not portal.switches["dated_multi_status"]
    return 207 if errors and not folded else plain
