"""Which record of the destination a source record is, before anything is written (rule 10).

Our key comes first, then a person's decision, then the only company of the same name with nothing that speaks against
it. Everything else that looks alike is a question for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from django.utils import timezone

from connections.connectors.base import Document
from connections.errors import ConnectorError
from syncs.engine.flow import HELD, SKIPPED, WAITING, Candidate, Held, Item, WriteContext
from syncs.engine.store import FlowStore
from syncs.models import Flow, Record
from syncs.names.matching import DIFFERENT, FIELDS, NEAR, SAME, Identity, Judgement, compare, exact_keys, keys

PENDING = "match_pending"
AMBIGUOUS = "match_ambiguous"
LEFT_OUT = "left_out"
LEFT_OUT_TEXT = "A person decided to leave this record out. Ask again from its page to take that back."
REFRESH_AFTER = timedelta(minutes=5)
OVERLAP = timedelta(minutes=15)
MOST_CANDIDATES = 10
TOLD = 3
CHUNK = 500
CHOOSE = "Choose the one that belongs to this record, create a new one, or leave it out."
UNDONE_TEXT = "The match of '{title}' was undone. " + CHOOSE


class Directory(Protocol):
    """The destination's own records, given by the integration."""

    def known(self, keys: Sequence[str]) -> dict[str, str]:
        """Our key -> destination ID, where our key stands there already. Never late."""

    def listed(self, since: datetime | None) -> Iterator[list[tuple[str, str, Identity]]]:
        """Pages of (destination ID, our key there or '', identity): all records, or those changed since."""

    def adopt(self, pairs: Mapping[str, str]) -> dict[str, ConnectorError]:
        """Puts our key (value) on the records with these IDs; returns the failures only."""


class Judged(NamedTuple):
    candidate: Candidate
    judgement: Judgement

    @property
    def free(self) -> bool:
        return not self.candidate.kin


def bind(
    items: Sequence[Item],
    context: WriteContext,
    directory: Directory,
    identity_of: Callable[[Item], Identity],
    key_of: Callable[[Item], str],
    *,
    near: bool = True,
) -> list[Item]:
    """The items that may be written; the others have got their verdict: held, skipped, or refused by the destination.

    ``destination_id`` of an item is set where it was found or adopted just now: it is to be updated by this ID or by
    our key, except that a record which a kin flow is bound to bears the kin's key and is updated by ID alone. An item
    without an ID, in its state or set here, is to be created. ``near``: names that merely look alike are asked about.
    """
    unbound = [item for item in items if not (item.state and item.state.destination_id)]
    known = directory.known([key_of(item) for item in unbound]) if unbound else {}
    strangers: list[Item] = []
    decided: list[Item] = []
    for item in unbound:
        if id_ := known.get(key_of(item)):
            item.destination_id = id_
        else:
            (decided if _answered(item) else strangers).append(item)
    _carry_out(decided, context, directory, key_of)
    if strangers:
        _list(context, directory)
        _ask(strangers, context, identity_of, keys if near else exact_keys)
    return [item for item in items if not item.status]


def _decision(item: Item) -> dict[str, Any]:
    return (item.state.decision or {}) if item.state else {}


def _asked_for(item: Item) -> bool:
    """A match was undone: no rule answers, and none is created without a person's word."""
    return bool(_decision(item).get("ask"))


def _answered(item: Item) -> bool:
    return bool(_decision(item)) and not _asked_for(item)


# Decisions ------------------------------------------------------------------------------------------------------------


def _carry_out(
    items: Sequence[Item], context: WriteContext, directory: Directory, key_of: Callable[[Item], str]
) -> None:
    chosen: dict[str, Item] = {}
    for item in items:
        decision = _decision(item)
        if decision.get("reject"):
            _leave_out(item)
        elif id_ := str(decision.get("adopt") or ""):
            if id_ in chosen:
                item.failed(_taken(id_, chosen[id_].summary.title))
            else:
                chosen[id_] = item
    holders = context.store.holders(chosen)
    adopted: dict[str, Item] = {}
    for id_, item in chosen.items():
        holder = holders.get(id_)
        if holder is None:
            adopted[id_] = item
        elif holder.own:
            item.failed(_taken(id_, holder.title or holder.source_key))
        else:
            item.destination_id = id_
    failures = directory.adopt({id_: key_of(item) for id_, item in adopted.items()}) if adopted else {}
    for id_, item in adopted.items():
        if error := failures.get(id_):
            item.failed(error)
        else:
            item.destination_id = id_


def _leave_out(item: Item) -> None:
    item.status, item.rule = SKIPPED, LEFT_OUT
    item.answer = {"text": LEFT_OUT_TEXT}
    item.quiet = bool(item.state and item.state.status == SKIPPED)


def _taken(id_: str, title: str) -> Held:
    return Held(f"The record {id_} was chosen, but belongs to “{title}” by now. {CHOOSE}", code=AMBIGUOUS)


# Questions ------------------------------------------------------------------------------------------------------------


def _list(context: WriteContext, directory: Directory) -> None:
    """Keeps our list of the destination's own records: all of them once, afterwards those changed since."""
    listed_at = context.store.candidates_listed_at()
    if listed_at is not None and context.now - listed_at < REFRESH_AFTER:
        return
    for page in directory.listed(None if listed_at is None else listed_at - OVERLAP):
        context.store.save_candidates(page)
    context.store.candidates_complete(context.now)


