"""Parts of a multipart/form-data body."""

from __future__ import annotations

import re

from connections.sandbox.http import Request

from .errors import Refusal


def parts_of(request: Request) -> dict[str, bytes]:
    """Part name -> content."""
    found = re.search(r'boundary="?([^";]+)"?', str(request.headers.get("content-type", "")))
    if not found:
        raise Refusal(400, "INVALID_MULTIPART_REQUEST", "multipart/form-data with a boundary is wanted")
    parts: dict[str, bytes] = {}
    for chunk in request.body.split(b"--" + found[1].encode())[1:]:
        head, separator, content = chunk.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        if separator and name:
            parts[name[1].decode()] = content.removesuffix(b"\r\n")
    return parts
