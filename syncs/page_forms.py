"""Forms of syncs and flows. What is allowed is the services' to say; here is how it is asked."""

from __future__ import annotations

from typing import Any

from django import forms

from connections.models import Connection
from mlconnector.tenants.models import Tenant
from syncs.catalogue import Integration
from syncs.engine.flow import FlowDefinition, Option
from syncs.models import Flow, Record

CADENCES = (
    (5, "Every 5 minutes"),
    (10, "Every 10 minutes"),
    (15, "Every 15 minutes"),
    (30, "Every 30 minutes"),
    (60, "Every hour"),
    (180, "Every 3 hours"),
    (360, "Every 6 hours"),
    (1440, "Once a day"),
)
START_HELP = "Records last changed before this day are left alone. Leave empty to bring everything."
CADENCE_HELP = "How often changes are looked for. You can also run it whenever you like."
NAME_HELP = "What you and your colleagues call it."


def cadences(current: int | None = None) -> list[tuple[int, str]]:
    """The usual ones, and the present one where a program set another."""
    known = dict(CADENCES)
    if current and current not in known:
        known[current] = f"Every {current} minutes"
    return sorted(known.items())


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class SettingsForm(forms.Form):
    """Name, cadence and start of a sync that is there."""

    name = forms.CharField(max_length=120, label="Name", help_text=NAME_HELP)
    every_minutes = forms.TypedChoiceField(coerce=int, label="How often", help_text=CADENCE_HELP)
    start_date = forms.DateField(required=False, label="Start from", help_text=START_HELP, widget=DayInput())

    def __init__(self, *args: Any, current: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["every_minutes"].choices = cadences(current)  # type: ignore[attr-defined]


class SyncForm(SettingsForm):
    """A new sync of one integration: its two connections as well."""

    def __init__(
        self, *args: Any, tenant: Tenant, integration: Integration, sides: tuple[str, str], **kwargs: Any
    ) -> None:
        super().__init__(*args, current=integration.every_minutes, **kwargs)
        for name, connector, label in (
            ("source", integration.source, f"From: {sides[0]}"),
            ("destination", integration.destination, f"To: {sides[1]}"),
        ):
            self.fields[name] = ConnectionChoice(
                Connection.objects.for_tenant(tenant).filter(connector=connector).defer("secrets", "token"), label
            )
        self.order_fields(["source", "destination", "name", "every_minutes", "start_date"])


class ConnectionChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def __init__(self, connections: Any, label: str) -> None:
        super().__init__(connections.order_by("name"), label=label, empty_label=None)

    def label_from_instance(self, obj: Connection) -> str:
        return f"{obj.name} ({obj.get_status_display().lower()})" if obj.status != obj.Status.HEALTHY else obj.name


class BackfillForm(forms.Form):
    start = forms.DateField(
        label="From",
        help_text="Everything changed since this day is read again. What is in place already stays as it is.",
        widget=DayInput(),
    )


class FlowForm(forms.Form):
    """One field per declared option."""

    def __init__(self, *args: Any, flow: Flow, definition: FlowDefinition, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for option in definition.options:
            self.fields[option.name] = _field(option, flow.options.get(option.name, option.default), on=flow.enabled)


def _field(option: Option, value: Any, *, on: bool) -> forms.Field:
    needed = option.required and on
    lacking = option.required and not value
    help_text = f"{option.help} Needed before the flow can be switched on." if lacking else option.help
    common: dict[str, Any] = {"label": option.label, "help_text": help_text, "required": needed, "initial": value}
    if option.kind == "choice":
        field: forms.Field = forms.ChoiceField(
            **common | {"required": True}, choices=option.choices, widget=forms.RadioSelect
        )
    elif option.kind == "boolean":
        field = forms.BooleanField(**common)
    elif option.kind == "number":
        field = forms.IntegerField(**common)
    else:
        field = forms.CharField(**common, max_length=250)
    field.marked_required = option.required  # type: ignore[attr-defined]
    labels = dict(option.choices)
    field.warnings = [(labels.get(key, key), text) for key, text in option.warning.items()]  # type: ignore[attr-defined]
    return field


class RecordsForm(forms.Form):
    """The search above the records; every field may stay empty."""

    STATUSES = (("", "Any status"), ("unsettled", "All that need attention"), *Record.Status.choices)

    q = forms.CharField(required=False, max_length=255, strip=True, label="Number, name or ID")
    sync = forms.TypedChoiceField(required=False, coerce=int, empty_value=None, label="Sync")
    flow = forms.ChoiceField(required=False, label="Flow")
    status = forms.ChoiceField(required=False, choices=STATUSES, label="Status")

    def __init__(self, *args: Any, flows: list[Flow], labels: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        syncs = {flow.sync_id: flow.sync.name for flow in flows}
        self.fields["sync"].choices = [("", "All syncs"), *syncs.items()]  # type: ignore[attr-defined]
        self.fields["flow"].choices = [("", "All flows"), *labels.items()]  # type: ignore[attr-defined]
