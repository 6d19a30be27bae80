"""Which record of the destination a source record is: the open questions, and the answers given."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from mlconnector.pages import TenantRequest, act, number
from mlconnector.tenants.middleware import needs
from mlconnector.tenants.permissions import Action
from syncs.attention import decisions
from syncs.attention import matches as match_selectors
from syncs.models import Record
from syncs.views.found import record_named

MOST_AT_ONCE = 200


@needs(Action.VIEW)
def index(request: TenantRequest) -> HttpResponse:
    page = match_selectors.question_page(request.tenant, after=number(request.GET.get("after")))
    return render(request, "syncs/matches.html", {"page": page, "likely": int(match_selectors.LIKELY * 100)})


@needs(Action.VIEW)
def answers(request: TenantRequest) -> HttpResponse:
    given, more = match_selectors.answer_page(request.tenant, after=number(request.GET.get("after")))
    return render(request, "syncs/answers.html", {"answers": given, "after": more})


@needs(Action.DECIDE)
def decide(request: TenantRequest) -> HttpResponse:
    """All questions of the page that an answer was chosen for."""
    chosen = {}
    for name in request.POST:
        pk = number(name.removeprefix("choice-"))
        if pk is not None and (answer := _answer(request.POST, name)):
            chosen[pk] = answer
    return _decided(request, chosen, "Choose an answer for at least one of them first.")


@needs(Action.DECIDE)
def accept(request: TenantRequest) -> HttpResponse:
    """The suggestion for each of those ticked."""
    ticked = [int(pk) for pk in request.POST.getlist("record") if number(pk)]
    records = _questions(request, ticked)
    suggested = {question.record.pk: question.suggestion for question in match_selectors.questions_of(records)}
    chosen = {pk: {"adopt": best.destination_id} for pk, best in suggested.items() if best is not None}
    return _decided(request, chosen, "Tick the suggestions to accept first.")


@needs(Action.DECIDE)
def withdraw(request: TenantRequest, record_id: int) -> HttpResponse:
    record = record_named(request, record_id)
    return act(
        request,
        lambda: decisions.withdraw(record, actor=request.actor),
        back=reverse("syncs:record", args=[record.pk]),
        done=lambda said: said,
    )


def _answer(given: QueryDict, name: str) -> dict[str, Any]:
    choice, _, id_ = given.get(name, "").partition(":")
    if choice == "adopt" and id_:
        return {"adopt": id_}
    return {choice: True} if choice in ("create", "reject") else {}


def _questions(request: TenantRequest, ids: list[int]) -> list[Record]:
    flows = match_selectors.matching_flows(request.tenant)
    found = match_selectors.open_questions(request.tenant, flows).filter(pk__in=ids[:MOST_AT_ONCE])
    return list(found.select_related("flow__sync"))


def _decided(request: TenantRequest, chosen: dict[int, dict[str, Any]], nothing: str) -> HttpResponse:
    if request.method != "POST":
        return redirect("syncs:matches")
    records = _questions(request, list(chosen))
    if not records:
        messages.error(request, nothing)
        return redirect("syncs:matches")
    try:
        decided = decisions.decide_all(records, chosen, actor=request.actor)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("syncs:matches")
    for text in decided.refused:
        messages.error(request, text)
    if decided.number:
        noun = "answer is" if decided.number == 1 else "answers are"
        messages.success(request, f"{decided.number:,} {noun} noted and carried out by the run that starts now.")
    return redirect("syncs:matches")
