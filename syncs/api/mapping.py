"""The mapping of a flow over HTTP: the product's own as a table, and the fields a tenant adds to it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from mlconnector.api_schema import StrictSerializer
from syncs.api.serializers import OptionValue
from syncs.api.syncs import FlowViewSet
from syncs.engine.expressions import LONGEST
from syncs.mapping import mappings
from syncs.models import Flow


class OwnFieldSerializer(StrictSerializer):
    """Give `from` or `value`."""

    to = serializers.CharField(max_length=120, help_text="The field of the destination, by its API name.")

    def get_fields(self) -> dict[str, Any]:
        """`in` and `from` are words of Python."""
        more = {
            "in": serializers.CharField(
                max_length=40, required=False, help_text="The part of the record, where a flow has several."
            ),
            "from": serializers.CharField(
                max_length=LONGEST, required=False, help_text="A JMESPath expression over the source's record."
            ),
            "value": OptionValue(required=False, help_text="The same for all records."),
        }
        return {**super().get_fields(), **more}


class MappingLineSerializer(serializers.Serializer[Any]):
    to = serializers.CharField()
    note = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """`source` is an argument of every serializer."""
        text = "The source's attributes, the first that says something where there are several."
        return {**super().get_fields(), "source": serializers.CharField(help_text=text)}


class MappingSectionSerializer(serializers.Serializer[Any]):
    place = serializers.CharField()
    kind = serializers.CharField(help_text="What the system calls such records.")
    label = serializers.CharField()  # type: ignore[assignment]
    own = serializers.BooleanField(help_text="Fields can be added here.")
    back = serializers.BooleanField(help_text="Written to the system that is read.")
    lines = MappingLineSerializer(many=True)


class MappingSerializer(serializers.Serializer[Any]):
    """``version`` is null as long as nothing was ever added."""

    version = serializers.IntegerField(allow_null=True)
    table = MappingSectionSerializer(many=True, read_only=True)

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "fields": OwnFieldSerializer(many=True)}


class MappingChangeSerializer(StrictSerializer):
    def get_fields(self) -> dict[str, Any]:
        return {"fields": OwnFieldSerializer(many=True)}


def shown(flow: Flow) -> dict[str, Any]:
    latest = mappings.versions(flow).first()
    return {
        "version": latest.number if latest else None,
        "fields": mappings.given(flow.mapping_overrides),
        "table": mappings.definition_of(flow).table,
    }


class MappingViewSet(FlowViewSet):
    serializer_class = MappingSerializer  # type: ignore[assignment]
    heavy = ("update",)

    @extend_schema(
        operation_id="syncs_flows_mapping_retrieve",
        summary="What goes where, and the fields of your own",
        responses=MappingSerializer,
        tags=["syncs"],
    )
    def retrieve(self, request: Request, sync_id: int, key: str) -> Response:
        return Response(MappingSerializer(shown(self.get_object())).data)

    @extend_schema(
        operation_id="syncs_flows_mapping_update",
        summary="Set the fields of your own",
        description="All of them at once: what is left out is taken out of the mapping, and keeps its value in the "
        "destination. Checked against the destination's own list of fields. The next run fills what is there already, "
        "too. Repeating changes nothing.",
        request=MappingChangeSerializer,
        responses=MappingSerializer,
        examples=[
            OpenApiExample(
                "Two fields",
                {"fields": [{"to": "description", "from": "Comments"}, {"to": "hs_custom", "value": "ERP"}]},
                request_only=True,
            )
        ],
        tags=["syncs"],
    )
    def update(self, request: Request, sync_id: int, key: str) -> Response:
        flow = self.get_object()
        given = MappingChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        cleaned = self._cleaned(flow, given.validated_data)
        if mappings.given(cleaned) != mappings.given(flow.mapping_overrides):
            mappings.save(flow, cleaned, actor=self.actor)
        return Response(MappingSerializer(shown(flow)).data)

    @staticmethod
    def _cleaned(flow: Flow, overrides: dict[str, Any]) -> dict[str, Any]:
        try:
            return mappings.clean(flow, overrides)
        except mappings.RowErrors as wrong:
            rows = [
                {name: [text] for name, text in wrong.rows.get(place, {}).items()}
                for place in range(len(overrides["fields"]))
            ]
            raise exceptions.ValidationError({"fields": rows}) from None
