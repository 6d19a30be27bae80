"""Requests and answers of the sandbox, and how a request is read from the wire.

Written by hand because the standard library's handler parses headers with the e-mail package, which alone costs more
than a whole request does here.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

LINE_LIMIT = 65536
HEADER_LIMIT = 200
BODY_LIMIT = 64 * 1024 * 1024


class Headers(Mapping[str, str]):
    """Header fields by case-insensitive name; repeated fields are joined with a comma."""

    def __init__(self, pairs: Mapping[str, str] | None = None) -> None:
        self._values: dict[str, str] = {}
        for name, value in (pairs or {}).items():
            self.append(name, value)

    def append(self, name: str, value: str) -> None:
        name = name.lower()
        known = self._values.get(name)
        self._values[name] = value if known is None else f"{known}, {value}"

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name.lower(), default)


@dataclass
class Request:
    """One request; ``path`` is decoded and without the query."""

    method: str
    path: str
    query: dict[str, list[str]] = field(default_factory=dict)
    raw_query: str = ""
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @property
    def target(self) -> str:
        """Path and query as one string, the query still encoded."""
        return f"{self.path}?{self.raw_query}" if self.raw_query else self.path

    def json(self) -> Any:
        """The body as JSON. Raises ``ValueError``."""
        return json.loads(self.body)

    def param(self, name: str, default: str | None = None) -> str | None:
        values = self.query.get(name)
        return values[0] if values else default

    def form(self) -> dict[str, str]:
        """The body as form fields, the first value of each."""
        parsed = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[0] for name, values in parsed.items()}


@dataclass
class Response:
    """An answer. A dict or list becomes compact JSON; ``write`` overrides what the method says for the statistics."""

    status: int = 200
    body: bytes | str | dict[str, Any] | list[Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = None
    write: bool | None = None

    def encoded(self) -> tuple[bytes, str | None]:
        """The body as bytes and its content type."""
        body, content_type = self.body, self.content_type
        if body is None:
            return b"", content_type
        if isinstance(body, bytes):
            return body, content_type or "application/octet-stream"
        if isinstance(body, str):
            return body.encode(), content_type or "text/plain; charset=utf-8"
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        return text.encode(), content_type or "application/json"


class BadRequest(Exception):
    """The bytes on the wire are no HTTP request this server reads."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def read_request(stream: Any, answer: Any = None) -> tuple[Request, bool] | None:
    """Read one request from a buffered stream: the request and whether the connection stays open; None at its end."""
    line = stream.readline(LINE_LIMIT + 1)
    if not line.strip():
        return None
    if len(line) > LINE_LIMIT:
        raise BadRequest(414, "URI too long")
    parts = line.decode("latin-1").split()
    if len(parts) != 3 or not parts[2].startswith("HTTP/"):
        raise BadRequest(400, "malformed request line")
    method, target, version = parts
    headers = _read_headers(stream)
    keep = headers.get("connection", "").lower() != "close" and version != "HTTP/1.0"
    if answer is not None and headers.get("expect", "").lower() == "100-continue":
        answer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if target.startswith("http"):
        target = "/" + target.split("/", 3)[3] if target.count("/") > 2 else "/"
    path, _, raw_query = target.partition("?")
    query = parse_qs(raw_query, keep_blank_values=True) if raw_query else {}
    return Request(method, unquote(path), query, raw_query, headers, _read_body(stream, headers)), keep


def _read_headers(stream: Any) -> Headers:
    headers = Headers()
    for _ in range(HEADER_LIMIT):
        line = stream.readline(LINE_LIMIT + 1)
        if line in (b"\r\n", b"\n"):
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or len(line) > LINE_LIMIT:
            raise BadRequest(400, "malformed header")
        headers.append(name.strip(), value.strip())
    raise BadRequest(431, "too many headers")


def _read_body(stream: Any, headers: Headers) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _read_chunks(stream)
    else:
        length = headers.get("content-length", "0")
        if not length.isdigit():
            raise BadRequest(400, "malformed content length")
        if int(length) > BODY_LIMIT:
            raise BadRequest(413, "body too large")
        body = stream.read(int(length)) if length != "0" else b""
        if len(body) != int(length):
            raise ConnectionError("the client went away")
    if headers.get("content-encoding", "").lower() == "gzip":
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            raise BadRequest(400, "malformed gzip body") from None
    return body


def _read_chunks(stream: Any) -> bytes:
    pieces: list[bytes] = []
    total = 0
    while True:
        try:
            size = int(stream.readline(LINE_LIMIT).split(b";")[0], 16)
        except ValueError:
            raise BadRequest(400, "malformed chunk") from None
        total += size
        if total > BODY_LIMIT:
            raise BadRequest(413, "body too large")
        if size == 0:
            while stream.readline(LINE_LIMIT) not in (b"\r\n", b"\n", b""):
                pass
            return b"".join(pieces)
        pieces.append(stream.read(size))
        stream.readline(LINE_LIMIT)
