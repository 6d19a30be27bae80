"""What can go wrong on the line to a system, by name: rules for the sandbox."""

from __future__ import annotations

from typing import Any

from tests.acceptance.pairs.base import Side

FAULTS: dict[str, dict[str, Any]] = {
    "throttled": {"kind": "status", "status": 429},
    "throttled_with_wait": {"kind": "status", "status": 429, "headers": {"Retry-After": "3"}},
    "internal_error": {"kind": "status", "status": 500},
    "bad_gateway": {"kind": "status", "status": 502},
    "error_after_applying": {"kind": "status", "status": 503, "apply": True},
    "html_error_page": {"kind": "html", "status": 503},
    "html_instead_of_data": {"kind": "html", "status": 200},
    "broken_json": {"kind": "broken_json"},
    "cut_before": {"kind": "cut_before"},
    "cut_after": {"kind": "cut_after"},
    "cut_body": {"kind": "cut_body"},
}


def faults_of(side: Side) -> dict[str, dict[str, Any]]:
    """Those of every line, as this system would word them, and its own."""
    own = {"system": side.system}
    throttled = {"body": side.throttled} if side.throttled else {}
    known = {name: fault | (throttled if fault.get("status") == 429 else {}) for name, fault in FAULTS.items()}
    return {name: {**fault, **own} for name, fault in {**known, **side.faults}.items()}
