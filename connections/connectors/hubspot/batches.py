"""Batches: cut, sent, and every row of them accounted for. Pure logic, no network.

Three ways of failing are told apart: the answer names the guilty row (it is rejected alone), the answer refuses the
whole batch (it is halved until the guilty row is alone), or the answer says nothing about some rows (only those are
sent again, in smaller batches).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from connections.errors import ConnectorError, RecordError

Row = TypeVar("Row")
Exchange = Callable[[list[Sequence[Row]]], Iterable[tuple[int, Any]]]
"""Sends batches; yields (index of the batch, the answer's body or the error that concerns all of it), in any order."""


class Ledger(Protocol[Row]):
    """Keeps what became of each row."""

    def judge(self, batch: Sequence[Row], body: Any) -> Sequence[Row] | None:
        """Notes what an answer says and returns the rows it says nothing about, or None: ``solve`` must look it up.

        A row that was sent alone is always settled, never returned.
        """

    def solve(self, batch: Sequence[Row], body: Any) -> Sequence[Row]:
        """As ``judge``, but may ask the vendor; called when no other exchange is under way."""

    def reject(self, row: Row, error: ConnectorError) -> None: ...


def chunks(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def halves(rows: Sequence[Row]) -> list[Sequence[Row]]:
    middle = len(rows) // 2
    return [rows[:middle], rows[middle:]]


def refuse_doubles(keys: Sequence[Hashable]) -> None:
    """A key twice in one batch makes the vendor refuse all of it; in two batches it would race with itself."""
    if len(set(keys)) == len(keys):
        return
    seen: set[Hashable] = set()
    doubled = [str(key) for key in keys if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
    raise ValueError(f"Keys occur more than once in one call: {doubled[:10]}")


def deliver(rows: Sequence[Row], size: int, exchange: Exchange[Row], ledger: Ledger[Row]) -> None:
    """Sends ``rows`` in batches of ``size`` until the ledger has every row settled.

    Ends for certain: what goes round again is always a smaller batch than before, and a row alone is always settled.
    """
    batches = list(chunks(rows, size))
    while batches:
        again: list[Sequence[Row]] = []
        puzzles: list[tuple[Sequence[Row], Any]] = []
        for index, answer in exchange(batches):
            batch = batches[index]
            if isinstance(answer, ConnectorError):
                again += _smaller(batch, answer, ledger)
                continue
            rest = ledger.judge(batch, answer)
            if rest is None:
                puzzles.append((batch, answer))
            else:
                again += _once_more(batch, rest)
        for batch, answer in puzzles:
            again += _once_more(batch, ledger.solve(batch, answer))
        batches = again


def _smaller(batch: Sequence[Row], error: ConnectorError, ledger: Ledger[Row]) -> list[Sequence[Row]]:
    """A refused batch was not written and is halved. After any other failure nobody knows: nothing is sent again."""
    if isinstance(error, RecordError) and len(batch) > 1:
        return halves(batch)
    for row in batch:
        ledger.reject(row, error)
    return []


def _once_more(batch: Sequence[Row], rest: Sequence[Row]) -> list[Sequence[Row]]:
    if not rest:
        return []
    return halves(rest) if len(rest) == len(batch) else [rest]
