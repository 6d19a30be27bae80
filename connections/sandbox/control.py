"""The control port: events, faults, switches and statistics over JSON, and a page to start events by hand."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .faults import FaultError
from .http import Request, Response
from .mail import letters
from .oracle_fusion.ledger import LedgerError
from .page import render_page

if TYPE_CHECKING:
    from .sandbox import Sandbox


class ControlError(Exception):
    """The request is refused, with a status and a text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Control:
    """Routes of the control port.

    ======================  =========================================================================================
    GET /                   a page with one button an event
    GET /health             {"status": "ok", "urls": {...}}
    POST /events/{name}     run a business event; JSON or form fields are its arguments
    GET POST DELETE /faults list, add ({"kind": ..., ...}) or clear; DELETE /faults/{id} removes one
    GET /stats              sums; POST /stats/reset
    GET POST /switches/{s}  read or change the switches of a system
    GET /dump/{system}      the whole state of a system
    GET POST /clock         {"offset": seconds}; POST takes offset or advance
    ======================  =========================================================================================
    """

    name = "control"
    ports: tuple[str, ...] = ("http",)

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.switches: dict[str, Any] = {}
        self._routes: dict[tuple[str, str], Callable[[Request, str], Response]] = {
            ("GET", "health"): self._health,
            ("POST", "events"): self._event,
            ("GET", "faults"): self._list_faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._remove_faults,
            ("GET", "stats"): self._stats,
            ("POST", "stats"): self._reset_stats,
            ("GET", "switches"): self._switches,
            ("POST", "switches"): self._change_switches,
            ("GET", "dump"): self._dump,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._move_clock,
        }

    def handle(self, port: str, request: Request) -> Response:
        head, _, rest = request.path.strip("/").partition("/")
        if not head:
            return self._page(request)
        route = self._routes.get((request.method, head))
        try:
            if route is None:
                raise ControlError(404, f"{request.method} /{head} is not offered")
            return route(request, rest)
        except ControlError as error:
            return Response(error.status, {"error": str(error)})
        except (LedgerError, FaultError, ValueError, TypeError, KeyError) as error:
            return Response(400, {"error": str(error)})

    def dump(self) -> dict[str, Any]:
        return {}

    def urls(self) -> dict[str, str]:
        return {f"{system}.{port}": server.url for (system, port), server in self.sandbox.servers.items()}

    def _page(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return Response(405, {"error": "GET only"})
        return self._shown()

    def _shown(self, message: str = "") -> Response:
        folder = self.sandbox.mail
        mail = letters(folder) if folder is not None else None
        systems = self.sandbox.systems.items()
        offered = {name: system.offered for name, system in systems if hasattr(system, "offered")}
        page = render_page(self.sandbox.world.happenings(), self.urls(), message, mail, offered)
        return Response(200, page, content_type="text/html; charset=utf-8")

    def _health(self, request: Request, rest: str) -> Response:
        return Response(200, {"status": "ok", "urls": self.urls(), "systems": sorted(self.sandbox.systems)})

    def _event(self, request: Request, name: str) -> Response:
        from_page = "form" in request.headers.get("content-type", "")
        arguments = {key: value for key, value in request.form().items() if value} if from_page else _body(request)
        if not from_page:
            return Response(200, self.sandbox.world.run(name, arguments))
        try:
            message = f"{name}: {json.dumps(self.sandbox.world.run(name, arguments), default=str)[:400]}"
        except (LedgerError, ValueError, TypeError, KeyError) as error:
            message = f"{name}: {error}"
        return self._shown(html.escape(message))

    def _list_faults(self, request: Request, rest: str) -> Response:
        return Response(200, {"faults": self.sandbox.faults.rules()})

    def _add_fault(self, request: Request, rest: str) -> Response:
        settings = _body(request)
        kind = settings.pop("kind", "")
        rule = self.sandbox.faults.add(kind, **settings)
        return Response(201, {"id": rule.id})

    def _remove_faults(self, request: Request, rest: str) -> Response:
        if not rest:
            self.sandbox.faults.clear()
        elif not rest.isdigit() or not self.sandbox.faults.remove(int(rest)):
            raise ControlError(404, f"there is no rule {rest}")
        return Response(204)

    def _stats(self, request: Request, rest: str) -> Response:
        return Response(200, self.sandbox.stats())

    def _reset_stats(self, request: Request, rest: str) -> Response:
        if rest != "reset":
            raise ControlError(404, f"POST /stats/{rest} is not offered")
        self.sandbox.reset_stats()
        return Response(204)

    def _system(self, name: str) -> Any:
        if name not in self.sandbox.systems:
            raise ControlError(404, f"there is no system {name!r}")
        return self.sandbox.systems[name]

    def _switches(self, request: Request, name: str) -> Response:
        return Response(200, dict(self._system(name).switches))

    def _change_switches(self, request: Request, name: str) -> Response:
        self._system(name)
        try:
            return Response(200, self.sandbox.set_switches(name, _body(request)))
        except KeyError as error:
            raise ControlError(400, str(error.args[0])) from None

    def _dump(self, request: Request, name: str) -> Response:
        return Response(200, self._system(name).dump())

    def _clock(self, request: Request, rest: str) -> Response:
        clock = self.sandbox.clock
        return Response(200, {"offset": clock.offset, "now": clock()})

    def _move_clock(self, request: Request, rest: str) -> Response:
        body, clock = _body(request), self.sandbox.clock
        if "offset" in body:
            clock.offset = float(body["offset"])
        clock.advance(float(body.get("advance", 0)))
        return self._clock(request, rest)


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    body = request.json()
    if not isinstance(body, dict):
        raise ControlError(400, "a JSON object is wanted")
    return body
