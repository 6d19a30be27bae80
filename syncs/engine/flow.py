"""What a flow is to the engine: the parts an integration fills in, and the items that pass through the five steps."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

from django.utils import timezone

from connections.connectors.base import Document, Position, Row
from connections.errors import ConnectorError, RecordError, TransientError
from syncs.engine.standing import Part, Place, Standing, stands
from syncs.engine.table import Section
from syncs.names.matching import Identity

SYNCED, SKIPPED, WAITING, HELD, REJECTED = "synced", "skipped", "waiting", "held", "rejected"
UNSETTLED = (WAITING, HELD, REJECTED)
FIRST_RETRY = timedelta(minutes=1)
MOST_DOUBLINGS = 6

Reference = tuple[str, str]
"""(flow key, source key) of another record of the same sync."""


class Skip(Exception):
    """A rule says that this record is not mirrored. ``rule`` is stable, ``text`` is for the tenant."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule = rule
        self.text = text


class Held(RecordError):
    """A person has to act. ``waits_for`` names the record whose arrival would settle it all the same.

    ``candidates`` are what to choose from: ``id``, ``title``, ``score`` and ``reasons`` of each. ``passes``: the engine
    itself decides before the run ends.
    """

    code = "held"
    passes = False

    def __init__(
        self,
        text: str,
        *,
        code: str | None = None,
        waits_for: Reference | None = None,
        candidates: Sequence[Document] = (),
    ) -> None:
        super().__init__(text, code=code)
        self.waits_for = waits_for
        self.candidates = list(candidates)


class State(NamedTuple):
    """What is stored of a record. The field names are the model's, since they are read as one tuple."""

    source_key: str
    source_version: str
    source_hash: str
    destination_id: str
    payload_hash: str
    mapping_version: str
    status: str
    attempts: int
    next_attempt_at: datetime | None
    waits_for: str
    match_key: str
    decision: Any
    confirmed_at: datetime | None
    confirmed_by: str
    error_code: str
    payload: str
    set_aside: Any = None

    def delivered(self) -> Document:
        """What the destination holds of it: ``document`` as sent, ``ids`` as answered. Empty before the first write."""
        return json.loads(self.payload) if self.payload else {}


class Summary(NamedTuple):
    """What a list shows of a record, whatever becomes of it. ``match_key`` is its normalised name, ``reference`` what
    else people know it by."""

    title: str = ""
    amount: Decimal | None = None
    currency: str = ""
    match_key: str = ""
    reference: str = ""


NO_SUMMARY = Summary()


@dataclass(slots=True)
class Mapped:
    """A source record in the destination's words. ``document`` holds JSON values only: it is hashed and stored.

    ``watch`` asks for a nightly re-read, for records that may change without their version moving. ``unconfirmed``: it
    goes further only when a person has confirmed it. ``touches`` are records of other flows that must be read again
    once it is delivered.
    """

    document: Document = field(default_factory=dict)
    watch: bool = False
    unconfirmed: bool = False
    touches: Sequence[Reference] = ()


@dataclass(slots=True)
class Target:
    """A referenced record: its destination ID ('' if it is not there yet), its status and what was delivered of it."""

    id: str
    status: str
    ids: Document


@dataclass(slots=True)
class MapContext:
    """All a mapping may look at besides the row: plain data, no database, network or clock.

    ``since``: when the sync begins to count, its start date or else its creation.
    """

    options: Mapping[str, Any]
    capabilities: Mapping[str, Any]
    targets: Mapping[Reference, Target] = field(default_factory=dict)
    since: datetime | None = None
    confirmed: bool = False


