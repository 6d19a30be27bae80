"""Connectors and connections over HTTP."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import exceptions, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from connections import selectors, services
from connections.connectors import registry
from connections.connectors.base import Connector
from connections.errors import ConnectorError, TransientError
from connections.filters import ConnectionFilter
from connections.models import Connection
from connections.serializers import (
    ConnectionChangeSerializer,
    ConnectionSerializer,
    ConnectorSerializer,
    NewConnectionSerializer,
    PreparationSerializer,
    PreparedSerializer,
    PrepareSerializer,
    TestSerializer,
)
from mlconnector.api import ConflictingState
from mlconnector.api_views import TenantViewSet, conflicts, nested
from mlconnector.tenants.permissions import Action

LOCATION = OpenApiParameter(
    "Location", OpenApiTypes.URI, OpenApiParameter.HEADER, description="Where it is.", response=[201]
)


def _new(connector: Connector) -> OpenApiExample:
    """A connection of this kind with no more than it must say."""
    asked = [setting for setting in connector.settings if setting.required]
    given = {
        "connector": connector.key,
        "name": f"{connector.label}, production",
        "config": {setting.name: setting.default or "…" for setting in asked if not setting.secret},
        "secrets": {setting.name: "…" for setting in asked if setting.secret},
    }
    return OpenApiExample(connector.label, given, request_only=True)


class RemoteAway(exceptions.APIException):
    """The remote system is not available now: the same request may succeed later."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE


@contextmanager
def remote() -> Iterator[None]:
    """Errors of the remote system: 503 when waiting helps, 409 when the tenant has to change something."""
    try:
        yield
    except TransientError as error:
        away = RemoteAway({"detail": error.text, "code": error.code})
        away.wait = math.ceil(error.retry_after or 30)  # type: ignore[attr-defined]
        raise away from None
    except ConnectorError as error:
        raise ConflictingState({"detail": error.text, "code": error.code}) from None


@extend_schema_view(
    list=extend_schema(summary="Systems that can be connected, with the settings each needs", tags=["connections"]),
    retrieve=extend_schema(summary="One system and its settings", tags=["connections"]),
)
class ConnectorViewSet(TenantViewSet):
    needs = Action.VIEW
    serializer_class = ConnectorSerializer
    pagination_class = None
    filter_backends = ()
    lookup_field = "key"
    lookup_value_regex = "[a-z_]{1,40}"

    def list(self, request: Request) -> Response:
        return Response(ConnectorSerializer(registry.all(), many=True).data)

    def retrieve(self, request: Request, key: str) -> Response:
        try:
            return Response(ConnectorSerializer(registry.get(key)).data)
        except KeyError:
            raise exceptions.NotFound(f"There is no connector '{key}'. /connectors/ lists them.") from None


