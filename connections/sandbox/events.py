"""What happens in an imaginary company: an event has a name to start it by, and words for the control page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """A business event as a person reads it. ``shown``: it has a button on the control page.

    ``fields``: the arguments a person may give there, each with its label. ``act`` does it and returns the ids it
    touched; without one, the world has a method of this name.
    """

    name: str
    title: str
    text: str
    shown: bool = True
    fields: tuple[tuple[str, str], ...] = ()
    act: Callable[..., dict[str, Any]] | None = None

    def __call__(self, *arguments: Any, **named: Any) -> dict[str, Any]:
        if self.act is None:
            raise TypeError(f"{self.name} is done by the world")
        return self.act(*arguments, **named)
