"""Settings of the tests: nothing from the developer's own environment, a database of their own per process."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_HOME = tempfile.mkdtemp(prefix="ml-connector-tests-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)

os.environ.update(
    ENV_FILE=os.devnull,
    DATABASE_URL=os.environ.get("TEST_DATABASE_URL", "") or f"sqlite:///{_HOME}/db.sqlite3",
    SECRET_KEY="only-for-tests-and-long-enough-for-the-checks-of-django-0123456789",
    FERNET_KEYS="only-for-tests-b6Wm0m3bX2q8yV7k",
    HTTPS="false",
    STATIC_HASHED="false",
    STATIC_ROOT=f"{_HOME}/static",
    DEBUG="false",
    LOG_FORMAT="console",
    LOG_LEVEL="WARNING",
    EMAIL_URL="memorymail://",
    API_RATE="100000/min",
    ALLOWED_PRIVATE_HOSTS="",
    SANDBOX_ACCOUNTS="{}",
)

from mlconnector.settings import *  # noqa: E402, F403
from mlconnector.settings import DATABASES  # noqa: E402

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: threads and child processes share it under the same locks as in production.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(_HOME) / "test.sqlite3")}
else:
    DATABASES["default"]["TEST"] = {"NAME": f"test_ml_connector_{os.getpid()}"}
    # What is committed need not outlive the machine.
    DATABASES["default"]["OPTIONS"] = {"options": "-c synchronous_commit=off"}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]
# Otherwise each test client looks through all static files first.
WHITENOISE_AUTOREFRESH = True