@dataclass(slots=True)
class Item:
    """One record on its way through a run; the last block is its verdict.

    ``quiet``: the version moved, nothing that we mirror did; stored without a trail entry. ``unbound``: what it was
    bound to is gone; where it belongs, and what a person decided about that, is open again.
    """

    row: Row
    state: State | None
    position: Position | None = None
    source_hash: str = ""
    summary: Summary = NO_SUMMARY
    mapped: Mapped = field(default_factory=Mapped)
    text: str = ""
    payload_hash: str = ""
    quiet: bool = False

    status: str = ""
    created: bool = False
    destination_id: str = ""
    reference: str = ""
    ids: Document | None = None
    sent: Document | None = None
    answer: Document = field(default_factory=dict)
    error: ConnectorError | None = None
    rule: str = ""
    retry_at: datetime | None = None
    waits_for: str = ""
    unbound: bool = False

    @property
    def document(self) -> Document:
        """What is to be delivered."""
        return self.mapped.document

    @property
    def delivered(self) -> Document:
        """What the destination holds: ``document`` and ``ids``; empty before the first write."""
        return self.state.delivered() if self.state else {}

    @property
    def trusted(self) -> bool:
        """Whether the last attempt ended well. After any other, parts of the document may be missing over there."""
        return bool(self.state and self.state.payload_hash)

    def describe(self, mapped: Mapped) -> None:
        """Sets what is to be delivered. A writer that can only go part of the way calls it again with that part."""
        self.mapped = mapped
        self.text = encode(mapped.document)
        self.payload_hash = digest(self.text)

    def synced(self, destination_id: str, ids: Document, *, created: bool) -> None:
        self.status, self.destination_id, self.ids, self.created = SYNCED, destination_id, ids, created

    def failed(self, error: ConnectorError) -> None:
        """The verdict of an error at this record alone."""
        self.error = error
        waits_for: Reference | None = getattr(error, "waits_for", None)
        self.waits_for = ":".join(waits_for) if waits_for else ""
        if isinstance(error, TransientError):
            self.status = WAITING
            doublings = min(self.state.attempts if self.state else 0, MOST_DOUBLINGS)
            self.retry_at = timezone.now() + FIRST_RETRY * 2**doublings
        elif isinstance(error, Held):
            self.status = WAITING if error.passes else HELD
        else:
            self.status = WAITING if waits_for else REJECTED


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of a flow in plain words. ``kind`` is choice, text or boolean; ``warning`` is shown with a choice.

    ``required``: the flow cannot be switched on without it.
    """

    name: str
    label: str
    help: str
    default: Any
    kind: str = "text"
    choices: tuple[tuple[str, str], ...] = ()
    warning: Mapping[str, str] = field(default_factory=dict)
    required: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """A second stream whose changes mean that records of the flow must be read again.

    ``keys(row)`` gives their source keys, or ``@id`` for those bound to a destination record. ``side``: the system it
    is read from, "source" or "destination".
    """

    stream: str
    keys: Any
    side: str = "source"


@dataclass(slots=True)
class WriteContext:
    """What a flow's writer works with. ``source``: for writing back what became of a record.

    ``all_read``: every flow of the run has been scanned, so that steps which depend on later flows may be taken.
    ``own``: kind of the destination → fields that the tenant added to the mapping.
    """

    source: Any
    destination: Any
    options: Mapping[str, Any]
    capabilities: Mapping[str, Any]
    store: Store
    now: datetime
    all_read: bool = False
    own: Mapping[str, Collection[str]] = field(default_factory=dict)


class Candidate(NamedTuple):
    """A record of the destination. ``evidence`` is what is known of the company, ``kin`` the kin flow that has it."""

    id: str
    title: str
    evidence: Mapping[str, str]
    kin: str = ""


class Holder(NamedTuple):
    """The record of ours that is bound to a record of the destination; not ``own``: one of a kin flow."""

    flow: str
    source_key: str
    title: str
    own: bool


class Store(Protocol):
    """The few questions a writer may ask the database, each for many records at once."""

    def candidates(self, keys: Iterable[str]) -> dict[str, list[Candidate]]:
        """Index key -> the destination's own records that no record of this flow is bound to."""

    def kin(self, match_keys: Iterable[str]) -> dict[str, list[Candidate]]:
        """Normalised name -> what records of kin flows with this name are bound to."""

    def holders(self, destination_ids: Iterable[str]) -> dict[str, Holder]:
        """Destination ID -> the record bound to it; of several, one of this flow."""

    def shared(self, destination_ids: Iterable[str]) -> set[str]:
        """Those of them that a record of a kin flow is bound to."""

    def candidates_listed_at(self) -> datetime | None:
        """When the destination's own records were last listed; None before the first time."""

    def save_candidates(self, rows: Iterable[tuple[str, str, Identity]]) -> None:
        """Adds or replaces (destination ID, our key there or '', identity); those with a key are no candidates."""

    def candidates_complete(self, listed_at: datetime) -> None: ...

    def intend(self, items: Sequence[Item]) -> None:
        """Stores the intent to create before the create is sent, for objects that cannot carry a unique key."""


