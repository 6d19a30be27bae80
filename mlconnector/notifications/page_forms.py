"""The form of a channel. What is allowed is the services' to say."""

from __future__ import annotations

from typing import Any

from django import forms

from mlconnector.notifications.models import Channel
from mlconnector.notifications.watching import TOPICS

ADDRESSES = {
    Channel.Kind.MAIL: ("E-mail address", "A person's address or a list's."),
    Channel.Kind.SLACK: (
        "Address of the incoming webhook",
        "In Slack: Apps → Incoming Webhooks → Add to Slack, choose the channel, copy the Webhook URL. Mattermost, "
        "Rocket.Chat and Google Chat offer the same under Integrations.",
    ),
    Channel.Kind.TEAMS: (
        "Address of the workflow",
        "In Teams, at the channel: … → Workflows → “Post to a channel when a webhook request is received”. Copy the "
        "address shown at the end.",
    ),
    Channel.Kind.WEBHOOK: (
        "Address that is called",
        "Each message is one POST with JSON, signed as standardwebhooks.com describes. The secret to check it with is "
        "shown once, after saving.",
    ),
}
KEEP = "One is stored. Leave empty to keep it."


class ChannelForm(forms.Form):
    name = forms.CharField(max_length=120, label="Name", help_text="What you call it here, like “Finance channel”.")
    address = forms.CharField(max_length=2000, required=False)
    topics = forms.MultipleChoiceField(
        label="Tell of",
        required=False,
        choices=[(topic.key, topic.label) for topic in TOPICS.values()],
        widget=forms.CheckboxSelectMultiple,
    )
    patience = forms.ChoiceField(label="When a sync fails", choices=Channel.Patience, widget=forms.RadioSelect)

    def __init__(self, given: Any, *, kind: str, channel: Channel | None = None) -> None:
        initial: dict[str, Any] = {"topics": list(TOPICS), "patience": Channel.Patience.SECOND}
        if channel is not None:
            initial = {
                "name": channel.name,
                "topics": channel.topics,
                "patience": channel.patience,
                "enabled": channel.enabled,
            }
        super().__init__(given, initial=initial)
        label, help_text = ADDRESSES[Channel.Kind(kind)]
        address = self.fields["address"]
        address.label = label
        address.help_text = help_text if channel is None else f"{help_text} {KEEP}"
        address.widget.attrs.update({"autocomplete": "off", "spellcheck": "false"})
        address.marked_required = channel is None  # type: ignore[attr-defined]
        if channel is not None:
            self.fields["enabled"] = forms.BooleanField(required=False, label="Messages are sent")