def _ask(
    items: Sequence[Item],
    context: WriteContext,
    identity_of: Callable[[Item], Identity],
    keys_of: Callable[[Identity], list[str]],
) -> None:
    identities = [identity_of(item) for item in items]
    keys_by_item = [keys_of(identity) for identity in identities]
    listed = context.store.candidates(key for found in keys_by_item for key in found)
    kin = context.store.kin(item.summary.match_key for item in items)
    every = {id(one): one for found in (*listed.values(), *kin.values()) for one in found}
    theirs = {key: Identity.known(one.evidence) for key, one in every.items()}
    for item, identity, own_keys in zip(items, identities, keys_by_item, strict=True):
        found = {candidate.id: candidate for key in own_keys for candidate in listed.get(key, ())}
        kin_found = {candidate.id: candidate for candidate in kin.get(item.summary.match_key, ())}
        judged = [_judge(identity, theirs[id(one)], one) for one in {**kin_found, **found}.values()]
        judged = [one for one in judged if one.judgement.verdict != DIFFERENT]
        title = item.summary.title or identity.name
        if judged:
            item.failed(_question(title, identity, judged, by_rule=not _asked_for(item)))
        elif _asked_for(item):
            item.failed(Held(UNDONE_TEXT.format(title=title), code=AMBIGUOUS))


def _judge(ours: Identity, theirs: Identity, candidate: Candidate) -> Judged:
    judgement = compare(ours, theirs)
    if candidate.kin and judgement.verdict != DIFFERENT:
        reasons = [*judgement.reasons, f"It belongs to a record of the flow “{candidate.kin}” already."]
        judgement = Judgement(NEAR, judgement.score, reasons, judgement.certain)
    return Judged(candidate, judgement)


class _Pending(Held):
    passes = True


def _question(title: str, identity: Identity, judged: list[Judged], *, by_rule: bool) -> Held:
    judged.sort(key=lambda one: (one.judgement.verdict != SAME, -one.judgement.score, one.candidate.title))
    best = judged[0]
    candidates = [_shown(identity, one) for one in judged[:MOST_CANDIDATES]]
    if by_rule and best.judgement.verdict == SAME and not any(map(_rivals, judged[1:])):
        text = f"“{best.candidate.title}” is there already. It is taken over if no other record has this name."
        return _Pending(text, code=PENDING, candidates=candidates)
    return Held(ambiguous_text(title, candidates), code=AMBIGUOUS, candidates=candidates)


def _rivals(one: Judged) -> bool:
    """Whether the best candidate is not the only one that could be it."""
    return one.judgement.verdict == SAME or one.judgement.certain or not one.free


def _shown(identity: Identity, one: Judged) -> Document:
    """A candidate as it is kept with the record: ``compared`` holds what is known on either side."""
    ours, theirs = identity.evidence(), one.candidate.evidence
    return {
        "id": one.candidate.id,
        "title": one.candidate.title,
        "score": round(one.judgement.score, 2),
        "reasons": one.judgement.reasons,
        "compared": [
            {"field": name, "ours": ours.get(name, ""), "theirs": theirs.get(name, "")}
            for name in FIELDS
            if ours.get(name) or theirs.get(name)
        ],
    }


def ambiguous_text(title: str, candidates: Sequence[Document], claims: int = 1) -> str:
    number = len(candidates)
    if claims > 1:
        return (
            f"{claims} source records are called “{title}” or nearly so, and the destination has {number} that would "
            f"fit. {CHOOSE}"
        )
    told = " ".join(f"“{one['title']}”: {' '.join(one['reasons'])}" for one in candidates[:TOLD])
    fits = "One record of the destination may be" if number == 1 else f"{number} records of the destination may be"
    return f"{fits} “{title}”. {told} {CHOOSE}"


def undone_question(title: str, id_: str, theirs: Identity | None) -> tuple[str, list[Document]]:
    """What a person is asked once a match was undone: text and candidates. None: the record is gone there."""
    text = UNDONE_TEXT.format(title=title)
    if theirs is None:
        return text, []
    ours = Identity(title)
    return text, [_shown(ours, _judge(ours, theirs, Candidate(id_, theirs.name, theirs.evidence())))]


# After the scan -------------------------------------------------------------------------------------------------------


def settle_matches(flow: Flow) -> None:
    """A new record with exactly one candidate is bound to it if no other source record has the same name.

    Called when all names of the source are known; the others stay held for a person. Bound ones become due.
    """
    pending = flow.records.filter(status=WAITING, error_code=PENDING, decision__isnull=True)
    last_id = 0
    while page := list(pending.filter(pk__gt=last_id).order_by("pk")[:CHUNK]):
        last_id = page[-1].pk
        _settle_page(flow, page)


def _settle_page(flow: Flow, page: list[Record]) -> None:
    claims: dict[str, int] = {}
    names = {record.match_key for record in page}
    for match_key in flow.records.filter(match_key__in=names).values_list("match_key", flat=True):
        claims[match_key] = claims.get(match_key, 0) + 1
    best = {record.pk: str(record.candidates[0]["id"]) for record in page if record.candidates}
    holders = FlowStore(flow, 0, "").holders(best.values())
    now = timezone.now()
    for record in page:
        id_ = best.get(record.pk, "")
        if id_ and id_ not in holders and claims[record.match_key] == 1:
            record.decision = {"adopt": id_, "by": "rule", "at": now.isoformat()}
            record.next_attempt_at = now
        else:
            record.status, record.error_code = HELD, AMBIGUOUS
            record.error_text = ambiguous_text(record.title, record.candidates or (), claims[record.match_key])
    Record.objects.across_tenants().bulk_update(
        page, ["decision", "next_attempt_at", "status", "error_code", "error_text"]
    )
