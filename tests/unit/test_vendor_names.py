"""A vendor is named where its connector, its integrations, its imitation or the demo stand, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

VENDORS = re.compile("oracle|fusion|salesforce|hubspot", re.IGNORECASE)
KINDS = {".py", ".html", ".txt", ".toml", ".js", ".css"}
PLACES = (
    "mlconnector",
    "audit",
    "connections",
    "syncs",
    "templates",
    "static",
    "Makefile",
    "pyproject.toml",
    "manage.py",
)
ALLOWED_FOLDERS = ("connections/connectors/*/**/*", "connections/sandbox/**/*", "syncs/integrations/**/*")
ALLOWED_FILES = (
    "mlconnector/demo_data.py",
    "mlconnector/demo_environment.py",
    "mlconnector/management/commands/demo.py",
    "mlconnector/management/commands/sandbox.py",
)


def sources(root: Path) -> Iterator[Path]:
    allowed = {root / name for name in ALLOWED_FILES}
    for pattern in ALLOWED_FOLDERS:
        allowed |= set(root.glob(pattern))
    for place in PLACES:
        files = [root / place] if (root / place).is_file() else (root / place).rglob("*")
        for path in files:
            if path.is_file() and (path.suffix in KINDS or path.name == "Makefile") and path not in allowed:
                yield path


def test_no_vendor_is_named_outside_its_place(project_root: Path) -> None:
    paths = list(sources(project_root))
    found = [
        f"{path.relative_to(project_root)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if VENDORS.search(line)
    ]
    assert found == []
    names = {str(path.relative_to(project_root)) for path in paths}
    # Looked at, lest the test pass for want of files.
    assert {
        "Makefile",
        "connections/http.py",
        "connections/connectors/base.py",
        "syncs/attention/causes.py",
        "syncs/engine/run.py",
        "mlconnector/api_schema.py",
        "mlconnector/management/commands/worker.py",
    } <= names
    assert any(name.startswith("templates/syncs/") for name in names)


def test_what_may_name_a_vendor_is_there(project_root: Path) -> None:
    assert [name for name in ALLOWED_FILES if not (project_root / name).is_file()] == []
