"""What both flows of orders share: an order is made once in Fusion, followed, and shown where it came from.

Fusion has no unique key for orders. So it is asked by our reference before anything is created (``enrich``) and after
whatever was lost, the intent is stored first, and a call that may still be running over there is given time to end.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from connections.connectors.base import Document, Row
from connections.errors import (
    ConnectorError,
    MappingError,
    OutcomeUnknown,
    RecordError,
    StreamRefused,
    TransientError,
    blame,
)
from syncs.engine.flow import FlowDefinition, Held, Item, Mapped, WriteContext
from syncs.engine.standing import Part, Standing
from syncs.engine.store import WRITING
from syncs.integrations.fusion_salesforce.comparing import LINES, NAME, Facts, differences
from syncs.integrations.fusion_salesforce.writing import fit
from syncs.money import minor_unit

MAY_STILL_RUN = timedelta(minutes=6)
"""One call may last about five minutes in Fusion: an order whose answer was lost may appear that late."""


@dataclass(slots=True)
class Work:
    """An item with its order in Fusion. ``shown`` is what Salesforce shows of that; ``sent`` what was written."""

    item: Item
    document: Document
    state: Document | None
    shown: Document
    before: Document
    created: bool = False
    sent: Document = field(default_factory=dict)
    notes: Document = field(default_factory=dict)


class OrderFlow(FlowDefinition):
    """A flow from Salesforce to orders in Fusion.

    Its documents: ``order`` (the body to create), ``withdrawn`` (why there shall be none, else ""), ``state`` (of the
    order in Fusion, None before there is one) and ``shown`` (what Salesforce shows of that).
    """

    reverse = True
    kind: ClassVar[str]
    """Salesforce's kind."""
    noun: ClassVar[str]
    """What it is called in Fusion."""
    origin: ClassVar[str]
    """What it is called in Salesforce."""
    shows: ClassVar[Mapping[str, str]]
    """The Salesforce field in which each part of the state is shown."""
    changed: ClassVar[str]
    taken_back: ClassVar[str]
    """Codes: changed after the order was made; withdrawn although it was made."""

    def usual_currency(self, options: Mapping[str, Any]) -> str:
        return str(options["default_currency"] or "")

    @abstractmethod
    def create(self, works: Sequence[Work], context: WriteContext) -> dict[str, Document | ConnectorError]:
        """Sends each order once."""

    @abstractmethod
    def find(self, works: Sequence[Work], context: WriteContext) -> dict[str, Document]:
        """The orders that are there by now, by source key."""

    @abstractmethod
    def state_of(self, order: Mapping[str, Any]) -> Document:
        """``id``, ``key``, ``number``, ``status``, ``draft``, ``cancelled``, and what else is shown."""

    @abstractmethod
    def facts(self, document: Document) -> Facts:
        """What of a document a person would call the order, whatever the options say."""

    @abstractmethod
    def read(self, works: Sequence[Work], destination: Any) -> dict[str, Document]:
        """The orders of these works with their lines, as Fusion shows them now, by source key."""

    @abstractmethod
    def facts_there(self, order: Mapping[str, Any], work: Work) -> Facts:
        """The same as ``facts`` of an order as it stands in Fusion."""

    def advance(self, works: Sequence[Work], context: WriteContext) -> None:
        """Further steps with orders that are there."""

    def kept(self, work: Work, context: WriteContext) -> Document:
        """What is remembered of an order besides its ID: the body it was made with, where the document has none."""
        made_with = made_of(work)
        return {} if work.document["order"] or not made_with else {"order": made_with}

    def mapped(self, document: Document) -> Mapped:
        """Drafts may go without any stream telling, so they are looked at every night."""
        return Mapped(document, watch=bool(document["state"] and document["state"]["draft"]))

    def write(self, items: Sequence[Item], context: WriteContext) -> None:
        works = [_work(item) for item in items]
        self._create([work for work in works if not work.state and self._may_be_created(work, context)], context)
        there = [work for work in works if work.state]
        self._refuse_withdrawn([work for work in there if work.document["withdrawn"]])
        self._compare([work for work in there if not work.created and work.document["order"]], context)
        self.advance([work for work in there if not work.item.status], context)
        self._show(there, context)
        for work in there:
            self._conclude(work, context)

    # creating -------------------------------------------------------------------------------------------------------

    def _may_be_created(self, work: Work, context: WriteContext) -> bool:
        item, before = work.item, work.before
        if before.get("id") and not (before.get("shown") and not work.shown[self.shows["key"]]):
            item.failed(self._gone(before))
            return False
        tried_at = context.now if item.state and item.state.error_code == WRITING else _instant(before.get("tried_at"))
        if tried_at and context.now < tried_at + MAY_STILL_RUN:
            self._give_time(
                work,
                OutcomeUnknown(f"It is not known yet whether this {self.noun} arrived in Oracle Fusion."),
                tried_at,
            )
            return False
        return True

    def _gone(self, before: Document) -> Held:
        label = self.shows["key"].removesuffix("__c").replace("_", " ")
        return Held(
            f"Oracle Fusion does not show the {self.noun} {name_of(before)} any more: it was deleted, or our Fusion "
            "user lost access to its business unit. Nothing is sent twice by itself. Give the access back and "
            f"replay it; or, if it was deleted and shall be made again, empty the field {label} in Salesforce.",
            code="order_gone",
        )

    def _give_time(self, work: Work, error: ConnectorError, tried_at: datetime) -> None:
        """It may be there soon, whoever makes the record due meanwhile. Asked again before it is sent again."""
        item = work.item
        text = f"{error.text} If the {self.noun} is not there in a few minutes, it is sent again."
        item.failed(OutcomeUnknown(text, detail=error.detail))
        earliest = tried_at + MAY_STILL_RUN
        item.retry_at = max(item.retry_at or earliest, earliest)
        item.ids = {"tried_at": tried_at.isoformat()}

    def _create(self, works: Sequence[Work], context: WriteContext) -> None:
        if not works:
            return
        context.store.intend([work.item for work in works])
        results = self.create(works, context)
        lost = [work for work in works if isinstance(results[work.item.row.key], OutcomeUnknown)]
        results |= self._found(lost, context)
        for work in works:
            result = results[work.item.row.key]
            work.sent = {"order": work.document["order"]}
            if not isinstance(result, ConnectorError):
                work.state, work.created = self.state_of(result), True
                continue
            work.item.sent = work.sent
            if isinstance(result, OutcomeUnknown):
                self._give_time(work, result, context.now)
            else:
                work.item.failed(result)

    def _found(self, lost: Sequence[Work], context: WriteContext) -> dict[str, Document]:
        try:
            return self.find(lost, context) if lost else {}
        except ConnectorError:
            return {}  # what was created must be told; the others are looked up next time

    # changed afterwards ---------------------------------------------------------------------------------------------

    def _refuse_withdrawn(self, works: Sequence[Work]) -> None:
        """A cancelled order has settled it, and only its status is followed."""
        for work in works:
            state = work.state or {}
            if state["cancelled"]:
                continue
            end = "Delete the draft" if state["draft"] else f"Cancel the {self.noun}"
            work.item.failed(
                Held(
                    f"{work.document['withdrawn']}, but Oracle Fusion has the {self.noun} {name_of(state)} of it. "
                    f"{end} in Fusion, or take the change in Salesforce back: either is noticed by itself.",
                    code=self.taken_back,
                )
            )

    def _compare(self, works: Sequence[Work], context: WriteContext) -> None:
        """An order is never changed by us. What was changed after it was made, a person settles on either side."""
        doubtful = [work for work in works if not self._as_delivered(work)]
        standing = self.read(doubtful, context.destination) if doubtful else {}
        for work in doubtful:
            order = standing.get(work.item.row.key)
            found = (
                differences(self.facts_there(order, work), self.facts(work.document))
                if order is not None
                else ["what it holds is not visible"]
            )
            if found:
                work.item.failed(self._differs(work, found))

    def _as_delivered(self, work: Work) -> bool:
        order = made_of(work)
        if not order:
            return False
        delivered = {**work.item.delivered["document"], "order": order}
        return not differences(self.facts(delivered), self.facts(work.document))

    def _differs(self, work: Work, found: Sequence[str]) -> Held:
        return Held(
            f"The {self.origin} no longer agrees with the {self.noun} {name_of(work.state)} made of it. In Fusion → in "
            f"Salesforce: {'; '.join(found)}. Change the {self.noun} in Fusion, or undo the change in Salesforce: "
            "either is noticed by itself. No second order is made.",
            code=self.changed,
        )

    # looking at it --------------------------------------------------------------------------------------------------

    def parts(self, document: Document, capabilities: Mapping[str, Any]) -> list[Part]:
        """What a person would call the order, and what Salesforce shows of it."""
        if not document:
            return []
        facts = self.facts(document) if document["order"] else {LINES: {}}
        state = {part: document["shown"].get(name) for part, name in self.shows.items() if part != "key"}
        head = {name: value for name, value in facts.items() if name != LINES}
        return [Part((), self.noun.capitalize(), {**head, **state}), *_lines(facts)]

    def standing(self, key: str, delivered: Document, destination: Any, capabilities: Mapping[str, Any]) -> Standing:
        if not delivered.get("document", {}).get("state"):
            return {}
        work = _delivered(key, delivered)
        order = self.read([work], destination).get(key)
        if order is None:
            return {(): None}
        facts, state = self.facts_there(order, work), self.state_of(order)
        shown_there = {part: state.get(part) for part in self.shows if part != "key"}
        head = {name: value for name, value in facts.items() if name != LINES}
        return {(): {**head, **shown_there}, **{part.path: part.values for part in _lines(facts)}}

    # showing --------------------------------------------------------------------------------------------------------

    def _show(self, works: Sequence[Work], context: WriteContext) -> None:
        """Only what Salesforce does not show yet: a write moves the record's stamp, and all would be read again."""
        rows: dict[str, Document] = {}
        for work in works:
            values = {name: (work.state or {}).get(part) for part, name in self.shows.items()}
            fitting = fit(context.source.access.capabilities, self.kind, values, work.shown)
            trimmed = {name: value.rstrip() if isinstance(value, str) else value for name, value in fitting.items()}
            if changes := {name: value for name, value in trimmed.items() if value != work.shown[name]}:
                rows[work.item.row.key] = changes
        if not rows:
            return
        with blamed(context.source):
            results = context.source.update(self.kind, list(rows.items()))
        for work in works:
            key = work.item.row.key
            if key not in rows:
                continue
            work.sent |= {"salesforce": rows[key]}
            if isinstance(results[key], ConnectorError):
                self._not_shown(work, results[key])
            else:
                work.shown = work.shown | rows[key]

    def _not_shown(self, work: Work, error: ConnectorError) -> None:
        work.notes["not_shown"] = error.text
        if work.item.error is not None:
            return
        text = (
            f"The {self.noun} {name_of(work.state)} stands in Oracle Fusion, but Salesforce did not let us show it on "
            f"the {self.origin}: {error.text} When that is corrected, replay it: only this is made up for."
        )
        passing = isinstance(error, TransientError)
        work.item.failed(
            (TransientError if passing else RecordError)(text, code="order_not_shown", detail=error.detail)
        )

    # settling -------------------------------------------------------------------------------------------------------

    def _conclude(self, work: Work, context: WriteContext) -> None:
        item, state = work.item, work.state or {}
        item.destination_id, item.reference = str(state["id"]), str(state.get("number") or "")
        item.answer |= {name: state[name] for name in ("id", "number", "status") if state.get(name)} | work.notes
        item.sent = _sent(work)
        if item.status and isinstance(item.error, Held):
            return
        ids = {**self.kept(work, context), "id": state["id"], "number": state.get("number")}
        ids["shown"] = "not_shown" not in work.notes
        item.describe(self.mapped({**work.document, "state": state, "shown": work.shown}))
        if item.status:
            item.ids = ids
            return
        item.quiet = not work.sent and item.trusted
        item.synced(item.destination_id, ids, created=work.created or _was_interrupted(item))


