"""Who is meant: results and errors of a batch answer, matched with the rows that were sent.

HubSpot promises neither order nor that a key is echoed, so a result is recognised by its key property, else by its
trace id, else by reading it back by its id. An error is recognised by its trace id, else by a key in its context.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from connections.connectors.base import Document, Done
from connections.errors import ConnectorError, OutcomeUnknown, RecordError, TransientError

Explain = Callable[[Document], ConnectorError]
ObjectRow = tuple[str, Document]
Row = TypeVar("Row")

UNSAID = "HubSpot did not say what became of this record. It is asked again on the next run."


def named_in(error: Document) -> list[str]:
    """Every trace id, id or key an error's context mentions, trace ids first."""
    context = error.get("context") or {}
    names: list[str] = []
    for value in (context.get("objectWriteTraceId"), *context.values()):
        names += map(str, value) if isinstance(value, list) else [] if value is None else [str(value)]
    return names


def complaints(body: Document) -> list[Document]:
    """The errors of an answer; one without words where only their number is given."""
    errors: list[Document] = body.get("errors") or []
    if not errors and body.get("numErrors"):
        return [{"message": "HubSpot counts an error without describing it."}]
    return errors


class ObjectLedger:
    """Accounts for batches of objects, as rows of (key, properties).

    Keys are values of ``key_property`` or, where that is None, record ids. ``read_back`` adds the key property to
    results that came without.
    """

    def __init__(
        self,
        key_property: str | None,
        explain: Explain,
        read_back: Callable[[list[Document]], list[Document]],
        *,
        created: bool | None,
        repeatable: bool,
    ) -> None:
        self.key_property = key_property
        self.outcome: dict[str, Done | ConnectorError] = {}
        self.failed: list[str] = []
        self._explain = explain
        self._read_back = read_back
        self._created = created
        self._repeatable = repeatable
        self._fold: Callable[[str], str] = str.lower if key_property == "email" else str

    def judge(self, batch: Sequence[ObjectRow], body: Any) -> Sequence[ObjectRow] | None:
        body = body or {}
        fold = self._fold
        waiting = {fold(row[0]): row for row in batch}
        strangers = self._match(waiting, body.get("results") or [])
        if strangers and len(batch) == 1:
            self.outcome[batch[0][0]] = self._done(strangers[0])
            return ()
        if strangers and waiting:
            return None
        return self._account(batch, waiting, body, 0) if waiting else ()

    def solve(self, batch: Sequence[ObjectRow], body: Any) -> Sequence[ObjectRow]:
        fold = self._fold
        waiting = {fold(row[0]): row for row in batch}
        strangers = self._match(waiting, body["results"])
        strangers = self._match(waiting, self._read_back(strangers))
        return self._account(batch, waiting, body, len(strangers))

    def reject(self, row: ObjectRow, error: ConnectorError) -> None:
        self.outcome[row[0]] = error
        self.failed.append(row[0])

    def forget_passing(self) -> set[str]:
        """The keys whose failure is likely to pass by itself; they are open again."""
        passing = {key for key in self.failed if _may_pass(self.outcome[key])}
        self.failed = [key for key in self.failed if key not in passing]
        return passing

    def _match(self, waiting: dict[str, ObjectRow], results: list[Document]) -> list[Document]:
        """Notes the results whose row is known; returns the others."""
        fold, key_property, outcome = self._fold, self.key_property, self.outcome
        strangers = []
        for result in results:
            key = (result.get("properties") or {}).get(key_property) if key_property else result["id"]
            row = waiting.pop(fold(key), None) if key else None
            if row is None:
                row = waiting.pop(fold(_trace_of(result)), None)
            if row is None:
                strangers.append(result)
            else:
                outcome[row[0]] = self._done(result)
        return strangers

    def _account(
        self, batch: Sequence[ObjectRow], waiting: dict[str, ObjectRow], body: Document, strangers: int
    ) -> Sequence[ObjectRow]:
        """Lays the errors at the doors of the rows without a result; returns the rows still unaccounted for."""
        nameless = [error for error in complaints(body) if not self._blame(waiting, error)]
        left = list(waiting.values())
        if len(left) == 1 and len(nameless) == 1 and not strangers:
            self.reject(left[0], self._explain(nameless[0]))
            return ()
        if left and (len(batch) == 1 or not self._surely_unwritten(left, nameless, strangers)):
            for row in left:
                self.reject(row, OutcomeUnknown(UNSAID))
            return ()
        return left

    def _surely_unwritten(self, left: list[ObjectRow], nameless: list[Document], strangers: int) -> bool:
        return self._repeatable or (not strangers and len(left) == len(nameless))

    def _blame(self, waiting: dict[str, ObjectRow], error: Document) -> bool:
        rows = [row for name in named_in(error) if (row := waiting.pop(self._fold(name), None))]
        for row in rows:
            self.reject(row, self._explain(error))
        return bool(rows)

    def _done(self, result: Document) -> Done:
        created = self._created
        if created is None:
            created = result["new"] if "new" in result else result.get("createdAt") == result.get("updatedAt")
        return Done(result["id"], created, result.get("properties") or {})


