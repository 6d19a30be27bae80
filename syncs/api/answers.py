"""Answers that more than one view gives: a run to be watched."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.response import Response
from rest_framework.reverse import reverse

from mlconnector.api_views import TenantViewSet
from syncs.api.serializers import ReplayedSerializer, RunSerializer
from syncs.models import Run

RUN_LOCATION = OpenApiParameter(
    "Location",
    OpenApiTypes.URI,
    OpenApiParameter.HEADER,
    description="The run: read it again to watch.",
    response=[202],
)


def where(view: TenantViewSet, run: Run) -> dict[str, str]:
    return {"Location": reverse("api:run-detail", [run.pk], request=view.request)}


def new_or_active(view: TenantViewSet, run: Run, *, new: bool) -> Response:
    code = status.HTTP_202_ACCEPTED if new else status.HTTP_200_OK
    return Response(RunSerializer(run).data, code, headers=where(view, run))


def replayed(view: TenantViewSet, number: int, run: Run | None) -> Response:
    data = ReplayedSerializer({"records": number, "run": run}).data
    if run is None:
        return Response(data)
    return Response(data, status.HTTP_202_ACCEPTED, headers=where(view, run))
