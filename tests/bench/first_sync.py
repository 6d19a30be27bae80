"""What a first sync costs, beside a bare loop of requests and json that makes the same calls.

    python -m tests.bench.first_sync --invoices 10000 --database sqlite
    python -m tests.bench.first_sync --invoices 10000 --database postgresql://postgres@127.0.0.1:5432/postgres

Three processes on loopback with limits off: the sandbox; the product, with audit and bindings; the bare loop, with
neither. Printed per 1,000 invoices: CPU seconds; besides wall seconds and peak memory. The ratio is what counts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invoices", type=int, default=10_000)
    parser.add_argument("--lines", type=int, default=3)
    parser.add_argument("--customers", type=int, default=200)
    parser.add_argument("--database", default="sqlite")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--child", choices=["sandbox", "product", "bare"])
    parser.add_argument("--address", default="{}")
    options = parser.parse_args()
    if options.child:
        globals()[f"child_{options.child}"](options)
        return
    results = [measure(options) for _ in range(options.repeat)]
    show(options, results)


def measure(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    found = {}
    for name in ("bare", "product"):
        with tempfile.TemporaryDirectory() as home:
            sandbox = start("sandbox", options, {}, home)
            assert sandbox.stdout is not None
            address = json.loads(sandbox.stdout.readline())
            child = start(name, options, address, home)
            output, _ = child.communicate()
            sandbox.terminate()
            sandbox.wait()
            if child.returncode:
                sys.exit(f"{name} failed:\n{output}")
            found[name] = json.loads(output.strip().splitlines()[-1])
    return found


def start(name: str, options: argparse.Namespace, address: dict[str, str], home: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.bench.first_sync", "--child", name, "--address", json.dumps(address)]
    command += ["--invoices", str(options.invoices), "--lines", str(options.lines)]
    command += ["--customers", str(options.customers), "--database", options.database]
    environment = os.environ | {"BENCH_HOME": home, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)


def show(options: argparse.Namespace, results: list[dict[str, dict[str, float]]]) -> None:
    print(
        f"{options.invoices} invoices x {options.lines} lines, {options.database.split(':')[0]}, {len(results)} run(s)"
    )
    print(f"{'':<10}{'wall s':>9}{'CPU s / 1,000':>15}{'peak MB':>9}{'calls':>8}")
    for name in ("bare", "product"):
        rows = sorted((result[name] for result in results), key=lambda row: row["cpu"])
        row = rows[len(rows) // 2]
        print(f"{name:<10}{row['wall']:>9.1f}{row['cpu']:>15.3f}{row['peak']:>9.0f}{row['calls']:>8.0f}")
    ratios = sorted(result["product"]["cpu"] / result["bare"]["cpu"] for result in results)
    print(f"CPU, product / bare: {ratios[len(ratios) // 2]:.2f} (median of {len(ratios)})")


def report(options: argparse.Namespace, started: float, cpu: float, calls: int) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = usage.ru_utime + usage.ru_stime - cpu
    print(
        json.dumps(
            {
                "wall": time.monotonic() - started,
                "cpu": spent / options.invoices * 1000,
                "peak": usage.ru_maxrss / 1024,
                "calls": calls,
            }
        ),
        flush=True,
    )


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def child_sandbox(options: argparse.Namespace) -> None:
    from connections.sandbox import Sandbox

    sandbox = Sandbox(path=f"{os.environ['BENCH_HOME']}/sandbox.sqlite3", seed="empty")
    sandbox.set_switches("hubspot", {"tier": None, "daily_limit": 10**9, "association_daily_limit": 10**9})
    sandbox.systems["hubspot"].prepare()
    sandbox.world.fill(customers=options.customers, invoices=options.invoices, lines=options.lines)
    sandbox.start()
    address = {
        "pod": sandbox.url("oracle_fusion", "pod"),
        "identity": sandbox.url("oracle_fusion", "identity"),
        "hubspot": sandbox.url("hubspot"),
    }
    print(json.dumps(address), flush=True)
    while True:
        time.sleep(3600)


def child_product(options: argparse.Namespace) -> None:
    if options.database != "sqlite":
        os.environ["TEST_DATABASE_URL"] = options.database
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    address = json.loads(options.address)
    settings.ALLOWED_PRIVATE_HOSTS = [urlsplit(url).netloc for url in address.values()]
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        _sync_once(options, address)
    finally:
        connection.close()
        teardown_databases(databases, verbosity=0)


def _sync_once(options: argparse.Namespace, address: dict[str, str]) -> None:
    from connections import services as connections
    from mlconnector.tenants.models import Tenant
    from syncs import services
    from syncs.models import Record, Run

    tenant = Tenant.objects.create(name="Bench")
    source, destination = _connections(tenant, address)
    connections.test_connection(source, "bench")
    connections.test_connection(destination, "bench")
    sync = services.create_sync(
        tenant, integration="fusion_hubspot", source=source, destination=destination, actor="bench"
    )
    services.set_flow(sync.flows.get(key="invoices"), actor="bench", options={"confirmation": "here"})
    started, cpu = time.monotonic(), cpu_seconds()
    run = services.run_now(sync, actor="bench", enqueue=False)
    while services.execute(run.pk):
        pass
    run.refresh_from_db()
    synced = Record.objects.for_tenant(tenant).filter(flow__key="invoices", status="synced").count()
    if run.status != Run.Status.SUCCEEDED or synced != options.invoices:
        sys.exit(f"{run.status} {run.error_text}, {synced} invoices")
    calls = sum(flow_run.source_calls + flow_run.destination_calls for flow_run in run.flow_runs.all())
    report(options, started, cpu, calls)


def _connections(tenant: Any, address: dict[str, str]) -> tuple[Any, Any]:
    from connections import services as connections
    from connections.sandbox.hubspot import DEMO_CREDENTIALS as HUBSPOT
    from connections.sandbox.oracle_fusion import DEMO_CREDENTIALS as FUSION

    fusion = {
        "pod_url": address["pod"],
        "token_url": address["identity"],
        "client_id": FUSION["client_id"],
        "scope": FUSION["scope"],
    }
    secret = {"client_secret": FUSION["client_secret"]}
    source = connections.create_connection(tenant, "oracle_fusion", "Fusion", fusion, secret, "bench")
    hubspot = {"base_url": address["hubspot"], "tier": "unlimited"}
    token = {"access_token": HUBSPOT["access_token"]}
    return source, connections.create_connection(tenant, "hubspot", "HubSpot", hubspot, token, "bench")


def child_bare(options: argparse.Namespace) -> None:
    from tests.bench.bare import sync_once

    started, cpu = time.monotonic(), cpu_seconds()
    calls = sync_once(json.loads(options.address))
    report(options, started, cpu, calls)


if __name__ == "__main__":
    main()