class FlowDefinition(ABC):
    """One kind of record moving one way: what an integration module provides. Stateless.

    ``version`` changes with the code of the mapping, ``table`` is that mapping in words. ``matches``: the destination
    may hold such records of its own, to be recognised by name. ``reverse``: it reads the sync's destination system and
    writes to its source system; for the flow itself they are source and destination all the same. ``kin`` are the
    flows whose records stand in the same place of the destination.
    """

    key: str
    label: str
    stream: str
    version: str
    options: tuple[Option, ...] = ()
    watches: tuple[Watch, ...] = ()
    matches: bool = False
    reverse: bool = False
    kin: tuple[str, ...] = ()
    table: tuple[Section, ...] = ()

    def enrich(self, rows: Sequence[Row], *, source: Any, destination: Any) -> None:  # noqa: B027 - most need no more
        """Adds to changed rows what must be read from other streams, in bulk."""

    def confirmed_here(self, options: Mapping[str, Any]) -> bool:
        """Whether a person has to confirm its records before they go further."""
        return False

    def went_further(self, delivered: Mapping[str, Any]) -> bool:
        """Whether a delivered record has left the state in which it waits for a person's word."""
        return False

    def write_unit(self, expected: int, usual: int) -> int:
        """How many records are written at a time when a run expects to read so many."""
        return usual

    @abstractmethod
    def summary(self, row: Row) -> Summary:
        """Never raises, whatever the row holds."""

    def usual_currency(self, options: Mapping[str, Any]) -> str:
        """What an amount is in where its record names no currency."""
        return ""

    def references(self, row: Row) -> Iterable[Reference]:
        return ()

    @abstractmethod
    def map(self, row: Row, context: MapContext) -> Mapped:
        """Pure. Raises ``Skip``, ``MappingError``, ``DependencyMissing`` or ``Held``."""

    def our_key(self, source_key: str, document: Document) -> str:
        """What stands in the destination's key field of a delivered record."""
        return source_key

    @abstractmethod
    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        """Delivers the items and gives each its verdict. Safe to repeat at any point."""

    def release(self, id_: str, source_key: str, delivered: Document, context: WriteContext) -> Identity | None:
        """Takes our key off a record that was taken over as a match; returns what is known of it, None if it is gone.

        For flows with ``matches``. ``delivered`` is what was delivered to it: ``document`` and ``ids``. Raises from
        ``connections.errors``. Safe to repeat.
        """
        raise NotImplementedError(f"The flow '{self.key}' takes nothing over.")

    def touched(self, item: Item) -> Iterable[Reference]:
        """Records of other flows that must be read again because this one was delivered."""
        return item.mapped.touches

    def places(self, document: Document, ids: Document, capabilities: Mapping[str, Any]) -> Iterable[Place]:
        """Where each part of a document that people may look at stands in the destination, the record itself first."""
        return ()

    def parts(self, document: Document, capabilities: Mapping[str, Any]) -> list[Part]:
        """What of a document can be compared with what stands in the destination."""
        return [place.part for place in self.places(document, {}, capabilities)]

    def standing(self, key: str, delivered: Document, destination: Any, capabilities: Mapping[str, Any]) -> Standing:
        """The parts of a record that was delivered (``document`` and ``ids``) as the destination holds them now."""
        places = self.places(delivered.get("document", {}), delivered.get("ids", {}), capabilities)
        return stands(places, destination)


def encode(value: Any) -> str:
    """The canonical JSON text used for hashes, payloads and the trail."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)
