from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from mlconnector import queue
from mlconnector.processes import kill_forks_with_this_process


class Command(BaseCommand):
    help = (
        "One queue's processes, without anyone who watches over them; worker starts it. Unlike a bare qcluster, none "
        "of its processes goes on when the one above it was killed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queue", choices=[queue.MAIN, queue.BACKFILL])

    def handle(self, *args: Any, **options: Any) -> None:
        if os.environ.get("Q_CLUSTER_NAME") != options["queue"]:  # read when Django starts, so start again
            os.environ["Q_CLUSTER_NAME"] = options["queue"]
            os.execv(sys.executable, [sys.executable, *sys.argv])
        kill_forks_with_this_process()
        call_command("qcluster")
