"""Connections in the API's words. Secrets go in and never come out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from connections.forms import LONGEST
from connections.models import Connection
from mlconnector.api_schema import StrictSerializer

OUTCOMES = ("ok", "warning", "failed")


class ChoiceSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


def pairs(choices: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in choices]


class SettingSerializer(serializers.Serializer[Any]):
    """One input of a connection: plain ones go into ``config``, secret ones into ``secrets``."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField()
    secret = serializers.BooleanField()
    required = serializers.BooleanField()  # type: ignore[assignment]
    default = serializers.CharField(allow_blank=True)
    kind = serializers.CharField()
    choices = serializers.SerializerMethodField()

    def get_choices(self, setting: Any) -> list[dict[str, str]]:
        return pairs(setting.choices)


class ConnectorSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    settings = SettingSerializer(many=True)


class CheckStepSerializer(serializers.Serializer[Any]):
    """One line of a test. ``advice`` names the next step where something is missing."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    text = serializers.CharField(allow_blank=True)
    advice = serializers.CharField(allow_blank=True)


class ConnectionSerializer(serializers.ModelSerializer[Connection]):
    config = serializers.DictField(child=serializers.CharField())
    check_report = CheckStepSerializer(many=True)

    class Meta:
        model = Connection
        fields = (
            "id",
            "connector",
            "name",
            "config",
            "status",
            "status_text",
            "held_until",
            "checked_at",
            "check_report",
            "account",
            "credentials_expire_on",
            "created_at",
        )
        read_only_fields = fields


def _values(**kwargs: Any) -> Any:
    child = serializers.CharField(allow_blank=True, max_length=LONGEST, trim_whitespace=False)
    return serializers.DictField(child=child, required=False, **kwargs)


class NewConnectionSerializer(StrictSerializer):
    """``config`` and ``secrets`` by the names that ``/connectors/`` lists."""

    connector = serializers.CharField(max_length=40)
    name = serializers.CharField(max_length=120)
    config = _values(default=dict)
    secrets = _values(default=dict, write_only=True)


class ConnectionChangeSerializer(StrictSerializer):
    """What is left out stays. A changed address asks for the secrets again."""

    name = serializers.CharField(max_length=120, required=False)
    config = _values()
    secrets = _values(write_only=True)
    credentials_expire_on = serializers.DateField(required=False, allow_null=True)


class PreparationSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    detail = serializers.CharField(allow_blank=True)
    group = serializers.CharField(allow_blank=True)
    by_hand = serializers.CharField(allow_blank=True)


class PrepareSerializer(StrictSerializer):
    """Which of the preparations to make; all that are missing if left out."""

    keys = serializers.ListField(child=serializers.CharField(max_length=200), required=False, max_length=200)


class TestSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    steps = CheckStepSerializer(many=True)
    connection = ConnectionSerializer()


class PreparedSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    steps = CheckStepSerializer(many=True)
    connection = ConnectionSerializer()
