"""Checks a tenant's settings of a flow against what the flow declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from syncs.engine.flow import FlowDefinition, Option


def clean_options(definition: FlowDefinition, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values in their right types. Raises ``ValidationError`` by option name."""
    declared = {option.name: option for option in definition.options}
    cleaned: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, value in values.items():
        option = declared.get(name)
        if option is None:
            errors[name] = f"This flow has no such option. It has: {', '.join(declared) or 'none'}."
            continue
        try:
            cleaned[name] = _clean(option, value)
        except ValueError as error:
            errors[name] = str(error)
    if errors:
        raise ValidationError(errors)
    return cleaned


def lacking(definition: FlowDefinition, options: Mapping[str, Any]) -> list[Option]:
    """The options without which the flow cannot run and which nobody has filled in yet."""
    return [option for option in definition.options if option.required and not options.get(option.name, option.default)]


def _clean(option: Option, value: Any) -> Any:
    if option.kind == "choice":
        if not isinstance(value, str) or value not in dict(option.choices):
            raise ValueError(f"Choose one of: {', '.join(key for key, _ in option.choices)}.")
        return value
    if option.kind == "boolean":
        if not isinstance(value, bool):
            raise ValueError("Give true or false.")
        return value
    if not isinstance(value, str) or len(value) > 250:
        raise ValueError("Give a text of at most 250 characters.")
    return value.strip()
