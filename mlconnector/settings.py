"""Settings, all from the environment, each typed: a nonsense value stops the start. ``.env.example`` lists them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from mlconnector.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(os.environ.get("ENV_FILE", str(BASE_DIR / ".env")))

DEBUG = env.bool("DEBUG", default=False)
try:
    SECRET_KEY = env.str("SECRET_KEY")
except ImproperlyConfigured as error:
    raise ImproperlyConfigured("SECRET_KEY is not set. Copy .env.example to .env and fill it in.") from error
FERNET_KEYS = env.list("FERNET_KEYS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("HTTPS", default=True)
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000")

# The only private or plain-http addresses a connection may name, as "host:port".
ALLOWED_PRIVATE_HOSTS = env.list("ALLOWED_PRIVATE_HOSTS", default=[])
# Simulated accounts that tenants may connect to: connector -> name, config, secrets.
SANDBOX_ACCOUNTS = env.json("SANDBOX_ACCOUNTS", default={})
HTTP_MAX_RETRIES = env.int("HTTP_MAX_RETRIES", default=6)
HTTP_MAX_WAIT = env.int("HTTP_MAX_WAIT", default=300)

LEASE_SECONDS = env.int("LEASE_SECONDS", default=60)
SLICE_SECONDS = env.int("SLICE_SECONDS", default=600)
WRITE_UNIT = env.int("WRITE_UNIT", default=1000)
LOOKBACK_SECONDS = env.int("LOOKBACK_SECONDS", default=900)
QUEUE_WORKERS = env.int("QUEUE_WORKERS", default=2)
BACKFILL_WORKERS = env.int("BACKFILL_WORKERS", default=2)
QUEUE_RESULT_DAYS = env.int("QUEUE_RESULT_DAYS", default=14)
QUEUE_SILENT_SECONDS = env.int("QUEUE_SILENT_SECONDS", default=180)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_filters",
    "django_htmx",
    "django_q",
    "drf_spectacular",
    "rest_framework",
    "rest_framework_api_key",
    "mlconnector",
    "mlconnector.tenants",
    "audit",
    "connections",
    "syncs",
    "mlconnector.notifications",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "mlconnector.zero.ZeroMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "mlconnector.tenants.middleware.TenantMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "mlconnector.urls"
WSGI_APPLICATION = "mlconnector.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "mlconnector.tenants.middleware.tenant_context",
                "mlconnector.accounts.mailbox",
            ],
        },
    }
]


FORM_RENDERER = "mlconnector.form_rendering.Renderer"


def database() -> dict[str, object]:
    """The database of DATABASE_URL, tuned. SQLite: readers never block, and a writer waits for its turn at BEGIN
    instead of failing half-way, which is what deferred transactions do."""
    config = dict(env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'var' / 'db.sqlite3'}"))
    config |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
        if config["NAME"] != ":memory:":
            Path(str(config["NAME"])).parent.mkdir(parents=True, exist_ok=True)
    return config


DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}

# A task ends within its slice plus one last wait for the network; only long after that may it be handed out again.
_TASK_TIMEOUT = env.int("QUEUE_TIMEOUT", default=SLICE_SECONDS + HTTP_MAX_WAIT + 300)
Q_CLUSTER = {
    "name": "ml-connector",
    "label": "Queue",
    "orm": "default",
    "workers": QUEUE_WORKERS,
    "queue_limit": QUEUE_WORKERS,  # SIGTERM waits for what is prefetched
    "timeout": _TASK_TIMEOUT,
    "retry": env.int("QUEUE_RETRY", default=_TASK_TIMEOUT + 300),
    "max_attempts": 3,
    "ack_failures": True,  # retries with back-off are ours; a failed task is never handed out again
    "save_limit": -1,  # successes are our own rows; failures are purged by mlconnector.queue
    "catch_up": False,
    "bulk": 1,
    "poll": env.float("QUEUE_POLL", default=0.2),
    "recycle": 500,
    "log_level": env.str("LOG_LEVEL", default="INFO"),
    "ALT_CLUSTERS": {"backfill": {"workers": BACKFILL_WORKERS, "queue_limit": BACKFILL_WORKERS}},
}

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = env.str("ACCOUNT_EMAIL_VERIFICATION", default="mandatory")
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_FORMS = {
    "login": "mlconnector.account_forms.LoginForm",
    "signup": "mlconnector.account_forms.SignupForm",
    "reset_password": "mlconnector.account_forms.ResetPasswordForm",
    "add_email": "mlconnector.account_forms.AddEmailForm",
}
ACCOUNT_ADAPTER = "mlconnector.accounts.Adapter"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up, and only while that waits for it
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_LOGIN_TIMEOUT = 3600
ACCOUNT_EMAIL_NOTIFICATIONS = True
# Beside allauth's own, of signing in and up.
ACCOUNT_RATE_LIMITS = {"invite": "30/h/user", "notify": "30/h/user", "workspace": "20/d/user"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ADAPTER = "mlconnector.second_factor.Adapter"
MFA_TOTP_ISSUER = "ml-connector"
MFA_TOTP_TOLERANCE = 1  # a code typed in slowly, a phone whose clock is half a minute off
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
# Where a demonstration shows its mail, for those who wait for one.
MAILBOX_URL = env.str("MAILBOX_URL", default="")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="ml-connector@localhost")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "mlconnector.tenants.api_auth.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["mlconnector.tenants.api_auth.Needs"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "mlconnector.api.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": env.str("API_RATE", default="600/min")},
    "EXCEPTION_HANDLER": "mlconnector.api.exception_handler",
    "COERCE_DECIMAL_TO_STRING": True,
    "PAGE_SIZE": 100,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ml-connector",
    "DESCRIPTION": "Connections, syncs, runs, records and the audit trail of one tenant.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ConnectionStatus": "connections.models.Connection.Status",
        "RecordStatus": "syncs.models.Record.Status",
        "RunStatus": "syncs.models.Run.Status",
        "PreviewStatus": "syncs.models.Preview.Status",
        "ReportStatus": "syncs.models.Report.Status",
    },
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / "var" / "static"))()
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").is_dir() else []
# With hashed names files need `collectstatic` first; without, they are served from where they lie.
STATIC_HASHED = env.bool("STATIC_HASHED", default=not DEBUG)
WHITENOISE_USE_FINDERS = not STATIC_HASHED
if not STATIC_HASHED:
    Path(STATIC_ROOT).mkdir(parents=True, exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_HASHED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # the second factor's QR code
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1  # whose tries at signing in are counted: the visitor's, not the proxy's

LOGGING_CONFIG = "mlconnector.logs.configure"
LOGGING = logging_config(
    level=env.str("LOG_LEVEL", default="INFO"),
    json=env.str("LOG_FORMAT", default="console" if DEBUG or sys.stderr.isatty() else "json") == "json",
)
