"""The way from a new workspace to the first run, as a list of steps of which one is next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from connections.connectors import registry
from connections.models import Connection
from syncs import catalogue
from syncs.catalogue import Integration
from syncs.models import Preview, Sync


@dataclass(frozen=True, slots=True)
class Step:
    """``url`` leads to where it is done, ``verb`` says so on the button."""

    title: str
    text: str
    done: bool
    url: str = ""
    verb: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    steps: Sequence[Step]

    @property
    def next(self) -> Step | None:
        return next((step for step in self.steps if not step.done), None)

    @property
    def connected(self) -> bool:
        """Both systems are there, work, and have what is needed."""
        return all(step.done for step in self.steps[:3])


def of_workspace(connections: Sequence[Connection]) -> Way:
    """Before there is a sync: for the integration to which the connections already there come closest."""
    integration = max(catalogue.all_integrations(), key=lambda one: len(_ends(one, connections)))
    ends = _ends(integration, connections)
    choose = Step(
        "Choose what moves",
        "Which records, how often, and from which day on.",
        False,
        reverse("syncs:choose"),
        "Set up the sync",
    )
    return Way([_connect(connections), *_ready(ends), choose, *_last(False, False, "")])


def of_sync(sync: Sync) -> Way:
    """For a sync that never ran."""
    here = reverse("syncs:sync", args=[sync.pk])
    both = Step("Connect both systems", f"{sync.source.name} and {sync.destination.name}.", True)
    chosen = Step("Choose what moves", "The flows below, each with its options.", True)
    previewed = Preview.objects.for_tenant(sync.tenant_id).filter(sync=sync, status__in=LOOKED_AT).exists()
    return Way([both, *_ready([sync.source, sync.destination]), chosen, *_last(previewed, not sync.paused, here)])


LOOKED_AT = (Preview.Status.READY, Preview.Status.APPROVED, Preview.Status.DISCARDED)


def _ends(integration: Integration, connections: Sequence[Connection]) -> list[Connection]:
    """At most one connection a side: one that works before one that does not."""
    best = sorted(connections, key=lambda one: one.status != Connection.Status.HEALTHY)
    sides = {integration.source, integration.destination}
    return [found for side in sorted(sides) if (found := next((one for one in best if one.connector == side), None))]


def _connect(connections: Sequence[Connection]) -> Step:
    kinds = {connection.connector for connection in connections}
    title, url = "Connect both systems", reverse("connections:choose")
    if any({one.source, one.destination} <= kinds for one in catalogue.all_integrations()):
        return Step(title, "Both are there.", True)
    if not kinds:
        text = "An administrator of each system can give you what is asked for."
        return Step(title, text, False, url, "Connect the first system")
    others = sorted({_other(one, kinds) for one in catalogue.all_integrations()} - {""})
    text = f"One is there. The other one is {' or '.join(others)}." if others else "One more is needed."
    return Step(title, text, False, url, "Connect the other system")


def _other(integration: Integration, kinds: set[str]) -> str:
    lacking = {integration.source, integration.destination} - kinds
    return registry.get(lacking.pop()).label if len(lacking) == 1 else ""


def _ready(ends: Sequence[Connection]) -> list[Step]:
    complete = len(ends) == 2
    ill = next((one for one in ends if one.status != Connection.Status.HEALTHY), None)
    lacking = next((one for one in ends if one.capabilities.get("missing")), None)
    return [
        Step(
            "Test them",
            _untested(ill) if ill else "Signing in, reading and writing are tried; what is lacking is named.",
            complete and ill is None,
            reverse("connections:detail", args=[ill.pk]) if ill else "",
            "See the test",
        ),
        Step(
            "Prepare the account",
            f"{lacking.name} needs some fields of its own. They are created with one click."
            if lacking
            else "Fields that records need in the other system are created with one click.",
            complete and ill is None and lacking is None,
            reverse("connections:prepare", args=[lacking.pk]) if lacking else "",
            "See what is created",
        ),
    ]


def _untested(connection: Connection) -> str:
    if connection.status == Connection.Status.BROKEN:
        return f"The test of {connection.name} found something to correct."
    return f"{connection.name} is not tested yet."


def _last(previewed: bool, started: bool, here: str) -> list[Step]:
    return [
        Step(
            "Look at a preview",
            "What would be created, changed and asked, record by record. Nothing is written for it.",
            previewed,
            here,
            "Go to the sync",
        ),
        Step("Start", "From then on records move by themselves, on a schedule.", started, here, "Go to the sync"),
    ]
