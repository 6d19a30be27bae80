"""Addresses as people paste them: out of a browser's bar, a mail, a table."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

WRAPPING = "<>()[]\"'“”‘’,;."


def split(pasted: str) -> SplitResult | None:
    """Parts of an address, its scheme filled in and its host in small letters; None where it names no host."""
    text = "".join(each for each in pasted if each.isprintable() and not each.isspace()).strip(WRAPPING)
    try:
        parts = urlsplit(text if "//" in text else f"https://{text}")
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        return None
    usual = {"https": 443, "http": 80}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return parts._replace(netloc=host if port in (None, usual) else f"{host}:{port}")


def origin(pasted: str) -> str:
    """``https://host``, with its port where that is not the usual one; "" where there is none."""
    parts = split(pasted)
    return f"{parts.scheme}://{parts.netloc}" if parts else ""
