"""The filters above the trail."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms

from audit.reading import SENTENCES
from audit.selectors import Filters
from mlconnector.times import zone_called

OUTCOMES = tuple(dict.fromkeys(outcome for _, outcome in SENTENCES))


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class TrailForm(forms.Form):
    """Every field may stay empty; days are those of the tenant's zone. Syncs and flows come from the tenant itself:
    this app does not know them."""

    text = forms.CharField(required=False, max_length=120, label="Record, destination ID or person")
    sync = forms.TypedChoiceField(required=False, coerce=int, empty_value=None, label="Sync")
    flow = forms.ChoiceField(required=False, label="Flow")
    outcome = forms.ChoiceField(
        required=False, label="Outcome", choices=[("", "Any"), *((name, name.capitalize()) for name in OUTCOMES)]
    )
    action = forms.ChoiceField(required=False, label="What happened")
    actor = forms.ChoiceField(required=False, label="By")
    since = forms.DateField(required=False, label="From day", widget=DayInput)
    until = forms.DateField(required=False, label="To day", widget=DayInput)
    run = forms.IntegerField(required=False, min_value=1, label="Run number")
    record = forms.CharField(required=False, max_length=120, label="Source ID")

    def __init__(self, *args: Any, tenant: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone_called(tenant.time_zone)
        own = tenant.syncs.filter(rehearsal=False)
        syncs = own.order_by("name").values_list("pk", "name")
        flows = own.order_by("flows__key").values_list("flows__key", flat=True).distinct()
        members = tenant.memberships.order_by("user__email").values_list("user__email", "user__username")
        people = [email or name for email, name in members]
        programs = tenant.api_keys.order_by("name").values_list("prefix", "name")
        self.fields["actor"].choices = [  # type: ignore[attr-defined]
            ("", "Anyone"),
            ("worker", "ml-connector"),
            *((f"member:{name}", name) for name in people),
            *((f"program:{prefix}", f"Program: {name}") for prefix, name in programs),
        ]
        actions = sorted({action for action, _ in SENTENCES})
        self.fields["sync"].choices = [("", "Any"), *syncs]  # type: ignore[attr-defined]
        named = ((key, key.replace("_", " ").capitalize()) for key in flows if key)
        self.fields["flow"].choices = [("", "Any"), *named]  # type: ignore[attr-defined]
        self.fields["action"].choices = [  # type: ignore[attr-defined]
            ("", "Any"),
            *((action, action.replace(".", ": ").replace("_", " ").capitalize()) for action in actions),
        ]

    def filters(self) -> Filters:
        """What is filled in rightly; a wrong field is shown with its error and looks for nothing."""
        self.is_valid()
        given = self.cleaned_data
        return Filters(
            text=given.get("text") or "",
            sync_id=given.get("sync"),
            flow=given.get("flow") or "",
            outcome=given.get("outcome") or "",
            action=given.get("action") or "",
            actor=given.get("actor") or "",
            run_id=given.get("run"),
            source_ref=given.get("record") or "",
            since=self._midnight(given.get("since")),
            until=self._midnight(given.get("until"), days=1),
        )

    def _midnight(self, day: date | None, days: int = 0) -> datetime | None:
        """Which ``until`` lies behind: the day itself is shown too. At the edges of the calendar there is none."""
        if day is None:
            return None
        try:
            return datetime.combine(day + timedelta(days=days), time.min, self.zone).astimezone(UTC)
        except OverflowError:
            return None
