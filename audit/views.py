"""The trail in the browser: search, proof and export."""

from __future__ import annotations

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from audit import exports, proofs, selectors
from audit.page_forms import TrailForm
from audit.reading import read
from mlconnector.pages import TenantRequest, number
from mlconnector.tenants.middleware import needs
from mlconnector.tenants.permissions import Action

PER_PAGE = 50
FORMS = {"csv": "text/csv", "ndjson": "application/x-ndjson"}


@needs(Action.VIEW)
def trail(request: TenantRequest) -> HttpResponse:
    form = TrailForm(request.GET, tenant=request.tenant)
    page = selectors.page(request.tenant.pk, form.filters(), before=number(request.GET.get("before")), size=PER_PAGE)
    context = {
        "form": form,
        "filtered": any(form.cleaned_data.values()) or bool(form.errors),
        "readings": [read(entry) for entry in page.entries],
        "page": page,
        "check": proofs.newest(request.tenant.pk),
    }
    return render(request, "audit/trail.html", context)


@needs(Action.VIEW)
def verify(request: TenantRequest) -> HttpResponse:
    """Asked by htmx every few seconds while a check is under way, it answers with how far that is."""
    if request.method == "POST":
        proofs.start(request.tenant.pk, actor=request.actor)
    elif request.htmx:
        return render(request, "audit/check.html", {"check": proofs.newest(request.tenant.pk)})
    return redirect("audit:trail")


@needs(Action.VIEW)
def export(request: TenantRequest) -> HttpResponse | StreamingHttpResponse:
    """Everything that the filters show, oldest first, as it is read."""
    form = request.GET.get("form", "csv")
    if form not in FORMS:
        return redirect("audit:trail")
    filters = TrailForm(request.GET, tenant=request.tenant).filters()
    lines = selectors.export(request.tenant.pk, filters, form=form)
    whole = filters == selectors.Filters()
    response = StreamingHttpResponse(
        exports.noted(lines, request.tenant.pk, actor=request.actor, form=form, whole=whole),
        content_type=f"{FORMS[form]}; charset=utf-8",
    )
    response["Content-Disposition"] = f'attachment; filename="audit-trail-{timezone.now():%Y-%m-%d}.{form}"'
    return response
