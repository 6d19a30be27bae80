"""Writes Accounts: by Id where one is known, else by our key; and finds out what became of those that are gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connections.connectors.base import Document, Done
from connections.connectors.salesforce.values import short
from connections.errors import Conflict, ConnectorError
from syncs.engine.binding import AMBIGUOUS, CHOOSE, bind
from syncs.engine.flow import Held, Item, WriteContext, digest, encode
from syncs.integrations.fusion_salesforce.directory import ACCOUNT, Accounts, another, called
from syncs.integrations.fusion_salesforce.writing import KEY, STALE, fit, taken
from syncs.names.matching import Identity, compare

ROLE, BOTH = "Fusion_Role__c", "Both"
DELETED, MERGED, TAKEN = "match_deleted", "match_merged", "account_taken"
DUPLICATES = "salesforce_duplicates"
Placed = tuple[Item, str]
"""An item and the Id of its Account, '' for one that is to be created."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """``values``: all that the Account shall hold of ours; ``before``: what we delivered to this very one.

    ``id`` is empty for one that is to be created. ``sure``: it surely holds ``before``. ``keyless``: our key is missing
    there and is to be put.
    """

    item: Item
    id: str
    values: Document
    before: Document
    sure: bool
    keyless: bool

    @property
    def party(self) -> str:
        return str(self.item.document["party"])


class AccountWriter:
    """``role``: what companies of this flow are to us. ``leads``: of two flows that share an Account, this one fills
    it; the other adds its role alone, so that they never write over each other."""

    def __init__(self, items: Sequence[Item], context: WriteContext, *, role: str, leads: bool) -> None:
        self.items, self.context, self.role, self.leads = items, context, role, leads
        self.salesforce = context.destination
        self.takes = taken(context, ACCOUNT)
        self.directory = Accounts(context, {item.document["party"]: item.document["seen"] for item in items})

    def write(self) -> None:
        gone = [item for item in self.items if _still_gone(item)]
        strangers = [item for item in self.items if not _still_gone(item)]
        ready = bind(strangers, self.context, self.directory, identity_of, lambda item: str(item.document["party"]))
        self._deliver(self._one_each([*ready, *gone]))

    def _one_each(self, items: Iterable[Item]) -> list[Placed]:
        """The items with the Ids of their Accounts. Two records of a flow never write to one Account."""
        placed = [(item, _place(item)) for item in items]
        holders = self.context.store.holders(id_ for item, id_ in placed if id_ and not _is_bound(item, id_))
        first: dict[str, Item] = {}
        alone: list[Placed] = []
        for item, id_ in placed:
            holder = holders.get(id_)
            other = first.setdefault(id_ or item.document["party"], item)
            if other is not item:
                item.failed(_second(other.summary.title))
            elif holder and holder.own and holder.source_key != item.row.key:
                item.failed(_second(holder.title or holder.source_key))
            else:
                alone.append((item, id_))
        return alone

    # Delivering -------------------------------------------------------------------------------------------------------

    def _deliver(self, placed: Sequence[Placed]) -> None:
        """An Account that does not bear our key is looked at first: it may be gone, or bear another."""
        keyless = {id_ for item, id_ in placed if id_ and item.document["seen"] != id_}
        there = self.directory.look(keyless)
        lost = [(item, id_) for item, id_ in placed if id_ in keyless - there.keys()]
        shared = self.context.store.shared(id_ for _, id_ in placed)
        deliveries: list[Delivery] = []
        for item, id_ in placed:
            key = there.get(id_, {}).get(KEY)
            foreign = key not in (None, "", item.document["party"])
            if id_ in keyless and id_ not in there:
                continue
            if foreign and id_ not in shared:
                text = f"{another(there[id_])} Correct the key in Salesforce, then replay the record."
                item.failed(Conflict(text, code=TAKEN))
            else:
                deliveries.append(self._delivery(item, id_, id_ in shared, id_ in keyless and not foreign))
        self._create([delivery for delivery in deliveries if not delivery.id])
        lost += self._update([delivery for delivery in deliveries if delivery.id])
        if lost:
            self._find_again(lost)

    def _delivery(self, item: Item, id_: str, shared: bool, keyless: bool) -> Delivery:
        delivered = item.delivered
        same = id_ and short(str(delivered.get("ids", {}).get(ACCOUNT) or "")) == short(id_)
        before = dict(delivered.get("document", {}).get(ACCOUNT) or {}) if same else {}
        return Delivery(item, id_, self._values(item, shared), before, item.trusted and bool(before), keyless)

    def _values(self, item: Item, shared: bool) -> Document:
        role = {ROLE: BOTH if shared else self.role}
        return role if shared and not self.leads else {**item.document[ACCOUNT], **role}

    def _update(self, deliveries: Sequence[Delivery]) -> list[Placed]:
        """Sends what changed; returns those whose Account is gone all the same."""
        sent = {delivery.id: self._changed(delivery) for delivery in deliveries}
        rows = [(id_, values) for id_, values in sent.items() if values]
        results = self.salesforce.update(ACCOUNT, rows) if rows else {}
        lost = []
        for delivery in deliveries:
            result = results.get(delivery.id)
            if isinstance(result, ConnectorError) and result.code in STALE:
                lost.append((delivery.item, delivery.id))
            elif isinstance(result, ConnectorError):
                delivery.item.failed(result)
            else:
                self._delivered(delivery, Done(delivery.id, created=False), sent[delivery.id])
        return lost

    def _create(self, deliveries: Sequence[Delivery]) -> None:
        sent = {delivery.party: self._whole(delivery) for delivery in deliveries}
        results = self.salesforce.upsert(ACCOUNT, list(sent.items())) if sent else {}
        refused: list[tuple[Delivery, ConnectorError]] = []
        for delivery in deliveries:
            result = results[delivery.party]
            if isinstance(result, Done):
                self._delivered(delivery, result, sent[delivery.party])
            elif result.code == DUPLICATES and not _decided_to_create(delivery.item):
                refused.append((delivery, result))
            else:
                delivery.item.failed(result)
        self._ask(refused)

    def _whole(self, delivery: Delivery) -> Document:
        return fit(self.takes, ACCOUNT, delivery.values, delivery.before)

    def _changed(self, delivery: Delivery) -> Document:
        """Only that, where the rest surely stands there: what people change in Salesforce meanwhile stays."""
        whole, before = self._whole(delivery), delivery.before
        if delivery.sure:
            whole = {name: value for name, value in whole.items() if delivery.values[name] != before.get(name)}
        return {**whole, KEY: delivery.party} if delivery.keyless else whole

    def _delivered(self, delivery: Delivery, done: Done, sent: Document) -> None:
        """Keeps what the Account holds of ours now, and what the mapping will say of it as long as nothing changes."""
        item = delivery.item
        whole = self._whole(delivery)
        kept = {name: value for name, value in delivery.values.items() if name in whole and value is not None}
        ours = KEY in sent or not delivery.id or item.document["seen"] == done.id
        expected = _document(item, seen=done.id if ours else "")
        item.sent, item.answer = {ACCOUNT: sent}, {ACCOUNT: done.id, **item.answer}
        item.quiet = not sent
        item.describe(replace(item.mapped, document={**expected, ACCOUNT: kept}))
        item.payload_hash = digest(encode(expected))
        item.synced(done.id, {ACCOUNT: done.id}, created=done.created)

    # Questions --------------------------------------------------------------------------------------------------------

    def _ask(self, refused: Sequence[tuple[Delivery, ConnectorError]]) -> None:
        """A duplicate rule of the org knows better than we do, and names what it found."""
        found = self.directory.look(id_ for _, error in refused for id_ in error.detail.get("candidate_ids") or ())
        for delivery, error in refused:
            ours = identity_of(delivery.item)
            candidates = [
                _candidate(ours, found[id_], self.directory.identity(found[id_]))
                for id_ in error.detail.get("candidate_ids") or ()
                if id_ in found
            ]
            if not candidates:
                delivery.item.failed(error)
                continue
            names = ", ".join(f"“{candidate['title']}”" for candidate in candidates)
            text = f"A duplicate rule in Salesforce takes “{ours.name}” for {names}. {CHOOSE}"
            delivery.item.failed(Held(text, code=AMBIGUOUS, candidates=candidates))

    def _find_again(self, lost: Sequence[Placed]) -> None:
        """An Account merged into another goes on there, unless that one is another company's."""
        masters = self.salesforce.masters([id_ for _, id_ in lost])
        winners = self.directory.look(filter(None, masters.values()))
        moved: dict[str, Item] = {}
        for item, id_ in lost:
            winner = winners.get(masters.get(id_) or "")
            if winner is None:
                self._hold(item, Held(_deleted_text(item, id_ in masters), code=DELETED))
                continue
            party = winner.get(KEY) or moved.setdefault(str(winner["Id"]), item).document["party"]
            if party != item.document["party"]:
                self._hold(item, Held(_merged_text(item, winner, str(party)), code=MERGED))
            else:
                moved[str(winner["Id"])] = item
                item.answer["note"] = f"Its Account {id_} was merged in Salesforce into {called(winner)}."
        if moved:
            self._deliver([(item, id_) for id_, item in moved.items()])

    @staticmethod
    def _hold(item: Item, question: Held) -> None:
        item.failed(question)
        item.unbound = bool(item.state and item.state.destination_id)
        item.destination_id = ""


