"""One HTTP exchange: bytes out, parsed JSON in. Runs in a pool thread; touches no database and raises nothing."""

from __future__ import annotations

import http.client
import json
import logging
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import default_headers, requote_uri
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, ReadTimeoutError

from connections.transport import AddressRefused, PinnedAdapter, trusted_certificates

logger = logging.getLogger(__name__)
Request = requests.PreparedRequest
READ_SIZE = 1 << 18
_NO_TEXT = re.compile(rb"\\u(0000|[dD][89a-fA-F])")
_NO_HEADERS: Mapping[str, str] = CaseInsensitiveDict()


class Secret(str):
    """Text that never shows itself in a repr, and so in no traceback with local variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'<secret>'"


class Break(Enum):
    """How an exchange failed without a usable answer. ``safe``: the request surely did not take effect."""

    REFUSED = "address_refused"
    UNKNOWN_HOST = "unknown_host"
    UNREACHABLE = "unreachable"
    CERTIFICATE = "certificate"
    TIMEOUT = "timeout"
    CUT = "cut"
    NOT_JSON = "not_json"
    UNSENDABLE = "unsendable"
    TOO_LARGE = "too_large"
    DEFECT = "defect"

    @property
    def safe(self) -> bool:
        return self in (Break.REFUSED, Break.UNKNOWN_HOST, Break.UNREACHABLE, Break.CERTIFICATE, Break.UNSENDABLE)


@dataclass(slots=True)
class Outcome:
    """``broken`` is set where no usable answer arrived; then ``text`` says what is known, without secrets."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)
    body: Any = None
    broken: Break | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    timeout: tuple[float, float]
    max_bytes: int
    max_seconds: float


class Wire:
    """Pooled connections of one door. Keeps no cookie, follows no redirect, asks no proxy."""

    def __init__(self, limits: Limits, parallel: int, adapter: HTTPAdapter | None = None) -> None:
        self._limits = limits
        self._headers = {**default_headers(), "Accept": "application/json", "User-Agent": "ml-connector"}
        self._adapter = adapter or PinnedAdapter(parallel)
        self._verify = trusted_certificates()

    def close(self) -> None:
        self._adapter.close()

    def prepare(self, method: str, url: str, headers: Iterable[Mapping[str, str]], body: bytes | None) -> Request:
        """A request ready to send. Address and body come encoded; later headers win."""
        request = requests.PreparedRequest()
        request.method = method
        request.url = url if url.isascii() and " " not in url else requote_uri(url)
        merged = CaseInsensitiveDict(self._headers)
        for more in headers:
            merged.update(more)
        if body is not None:
            merged["Content-Length"] = str(len(body))
        request.headers = merged
        request.body = body
        return request

    def exchange(self, request: Request, decimals: bool) -> Outcome:
        """Sends and reads. Any failure is an outcome, so that no exception object can carry a header away."""
        started = time.monotonic()
        try:
            outcome = self._attempt(request, decimals, started)
        except _Broken as broken:
            outcome = Outcome(status=broken.status, broken=broken.kind, text=str(broken))
        if logger.isEnabledFor(logging.DEBUG):
            took = (time.monotonic() - started) * 1000
            path = (request.url or "").partition("?")[0]
            logger.debug("%s %s: %s in %.0f ms", request.method, path, outcome.broken or outcome.status, took)
        return outcome

    def _attempt(self, request: Request, decimals: bool, started: float) -> Outcome:
        answer = self._open(request)
        try:
            raw = self._read(answer, started)
        finally:
            answer.close()
        ok = 200 <= answer.status_code < 300
        try:
            body = _parse(raw, decimals) if raw else None
        except (ValueError, RecursionError):
            if ok:
                kind = answer.headers.get("Content-Type", "no type").partition(";")[0][:60]
                raise _Broken(Break.NOT_JSON, f"not JSON ({kind})", answer.status_code) from None
            body = None
        return Outcome(answer.status_code, answer.headers, body)

    def _open(self, request: Request) -> requests.Response:
        try:
            return self._adapter.send(request, stream=True, timeout=self._limits.timeout, verify=self._verify)
        except AddressRefused as error:
            raise _Broken(Break.REFUSED, str(error)) from None
        except requests.exceptions.SSLError as error:
            raise _Broken(Break.CERTIFICATE, type(_reason(error)).__name__) from None
        except requests.exceptions.ConnectTimeout:
            raise _Broken(Break.UNREACHABLE, "no connection in time") from None
        except requests.exceptions.Timeout:
            raise _Broken(Break.TIMEOUT, "no answer in time") from None
        except requests.exceptions.RequestException as error:
            reason = _reason(error)
            if isinstance(reason, NameResolutionError):
                raise _Broken(Break.UNKNOWN_HOST, "host name not found") from None
            if isinstance(reason, NewConnectionError):
                raise _Broken(Break.UNREACHABLE, "no connection") from None
            raise _Broken(Break.CUT, type(reason).__name__) from None
        except (HTTPError, http.client.HTTPException, OSError) as error:
            raise _Broken(Break.CUT, type(error).__name__) from None
        except ValueError:  # a line break or a letter outside Latin-1 in a header; its text would show the credential
            raise _Broken(Break.UNSENDABLE, "a header cannot be sent") from None

    def _read(self, answer: requests.Response, started: float) -> bytes:
        limits = self._limits
        chunks: list[bytes] = []
        size = 0
        try:
            # read1 hands over what has arrived, so that a dribbling server meets the total limit too.
            while chunk := answer.raw.read1(READ_SIZE, decode_content=True):
                chunks.append(chunk)
                size += len(chunk)
                if size > limits.max_bytes:
                    raise _Broken(Break.TOO_LARGE, f"more than {limits.max_bytes} bytes", answer.status_code)
                if time.monotonic() - started > limits.max_seconds:
                    raise _Broken(Break.TIMEOUT, "answer not complete in time", answer.status_code)
        except ReadTimeoutError:
            raise _Broken(Break.TIMEOUT, "answer not complete in time", answer.status_code) from None
        except (HTTPError, http.client.HTTPException, OSError) as error:
            raise _Broken(Break.CUT, type(error).__name__, answer.status_code) from None
        return b"".join(chunks) if len(chunks) != 1 else chunks[0]


class _Broken(Exception):
    def __init__(self, kind: Break, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.kind = kind
        self.status = status


def _reason(error: BaseException) -> BaseException:
    inner = error.args[0] if error.args else error
    return getattr(inner, "reason", None) or (inner if isinstance(inner, BaseException) else error)


def _parse(raw: bytes, decimals: bool) -> Any:
    found = json.loads(raw, parse_float=Decimal) if decimals else json.loads(raw)
    return _storable(found) if b"\\u" in raw and _NO_TEXT.search(raw) else found


def _storable(value: Any) -> Any:
    """Without what JSON can spell and no database keeps: zero characters, halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", " ").encode(errors="replace").decode()
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {name: _storable(each) for name, each in value.items()}
    return value
