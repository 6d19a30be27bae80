"""``make test``: the whole suite on SQLite, then the tests to which the database may matter on PostgreSQL, where one
answers.

Arguments go to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")

PROCESSES = (os.cpu_count() or 1) + 1
"""Some tests wait, for a window of calls to pass or a process to start: meanwhile another one has work."""


def run(name: str, url: str, arguments: list[str]) -> int:
    print(f"== {name}", flush=True)
    processes = os.environ.get("TEST_PROCESSES") or str(PROCESSES)
    command = [sys.executable, "-m", "pytest", "-q", "-n", processes, "--dist", "worksteal", *arguments]
    return subprocess.run(command, env={**os.environ, "TEST_DATABASE_URL": url}, check=False).returncode


def answers(url: str) -> str:
    """Why PostgreSQL cannot be used, or nothing if it can. A test database is created there and removed."""
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            row = connection.execute("SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
    except psycopg.Error as error:
        return str(error).strip().splitlines()[0]
    return "" if row and row[0] else "its user may not create databases"


def main() -> int:
    failed = run("SQLite", "", sys.argv[1:])
    refusal = answers(POSTGRES)
    if refusal:
        print(f"== PostgreSQL: left out, none to use ({refusal}). TEST_POSTGRES_URL names another.", flush=True)
    else:
        failed = run("PostgreSQL", POSTGRES, ["--database-only", *sys.argv[1:]]) or failed
    return failed


sys.exit(main())
