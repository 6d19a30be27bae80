"""What the product offers, for everybody: the integrations, and one of them field by field."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from connections.connectors import registry
from connections.connectors.base import Setting
from syncs import catalogue, selectors
from syncs.engine.flow import FlowDefinition


@dataclass(frozen=True, slots=True)
class OfferedFlow:
    flow: FlowDefinition
    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class Needed:
    """What a connection to a system is asked for, leaving out what has a usual value already."""

    system: str
    settings: list[Setting]


def integrations(request: HttpRequest) -> HttpResponse:
    return render(request, "catalogue.html", {"offers": selectors.offers()})


def integration(request: HttpRequest, integration: str) -> HttpResponse:
    try:
        offer = catalogue.get(integration)
    except KeyError:
        raise Http404 from None
    source, destination = selectors.direction(offer)
    context = {
        "offer": offer,
        "source": source,
        "destination": destination,
        "flows": [OfferedFlow(flow, *selectors.direction(offer, flow)) for flow in offer.flows],
        "needed": [_needed(offer.source), _needed(offer.destination)],
    }
    return render(request, "catalogue_integration.html", context)


def _needed(connector: str) -> Needed:
    kind = registry.get(connector)
    return Needed(kind.label, [setting for setting in kind.settings if not setting.default])
