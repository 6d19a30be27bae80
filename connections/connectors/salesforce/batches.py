"""Batches: packed so that rows of one parent never travel at the same time, sent, and every row accounted for.

A lane is a queue of batches of which one at a time is under way; rows of one parent are all in one lane. Pure logic.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from connections.errors import ConnectorError, RecordError

Row = TypeVar("Row")
Lane = deque[list[Row]]
Exchange = Callable[[list[list[Row]]], Iterable[tuple[int, Any]]]
"""Sends batches at the same time; yields (index of the batch, its answer or the error of all of it), in any order."""


class Ledger(Protocol[Row]):
    """Keeps what became of each row."""

    def judge(self, batch: Sequence[Row], answer: Any) -> list[Row]:
        """Notes what an answer says and returns the rows to be sent again; never a row that was sent alone."""

    def reject(self, row: Row, error: ConnectorError) -> None: ...


def refuse_doubles(keys: Sequence[Hashable]) -> None:
    """A key twice in one call makes both rows fail; in two calls they would race."""
    if len(set(keys)) == len(keys):
        return
    seen: set[Hashable] = set()
    doubled = [str(key) for key in keys if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
    raise ValueError(f"Keys occur more than once in one call: {doubled[:10]}")


def chunks(rows: Sequence[Row], size: int) -> list[list[Row]]:
    return [list(rows[start : start + size]) for start in range(0, len(rows), size)]


def pack(rows: Sequence[Row], size: int, parent_of: Callable[[Row], Hashable | None]) -> list[Lane[Row]]:
    """Lanes of batches of at most ``size`` rows. Rows without parent (None) go anywhere.

    Families go into the first batch with room for all of them; one that is larger than a batch has a lane of its own.
    """
    families: dict[Hashable, list[Row]] = {}
    free: list[Row] = []
    for row in rows:
        parent = parent_of(row)
        if parent is None:
            free.append(row)
        else:
            families.setdefault(parent, []).append(row)
    lanes: list[Lane[Row]] = [deque(chunks(family, size)) for family in families.values() if len(family) > size]
    bins: list[list[Row]] = []
    open_bins: list[list[Row]] = []
    for family in sorted((family for family in families.values() if len(family) <= size), key=len, reverse=True):
        place = next((each for each in open_bins if len(each) + len(family) <= size), None)
        if place is None:
            place = []
            bins.append(place)
            open_bins.append(place)
        place += family
        if len(place) == size:
            open_bins.remove(place)
    for place in bins:
        room = size - len(place)
        place += free[:room]
        free = free[room:]
    return lanes + [deque([place]) for place in [*bins, *chunks(free, size)]]


def deliver(lanes: list[Lane[Row]], exchange: Exchange[Row], ledger: Ledger[Row]) -> None:
    """Sends until the ledger has every row settled, of each lane one batch at a time.

    Ends for certain: what goes round again is always a smaller batch than before, and a row alone is always settled.
    """
    waiting = [lane for lane in lanes if lane]
    while waiting:
        batches = [lane.popleft() for lane in waiting]
        for index, answer in exchange(batches):
            again = _judged(batches[index], answer, ledger)
            waiting[index].extendleft(reversed(again))
        waiting = [lane for lane in waiting if lane]


def _judged(batch: list[Row], answer: Any, ledger: Ledger[Row]) -> list[list[Row]]:
    if not isinstance(answer, ConnectorError):
        rest = ledger.judge(batch, answer)
        if len(rest) < len(batch):
            return [rest] if rest else []
        return halves(batch)
    if isinstance(answer, RecordError) and len(batch) > 1:
        return halves(batch)
    for row in batch:
        ledger.reject(row, answer)
    return []


def halves(rows: list[Row]) -> list[list[Row]]:
    middle = len(rows) // 2
    return [rows[:middle], rows[middle:]]
