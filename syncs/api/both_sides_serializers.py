"""A record as both systems have it now, in the API's words."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from syncs.both_sides import AGREES, DESTINATION_CHANGED, FILLED, SOURCE_CHANGED, Line

STANDINGS = (AGREES, SOURCE_CHANGED, DESTINATION_CHANGED, FILLED)


class SideSerializer(serializers.Serializer[Any]):
    """``text``: why it shows nothing, or why nothing would be delivered."""

    system = serializers.CharField(source="label")
    there = serializers.BooleanField()
    text = serializers.CharField()
    failed = serializers.BooleanField(help_text="It did not answer as it should.")
    link = serializers.CharField(help_text="Its page in the vendor's own screens; empty where none is known.")


class LineSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(source="name")
    ours = serializers.SerializerMethodField(help_text="What the source says, in the destination's words.")
    theirs = serializers.SerializerMethodField(help_text="What stands in the destination.")
    delivered = serializers.SerializerMethodField(help_text="What was delivered last.")
    standing = serializers.ChoiceField(
        choices=STANDINGS,
        help_text="They agree; the source changed since the delivery, or the destination did; or the destination holds "
        "something that was never delivered.",
    )

    def get_ours(self, line: Line) -> str | None:
        return _text(line.ours)

    def get_theirs(self, line: Line) -> str | None:
        return _text(line.theirs)

    def get_delivered(self, line: Line) -> str | None:
        return _text(line.delivered)


class SectionSerializer(serializers.Serializer[Any]):
    part = serializers.CharField(source="label")
    gone = serializers.BooleanField(help_text="What held it in the destination is not there any more.")
    link = serializers.CharField()
    lines = LineSerializer(many=True)


class BothSidesSerializer(serializers.Serializer[Any]):
    agree = serializers.BooleanField()
    by_delivery = serializers.BooleanField(
        help_text="The source could not be compared: `ours` is what was delivered last."
    )
    source = SideSerializer()  # type: ignore[assignment]
    destination = SideSerializer()
    sections = SectionSerializer(many=True)


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
