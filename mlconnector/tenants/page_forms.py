"""Forms of workspaces, members and API keys."""

from __future__ import annotations

from datetime import datetime, time
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.utils import timezone

from mlconnector.long_select import LongSelect
from mlconnector.tenants.models import Membership, Role, Tenant
from mlconnector.tenants.permissions import may_hand_out
from mlconnector.tenants.selectors import members_of
from mlconnector.tenants.services import KEEP_DAYS_ALLOWED


@cache
def zones() -> list[tuple[str, str]]:
    """Places people recognise, in one list: Europe/Berlin as 'Europe: Berlin'."""
    places = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return [("UTC", "UTC"), *((name, name.replace("/", ": ").replace("_", " ")) for name in places)]


class WorkspaceForm(forms.Form):
    name = forms.CharField(
        max_length=120, label="Name of the workspace", help_text="Usually your company. Your colleagues see it, too."
    )
    time_zone = forms.ChoiceField(
        choices=zones,
        initial="UTC",
        label="Time zone",
        help_text="All times are shown in this zone.",
        widget=LongSelect,
    )


class SettingsForm(WorkspaceForm):
    keep_days = forms.IntegerField(
        min_value=KEEP_DAYS_ALLOWED[0],
        max_value=KEEP_DAYS_ALLOWED[-1],
        label="Keep ended runs, previews and reconciliations for (days)",
        help_text="Older ones are deleted by themselves, but never the newest of a sync. Records stay as long as the "
        "workspace does; the audit trail is never cut.",
    )


class HandOverForm(forms.Form):
    heir = forms.ChoiceField(label="New owner", help_text="Must be a member already.")
    sure = forms.BooleanField(label="I understand that I become an admin and cannot undo this myself")

    def __init__(self, *args: Any, tenant: Tenant, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.members = {str(member.pk): member for member in members_of(tenant).exclude(user=user)}
        people = [(key, _person(member)) for key, member in self.members.items()]
        self.fields["heir"].choices = [("", "Choose a member"), *people]  # type: ignore[attr-defined]

    def clean_heir(self) -> Membership:
        return self.members[self.cleaned_data["heir"]]


def _person(member: Membership) -> str:
    return f"{member.user.email or member.user.get_username()} ({member.get_role_display()})"


class CloseForm(forms.Form):
    name = forms.CharField(
        max_length=120, label="Name of the workspace", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class InvitationForm(forms.Form):
    email = forms.EmailField(
        label="E-mail address", help_text="The invitation works for this address only, for 7 days."
    )
    role = forms.ChoiceField(label="Role")

    def __init__(self, *args: Any, by_role: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = roles_to_give(by_role)  # type: ignore[attr-defined]
        self.fields["role"].initial = Role.VIEWER


class KeyForm(forms.Form):
    name = forms.CharField(
        max_length=50, label="Name", help_text="Say which program will use the key, like “Monthly close report”."
    )
    role = forms.ChoiceField(
        label="What it may do",
        help_text="A viewer only reads. Finance also runs, replays, decides and confirms. An admin sets everything up.",
    )
    expires = forms.DateField(
        required=False,
        label="Works until",
        help_text="The last day on which the key works. Leave empty for no end.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, by_role: str, time_zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = ZoneInfo(time_zone)
        choices = [(role, label) for role, label in roles_to_give(by_role) if role != Role.OWNER]
        self.fields["role"].choices = choices  # type: ignore[attr-defined]
        self.fields["role"].initial = Role.VIEWER

    def clean_expires(self) -> datetime | None:
        day = self.cleaned_data["expires"]
        if day is None:
            return None
        end: datetime = datetime.combine(day, time.max, tzinfo=self.zone)
        if end < timezone.now():
            raise forms.ValidationError("Choose a day that has not passed.")
        return end


def roles_to_give(by_role: str) -> list[tuple[str, str]]:
    return [(role.value, str(role.label)) for role in Role if may_hand_out(by_role, role)]