def identity_of(item: Item) -> Identity:
    """What was known when the record was mapped; of one that had its Account by then, what the Account shows."""
    known = item.document.get("identity")
    return Identity.known(known) if known else Identity(item.document[ACCOUNT]["Name"])


def _document(item: Item, *, seen: str) -> Document:
    """The document the mapping gives for a record that has its Account."""
    return {"party": item.document["party"], "seen": seen, ACCOUNT: item.document[ACCOUNT]}


def _is_bound(item: Item, id_: str) -> bool:
    return bool(item.state and item.state.destination_id == id_)


def _place(item: Item) -> str:
    """Our key in Salesforce says it first: it may have come to stand elsewhere since."""
    state = item.state
    remembered = str(item.delivered.get("ids", {}).get(ACCOUNT) or "") if _still_gone(item) else ""
    return str(item.document["seen"] or item.destination_id or (state.destination_id if state else "") or remembered)


def _still_gone(item: Item) -> bool:
    """Its Account was gone at the last attempt, and nobody has said what to do. It may be back."""
    return bool(item.state and item.state.error_code in (DELETED, MERGED) and not item.state.decision)


def _decided_to_create(item: Item) -> bool:
    return bool(item.state and (item.state.decision or {}).get("create"))


def _second(title: str) -> Conflict:
    text = (
        f"“{title}” stands in this Account already, and one Account holds one company. If the two are one in Fusion, "
        "merge them there; else give each a party of its own, then replay this record."
    )
    return Conflict(text, code=TAKEN)


