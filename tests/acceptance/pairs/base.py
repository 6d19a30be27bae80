"""What the shared suites must know of an integration and of its two systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from connections import services as connections
from connections.models import Connection
from connections.sandbox import Sandbox
from mlconnector.tenants.models import Tenant

if TYPE_CHECKING:
    from tests.acceptance.stage import Stage

ACTOR = "member:test"
State = dict[str, Any]
Switches = Mapping[str, Any]
Step = Callable[[Sandbox], object]
"""Something that happens in one of the systems."""


def event(name: str, **arguments: Any) -> Step:
    """A business event of the sandbox by its name."""
    return lambda sandbox: sandbox.world.run(name, dict(arguments))


def echo(secret: str) -> dict[str, Any]:
    """Vendors repeat in an error what they were sent."""
    text = f"refused: {secret} in full {secret!r}"
    return {
        "status": "error",
        "category": "VALIDATION_ERROR",
        "message": text,
        "title": text,
        "detail": text,
        "o:errorDetails": [{"detail": text, "o:errorCode": "X"}],
        "error": secret,
        "error_description": text,
        "errors": [{"message": text, "context": {"sent": [secret]}}],
        "correlationId": secret,
    }


class Side:
    """One of the two systems: how a tenant connects it, how it locks us out, and in what accounts may differ."""

    system: ClassVar[str]
    title: ClassVar[str]
    prepared: ClassVar[bool] = False
    """The connector creates what the account lacks before its first use."""
    throttled: ClassVar[Any] = None
    """Body of a 429."""
    faults: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """What breaks on this line besides what breaks on every line."""
    settings: ClassVar[Mapping[str, str]] = {}
    """Settings of the connection in all suites that do not choose their own."""
    narrow: ClassVar[Mapping[str, str]] = {}
    """Settings that make pages small and calls many."""
    timeless: ClassVar[Mapping[str, str]] = {}
    """Settings for suites in which the systems' clock moves by itself when we wait."""
    switches: ClassVar[Mapping[str, Switches]] = {}
    """Accounts that differ from each other, by name: the outcome is the same in each."""
    configs: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """Connections that are set up differently, likewise."""
    port: ClassVar[str | None] = None
    """The port that takes tokens, where there are several."""
    expiries: ClassVar[Mapping[str, Switches]] = {}
    """The ways in which this system may say that a token expired; none where a credential is given once."""
    refused: ClassVar[str]
    """Error code of a run that is locked out."""
    canaries: ClassVar[Mapping[str, str]]
    """A secret to look for in each credential field; ``plant`` makes the system take them."""
    said: ClassVar[str]
    """The canary this system repeats in its errors."""

    def __str__(self) -> str:
        return self.system

    def addresses(self, sandbox: Sandbox) -> dict[str, str]:
        """The settings that say where the system is."""
        raise NotImplementedError

    def credentials(self) -> dict[str, str]:
        """The secrets an account of the sandbox takes at the start."""
        raise NotImplementedError

    def connect(self, tenant: Tenant, sandbox: Sandbox, **config: str) -> Connection:
        settings = {**self.addresses(sandbox), **self.settings, **config}
        return connections.create_connection(tenant, self.system, self.title, settings, self.credentials(), ACTOR)

    def ready(self, connection: Connection) -> None:
        """Tests the connection, having prepared its account where that is done."""
        missing = [item.key for item in connections.missing(connection)] if self.prepared else []
        if missing:
            connections.prepare_connection(connection, missing, ACTOR)
        else:
            connections.test_connection(connection, ACTOR)
        assert connection.status == Connection.Status.HEALTHY, connection.check_report

    def lock_out(self, sandbox: Sandbox) -> None:
        """From now on the system takes our credentials no more, nor a token it gave."""
        raise NotImplementedError

    def let_in(self, sandbox: Sandbox) -> dict[str, str]:
        """The secrets it takes instead, from now on."""
        raise NotImplementedError

    def plant(self, sandbox: Sandbox) -> None:
        """The system takes the canaries for credentials."""
        raise NotImplementedError

    def others(self, tenant: Tenant, sandbox: Sandbox) -> list[Connection]:
        """Connections that sign in with the canaries in other ways."""
        return []

    def coded(self) -> list[str]:
        """Forms in which the canaries are sent, besides the canaries themselves."""
        return []

    def tokens(self, sandbox: Sandbox) -> list[str]:
        """What it has given us to sign in with and still takes."""
        return []

    def slips(self, connection: Connection) -> dict[str, dict[str, Any]]:
        """Faults, by name, in which this system alone would repeat a secret."""
        return {}


@dataclass(frozen=True)
class Moving:
    """A stream whose rows move while they are read. Keys are the flow's source keys, as text.

    ``page``: how a fault recognises a call for one of its pages. ``unfiltered``: switches, by name, under which the
    system cannot be asked for what lies behind the last row.
    """

    flow: str
    system: str
    page: Mapping[str, str]
    grow: Callable[[Sandbox, int, float, int], list[str]]
    """So many rows at an instant (seconds since 1970), so many milliseconds apart; their keys in this order."""
    touch: Callable[[Sandbox, Sequence[str]], object]
    """Saves rows again without a change."""
    unfiltered: Mapping[str, Switches] = field(default_factory=dict)


class Pair:
    """An integration, what happens in its systems, and what both of them hold."""

    integration: ClassVar[str]
    source: ClassVar[Side]
    destination: ClassVar[Side]
    options: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Options of flows by their keys."""
    seed: ClassVar[str] = "empty"
    """What ``company`` starts from."""
    waits: ClassVar[Mapping[str, timedelta]] = {}
    """Time the product gives to answers that were lost, by the name of the constant, and how short it may be here."""
    opening: ClassVar[tuple[Step, ...]] = ()
    """What happens between the making of the sync and its first run."""
    day: ClassVar[tuple[Step, ...]]
    """What happens after the first run."""
    busy: ClassVar[tuple[Step, ...]]
    """What may happen at any moment, in this order, and leads to the same end."""
    moving: ClassVar[tuple[Moving, ...]]
    backward: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """By system: how a fault recognises a call that only a flow against the sync's direction makes."""
    harder: ClassVar[Mapping[str, Switches]] = {}
    """An account that makes it harder to write everything once, by system."""

    def __str__(self) -> str:
        return self.integration

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.source, self.destination

    @property
    def systems(self) -> tuple[str, ...]:
        return tuple(side.system for side in self.sides)

    def differing(self, side: Side) -> Mapping[str, Switches]:
        """The accounts of a side over which this integration is to be tried."""
        return side.switches

    def configured(self, side: Side) -> Mapping[str, Mapping[str, str]]:
        """The settings of a side over which it is to be tried."""
        return side.configs

    def company(self, sandbox: Sandbox) -> None:
        """Makes of the seed a small company that has all the oddities, in both systems."""
        raise NotImplementedError

    def dump(self, stage: Stage) -> State:
        """What the integration wrote into either system, without anything that differs from time to time."""
        raise NotImplementedError

    def trace(self, dump: State) -> State:
        """What of it is the same whichever way it came about."""
        return dump

    def held(self, stage: Stage) -> dict[str, dict[str, str]]:
        """By flow, or kind of what belongs to its records: ID in the system written to -> our key there."""
        raise NotImplementedError

    def assert_sound(self, stage: Stage) -> None:
        """Nothing is double, orphaned or against the rules of the system written to."""
        raise NotImplementedError
