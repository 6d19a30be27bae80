"""What the views of all apps share: whose data it is, texts for refusals, limits told in headers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import QuerySet
from rest_framework import exceptions, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle, UserRateThrottle
from rest_framework.views import APIView

from mlconnector.api import ConflictingState
from mlconnector.api_schema import ApiSchema
from mlconnector.tenants.api_auth import Needs
from mlconnector.tenants.permissions import Action, require


class Rate(UserRateThrottle):
    """Requests of one key or member."""

    num_requests: int
    duration: int
    history: list[float]
    now: float

    def headers(self) -> dict[str, str]:
        reset = self.duration - (self.now - self.history[-1]) if self.history else self.duration
        left = max(self.num_requests - len(self.history), 0)
        return {
            "RateLimit-Limit": str(self.num_requests),
            "RateLimit-Remaining": str(left),
            "RateLimit-Reset": str(max(round(reset), 1)),
        }


class HeavyRate(Rate):
    """For what calls remote systems or walks the whole trail while the caller waits."""

    scope = "heavy"
    rate = "60/min"


class TenantView(APIView):
    """``needs`` says what the caller's role must allow (see ``Needs``); ``heavy`` names actions with the lower rate."""

    schema = ApiSchema()
    needs: Action | dict[str, Action] = {}
    heavy: Collection[str] = ()

    @property
    def tenant(self) -> Any:
        return self.request.tenant  # type: ignore[attr-defined]

    @property
    def actor(self) -> str:
        return str(self.request.actor)  # type: ignore[attr-defined]

    def get_throttles(self) -> list[BaseThrottle]:
        kept: list[BaseThrottle] | None = self.__dict__.get("_throttles")
        if kept is None:
            heavy = getattr(self, "action", None) in self.heavy
            kept = [Rate(), HeavyRate()] if heavy else [Rate()]
            self.__dict__["_throttles"] = kept
        return kept

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> Any:
        """A member or program of a tenant is told which roles may do it."""
        if getattr(request, "tenant", None) is not None:
            require(request.role, Needs.action_of(request, self))  # type: ignore[attr-defined]
        return super().permission_denied(request, message, code)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        used = [
            throttle for throttle in self.get_throttles() if isinstance(throttle, Rate) and hasattr(throttle, "now")
        ]
        if used:
            tightest = min(used, key=lambda throttle: throttle.num_requests - len(throttle.history))
            for name, value in tightest.headers().items():
                response[name] = value
        return response


class TenantViewSet(TenantView, viewsets.GenericViewSet[Any]):
    """Lists by keyset with strict filters; objects of other tenants are not there."""

    lookup_value_regex = "[0-9]{1,18}"
    noun = "object"

    def rows(self) -> QuerySet[Any]:
        """The tenant's rows."""
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()  # type: ignore[union-attr]
        return self.rows()

    def get_object(self) -> Any:
        key = self.kwargs[self.lookup_url_kwarg or self.lookup_field]
        try:
            return self.get_queryset().get(**{self.lookup_field: key})
        except ObjectDoesNotExist:
            raise exceptions.NotFound(f"There is no {self.noun} {key} in this workspace.") from None

    def page_of(self) -> Response:
        """One page of the tenant's rows as filtered by the query."""
        self.refuse_unknown_parameters()
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def refuse_unknown_parameters(self) -> None:
        """A mistyped filter must not answer with everything."""
        filters = getattr(getattr(self, "filterset_class", None), "base_filters", {})
        known = [*filters, "cursor", "page_size"]
        unknown = sorted(set(self.request.query_params) - set(known))
        if unknown:
            text = f"There is no such parameter. There are: {', '.join(known)}."
            raise exceptions.ValidationError({name: [text] for name in unknown})


class NowhereView(TenantView):
    """Any other address below the API: JSON, not a page."""

    permission_classes = ()
    schema = None  # type: ignore[assignment]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        hint = "" if request.path.endswith("/") else " Addresses end with a slash."
        raise exceptions.NotFound(f"There is no such address.{hint} All are listed at /api/v1/schema/.")


@contextmanager
def conflicts() -> Iterator[None]:
    """For verbs: a refusal that concerns no field of the request is about the present state, hence 409."""
    try:
        yield
    except ValidationError as error:
        if hasattr(error, "error_dict"):
            raise
        raise ConflictingState(" ".join(error.messages)) from None


@contextmanager
def nested(**parents: Collection[str]) -> Iterator[None]:
    """Moves the errors of inner names under the field of the request that held them: ``config={"base_url", ...}``."""
    try:
        yield
    except ValidationError as error:
        if not hasattr(error, "error_dict"):
            raise
        found: dict[str, Any] = {}
        for name, messages in error.message_dict.items():
            parent = next((parent for parent, names in parents.items() if name in names), None)
            if parent is None or isinstance(found.get(parent), list):
                found[name] = messages
            else:
                found.setdefault(parent, {})[name] = messages
        raise exceptions.ValidationError(found) from None
