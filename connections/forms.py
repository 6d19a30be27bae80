"""A connector's settings as typed by a person: cleaned, completed, refused by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from connections.connectors.base import Connector, Setting
from connections.transport import AddressRefused, check_url

LONGEST = 4000


def clean_config(connector: Connector, given: Mapping[str, str]) -> dict[str, str]:
    """All plain settings as text, defaults filled in, every address one that may be called."""
    known = {setting.name: setting for setting in connector.settings if not setting.secret}
    _refuse_unknown(given, known, connector)
    config = {name: str(given.get(name) or "").strip() or setting.default for name, setting in known.items()}
    try:
        config = {**config, **connector.clean(config)}
    except ValueError as error:
        raise _by_field(error) from None
    problems = {name: text for name, setting in known.items() if (text := _problem(setting, config.get(name, "")))}
    if problems:
        raise ValidationError(problems)
    for host in connector.hosts(config):
        try:
            check_url(host)
        except AddressRefused as refusal:
            raise ValidationError({_field_of(host, config): str(refusal)}) from None
    return config


def clean_secrets(connector: Connector, config: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The secrets, trimmed. Texts of refusals never hold them."""
    known = {setting.name: setting for setting in connector.settings if setting.secret}
    _refuse_unknown(given, known, connector)
    secrets = {name: str(given.get(name) or "").strip() for name in known}
    problems: dict[str, str] = {}
    for name, setting in known.items():
        if setting.required and not secrets[name]:
            problems[name] = f"{setting.label} is missing."
        elif not secrets[name].isprintable() or len(secrets[name]) > LONGEST:
            problems[name] = f"{setting.label} holds characters that cannot be sent. Paste it again."
    if problems:
        raise ValidationError(problems)
    complain = getattr(connector, "clean_secrets", None)
    if complain is not None:
        try:
            complain(config, secrets)
        except ValueError as error:
            raise _by_field(error) from None
    return {name: value for name, value in secrets.items() if value}


def hosts_of(connector: Connector, config: Mapping[str, str]) -> list[str]:
    return [host.lower() for host in connector.hosts(config)]


def _refuse_unknown(given: Mapping[str, Any], known: Mapping[str, Setting], connector: Connector) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, f"{connector.label} has no such setting here."))


def _problem(setting: Setting, value: str) -> str:
    if not value:
        return f"{setting.label} is missing." if setting.required else ""
    if len(value) > LONGEST:
        return f"{setting.label} is too long."
    if setting.kind == "number" and not value.isdecimal():
        return f"{setting.label} is a whole number."
    if setting.choices and value not in {choice for choice, _ in setting.choices}:
        return f"Choose one of: {', '.join(label for _, label in setting.choices)}."
    return ""


def _field_of(host: str, config: Mapping[str, str]) -> str:
    return next((name for name, value in config.items() if value and value.startswith(host)), "config")


def _by_field(error: ValueError) -> ValidationError:
    """``clean`` raises ``ValueError({field: text})``, or ``ValueError(field, text)``."""
    first = error.args[0] if error.args else ""
    if isinstance(first, Mapping):
        return ValidationError({str(name): str(text) for name, text in first.items()})
    if len(error.args) == 2:
        return ValidationError({str(first): str(error.args[1])})
    return ValidationError(str(first) or "The settings are not usable.")
