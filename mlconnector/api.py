"""What every part of the API shares: pages by keyset and one shape of errors."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from rest_framework import exceptions, status
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler as rest_handler


class KeysetPagination(CursorPagination):
    """``?cursor=`` walks on; ``?page_size=`` up to 500. Views set ``ordering`` where the newest row is not first."""

    ordering = "-id"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 500

    def get_page_size(self, request: Any) -> int:
        given = request.query_params.get(self.page_size_query_param)
        if given is None:
            return self.page_size
        if not (given.isascii() and given.isdecimal() and 1 <= int(given[:9]) <= self.max_page_size):
            text = f"Give a whole number from 1 to {self.max_page_size}."
            raise exceptions.ValidationError({self.page_size_query_param: [text]})
        return int(given)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] |= {"minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        return parameters

    def decode_cursor(self, request: Any) -> Any:
        """All our keysets are numbers; a cursor with anything else is not one we gave."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not str(cursor.position).isdecimal():
            raise exceptions.NotFound(self.invalid_cursor_message)
        return cursor


class ConflictingState(exceptions.APIException):
    """The request is well-formed, but does not fit the present state (a run is active already, ...)."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Services speak Django's exceptions; here they become 400 by field name, and 403."""
    if isinstance(error, ValidationError):
        fields = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
        error = exceptions.ValidationError(
            {"detail" if key == NON_FIELD_ERRORS else key: v for key, v in fields.items()}
        )
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(str(error) or None)
    return rest_handler(error, context)
