"""A run that is only tried: on a copy of its sync, by clients that write nothing, told in the preview's own lists."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Count, Sum
from django.utils import timezone

from connections.access import StoredAccess
from connections.connectors import registry
from connections.errors import ConnectorError, UnexpectedError
from connections.models import Connection
from syncs import catalogue, dispatch
from syncs.engine import bulk, settle
from syncs.engine.effects import Effects, close
from syncs.engine.execution import OutOfTime
from syncs.engine.flow import SYNCED, UNSETTLED, Item, encode
from syncs.engine.lease import Lease
from syncs.models import Candidate, Flow, Preview, PreviewEntry, Record, Run
from syncs.previewing.copying import copy_rows
from syncs.previewing.proposals import KINDS

WRITTEN = ("created", "updated")
MARKED_AT_ONCE = 5000
COLUMNS: tuple[tuple[str, str], ...] = (
    ("preview_id", "bigint"),
    ("flow", "text"),
    ("source_key", "text"),
    ("title", "text"),
    ("outcome", "text"),
    ("error_code", "text"),
    ("amount", "numeric"),
    ("currency", "text"),
    ("detail", "text"),
)
KEYS = ("preview_id", "flow", "source_key")
BROKE_DOWN = "An unexpected error stopped it. Nothing was changed. Our operators have been told."
STOPPED = "The preview was stopped before it was complete. Nothing was changed."


class Rehearsal(Effects):
    rehearsal = True

    def __init__(self, run: Run, lease: Lease) -> None:
        super().__init__(run, lease)
        self.preview = Preview.objects.across_tenants().select_related("sync").get(rehearsal=self.sync)
        self._definitions = {definition.key: definition for definition in catalogue.get(self.sync.integration).flows}
        self._flows = dict(Flow.objects.across_tenants().filter(sync=self.sync).values_list("key", "pk"))

    # Before -----------------------------------------------------------------------------------------------------------

    def begin(self, deadline: Callable[[], bool]) -> None:
        """The records follow the settings: they are as new as the checkpoints copied before them, or newer."""
        originals = Flow.objects.across_tenants().filter(sync=self.preview.sync, key__in=self._flows)
        copies = {flow.key: flow for flow in Flow.objects.across_tenants().filter(sync=self.sync)}
        for original in originals.order_by("pk"):
            for model in (Record, Candidate):
                self._copy(model, original, copies[original.key], deadline)
        self._mark_due(deadline)

    def _copy(self, model: type[models.Model], original: Flow, copy: Flow, deadline: Callable[[], bool]) -> None:
        name = f"{model._meta.model_name}:{original.key}"
        while (after := self._done(name)) is not None:
            with transaction.atomic():
                self._note(name, copy_rows(model, original, copy, after))
            self._pause_if(deadline)

    def _mark_due(self, deadline: Callable[[], bool]) -> None:
        due = KINDS[self.preview.kind].due(self.sync, self.preview.proposal)
        while (after := self._done("due")) is not None:
            ids = list(due.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:MARKED_AT_ONCE])
            with transaction.atomic():
                Record.objects.across_tenants().filter(pk__in=ids).update(next_attempt_at=timezone.now())
                self._note("due", ids[-1] if len(ids) == MARKED_AT_ONCE else None)
            self._pause_if(deadline)

    def _done(self, name: str) -> int | None:
        """The last ID that is done, 0 before the first; None where all are."""
        last: int | None = self.run.progress.get("copied", {}).get(name, 0)
        return last

    def _note(self, name: str, last: int | None) -> None:
        self.lease.confirm()
        self.run.progress.setdefault("copied", {})[name] = last
        Run.objects.across_tenants().filter(pk=self.run.pk).update(progress=self.run.progress)

    def _pause_if(self, deadline: Callable[[], bool]) -> None:
        self.lease.stop_if_cancelled()
        if deadline():
            raise OutOfTime

    # Meanwhile --------------------------------------------------------------------------------------------------------

    def client(self, connection: Connection, access: StoredAccess) -> Any:
        return registry.get(connection.connector).rehearsal(access, self._bound)

    def _bound(self, ids: Sequence[str]) -> dict[str, str]:
        """Of these destination IDs, those this rehearsal has written to, each with our key."""
        mine = Record.objects.across_tenants().filter(flow_id__in=self._flows.values(), run_id=self.run.pk)
        rows = mine.filter(destination_id__in=ids).order_by("pk")
        keys: dict[str, str] = {}
        for id_, flow, key, payload in rows.values_list("destination_id", "flow__key", "source_key", "payload"):
            delivered = json.loads(payload) if payload else {}
            keys.setdefault(id_, self._definitions[flow].our_key(key, delivered.get("document", {})))
        return keys

    def tell(self, flow_key: str, items: Sequence[Item], at: datetime) -> None:
        """One line for each record, however often it is attempted: what becomes of it in the end.

        One that was told of already, and then proves to be in place, is not counted as unchanged besides.
        """
        again = [item.row.key for item in items if item.state]
        earlier = {
            key: (outcome, detail)
            for key, outcome, detail in self._entries()
            .filter(flow=flow_key, source_key__in=again)
            .values_list("source_key", "outcome", "detail")
        }
        quiet = sum(item.row.key in earlier for item in items if item.quiet)
        if quiet:
            told_twice = self.run.progress.setdefault("told_twice", {})
            told_twice[flow_key] = told_twice.get(flow_key, 0) + quiet
            Run.objects.across_tenants().filter(pk=self.run.pk).update(progress=self.run.progress)
        bulk.upsert(
            PreviewEntry._meta.db_table,
            COLUMNS,
            [self._line(flow_key, item, earlier.get(item.row.key)) for item in items if not item.quiet],
            conflict=", ".join(KEYS),
            update=[name for name, _ in COLUMNS if name not in KEYS],
        )

    def _entries(self) -> Any:
        return PreviewEntry.objects.across_tenants().filter(preview=self.preview)

    def _line(self, flow_key: str, item: Item, earlier: tuple[str, str] | None) -> tuple[Any, ...]:
        outcome, detail = settle.outcome_of(item), settle.detail_of(item)
        if earlier and earlier[0] in WRITTEN and item.status == SYNCED:
            outcome, detail = earlier[0], _joined(earlier, item, detail)
        summary = item.summary
        return (
            self.preview.pk,
            flow_key,
            item.row.key,
            summary.title[:255],
            outcome,
            item.error.code if item.error else "",
            None if summary.amount is None else format(summary.amount, "f"),
            summary.currency[:3],
            detail,
        )

    def hold(self, connection: Connection, until: datetime, text: str) -> None:
        """What a preview meets says nothing to runs that are meant."""

    def mark_broken(self, connection: Connection, error: ConnectorError) -> None:
        """As above: a run that is meant will find out by itself."""

    # Afterwards -------------------------------------------------------------------------------------------------------

    def end(self, status: str, *, code: str = "", text: str = "", detail: Any = None) -> None:
        now = timezone.now()
        if status in (Run.Status.SUCCEEDED, Run.Status.PARTIAL):
            self._add_unsettled()
            changes: dict[str, Any] = {"status": Preview.Status.READY, "error_text": text, "totals": self._totals()}
        else:
            changes = {"status": Preview.Status.FAILED, "error_text": _why(status, code) or text}
        close(self.run, status, now, code=code, text=text)
        Preview.objects.across_tenants().filter(pk=self.preview.pk, status=Preview.Status.RUNNING).update(
            finished_at=now, **changes
        )
        dispatch.enqueue_clearing(self.sync.pk)

    def _add_unsettled(self) -> None:
        """Records that were looked at and stand as they stood before: unsettled."""
        text = (
            "json_build_object('text', record.error_text)::text"
            if connection.vendor == "postgresql"
            else "json_object('text', record.error_text)"
        )
        marks = ", ".join(["%s"] * len(UNSETTLED))
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO syncs_previewentry ({', '.join(name for name, _ in COLUMNS)}) "  # noqa: S608 - our names
                "SELECT %s, flow.key, record.source_key, record.title, record.status, record.error_code, "
                f"record.amount, record.currency, {text} FROM syncs_record AS record "
                "JOIN syncs_flow AS flow ON flow.id = record.flow_id "
                f"WHERE flow.sync_id = %s AND record.run_id = %s AND record.status IN ({marks}) "
                "ON CONFLICT (preview_id, flow, source_key) DO NOTHING",
                [self.preview.pk, self.sync.pk, self.run.pk, *UNSETTLED],
            )

    def _totals(self) -> dict[str, Any]:
        """By flow and outcome: ``number``, and ``money`` by currency (decimal text)."""
        told_twice = self.run.progress.get("told_twice", {})
        totals: dict[str, Any] = {
            key: {"unchanged": {"number": unchanged - told_twice.get(key, 0), "money": {}}}
            for key, unchanged in self.run.flow_runs.values_list("flow__key", "unchanged")
        }
        sums = self._entries().values_list("flow", "outcome", "currency").order_by()
        for flow, outcome, currency, number, amount in sums.annotate(number=Count("pk"), total=Sum("amount")):
            cell = totals[flow].setdefault(outcome, {"number": 0, "money": {}})
            cell["number"] += number
            if amount is not None:
                cell["money"][currency] = format(amount.normalize(), "f")
        return totals


def _why(status: str, code: str) -> str:
    """Where what a run says of its end would not be true of a preview."""
    if status == Run.Status.CANCELLED:
        return STOPPED
    return BROKE_DOWN if code == UnexpectedError.code else ""


def _joined(earlier: tuple[str, str], item: Item, detail: str) -> str:
    """What a second write adds to the first: of a new record all there is, else the first 'before' and last 'after'."""
    outcome, first = earlier[0], json.loads(earlier[1])
    last = json.loads(detail)
    if outcome == "created":
        return encode({"answer": last.get("answer") or first.get("answer") or {}, "sent": item.document})
    if "before" not in first or "before" not in last:
        return detail
    last["before"] = _over(last["before"], first["before"])
    last["after"] = _over(first["after"], last["after"])
    return encode(last)


def _over(below: Any, above: Any) -> Any:
    """One document laid over another, at the deepest level where both are objects."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return below | {key: _over(below[key], value) if key in below else value for key, value in above.items()}