def _candidate(ours: Identity, account: Document, theirs: Identity) -> Document:
    judgement = compare(ours, theirs)
    known, there = ours.evidence(), theirs.evidence()
    compared: list[dict[str, Any]] = [
        {"field": name, "ours": known.get(name, ""), "theirs": there.get(name, "")} for name in {**known, **there}
    ]
    reasons = ["A duplicate rule in Salesforce found it.", *judgement.reasons]
    return {
        "id": str(account["Id"]),
        "title": str(account.get("Name") or account["Id"]),
        "score": round(judgement.score, 2),
        "reasons": reasons,
        "compared": compared,
    }


def _deleted_text(item: Item, in_bin: bool) -> str:
    if in_bin:
        happened = "was deleted in Salesforce"
        restore = "Restore it from the recycle bin there and replay this record, or decide"
    else:
        happened = "is not in Salesforce any more, or the Run-As user no longer sees it"
        restore = "Share it with that user and replay this record, or decide"
    return (
        f"The Account of “{item.summary.title}” {happened}. Nothing is created anew without your word. {restore} here "
        "that a new Account is created."
    )


def _merged_text(item: Item, winner: Document, party: str) -> str:
    return (
        f"The Account of “{item.summary.title}” (party {item.document['party']}) was merged in Salesforce into "
        f"{called(winner)}, which belongs to another company of Fusion (party {party}). Merge the two in Fusion as "
        "well, or decide here that a new Account is created."
    )