@extend_schema_view(
    list=extend_schema(summary="Connections", tags=["connections"]),
    retrieve=extend_schema(summary="One connection", tags=["connections"]),
)
class ConnectionViewSet(TenantViewSet):
    """Secrets are write-only: no answer ever holds one."""

    noun = "connection"
    needs = {"missing": Action.CONFIGURE}
    heavy = ("test", "missing", "prepare")
    conflicts = ("destroy", "missing", "prepare")
    remote = ("missing", "prepare")
    queryset = Connection.objects.all()
    serializer_class = ConnectionSerializer
    filterset_class = ConnectionFilter

    def rows(self) -> QuerySet[Connection]:
        return selectors.connections_of(self.tenant)

    def list(self, request: Request) -> Response:
        return self.page_of()

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(ConnectionSerializer(self.get_object()).data)

    @extend_schema(
        summary="Create a connection",
        description="It is untested: test it next. A retried request is refused by `name`, never doubled.",
        request=NewConnectionSerializer,
        responses={201: ConnectionSerializer},
        parameters=[LOCATION],
        examples=[_new(connector) for connector in registry.all()],
        tags=["connections"],
    )
    def create(self, request: Request) -> Response:
        given = NewConnectionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        with nested(**_places(values["connector"], values["config"], values["secrets"])):
            connection = services.create_connection(self.tenant, **values, actor=self.actor)
        location = reverse("api:connection-detail", [connection.pk], request=request)
        return Response(ConnectionSerializer(connection).data, status.HTTP_201_CREATED, headers={"Location": location})

    @extend_schema(
        summary="Change name, settings or secrets",
        description="Settings that are left out stay. Changed settings make the connection untested again.",
        request=ConnectionChangeSerializer,
        responses=ConnectionSerializer,
        tags=["connections"],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        connection = self.get_object()
        given = ConnectionChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        if not values:
            return Response(ConnectionSerializer(connection).data)
        config, secrets = values.get("config"), values.get("secrets")
        merged = {**connection.config, **config} if config is not None else None
        with nested(**_places(connection.connector, config or {}, secrets or {})):
            self._change(connection, values, name=values.get("name"), config=merged, secrets=secrets)
        return Response(ConnectionSerializer(connection).data)

    @transaction.atomic
    def _change(self, connection: Connection, values: dict[str, Any], **changes: Any) -> None:
        if any(value is not None for value in changes.values()):
            services.update_connection(connection, actor=self.actor, **changes)
        if "credentials_expire_on" in values:
            services.set_expiry(connection, values["credentials_expire_on"], self.actor)

    @extend_schema(
        summary="Delete a connection",
        description="409 while a sync uses it.",
        responses={204: None},
        tags=["connections"],
    )
    def destroy(self, request: Request, pk: str) -> Response:
        connection = self.get_object()
        with conflicts():
            services.delete(connection, self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Test a connection",
        description="Signs in and tries what the flows need. Always 200 with a checklist; `ok` is the verdict.",
        request=None,
        responses=TestSerializer,
        tags=["connections"],
    )
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        connection = self.get_object()
        report = services.test_connection(connection, self.actor)
        answer = {"ok": report.ok, "steps": report.steps, "connection": connection}
        return Response(TestSerializer(answer).data)

    @extend_schema(
        summary="What the account lacks",
        description="Custom fields and objects that `prepare` would create. Asks the remote system.",
        responses=PreparationSerializer(many=True),
        filters=False,
        tags=["connections"],
    )
    @action(detail=True, methods=["get"], url_path="preparations", pagination_class=None)
    def missing(self, request: Request, pk: str) -> Response:
        connection = self.get_object()
        with remote():
            found = services.missing(connection)
        return Response(PreparationSerializer(found, many=True).data)

    @extend_schema(
        summary="Create what the account lacks",
        description="All that is missing, or the named ones; then tests again. Repeating is harmless.",
        request=PrepareSerializer,
        responses=PreparedSerializer,
        tags=["connections"],
    )
    @action(detail=True, methods=["post"])
    def prepare(self, request: Request, pk: str) -> Response:
        connection = self.get_object()
        given = PrepareSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        with remote():
            keys = given.validated_data.get("keys")
            if keys is None:
                keys = [preparation.key for preparation in services.missing(connection)]
            steps = services.prepare_connection(connection, keys, self.actor)
        ok = all(step.outcome != "failed" for step in steps)
        return Response(PreparedSerializer({"ok": ok, "steps": steps, "connection": connection}).data)


def _places(connector: str, config: Collection[str], secrets: Collection[str]) -> dict[str, set[str]]:
    """Which field of the request the name of a setting stands in."""
    known = registry.get(connector).settings if connector in dict(registry.choices()) else ()
    plain = {setting.name for setting in known if not setting.secret}
    secret = {setting.name for setting in known if setting.secret}
    return {"config": (plain | set(config)) - {"name"}, "secrets": (secret | set(secrets)) - {"name"}}


__all__: list[Any] = ["ConnectionViewSet", "ConnectorViewSet", "remote"]