def _work(item: Item) -> Work:
    document = item.document
    return Work(item, document, document["state"], dict(document["shown"]), item.delivered.get("ids", {}))


def _delivered(key: str, delivered: Document) -> Work:
    """An order as it was last left, for looking at it."""
    document, ids = delivered["document"], delivered["ids"]
    whole = {**document, "order": document["order"] or ids.get("order") or {"lines": []}}
    return Work(Item(Row(key, "", {}), None), whole, whole["state"], dict(whole["shown"]), ids)


def _lines(facts: Facts) -> list[Part]:
    return [
        Part((LINES, key), f"Line: {line[NAME]}", {name: value for name, value in line.items() if name != NAME})
        for key, line in facts[LINES].items()
    ]


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _was_interrupted(item: Item) -> bool:
    """Found in Fusion now, but made by an attempt of ours that did not live to see it."""
    lost = (WRITING, OutcomeUnknown.code)
    return bool(item.state and not item.state.destination_id and item.state.error_code in lost)


def _sent(work: Work) -> Document | None:
    """What was written, also if by an attempt that did not live to tell."""
    if not work.sent and _was_interrupted(work.item):
        return {"order": work.document["order"]}
    return work.sent or None


def made_of(work: Work) -> Document:
    """The body its order was made with; empty if we do not know."""
    if not work.before.get("id"):
        return {}
    return dict(work.before.get("order") or work.item.delivered["document"].get("order") or {})


