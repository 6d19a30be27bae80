"""An app of killed workers: what the product waits for in minutes takes no time with the sandbox."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class Hasty(AppConfig):
    name = "tests.acceptance.hasty"

    def ready(self) -> None:
        from tests.acceptance.pairs import PAIRS

        for pair in PAIRS:
            for constant, wait in pair.waits.items():
                module, _, name = constant.rpartition(".")
                setattr(import_module(module), name, wait)