def _may_pass(error: Done | ConnectorError) -> bool:
    return isinstance(error, TransientError) and not isinstance(error, OutcomeUnknown)


def _trace_of(result: Document) -> str:
    trace = result.get("objectWriteTraceId") or ""
    return str(trace[0] if isinstance(trace, list) else trace)


class QuietLedger:
    """Accounts for batches whose rows are fine unless an error says otherwise: associations, archiving.

    ``key_of`` names a row, ``found`` names the row of a result, ``meant`` the rows an error may mean.
    """

    def __init__(
        self,
        key_of: Callable[[Any], Any],
        explain: Explain,
        *,
        found: Callable[[Document], Any] = lambda result: None,
        meant: Callable[[Document], list[Any]] = named_in,
    ) -> None:
        self.failed: dict[Any, ConnectorError] = {}
        self._key_of = key_of
        self._explain = explain
        self._found = found
        self._meant = meant

    def judge(self, batch: Sequence[Any], body: Any) -> Sequence[Any]:
        errors = complaints(body) if body else []
        if not errors:
            return ()
        waiting = {self._key_of(row): row for row in batch}
        for result in body.get("results") or ():
            waiting.pop(self._found(result), None)
        nameless = [error for error in errors if not self._blame(waiting, error)]
        if not nameless or not waiting:
            return ()
        left = list(waiting.values())
        if len(left) == 1:
            self.reject(left[0], self._explain(nameless[0]))
            return ()
        return left

    def solve(self, batch: Sequence[Any], body: Any) -> Sequence[Any]:
        raise NotImplementedError("Nothing is ever looked up for these.")

    def reject(self, row: Any, error: ConnectorError) -> None:
        self.failed[self._key_of(row)] = error

    def _blame(self, waiting: dict[Any, Any], error: Document) -> bool:
        rows = [row for name in self._meant(error) if (row := waiting.pop(name, None)) is not None]
        for row in rows:
            self.reject(row, self._explain(error))
        return bool(rows)


class ReadingLedger:
    """Hands every result of a read to ``note``. What HubSpot does not find, or refuses as a key, is not there."""

    def __init__(self, note: Callable[[Document], None], explain: Explain) -> None:
        self._note = note
        self._explain = explain

    def judge(self, batch: Sequence[Document], body: Any) -> Sequence[Document]:
        for entry in complaints(body or {}):
            error = self._explain(entry)
            if not isinstance(error, RecordError):
                raise error
        for result in (body or {}).get("results") or ():
            self._note(result)
        return ()

    def solve(self, batch: Sequence[Document], body: Any) -> Sequence[Document]:
        return ()

    def reject(self, row: Document, error: ConnectorError) -> None:
        """Refused alone: an id or key that cannot exist. Anything else is no answer to the question."""
        if not isinstance(error, RecordError):
            raise error


def pair_of(result: Document) -> tuple[str, str]:
    """Both shapes in which HubSpot names the two ends of an association."""
    one = result["from"]["id"] if "from" in result else result.get("fromObjectId")
    other = result["to"]["id"] if "to" in result and isinstance(result["to"], dict) else result.get("toObjectId")
    return str(one), str(other)


def pairs_meant(error: Document) -> list[tuple[str, str]]:
    """The pairs an error's context can mean: every mention joined with every other."""
    names = list(dict.fromkeys(named_in(error)))
    return [(one, other) for one in names for other in names if one != other]
