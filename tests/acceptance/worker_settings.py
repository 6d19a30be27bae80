"""Settings of killed workers: production's, with a lease so short that the tests need not wait for it."""

from mlconnector.settings import *  # noqa: F403
from mlconnector.settings import INSTALLED_APPS

SILENCED_SYSTEM_CHECKS = ["mlconnector.E014"]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.acceptance.hasty.Hasty"]
