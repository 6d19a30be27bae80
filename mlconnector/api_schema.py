"""What the schema says of every endpoint without each of them repeating it: errors, strict bodies, rate headers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers

_SECONDS = {"schema": {"type": "integer"}, "description": "Seconds to wait before the next try."}
_LIMITS = {
    "RateLimit-Limit": {"schema": {"type": "integer"}, "description": "Requests allowed in the period."},
    "RateLimit-Remaining": {"schema": {"type": "integer"}, "description": "Requests left in the period."},
    "RateLimit-Reset": {"schema": {"type": "integer"}, "description": "Seconds until one more is allowed."},
}
_FIELDS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {},
    "description": "Texts by field name; what concerns no field is under `detail`.",
}


class StrictSerializer(serializers.Serializer[Any]):
    """A request body. A field it does not have is refused, so that a typo is not taken for success."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := sorted(set(map(str, data)) - set(self.fields))):
            known = ", ".join(self.fields) or "none"
            raise serializers.ValidationError(
                {name: [f"There is no such field. There are: {known}."] for name in unknown}
            )
        return super().to_internal_value(data)


class Problem(serializers.Serializer[Any]):
    """Why a request was not fulfilled, and what to do about it. ``code`` is there where programs may branch on it."""

    detail = serializers.CharField()
    code = serializers.CharField(required=False)


def _problem(description: str, detail: str, code: str = "") -> OpenApiResponse:
    value = {"detail": detail} | ({"code": code} if code else {})
    return OpenApiResponse(Problem, description, [OpenApiExample(description, value, response_only=True)])


_BAD = OpenApiResponse(
    _FIELDS,
    "Refused by field",
    [OpenApiExample("By field", {"every_minutes": ["Choose between 1 and 1440 minutes."]}, response_only=True)],
)
_UNKNOWN_CALLER = _problem("No usable API key", "This API key is unknown, expired or revoked.")
_FORBIDDEN = _problem("The role does not allow it", "Your role does not allow this. It takes one of: Owner, Admin.")
_ABSENT = _problem("Not in this workspace", "There is no run 12 in this workspace.")
_CONFLICT = _problem("Does not fit the present state", "A run is active. Wait until it ends, or cancel it.")
_TOO_MANY = _problem("Too many requests", "Request was throttled. Expected available in 12 seconds.")
_AWAY = _problem("The remote system is not available", "The system does not answer at the moment.", "unavailable")


class ApiSchema(AutoSchema):
    """Views may name, by action, what can also happen: ``conflicts`` (409) and ``remote`` (503)."""

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        for status, problem in self._problems().items():
            if status not in bodies:
                bodies[status] = self._get_response_for_code(problem, status)  # type: ignore[no-untyped-call]
        for status, body in bodies.items():
            if status != "401":
                body.setdefault("headers", {}).update(_LIMITS)
            if status in ("429", "503"):
                body["headers"]["Retry-After"] = _SECONDS
        return bodies

    def get_operation_id(self) -> str:
        """Verbs are called by their own name: ``connections_test``, not ``connections_test_create``."""
        name = super().get_operation_id()
        verb = getattr(self.view, "action", None)
        if verb in (None, "list", "retrieve", "create", "partial_update", "destroy"):
            return name
        return name.rpartition("_")[0]

    def _problems(self) -> dict[str, OpenApiResponse]:
        action = getattr(self.view, "action", None)
        found = {"401": _UNKNOWN_CALLER, "403": _FORBIDDEN, "429": _TOO_MANY}
        listing = self._is_list_view()
        body = self.method in ("POST", "PUT", "PATCH") and self.get_request_serializer() is not None
        if body or listing or action in getattr(self.view, "query_checked", ()):
            found["400"] = _BAD
        if "{" in self.path or listing:  # a list's cursor can be unknown, too
            found["404"] = _ABSENT
        if action in getattr(self.view, "conflicts", ()):
            found["409"] = _CONFLICT
        if action in getattr(self.view, "remote", ()):
            found["503"] = _AWAY
        return found

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if isinstance(serializer, StrictSerializer) and direction == "request":
            schema["additionalProperties"] = False
        return schema
