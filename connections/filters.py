from __future__ import annotations

from typing import Any

from django_filters import rest_framework as filters

from connections.connectors import registry
from connections.models import Connection


class ConnectionFilter(filters.FilterSet):
    connector = filters.ChoiceFilter(choices=registry.choices)
    status = filters.ChoiceFilter(choices=Connection.Status.choices)

    class Meta:
        model = Connection
        fields: list[Any] = []
