"""System checks: a setting that would lose work or leak secrets stops the start, with the next step in its hint."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

NEW_KEY = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'


@register(Tags.security)
def encryption_keys(**_: Any) -> list[CheckMessage]:
    keys = list(getattr(settings, "FERNET_KEYS", None) or [])
    if not keys:
        return [Error("FERNET_KEYS is not set: credentials cannot be encrypted.", hint=NEW_KEY, id="mlconnector.E001")]
    messages: list[CheckMessage] = []
    if settings.SECRET_KEY in keys:
        text = "A key in FERNET_KEYS equals SECRET_KEY: rotating the one would lose the other."
        messages.append(Error(text, hint=NEW_KEY, id="mlconnector.E002"))
    if any(len(key) < 16 for key in keys):
        text = "A key in FERNET_KEYS is shorter than 16 characters and could be guessed."
        messages.append(Error(text, hint=NEW_KEY, id="mlconnector.E003"))
    if len(set(keys)) != len(keys):
        messages.append(Error("FERNET_KEYS names a key twice.", id="mlconnector.E004"))
    return messages


@register()
def queue_timing(**_: Any) -> list[CheckMessage]:
    """A task handed out a second time while it still runs is work done twice."""
    queue = settings.Q_CLUSTER
    messages: list[CheckMessage] = []
    if not queue.get("timeout") or queue["timeout"] <= settings.SLICE_SECONDS:
        text = "The queue's timeout must be longer than SLICE_SECONDS, or slices are killed before they end."
        messages.append(Error(text, hint="Raise QUEUE_TIMEOUT or lower SLICE_SECONDS.", id="mlconnector.E010"))
    if queue.get("retry", 60) <= (queue.get("timeout") or 0):
        text = "The queue's retry must be longer than its timeout, or a running task is started again."
        messages.append(Error(text, hint="Raise QUEUE_RETRY.", id="mlconnector.E011"))
    if not queue.get("orm"):
        text = "The queue must use the ORM broker: others lose the tasks of a killed worker."
        messages.append(Error(text, id="mlconnector.E012"))
    if not queue.get("ack_failures") or not queue.get("max_attempts"):
        text = "The queue must set ack_failures and max_attempts, or a failing task repeats for ever."
        messages.append(Error(text, id="mlconnector.E013"))
    if settings.LEASE_SECONDS < 10 or settings.LEASE_SECONDS >= settings.SLICE_SECONDS:
        text = "LEASE_SECONDS must be at least 10 and below SLICE_SECONDS."
        messages.append(Error(text, id="mlconnector.E014"))
    return messages


@register(Tags.database)
def database_options(**_: Any) -> list[CheckMessage]:
    database: dict[str, Any] = settings.DATABASES["default"]
    options, engine = database.get("OPTIONS") or {}, database["ENGINE"]
    messages: list[CheckMessage] = []
    if options.get("pool"):
        text = "The database pool is on: forked workers would share its connections and mix up answers."
        messages.append(Error(text, hint="Use CONN_MAX_AGE instead.", id="mlconnector.E020"))
    if engine.endswith("sqlite3") and options.get("transaction_mode") != "IMMEDIATE":
        text = "SQLite must use transaction_mode IMMEDIATE, or concurrent writers fail half-way."
        messages.append(Error(text, id="mlconnector.E021"))
    return messages


@register(Tags.security, deploy=True)
def production(**_: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    if settings.DEBUG:
        text = "DEBUG is on: error pages would show settings and data."
        messages.append(Error(text, hint="Set DEBUG=false.", id="mlconnector.E030"))
    if settings.ALLOWED_PRIVATE_HOSTS:
        text = "ALLOWED_PRIVATE_HOSTS opens addresses of the inner network to what tenants enter."
        messages.append(Warning(text, hint="Leave it empty in production.", id="mlconnector.W031"))
    if settings.SANDBOX_ACCOUNTS:
        text = "SANDBOX_ACCOUNTS offers simulated accounts beside the forms of real ones."
        messages.append(Warning(text, hint="Leave it empty in production.", id="mlconnector.W033"))
    if not settings.HTTPS:
        text = "HTTPS is off: cookies and keys would travel in clear text."
        messages.append(Error(text, hint="Set HTTPS=true.", id="mlconnector.E032"))
    return messages


@register()
def private_hosts(**_: Any) -> list[CheckMessage]:
    bad = [entry for entry in settings.ALLOWED_PRIVATE_HOSTS if not entry.rpartition(":")[2].isdigit()]
    if not bad:
        return []
    text = f"ALLOWED_PRIVATE_HOSTS takes host:port; not understood: {', '.join(bad)}."
    return [Error(text, hint="Example: 127.0.0.1:9101,127.0.0.1:9102", id="mlconnector.E040")]


@register()
def sandbox_accounts(**_: Any) -> list[CheckMessage]:
    parts = {"name", "config", "secrets"}
    offered = settings.SANDBOX_ACCOUNTS
    entries = offered.values() if isinstance(offered, dict) else [offered]
    if all(isinstance(entry, dict) and entry.keys() == parts for entry in entries):
        return []
    text = "SANDBOX_ACCOUNTS takes, for each connector, an object of name, config and secrets."
    return [Error(text, hint=".env.example shows one.", id="mlconnector.E041")]
