"""What a connector is: the code for one remote system, the same shape for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from connections.errors import ConnectorError, StreamRefused, TransientError

if TYPE_CHECKING:
    from connections.http import Door
    from connections.rehearsal import Bound

Document = dict[str, Any]
Position = list[Any]
"""Where a scan stands: the sort values of the last row read. Kept as JSON in the checkpoint."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One input of a connection's form. ``secret`` values are write-only and encrypted."""

    name: str
    label: str
    help: str
    secret: bool = False
    required: bool = True
    default: str = ""
    kind: str = "text"  # text, url, number, choice
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """A kind of record that can be read, and how changes of it are found."""

    name: str
    label: str
    key: str
    cursor: str | None


@dataclass(slots=True)
class Row:
    """One source record. ``key`` is its ID as text; ``version`` its last-update stamp as text, or '' if it has none."""

    key: str
    version: str
    data: Document


@dataclass(slots=True)
class Page:
    """Rows in scan order. ``positions[i]`` is the place after row i. ``calls`` is what the page cost.

    ``total`` is the vendor's estimate of rows in the whole scan, on its first page where it gives one.
    """

    rows: list[Row]
    positions: list[Position]
    calls: int = 1
    total: int | None = None


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One line of a connection test. ``outcome`` is ok, warning or failed; ``advice`` names the next step.

    ``passing``: it failed for something that is likely to pass by itself, and proves nothing about the connection.
    ``partial``: one object is refused, the others are not, which stops its flows and no others.
    """

    key: str
    label: str
    outcome: str
    text: str = ""
    advice: str = ""
    passing: bool = False
    partial: bool = False

    @classmethod
    def of(cls, key: str, label: str, error: ConnectorError, advice: str = "", *, outcome: str = "failed") -> CheckStep:
        """What an error means for this line."""
        passing, partial = isinstance(error, TransientError), isinstance(error, StreamRefused)
        return cls(key, label, outcome, error.text, advice, passing=passing, partial=partial)


@dataclass(slots=True)
class CheckReport:
    """What a test finds out, filled by the connector as it goes; ``hear`` is told of each step at once.

    ``capabilities`` is what is known of the account now and is kept with the connection (JSON).
    """

    steps: list[CheckStep] = field(default_factory=list)
    capabilities: Document = field(default_factory=dict)
    account: str = ""
    hear: Callable[[CheckStep], None] | None = field(default=None, repr=False)

    def add(self, *steps: CheckStep) -> None:
        for step in steps:
            self.steps.append(step)
            if self.hear is not None:
                self.hear(step)

    @property
    def failed(self) -> list[CheckStep]:
        return [step for step in self.steps if step.outcome == "failed"]

    @property
    def ok(self) -> bool:
        return not self.failed

    @property
    def outage(self) -> bool:
        """Nothing failed but what is likely to pass by itself."""
        return bool(self.failed) and all(step.passing for step in self.failed)

    @property
    def usable(self) -> bool:
        """Nothing failed that would stop every flow."""
        return all(step.passing or step.partial for step in self.failed)


@dataclass(frozen=True, slots=True)
class Preparation:
    """One thing the account lacks and that can be created for the tenant.

    ``group`` is the heading it belongs under; ``by_hand`` says how an administrator creates it without us.
    """

    key: str
    label: str
    detail: str = ""
    group: str = ""
    by_hand: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a kind of record. ``type`` is text, number, date, datetime, boolean or choice; "" for any other, whose
    values nobody checks.

    ``name`` is what documents and rows call it. ``options`` are (value, label) of a choice. ``length``: most letters.
    """

    name: str
    label: str
    type: str = ""
    writable: bool = True
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()
    length: int | None = None


def allowance(left: int, limit: int) -> Document:
    """The capability of that name (JSON): calls left of a day's for all apps of the account, and when that was said."""
    return {"left": max(0, left), "limit": limit, "period": "day", "at": datetime.now(UTC).isoformat()}


class Source(Protocol):
    """Reads a system. Every call is safe to repeat."""

    def server_now(self) -> datetime:
        """The remote clock, aware UTC, rounded up to the next second."""

    def can_filter_on_cursor(self, stream: str) -> bool:
        """False: ``walk`` reads a bounded window and the caller compares versions itself (rule 3)."""

    def walk(self, stream: str, *, since: datetime | None, until: datetime, after: Position | None) -> Iterator[Page]:
        """Pages by keyset on (cursor, key) from ``since`` (inclusive) up to ``until``, going on behind ``after``."""

    def fetch(self, stream: str, keys: Sequence[str]) -> list[Row]:
        """The rows with these keys, in any order; those the system does not show are left out."""

    def include(self, stream: str, names: Iterable[str]) -> None:
        """From now on rows hold these attributes too, where the system sends only what is asked for; names that are no
        attributes change nothing."""


@dataclass(slots=True)
class Done:
    """A write that went through. ``created`` tells a new record from an updated one."""

    id: str
    created: bool
    properties: Document = field(default_factory=dict)


class Connector(Protocol):
    """One remote system. Registered with ``connections.connectors.registry.register``."""

    key: str
    label: str
    settings: tuple[Setting, ...]
    streams: Mapping[str, Stream]

    def hosts(self, config: Mapping[str, str]) -> list[str]:
        """The base addresses this configuration will talk to; checked before they are used and when saved."""

    def clean(self, config: Mapping[str, str]) -> dict[str, str]:
        """Normalised settings (pasted URLs trimmed, defaults filled in). Raises ``ValueError`` by field name."""

    def door(self, access: Access) -> Door:
        """The network door with this connector's sign-in, error table and rate budget."""

    def client(self, access: Access) -> Any:
        """The vendor's verbs. Sources implement ``Source``."""

    def rehearsal(self, access: Access, bound: Bound) -> Any:
        """The same verbs, of which those that write answer as the vendor would, without calling it.

        IDs of what would be created are made up (``connections.rehearsal``). Its door refuses all but reading.
        """

    def check(self, access: Access, report: CheckReport) -> None:
        """Fills ``report`` step by step, as each is finished. Raises from ``connections.errors`` if it cannot go on."""

    def fields(self, access: Access, kind: str) -> list[Field]:
        """The fields of a kind of record as this account has them; a stream's name stands for what it reads. A call or
        two. Raises from ``connections.errors``."""

    def missing(self, access: Access) -> list[Preparation]:
        """What the account lacks for the flows of this product. Read only."""

    def prepare(self, access: Access, keys: Sequence[str]) -> list[CheckStep]:
        """Creates the named preparations; repeating is harmless."""

    def link(self, config: Mapping[str, str], capabilities: Mapping[str, Any], kind: str, id_: str) -> str:
        """The address of a record in the vendor's own pages; "" where none is known. ``kind`` may be a stream."""

    def spellings(self, id_: str) -> Sequence[str]:
        """Other texts under which people know the same ID."""


class Access(Protocol):
    """A connection as a connector sees it: settings, secrets, the shared token and budget, no ORM."""

    connection_id: int
    config: Mapping[str, str]
    secrets: Mapping[str, str]
    capabilities: Mapping[str, Any]

    def token(self) -> Document | None:
        """The shared token, decrypted, as last stored by any worker."""

    def refresh(self, stale: Document | None, obtain: Any) -> Document:
        """Runs ``obtain()`` under the connection's lock unless another worker already replaced ``stale``; stores the
        result and returns it."""

    def learn(self, name: str, value: Any) -> None:
        """Keeps one capability found out during a run (JSON); the next check may find otherwise."""

    def tick(self) -> None:
        """Called before each call and while waiting, so that the owner can keep its lease alive or stop."""
