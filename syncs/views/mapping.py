"""The mapping of a flow: what goes where, a tenant's own fields, and how they were before."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from mlconnector.pages import TenantRequest, number
from mlconnector.tenants.middleware import needs
from mlconnector.tenants.permissions import Action, allowed, require
from syncs.mapping import mappings
from syncs.mapping import pages as mapping_pages
from syncs.mapping.forms import OwnFieldForms
from syncs.models import Flow, Preview
from syncs.previewing import previews
from syncs.views.found import flow_named, sync_named


@needs(Action.VIEW)
def mapping(request: TenantRequest, sync_id: int, key: str) -> HttpResponse:
    """``?now=1`` asks both systems; without it the page shows what was asked lately. ``?version=3`` puts an older
    version into the form, unsaved."""
    flow = flow_named(sync_named(request, sync_id), key)
    if request.method == "POST":
        require(request.role, Action.CONFIGURE)
        return _posted(request, flow)
    if not allowed(request.role, Action.CONFIGURE):
        return _shown(request, flow, None)
    older = _version(flow, number(request.GET.get("version")))
    overrides = flow.mapping_overrides if older is None else older
    return _shown(request, flow, OwnFieldForms.of(flow, overrides), older=older is not None)


def _version(flow: Flow, wanted: int | None) -> dict[str, Any] | None:
    if wanted is None:
        return None
    found = mappings.versions(flow).filter(number=wanted).first()
    if found is None:
        raise Http404
    overrides: dict[str, Any] = found.overrides
    return overrides


def _posted(request: TenantRequest, flow: Flow) -> HttpResponse:
    """Only the two buttons for it save anything; the third, and a form sent by the Enter key, checks."""
    forms = OwnFieldForms(request.POST, flow=flow)
    overrides = forms.overrides()
    try:
        cleaned = mappings.clean(flow, overrides)
        done = _carry_out(request, flow, cleaned)
    except ValidationError as error:
        forms.refuse(error)
        return _shown(request, flow, forms, status=422)
    if done is not None:
        return done
    return _shown(request, flow, OwnFieldForms.of(flow, cleaned), checked=True)


def _carry_out(request: TenantRequest, flow: Flow, cleaned: dict[str, Any]) -> HttpResponse | None:
    how = request.POST.get("do")
    if how not in ("save", "preview"):
        return None
    if mappings.given(cleaned) == mappings.given(flow.mapping_overrides):
        messages.info(request, "Nothing was changed.")
        return redirect("syncs:mapping", flow.sync_id, flow.key)
    if how == "preview":
        proposal = {"flow": flow.key, "overrides": cleaned}
        preview = previews.start(flow.sync, kind=Preview.Kind.MAPPING, proposal=proposal, actor=request.actor)
        return redirect("syncs:preview", preview.pk)
    taken_out = [name for name, _, now in mappings.difference(flow.mapping_overrides, cleaned) if not now]
    version = mappings.save(flow, cleaned, actor=request.actor)
    text = f"Version {version.number} of the mapping is saved. The next run applies it to what is there, too."
    if taken_out:
        text += f" Taken out: {', '.join(taken_out)}. What stands there now stays, and is no longer kept current."
    messages.success(request, text)
    return redirect("syncs:mapping", flow.sync_id, flow.key)


def _shown(
    request: TenantRequest, flow: Flow, forms: OwnFieldForms | None, *, status: int = 200, **more: Any
) -> HttpResponse:
    page = mapping_pages.page_of(flow, ask=request.method == "POST" or "now" in request.GET)
    if forms is not None:
        forms.show_examples(page.sample)
    rows = flow.mapping_overrides.get("fields", ())
    context = {
        "sync": flow.sync,
        "flow": flow,
        "definition": mappings.definition_of(flow),
        "page": page,
        "forms": forms,
        "rows": [
            (row, mappings.place_of(row), mappings.source_of(row), *mapping_pages.example_of(row, page.sample))
            for row in rows
        ],
        "versions": mapping_pages.versions_of(flow),
        **more,
    }
    return render(request, "syncs/mapping.html", context, status=status)
