"""The few things a flow's writer may ask of the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TypeVar

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from syncs import catalogue, models
from syncs.engine import settle
from syncs.engine.flow import WAITING, Candidate, Held, Holder, Item
from syncs.models import CandidateKey, Flow, Record
from syncs.names.matching import CLOSE, Identity, keys, normalise

WRITING = "writing"
CHUNK = 500
MOST_CLOSE = 200
"""A key of close names under which more than these are listed tells none of them apart."""
Value = TypeVar("Value")


class FlowStore:
    def __init__(self, flow: Flow, run_id: int, mapping_version: str) -> None:
        self.flow, self.run_id, self.mapping_version = flow, run_id, mapping_version

    # What stands in the destination -----------------------------------------------------------------------------------

    def candidates(self, keys: Iterable[str]) -> dict[str, list[Candidate]]:
        listed: dict[str, list[int]] = {}
        for part in chunks(keys):
            rows = CandidateKey.objects.across_tenants().filter(flow=self.flow, key__in=part)
            for key, pk in rows.order_by("pk").values_list("key", "candidate_id"):
                listed.setdefault(key, []).append(pk)
        listed = {key: pks for key, pks in listed.items() if len(pks) <= MOST_CLOSE or not key.startswith(CLOSE)}
        rows_by_pk: dict[int, tuple[str, str, dict[str, str]]] = {}
        for chunk in chunks(pk for pks in listed.values() for pk in pks):
            found = models.Candidate.objects.across_tenants().filter(pk__in=chunk)
            for pk, *row in found.values_list("pk", "destination_id", "title", "evidence"):
                rows_by_pk[pk] = (row[0], row[1], row[2])
        holders = self.holders(row[0] for row in rows_by_pk.values())
        free = {
            pk: Candidate(id_, title, evidence, holders[id_].flow if id_ in holders else "")
            for pk, (id_, title, evidence) in rows_by_pk.items()
            if id_ not in holders or not holders[id_].own
        }
        found_free = {key: [free[pk] for pk in pks if pk in free] for key, pks in listed.items()}
        return {key: candidates for key, candidates in found_free.items() if candidates}

    def kin(self, match_keys: Iterable[str]) -> dict[str, list[Candidate]]:
        found: dict[str, list[Candidate]] = {}
        for chunk in chunks(match_keys) if self._kin else ():
            rows = Record.objects.across_tenants().filter(flow_id__in=self._kin, match_key__in=chunk)
            rows = rows.exclude(destination_id="").order_by("pk")
            for key, flow_id, id_, title in rows.values_list("match_key", "flow_id", "destination_id", "title"):
                found.setdefault(key, []).append(Candidate(id_, title, {"name": title}, self._kin[flow_id]))
        return found

    def holders(self, destination_ids: Iterable[str]) -> dict[str, Holder]:
        found: dict[str, Holder] = {}
        names = {**self._kin, self.flow.pk: self.flow.key}
        for chunk in chunks(destination_ids):
            rows = Record.objects.across_tenants().filter(flow_id__in=names, destination_id__in=chunk)
            for id_, flow_id, key, title in rows.values_list("destination_id", "flow_id", "source_key", "title"):
                own = flow_id == self.flow.pk
                if own or id_ not in found:
                    found[id_] = Holder(names[flow_id], key, title, own)
        return found

    def shared(self, destination_ids: Iterable[str]) -> set[str]:
        found: set[str] = set()
        for chunk in chunks(destination_ids) if self._kin else ():
            rows = Record.objects.across_tenants().filter(flow_id__in=self._kin, destination_id__in=chunk)
            found.update(rows.values_list("destination_id", flat=True))
        return found

    @cached_property
    def _kin(self) -> dict[int, str]:
        """ID -> key of the flows whose records stand in the same place of the destination."""
        definition = catalogue.get(self.flow.sync.integration).flow(self.flow.key)
        if not definition.kin:
            return {}
        flows = Flow.objects.across_tenants().filter(sync_id=self.flow.sync_id, key__in=definition.kin)
        return dict(flows.values_list("pk", "key"))

    # Our list of it ---------------------------------------------------------------------------------------------------

    def candidates_listed_at(self) -> datetime | None:
        text = self.flow.checkpoint.get("candidates", {}).get("listed_at")
        return parse_datetime(text) if text else None

    def save_candidates(self, rows: Iterable[tuple[str, str, Identity]]) -> None:
        latest = {id_: (key, identity) for id_, key, identity in rows}
        # A record that has come to bear our key, or has no name any more, is none of its own.
        kept = {id_: identity for id_, (key, identity) in latest.items() if identity.name and not key}
        known = models.Candidate.objects.across_tenants().filter(flow=self.flow)
        with transaction.atomic():
            for chunk in chunks(latest.keys() - kept.keys()):
                known.filter(destination_id__in=chunk).delete()
            for chunk in chunks(kept):
                self._save({id_: kept[id_] for id_ in chunk})

    def _save(self, identities: dict[str, Identity]) -> None:
        saved = models.Candidate.objects.bulk_create(
            [
                models.Candidate(
                    flow=self.flow,
                    destination_id=id_,
                    match_key=normalise(identity.name)[:255],
                    title=identity.name[:255],
                    evidence=identity.evidence(),
                )
                for id_, identity in identities.items()
            ],
            update_conflicts=True,
            unique_fields=["flow", "destination_id"],
            update_fields=["match_key", "title", "evidence"],
        )
        CandidateKey.objects.across_tenants().filter(candidate__in=[row.pk for row in saved]).delete()
        CandidateKey.objects.bulk_create(
            CandidateKey(candidate_id=row.pk, flow=self.flow, key=key[:255])
            for row in saved
            for key in keys(identities[row.destination_id])
        )

    def candidates_complete(self, listed_at: datetime) -> None:
        self.flow.checkpoint["candidates"] = {"listed_at": listed_at.isoformat()}
        Flow.objects.across_tenants().filter(pk=self.flow.pk).update(checkpoint=self.flow.checkpoint)

    # Intents ----------------------------------------------------------------------------------------------------------

    def intend(self, items: Sequence[Item]) -> None:
        """If the answer is lost, the record is found marked as being written, and the system is asked by our key."""
        now = timezone.now()
        # Due already, and since before it was loaded: the verdict that follows clears it, unlike a person's mark.
        due = now - timedelta(days=1)
        intents = [
            Item(
                item.row,
                item.state,
                source_hash=item.source_hash,
                status=WAITING,
                error=_Writing(),
                retry_at=due,
                summary=item.summary,
            )
            for item in items
        ]
        with transaction.atomic():
            settle.save_records(self.flow.pk, self.run_id, self.mapping_version, intents, now)


class _Writing(Held):
    def __init__(self) -> None:
        super().__init__("Being written; if this stays, the answer was lost and is being looked up.", code=WRITING)


def chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Those that are not empty, each once, a query's worth at a time."""
    distinct = [value for value in dict.fromkeys(values) if value]
    for start in range(0, len(distinct), CHUNK):
        yield distinct[start : start + CHUNK]
