"""A walk over one stream as a state machine: which page to ask for next, and which of its rows are new. No network.

By cursor: ordered by (LastUpdateDate, key), each page asked for behind the last row, never by offset. A row that
changes meanwhile moves to the end and shifts nothing. Where the pod refuses ``or``, the page from the last stamp on is
read again without the rows already seen, and a stamp that fills a page is walked by key.

By key: ordered by the key alone, where LastUpdateDate cannot be filtered or sorted; a business date may bound it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from connections.connectors.base import Document, Position
from connections.errors import UnexpectedError

from . import dialect as d
from .errors import cut_short
from .streams import STAMP, Resource

BEHIND, FROM, TIE, BEYOND = "behind", "from", "tie", "beyond"


class Scan:
    """``after`` is a position of this class: [stamp, key] by cursor, ["", key] by key; any other kind starts anew."""

    def __init__(
        self,
        resource: Resource,
        dialect: d.Dialect,
        *,
        since: datetime | None,
        until: datetime,
        after: Position | None,
        days: int,
    ) -> None:
        self.resource = resource
        self.dialect = dialect
        self._since = since
        self._until = until
        self._days = days
        self._by_cursor = dialect.by_cursor
        self._after = after if after and bool(after[0]) == self._by_cursor else None
        self._step = BEHIND if dialect.either else FROM
        self._seen: set[str] = set()
        self.open = True

    def adapted(self, dialect: d.Dialect) -> Scan:
        """The same walk going on in another dialect."""
        again = Scan(self.resource, dialect, since=self._since, until=self._until, after=self._after, days=self._days)
        again._seen = self._seen
        return again

    # The question

    def parameters(self) -> dict[str, Any]:
        order = d.scan_order(self.resource) if self._by_cursor else d.key_order(self.resource.key)
        return {"q": self._filter(), "orderBy": order}

    def _filter(self) -> str | None:
        if self._by_cursor:
            return self._cursor_filter()
        terms = [self._bound()]
        if self._after is not None:
            terms.append(f"{self.resource.key} > {d.literal(self.resource.key, str(self._after[1]))}")
        return " and ".join(term for term in terms if term) or None

    def _cursor_filter(self) -> str | None:
        if self._after is None:
            return d.since_filter(self._since, self.dialect) if self._since is not None else None
        stamp, key = str(self._after[0]), str(self._after[1])
        if self._step == BEHIND:
            return d.behind_filter(self.resource, self.dialect, stamp, key)
        if self._step == TIE:
            return d.same_stamp_filter(self.resource, self.dialect, stamp, key)
        if self._step == BEYOND:
            return d.beyond_filter(self.dialect, stamp)
        return d.since_filter(d.instant(stamp), self.dialect)

    def _bound(self) -> str | None:
        if self._since is None:
            return None
        if self.dialect.filters:
            return d.since_filter(self._since, self.dialect)
        if self.resource.window is None:
            return None
        start = min(self._since, self._until - timedelta(days=self._days))
        return f"{self.resource.window} >= '{start:%Y-%m-%d}'"

    # The answer

    def take(self, rows: Sequence[Document], more: bool, asked: int) -> tuple[list[Document], list[Position]]:
        """The new rows of a page with the position behind each. Moves on; ``open`` tells whether to ask again."""
        if not rows:
            self._end_of_page_without_rows(more)
            return [], []
        if not self._by_cursor:
            return self._take_by_key(rows, more or len(rows) >= asked - 1)
        last = rows[-1][STAMP]
        fresh = self._unseen(rows)
        if d.instant(last) > self._until:
            fresh = [row for row in fresh if d.instant(row[STAMP]) <= self._until]
            more, self.open = False, False
        elif not fresh and more and not self._may_tie(rows):
            text = "Oracle Fusion repeats rows of a list that should go on. Tell support."
            raise UnexpectedError(text, code="fusion_no_progress", detail={"call": self.resource.name})
        key = self.resource.key
        places: list[Position] = [[row[STAMP], str(row[key])] for row in fresh]
        if self.open:
            self._move(rows, last, more)
        return fresh, places

    def _end_of_page_without_rows(self, more: bool) -> None:
        if self._step == TIE:
            self._step = BEYOND
            return
        self.open = False
        if more and not self._by_cursor:
            # By cursor the next run goes on from the last row; by key nobody would notice what is missing.
            raise cut_short(self.resource.name)

    def _take_by_key(self, rows: Sequence[Document], more: bool) -> tuple[list[Document], list[Position]]:
        key = self.resource.key
        self._after = ["", str(rows[-1][key])]
        self.open = more
        kept = list(rows)
        if self.dialect.filters:
            kept = [row for row in rows if not row.get(STAMP) or d.instant(row[STAMP]) <= self._until]
        return kept, [["", str(row[key])] for row in kept]

    def _unseen(self, rows: Sequence[Document]) -> list[Document]:
        """Without rows of the last stamp that came before; a stamp finer than what is shown would repeat them."""
        if not self._seen or self._after is None or rows[0][STAMP] != self._after[0]:
            return list(rows)
        stamp, key, seen = self._after[0], self.resource.key, self._seen
        return [row for row in rows if row[STAMP] != stamp or str(row[key]) not in seen]

    def _may_tie(self, rows: Sequence[Document]) -> bool:
        return self._step == FROM and rows[0][STAMP] == rows[-1][STAMP]

    def _move(self, rows: Sequence[Document], last: str, more: bool) -> None:
        key = self.resource.key
        if self._after is None or self._after[0] != last:
            self._seen = set()
        for row in reversed(rows):
            if row[STAMP] != last:
                break
            self._seen.add(str(row[key]))
        stuck = self._step == FROM and more and rows[0][STAMP] == last
        self._after = [last, str(rows[-1][key])]
        if self._step == TIE and not more:
            self._step = BEYOND
            return
        if stuck:
            self._step = TIE
        elif self._step == BEYOND:
            self._step = FROM
        self.open = more
