from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "mlconnector"
    verbose_name = "ml-connector"

    def ready(self) -> None:
        from mlconnector import checks, memory, queue  # noqa: F401  (registers checks and the queue's signals)

        memory.give_back_large_blocks()
