"""Writing left out: what connectors' rehearsal clients share.

The ID of a record that would be created is made up from its kind and our key, so that all it is can be told from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

Bound = Callable[[Sequence[str]], Mapping[str, str]]
"""Of these IDs, made up or not, those that the rehearsal has written to already, each with our key."""
PREFIX = "new:"
REMEMBERED = 50_000


def made_up(kind: str, key: str) -> str:
    return f"{PREFIX}{kind}:{key}"


def is_made_up(id_: str) -> bool:
    return id_.startswith(PREFIX)


def key_of(id_: str) -> str:
    """Our key of a record that would be created."""
    return id_.split(":", 2)[2]


def real(ids: Iterable[str]) -> list[str]:
    return [id_ for id_ in ids if not is_made_up(id_)]


class Memory:
    """Which records the rehearsal 'has created': of a worker that took it over, those that were settled."""

    def __init__(self, bound: Bound) -> None:
        self._bound = bound
        self._lately: dict[str, None] = {}

    def there(self, kind: str, keys: Iterable[str]) -> dict[str, str]:
        """Our key -> made-up ID."""
        ids = {made_up(kind, key): key for key in keys}
        found = {id_ for id_ in ids if id_ in self._lately}
        unknown = [id_ for id_ in ids if id_ not in found]
        if unknown:
            found |= self._bound(unknown).keys()
        return {ids[id_]: id_ for id_ in found}

    def create(self, kind: str, key: str) -> str:
        """Notes a new record and returns its ID. Settled ones are known otherwise, so old ones may be forgotten."""
        id_ = made_up(kind, key)
        self._lately[id_] = None
        if len(self._lately) > REMEMBERED:
            del self._lately[next(iter(self._lately))]
        return id_
