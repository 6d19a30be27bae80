"""The form of a connection, made from what its connector declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from connections.connectors.base import Connector, Setting
from connections.selectors import SettingState

Values = dict[str, str]
NAME_HELP = "What you and your colleagues call this account, like “{label}, production”."
KEEP = "One is stored. Leave empty to keep it."


class ConnectionForm(forms.Form):
    """The name and one field per setting. A stored secret is never put into the page, not even its length."""

    name = forms.CharField(max_length=120, label="Name")

    credentials_expire_on = forms.DateField(
        required=False,
        label="The credentials expire on",
        help_text="If your company’s rules or the system end them on a day, enter it: you are reminded 30 days before.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, connector: Connector, stored: Sequence[SettingState] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = NAME_HELP.format(label=connector.label)
        self.settings = tuple(connector.settings)
        states = {state.setting.name: state for state in stored}
        for setting in self.settings:
            self.fields[setting.name] = _field(setting, states.get(setting.name))

    @property
    def credentials(self) -> list[forms.BoundField]:
        """The secrets, and when they end."""
        secrets = [self[setting.name] for setting in self.settings if setting.secret]
        return [*secrets, self["credentials_expire_on"]]

    @property
    def usual(self) -> list[forms.BoundField]:
        return [self[setting.name] for setting in self.settings if not setting.secret and not _rarely_changed(setting)]

    @property
    def further(self) -> list[forms.BoundField]:
        """Settings with a default that fits nearly everybody: folded away."""
        return [self[setting.name] for setting in self.settings if not setting.secret and _rarely_changed(setting)]

    @property
    def further_wrong(self) -> bool:
        return any(field.errors for field in self.further)

    def values(self, *, secret: bool) -> Values:
        """What was given; secrets that were left empty are left out."""
        given = {setting.name: self.cleaned_data.get(setting.name) or "" for setting in self.settings}
        chosen = {setting.name for setting in self.settings if setting.secret == secret}
        return {name: value for name, value in given.items() if name in chosen and (value or not secret)}


def _rarely_changed(setting: Setting) -> bool:
    return not setting.required and bool(setting.default)


def _field(setting: Setting, state: SettingState | None) -> forms.Field:
    """Whether a value is right is the connector's to say, so that pages and programs get the same answers."""
    common: Mapping[str, Any] = {"required": False, "label": setting.label, "help_text": setting.help}
    if setting.secret:
        kept = state is not None and state.stored
        widget = forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"})
        help_text = f"{setting.help} {KEEP}" if kept else setting.help
        field: forms.Field = forms.CharField(
            **{**common, "help_text": help_text}, strip=True, widget=widget
        )  # fmt: skip
    elif setting.choices:
        field = forms.ChoiceField(**common, choices=setting.choices)
    else:
        kind = {"url": "url", "number": "number"}.get(setting.kind, "text")
        # Pasted addresses come without their scheme, too; the connector completes them.
        widget_type = forms.NumberInput if kind == "number" else forms.TextInput
        field = forms.CharField(**common, widget=widget_type(attrs={"autocomplete": "off", "spellcheck": "false"}))
    if not setting.secret:
        field.initial = state.value if state is not None else setting.default
    # Marked for people only: the browser must not refuse what the connector may still complete.
    field.marked_required = setting.required and not (setting.secret and state is not None and state.stored)  # type: ignore[attr-defined]
    return field
