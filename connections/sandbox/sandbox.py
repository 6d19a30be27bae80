"""Starts the imitated systems and the control port, and keeps what they share: clock, faults, statistics, world."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .clock import Clock
from .control import Control
from .faults import Faults
from .http import System, SystemServer
from .stats import Stats
from .store import MEMORY, Store
from .world import World

SYSTEMS = {
    "oracle_fusion": ("connections.sandbox.oracle_fusion", "OracleFusion"),
    "hubspot": ("connections.sandbox.hubspot", "HubSpot"),
    "salesforce": ("connections.sandbox.salesforce", "Salesforce"),
}


class Sandbox:
    """All imitated systems on loopback ports.

    ``path``: a file that keeps the rows over restarts, or ``:memory:``. ``ports``: ``{"oracle_fusion.pod": 9101}``,
    free ports where nothing is said; the control port is ``"control"``. ``seed``: "demo", "small" or "empty"; a file
    that was seeded before keeps its rows. ``switches``: ``{"oracle_fusion": {...}}``, set before seeding. ``mail``: the
    folder into which the product's mail is written, to be shown on the control page.
    """

    def __init__(
        self,
        path: str = MEMORY,
        ports: dict[str, int] | None = None,
        seed: str = "demo",
        clock: Callable[[], float] = time.time,
        systems: tuple[str, ...] | None = None,
        switches: dict[str, dict[str, Any]] | None = None,
        mail: Path | None = None,
    ) -> None:
        self.clock = clock if isinstance(clock, Clock) else Clock(clock)
        self.faults = Faults()
        self.recorder = Stats()
        self.mail = mail
        self.ports = dict(ports or {})
        self.stores: list[Store] = []
        self.systems: dict[str, Any] = {}
        for name in systems or available():
            self.systems[name] = self._build(name, path)
        for name, values in (switches or {}).items():
            self.set_switches(name, values)
        self.world = World(self.systems, self.clock)
        self.world.seed(seed)
        self.control = Control(self)
        self.servers: dict[tuple[str, str], SystemServer] = {}

    def _build(self, name: str, path: str) -> System:
        module, attribute = SYSTEMS[name]
        store = Store(path)
        self.stores.append(store)
        system: System = getattr(importlib.import_module(module), attribute)(store, self.clock)
        return system

    def start(self) -> Sandbox:
        """Listen on all ports; returns itself."""
        for name, system in self.systems.items():
            for port in system.ports:
                self._listen(system, port, f"{name}.{port}", watched=True)
        self._listen(self.control, "http", "control", watched=False)
        return self

    def _listen(self, system: System, port: str, key: str, *, watched: bool) -> None:
        server = SystemServer(
            system,
            port,
            clock=self.clock,
            faults=self.faults if watched else None,
            stats=self.recorder if watched else None,
            port=self.ports.get(key, 0),
            run_event=self.world.run,
        )
        self.servers[system.name, port] = server
        server.start()

    def stop(self) -> None:
        """Stop listening and close the files; the rows stay in them."""
        for server in self.servers.values():
            server.stop()
        self.servers.clear()
        for store in self.stores:
            store.close()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def url(self, system: str, port: str | None = None) -> str:
        """Base address of a port, such as ``url("oracle_fusion", "pod")``; ``url("control")`` is the control page."""
        if system == "control":
            return self.servers["control", "http"].url
        return self.servers[system, port or self.systems[system].ports[0]].url

    def stats(self) -> dict[str, Any]:
        return self.recorder.summary()

    def reset_stats(self) -> None:
        self.recorder.reset()

    def set_switches(self, system: str, values: dict[str, Any]) -> dict[str, Any]:
        """Change switches of one system. Raises ``KeyError`` for a name it does not have."""
        switches: dict[str, Any] = self.systems[system].switches
        unknown = sorted(set(values) - set(switches))
        if unknown:
            raise KeyError(f"{system} has no switch {', '.join(unknown)}")
        switches.update(values)
        return dict(switches)


def available() -> tuple[str, ...]:
    """Names of the systems whose packages are present."""
    return tuple(name for name, (module, _) in SYSTEMS.items() if importlib.util.find_spec(module) is not None)
