"""The demo's own environment: keys, database and ports, made at its first start and kept in var/demo.

Runs before Django's settings are read, hence without Django.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("DEMO_HOME", ROOT / "var" / "demo"))
ENV_FILE = HOME / "env"
PORTS = {
    "WEB": 8000,
    "CONTROL": 9100,
    "FUSION_POD": 9101,
    "FUSION_IDENTITY": 9102,
    "HUBSPOT": 9103,
    "SALESFORCE": 9104,
}
SANDBOX_PORTS = {
    "CONTROL": "control",
    "FUSION_POD": "oracle_fusion.pod",
    "FUSION_IDENTITY": "oracle_fusion.identity",
    "HUBSPOT": "hubspot.api",
    "SALESFORCE": "salesforce.org",
}
"""What the sandbox calls its ports."""
EMAIL = "demo@ml-connector.example"
# Open for as long as the process lives: a second demo on the same files finds it locked.
_lock: IO[str] | None = None


def prepare(arguments: list[str]) -> None:
    """Fills ``os.environ`` for the demo. ``--reset`` among the arguments forgets everything first."""
    HOME.mkdir(parents=True, exist_ok=True)
    _take_lock()
    if "--reset" in arguments:
        _forget()
    values = _read() or _first_values()
    # Those of the last start, else those the shell asks for, else the usual ones.
    wanted = {name: values.get(f"DEMO_PORT_{name}") or os.environ.get(f"DEMO_PORT_{name}") for name in PORTS}
    chosen, moved = choose_ports({name: int(wanted[name] or port) for name, port in PORTS.items()})
    values |= {f"DEMO_PORT_{name}": str(port) for name, port in chosen.items()}
    values |= {
        "ALLOWED_PRIVATE_HOSTS": ",".join(f"127.0.0.1:{chosen[name]}" for name in SANDBOX_PORTS if name != "CONTROL"),
        "BASE_URL": f"http://127.0.0.1:{chosen['WEB']}",
        "MAILBOX_URL": f"http://127.0.0.1:{chosen['CONTROL']}/#mail",
        "EMAIL_URL": f"filemail:///{mail_folder()}",
        "CSRF_TRUSTED_ORIGINS": f"http://127.0.0.1:{chosen['WEB']},http://localhost:{chosen['WEB']}",
    }
    _write(values)
    for old, new in moved:
        print(f"Port {old} is taken; using {new} instead.")
    # What else stands in the shell's environment, such as DATABASE_URL, must not lead the demo elsewhere.
    os.environ.update(values, ENV_FILE=str(ENV_FILE))


def mail_folder() -> Path:
    """Where the product's mail goes; the sandbox shows it."""
    return (HOME / "mail").resolve()


def _take_lock() -> None:
    global _lock
    _lock = (HOME / "lock").open("a+")
    try:
        fcntl.flock(_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"The demo is running already: {_read().get('BASE_URL', '')}. End it with Ctrl-C where it runs.")


def _forget() -> None:
    for entry in HOME.iterdir():
        if entry.name != "lock":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _first_values() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FERNET_KEYS": secrets.token_urlsafe(48),
        "DATABASE_URL": f"sqlite:///{HOME / 'db.sqlite3'}",
        "DEMO_EMAIL": EMAIL,
        "DEMO_PASSWORD": secrets.token_urlsafe(9),
        "HTTPS": "false",
        "STATIC_HASHED": "false",
        "STATIC_ROOT": str(HOME / "static"),
        "DEBUG": "false",
        "LOG_FORMAT": "json",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
    }


def _read() -> dict[str, str]:
    if not ENV_FILE.exists():
        return {}
    lines = (line.partition("=") for line in ENV_FILE.read_text().splitlines() if "=" in line)
    return {name: value for name, _, value in lines}


def _write(values: dict[str, str]) -> None:
    """Readable by its owner only: it holds keys."""
    descriptor = os.open(ENV_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())


def choose_ports(wanted: dict[str, int]) -> tuple[dict[str, int], list[tuple[int, int]]]:
    """Each wanted port, or the next free one; and the moves, as (wanted, chosen)."""
    chosen: dict[str, int] = {}
    for name, port in wanted.items():
        reserved = set(chosen.values()) | {other for key, other in wanted.items() if key not in chosen and key != name}
        chosen[name] = next_free(port, reserved)
    return chosen, [(wanted[name], port) for name, port in chosen.items() if wanted[name] != port]


def next_free(port: int, reserved: Iterable[int] = ()) -> int:
    for candidate in range(port, port + 200):
        if candidate not in reserved and _free(candidate):
            return candidate
    raise SystemExit(f"No free port from {port} to {port + 199}.")


def _free(port: int) -> bool:
    """Nobody listens there, on any address: a server on all addresses would take our visitors."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("", port))
        except OSError:
            return False
    return True
