"""A small sync between two systems in memory, and previews of it."""

from __future__ import annotations

from typing import Any

from connections.models import Connection
from syncs.models import Flow, FlowRun, Preview, Record, Run, Sync
from syncs.previewing import previews
from tests.doubles import World, run

WHO = "member:ann@meridian.example"


def moved_on(world: World, sync: Sync) -> Sync:
    """A sync that has run, and a source that has moved on since."""
    for number in range(6):
        world.source.put("things", f"t{number}", number, name=f"thing {number}")
    world.source.put("things", "bad", 7, name="bad")
    world.source.put("parts", "p1", 8, name="part", of="missing")
    run(sync)
    world.source.put("things", "t0", 100, name="renamed")
    world.source.put("things", "new", 101, name="brand new")
    world.source.put("things", "skip", 102, name="skip")
    world.source.put("things", "bad2", 103, name="bad")
    return sync


def rehearse(sync: Sync, kind: str = "run", **proposal: Any) -> Preview:
    preview = previews.start(sync, kind=kind, proposal=proposal, actor=WHO)
    finish(preview)
    return preview


def finish(preview: Preview) -> None:
    assert preview.rehearsal is not None
    while previews.rehearse(preview.rehearsal.runs.get().pk):
        pass
    preview.refresh_from_db()


def entries(preview: Preview) -> dict[str, str]:
    return {f"{entry.flow}:{entry.source_key}": entry.outcome for entry in preview.entries.all()}


def numbers(preview: Preview, flow: str = "things") -> dict[str, int]:
    return {outcome: cell["number"] for outcome, cell in preview.totals[flow].items() if cell["number"]}


def everything(sync: Sync) -> list[Any]:
    """All that a run could change, by the words of the database."""
    flows = Flow.objects.across_tenants().filter(sync=sync)
    return [
        list(Sync.objects.across_tenants().filter(pk=sync.pk).values()),
        list(flows.values()),
        list(Record.objects.across_tenants().filter(flow__in=flows).order_by("pk").values()),
        list(Run.objects.across_tenants().filter(sync=sync).values()),
        list(FlowRun.objects.across_tenants().filter(flow__in=flows).values()),
        list(Connection.objects.across_tenants().order_by("pk").values("status", "held_until", "status_text")),
    ]