def blamed(client: Any) -> AbstractContextManager[None]:
    """What goes wrong inside is this system's fault: a flow of orders talks to both all the time."""
    return blame(client.door.access.connection_id)


def name_of(state: Mapping[str, Any] | None) -> str:
    """What a person can find it by; a draft may have no number yet."""
    state = state or {}
    return str(state.get("number") or f"(draft, ID {state.get('id')})")


def shown(row: Row, fields: Mapping[str, str]) -> Document:
    return {name: row.data.get(name) for name in fields.values()}


def refuse_unprepared(rows: Sequence[Row], fields: Mapping[str, str], label: str) -> None:
    """Raises ``StreamRefused`` before anything is created that could not be shown."""
    absent = [name for name in fields.values() if rows and name not in rows[0].data]
    if absent:
        raise StreamRefused(
            f"Salesforce has no place on {label} to show the order of Oracle Fusion ({', '.join(absent)}), so none is "
            "made. Run Prepare on the Salesforce connection and test it again; the rest follows by itself.",
            code="salesforce_not_prepared",
        )


def currency_of(code: Any, options: Mapping[str, Any], flow: FlowDefinition) -> str:
    """Raises ``MappingError`` for none, or one that is no currency."""
    currency = str(code or options["default_currency"] or "")
    if not currency:
        raise MappingError(
            "Salesforce names no currency for this record. Set “Currency”, for those that name none, in the options of "
            f"the flow “{flow.label}”: then it goes by itself.",
            code="setting_missing",
        )
    minor_unit(currency)
    return currency


def number_of(options: Mapping[str, Any], name: str, flow: FlowDefinition) -> int | None:
    """A setting that is a number. Raises ``MappingError`` where it is none."""
    value = str(options[name] or "").strip()
    if value and not value.isdigit():
        label = next(option.label for option in flow.options if option.name == name)
        raise MappingError(
            f"“{label}” in the options of the flow “{flow.label}” must be a whole number, but it is “{value}”. Correct "
            "it: then the records go by themselves.",
            code="setting_wrong",
        )
    return int(value) if value else None
