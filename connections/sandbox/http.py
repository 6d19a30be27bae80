"""The HTTP/1.1 server every imitated system stands behind: keep-alive, gzip, faults, statistics."""

from __future__ import annotations

import contextlib
import gzip
import socket
import socketserver
import sys
import threading
import time
import traceback
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Protocol

from .faults import ANSWERS, Fault, Faults
from .stats import Call, Stats, route_template
from .wire import BadRequest, Headers, Request, Response, read_request

__all__ = ["BadRequest", "Headers", "Request", "Response", "System", "SystemServer"]

GZIP_FROM = 1400
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class System(Protocol):
    """An imitated system.

    Optional members are used where they exist: ``seed(name)`` fills a fresh store, ``events`` maps names of business
    events to functions, ``expire_token(request)`` makes the token of a request invalid (the fault of that name) and
    ``route(port, path)`` names the route for the statistics.
    """

    name: str
    ports: tuple[str, ...]
    switches: dict[str, Any]

    def handle(self, port: str, request: Request) -> Response:
        """Answer one request. Called from many threads at once, under no lock."""

    def dump(self) -> dict[str, Any]:
        """The whole state, normalised, for equality checks."""


EventRunner = Callable[[str, dict[str, Any]], Any]


class _Cut(Exception):
    """The connection is to be closed without an answer; says whether the request was applied."""

    def __init__(self, applied: bool) -> None:
        self.applied = applied


class SystemServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Serves one port of one system, with faults and statistics."""

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False
    request_queue_size = 256

    def __init__(
        self,
        system: System,
        port_name: str,
        *,
        clock: Callable[[], float] = time.time,
        faults: Faults | None = None,
        stats: Stats | None = None,
        port: int = 0,
        run_event: EventRunner | None = None,
    ) -> None:
        self.system = system
        self.port_name = port_name
        self.clock = clock
        self.faults = faults or Faults()
        self.stats = stats
        self.run_event = run_event
        self.stopping = threading.Event()
        self.connections: set[socket.socket] = set()
        self._date = (0, "")
        self._thread: threading.Thread | None = None
        super().__init__(("127.0.0.1", port), _Connection)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        name = f"sandbox-{self.system.name}-{self.port_name}"
        self._thread = threading.Thread(target=self._listen, name=name, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self.stopping.is_set():
            self.handle_request()

    def stop(self) -> None:
        """Stop listening and drop open connections, as a stopped server does."""
        self.stopping.set()
        if self._thread:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.server_address[1]), timeout=1),
            ):
                self._thread.join(5)  # it was waiting for just such a call
        self.server_close()
        for connection in list(self.connections):
            _close(connection)

    def date(self) -> str:
        now = int(self.clock())
        if self._date[0] != now:
            self._date = (now, formatdate(now, usegmt=True))
        return self._date[1]

    def exchange(self, request: Request) -> tuple[Response, list[Fault]]:
        """The answer to one request, with the faults that still shape how it is sent. Raises ``_Cut``."""
        fired = self.faults.fired(self.system.name, self.port_name, request)
        try:
            response, applied = self._answer(request, fired)
        except _Cut as cut:
            self._record(request, 0, cut.applied, None)
            raise
        self._record(request, response.status, applied, response.write)
        return response, fired

    def _answer(self, request: Request, fired: list[Fault]) -> tuple[Response, bool]:
        if not fired:
            return self._handle(request), True
        replacement = None
        apply = True
        for fault in fired:
            self._before(fault, request)
            if fault.kind in ANSWERS and replacement is None:
                replacement, apply = fault_answer(fault), fault.apply
        response = self._handle(request) if apply else Response()
        for fault in fired:
            if fault.kind == "late_commit" and self.run_event:
                self.run_event(fault.event or "late_commit", fault.arguments)
            elif fault.kind == "cut_after":
                raise _Cut(applied=True)
        return replacement or response, apply

    def _handle(self, request: Request) -> Response:
        try:
            return self.system.handle(self.port_name, request)
        except Exception as error:  # a defect of the imitation: loud, but the server lives on
            traceback.print_exc()
            return Response(500, {"sandbox_defect": f"{type(error).__name__}: {error}"})

    def _before(self, fault: Fault, request: Request) -> None:
        if fault.kind == "cut_before":
            raise _Cut(applied=False)
        if fault.kind == "slow" and not fault.drip:
            self.stopping.wait(fault.delay)
        elif fault.kind == "page_shift" and self.run_event:
            self.run_event(fault.event or "touch", fault.arguments)
        elif fault.kind == "expire_token":
            expire = getattr(self.system, "expire_token", None)
            if expire:
                expire(request)

    def _record(self, request: Request, status: int, applied: bool, write: bool | None) -> None:
        if self.stats is None:
            return
        route = getattr(self.system, "route", None)
        template = route(self.port_name, request.path) if route else route_template(request.path)
        if write is None:
            write = request.method not in SAFE and status < 400
        call = Call(
            time.monotonic(),
            self.system.name,
            self.port_name,
            request.method,
            template,
            status,
            applied,
            applied and write,
        )
        self.stats.add(call)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is a defect of the sandbox and is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def fault_answer(fault: Fault) -> Response:
    """The answer a ``status``, ``html`` or ``redirect`` rule gives."""
    if fault.kind == "redirect":
        return Response(fault.status or 302, "", {"Location": fault.location, **fault.headers}, "text/html")
    if fault.kind == "html":
        page = (
            fault.body
            or "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Service unavailable</h1></body></html>"
        )
        return Response(fault.status or 503, page, dict(fault.headers), "text/html; charset=UTF-8")
    headers = {name: str(value) for name, value in fault.headers.items()}
    content_type = next((headers.pop(name) for name in list(headers) if name.lower() == "content-type"), None)
    return Response(fault.status or 500, fault.body, headers, content_type)


def _close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


class _Connection(socketserver.StreamRequestHandler):
    """One client connection, kept open over many requests."""

    rbufsize = 65536
    disable_nagle_algorithm = True
    server: SystemServer

    def handle(self) -> None:
        self.server.connections.add(self.connection)
        try:
            while not self.server.stopping.is_set() and self._serve_one():
                pass
        except (OSError, _Cut):
            pass
        finally:
            self.server.connections.discard(self.connection)

    def _serve_one(self) -> bool:
        try:
            parsed = read_request(self.rfile, self.wfile)
        except BadRequest as error:
            self._send(Response(error.status, str(error)), keep=False, gzip_accepted=False, head=False, fired=[])
            return False
        if parsed is None:
            return False
        request, keep = parsed
        response, fired = self.server.exchange(request)
        accepts = "gzip" in request.headers.get("accept-encoding", "")
        return self._send(response, keep, accepts, request.method == "HEAD", fired)

    def _send(self, response: Response, keep: bool, gzip_accepted: bool, head: bool, fired: list[Fault]) -> bool:
        body, content_type = response.encoded()
        kinds = {fault.kind for fault in fired}
        if "broken_json" in kinds:
            body = body[: len(body) // 2]
        headers = dict(response.headers)
        if gzip_accepted and len(body) >= GZIP_FROM:
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        if content_type:
            headers["Content-Type"] = content_type
        payload = self._head(response.status, headers, len(body), keep)
        if head or response.status in (204, 304):
            body = b""
        if "cut_body" in kinds:
            self.connection.sendall(payload + body[: len(body) // 2])
            return False
        drip = next((fault for fault in fired if fault.kind == "slow" and fault.drip), None)
        if drip:
            self._drip(payload, body, drip)
        else:
            self.connection.sendall(payload + body)
        return keep

    def _head(self, status: int, headers: dict[str, str], length: int, keep: bool) -> bytes:
        lines = [f"HTTP/1.1 {status} {_reason(status)}", f"Date: {self.server.date()}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if status != 204:
            lines.append(f"Content-Length: {length}")
        lines.append("Connection: keep-alive" if keep else "Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _drip(self, payload: bytes, body: bytes, fault: Fault) -> None:
        size = max(1, -(-len(body) // fault.drip))
        self.connection.sendall(payload)
        for start in range(0, len(body), size):
            self.server.stopping.wait(fault.delay / fault.drip)
            self.connection.sendall(body[start : start + size])


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"
