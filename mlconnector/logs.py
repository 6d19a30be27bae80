"""Structured logs, with everything that looks like a credential taken out before it is written."""

from __future__ import annotations

import logging.config
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

REDACTED = "[redacted]"
_SECRET_NAME = re.compile(
    r"secret|passw|token|authorization|api[-_]?key|cookie|credential|fernet|private[-_]?key", re.IGNORECASE
)
_SECRET_TEXT = re.compile(
    r"(?P<scheme>\b(?:Bearer|Basic|Api-Key)\s+)[A-Za-z0-9._~+/=-]{6,}"
    r"|(?P<name>[\"']?(?:client_secret|access_token|refresh_token|password|assertion)[\"']?\s*[=:]\s*)"
    r"[\"']?[^\s\"'&,}]+"
    r"|\bpat-[a-z0-9]+-[0-9a-fA-F-]{8,}"
    r"|(?P<address>\w+://[^/\s:@]+:)[^@\s/]+(?=@)",
    re.IGNORECASE,
)


def _replace(match: re.Match[str]) -> str:
    kept = next((part for part in match.groups() if part), "")
    return kept + REDACTED


def redact(value: Any) -> Any:
    """The same value without credentials: by name in mappings, by shape in texts."""
    if isinstance(value, str):
        return _SECRET_TEXT.sub(_replace, value)
    if isinstance(value, Mapping):
        return {
            key: REDACTED if _SECRET_NAME.search(str(key)) and item else redact(item) for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(item) for item in value]
    if isinstance(value, (bytes, BaseException)):
        return redact(str(value))
    return value


def redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor. Names that structlog itself uses are left alone."""
    return {key: value if key.startswith("_") else redact({key: value})[key] for key, value in event.items()}


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
]


def logging_config(*, level: str, json: bool) -> dict[str, Any]:
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    renderer = structlog.processors.JSONRenderer() if json else plain
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact_event, renderer],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {"django.server": {"handlers": ["stderr"], "level": level, "propagate": False}},
    }


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG hook: standard logging and structlog, one output."""
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
