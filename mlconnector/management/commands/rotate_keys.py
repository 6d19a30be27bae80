"""Seals every stored credential anew with the first key of FERNET_KEYS, so that older keys can be taken away."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connections.rotation import rotate, survey
from mlconnector import second_factor


class Command(BaseCommand):
    help = "Re-encrypts credentials with the first key of FERNET_KEYS and reports what remains on older keys."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only count, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        moved = 0 if options["check"] else rotate() + second_factor.rotate()
        counts = survey()
        second_factor.count(counts)
        self.stdout.write(f"{moved} re-encrypted, {counts.current} on the current key, {counts.older} on older keys.")
        if counts.unreadable:
            raise CommandError(f"{counts.unreadable} cannot be opened by any key: enter those credentials again.")
        if counts.older and not options["check"]:
            raise CommandError("Some changed meanwhile. Run the command again.")
